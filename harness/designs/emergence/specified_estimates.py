"""The specified-estimates stage: shares and gains under one specification that took other examples, dictionaries or parts."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.designs.emergence.estimates import NO_LATENT, OF_CLASSES, OF_PARTS, Run
from harness.designs.specified_tables import SpecifiedTables
from harness.stages.stage import stage
from harness.statistics.measured import Measured
from harness.store.tables import read_table
from harness.words.dictionaries import LabelledBy
from harness.words.estimate import AxisValue, Estimate, Scope
from harness.words.specification import PRIMARY

MOVED: Mapping[str, tuple[str, ...]] = {"share": OF_CLASSES, "part": OF_PARTS}
"""Quantities of each kind of estimate."""


@stage(on="processor")
def specified_estimates(
    inputs: Mapping[str, Path],
    *,
    out: Path,
    name: str,
    kinds: tuple[str, ...],
    because: str,
    cells: tuple[tuple[str, str, int], ...],
    languages: tuple[str, str],
    early: str,
    mid: str,
    labelled_by: LabelledBy,
) -> None:
    """What one other way to take examples, to train dictionaries or to put parts in gives.

    Shares and gains, computed as the primary specification computes them, of the kinds that the specification can move. One that no run has,
    and a dictionary in which no latent can be labelled, leave holes with the reason where the primary one has an estimate.
    """
    tables = SpecifiedTables(nothing_left=NO_LATENT)
    if not because:
        run = Run(
            inputs=inputs,
            cells=cells,
            languages=languages,
            early=early,
            mid=mid,
            demonstrated={},
            labelled_by=labelled_by,
        )
        for kind, parts in (("share", run.of_classes), ("part", run.of_parts)):
            for part in parts() if kind in kinds else ():
                tables.measured(name, part)
    found = {row.primary_id for row in tables.estimates}
    quantities = {quantity for kind in kinds for quantity in MOVED[kind]}
    for scope, unit_kind in _measured(inputs["estimates/all"]):
        if scope.quantity in quantities and scope.estimate_id not in found:
            tables.hole(scope, name, unit_kind, because or NO_LATENT)
    tables.write(out)


def _measured(estimates: Path) -> Iterator[tuple[Scope, str]]:
    """What the primary specification has an estimate of, with the kind of its units."""
    axes: dict[str, list[AxisValue]] = defaultdict(list)
    for value in read_table(estimates, AxisValue):
        axes[value.estimate_id].append(value)
    for row in read_table(estimates, Estimate):
        if row.specification == PRIMARY:
            found = Measured(estimate=row, units=(), axes=tuple(axes[row.estimate_id]))
            yield found.scope, row.unit_kind
