"""A cluster as the place of stages: what an executor of Snakemake is told, what each job asks for, how a queue is emptied again."""

import json
import math
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.run.forecast import Rates, accelerator_bytes, projection
from harness.store.environment import child_environment
from harness.store.files import held_alone, take_lock, write_whole
from harness.store.provenance import is_installed
from harness.words.canonical import Json
from harness.words.errors import HarnessError, SettingError, StoreError, UsageError
from harness.words.plan import Plan, Stage
from harness.words.study import Profile

SLURM = "slurm"

JOB_VARIABLE = "SLURM_JOB_ID"
"""Variable that says which job of SLURM a process belongs to."""

PROFILE_FILES = ("config.yaml", "profile.yaml")
"""What Snakemake calls the file of a profile."""

USUAL: Mapping[str, Json] = {
    "jobs": 8,
    # Network file systems tell other hosts of a new file late.
    "latency-wait": 120,
    # A job that met its time limit, or lost its node, goes on from what is finished.
    "retries": 3,
}
"""What an executor is told unless the profile says otherwise."""

CHECK_SECONDS = 15
"""How long an engine waits before it asks SLURM again how jobs fare, as long as some have ended since it last did."""

USUAL_OF_SLURM: Mapping[str, Json] = {
    "slurm-keep-successful-logs": True,
    # What a node that fails was doing starts again elsewhere, at SLURM's own hand.
    "slurm-requeue": True,
    "slurm-init-seconds-before-status-checks": CHECK_SECONDS,
}

ANSWER_SECONDS = 60.0
"""How long a command of the cluster may take; a scheduler's own round takes half a minute."""

STOP_SECONDS, STOP_SECONDS_OF_SLURM = 60.0, 20.0
"""How long an engine may take to cancel its jobs and to end; SLURM's jobs are cancelled beside it."""

PROBE_SECONDS = 60
"""How long a node may take to come free and say what it sees."""

COMMAND = (sys.executable, "-P", "-m", "harness")
"""The command line without the folder that it is started in: a `harness.py` there would be run in its place."""

GIB = 2**30
BASE_MEMORY_BYTES = 8 * GIB
"""What a process takes beside its model's weights: libraries, tables, the page cache of what it writes."""

COMMITTED_MEMORY_BYTES = 2 * GIB
"""What it takes in a committed world, model and all."""

MIN_MINUTES, MARGIN = 30, 3
"""A job asks for so many times what is planned, and for so long at least."""

VERDICTS = "verdicts"
"""The job that judges, when every stage stands."""

JUDGING_MINUTES = 120
"""How long it may take at true sizes."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the stages of a run are sent."""

    executor: str
    """Executor plugin of Snakemake, such as "slurm"."""
    profile: Path | None = None
    """Folder of the user's own Snakemake profile: partition, account, constraints."""
    jobs: int | None = None
    """Jobs in the queue at once, where the profile is not to decide."""
    gpus: int | None = None
    """Jobs that share out a stage with a model, where the study's profile is not to decide."""
    judge_here: bool = False
    """Judge on the host that asks, instead of in a last job."""
    settings: Mapping[str, Any] = field(init=False, repr=False)
    """What the user's profile says."""

    def __post_init__(self) -> None:
        """Refuse at once what no job could be sent by.

        Raises:
            UsageError: If the profile is none.
            SettingError: If the executor's plugin, or the cluster's own commands, are not here.
        """
        if not is_installed(f"snakemake-executor-plugin-{self.executor}"):
            cure = "pip install 'replication-harness[slurm]'" if self.executor == SLURM else "install it"
            raise SettingError(
                f"--executor {self.executor} needs the package snakemake-executor-plugin-{self.executor}, which is not here; {cure}, "
                "or leave --executor away to run on this machine"
            )
        if self.executor == SLURM and shutil.which("sbatch") is None:
            raise SettingError(
                "--executor slurm needs SLURM's commands, and there is no sbatch on this machine; start it on a login node of the "
                "cluster, or leave --executor away to run on this machine"
            )
        object.__setattr__(self, "settings", _settings(self.profile))

    def words(self) -> list[str]:
        """The options of the command line that ask for it."""
        words = ["--executor", self.executor]
        words += ["--cluster-profile", str(self.profile)] if self.profile else []
        words += ["--jobs", str(self.jobs)] if self.jobs else []
        return words + (["--judge-here"] if self.judge_here else [])

    def profile_for(self, name: str) -> dict[str, Json]:
        """The profile that the engine hands to Snakemake: what is usual, what the user says, what a run cannot do without.

        Args:
            name: What its jobs are called.
        """
        is_slurm = self.executor == SLURM
        usual = {**USUAL, **USUAL_OF_SLURM, **_status_command()} if is_slurm else USUAL
        own = {
            key: value for key, value in self.settings.items() if key not in {"set-resources", "snakefile"}
        }
        asked: dict[str, Json] = {"executor": self.executor}
        if is_slurm:
            asked |= {"slurm-jobname-prefix": name, "slurm-logdir": SLURM}
        if self.jobs:
            asked["jobs"] = self.jobs
        if self.gpus:
            asked["resources"] = {**own.get("resources", {}), "gpu": self.gpus}
        return {**usual, **own, **asked}

    def shards(self, profile: Profile) -> int:
        """Jobs that share out a stage with a model, if it has as many items."""
        return self.gpus or profile.shards

    def resources(self, plan: Plan, stage: Stage, device: str, *, parts: int) -> dict[str, Json]:
        """What a job of a stage asks for, from what the plan foresees; the user's profile has the last word.

        Args:
            plan: Whose stage it is.
            stage: Which.
            device: Where its networks run.
            parts: Jobs that share its items.
        """
        asked: dict[str, Json] = {"mem_mb": _memory_mb(plan, stage, device)}
        asked["runtime"] = _minutes(plan, stage, parts)
        if stage.uses_model and device != "cpu":
            asked["gpu"] = 1
        return self._settled(stage.name, asked)

    def resources_of_verdicts(self, profile: Profile) -> dict[str, Json]:
        """What the job asks for that judges."""
        memory = COMMITTED_MEMORY_BYTES if profile.is_committed else BASE_MEMORY_BYTES
        minutes = MIN_MINUTES if profile.is_committed else JUDGING_MINUTES
        return self._settled(VERDICTS, {"mem_mb": memory // 2**20, "runtime": minutes})

    def _settled(self, job: str, asked: Mapping[str, Json]) -> dict[str, Json]:
        own = self.settings.get("set-resources", {}).get(job, {})
        return {**asked, **self.settings.get("default-resources", {}), **own}

    @property
    def stop_seconds(self) -> float:
        """How long its engine may take to end."""
        return STOP_SECONDS_OF_SLURM if self.executor == SLURM else STOP_SECONDS

    def cancel(self, name: str, *, waiting_only: bool = False) -> None:
        """Take the jobs of a run out of the queue; SLURM's own end with the engine on other executors.

        Args:
            name: What they are called.
            waiting_only: Leave those that run: what they are making is found when it is finished.
        """
        if self.executor != SLURM:
            return
        states = ["--states", "PENDING"] if waiting_only else []
        listed = _answer("squeue", "--noheader", "--me", "--format", "%i %j", *states).splitlines()
        jobs = [
            number
            for number, _, called in (line.strip().partition(" ") for line in listed)
            if called.startswith(f"{name}_")
        ]
        if jobs:
            _answer("scancel", *jobs)

    def partition(self, asked: Mapping[str, Json]) -> "Partition | None":
        """Where a job goes that asks for these resources; None where the cluster has no such place."""
        named = asked.get("slurm_partition")
        lines = _answer("sinfo", "--noheader", "--format", "%P|%G|%m|%l|%a").splitlines()
        partitions = [Partition.read(line) for line in lines]
        fitting = [each for each in partitions if each.name == named or (named is None and each.is_usual)]
        # One partition may stand in several lines, a kind of node each.
        return max(fitting, key=lambda each: ("gpu" in each.resources, each.memory_mb), default=None)

    def probe(self, store: Path, asked: Mapping[str, Json], downloads: Sequence[Path] = ()) -> str:
        """What a node sees of the store while this host holds a lock there: its name, where all is well.

        Args:
            store: The folder.
            asked: Resources that jobs ask for.
            downloads: Folders of what is fetched, which jobs fetch no more.

        Raises:
            StoreError: If a node does not see the lock, the file that was published a moment ago, or a download.
            HarnessError: If no node answers.
        """
        options = {"--partition": asked.get("slurm_partition"), "--account": asked.get("slurm_account")}
        words = [f"{option}={value}" for option, value in options.items() if value]
        with probed(store) as name:
            told = _answer(
                "srun", "--ntasks=1", "--mem=1000", "--time=5", f"--immediate={PROBE_SECONDS}", "--quiet", *words,
                *COMMAND, "store", "probe", name, "--store", str(store.absolute()),
                *(word for folder in downloads for word in ("--download", str(folder.absolute()))),
                seconds=2 * PROBE_SECONDS,
            )  # fmt: skip
        try:
            seen = Sight(**json.loads(told))
        except (ValueError, TypeError) as error:
            raise HarnessError(
                f"no node answered within {PROBE_SECONDS} s what it sees of {store}; ask again when the queue is shorter, and look "
                "whether 'srun hostname' answers"
            ) from error
        if not seen.is_file_seen or not seen.is_lock_seen:
            what = "a lock that is held here" if seen.is_file_seen else "a file that was written here"
            raise StoreError(
                f"{seen.host} does not see {what}, in {store}; name a folder on a file system that all nodes share, and that passes "
                "locks on between them, with --store"
            )
        if seen.unseen_downloads:
            raise StoreError(
                f"{seen.host} does not see {seen.unseen_downloads[0]}, where what is fetched lies, and jobs ask for no network; name a "
                "folder that all nodes share with HF_HOME, and fetch it there: harness fetch"
            )
        return seen.host


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One place of SLURM's that jobs are sent to."""

    name: str
    is_usual: bool
    """True of the one for jobs that name none."""
    resources: str
    """What its nodes have besides processors, as "gpu:h100:4"."""
    memory_mb: int
    """Of a node."""
    minutes: float
    """How long a job may take."""
    is_up: bool

    @classmethod
    def read(cls, line: str) -> "Partition":
        """A line of sinfo, with name, other resources, memory, time limit and state."""
        name, resources, memory, limit, state = line.split("|")
        return cls(
            name=name.rstrip("*"),
            is_usual=name.endswith("*"),
            resources=resources,
            memory_mb=int(memory.rstrip("+")),
            minutes=_minutes_of(limit),
            is_up=state == "up",
        )


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one host sees of what another one does in a folder."""

    host: str
    is_lock_seen: bool
    is_file_seen: bool
    unseen_downloads: tuple[str, ...] = ()
    """Folders of what the other one has fetched that are not there."""


@contextmanager
def probed(store: Path) -> Iterator[str]:
    """A lock held and a file published in a store, by the name that is given, for another host to look at."""
    name = uuid4().hex
    lock, file = _probe_files(store, name)
    try:
        with held_alone(lock, "the probe"):
            write_whole(file, name)
            yield name
    finally:
        for path in (lock, lock.with_suffix(".pid"), file):
            path.unlink(missing_ok=True)


def sight(store: Path, name: str, downloads: Sequence[Path] = ()) -> Sight:
    """What this host sees of a probe, and of folders of what another one has fetched."""
    lock, file = _probe_files(store, name)
    is_file_seen = file.is_file() or (store.is_dir() and file.name in {path.name for path in store.iterdir()})
    is_lock_seen = False
    if lock.is_file():
        with lock.open("ab") as stream:
            is_lock_seen = not take_lock(stream)
    unseen = tuple(str(folder) for folder in downloads if not folder.is_dir())
    return Sight(
        host=platform.node(), is_lock_seen=is_lock_seen, is_file_seen=is_file_seen, unseen_downloads=unseen
    )


def _probe_files(store: Path, name: str) -> tuple[Path, Path]:
    return store / f".probe-{name}.lock", store / f".probe-{name}.txt"


def _minutes_of(limit: str) -> float:
    """A time limit as SLURM writes it, such as "2-12:00:00", "30:00" or "infinite"."""
    days, _, clock = limit.rpartition("-")
    try:
        parts = [int(part) for part in clock.split(":")]
    except ValueError:
        return math.inf
    minutes = sum(part * 60.0 ** (place - 1) for place, part in enumerate(reversed(parts)))
    return 24 * 60 * int(days or 0) + minutes


def _settings(folder: Path | None) -> Mapping[str, Any]:
    """What a user's profile says.

    Raises:
        UsageError: If there is none, or it is no profile.
    """
    if folder is None:
        return {}
    import yaml

    file = next((folder / name for name in PROFILE_FILES if (folder / name).is_file()), None)
    if file is None:
        raise UsageError(
            f"--cluster-profile {folder} is no profile of Snakemake: expected a folder with a {PROFILE_FILES[0]}, in which "
            "'default-resources' says which partition and account jobs go to; docs/cluster.md has one"
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file} cannot be read ({' '.join(str(error).split())}); mend it") from error
    tables = ("resources", "default-resources", "set-resources")
    if not isinstance(content, dict) or not all(isinstance(content.get(each, {}), dict) for each in tables):
        raise UsageError(
            f"{file} is no profile: expected options of Snakemake by name, and {', '.join(tables)} as tables such as "
            "{slurm_partition: gpu}; docs/cluster.md has one"
        )
    rules = content.get("set-resources", {})
    if wrong := next((rule for rule, asked in rules.items() if not isinstance(asked, dict)), None):
        raise UsageError(
            f"{file}: set-resources of {wrong} is no table; write it as {{{wrong}: {{runtime: 720}}}}"
        )
    return {key: _placed(folder, value) for key, value in content.items()}


def _placed(folder: Path, value: Any) -> Any:  # noqa: ANN401  whatever a profile says
    """A file that lies in the profile, by its whole path: the engine works elsewhere."""
    if isinstance(value, str) and (folder / value).is_file():
        return str((folder / value).absolute())
    return value


def _memory_mb(plan: Plan, stage: Stage, device: str) -> int:
    study, profile = plan.study, plan.profile
    if profile.is_committed:
        return COMMITTED_MEMORY_BYTES // 2**20
    if not stage.uses_model:
        return BASE_MEMORY_BYTES // 2**20
    if device == "cpu":
        held = accelerator_bytes(study, profile)
    else:
        held = (4 if profile.sizes.dtype == "float32" else 2) * study.shapes.parameters
    return math.ceil((held + BASE_MEMORY_BYTES) / 2**20)


def _minutes(plan: Plan, stage: Stage, parts: int) -> int:
    if plan.profile.is_committed:
        return MIN_MINUTES
    planned = next(each.seconds for each in projection(plan, Rates()) if each.stage == stage.name)
    largest_share = math.ceil(len(stage.items) / parts) / len(stage.items)
    return max(MIN_MINUTES, math.ceil(MARGIN * planned * largest_share / 60))


def _status_command() -> Mapping[str, Json]:
    """How jobs are asked after: SLURM's accounts where it keeps some, else its queue."""
    keeps_accounts = "accounting_storage/none" not in _answer("scontrol", "show", "config")
    return {} if keeps_accounts else {"slurm-status-command": "squeue", "slurm-no-account": True}


def queued_seconds() -> float | None:
    """How long ago the job was sent that this process belongs to; None where it is no job of SLURM, or SLURM cannot be asked."""
    job = os.environ.get(JOB_VARIABLE)
    sent = job and _answer("squeue", "--noheader", "--jobs", job, "--format", "%V").strip()
    try:
        # Both in this host's own time, as squeue tells it.
        return (datetime.now() - datetime.fromisoformat(sent)).total_seconds() if sent else None  # noqa: DTZ005
    except ValueError:
        return None


def _answer(*words: str, seconds: float = ANSWER_SECONDS) -> str:
    """What a command of the cluster says; nothing where it fails or does not answer, as while a controller is down."""
    try:
        return subprocess.run(
            words, env=child_environment(), capture_output=True, timeout=seconds, check=True, text=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
