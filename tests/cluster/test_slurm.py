"""The whole command line on a real SLURM of two nodes: whatever is killed, nothing is finished twice, and the report is the same.

Nothing here rests on how fast this machine is: items in flight are held until a trial has done to them what it does.
"""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.run.simulation import Checks, course, timed_processes
from tests.cluster.throwaway import Slurm, missing, until
from tests.proof.smallruns import SmallRun, kill_everything
from tests.small_plan import small_plan

QUICK_SECONDS = 2
QUICK = f"slurm-init-seconds-before-status-checks: {QUICK_SECONDS}\nseconds-between-status-checks: {QUICK_SECONDS}\nlatency-wait: 60\n"
"""So that a test waits for jobs, and not for the next look at them."""

ITEMS = 8
FIRST = ("phrases/all", "benchmarks/hi")
"""Items that nothing has to stand for: a job of each begins at once."""
PATIENCE_SECONDS = 900
"""Half a minute where nothing else runs."""
EMPTY_SECONDS = 60
"""By then, no job of a run that was interrupted is in the queue."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class ClusterRun(SmallRun):
    """A world whose stages are jobs."""

    @staticmethod
    def on(root: Path, settings: str = "", **world: object) -> "ClusterRun":
        """A fresh world, with a profile of the cluster in it."""
        run = ClusterRun(SmallRun.in_folder(root / "world", seconds=0).world)
        run.world.write(**world)
        (run.world.root / "profile").mkdir()
        (run.world.root / "profile/config.yaml").write_text(QUICK + settings)
        return run

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start the command, or the same one again; what judges is a process of this machine unless said otherwise."""
        where = words or ("--judge-here",)
        return self.start("--executor", "slurm", "--cluster-profile", "profile", *where)

    def ends_well(self, process: subprocess.Popen[str], report: bytes) -> None:
        """Wait for its end: it finished, each item was finished once, and the report is that of one machine."""
        _, err = ended(process)
        assert (process.returncode, err) == (0, ""), self.log
        finished = Counter(self.world.counted("end"))
        assert (len(finished), set(finished.values())) == (ITEMS, {1})
        assert self.report == report

    def wait_for_items(self, count: int, begun_before: int = 0) -> None:
        """Until so many more items have been begun."""
        aim = begun_before + count
        until(lambda: self.begun >= aim, f"{aim} items are begun", PATIENCE_SECONDS)

    @property
    def begun(self) -> int:
        """How often an item was begun."""
        return len(self.world.counted("start"))

    @property
    def folder(self) -> Path:
        (path,) = self.world.root.glob("reports/*/")
        return path

    @property
    def log(self) -> str:
        return (self.folder / "run.log").read_text()

    @property
    def job_name(self) -> str:
        """What its jobs are called."""
        return str(
            json.loads((self.folder / ".engine/cluster/config.yaml").read_text())["slurm-jobname-prefix"]
        )

    @property
    def hosts(self) -> set[str]:
        """Where its stages ran."""
        stages = json.loads((self.folder / "execution.json").read_text())["stages"]
        return {place["host"] for stage in stages for place in stage["ran_on"]}


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Output and errors of a command; one that takes too long is ended, and its jobs with it."""
    try:
        return process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=2 * EMPTY_SECONDS)
        raise


@contextmanager
def beside(run: ClusterRun) -> Iterator[tuple[ClusterRun, subprocess.Popen[str]]]:
    """A run that goes on while other trials do."""
    with run.begin() as process:
        try:
            yield run, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.communicate()


@pytest.fixture(scope="session", autouse=True)
def limited(
    slurm: Slurm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ClusterRun, subprocess.Popen[str]]]:
    """A run of which one job meets its time limit, SLURM's shortest."""
    run = ClusterRun.on(
        tmp_path_factory.mktemp("limited"),
        "set-resources: {translations: {runtime: 1}}\n",
        behaviour={"seconds of translations/ml at first": 3600},
    )
    with beside(run) as both:
        yield both


@pytest.fixture(scope="session", autouse=True)
def failing(
    slurm: Slurm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ClusterRun, subprocess.Popen[str]]]:
    """A run of which one job is killed, and then fails for a reason of its own."""
    run = ClusterRun.on(
        tmp_path_factory.mktemp("failing"), behaviour={"phrases/all at first": "die", "phrases/all": "raise"}
    )
    with beside(run) as both:
        yield both


def real_and_simulated_seconds(run: ClusterRun) -> tuple[float, float]:
    """From the first job of an undisturbed run to the end of its last stage: what it was, and what its parts give, put together again."""
    found = timed_processes(small_plan(run.world), run.folder, gpus=2)
    (attempt,) = json.loads((run.folder / "execution.json").read_text())["attempts"]
    simulated = course(found.jobs, at_once=8, gpus=2, checks=Checks(first_seconds=QUICK_SECONDS))
    return attempt["wall_seconds"] - found.around_seconds, simulated.makespan_seconds


def test_undisturbed_on_two_nodes_with_an_accelerator_each(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run = ClusterRun.on(tmp_path, uses_model=True)
    run.ends_well(run.begin("--device", "cuda", "--gpus", "2"), local)
    assert {"node1", "node2"} <= run.hosts
    assert len(run.world.counted("device-0")) == 6, "SLURM gave each job with a model its accelerator"
    (judged,) = map(json.loads, (run.folder / "events/verdicts.jsonl").read_text().splitlines()[-1:])
    assert judged["ran_on"]["host"] in {"node1", "node2"}, "a job judged"
    assert slurm.is_empty(run.job_name)
    assert "is left alone" in missing(), "a second one is not started beside it"
    real, simulated = real_and_simulated_seconds(run)
    # All of it is queue, and a check that comes a moment too early costs as much as a job. docs/scale.md has runs of real length.
    assert real / 3 < simulated < 3 * real
    # Who makes an item is no part of its name: not shared out, and on one machine, all of it is found.
    out, err = ended(run.start("--out", "here"))
    assert ("nothing to do" in out, err) == (True, "")
    assert (run.world.root / "here/report.json").read_bytes() == local


def doctor(store: Path) -> str:
    command = (sys.executable, "-P", "-m", "harness", "doctor", "--executor", "slurm", "--store", str(store))
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    ).stdout


@contextmanager
def own_locks(slurm: Slurm, store: Path) -> Iterator[None]:
    """The nodes see a folder through a file system whose locks end at its host, as Lustre's with `localflock`."""
    layers = store.with_name("layers")
    layers.mkdir()
    slurm.on_every_node(
        f"mount -t tmpfs none {layers} && mkdir {layers}/upper {layers}/work && mount -t overlay none "
        f"-o lowerdir={store},upperdir={layers}/upper,workdir={layers}/work {store}"
    )
    try:
        yield
    finally:
        slurm.on_every_node(f"umount {store} {layers}")


def test_the_doctor_tells_a_store_whose_locks_reach_the_nodes_from_one_whose_do_not(
    tmp_path: Path, slurm: Slurm
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    told = doctor(store)
    assert "sees a lock that is held here, and a new file at once" in told
    assert "the cluster can run it" in told
    with own_locks(slurm, store):
        told = doctor(store)
    assert "does not see a lock that is held here" in told
    assert "the cluster cannot run it yet" in told


def test_killed_and_started_again_while_its_jobs_go_on_and_the_controller_restarts(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run = ClusterRun.on(tmp_path)
    run.world.hold(*FIRST)
    first = run.begin()
    run.wait_for_items(len(FIRST))
    kill_everything(first)
    assert slurm.hosts_at_work(run.job_name), "what was killed here goes on there"
    again = run.begin()
    slurm.end("slurmctld")
    slurm.start_controller()
    jobs_twice = 2 * len(FIRST)
    until(lambda: len(slurm.hosts_at_work(run.job_name)) == jobs_twice, "its stages have a second job each")
    run.world.hold()
    run.ends_well(again, local)
    assert run.begun == ITEMS, "the second job of a stage waited for the first one's items"


def test_a_job_that_meets_its_time_limit_goes_on_from_what_is_finished(
    limited: tuple[ClusterRun, subprocess.Popen[str]], local: bytes
) -> None:
    run, process = limited
    run.ends_well(process, local)
    logs = (run.folder / ".engine/slurm").rglob("*.log")
    assert any("DUE TO TIME LIMIT" in path.read_text() for path in logs), "SLURM ended a job"
    assert Counter(run.world.counted("start")) - Counter(run.world.counted("end")) == {"translations/ml": 1}


def test_a_job_that_was_killed_is_sent_again_and_one_that_said_why_it_failed_is_not(
    failing: tuple[ClusterRun, subprocess.Popen[str]], slurm: Slurm
) -> None:
    run, process = failing
    _, err = ended(process)
    assert (process.returncode, "the sky fell" in err) == (3, True), run.log
    # Four times without it; once more than twice where this process is too busy to read what the stage said before SLURM is asked.
    assert 2 <= run.world.counted("start").count("phrases/all") < 4
    assert slurm.is_empty(run.job_name)


def test_an_interrupted_run_leaves_no_job_and_a_node_that_fails_loses_nothing(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run = ClusterRun.on(tmp_path)
    run.world.hold(*FIRST)
    for number in (signal.SIGINT, signal.SIGTERM):
        before, process = run.begun, run.begin()
        run.wait_for_items(1, before)
        process.send_signal(number)
        until(lambda: slurm.is_empty(run.job_name), "the queue is empty", EMPTY_SECONDS)
        ended(process)
        assert process.returncode == 128 + number
    before, process = run.begun, run.begin()
    run.wait_for_items(len(FIRST), before)
    (name, *_) = slurm.hosts_at_work(run.job_name)
    subprocess.run(["scontrol", "update", f"nodename={name}", "state=down", "reason=trial"], check=True)
    # It comes back by itself when it next answers; what it did is queued again at once.
    run.wait_for_items(len(FIRST) + 1, before)
    run.world.hold()
    run.ends_well(process, local)
