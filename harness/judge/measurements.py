"""What was measured: one mapping from an estimate and an inference target to a measurement with its error.

A run's tables are resampled under one stream of draws; what somebody declared stands as told. A run that measured nothing is
the empty mapping.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.designs.design import Beside, design_of
from harness.designs.estimand import Estimand
from harness.judge.quantities import estimate_scopes
from harness.judge.resampled import (
    RATIOS,
    SHARES,
    Drawn,
    Resampled,
    by_seed,
    data_spread,
    num_units,
    over_clusters,
    require_consistent,
    rows_of,
    seed_spread,
    steps_of,
    studentised,
    value_of,
)
from harness.judge.unit_values import NO_TABLES, Stored, UnitRows
from harness.statistics.assumptions import Assumption, about_languages, about_seeds, about_tail
from harness.statistics.correlation import fisher
from harness.statistics.metrics import MIN_PAIRS
from harness.statistics.resampling import (
    percentile_interval,
    share_above,
    share_below,
    stream,
)
from harness.statistics.stats import (
    Spread,
    combined,
    sign_flip_tail,
    standard_deviation,
    t_quantile,
    tail_above,
    tail_below,
)
from harness.words.claim import Claim, InferenceTarget
from harness.words.estimate import NUM_DRAWS, Estimate, Formula, InconsistentError
from harness.words.judgement import Precision, SeedValue
from harness.words.study import Study
from harness.words.verdict import Interval

Values = NDArray[np.float64]

Quantity = tuple[str, InferenceTarget]
"""An estimate's id, and which question its error answers."""

SAME_REACH = 1e-9
"""Relative difference that floating point may leave between two ends."""

EVERYWHERE: Interval = (-math.inf, math.inf)

ERRORS_ABOVE_CHANCE = 3.0
"""Standard errors by which an accuracy must exceed guessing before it counts as more than that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """One measured quantity under one inference target: value, error, draws, and what one run would vary by."""

    estimate_id: str
    value: float
    spread: Spread
    """Of the value; every source of error that the inference target counts."""
    num_units: int
    unit_kind: str = ""
    """What varies, such as "latent"; empty where somebody declared the number."""
    num_seeds: int
    """0 when nothing was trained."""
    method: str
    """How the error was found, for the report."""
    one_run_sd: float | None = None
    """Standard error of one run of the paper's design; None where nobody can say."""
    draws: Values | None = None
    """Values that the truth may have by the bootstrap, the noise of seeds included."""
    stream_number: int = 1
    """Stream that the draws come from, and those that stand in for missing ones."""
    pairs: tuple[Values, Values] | None = None
    """Both sides of a correlation, unit by unit."""
    units: tuple[str, ...] = ()
    """Names of the pairs."""
    control: Values | None = None
    """A third quantity of the same units, which may stand behind both sides."""
    steps: NDArray[np.int64] | None = None
    """Paired differences of outcomes in whole steps, for the exact test of their sign."""
    assumptions: tuple[Assumption, ...] = ()
    """What the error takes for granted."""
    estimate: Estimate | None = None
    """The stored or declared estimate; None where a number was typed."""
    rows: UnitRows | None = None
    """Its units; None where nobody has them."""
    notes: tuple[str, ...] = ()
    """What is shown beside a claim on it alone."""
    starts_at_chance: bool = False
    """Whether it is a change from an accuracy that cannot be told from guessing."""
    within: Interval = EVERYWHERE
    """Between which numbers the truth lies, whatever is measured: a share between 0 and 100 percent."""

    @property
    def is_finite(self) -> bool:
        """False for what a crash leaves behind."""
        return math.isfinite(self.value) and math.isfinite(self.spread.se)

    @property
    def is_without_spread(self) -> bool:
        """True where all units or seeds are equal: then no interval exists."""
        return self.spread.se == 0

    def bounded(self, interval: Interval) -> Interval:
        """What of an interval the truth can lie in."""
        low, high = (min(max(end, self.within[0]), self.within[1]) for end in interval)
        return low, high

    def interval(self, level: float) -> Interval:
        """The envelope: at each end the wider of the t interval and the bootstrap's, as far as the truth can lie there."""
        low, high = self.spread.interval(self.value, level)
        if self.draws is not None:
            drawn_low, drawn_high = percentile_interval(self.draws, level)
            low, high = min(low, drawn_low), max(high, drawn_high)
        return self.bounded((low, high))

    def p_above(self, edge: float) -> float:
        """How well a truth at or below the edge explains this value: the larger of the t and the bootstrap p."""
        if self.is_without_spread:
            return 1.0
        if edge < self.within[0]:
            return 0.0  # there is no such truth
        drawn = 0.0 if self.draws is None else share_below(self.draws, edge)
        return max(tail_above(edge, self.value, self.spread), drawn)

    def p_below(self, edge: float) -> float:
        """How well a truth at or above the edge explains this value."""
        if self.is_without_spread:
            return 1.0
        if edge > self.within[1]:
            return 0.0  # there is no such truth
        drawn = 0.0 if self.draws is None else share_above(self.draws, edge)
        return max(tail_below(edge, self.value, self.spread), drawn)

    def p_without_sign(self, sign: int) -> float:
        """How well a truth without that sign explains the value; of outcomes, also by the exact test of their flips."""
        by_error = self.p_above(0.0) if sign > 0 else self.p_below(0.0)
        return max(by_error, self.flip_tails.get(sign, 0.0))

    @cached_property
    def flip_tails(self) -> Mapping[int, float]:
        """By sign: how often fair flips give outcomes a change as large, by the exact test; empty where none are paired."""
        if self.steps is None:
            return {}
        return {sign: sign_flip_tail(sign * self.steps) for sign in (1, -1)}


@dataclass(frozen=True)
class Noise:
    """Where one unrepeated run of the paper's design would land around our value."""

    one_run_sd: float
    is_assumed: bool
    half_width: float
    """Of the 95 % prediction interval."""


def one_run_noise(measured: Measurement) -> Noise:
    """The noise of one run; where nobody can say, our error is taken to shrink with the root of our seeds."""
    known, error = measured.one_run_sd, measured.spread.se
    deviation = error * math.sqrt(max(1, measured.num_seeds)) if known is None else known
    spread = math.hypot(error, deviation)
    return Noise(deviation, known is None, t_quantile(0.975, measured.spread.df) * spread)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurements(Mapping[Quantity, Measurement]):
    """Everything that was measured, under one stream of draws."""

    study: Study
    tables: Stored = NO_TABLES
    declared: Mapping[Quantity, Measurement] = field(default_factory=dict)
    """What somebody declared as a value with its error; it answers the one question that the error is for."""
    wanted: tuple[str, ...] = ()
    """Every estimate that some claim names: those over one layer's latents are drawn with the first of them."""
    paper_units: Mapping[str, int] = field(default_factory=dict)
    """Units behind the printed number, by estimate, where a source says."""
    stream_number: int = 1
    num_draws: int = NUM_DRAWS
    _known: dict[Quantity, Measurement] = field(default_factory=dict, init=False)

    def redrawn(self, stream_number: int, num_draws: int) -> "Measurements":
        """The same measurements under another stream; draws that stand in for a declared error's come from it as well."""
        declared = {
            quantity: replace(each, stream_number=stream_number) for quantity, each in self.declared.items()
        }
        return replace(self, declared=declared, stream_number=stream_number, num_draws=num_draws)

    def __contains__(self, quantity: object) -> bool:
        if quantity in self.declared:
            return True
        return isinstance(quantity, tuple) and len(quantity) == 2 and quantity[0] in self.tables.estimates  # noqa: PLR2004

    def __iter__(self) -> Iterator[Quantity]:
        stored = ((name, inference) for name in self.tables.estimates for inference in InferenceTarget)
        yield from dict.fromkeys((*self.declared, *stored))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, quantity: Quantity) -> Measurement:
        """One quantity with its error, found once.

        Raises:
            InconsistentError: If its units do not give its value.
        """
        if quantity not in self._known:
            found = self.declared.get(quantity) or self._measured(*quantity)
            beside = Beside() if found.estimate is None else self.beside(found.estimate)
            before = self.get((beside.before, InferenceTarget.POPULATION))
            self._known[quantity] = replace(
                found,
                within=self._bounds(found),
                notes=self._relabelled(beside.shared_out),
                starts_at_chance=before is not None
                and before.value - beside.guessing <= ERRORS_ABOVE_CHANCE * before.spread.se,
            )
        return self._known[quantity]

    def _bounds(self, found: Measurement) -> Interval:
        """Between which numbers something lies, whether a claim may be about it or not."""
        named = found.estimate or self.estimands.get(found.estimate_id)
        quantity = design_of(self.study).quantities.get(named.quantity) if named else None
        return (quantity.within if quantity else None) or EVERYWHERE

    def beside(self, estimate: Estimate) -> Beside:
        """What a verdict on an estimate must be read beside, as the study's design names it."""
        return design_of(self.study).beside(self.study, estimate)

    @cached_property
    def estimands(self) -> Mapping[str, Estimand]:
        """What the design says of every estimate that a claim may name."""
        return estimate_scopes(self.study)

    @cached_property
    def resampled(self) -> Resampled:
        """The draws that its errors rest on."""
        return Resampled(self.tables, self.stream_number, self.num_draws, self.wanted)

    def _measured(self, estimate_id: str, inference: InferenceTarget) -> Measurement:
        """One stored estimate with its error, and what that takes for granted."""
        estimate = self.tables.estimates[estimate_id]
        if estimate.formula == Formula.NO_UNITS:
            return Measurement(
                estimate_id=estimate_id,
                value=estimate.value,
                spread=Spread(0.0, None),
                num_units=estimate.num_units,
                num_seeds=estimate.num_seeds,
                method="a single figure",
                estimate=estimate,
            )
        rows = rows_of(self.tables, estimate)
        require_consistent(estimate, rows)
        is_fixed = inference is InferenceTarget.FIXED_ITEMS or estimate.unit_kind == "seed"
        is_correlation = estimate.formula == Formula.PEARSON
        drawn = None if is_fixed else self.resampled.drawn(estimate)
        data, seeds = data_spread(estimate, rows), seed_spread(estimate, rows)
        if drawn:
            data = Spread(data.se * drawn.widening, data.df)
        steps, theirs = steps_of(estimate, rows), self.paper_units.get(estimate_id)
        # Error of one run of the paper's design; its questions count as ours until their ids are shown to match.
        share = num_units(estimate, rows) / theirs if theirs and not is_fixed else 1.0
        return Measurement(
            estimate_id=estimate_id,
            value=estimate.value,
            spread=seeds if is_fixed else combined((data, seeds)),
            num_units=num_units(estimate, rows),
            unit_kind=estimate.unit_kind,
            num_seeds=len(rows.seeds),
            method=_method(estimate, rows, is_fixed=is_fixed),
            one_run_sd=math.hypot(data.se * math.sqrt(share), standard_deviation(by_seed(estimate, rows))),
            draws=self._draws(*over_clusters(estimate, rows), drawn, data, seeds),
            stream_number=self.stream_number,
            pairs=(rows.observed[0], rows.reference[0]) if is_correlation else None,
            units=rows.names if is_correlation else (),
            control=self._control(estimate, rows.names) if is_correlation else None,
            steps=None if is_fixed or steps is None else rows.by_cluster(steps),
            assumptions=tuple(self._assumptions(estimate, rows, is_fixed=is_fixed)),
            estimate=estimate,
            rows=rows,
        )

    def _draws(
        self, estimate: Estimate, rows: UnitRows, drawn: Drawn | None, data: Spread, seeds: Spread
    ) -> Values | None:
        """Values that the truth may have; too few seeds are seen to be resampled, so Student's distribution stands in."""
        if drawn is None or not data.se:
            return None
        draws = studentised(estimate, rows, drawn.pivots, data.se)
        if not seeds.se or seeds.df is None:
            return draws
        noise = stream(f"seeds/{estimate.estimate_id}", self.stream_number).standard_t(seeds.df, len(draws))
        return draws + seeds.se * noise

    def _assumptions(self, estimate: Estimate, rows: UnitRows, *, is_fixed: bool) -> Iterator[Assumption]:
        """What the error takes for granted: no heavy tail between latents, no odd seed, no groups that do it alone."""
        if estimate.unit_kind == "latent" and estimate.formula in RATIOS and not is_fixed:
            yield about_tail(
                rows.names,
                rows.mean_observed,
                rows.mean_reference,
                lambda observed, reference: value_of(estimate, observed, reference),
            )
        if len(rows.seeds) > 1:
            yield about_seeds(np.array(by_seed(estimate, rows)))
        if estimate.formula == Formula.PEARSON:
            groups = {language.code: str(language.group) for language in self.study.languages}
            codes = [groups.get(code, code) for code in rows.names]
            yield about_languages(rows.observed[0], rows.reference[0], codes)

    def _control(self, estimate: Estimate, units: Sequence[str]) -> Values | None:
        named = self.beside(estimate).control
        found = [self.tables.estimates.get(named.get(unit, "")) for unit in units]
        return np.array([each.value for each in found if each]) if all(found) else None

    def _relabelled(self, shared_out: Mapping[str, bool]) -> tuple[str, ...]:
        """How unusual a gap between groups is among all ways to share the languages out."""
        found = [self.tables.unit_rows(name) for name in shared_out]
        means = np.array([rows.mean_observed.mean() for rows in found if rows is not None])
        own = np.array(list(shared_out.values()), dtype=bool)
        if len(means) < len(own) or not 0 < own.sum() < len(own):
            return ()
        ways = np.array(list(combinations(range(len(means)), int(own.sum()))))
        chosen = np.zeros((len(ways), len(means)), dtype=bool)
        np.put_along_axis(chosen, ways, values=True, axis=1)

        def gap(low: NDArray[np.bool_]) -> Values:
            sums = low @ means
            gaps: Values = 100 * (1 - (sums / own.sum()) / ((means.sum() - sums) / (~own).sum()))
            return gaps

        share = np.mean(gap(chosen) >= gap(own) - 1e-12)
        says = (
            f"Of the {len(ways)} ways to share {len(means)} languages out, {share:.2%} give a gap as large: a statement about "
            f"languages rests on {len(means)} units, and its p-value cannot fall below {1 / len(ways):.4f}."
        )
        return (says,)


def measurements_of(
    study: Study,
    tables: Stored | None,
    claims: Sequence[Claim],
    declared: Mapping[Quantity, Measurement] | None = None,
) -> Measurements:
    """What was measured, for the claims that will ask; nothing where there are no tables."""
    wanted = dict.fromkeys(each for claim in claims for each in claim.estimates)
    units = {
        each: claim.paper_units for claim in claims if claim.paper_units for each in claim.primary.estimates
    }
    return Measurements(
        study=study,
        tables=tables or NO_TABLES,
        declared=declared or {},
        wanted=tuple(wanted),
        paper_units=units,
    )


def _method(estimate: Estimate, rows: UnitRows, *, is_fixed: bool) -> str:
    seeds = f"{len(rows.seeds)} training seeds"
    if is_fixed or (estimate.formula in SHARES and len(rows.seeds) > 1):
        return f"t over {seeds}"
    units = f"{num_units(estimate, rows)} {estimate.unit_kind}s"
    if rows.clusters:
        units = f"{len(set(rows.clusters))} clusters of {units}"
    if estimate.formula in SHARES:
        return f"normal over {units}, of one training seed"
    way = (
        f"envelope of linearised t and percentile-t bootstrap over {units}"
        if estimate.unit_kind == "latent"
        else f"t over {units}"
    )
    return f"{way}, with {seeds}" if rows.seeds else way


def precisions(measurements: Measurements) -> Mapping[str, Precision]:
    """How sure every estimate is: its interval under the population target, its single seeds, and all that is declared.

    One that is a single figure has none, nor has one that its stored units contradict: claims about it end in ERROR.
    """
    found = {name: _precision(each) for (name, _), each in measurements.declared.items()}
    measurements.resampled.draw(tuple(measurements.tables.estimates))
    for estimate_id in measurements.tables.estimates:
        try:
            measured = measurements[estimate_id, InferenceTarget.POPULATION]
        except InconsistentError:
            continue
        if measured.rows is not None and measured.is_finite:
            found[estimate_id] = _precision(measured)
    return found


def _precision(measured: Measurement) -> Precision:
    is_correlation = measured.pairs is not None
    ends: Sequence[Interval | None] = (None, None)
    if is_correlation and measured.num_units > MIN_PAIRS:
        scale = fisher(measured.value, measured.num_units)
        ends = [scale.interval(level) for level in (0.90, 0.95)]
    elif not measured.is_without_spread:
        ends = [finite(measured.interval(level)) for level in (0.90, 0.95)]
    return Precision(
        se=None if is_correlation else measured.spread.se,
        df=measured.spread.df,
        interval_se=None if is_correlation else interval_error(measured, ends[0]),
        ci90=ends[0],
        ci95=ends[1],
        seeds=tuple(_seeds(measured.estimate, measured.rows)) if measured.estimate and measured.rows else (),
    )


def _seeds(estimate: Estimate, rows: UnitRows) -> Iterator[SeedValue]:
    has_sides = bool(rows.reference.any())  # a plain mean over seeds is stored with a reference of 0
    values = by_seed(estimate, rows)
    for place, (seed, value) in enumerate(zip(rows.seeds, values, strict=True)):
        yield SeedValue(
            seed=seed,
            value=value,
            before=float(rows.reference[place].mean()) if has_sides else None,
            after=float(rows.observed[place].mean()) if has_sides else None,
        )


def interval_error(measured: Measurement, ci90: Interval | None) -> float | None:
    """The standard error whose t interval reaches as far as a 90 % interval does at its farther end.

    None where the measurement's own error reaches as far, so that error and degrees of freedom give the interval, or more
    than what the bounds leave of it; and where there is no interval.
    """
    if ci90 is None:
        return None
    reach, own = max(measured.value - ci90[0], ci90[1] - measured.value), measured.spread.half_width(0.90)
    return None if reach <= own * (1 + SAME_REACH) else measured.spread.se * reach / own


def finite(interval: Interval) -> Interval | None:
    """The interval; None where an end lies beyond every number."""
    return interval if all(map(math.isfinite, interval)) else None
