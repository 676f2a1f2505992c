"""Bootstrap draws of stored estimates, and what each estimate is made of: its value, its errors, its paired steps.

Quantities over the same latents share their draws; streams are keyed by what is resampled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.judge.unit_values import PhraseRows, Stored, UnitRows
from harness.statistics.resampling import Crossed, cluster_sums, crossed_sums, stream
from harness.statistics.stats import (
    BELOW_ROUNDING,
    Spread,
    mean_spread,
    ratio_residuals,
    ratio_spread,
    share_spread,
)
from harness.words.estimate import NUM_DRAWS, Estimate, Formula, InconsistentError

Part = tuple[Estimate, UnitRows]
"""An estimate and what it is made of."""

Values = NDArray[np.float64]

RATIOS = {
    Formula.GAP: (100.0, -100.0),
    Formula.CHANGE: (-100.0, 100.0),
    Formula.RATIO: (0.0, 100.0),
    Formula.RATIO_DIFFERENCE: (0.0, 100.0),
}
"""Formulas of one sum in percent of another that lies above zero: offset and slope."""

ON_LOGARITHMS = RATIOS.keys() - {Formula.RATIO_DIFFERENCE}
"""Those of which both sums lie above zero, so that their ratio has a logarithm."""

QUOTIENTS = RATIOS | {Formula.SLOPE: (0.0, 1.0)}
"""Formulas of one sum divided by another, whatever the sign of either."""

SHARES = (Formula.SHARE, Formula.SHARE_DIFFERENCE)
"""Formulas over groups of units that were counted: one dictionary's features, say, which are those of no other training seed."""

RECOMPUTED_WITHIN = 1e-9
"""Relative difference that sums in another order may make."""

NO_SPREAD = Spread(0.0, None)

NUM_COLUMNS = 6
"""Columns that an estimate is drawn with."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """What resampling says of one estimate."""

    pivots: Values
    """How many of its own standard errors each draw lies above the estimate; on the scale of logarithms where there is one."""
    deviation: float
    """Spread of the draws."""
    widening: float = 1.0
    """How much wider it is where latents are resampled together with the phrases that they share."""


@dataclass(eq=False)
class Resampled:
    """Draws of the estimates over latents of one stored run, from one stream."""

    stored: Stored
    stream_number: int = 1
    num_draws: int = NUM_DRAWS
    wanted: tuple[str, ...] = ()
    """Estimates that will be asked for: those over one layer's latents are drawn with the first of them."""
    _drawn: dict[str, Drawn] = field(default_factory=dict)

    def drawn(self, estimate: Estimate) -> Drawn | None:
        """The draws of one estimate; None where it rests on no latents. A claim on one layer costs no other layer's draws."""
        if estimate.unit_kind == "latent" and estimate.estimate_id not in self._drawn:
            key, known = self._stream_key(estimate), self.stored.estimates
            beside = (each for each in self.wanted if each in known and self._stream_key(known[each]) == key)
            self.draw([estimate.estimate_id, *beside])
        return self._drawn.get(estimate.estimate_id)

    def draw(self, estimate_ids: Sequence[str]) -> None:
        """Make the bootstrap values of all these at once, so that those over the same latents share the work."""
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for estimate_id in dict.fromkeys(estimate_ids):
            estimate = self.stored.estimates.get(estimate_id)
            if estimate is None or estimate.unit_kind != "latent" or estimate_id in self._drawn:
                continue
            try:
                rows = rows_of(self.stored, estimate)
            except InconsistentError:
                continue  # whoever asks for its error is told; the others are not to suffer
            alike.setdefault((self._stream_key(estimate), rows.names), []).append(estimate_id)
        for (key, _), ids in alike.items():
            self._draw_alike(key, ids)
            self._draw_crossed(key, ids)

    def _stream_key(self, estimate: Estimate) -> str:
        """What is resampled: the latents of one layer, of one model and step where a design has several."""
        axes = self.stored.axes.get(estimate.estimate_id, ())
        return "".join(("latents/", *(f"{axis}={value}/" for axis, value in axes), f"layer {estimate.layer}"))

    def _draw_alike(self, key: str, ids: Sequence[str]) -> None:
        known_estimates = [self.stored.estimates[each] for each in ids]
        of_clusters = [over_clusters(each, rows_of(self.stored, each)) for each in known_estimates]
        estimates, rows = [each for each, _ in of_clusters], [own for _, own in of_clusters]
        columns = np.stack(
            [
                side
                for estimate, own in zip(estimates, rows, strict=True)
                for side in _drawn_columns(Formula(estimate.formula), own)
            ],
            axis=1,
        )
        known = self.stored.widenings
        sums = cluster_sums(columns, stream(key, self.stream_number), self.num_draws, at_once=bool(known))
        for place, (estimate, own) in enumerate(zip(estimates, rows, strict=True)):
            mine = sums[:, NUM_COLUMNS * place : NUM_COLUMNS * (place + 1)].T
            drawn = _values(estimate, mine[0], mine[1], len(columns))
            self._drawn[estimate.estimate_id] = Drawn(
                pivots=_pivots(estimate, own, mine),
                deviation=_deviation(drawn),
                widening=known.get(estimate.estimate_id, 1.0),
            )

    def _draw_crossed(self, key: str, ids: Sequence[str]) -> None:
        """How much wider the error is where phrases serve several latents; once for all over the same phrases."""
        alike: dict[tuple[bytes, bytes], dict[str, PhraseRows]] = {}
        for each in ids:
            rows = self.stored.phrase_rows(each)
            if rows is not None and self.stored.estimates[each].formula in RATIOS and rows.is_shared:
                alike.setdefault((rows.latent.tobytes(), rows.phrase.tobytes()), {})[each] = rows
        for found in alike.values():
            keys = (key, key.replace("latents", "phrases"))
            latents, phrases = (stream(each, self.stream_number) for each in keys)
            sums = crossed_sums(_crossed(tuple(found.values())), (latents, phrases), self.num_draws)
            for place, each in enumerate(found):
                estimate, alone = self.stored.estimates[each], self._drawn[each]
                drawn = _values(estimate, sums[:, 2 * place], sums[:, 2 * place + 1], estimate.num_units)
                widening = max(1.0, _deviation(drawn) / alone.deviation) if alone.deviation else 1.0
                self._drawn[each] = replace(alone, widening=widening)


def rows_of(stored: Stored, estimate: Estimate) -> UnitRows:
    """The units of an estimate that rests on some.

    Raises:
        InconsistentError: If none of them is stored.
    """
    rows = stored.unit_rows(estimate.estimate_id)
    if rows is None:
        raise InconsistentError(
            f"{estimate.estimate_id} rests on {estimate.unit_kind}s, but none of them is stored"
        )
    return rows


def _crossed(alike: Sequence[PhraseRows]) -> Crossed:
    """Both sides of every estimate over the same phrases, each latent's entries summing to its mean."""
    first = alike[0]
    per_latent = np.bincount(first.latent)[first.latent]
    sides = [side / per_latent for rows in alike for side in (rows.observed, rows.reference)]
    return Crossed(first.latent, first.phrase, np.stack(sides, axis=1))


def over_clusters(estimate: Estimate, rows: UnitRows) -> Part:
    """The estimate as one over clusters, seeds averaged; as it is where units vary by themselves.

    A ratio is that of the clusters' sums; a mean is the sum over a cluster by the number of its units.
    """
    if not rows.clusters:
        return estimate, rows
    formula, observed, reference = Formula(estimate.formula), rows.mean_observed, rows.mean_reference
    if formula not in QUOTIENTS:
        estimate = replace(estimate, formula=Formula.SLOPE.value)
        observed, reference = _per_unit(formula, observed, reference), np.ones(len(rows.names))
    names = tuple(dict.fromkeys(rows.clusters))
    return estimate, UnitRows(names, (), rows.by_cluster(observed)[None], rows.by_cluster(reference)[None])


def data_spread(estimate: Estimate, rows: UnitRows) -> Spread:
    """Spread between units, or their clusters, seeds averaged; of units that are another seed's each time, seeds tell it all."""
    estimate, rows = over_clusters(estimate, rows)
    formula, observed, reference = Formula(estimate.formula), rows.mean_observed, rows.mean_reference
    if formula in SHARES:
        return NO_SPREAD if len(rows.seeds) > 1 else share_spread(observed, reference)
    if estimate.unit_kind == "seed" or formula is Formula.PEARSON:
        return NO_SPREAD
    if formula in QUOTIENTS:
        spread, (_, slope) = ratio_spread(observed, reference), QUOTIENTS[formula]
        return Spread(abs(slope) * spread.se, spread.df)
    per_unit = _per_unit(formula, observed, reference)
    size = size_of(rows) if formula is Formula.DIFFERENCE else 0.0
    return mean_spread(per_unit, size)


def seed_spread(estimate: Estimate, rows: UnitRows) -> Spread:
    """Spread of the mean over training seeds; none where nothing was trained, or once."""
    size = 100.0 if estimate.formula in (*RATIOS, *SHARES) else size_of(rows)
    return mean_spread(np.array(by_seed(estimate, rows)), size) if len(rows.seeds) > 1 else NO_SPREAD


def num_units(estimate: Estimate, rows: UnitRows) -> int:
    """Units behind an estimate under every seed; of counted groups, all that were counted in the seed with the fewest."""
    if estimate.formula in SHARES:
        return int(np.abs(rows.reference).sum(axis=1).min())
    return len(rows.names)


def size_of(rows: UnitRows) -> float:
    """The largest number of either side."""
    return float(max(np.abs(rows.observed).max(), np.abs(rows.reference).max()))


def by_seed(estimate: Estimate, rows: UnitRows) -> list[float]:
    """The estimate under each training seed by itself."""
    return (
        [value_of(estimate, *sides) for sides in zip(rows.observed, rows.reference, strict=True)]
        if rows.seeds
        else []
    )


def _drawn_columns(formula: Formula, rows: UnitRows) -> tuple[Values, ...]:
    """Both sides, what each unit adds beyond the estimate, and its products: from their sums the error of a draw follows."""
    observed, reference = _columns(formula, rows)
    beyond, beside = _beyond(formula, observed, reference)
    return observed, reference, beyond, beyond**2, beyond * beside, beside**2


def _beyond(formula: Formula, observed: Values, reference: Values) -> tuple[Values, Values]:
    """What each unit adds beyond the estimate, and by how much that follows the estimate."""
    if formula in QUOTIENTS:
        return ratio_residuals(observed, reference), reference
    differences = observed - reference
    return differences - differences.mean(), np.zeros(len(differences))


def _pivots(estimate: Estimate, rows: UnitRows, sums: Values) -> Values:
    """How many of its own standard errors each draw lies above the estimate; without a value where it has no error.

    A ratio is compared on the scale of logarithms, where its error depends least on itself; a difference of two may be zero.

    Source: P. Hall, The Bootstrap and Edgeworth Expansion (1992), section 3.2: the percentile-t method.

    Args:
        estimate: What was drawn.
        rows: Its units.
        sums: Sums of its columns, [column, draw].
    """
    observed, reference = _columns(Formula(estimate.formula), rows)
    count, (drawn, beside, beyond, squares, products, beside_squares) = len(observed), sums
    with np.errstate(divide="ignore", invalid="ignore"):
        if estimate.formula in ON_LOGARITHMS:
            step, scale = beyond / beside, drawn
            distance = np.log1p(step * reference.sum() / observed.sum())
        elif estimate.formula in QUOTIENTS:
            step = distance = beyond / beside
            scale = beside
        else:
            step = distance = beyond / count
            scale, beside_squares = np.full(len(step), float(count)), np.full(len(step), float(count))
            products = beyond
        variance = squares - 2 * step * products + step**2 * beside_squares
        # Where one unit is drawn again and again, products leave a rounding for a variance.
        variance[variance <= BELOW_ROUNDING * squares] = np.nan
        errors = np.sqrt(variance * count / (count - 1)) / np.abs(scale)
        pivots: Values = distance / errors
    return pivots


def studentised(estimate: Estimate, rows: UnitRows, pivots: Values, se: float) -> Values:
    """Values that the truth may have by the percentile-t method, given the error of the estimate."""
    drawn: Values = estimate.value - pivots * se
    if estimate.formula in ON_LOGARITHMS:
        _, slope = RATIOS[Formula(estimate.formula)]
        ratio = slope * rows.mean_observed.sum() / rows.mean_reference.sum()
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # Where seeds differ in their reference, the mean of their ratios is not quite the ratio of their means.
            drawn = estimate.value - ratio + ratio * np.exp(-pivots * se / abs(ratio))
    return drawn


def steps_of(estimate: Estimate, rows: UnitRows) -> NDArray[np.int64] | None:
    """Paired differences of outcomes, right or wrong, in whole steps; None for everything else."""
    size = size_of(rows)
    sides = np.stack([rows.observed, rows.reference])
    if (
        estimate.formula not in {Formula.DIFFERENCE, Formula.CHANGE}
        or estimate.unit_kind != "document"
        or not size
    ):
        return None
    if not np.isin(sides, (0.0, size)).all():
        return None
    steps: NDArray[np.int64] = np.rint((sides[0] - sides[1]).sum(axis=0) / size).astype(np.int64)
    return steps


def _deviation(draws: Values) -> float:
    """Spread of the draws that are numbers; the others lie beyond every edge already."""
    finite = draws[np.isfinite(draws)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else 0.0


def value_of(estimate: Estimate, observed: Values, reference: Values) -> float:
    """The estimate from both sides of its units."""
    if estimate.formula == Formula.PEARSON:
        if np.ptp(observed) == 0 or np.ptp(reference) == 0:
            return math.nan
        return float(np.corrcoef(observed, reference)[0, 1])
    if estimate.formula in SHARES:
        shares = observed / np.abs(reference)
        sides = [shares[side].mean() if side.any() else 0.0 for side in (reference > 0, reference < 0)]
        return float(100 * (sides[0] - sides[1]))
    sums = [side.sum(keepdims=True) for side in _summands(Formula(estimate.formula), observed, reference)]
    return float(_values(estimate, sums[0], sums[1], len(observed))[0])


def _values(estimate: Estimate, observed: Values, reference: Values, units: int) -> Values:
    """The estimate from sums over units."""
    if estimate.formula in QUOTIENTS:
        offset, slope = QUOTIENTS[Formula(estimate.formula)]
        with np.errstate(divide="ignore", invalid="ignore"):  # a draw without any reference has no ratio
            return offset + slope * observed / reference
    return (observed - reference) / units


def _columns(formula: Formula, rows: UnitRows) -> tuple[Values, Values]:
    return _summands(formula, rows.mean_observed, rows.mean_reference)


def _summands(formula: Formula, observed: Values, reference: Values) -> tuple[Values, Values]:
    """What is summed over units on either side."""
    if formula is Formula.MEAN_OF_GAPS:
        return _per_unit(formula, observed, reference), np.zeros(len(observed))
    return observed, reference


def _per_unit(formula: Formula, observed: Values, reference: Values) -> Values:
    return 100 * (1 - observed / reference) if formula is Formula.MEAN_OF_GAPS else observed - reference


def recomputed(estimate: Estimate, rows: UnitRows) -> float:
    """The estimate's value from its units: the mean over training seeds."""
    sides = zip(rows.observed, rows.reference, strict=True)
    return float(np.mean([value_of(estimate, *each) for each in sides]))


def require_consistent(estimate: Estimate, rows: UnitRows) -> None:
    """Refuse units that do not give their estimate.

    Raises:
        InconsistentError: If they do not.
    """
    again = recomputed(estimate, rows)
    if not math.isclose(again, estimate.value, rel_tol=RECOMPUTED_WITHIN, abs_tol=RECOMPUTED_WITHIN):
        if math.isnan(again) and math.isnan(estimate.value):
            return
        raise InconsistentError(
            f"{estimate.estimate_id}: its stored units give {again}, but the stored estimate is {estimate.value}; "
            "run the estimates stage again"
        )
