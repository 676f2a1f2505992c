"""A SLURM to throw away: two nodes on this machine, each a host of its own, with a controller and a stand-in for an accelerator.

Each node has a name, a process table and process numbers of its own, as two machines have; what they share is the disk. Needs
root, Linux, and Debian's slurm-wlm and munge. SLURM's clients look for their settings in one place only, so that what stands in
/etc/slurm is kept and put back.
"""

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SETTINGS = Path("/etc/slurm")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "unshare", "nsenter", "runuser")
NODES = {"node1": 26818, "node2": 26819}
PATIENCE_SECONDS = 300
"""A few seconds where nothing else runs."""

SLURM_CONF = """\
ClusterName=throwaway
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge/socket,cred_expire=10
CredType=cred/munge
SlurmctldPort=26817
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldLogFile={place}/log/slurmctld.log
SlurmdLogFile={place}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
JobRequeue=1
MinJobAge=300
KillWait=5
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
{nodes}
PartitionName=main Nodes={names} Default=YES MaxTime=01:00:00 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=16000 Gres=gpu:1 State=UNKNOWN"
"""More than is there: what jobs of several runs do most of the time is wait."""
GRES_CONF = "AutoDetect=off\n" + "".join(f"NodeName={name} Name=gpu File=/dev/full\n" for name in NODES)
"""A GPU is a character device to SLURM; a plain file is none."""


def missing() -> str:
    """What a SLURM takes and this machine lacks, or has too much of."""
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"no {', '.join(absent)} here: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root makes hosts"
    if is_alive():
        return "a SLURM is at work on this machine, which is left alone"
    return ""


def is_alive() -> bool:
    """Whether some SLURM runs on this machine."""
    return any(each.info["name"] in {"slurmctld", "slurmd"} for each in psutil.process_iter(["name"]))


def said(*words: str) -> str:
    """What a command answers; nothing where it fails, or has not answered for long."""
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout
    return ""


@dataclass
class Slurm:
    """The daemons, and where they keep what they know."""

    place: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        munge = self.place / "munge"
        self._daemon(
            "munged", "runuser", "-u", "munge", "--", "munged", "--foreground", f"--key-file={munge}/key",
            f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed",
        )  # fmt: skip
        until((munge / "socket").exists, "munged opens its socket")
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        until(
            lambda: said("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES),
            "both nodes are idle",
        )

    def start_controller(self) -> None:
        self._daemon("slurmctld", "slurmctld", "-D")

    def start_node(self, name: str) -> None:
        self._daemon(
            name, "unshare", "--pid", "--uts", "--mount", "--fork", "--mount-proc", "--kill-child",
            "sh", "-c", f"hostname {name}; exec slurmd -D -N {name}",
        )  # fmt: skip

    def end(self, name: str) -> None:
        """End one daemon that this started; a node ends with all that runs on it, as by a power cut."""
        daemon = self.running.pop(name)
        # What stands before a node passes nothing on but its own end; the others are asked.
        daemon.kill() if name in NODES else daemon.terminate()
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(timeout=20)
            return
        daemon.kill()
        daemon.wait()

    def is_empty(self, name: str) -> bool:
        """Whether no job of a run waits, runs or is on its way out; a queue that does not answer is not empty."""
        end = "end of the queue"
        told = said("sh", "-c", f"squeue -h -o %j && echo {end}").splitlines()
        return told[-1:] == [end] and not any(job.startswith(name) for job in told)

    def hosts_at_work(self, name: str) -> list[str]:
        """Nodes that run a job of a run."""
        lines = [line.split() for line in said("squeue", "-h", "-t", "RUNNING", "-o", "%N %j").splitlines()]
        return [host for host, job in lines if job.startswith(name)]

    def on_every_node(self, command: str) -> None:
        """Run a line of shell in the mounts of each node, which neither this host nor another node sees."""
        for node in NODES:
            (init,) = psutil.Process(self.running[node].pid).children()
            subprocess.run(
                ["nsenter", f"--target={init.pid}", "--mount", "--pid", "sh", "-c", command], check=True
            )

    def _daemon(self, name: str, *words: str) -> None:
        with (self.place / f"{name}.out").open("ab") as out:
            self.running[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )


def until(holds: object, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something.

    Raises:
        TimeoutError: If it does not come.
    """
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)


@contextmanager
def throwaway() -> Iterator[Slurm]:
    """A SLURM, for as long as the block lasts."""
    place = Path(tempfile.mkdtemp(prefix="throwaway-slurm-"))
    place.chmod(0o755)  # munge's own user has to come by
    for name in ("state", "log", "munge", *(f"spool-{node}" for node in NODES)):
        (place / name).mkdir()
    (place / "munge/key").write_bytes(os.urandom(128))
    for path in (place / "munge", place / "munge/key"):
        shutil.chown(path, "munge", "munge")
    (place / "munge/key").chmod(0o600)
    slurm = Slurm(place)
    with settings(place):
        try:
            slurm.start()
            yield slurm
        finally:
            said("scancel", "--me", "--full")
            for name in reversed(list(slurm.running)):
                slurm.end(name)
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def settings(place: Path) -> Iterator[None]:
    """SLURM's settings where its clients look for them, and what stood there put back behind them."""
    host = platform.node()
    nodes = "\n".join(NODE.format(name=name, host=host, port=port) for name, port in NODES.items())
    conf = SLURM_CONF.format(host=host, place=place, nodes=nodes, names=",".join(NODES))
    kept: dict[Path, bytes | None] = {}
    SETTINGS.mkdir(exist_ok=True)
    try:
        for name, text in (("slurm.conf", conf), ("gres.conf", GRES_CONF)):
            path = SETTINGS / name
            kept[path] = path.read_bytes() if path.exists() else None
            path.write_text(text)
        yield
    finally:
        for path, content in kept.items():
            path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
