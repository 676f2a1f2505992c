"""How far a run is, for whoever watches, and the execution record of what it took; nothing in a report comes from either."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise, zip_longest

from harness.store.files import write_json
from harness.store.provenance import commit, library_versions, machine, now
from harness.store.run_folder import Event, RanOn, RunFolder
from harness.words.canonical import plain
from harness.words.plan import Plan, Stage, Work

Say = Callable[[str], None]
"""Prints one line to whoever watches."""

MINUTE, HOUR = 60, 3600

LINE_SECONDS = 15.0
"""Without a terminal, a running stage is reported this often."""


@dataclass(frozen=True, kw_only=True)
class StageProgress:
    """How far one stage is."""

    stage: str
    done: int
    total: int
    state: str
    """"waiting", "running" or "done"."""
    seconds: float
    """Wall seconds of this attempt, up to its last event or to now."""
    made: int = 0
    """Items that this attempt made; the others it found."""
    seconds_making: float = 0.0
    """Wall seconds in which it made them."""

    @property
    def items_per_minute(self) -> float | None:
        """Pace at which items are made; None until one was."""
        return 60 * self.made / self.seconds_making if self.made and self.seconds_making > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """What the rest of the stage takes at that pace; None where nobody can say, or nothing is left."""
        left = self.total - self.done
        return 60 * left / self.items_per_minute if left and self.items_per_minute else None

    def __str__(self) -> str:
        """The stage as a line shows it."""
        pace = f", {self.items_per_minute:.1f} items/min" if self.items_per_minute else ""
        left = f", about {duration(self.seconds_left)} left" if self.seconds_left else ""
        return f"{self.stage}: {self.done}/{self.total} items{pace}, {self.seconds:.0f} s{left}"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOUR else f"{seconds / HOUR:.1f} h"


def starts(stage: Stage, run: RunFolder) -> Mapping[str, int]:
    """How often each process of a stage has begun in a run's folder."""
    return {
        name: sum(event.what == "started" for event in events)
        for name, events in run.logs(stage.name).items()
    }


def stage_progress(stage: Stage, run: RunFolder, earlier: Mapping[str, int] | None = None) -> StageProgress:
    """How far a stage is, from what it left in the run's folder.

    Args:
        stage: Which.
        run: Where.
        earlier: Beginnings of its processes that were those of other attempts; what they did is not what this one does.
    """
    logs = [
        _since_last_start(events, (earlier or {}).get(name, 0))
        for name, events in run.logs(stage.name).items()
    ]
    logs = [events for events in logs if events]
    # The process that publishes a stage finds once more what its parts have made.
    items = {event.item for events in logs for event in events if event.what in {"made", "found"}}
    took = [
        event.wall_seconds - before.wall_seconds
        for events in logs
        for before, event in pairwise(events)
        if event.what == "made"
    ]
    at_once = sum(any(event.what == "made" for event in events) for events in logs)
    finished = run.index(stage.name).exists()
    state = "done" if finished else "running" if logs else "waiting"
    return StageProgress(
        stage=stage.name,
        done=len(stage.items) if finished else len(items),
        total=len(stage.items),
        state=state,
        seconds=max((events[-1].wall_seconds for events in logs), default=0.0),
        made=len(took),
        seconds_making=sum(took) / max(at_once, 1),
    )


def _since_last_start(events: Sequence[Event], earlier: int) -> Sequence[Event]:
    begun = [place for place, event in enumerate(events) if event.what == "started"]
    return events[begun[-1] :] if len(begun) > earlier else ()


@contextmanager
def showing(plan: Plan, run: RunFolder, say: Say, *, live: bool) -> Iterator[Callable[[], None]]:
    """Shows a run for as long as it is called now and then; `live` draws bars on a terminal."""
    # What a killed attempt left says nothing about this one.
    earlier = {stage.name: starts(stage, run) for stage in plan.stages}
    if not live:
        yield Lines(plan=plan, run=run, say=say, earlier=earlier)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.completed:>3}/{task.total:<3}"),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns) as progress:
        bars = {
            stage.name: progress.add_task(stage.name, total=len(stage.items), pace="", left="", start=False)
            for stage in plan.stages
        }

        def look() -> None:
            for stage in plan.stages:
                now = stage_progress(stage, run, earlier[stage.name])
                if now.state != "waiting":
                    progress.start_task(bars[stage.name])
                pace = f"{now.items_per_minute:5.1f} items/min" if now.items_per_minute else ""
                left = f"about {duration(now.seconds_left)} left" if now.seconds_left else ""
                progress.update(bars[stage.name], completed=now.done, pace=pace, left=left)

        yield look


@dataclass(kw_only=True)
class Lines:
    """A line when a stage starts, when it ends, and now and then between."""

    plan: Plan
    run: RunFolder
    say: Say
    earlier: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How often each process of a stage had begun before this display did."""
    clock: Callable[[], float] = time.monotonic
    began: dict[str, float] = field(default_factory=dict)
    """When each stage was first seen at work."""
    shown: dict[str, StageProgress] = field(default_factory=dict)
    spoke: float = field(default=0.0)

    def __post_init__(self) -> None:
        """What stands already is no news."""
        self.shown = {stage.name: self._look(stage) for stage in self.plan.stages}
        self.spoke = self.clock()

    def __call__(self) -> None:
        """Say what has changed since the last look, and now and then how far everything is that runs."""
        is_due = self.clock() - self.spoke >= LINE_SECONDS
        for stage in self.plan.stages:
            before, now = self.shown[stage.name], self._look(stage)
            if now.state not in {before.state, "waiting"}:
                self._speak(f"{'started' if now.state == 'running' else 'finished'} {now}", now)
            elif now.state == "running" and is_due:
                self._speak(f"running {now}", now)

    def _look(self, stage: Stage) -> StageProgress:
        found = stage_progress(stage, self.run, self.earlier.get(stage.name))
        if found.state != "running":
            return found
        # Its last event may be long ago: an item can take hours.
        now = self.clock()
        return replace(found, seconds=max(found.seconds, now - self.began.setdefault(stage.name, now)))

    def _speak(self, line: str, now: StageProgress) -> None:
        self.shown[now.stage] = now
        self.spoke = self.clock()
        self.say(line)


# The execution record: clock, host, attempts and cost


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """What one stage took in a run's folder, all attempts together."""

    stage: str
    attempts: int
    items_made: int
    items_found: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    peak_accelerator_bytes: int
    work: Work
    """What passed through networks for the items made; what was found took none."""
    ran_on: tuple[RanOn, ...]
    """Where each attempt ran."""
    started: str | None = None
    """When its first process could work; None where none has started."""
    ended: str | None = None
    """When the last thing happened to it."""


@contextmanager
def recorded(plan: Plan, run: RunFolder, run_id: str) -> Iterator[None]:
    """Keeps the execution record of an attempt, from its start and however it ends."""
    attempts, clock = _earlier(run), time.monotonic()
    attempt = {
        "started": now(),
        "ended": None,
        # What an attempt that was killed leaves; every other ending replaces it.
        "outcome": "broken off",
        "wall_seconds": None,
        "machine": machine(),
        "commit": asdict(commit()),
        "libraries": dict(library_versions()),
    }
    _write(plan, run, run_id, [*attempts, attempt])
    outcome = "finished"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        wall_seconds = round(time.monotonic() - clock, 3)
        ending = {"ended": now(), "outcome": outcome, "wall_seconds": wall_seconds}
        _write(plan, run, run_id, [*attempts, attempt | ending])


def stage_cost(stage: str, events: tuple[Event, ...]) -> StageCost:
    """What a stage took, from what it left behind; a killed attempt counts up to its last event."""
    # The last of each attempt: behind it another one starts, or nothing comes.
    last = [
        event for event, later in zip_longest(events, events[1:]) if later is None or later.what == "started"
    ]
    what = [event.what for event in events]
    return StageCost(
        stage=stage,
        attempts=what.count("started"),
        items_made=what.count("made"),
        items_found=what.count("found"),
        wall_seconds=round(sum(event.wall_seconds for event in last), 3),
        cpu_seconds=round(sum(event.cpu_seconds for event in last), 3),
        peak_memory_bytes=max((event.peak_memory_bytes for event in last), default=0),
        peak_accelerator_bytes=max((event.peak_accelerator_bytes for event in last), default=0),
        work=sum((event.work for event in events), start=Work()),
        ran_on=tuple(event.ran_on for event in events if event.ran_on),
        started=min((event.at for event in events), default=None),
        ended=max((event.at for event in events), default=None),
    )


def kinds_of_accelerator(plan: Plan, run: RunFolder) -> Mapping[str, tuple[str, ...]]:
    """Stages whose items were made on accelerators of more than one kind, and which; their numbers agree to rounding alone."""
    found = {
        stage.name: tuple(sorted({kind for event in run.events(stage.name) for kind in _kinds(event.ran_on)}))
        for stage in plan.stages
    }
    return {stage: kinds for stage, kinds in found.items() if len(kinds) > 1}


def _kinds(place: RanOn | None) -> Iterator[str]:
    """Models of the cards that a host shows, one a line with memory and driver behind."""
    for line in ((place and place.accelerator) or "").splitlines():
        yield line.partition(",")[0].strip()


def _write(plan: Plan, run: RunFolder, run_id: str, attempts: list[object]) -> None:
    content = {
        "study": plan.study.name,
        "profile": plan.profile.name,
        "run_id": run_id,
        "attempts": attempts,
        "stages": [stage_cost(stage.name, run.events(stage.name)) for stage in plan.stages],
    }
    write_json(run.execution, plain(content))


def _earlier(run: RunFolder) -> list[object]:
    try:
        attempts = json.loads(run.execution.read_text(encoding="utf-8"))["attempts"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    return attempts if isinstance(attempts, list) else []
