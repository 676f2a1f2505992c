"""One estimate with what each unit contributed, put together the same way for every quantity."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.words.estimate import AxisValue, Estimate, Formula, PhraseValue, Scope, UnitValue

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The two sides of a comparison, unit by unit, under one seed."""

    units: Sequence[str]
    observed: Values
    reference: Values
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An estimate and the rows it rests on."""

    estimate: Estimate
    units: tuple[UnitValue, ...]
    phrases: tuple[PhraseValue, ...] = ()
    axes: tuple[AxisValue, ...] = ()

    @property
    def scope(self) -> Scope:
        """What the estimate is about."""
        estimate = self.estimate
        return Scope(
            quantity=estimate.quantity,
            unit=estimate.unit,
            axes=tuple((row.axis, row.value) for row in self.axes),
            layer=estimate.layer,
            language=estimate.language,
            benchmark=estimate.benchmark,
            reading=estimate.reading,
            specification=estimate.specification,
        )


def measured(
    scope: Scope, value: float, formula: Formula, unit_kind: str, sides: Iterable[Sides]
) -> Measured:
    """An estimate from its value, the formula that gives it, and the sides of every seed."""
    parts = tuple(sides)
    seeds = {part.seed for part in parts} - {None}
    return Measured(
        estimate=Estimate(
            estimate_id=scope.estimate_id,
            quantity=scope.quantity,
            reading=scope.reading,
            specification=scope.specification,
            formula=formula,
            unit=scope.unit,
            value=float(value),
            layer=scope.layer,
            language=scope.language,
            benchmark=scope.benchmark,
            unit_kind=unit_kind,
            num_units=len({unit for part in parts for unit in part.units}),
            num_seeds=len(seeds),
        ),
        units=tuple(row for part in parts for row in _unit_rows(scope, part)),
        axes=tuple(
            AxisValue(estimate_id=scope.estimate_id, axis=axis, value=value) for axis, value in scope.axes
        ),
    )


def plain_mean(scope: Scope, unit_kind: str, units: Sequence[str], values: Values) -> Measured:
    """The mean of one value per unit."""
    sides = Sides(units=units, observed=values, reference=np.zeros(len(values)))
    return measured(scope, float(np.mean(values)), Formula.DIFFERENCE, unit_kind, (sides,))


def _unit_rows(scope: Scope, part: Sides) -> Iterable[UnitValue]:
    for unit, observed, reference in zip(
        part.units, part.observed.tolist(), part.reference.tolist(), strict=True
    ):
        yield UnitValue(
            estimate_id=scope.estimate_id, unit=unit, seed=part.seed, observed=observed, reference=reference
        )
