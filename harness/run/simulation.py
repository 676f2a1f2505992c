"""A run on machines that are not there: the plan's processes, started in the engine's order, on a clock of their own, and preempted.

Orders of magnitude, like the hours that they rest on. Nothing measured ever rests on any of it.
"""

import math
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from statistics import fmean

from harness.run.forecast import Rates, projection
from harness.store.run_folder import EXECUTION_FILE, read_record
from harness.words.errors import UsageError
from harness.words.plan import Part, Plan

START_SECONDS = 60.0
"""Assumed of every process whose time is foreseen: a place in the queue, libraries, a model. Of a run's own times, all is in them."""

AROUND_SECONDS = 35.0
"""Before the first stage and after the last: the engine's start, judging, the report. 30 to 44 s in four runs on two cores."""

PREEMPTED = (0.0, 0.01, 0.1)
"""Preemptions an hour that a job is simulated under unless somebody names others."""

DRAWS = 20
"""So many courses are drawn at each rate of preemptions, from seeds of their own."""

LONGEST = 5.0
"""Preemptions that a single item may expect at most: with more, it would be begun hundreds of times."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One process: what it makes, one item after the other, each all or nothing."""

    name: str
    place: int
    """In the plan; of jobs that could start, the first does."""
    needs: frozenset[str] = frozenset()
    """Names of jobs that have to end before."""
    items: int = 1
    item_seconds: float = 0.0
    start_seconds: float = 0.0
    """Before its first item, each time that it is started."""
    uses_gpu: bool = False


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a run went."""

    makespan_seconds: float
    idle_share: float
    """Of accelerators, or of places for jobs where there are none: the share of their time in which they had nothing to do."""
    lost_seconds: float
    """What preempted jobs had begun and not finished, and their starting again."""
    preemptions: float


@dataclass(frozen=True, kw_only=True)
class Simulated(Course):
    """The mean of the courses that were drawn at one rate of preemptions."""

    preemptions_per_hour: float
    """Of every job while it runs."""
    worst_makespan_seconds: float


def jobs_of(
    plan: Plan, seconds: Mapping[str, float], *, gpus: int, start_seconds: float = 0.0
) -> tuple[Job, ...]:
    """The processes of a plan, as the engine would wire them: stages with a model in a part for each accelerator.

    Args:
        plan: What is made.
        seconds: What all items of a stage take together, by its name.
        gpus: Accelerators; with none, a stage is one process.
        start_seconds: What every process takes before its first item.
    """
    found = []
    for place, stage in enumerate(plan.stages):
        each = seconds.get(stage.name, 0.0) / len(stage.items)
        count = min(gpus or 1, len(stage.items)) if stage.uses_model else 1
        parts = [Part(number=number, of=count) for number in range(1, count + 1)]
        names = [f"{stage.name} {part}" for part in parts] if count > 1 else [stage.name]
        found += [
            Job(
                name=name,
                place=place,
                needs=frozenset(stage.needs),
                items=len(part.items(stage)),
                item_seconds=each,
                start_seconds=start_seconds,
                uses_gpu=stage.uses_model and gpus > 0,
            )
            for name, part in zip(names, parts, strict=True)
        ]
        if count > 1:
            # Nothing is left to make: its parts are found and published.
            found.append(Job(name=stage.name, place=place, needs=frozenset(names)))
    return tuple(found)


def course(
    jobs: Sequence[Job], *, at_once: int, gpus: int, preemptions_per_hour: float = 0.0, seed: int = 0
) -> Course:
    """One course of a run.

    Args:
        jobs: Everything that it does.
        at_once: Jobs that may run beside each other.
        gpus: Accelerators, each for one job at a time.
        preemptions_per_hour: How often a running job is stopped, at any moment alike; it waits, and goes on from its last item.
        seed: Of the moments.
    """
    draws = Random(seed)  # noqa: S311  moments of a simulation are no secret
    waiting, left = sorted(jobs, key=lambda job: job.place), {job.name: job.items for job in jobs}
    running: list[tuple[float, int, Job, float, bool]] = []
    ended: set[str] = set()
    now = busy = lost = 0.0
    free, started, preemptions = gpus, 0, 0
    while waiting or running:
        for job in [job for job in waiting if job.needs <= ended]:
            if len(running) == at_once or (job.uses_gpu and not free):
                continue
            needed = job.start_seconds + left[job.name] * job.item_seconds
            notice = draws.expovariate(preemptions_per_hour / 3600) if preemptions_per_hour else math.inf
            took, started = min(needed, notice), started + 1
            heappush(running, (now + took, started, job, took, notice < needed))
            waiting.remove(job)
            free -= job.uses_gpu
        now, _, job, took, is_preempted = heappop(running)
        free += job.uses_gpu
        busy += took if job.uses_gpu or not gpus else 0.0
        if not is_preempted:
            ended.add(job.name)
            continue
        made = max(0, math.floor((took - job.start_seconds) / job.item_seconds)) if job.item_seconds else 0
        left[job.name] -= made
        lost, preemptions = lost + took - made * job.item_seconds, preemptions + 1
        insort(waiting, job, key=lambda job: job.place)
    idle = 1 - busy / ((gpus or at_once) * now) if now else 0.0
    return Course(makespan_seconds=now, idle_share=idle, lost_seconds=lost, preemptions=preemptions)


def simulated(jobs: Sequence[Job], *, at_once: int, gpus: int, rates: Sequence[float]) -> Iterator[Simulated]:
    """The mean course at each rate of preemptions, with what a run takes around its stages.

    Raises:
        UsageError: If single items take so long that at such a rate none would end.
    """
    slowest = max(jobs, key=lambda job: job.start_seconds + job.item_seconds)
    hours = (slowest.start_seconds + slowest.item_seconds) / 3600
    for rate in rates:
        if rate * hours > LONGEST:
            raise UsageError(
                f"an item of {slowest.name} takes {hours:.1f} h, and would hardly ever end at {rate:g} preemptions an hour; name a "
                f"rate of {LONGEST / hours:.2g} at most"
            )
        drawn = [
            course(jobs, at_once=at_once, gpus=gpus, preemptions_per_hour=rate, seed=seed)
            for seed in range(DRAWS if rate else 1)
        ]
        spans = [each.makespan_seconds + AROUND_SECONDS for each in drawn]
        yield Simulated(
            preemptions_per_hour=rate,
            makespan_seconds=fmean(spans),
            worst_makespan_seconds=max(spans),
            idle_share=fmean(each.idle_share for each in drawn),
            lost_seconds=fmean(each.lost_seconds for each in drawn),
            preemptions=fmean(each.preemptions for each in drawn),
        )


def foreseen_jobs(plan: Plan, rates: Rates, gpus: int) -> tuple[Job, ...]:
    """The processes of a plan, with the hours that are projected for its stages."""
    seconds = {stage.stage: stage.seconds for stage in projection(plan, rates)}
    return jobs_of(plan, seconds, gpus=gpus, start_seconds=START_SECONDS)


def timed_jobs(plan: Plan, run: Path, gpus: int) -> tuple[Job, ...]:
    """The processes of a plan, with the times that a finished run's stages took.

    Raises:
        UsageError: If the folder has no record of a run, or one whose stages are not this plan's.
    """
    record = read_record(run, EXECUTION_FILE)
    rows = record.get("stages", ()) if isinstance(record, dict) else ()
    seconds = {row["stage"]: row["wall_seconds"] for row in rows}
    if lacking := [stage.name for stage in plan.stages if stage.name not in seconds]:
        raise UsageError(
            f"{run} timed none of the plan's {lacking[0]}; name a finished run of the same study and profile"
        )
    if found := [row["stage"] for row in rows if row["items_found"] or not row["wall_seconds"]]:
        raise UsageError(
            f"{run} found items of {found[0]} in its store, and so did not time them; name a run that began with an empty store"
        )
    return jobs_of(plan, seconds, gpus=gpus)


def simulation_lines(found: Sequence[Simulated], *, at_once: int, gpus: int) -> Iterator[str]:
    """Simulated courses for people; nothing where none was asked for."""
    if not found:
        return
    where = f"{gpus} accelerators" if gpus else "no accelerator"
    yield f"simulated on {at_once} jobs at once and {where}:"
    for each in found:
        yield (
            f"  {each.preemptions_per_hour:>6g} preemptions an hour  {each.makespan_seconds / 3600:>8.2f} h "
            f"(worst {each.worst_makespan_seconds / 3600:.2f})  idle {100 * each.idle_share:>3.0f} %  "
            f"lost {each.lost_seconds / 3600:>7.2f} h in {each.preemptions:,.0f} preemptions"
        )
