"""A run on machines that are not there: the plan's processes, started in the engine's order, on a clock of their own, and preempted.

Orders of magnitude, like the hours that they rest on. Nothing measured ever rests on any of it.
"""

import math
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from harness.run.cluster import CHECK_SECONDS
from harness.run.forecast import Rates, projection
from harness.store.run_folder import EXECUTION_FILE, read_record
from harness.words.errors import UsageError
from harness.words.plan import Part, Plan

START_SECONDS = 60.0
"""Assumed of every process whose time is foreseen: libraries, a model. Of a run's own times, all is in them."""

AROUND_SECONDS, AROUND_SECONDS_OF_QUEUE = 35.0, 110.0
"""Before the first process is sent and after the last stage has ended: the engine's start, judging, the report. 18 to 44 s in five
runs on two cores, by how fast these were; 94 and 130 s in two runs with a queue, where judging is a job, sent by an engine of its own."""

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
    is_sent: bool = True
    """To the queue, where there is one; what gathers parts stays with whoever sends them."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """When an engine asks a queue which of its jobs have ended; until then, nothing follows from their end.

    Source: snakemake-executor-plugin-slurm 2.8, `Executor.check_active_jobs`.
    """

    first_seconds: float = CHECK_SECONDS
    """After a check that found something ended."""
    more_seconds: float = 10.0
    """After each one that did not."""
    most_seconds: float = 180.0

    def wait(self, last: float, *, has_found: bool) -> float:
        """Seconds from one check to the next, by what it was before and whether something had ended."""
        return self.first_seconds if has_found else min(last + self.more_seconds, self.most_seconds)


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Everything that a run does, and what passes beside its work."""

    jobs: tuple[Job, ...]
    checks: Checks | None = None
    """Of the queue that jobs are sent to; None where their ends are seen at once."""
    around_seconds: float = AROUND_SECONDS
    """Before the first process is sent, and after the last one has ended."""


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
            found.append(Job(name=stage.name, place=place, needs=frozenset(names), is_sent=False))
    return tuple(found)


def course(
    jobs: Sequence[Job],
    *,
    at_once: int,
    gpus: int,
    checks: Checks | None = None,
    preemptions_per_hour: float = 0.0,
    seed: int = 0,
) -> Course:
    """One course of a run, to the end of its last process.

    Args:
        jobs: Everything that it does.
        at_once: Jobs that may run beside each other.
        gpus: Accelerators, each for one job at a time.
        checks: When it is seen that jobs have ended; None sees it at once.
        preemptions_per_hour: How often a running job is stopped, at any moment alike; it waits, and goes on from its last item.
        seed: Of the moments.
    """
    draws = Random(seed)  # noqa: S311  moments of a simulation are no secret
    waiting, left = sorted(jobs, key=lambda job: job.place), {job.name: job.items for job in jobs}
    running: list[tuple[float, int, Job, float, bool]] = []
    unseen: list[Job] = []
    ended: set[str] = set()
    now = busy = lost = 0.0
    free, started, preemptions = gpus, 0, 0
    check = wait = checks.first_seconds if checks else math.inf
    while waiting or running:
        for job in [job for job in waiting if job.needs <= ended]:
            if len(running) + len(unseen) == at_once or (job.uses_gpu and not free):
                continue
            needed = job.start_seconds + left[job.name] * job.item_seconds
            notice = draws.expovariate(preemptions_per_hour / 3600) if preemptions_per_hour else math.inf
            took, started = min(needed, notice), started + 1
            heappush(running, (now + took, started, job, took, notice < needed))
            waiting.remove(job)
            free -= job.uses_gpu
        if checks and not (running and running[0][0] <= check):
            now, wait = check, checks.wait(wait, has_found=bool(unseen))
            ended.update(job.name for job in unseen)
            free += sum(job.uses_gpu for job in unseen)
            check, unseen = now + wait, []
            continue
        now, _, job, took, is_preempted = heappop(running)
        busy += took if job.uses_gpu or not gpus else 0.0
        if checks and job.is_sent and not is_preempted:
            unseen.append(job)
            continue
        free += job.uses_gpu
        if not is_preempted:
            ended.add(job.name)
            continue
        made = max(0, math.floor((took - job.start_seconds) / job.item_seconds)) if job.item_seconds else 0
        left[job.name] -= made
        lost, preemptions = lost + took - made * job.item_seconds, preemptions + 1
        insort(waiting, job, key=lambda job: job.place)
    idle = 1 - busy / ((gpus or at_once) * now) if now else 0.0
    return Course(makespan_seconds=now, idle_share=idle, lost_seconds=lost, preemptions=preemptions)


def simulated(
    processes: Processes, *, at_once: int, gpus: int, rates: Sequence[float]
) -> Iterator[Simulated]:
    """The mean course at each rate of preemptions, with what a run takes around its stages.

    Raises:
        UsageError: If single items take so long that at such a rate none would end.
    """
    jobs = processes.jobs
    slowest = max(jobs, key=lambda job: job.start_seconds + job.item_seconds)
    hours = (slowest.start_seconds + slowest.item_seconds) / 3600
    for rate in rates:
        if rate * hours > LONGEST:
            raise UsageError(
                f"an item of {slowest.name} takes {hours:.1f} h, and would hardly ever end at {rate:g} preemptions an hour; name a "
                f"rate of {LONGEST / hours:.2g} at most"
            )
        drawn = [
            course(
                jobs,
                at_once=at_once,
                gpus=gpus,
                checks=processes.checks,
                preemptions_per_hour=rate,
                seed=seed,
            )
            for seed in range(DRAWS if rate else 1)
        ]
        spans = [each.makespan_seconds + processes.around_seconds for each in drawn]
        yield Simulated(
            preemptions_per_hour=rate,
            makespan_seconds=fmean(spans),
            worst_makespan_seconds=max(spans),
            idle_share=fmean(each.idle_share for each in drawn),
            lost_seconds=fmean(each.lost_seconds for each in drawn),
            preemptions=fmean(each.preemptions for each in drawn),
        )


def foreseen_processes(plan: Plan, rates: Rates, gpus: int, queued_seconds: float | None = None) -> Processes:
    """The processes of a plan, with the hours that are projected for its stages.

    Args:
        plan: What is made.
        rates: Of the machine.
        gpus: Accelerators.
        queued_seconds: From sending a job until its process starts; None where nothing is sent.
    """
    seconds = {stage.stage: stage.seconds for stage in projection(plan, rates)}
    jobs = jobs_of(plan, seconds, gpus=gpus, start_seconds=START_SECONDS + (queued_seconds or 0.0))
    if queued_seconds is None:
        return Processes(jobs=jobs)
    return Processes(jobs=jobs, checks=Checks(), around_seconds=AROUND_SECONDS_OF_QUEUE)


def timed_processes(plan: Plan, run: Path, gpus: int, queued_seconds: float | None = None) -> Processes:
    """The processes of a plan, with the times that a finished run took: of its stages, in its queue, and around both.

    Args:
        plan: What is made.
        run: Folder of the run.
        gpus: Accelerators.
        queued_seconds: From sending a job until its process can work, where that run's own is not to decide.

    Raises:
        UsageError: If the folder has no record of a run, or one whose stages are not this plan's.
    """
    record = read_record(run, EXECUTION_FILE)
    rows = {row["stage"]: row for row in (record.get("stages", ()) if isinstance(record, dict) else ())}
    if lacking := [stage.name for stage in plan.stages if stage.name not in rows]:
        raise UsageError(
            f"{run} timed none of the plan's {lacking[0]}; name a finished run of the same study and profile"
        )
    # Parts of a stage are found once more by what gathers them.
    if found := [stage.name for stage in plan.stages if rows[stage.name]["items_made"] < len(stage.items)]:
        raise UsageError(
            f"{run} found items of {found[0]} in its store, and so did not time them; name a run that began with an empty store"
        )
    waits = [place.get("queued_seconds") for row in rows.values() for place in row.get("ran_on", ())]
    measured = [seconds for seconds in waits if seconds is not None]
    around = _around_seconds(record)
    if queued_seconds is None and measured:
        queued_seconds = fmean(measured)
    elif queued_seconds is not None and not measured:
        around = AROUND_SECONDS_OF_QUEUE
    return Processes(
        jobs=jobs_of(
            plan,
            {name: row["wall_seconds"] for name, row in rows.items()},
            gpus=gpus,
            start_seconds=queued_seconds or 0.0,
        ),
        checks=None if queued_seconds is None else Checks(),
        around_seconds=around,
    )


def _around_seconds(record: Mapping[str, Any]) -> float:
    """What passed in a run before its first process was sent and after its last stage had ended; assumed where it was broken off."""
    attempts, rows = record.get("attempts", ()), record["stages"]
    if len(attempts) != 1 or not all(row.get("started") for row in rows):
        return AROUND_SECONDS
    first = min(rows, key=lambda row: _clock(row["started"]))
    queued = min(place.get("queued_seconds") or 0.0 for place in first["ran_on"])
    between = max(_clock(row["ended"]) for row in rows) - _clock(first["started"])
    return float(attempts[0]["wall_seconds"]) - between - queued


def _clock(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def simulation_lines(found: Sequence[Simulated], *, at_once: int, gpus: int) -> Iterator[str]:
    """Simulated courses for people."""
    where = f"{gpus} accelerators" if gpus else "no accelerator"
    yield f"simulated on {at_once} jobs at once and {where}:"
    for each in found:
        yield (
            f"  {each.preemptions_per_hour:>6g} preemptions an hour  {each.makespan_seconds / 3600:>8.2f} h "
            f"(worst {each.worst_makespan_seconds / 3600:.2f})  idle {100 * each.idle_share:>3.0f} %  "
            f"lost {each.lost_seconds / 3600:>7.2f} h in {each.preemptions:,.0f} preemptions"
        )
