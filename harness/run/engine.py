"""The only door to Snakemake: the plan becomes its wiring, its process is started, watched and stopped."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import IO

from harness.run import forkserver
from harness.run.artifacts import Recipes
from harness.run.cluster import COMMAND, VERDICTS, Cluster
from harness.sources.pins import decisions_to_share, is_fetched
from harness.store.code_digest import installed_libraries
from harness.store.environment import child_environment
from harness.store.files import (
    BusyError,
    disk_errors,
    process_space,
    take_lock,
    write_json,
    write_whole,
)
from harness.store.provenance import VISIBLE_VARIABLE
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.words.canonical import Json, text_digest
from harness.words.errors import ExitCode, StageFailedError
from harness.words.plan import Part, Stage
from harness.words.specification import Grid

SNAKEFILE = Path(__file__).with_name("Snakefile")

TICK_SECONDS = 0.5
"""How often the engine is looked at."""

CACHE_VARIABLE = "XDG_CACHE_HOME"
"""Snakemake must not need a home folder; the stages keep the caches that the caller has."""

PLACE_VARIABLES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_XET_CACHE")
"""Variables that say where downloads lie."""

WIRING, JUDGING = "wiring.json", "judging.json"
"""Files of the engine's own that say which process makes what: every stage, and the report of all of them."""

PARTS = "parts"
"""Folder of the engine's own that says which parts of stages are made; what counts is in the store."""

CLUSTER = "cluster"
"""Folder of the engine's own that holds what Snakemake is told of a cluster."""

MEMORY_VARIABLE = "GLIBC_TUNABLES"
"""Variable that tells the C library how to keep memory."""

KEPT_MEMORY = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {
        "hugetlb": 1,
        "mmap_threshold": 32 << 20,
        "trim_threshold": 256 << 20,
        "top_pad": 16 << 20,
    }.items()
)
"""What a stage on a processor frees stays with it, in large pages, for the next batch.

Given back and asked for anew it is cleared page by page: 73,000 page faults in two cells of the miniature's benchmarks, and 4,000 so.
"""

GRACE_SECONDS = 5.0
"""How long stages may take to stop before they are killed."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runs the stages of one plan that have no index yet."""

    recipes: Recipes
    run: RunFolder
    store: Path
    study: str
    profile: str
    sizes: Path | None = None
    """File of other sizes than the registered ones."""
    grid: Grid | None = None
    """Which specifications to compute beside the primary one, where it is not the study's own."""
    device: str
    cores: int
    devices: tuple[str, ...] = ()
    """Accelerators, as `CUDA_VISIBLE_DEVICES` spells them: each serves one stage, or a part of one, at a time.

    With fewer than two, processes see what this one sees.
    """
    cluster: Cluster | None = None
    """Where stages are sent; None runs them on this machine."""
    command: tuple[str, ...] = COMMAND
    """How a stage is started; an auditor starts it the same way by hand."""

    def make(self, on_tick: Callable[[], None]) -> None:
        """Make what is missing; `on_tick` is called twice a second meanwhile.

        Raises:
            StageFailedError: If a stage failed; says what the stage said.
        """
        self.wire()
        self._follow(WIRING, on_tick)
        stages = [stage.name for stage in self.recipes.plan.stages]
        if missing := [name for name in stages if not self.run.index(name).exists()]:
            raise self._failure(missing)
        self._expect_own_keys()

    def judge(self, words: Sequence[str], on_tick: Callable[[], None]) -> None:
        """Have the claims judged and the report written by one more job of the cluster.

        Args:
            words: What is asked of the judge, as options of its command.
            on_tick: Called twice a second meanwhile.

        Raises:
            StageFailedError: If the job failed; says what it said.
        """
        assert self.cluster
        mark = f"{PARTS}/{VERDICTS}"
        job: Json = {
            "rule": VERDICTS,
            "inputs": [],
            "output": mark,
            "is_part": True,
            "key": self.recipes.run_id(),
            "priority": 0,
            "threads": self.recipes.plan.profile.sizes.threads,
            "resources": self.cluster.resources_of_verdicts(self.recipes.plan.profile),
            "is_local": False,
            "command": _shell(self._harness(VERDICTS, *words)),
        }
        self._set_up(JUDGING, [job])
        self._follow(JUDGING, on_tick)
        if not (self.run.engine / mark).exists():
            raise self._failure([VERDICTS])

    def _follow(self, wiring: str, on_tick: Callable[[], None]) -> None:
        """Start the engine on one file of wiring, and stay until it has ended."""
        self.run.forget_failures()
        with disk_errors(self.run.log), self.run.log.open("ab") as log, self._alone() as lock:
            # What stands is known from the store; notes of an earlier engine may be torn, and are not asked.
            for notes in (".snakemake", PARTS):
                shutil.rmtree(self.run.engine / notes, ignore_errors=True)
            if self.cluster:
                # What a killed engine left in the queue is asked for again; what runs already goes on, and is found.
                self.cluster.cancel(self.job_name, waiting_only=True)
            # A session of its own: a signal from the keyboard reaches this process alone, which stops all.
            child = subprocess.Popen(
                self._command(wiring), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self.run.engine, env={**child_environment(), **self._surroundings()},
                pass_fds=(lock.fileno(),),
            )  # fmt: skip
            try:
                write_whole(self._group, f"{child.pid} {process_space()}\n")
                _watch(child, self._sending_nothing_twice(child, on_tick) if self.cluster else on_tick)
            finally:
                self._stop(child)

    def _sending_nothing_twice(
        self, child: subprocess.Popen[bytes], on_tick: Callable[[], None]
    ) -> Callable[[], None]:
        """The same call, which besides ends an engine whose jobs would fail again: those that run finish, no other is sent.

        Retries are for jobs that are killed, by whomever, or meet a host that lacks something. What a stage itself ends with is the
        same everywhere, and is written down before the engine asks how its job fared.
        """
        is_told = False

        def look() -> None:
            nonlocal is_told
            on_tick()
            if not is_told and not all(failure.is_of_its_host for failure in self.run.read_failures()):
                child.terminate()
                is_told = True

        return look

    def wire(self) -> None:
        """Write down which process makes what, from what and by which command, for any engine to follow.

        It stands in the engine's own folder, so that no path has to be a word of its command.
        """
        self._set_up(WIRING, [job for stage in self.recipes.plan.stages for job in self._jobs(stage)])

    def _set_up(self, wiring: str, jobs: list[Json]) -> None:
        write_json(self.run.engine / wiring, jobs)
        if self.cluster:
            write_json(self.run.engine / CLUSTER / "config.yaml", self.cluster.profile_for(self.job_name))

    def _command(self, wiring: str = WIRING) -> list[str]:
        """How the engine is started: where stages may be copies of one process, by that process."""
        cache = f"{CACHE_VARIABLE}={(self.run.engine / 'cache').absolute()}"
        words = ["env", cache, *self._words(wiring)]
        # A copy has no accelerator, and runs no other environment than this one.
        if self.cluster or self.device != "cpu" or self.command[0] != sys.executable:
            return words
        threads = str(self.recipes.plan.profile.sizes.threads)
        return [sys.executable, "-m", forkserver.__name__, threads, json.dumps(self._modules()), *words]

    def _modules(self) -> list[str]:
        """What the missing stages load, of the large libraries for networks those alone that their code names."""
        missing = [stage for stage in self.recipes.plan.stages if not self.run.index(stage.name).exists()]
        libraries = frozenset[str]().union(
            *(installed_libraries(stage.module) for stage in missing if stage.uses_model)
        )
        loaded = (name for name in forkserver.LOADED_WHEN_RUN if name.partition(".")[0] in libraries)
        return sorted({*(stage.module for stage in missing), *forkserver.LOADED_BY_ALL, *loaded})

    def _words(self, wiring: str = WIRING) -> list[str]:
        here = [
            "--cores", str(self.cores), "--resources", *(f"{name}=1" for name in self._slots()), "--latency-wait", "1",
            # Whatever this user has set up for other workflows stays out.
            "--profile", "none",
        ]  # fmt: skip
        return [
            sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--nolock", "--rerun-incomplete",
            "--rerun-triggers", "params", "--quiet", "progress", "rules", "--workflow-profile", "none",
            "--config", f"wiring={wiring}",
            *(["--profile", CLUSTER] if self.cluster else here),
        ]  # fmt: skip

    @property
    def job_name(self) -> str:
        """What jobs of this run are called in a queue: no other run's are, not even of the same inputs in another folder."""
        folder = text_digest(str(self.run.root.absolute()))
        return f"harness-{self.recipes.run_id()[:12]}-{folder[:8]}"

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        """End the engine and every stage it started; a no-op once they have ended."""
        was_running = child.poll() is None
        if self.cluster and was_running:
            # Snakemake cancels its jobs on an interrupt alone, and none that it is asking after just then; the commands
            # by which it asks are in its group, and are left to answer.
            child.send_signal(signal.SIGINT)
            self.cluster.cancel(self.job_name)
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=self.cluster.stop_seconds)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not _signal_group(child.pid, number):
                break
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=GRACE_SECONDS)
        # Stages may outlive the engine that started them; none outlives this.
        _signal_group(child.pid, signal.SIGKILL)
        if self.cluster and was_running:
            # What it was still sending meanwhile.
            self.cluster.cancel(self.job_name)

    def stage_command(self, stage: str, part: Part | None = None) -> tuple[str, ...]:
        """The plain command that makes one stage, or a part of it."""
        return (*self._harness("stage", stage), *(("--part", str(part)) if part else ()))

    def _harness(self, *words: str) -> tuple[str, ...]:
        """A command of the harness about this run."""
        options: Mapping[str, str] = {
            "--study": self.study,
            "--profile": self.profile,
            "--device": self.device,
            "--store": str(self.store.absolute()),
            "--run": str(self.run.root.absolute()),
            **({"--sizes": str(self.sizes.absolute())} if self.sizes else {}),
            **({"--grid": str(self.grid)} if self.grid else {}),
        }
        return (*self.command, *words, *(word for pair in options.items() for word in pair))

    @contextmanager
    def _alone(self) -> Iterator[IO[bytes]]:
        """A lock that the engine inherits, so that it is held for as long as one lives.

        An engine outlives a command that was killed, and two of them in one folder would remove each other's outputs:
        the older one is ended, with every stage it started.
        """
        with (self.run.engine / "lock").open("ab") as lock:
            while not take_lock(lock):
                # The file may be on its way yet: whoever holds the lock writes it a moment later.
                with suppress(FileNotFoundError, ValueError):
                    _end_group(self._group.read_text(encoding="ascii"))
                time.sleep(TICK_SECONDS)
            yield lock

    @property
    def _group(self) -> Path:
        """File that holds the process group of the engine and of all that it started here, and where that is."""
        return self.run.engine / "group"

    def _surroundings(self) -> Mapping[str, str]:
        """Variables of the engine and of every stage below it."""
        folder = self.run.engine.absolute()
        # Where downloads lie, as the caller's folder sees it: the engine and its stages work in another one.
        places = {name: os.environ.get(name, "") for name in PLACE_VARIABLES}
        return {
            **_person_in(folder),
            **{
                name: str(Path(place).absolute())
                for name, place in places.items()
                if place and not place.startswith(("/", "~", "$"))
            },
            **self._offline(),
            **self._memory(),
            **decisions_to_share(self.recipes.plan.profile.sources.pins()),
        }

    def _offline(self) -> Mapping[str, str]:
        """Nodes of a cluster often have no network: where all is fetched, none is asked for."""
        if self.cluster is None or not is_fetched(self.recipes.plan.profile.sources.pins()):
            return {}
        return {"HF_HUB_OFFLINE": "1"}

    def _memory(self) -> Mapping[str, str]:
        """Where networks run on this machine's processor, how memory is kept, unless the caller has said it."""
        if self.cluster or self.device != "cpu":
            return {}
        return {MEMORY_VARIABLE: os.environ.get(MEMORY_VARIABLE) or KEPT_MEMORY}

    def _slots(self) -> tuple[str, ...]:
        """Resources that stages with a model take one of: the accelerators."""
        return tuple(f"gpu_{place}" for place in range(max(1, len(self.devices))))

    def _jobs(self, stage: Stage) -> Iterator[Json]:
        """The processes that make a stage: one, or one for each accelerator and then one that finds and publishes all of it."""
        inputs: list[Json] = [self._index(name) for name in stage.needs]
        output = self._index(stage.name)
        slots, place = self._slots(), self.recipes.plan.stages.index(stage)
        most = self.cluster.shards(self.recipes.plan.profile) if self.cluster else len(slots)
        count = min(most, len(stage.items)) if stage.uses_model else 1
        if count == 1:
            # Stages that cannot be shared out take turns on the accelerators.
            slot = place % len(slots) if self._wants_accelerator(stage) else None
            yield self._job(stage, inputs=inputs, output=output, asks=self._asks(stage, slot), slot=slot)
            return
        parts = [Part(number=number, of=count) for number in range(1, count + 1)]
        marks = [f"{PARTS}/{stage.name}-{part.number}" for part in parts]
        for place, (part, mark) in enumerate(zip(parts, marks, strict=True)):
            slot = place % len(slots)
            asks = self._asks(stage, slot, parts=count)
            yield self._job(stage, inputs=inputs, output=mark, asks=asks, slot=slot, part=part)
        # Nothing is left to make: on a cluster, its parts are found and published by the host that asked for them.
        yield self._job(stage, inputs=[*inputs, *marks], output=output, asks={})

    def _asks(self, stage: Stage, slot: int | None, *, parts: int = 1) -> Mapping[str, Json]:
        """What a process has to be given before it starts."""
        if self.cluster:
            return self.cluster.resources(self.recipes.plan, stage, self.device, parts=parts)
        return {} if slot is None else {self._slots()[slot]: 1}

    def _wants_accelerator(self, stage: Stage) -> bool:
        return stage.uses_model and (self.device != "cpu" or len(self.devices) > 1)

    def _job(
        self,
        stage: Stage,
        *,
        inputs: list[Json],
        output: str,
        asks: Mapping[str, Json],
        slot: int | None = None,
        part: Part | None = None,
    ) -> Json:
        is_shown = slot is not None and len(self.devices) > 1
        setting = [f"{VISIBLE_VARIABLE}={self.devices[slot or 0]}"] if is_shown else []
        stages = self.recipes.plan.stages
        return {
            "rule": "_".join((stage.name.replace("-", "_"), *(["part", str(part.number)] if part else ()))),
            "inputs": inputs,
            "output": output,
            "is_part": part is not None,
            "key": self.recipes.stage_key(stage),
            "priority": len(stages) - stages.index(stage),
            "threads": self.recipes.plan.profile.sizes.threads,
            "resources": dict(asks),
            "is_local": bool(self.cluster) and not asks,
            "command": _shell(self.stage_command(stage.name, part), *setting),
        }

    def _index(self, stage: str) -> str:
        # As the engine's own folder sees it: braces in the name of a run's folder would be wildcards.
        return os.path.relpath(self.run.index(stage), self.run.engine)

    def _expect_own_keys(self) -> None:
        """Wait until all is seen here, and refuse what was made under other names: nobody here would ever find it.

        Raises:
            StageFailedError: If the stages' code or libraries are not this process's own.
        """
        if self.command == COMMAND and self.cluster is None:
            return
        for stage in self.recipes.plan.stages:
            made = {record.key for record in self.run.read_index(stage.name) or ()}
            for key in made:
                Store(self.store).wait_for(stage.name, key)
            if not made <= {self.recipes.key(item) for item in stage.items}:
                raise StageFailedError(
                    f"stage {stage.name}: where it runs, --stage-command computes other names of artifacts than this command does, "
                    "since its code, Python or libraries are others; make the environment of both from one checkout and one lock of "
                    "requirements/",
                    exit_code=ExitCode.MALFUNCTION,
                )

    def _failure(self, missing: list[str]) -> StageFailedError:
        """Why stages are missing: what one said or, where none did, what the engine printed last."""
        if failures := tuple(self.run.read_failures()):
            # What broke is told before what merely could not be had.
            first = min(failures, key=lambda failure: failure.reason is not None)
            place = f"stage {first.stage}, item {first.item}" if first.item else f"stage {first.stage}"
            return StageFailedError(
                f"{place}: {first.message}",
                exit_code=first.exit_code,
                damaged=any(failure.is_damage for failure in failures),
            )
        begun = [name for name in missing if self.run.events(name)]
        what = (
            f"stage {begun[0]} ended without a word, perhaps killed for want of memory"
            if begun
            else f"the engine ended before it started {missing[0]}"
        )
        printed = self.run.log.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(printed) if line.strip()), "nothing")
        return StageFailedError(
            f"{what}; {self.run.log} holds what was printed, last: {last}", exit_code=ExitCode.MALFUNCTION
        )


def _shell(command: Sequence[str], *setting: str) -> str:
    """A command as a line of shell, with variables of its own; it gets back what is set aside for the engine."""
    kept = os.environ.get(CACHE_VARIABLE)
    cache = ["-u", CACHE_VARIABLE] if kept is None else [f"{CACHE_VARIABLE}={kept}"]
    return shlex.join(("env", *cache, *setting, *command))


def _person_in(folder: Path) -> dict[str, str]:
    """Name and home of a user that is a number alone, as in a container; Snakemake asks for both."""
    try:
        getuser()
        Path.home()
    except (KeyError, RuntimeError):
        return {"LOGNAME": f"user-{os.getuid()}", "HOME": os.environ.get("HOME", str(folder))}
    return {}


def _watch(child: subprocess.Popen[bytes], on_tick: Callable[[], None]) -> None:
    while True:
        try:
            child.wait(timeout=TICK_SECONDS)
        except subprocess.TimeoutExpired:
            on_tick()
        else:
            return on_tick()


def _end_group(written: str) -> None:
    """End an engine that outlived its command, with all that it started.

    Raises:
        BusyError: If it runs on another host, where its number is its own and here that of who knows whom.
    """
    number, _, elsewhere = written.strip().partition(" ")
    if elsewhere and elsewhere != process_space():
        raise BusyError(
            f"the engine of this run works on {elsewhere.partition(' ')[0]}, as process group {number}; end it there, or start this "
            "there, or name another folder with --out"
        )
    _signal_group(int(number), signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
