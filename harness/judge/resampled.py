"""Stored estimates and their units as samples: what each number is worth under each inference target.

Quantities over the same latents share their bootstrap draws; streams are keyed by what is resampled.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from harness.judge.sample import Assumption, Sample
from harness.judge.unit_values import PhraseRows, Stored, UnitRows
from harness.statistics.assumptions import (
    LEAST_LATENTS,
    LEAST_TAIL_INDEX,
    effective_units,
    has_odd_one_out,
    most_influential,
    tail_index,
)
from harness.statistics.resampling import NUM_DRAWS, Crossed, cluster_sums, crossed_sums, stream
from harness.statistics.stats import (
    BELOW_ROUNDING,
    Spread,
    combined,
    mean_spread,
    ratio_residuals,
    ratio_spread,
    standard_deviation,
)
from harness.words.claim import InferenceTarget
from harness.words.estimate import Estimate, Formula, InconsistentError

Values = NDArray[np.float64]

RATIOS = {Formula.GAP: (100.0, -100.0), Formula.CHANGE: (-100.0, 100.0), Formula.RATIO: (0.0, 100.0)}
"""Formulas of one ratio of sums: offset and slope."""

RECOMPUTED_WITHIN = 1e-9
"""Relative difference that sums in another order may make."""

NO_SPREAD = Spread(0.0, None)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawn:
    """What resampling says of one estimate."""

    pivots: Values
    """How many of its own standard errors each draw lies above the estimate; ratios on the scale of logarithms."""
    deviation: float
    """Spread of the draws."""
    widening: float = 1.0
    """How much wider it is where latents are resampled together with the phrases that they share."""


@dataclass(eq=False)
class Resampled:
    """The samples of one stored run, drawn from one stream."""

    stored: Stored
    stream_number: int = 1
    num_draws: int = NUM_DRAWS
    paper_units: Mapping[str, int] = field(default_factory=dict)
    """Units behind the printed number, by estimate, where a source says."""
    wanted: tuple[str, ...] = ()
    """Estimates that will be asked for: those over one layer's latents are drawn with the first of them."""
    _drawn: dict[str, "_Drawn"] = field(default_factory=dict)

    def estimate(self, estimate_id: str) -> Estimate | None:
        """The stored estimate, or None where the run has none of that name."""
        return self.stored.estimates.get(estimate_id)

    def draw(self, estimate_ids: Sequence[str]) -> None:
        """Make the bootstrap values of all these at once, so that those over the same latents share the work."""
        alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for estimate_id in dict.fromkeys(estimate_ids):
            estimate = self.estimate(estimate_id)
            if estimate is None or estimate.unit_kind != "latent" or estimate_id in self._drawn:
                continue
            try:
                rows = self._rows(estimate)
            except InconsistentError:
                continue  # whoever asks for its sample is told; the others are not to suffer
            alike.setdefault((_stream_key(estimate), rows.names), []).append(estimate_id)
        for (key, _), ids in alike.items():
            self._draw_alike(key, ids)

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """One estimate with its error under an inference target.

        Raises:
            InconsistentError: If its units do not give its value.
        """
        estimate = self.stored.estimates[estimate_id]
        if estimate.formula == Formula.NO_UNITS:
            return _unspread(estimate)
        rows = self._rows(estimate)
        _require_consistent(estimate, rows)
        self.draw([estimate_id, *self._beside(estimate)])
        is_fixed = inference is InferenceTarget.FIXED_ITEMS or estimate.unit_kind == "seed"
        drawn = None if is_fixed else self._drawn.get(estimate_id)
        data, seeds = data_spread(estimate, rows), seed_spread(estimate, rows)
        if drawn:
            data = Spread(data.se * drawn.widening, data.df)
        spread = seeds if is_fixed else combined((data, seeds))
        draws = _studentised(estimate, rows, drawn.pivots, data.se) if drawn and data.se else None
        return Sample(
            estimate_id=estimate_id,
            value=estimate.value,
            spread=spread,
            num_units=len(rows.names),
            unit_kind=estimate.unit_kind,
            num_seeds=len(rows.seeds),
            method=_method(estimate, rows, is_fixed=is_fixed),
            one_run_sd=self._one_run(estimate, rows, data.se, is_fixed=is_fixed),
            draws=None if draws is None else draws + self._seed_noise(estimate_id, seeds, len(draws)),
            stream_number=self.stream_number,
            pairs=(rows.observed[0], rows.reference[0]) if estimate.formula == Formula.PEARSON else None,
            units=rows.names if estimate.formula == Formula.PEARSON else (),
            control=self._tokens(rows.names) if estimate.formula == Formula.PEARSON else None,
            steps=None if is_fixed else steps_of(estimate, rows),
            assumptions=tuple(_assumptions(estimate, rows, is_fixed=is_fixed)),
        )

    def _beside(self, estimate: Estimate) -> list[str]:
        """What else will be asked for over the same latents; a claim on one layer costs no other layer's draws."""
        if estimate.estimate_id in self._drawn or estimate.unit_kind != "latent":
            return []
        key = _stream_key(estimate)
        return [each for each in self.wanted if (other := self.estimate(each)) and _stream_key(other) == key]

    def _seed_noise(self, estimate_id: str, seeds: Spread, num_draws: int) -> Values | float:
        """What training seeds add to each draw; too few are seen to be resampled, so Student's distribution stands in."""
        if not seeds.se or seeds.df is None:
            return 0.0
        return seeds.se * stream(f"seeds/{estimate_id}", self.stream_number).standard_t(seeds.df, num_draws)

    def _one_run(self, estimate: Estimate, rows: UnitRows, data_se: float, *, is_fixed: bool) -> float:
        """Error of one run of the paper's design; its questions count as ours until their ids are shown to match."""
        theirs = self.paper_units.get(estimate.estimate_id)
        share = len(rows.names) / theirs if theirs and not is_fixed else 1.0
        return math.hypot(data_se * math.sqrt(share), standard_deviation(by_seed(estimate, rows)))

    def _draw_alike(self, key: str, ids: Sequence[str]) -> None:
        rows = [self._rows(self.stored.estimates[each]) for each in ids]
        formulas = [Formula(self.stored.estimates[each].formula) for each in ids]
        columns = np.stack(
            [side for pair in zip(formulas, rows, strict=True) for side in _drawn_columns(*pair)],
            axis=1,
        )
        sums = cluster_sums(columns, stream(key, self.stream_number), self.num_draws)
        for place, each in enumerate(ids):
            estimate = self.stored.estimates[each]
            mine = sums[:, NUM_COLUMNS * place : NUM_COLUMNS * (place + 1)].T
            drawn = _values(estimate, mine[0], mine[1], columns.shape[0])
            pivots = _pivots(estimate, rows[place], mine)
            self._drawn[each] = _Drawn(pivots=pivots, deviation=_deviation(drawn))
        self._draw_crossed(key, ids)

    def _draw_crossed(self, key: str, ids: Sequence[str]) -> None:
        """How much wider the error is where phrases serve several latents; once for all over the same phrases."""
        alike: dict[tuple[bytes, bytes], dict[str, PhraseRows]] = {}
        for each in ids:
            rows = self.stored.phrase_rows(each)
            if rows is not None and self.stored.estimates[each].formula in RATIOS and rows.is_shared:
                alike.setdefault((rows.latent.tobytes(), rows.phrase.tobytes()), {})[each] = rows
        for found in alike.values():
            sums = crossed_sums(_crossed(tuple(found.values())), self._generators(key), self.num_draws)
            for place, each in enumerate(found):
                estimate = self.stored.estimates[each]
                drawn = _values(estimate, sums[:, 2 * place], sums[:, 2 * place + 1], estimate.num_units)
                alone = self._drawn[each].deviation
                widening = max(1.0, _deviation(drawn) / alone) if alone else 1.0
                self._drawn[each] = replace(self._drawn[each], widening=widening)

    def _generators(self, key: str) -> tuple[np.random.Generator, np.random.Generator]:
        """Random numbers of latents and of phrases."""
        keys = (key, key.replace("latents", "phrases"))
        return stream(keys[0], self.stream_number), stream(keys[1], self.stream_number)

    def _rows(self, estimate: Estimate) -> UnitRows:
        rows = self.stored.unit_rows(estimate.estimate_id)
        if rows is None:
            raise InconsistentError(
                f"{estimate.estimate_id} rests on {estimate.unit_kind}s, but none of them is stored"
            )
        return rows

    def _tokens(self, languages: Sequence[str]) -> Values | None:
        found = [self.estimate(f"tokens-per-phrase/lang={code}/primary/primary") for code in languages]
        return np.array([each.value for each in found if each]) if all(found) else None


def _crossed(alike: Sequence[PhraseRows]) -> Crossed:
    """Both sides of every estimate over the same phrases, each latent's entries summing to its mean."""
    first = alike[0]
    per_latent = np.bincount(first.latent)[first.latent]
    sides = [side / per_latent for rows in alike for side in (rows.observed, rows.reference)]
    return Crossed(first.latent, first.phrase, np.stack(sides, axis=1))


def data_spread(estimate: Estimate, rows: UnitRows) -> Spread:
    """Spread between units, their seeds averaged."""
    formula, observed, reference = Formula(estimate.formula), rows.mean_observed, rows.mean_reference
    if estimate.unit_kind == "seed" or formula is Formula.PEARSON:
        return NO_SPREAD
    if formula in RATIOS:
        spread = ratio_spread(observed, reference)
        return Spread(100 * spread.se, spread.df)
    per_unit = _per_unit(formula, observed, reference)
    size = size_of(rows) if formula is Formula.DIFFERENCE else 0.0
    return mean_spread(per_unit, size)


def seed_spread(estimate: Estimate, rows: UnitRows) -> Spread:
    """Spread of the mean over training seeds; none where nothing was trained, or once."""
    size = 100.0 if estimate.formula in RATIOS else size_of(rows)
    return mean_spread(np.array(by_seed(estimate, rows)), size) if len(rows.seeds) > 1 else NO_SPREAD


def size_of(rows: UnitRows) -> float:
    """The largest number of either side."""
    return float(max(np.abs(rows.observed).max(), np.abs(rows.reference).max()))


def by_seed(estimate: Estimate, rows: UnitRows) -> list[float]:
    """The estimate under each training seed by itself."""
    return (
        [_value(estimate, *sides) for sides in zip(rows.observed, rows.reference, strict=True)]
        if rows.seeds
        else []
    )


NUM_COLUMNS = 6
"""Columns that an estimate is drawn with."""


def _drawn_columns(formula: Formula, rows: UnitRows) -> tuple[Values, ...]:
    """Both sides, what each unit adds beyond the estimate, and its products: from their sums the error of a draw follows."""
    observed, reference = _columns(formula, rows)
    beyond, beside = _beyond(formula, observed, reference)
    return observed, reference, beyond, beyond**2, beyond * beside, beside**2


def _beyond(formula: Formula, observed: Values, reference: Values) -> tuple[Values, Values]:
    """What each unit adds beyond the estimate, and by how much that follows the estimate."""
    if formula in RATIOS:
        return ratio_residuals(observed, reference), reference
    differences = observed - reference
    return differences - differences.mean(), np.zeros(len(differences))


def _pivots(estimate: Estimate, rows: UnitRows, sums: Values) -> Values:
    """How many of its own standard errors each draw lies above the estimate; without a value where it has no error.

    A ratio is compared on the scale of logarithms, where its error depends least on itself.

    Source: P. Hall, The Bootstrap and Edgeworth Expansion (1992), section 3.2: the percentile-t method.

    Args:
        estimate: What was drawn.
        rows: Its units.
        sums: Sums of its columns, [column, draw].
    """
    observed, reference = _columns(Formula(estimate.formula), rows)
    count, (drawn, beside, beyond, squares, products, beside_squares) = len(observed), sums
    with np.errstate(divide="ignore", invalid="ignore"):
        if estimate.formula in RATIOS:
            step, scale = beyond / beside, drawn
            distance = np.log1p(step * reference.sum() / observed.sum())
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


def _studentised(estimate: Estimate, rows: UnitRows, pivots: Values, se: float) -> Values:
    """Values that the truth may have by the percentile-t method, given the error of the estimate."""
    drawn: Values = estimate.value - pivots * se
    if estimate.formula in RATIOS:
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


def _assumptions(estimate: Estimate, rows: UnitRows, *, is_fixed: bool) -> Iterator[Assumption]:
    """What the error takes for granted: no heavy tail between latents, no odd seed."""
    if estimate.unit_kind == "latent" and estimate.formula in RATIOS and not is_fixed:
        yield _about_tail(estimate, rows)
    if len(rows.seeds) > 1:
        yield about_seeds(np.array(by_seed(estimate, rows)))


def _about_tail(estimate: Estimate, rows: UnitRows) -> Assumption:
    observed, reference = rows.mean_observed, rows.mean_reference
    index, place = tail_index(observed, reference), most_influential(observed, reference)
    kept, count = np.arange(len(observed)) != place, len(observed)
    without = _value(estimate, observed[kept], reference[kept])
    shown = (
        f"their tail index is {index:.2f}, and under {LEAST_TAIL_INDEX} no interval errs as rarely as stated"
        if count >= LEAST_LATENTS
        else f"fewer than {LEAST_LATENTS} cannot show their tail"
    )
    return Assumption(
        says=f"The {count} latents weigh as much as {effective_units(reference):.1f} of equal size; {shown}; without latent "
        f"{rows.names[place]}, which moves it most, it would be {without:.2f}.",
        is_broken=count < LEAST_LATENTS or index < LEAST_TAIL_INDEX,
    )


def about_seeds(values: Values) -> Assumption:
    """That training seeds vary as a normal law has it."""
    is_broken = has_odd_one_out(values)
    found = "one lies further off than a normal law allows" if is_broken else "none lies off"
    return Assumption(
        says=f"Training seeds are taken as normal, which {len(values)} cannot show: {found} (Grubbs); were they skewed like "
        "logarithmic normal ones, a verdict would err about four times as often as stated.",
        is_broken=is_broken,
    )


def _deviation(draws: Values) -> float:
    """Spread of the draws that are numbers; the others lie beyond every edge already."""
    finite = draws[np.isfinite(draws)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else 0.0


def _value(estimate: Estimate, observed: Values, reference: Values) -> float:
    if estimate.formula == Formula.PEARSON:
        return float(np.corrcoef(observed, reference)[0, 1])
    sums = [side.sum(keepdims=True) for side in _summands(Formula(estimate.formula), observed, reference)]
    return float(_values(estimate, sums[0], sums[1], len(observed))[0])


def _values(estimate: Estimate, observed: Values, reference: Values, units: int) -> Values:
    """The estimate from sums over units."""
    if estimate.formula in RATIOS:
        offset, slope = RATIOS[Formula(estimate.formula)]
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
    return float(np.mean([_value(estimate, *each) for each in sides]))


def _require_consistent(estimate: Estimate, rows: UnitRows) -> None:
    again = recomputed(estimate, rows)
    if not math.isclose(again, estimate.value, rel_tol=RECOMPUTED_WITHIN, abs_tol=RECOMPUTED_WITHIN):
        if math.isnan(again) and math.isnan(estimate.value):
            return
        raise InconsistentError(
            f"{estimate.estimate_id}: its stored units give {again}, but the stored estimate is {estimate.value}; "
            "run the estimates stage again"
        )


def _stream_key(estimate: Estimate) -> str:
    return f"latents/layer {estimate.layer}"


def _unspread(estimate: Estimate) -> Sample:
    return Sample(
        estimate_id=estimate.estimate_id,
        value=estimate.value,
        spread=NO_SPREAD,
        num_units=estimate.num_units,
        num_seeds=estimate.num_seeds,
        method="a single figure",
    )


def _method(estimate: Estimate, rows: UnitRows, *, is_fixed: bool) -> str:
    seeds = f"{len(rows.seeds)} training seeds"
    if is_fixed:
        return f"t over {seeds}"
    units = f"{len(rows.names)} {estimate.unit_kind}s"
    way = (
        f"envelope of linearised t and percentile-t bootstrap over {units}"
        if estimate.unit_kind == "latent"
        else f"t over {units}"
    )
    return f"{way}, with {seeds}" if rows.seeds else way
