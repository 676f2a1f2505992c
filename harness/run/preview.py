"""What is known of a run before it is made: what stands of it, what it would take, how it might go, and what it could decide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.run.artifacts import Recipes, inventory, inventory_lines
from harness.run.forecast import (
    Fit,
    Rates,
    ablations_line,
    ablations_price,
    level_lines,
    level_prices,
    outlook,
    outlook_lines,
    projection,
    projection_lines,
    size_lines,
)
from harness.run.simulation import (
    PREEMPTED,
    Simulated,
    foreseen_processes,
    simulated,
    simulation_lines,
    timed_processes,
)
from harness.sources.pins import known_revision
from harness.store.store import Store
from harness.words.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Where a run is simulated."""

    jobs: int
    """At once."""
    gpus: int
    preempted: Sequence[float] = ()
    """How often an hour a job is preempted, one simulation each; the usual rates where empty."""
    timed_by: Path | None = None
    """Finished run that says how long each stage takes; None where the hours are projected."""
    queued_seconds: float | None = None
    """From sending a job to its start, where jobs go to a queue; None where nothing is sent, or the finished run says it."""

    def courses(self, plan: Plan, rates: Rates) -> tuple[Simulated, ...]:
        """How a run of a plan would go, once for each rate of preemptions."""
        if self.timed_by:
            processes = timed_processes(plan, self.timed_by, self.gpus, self.queued_seconds)
        else:
            processes = foreseen_processes(plan, rates, self.gpus, self.queued_seconds)
        rows = simulated(processes, at_once=self.jobs, gpus=self.gpus, rates=self.preempted or PREEMPTED)
        return tuple(rows)


def preview(
    plan: Plan, store: Store, rates: Rates, *, fit: Fit | None, machines: Machines | None, has_grid: bool
) -> tuple[Mapping[str, object], Iterator[tuple[str, str]]]:
    """What `harness plan` answers, for a machine and for people: the lead of each line, and its text.

    Args:
        plan: What would be made, at the sizes of the fit where there is one.
        store: Where some of it may stand.
        rates: Of the machine.
        fit: Sizes that were found for a time; None where none were looked for.
        machines: Where the run is simulated; None where it is not.
        has_grid: True where every other specification is priced as well.
    """
    study, profile = plan.study, plan.profile
    stages = inventory(Recipes(plan=plan, revision=known_revision), store)
    prospects, ablations = outlook(study, profile), ablations_price(plan, rates)
    prices = tuple(level_prices(plan, rates)) if has_grid else ()
    courses = machines.courses(plan, rates) if machines else ()
    content = {
        "study": study.name,
        "profile": profile.name,
        "ablations": ablations,
        "stages": stages,
        "projection": projection(plan, rates),
        "prospects": prospects,
        "levels": prices,
        "resized": profile.resized,
        "given_up": fit.given_up if fit else (),
        "simulation": courses,
    }

    def lines() -> Iterator[tuple[str, str]]:
        yield from inventory_lines(stages)
        yield from (("", sentence) for sentence in projection_lines(plan, rates))
        if machines:
            told = simulation_lines(courses, at_once=machines.jobs, gpus=machines.gpus)
            yield from (("", sentence) for sentence in told)
        yield from ablations_line(plan, ablations)
        yield from level_lines(prices)
        yield from size_lines(profile, fit)
        yield from outlook_lines(study, prospects)

    return content, lines()
