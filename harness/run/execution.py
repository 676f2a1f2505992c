"""The execution record: clock, host, attempts and cost of a run; nothing in a report comes from it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import zip_longest

from harness.store.files import write_json
from harness.store.provenance import commit, library_versions, machine, now
from harness.store.run_folder import Event, RunFolder
from harness.words.canonical import plain
from harness.words.plan import Plan, Work


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
    )


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
