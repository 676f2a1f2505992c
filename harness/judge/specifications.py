"""What was measured of one estimate under every specification: the measurements that its claims are judged on once more.

They are measured as the primary one is, by the same code: one matrix of resampling weights serves all that rest on the same
latents. What the primary specification measured is not touched.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.judge.measurements import Measurement, Measurements
from harness.judge.unit_values import NO_TABLES, Stored, UnitRows
from harness.statistics.stats import Spread, mean_spread, median_draws
from harness.store.tables import read_column, read_optional, read_ragged, read_table, table_path
from harness.words.claim import InferenceTarget
from harness.words.estimate import (
    MEDIAN_OF_GAPS,
    NUM_DRAWS,
    Estimate,
    Formula,
    SpecifiedEstimate,
    SpecifiedSides,
    SpecifiedTotals,
)
from harness.words.study import Study

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSides:
    """Both sides under one specification: every seed holds the same units."""

    seeds: tuple[int, ...]
    observed: Values
    """[seed, unit], NaN where nothing is left of a unit."""
    reference: Values
    """[seed, unit]."""
    widening: float

    def rows(self) -> UnitRows:
        """The units that are there on both sides; their places are their names."""
        there = ~(np.isnan(self.observed).any(axis=0) | np.isnan(self.reference).any(axis=0))
        names = tuple(map(str, np.flatnonzero(there).tolist()))
        return UnitRows(names, self.seeds, self.observed[:, there], self.reference[:, there])


@dataclass(frozen=True, kw_only=True, eq=False)
class Specifications:
    """Everything that a run computed beside the primary specification."""

    estimates: Mapping[str, tuple[SpecifiedEstimate, ...]] = field(default_factory=dict)
    """By estimate under the primary specification, holes included."""
    sides: Mapping[tuple[str, str], StoredSides] = field(default_factory=dict)
    """By estimate under the primary specification, and by name of the sides."""

    totals: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    """By estimate of a gap between groups, and by specification: what each language's latents amount to."""

    def of_all(self, primary_ids: Sequence[str]) -> Mapping[str, tuple[SpecifiedEstimate, ...]]:
        """By specification: what it makes of each of some estimates; those of which it makes nothing are left out."""
        found: dict[str, list[SpecifiedEstimate]] = {}
        for primary_id in primary_ids:
            for each in self.estimates.get(primary_id, ()):
                found.setdefault(each.specification, []).append(each)
        return {name: tuple(rows) for name, rows in found.items() if len(rows) == len(primary_ids)}

    def measured(
        self, study: Study, primaries: Iterable[Estimate], inference: InferenceTarget
    ) -> Measurements:
        """The measurements of some estimates under every specification that has a value."""
        by_id: dict[str, Estimate] = {}
        rows: dict[str, UnitRows | None] = {}
        readings: dict[tuple[str, InferenceTarget], Measurement] = {}
        widenings: dict[str, float] = {}
        found = [
            (primary, each)
            for primary in primaries
            for each in self.estimates.get(primary.estimate_id, ())
            if each.value is not None
        ]
        for primary, each in found:
            sides = self.sides[primary.estimate_id, each.sides]
            own = sides.rows()
            if each.formula in {MEDIAN_OF_GAPS, Formula.MEAN_OF_GAPS}:
                readings[each.estimate_id, inference] = _of_ratios(each, own, sides.widening)
                continue
            by_id[each.estimate_id] = replace(
                primary,
                estimate_id=each.estimate_id,
                specification=each.specification,
                formula=each.formula,
                unit_kind=each.unit_kind,
                value=each.value or 0.0,
                num_units=len(own.names),
                num_seeds=len(own.seeds),
            )
            rows[each.estimate_id] = own
            widenings[each.estimate_id] = sides.widening
        tables = Stored(by_id, NO_TABLES.units, NO_TABLES.phrases, widenings=widenings, _unit_rows=rows)
        return Measurements(study=study, tables=tables, declared=readings, wanted=tuple(by_id))


def _of_ratios(estimate: SpecifiedEstimate, rows: UnitRows, widening: float) -> Measurement:
    """Mean or median of the latents' own gaps: another quantity, with the error of a mean, or the median's exact bootstrap."""
    observed, reference = rows.mean_observed, rows.mean_reference
    gaps = 100 * (1 - observed[reference > 0] / reference[reference > 0])
    spread, draws = mean_spread(gaps), None
    method = f"t over {len(gaps)} latents"
    if estimate.formula == MEDIAN_OF_GAPS:
        draws = median_draws(gaps, NUM_DRAWS)
        spread = Spread(float(draws.std(ddof=1)), spread.df)
        method = f"exact bootstrap of the median of {len(gaps)} latents"
    assert estimate.value is not None
    return Measurement(
        estimate_id=estimate.estimate_id,
        value=estimate.value,
        spread=Spread(spread.se * widening, spread.df),
        num_units=len(gaps),
        unit_kind=estimate.unit_kind,
        num_seeds=0,
        method=method,
        one_run_sd=spread.se,
        draws=draws,
    )


def read_specifications(folders: Iterable[Path]) -> Specifications:
    """Both tables of every artifact that has them, in this order; nothing where no grid was asked for."""
    there = [folder for folder in folders if table_path(folder, SpecifiedEstimate).is_file()]
    estimates: dict[str, list[SpecifiedEstimate]] = {}
    for row in chain.from_iterable(read_table(folder, SpecifiedEstimate) for folder in there):
        estimates.setdefault(row.primary_id, []).append(row)
    return Specifications(
        estimates={name: tuple(rows) for name, rows in estimates.items()},
        sides=dict(chain.from_iterable(map(_read_sides, there))),
        totals=_read_totals(there),
    )


def _read_totals(folders: Iterable[Path]) -> Mapping[str, Mapping[str, tuple[float, ...]]]:
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for folder in folders:
        for row in read_optional(folder, SpecifiedTotals):
            found.setdefault(row.primary_id, {})[row.specification] = row.totals
    return found


def _read_sides(folder: Path) -> Iterator[tuple[tuple[str, str], StoredSides]]:
    owners, names = (read_column(folder, SpecifiedSides, name).tolist() for name in ("primary_id", "sides"))
    seeds = read_column(folder, SpecifiedSides, "seed").astype(np.float64)
    widenings = read_column(folder, SpecifiedSides, "widening")
    (observed, starts), (reference, _) = (
        read_ragged(folder, SpecifiedSides, name) for name in ("observed", "reference")
    )
    places: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(owners, names, strict=True)):
        places.setdefault(key, []).append(place)
    for key, own in places.items():
        units = [slice(starts[place], starts[place + 1]) for place in own]
        yield (
            key,
            StoredSides(
                seeds=tuple(int(seeds[place]) for place in own if not np.isnan(seeds[place])),
                observed=np.stack([observed[each] for each in units]).astype(np.float64),
                reference=np.stack([reference[each] for each in units]).astype(np.float64),
                widening=float(widenings[own[0]]),
            ),
        )
