"""Estimates under other specifications than the primary one, each with the sides that it is made of, as the judge reads them.

Sides are kept in single precision, and every value follows from what is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.statistics.measured import Measured
from harness.store.tables import write_table
from harness.words.estimate import (
    MEDIAN_OF_GAPS,
    Formula,
    Scope,
    SpecifiedEstimate,
    SpecifiedSides,
    SpecifiedTotals,
    UnitValue,
)

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sides:
    """Both sides of one estimate, unit by unit, NaN where nothing is left of one; several seeds where something was trained."""

    observed: Mapping[int | None, Values]
    reference: Values
    """[unit], or [seed, unit] where units are another seed's each time."""
    widening: float = 1.0
    totals: tuple[float, ...] = ()
    """Of a gap between groups: what every language's latents amount to, as `SpecifiedTotals` holds them."""

    def value(self, formula: str) -> float | None:
        """What the sides give, as a mean over seeds; None where no unit is left."""
        found = [
            _put_together(formula, rounded(observed), rounded(reference))
            for observed, reference in zip(self.observed.values(), self._references, strict=True)
        ]
        return None if None in found else float(np.mean([value for value in found if value is not None]))

    def rows(self, primary_id: str, name: str) -> Iterator[SpecifiedSides]:
        """As they are stored."""
        for (seed, observed), reference in zip(self.observed.items(), self._references, strict=True):
            yield SpecifiedSides(
                primary_id=primary_id,
                sides=name,
                seed=seed,
                observed=tuple(observed.tolist()),
                reference=tuple(reference.tolist()),
                widening=self.widening,
            )

    @property
    def _references(self) -> Values:
        """[seed, unit]."""
        return np.broadcast_to(self.reference, (len(self.observed), self.reference.shape[-1]))


def rounded(values: Values) -> Values:
    """Values as they are stored, and as every estimate is computed from them."""
    return values.astype(np.float32).astype(np.float64)


def _put_together(formula: str, observed: Values, reference: Values) -> float | None:
    there = ~np.isnan(observed) & ~np.isnan(reference)
    observed, reference = observed[there], reference[there]
    if formula in {Formula.MEAN_OF_GAPS, MEDIAN_OF_GAPS}:
        # A latent that is silent on the reference side has no ratio.
        gaps = 100 * (1 - observed[reference > 0] / reference[reference > 0])
        middle = np.median if formula == MEDIAN_OF_GAPS else np.mean
        return float(middle(gaps)) if len(gaps) else None
    if formula in {Formula.SHARE, Formula.SHARE_DIFFERENCE}:
        shares = observed / np.abs(reference)
        above, below = (shares[side].mean() if side.any() else 0.0 for side in (reference > 0, reference < 0))
        return float(100 * (above - below)) if len(shares) else None
    if formula == Formula.DIFFERENCE:
        return float((observed - reference).mean()) if len(observed) else None
    if not reference.sum() > 0:
        return None
    ratio = 100 * observed.sum() / reference.sum()
    return float(
        {Formula.GAP: 100 - ratio, Formula.CHANGE: ratio - 100, Formula.RATIO: ratio}[Formula(formula)]
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """What an estimate is made of."""

    name: str
    """Of the specification, without what only puts the sides together otherwise."""
    formula: str
    unit_kind: str
    sides: Sides


@dataclass(kw_only=True)
class SpecifiedTables:
    """The rows of both tables, as they are found."""

    nothing_left: str
    """Why there is no value where a specification leaves no unit."""
    estimates: list[SpecifiedEstimate] = field(default_factory=list)
    sides: list[SpecifiedSides] = field(default_factory=list)
    totals: list[SpecifiedTotals] = field(default_factory=list)
    _stored: set[tuple[str, str]] = field(default_factory=set)

    def hole(self, scope: Scope, specification: str, unit_kind: str, because: str) -> None:
        """A specification that cannot be computed."""
        self._add(scope, specification, unit_kind, because=because)

    def found(self, scope: Scope, specification: str, made: "Made") -> None:
        """A specification with what it is made of; a hole where nothing is left."""
        value = made.sides.value(made.formula)
        if value is None:
            self.hole(scope, specification, made.unit_kind, self.nothing_left)
            return
        if (scope.estimate_id, made.name) not in self._stored:
            self._stored.add((scope.estimate_id, made.name))
            self.sides.extend(made.sides.rows(scope.estimate_id, made.name))
        self._add(scope, specification, made.unit_kind, value=value, formula=made.formula, sides=made.name)
        if made.formula == Formula.GAP:
            self.shared_out(scope, specification, made.sides)

    def measured(self, specification: str, found: Measured) -> None:
        """An estimate that was put together as the primary one is, with its units."""
        by_seed: dict[int | None, list[UnitValue]] = {}
        for row in found.units:
            by_seed.setdefault(row.seed, []).append(row)
        sides = Sides(
            observed={seed: np.array([row.observed for row in rows]) for seed, rows in by_seed.items()},
            reference=np.array([[row.reference for row in rows] for rows in by_seed.values()]),
        )
        estimate = found.estimate
        made = Made(name=specification, formula=estimate.formula, unit_kind=estimate.unit_kind, sides=sides)
        self.found(found.scope, specification, made)

    def write(self, folder: Path) -> None:
        """Both tables, as an artifact holds them."""
        write_table(folder, SpecifiedEstimate, self.estimates)
        write_table(folder, SpecifiedSides, self.sides)

    def shared_out(self, scope: Scope, specification: str, sides: Sides) -> None:
        """What is known of every language under a specification of a gap."""
        self.totals.append(
            SpecifiedTotals(primary_id=scope.estimate_id, specification=specification, totals=sides.totals)
        )

    def _add(
        self,
        scope: Scope,
        specification: str,
        unit_kind: str,
        *,
        value: float | None = None,
        formula: str = "",
        sides: str = "",
        because: str = "",
    ) -> None:
        self.estimates.append(
            SpecifiedEstimate(
                estimate_id=replace(scope, specification=specification).estimate_id,
                primary_id=scope.estimate_id,
                specification=specification,
                sides=sides,
                formula=formula,
                unit_kind=unit_kind,
                value=value,
                because=because,
            )
        )
