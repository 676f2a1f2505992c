"""How far a run is: a live display on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.store.run_folder import RunFolder
from harness.words.plan import Plan, Stage

Say = Callable[[str], None]
"""Prints one line to whoever watches."""

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
    """Wall seconds of this attempt up to its last event."""

    @property
    def items_per_minute(self) -> float | None:
        """Pace of this attempt; None until something was made."""
        return 60 * self.done / self.seconds if self.done and self.seconds > 0 else None

    def __str__(self) -> str:
        """The stage as a line shows it."""
        pace = f", {self.items_per_minute:.1f} items/min" if self.items_per_minute else ""
        return f"{self.stage}: {self.done}/{self.total} items{pace}, {self.seconds:.0f} s"


def stage_progress(stage: Stage, run: RunFolder) -> StageProgress:
    """How far a stage is, from what it left in the run's folder."""
    events = run.events(stage.name)
    starts = [place for place, event in enumerate(events) if event.what == "started"]
    events = events[starts[-1] :] if starts else ()
    items = [event for event in events if event.what in {"made", "found"}]
    finished = run.index(stage.name).exists()
    state = "done" if finished else "running" if events else "waiting"
    return StageProgress(
        stage=stage.name,
        done=len(stage.items) if finished else len(items),
        total=len(stage.items),
        state=state,
        seconds=events[-1].wall_seconds if events else 0.0,
    )


@contextmanager
def showing(plan: Plan, run: RunFolder, say: Say, *, live: bool) -> Iterator[Callable[[], None]]:
    """Shows a run for as long as it is called now and then; `live` draws bars on a terminal."""
    if not live:
        yield Lines(plan=plan, run=run, say=say)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.completed:>3}/{task.total:<3}"),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        bars = {
            stage.name: progress.add_task(stage.name, total=len(stage.items), pace="", start=False)
            for stage in plan.stages
        }

        def look() -> None:
            for stage in plan.stages:
                now = stage_progress(stage, run)
                if now.state != "waiting":
                    progress.start_task(bars[stage.name])
                pace = f"{now.items_per_minute:5.1f} items/min" if now.items_per_minute else ""
                progress.update(bars[stage.name], completed=now.done, pace=pace)

        yield look


@dataclass(kw_only=True)
class Lines:
    """A line when a stage starts, when it ends, and now and then between."""

    plan: Plan
    run: RunFolder
    say: Say
    clock: Callable[[], float] = time.monotonic
    shown: dict[str, StageProgress] = field(default_factory=dict)
    spoke: float = field(default=0.0)

    def __post_init__(self) -> None:
        """What stands already is no news."""
        self.shown = {stage.name: stage_progress(stage, self.run) for stage in self.plan.stages}
        self.spoke = self.clock()

    def __call__(self) -> None:
        """Say what has changed since the last look."""
        for stage in self.plan.stages:
            before, now = self.shown[stage.name], stage_progress(stage, self.run)
            if now.state not in {before.state, "waiting"}:
                self._speak(f"{'started' if now.state == 'running' else 'finished'} {now}", now)
            elif now.state == "running" and self.clock() - self.spoke >= LINE_SECONDS:
                self._speak(f"running {now}", now)

    def _speak(self, line: str, now: StageProgress) -> None:
        self.shown[now.stage] = now
        self.spoke = self.clock()
        self.say(line)
