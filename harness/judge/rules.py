"""The rules for one quantity, for every member of several and for their mean, and for a correlation over few units.

A rule is asked one case: a claim under one reading, held against one target.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge.measurements import Measurement, Noise, finite, interval_error, one_run_noise
from harness.statistics.correlation import fisher, leave_one_out, partial, permutation_p, spearman
from harness.statistics.metrics import MIN_PAIRS
from harness.statistics.stats import holm, sign_tail, t_quantile
from harness.words.claim import Claim, InferenceTarget, Reading, Target, shown_as
from harness.words.estimate import ALPHA, LEVEL
from harness.words.verdict import CaseVerdict, Closeness, Flag, Interval, Member, Numbers, State, Why

BOTH_WAYS = 2
"""A consistency claim can fail by its mean or by a member, so its smaller p-value counts twice."""

HUNDREDTH = 0.01

Adjust = Callable[[float], float]
"""What the family makes of a raw p-value."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One claim under one reading against one target; None where the rule holds no printed number."""

    claim: Claim
    reading: Reading
    target: Target | None

    @property
    def band(self) -> Interval | None:
        """What counts as agreement: printed number, its rounding, and the margin."""
        margin = self.claim.margin_of(self.reading)
        if self.target is None or margin is None:
            return None
        reach = self.target.rounding + margin
        return self.target.value - reach, self.target.value + reach


def cases_of(claim: Claim) -> Iterator[Case]:
    """Every case of a claim, the primary one first: each target under its reading, each reading without a target."""
    for reading in claim.readings:
        targets: tuple[Target | None, ...] = tuple(t for t in claim.targets if t.reading == reading.name)
        for target in targets or ((None,) if not claim.targets else ()):
            yield Case(claim=claim, reading=reading, target=target)


def verdict_on(
    case: Case,
    state: State,
    why: Why,
    says: str,
    *,
    numbers: Numbers | None = None,
    flags: tuple[Flag, ...] = (),
    members: tuple[Member, ...] = (),
    notes: tuple[str, ...] = (),
    rests_on: tuple[Measurement, ...] = (),
) -> CaseVerdict:
    """One case, judged; a verdict that rests on a broken assumption is none.

    Args:
        case: What was asked.
        state: What the rule finds.
        why: Its reason.
        says: The sentence that says so.
        numbers: What it rests on.
        flags: What a reader must know beside the word.
        members: Every quantity of a claim about several.
        notes: Figures beside it.
        rests_on: The quantities that decided; what their errors take for granted stands beside the verdict.
    """
    assumptions = dict.fromkeys(assumed for deciding in rests_on for assumed in deciding.assumptions)
    notes = (*notes, *(each.says for each in assumptions))
    if state in {State.PASS, State.DEVIATION} and any(each.is_broken for each in assumptions):
        state, why, flags = State.INCONCLUSIVE, Why.ASSUMPTION_BROKEN, ()
        says = f"What its error takes for granted does not hold, so nothing is shown. {says}"
    target, claim = case.target, case.claim
    source = (target.source, target.tier) if target else (claim.sentence.source, claim.sentence.tier)
    closeness = None
    if target and numbers:
        margin, difference = claim.margin_of(case.reading), numbers.estimate - target.value
        closeness = Closeness(
            difference=difference,
            margins=abs(difference) / margin if margin else None,
            ratio=numbers.estimate / target.value if target.value else None,
        )
    return CaseVerdict(
        reading=case.reading.name,
        unit=claim.unit_of(case.reading),
        printed=target.printed.text if target else "",
        stands_for=target.stands_for if target else "",
        source=source[0],
        source_tier=source[1],
        state=state,
        why=why,
        flags=flags,
        band=case.band,
        numbers=numbers,
        closeness=closeness,
        members=members,
        notes=notes,
        says=says,
    )


def numbers_of(
    measurement: Measurement,
    adjust: Adjust,
    p_equiv: float | None,
    p_dev: float | None,
    noise: Noise | None = None,
) -> Numbers:
    """What a verdict on this measurement rests on; intervals only where there is a spread."""
    has_spread = not measurement.is_without_spread
    half = noise.half_width if noise else None
    ci90 = finite(measurement.interval(LEVEL)) if has_spread else None
    return Numbers(
        estimate=measurement.value,
        se=measurement.spread.se,
        df=measurement.spread.df,
        interval_se=interval_error(measurement, ci90),
        ci90=ci90,
        ci95=finite(measurement.interval(0.95)) if has_spread else None,
        pi95=measurement.bounded((measurement.value - half, measurement.value + half))
        if half and has_spread
        else None,
        one_run_sd=noise.one_run_sd if noise else None,
        num_units=measurement.num_units,
        num_seeds=measurement.num_seeds,
        method=measurement.method,
        p_equiv=p_equiv if has_spread else None,
        p_dev=p_dev if has_spread else None,
        p_dev_holm=adjust(p_dev) if p_dev is not None and has_spread else None,
    )


def shown(value: float) -> str:
    """A number as sentences print it; one that two decimals would make nothing of has two digits."""
    return f"{value:.2g}" if 0 < abs(value) < HUNDREDTH else f"{value:.2f}"


def range_text(interval: Interval | None) -> str:
    """An interval as sentences print it."""
    return f"{shown(interval[0])} to {shown(interval[1])}" if interval else "none"


def unmet_minimum(
    case: Case, measured: tuple[Measurement, ...], *, needs_spread: bool = True
) -> tuple[Why, str] | None:
    """The first minimum that a measurement misses, with the sentence that says so."""
    minima = case.claim.minima
    # Where training seeds are all that varies, the minimum of seeds says how many there must be.
    units = min((member.num_units for member in measured if member.unit_kind != "seed"), default=minima.units)
    seeds = min(member.num_seeds for member in measured)
    if units < minima.units:
        return Why.TOO_FEW_UNITS, f"It rests on {units} units; a verdict on this claim needs {minima.units}."
    if seeds < minima.seeds:
        return Why.TOO_FEW_SEEDS, f"It rests on {seeds} seeds; a verdict on this claim needs {minima.seeds}."
    if needs_spread and any(member.is_without_spread for member in measured):
        varied = "seeds" if case.claim.inference is InferenceTarget.FIXED_ITEMS else "units"
        return Why.ZERO_VARIANCE, f"All {varied} gave the same value, so its error is unknown."
    return None


def judge_value(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """Within the margin: PASS when the interval lies in the band, DEVIATION when it is shown to lie elsewhere.

    A DEVIATION also has to hold after the family's adjustment, and beyond the noise of one unrepeated run.

    Source: the two one-sided tests for PASS; D. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987), 657-680.
    """
    (measurement,), band, target, null = measured, case.band, case.target, case.claim.null
    assert band is not None
    assert target is not None
    value, noise = measurement.value, one_run_noise(measurement)
    p_equiv = max(measurement.p_above(band[0]), measurement.p_below(band[1]))
    p_dev = 1.0
    if value < band[0]:
        p_dev = measurement.p_below(band[0])
    elif value > band[1]:
        p_dev = measurement.p_above(band[1])
    numbers = numbers_of(measurement, adjust, p_equiv, p_dev, noise)
    if missed := unmet_minimum(case, measured):
        return verdict_on(case, State.INCONCLUSIVE, *missed, numbers=numbers)
    is_beyond_noise = abs(value - target.value) > target.rounding + noise.half_width
    flags = [Flag.ONE_RUN_NOISE_ASSUMED] if noise.is_assumed else []
    if p_equiv <= ALPHA:
        state, why = State.PASS, Why.INSIDE
        if null is not None and band[0] <= null <= band[1]:
            flags.append(Flag.NON_DISCRIMINATING)
        if numbers.ci95 and not (
            numbers.ci95[0] - target.rounding <= target.value <= numbers.ci95[1] + target.rounding
        ):
            flags.append(Flag.DETECTABLE_DIFFERENCE)
    elif adjust(p_dev) <= ALPHA and is_beyond_noise:
        state = State.DEVIATION
        why = Why.SMALLER if value < target.value else Why.LARGER
        if value * target.value < 0:
            why = Why.OPPOSITE_SIGN
    elif p_dev <= ALPHA:
        state = State.INCONCLUSIVE
        why = Why.NOT_AFTER_HOLM if is_beyond_noise else Why.WITHIN_ONE_RUN_NOISE
    else:
        state = State.INCONCLUSIVE
        why = Why.LEANING_PASS if band[0] <= value <= band[1] else Why.LEANING_DEVIATION
    says = _value_says(target, band, why, numbers)
    return verdict_on(case, state, why, says, numbers=numbers, flags=tuple(flags), rests_on=measured)


def _value_says(target: Target, band: Interval, why: Why, numbers: Numbers) -> str:
    around = f"the printed {target.printed.text}"
    if target.stands_for:
        around = shown_as(target.printed.text, target.stands_for)
    edges = range_text(band)
    measured = f"Measured {shown(numbers.estimate)}, 90 % interval {range_text(numbers.ci90)}"
    match why:
        case Why.INSIDE:
            return f"{measured}, wholly inside the band {edges} around {around}."
        case Why.LEANING_PASS | Why.LEANING_DEVIATION:
            return f"{measured}, which reaches over an edge of the band {edges}: neither agreement nor deviation is shown."
        case Why.NOT_AFTER_HOLM:
            return f"{measured}, outside the band {edges}, but not so among all claims of its tier (p {numbers.p_dev_holm:.3g} after Holm)."
        case Why.WITHIN_ONE_RUN_NOISE:
            return f"{measured}, outside the band {edges}, but one unrepeated run could land from {range_text(numbers.pi95)}."
        case _:
            return f"{measured}, wholly outside the band {edges} around {around}, beyond one run's noise."


def judge_sign(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """The claimed sign: PASS when the one-sided limit lies on its side of zero, DEVIATION when the other does."""
    (measurement,), sign = measured, case.claim.sign
    side = "above" if sign > 0 else "below"
    return one_sided(
        case,
        measurement,
        adjust,
        p_pass=measurement.p_without_sign(sign),
        p_dev=measurement.p_without_sign(-sign),
        against=Why.OPPOSITE_SIGN,
        says=f"lies {side} zero",
        notes=flips(measurement, sign),
    )


def judge_floor(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """At least the limit: PASS when the lower one-sided limit reaches it, DEVIATION when the upper one stays below."""
    (measurement,), target = measured, case.target
    assert target is not None
    return one_sided(
        case,
        measurement,
        adjust,
        p_pass=measurement.p_above(target.value),
        p_dev=measurement.p_below(target.value),
        against=Why.BELOW_LIMIT,
        says=f"reaches {shown(target.value)}",
    )


def judge_ceiling(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """At most the limit, of the mean over all members."""
    pooled, target = measured[0], case.target
    assert target is not None
    return one_sided(
        case,
        pooled,
        adjust,
        p_pass=pooled.p_below(target.value),
        p_dev=pooled.p_above(target.value),
        against=Why.ABOVE_LIMIT,
        says=f"stays below {shown(target.value)}",
    )


def one_sided(
    case: Case,
    measurement: Measurement,
    adjust: Adjust,
    *,
    p_pass: float,
    p_dev: float,
    against: Why,
    says: str,
    notes: tuple[str, ...] = (),
) -> CaseVerdict:
    """Three ways out of two one-sided tests.

    Args:
        case: What is asked.
        measurement: The quantity.
        adjust: What the family makes of a p-value.
        p_pass: How well the opposite of the claim explains the value.
        p_dev: How well the claim explains it.
        against: Reason of a deviation.
        says: The claim as a verb phrase.
        notes: Figures beside it.
    """
    numbers = numbers_of(measurement, adjust, p_pass, p_dev)
    if missed := unmet_minimum(case, (measurement,)):
        return verdict_on(case, State.INCONCLUSIVE, *missed, numbers=numbers)
    state, why = three_way(p_pass, p_dev, adjust, against)
    sentence = f"That it {says} {how_it_ends(state)}: {shown(measurement.value)}, 90 % interval {range_text(numbers.ci90)}."
    return verdict_on(case, state, why, sentence, numbers=numbers, notes=notes, rests_on=(measurement,))


def three_way(p_pass: float, p_dev: float, adjust: Adjust, against: Why) -> tuple[State, Why]:
    """PASS and DEVIATION where they are earned; else the side to which the evidence leans."""
    if p_pass <= ALPHA:
        return State.PASS, Why.SHOWN
    if adjust(p_dev) <= ALPHA:
        return State.DEVIATION, against
    if p_dev <= ALPHA:
        return State.INCONCLUSIVE, Why.NOT_AFTER_HOLM
    return State.INCONCLUSIVE, Why.LEANING_PASS if p_pass <= p_dev else Why.LEANING_DEVIATION


def flips(measurement: Measurement, sign: int) -> tuple[str, ...]:
    """What the exact test of flipped outcomes gives, where it was asked: it may withhold what the interval shows."""
    if measurement.steps is None:
        return ()
    count, tail = int((measurement.steps != 0).sum()), measurement.flip_tails[sign]
    return (f"{count} outcomes flipped; fair flips do as well with p = {tail:.3g}.",)


def how_it_ends(state: State) -> str:
    """What a state says of an assertion, as a verb phrase."""
    shown_ways = {State.PASS: "is shown to hold", State.DEVIATION: "is shown not to hold"}
    return shown_ways.get(state, "cannot be told")


def judge_every_sign(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """Every member has the claimed sign: PASS when each is shown at `ALPHA`, DEVIATION when one is shown otherwise.

    Source: the intersection-union test; R. Berger, Technometrics 24 (1982), 295-300. It needs no correction for PASS.
    """
    sign = case.claim.sign
    members = _members(measured)
    if missed := unmet_minimum(case, measured):
        return verdict_on(case, State.INCONCLUSIVE, *missed, members=members)
    claimed = [member.p_without_sign(sign) for member in measured]
    opposite = holm([member.p_without_sign(-sign) for member in measured])
    weakest = measured[max(range(len(measured)), key=claimed.__getitem__)]
    contrary = measured[min(range(len(measured)), key=opposite.__getitem__)]
    p_pass, p_dev = max(claimed), min(opposite)
    state, why = three_way(p_pass, p_dev, adjust, Why.OPPOSITE_SIGN)
    says = (
        f"{sum(p <= ALPHA for p in claimed)} of {len(measured)} members are shown to have the claimed sign and "
        f"{sum(p <= ALPHA for p in opposite)} the opposite one; the weakest is {weakest.estimate_id} "
        f"at {shown(weakest.value)}."
    )
    numbers = numbers_of(weakest, adjust, p_pass, p_dev)
    return verdict_on(
        case,
        state,
        why,
        says,
        numbers=numbers,
        members=members,
        notes=(_sign_count(measured, sign),),
        rests_on=(contrary if state is State.DEVIATION else weakest,),
    )


def judge_consistency(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """The mean over members has the claimed sign, and no member is shown to have the opposite one.

    Args:
        case: What is asked.
        measured: The mean over members, then the members.
        adjust: What the family makes of a p-value.
    """
    sign, (pooled, *rest) = case.claim.sign, measured
    members = tuple(rest)
    if missed := unmet_minimum(case, members):
        return verdict_on(case, State.INCONCLUSIVE, *missed, members=_members(members))
    opposite = holm([member.p_without_sign(-sign) for member in members])
    p_contrary = min(opposite)
    p_pass, p_pooled = pooled.p_without_sign(sign), pooled.p_without_sign(-sign)
    p_dev = min(1.0, BOTH_WAYS * min(p_pooled, p_contrary))
    # A member that is shown to go the other way denies consistency, however well the mean does.
    state, why = three_way(1.0 if p_contrary <= ALPHA else p_pass, p_dev, adjust, Why.OPPOSITE_SIGN)
    denied_by_member = state is State.DEVIATION and p_contrary < p_pooled
    numbers = numbers_of(pooled, adjust, p_pass, p_dev)
    says = (
        f"The mean over {len(members)} members is {shown(pooled.value)}, 90 % interval {range_text(numbers.ci90)}; "
        f"{'a member is' if p_contrary <= ALPHA else 'no member is'} shown to go the other way."
    )
    return verdict_on(
        case,
        state,
        why,
        says,
        numbers=numbers,
        members=_members(members),
        notes=(_sign_count(members, sign), *flips(pooled, sign)),
        rests_on=(members[opposite.index(p_contrary)] if denied_by_member else pooled,),
    )


def _members(measured: Sequence[Measurement]) -> tuple[Member, ...]:
    """Each with its two-sided limits at `ALPHA`, adjusted by their number."""
    level = 1 - 2 * ALPHA / len(measured)
    return tuple(shown_member(member, finite(member.interval(level))) for member in measured)


def shown_member(measurement: Measurement, limits: tuple[float | None, float | None] | None) -> Member:
    """One of several quantities with its limits, as far as it has any."""
    lower, upper = limits or (None, None)
    return Member(
        estimate_id=measurement.estimate_id,
        estimate=measurement.value,
        se=measurement.spread.se,
        lower=lower,
        upper=upper,
    )


def _sign_count(measured: Sequence[Measurement], sign: int) -> str:
    agreeing = sum(member.value * sign > 0 for member in measured)
    tail = sign_tail(agreeing, len(measured))
    return f"{agreeing} of {len(measured)} have the claimed sign; fair coins do as well with p = {tail:.3g}."


def judge_correlation(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """The claimed sign on Fisher's scale, and whichever unit is left out; DEVIATION when the other sign is shown."""
    (measurement,), sign = measured, case.claim.sign
    # Its error follows from the number of units, so a missing spread between them says nothing.
    if missed := unmet_minimum(case, measured, needs_spread=False):
        return verdict_on(case, State.INCONCLUSIVE, *missed)
    if measurement.num_units <= MIN_PAIRS:
        says = (
            f"It rests on {measurement.num_units} units; an interval for a correlation needs {MIN_PAIRS + 1}."
        )
        return verdict_on(case, State.INCONCLUSIVE, Why.TOO_FEW_UNITS, says)
    scale = fisher(measurement.value, measurement.num_units)
    p_above = scale.tail_above_zero()
    p_claimed, p_opposite = (p_above, 1 - p_above) if sign > 0 else (1 - p_above, p_above)
    state, why = three_way(p_claimed, p_opposite, adjust, Why.OPPOSITE_SIGN)
    left_out = leave_one_out(*measurement.pairs) if measurement.pairs else ()
    if state is State.PASS and not (left_out and all(r * sign > 0 for r in left_out)):
        state, why = State.INCONCLUSIVE, Why.LEANING_PASS
    numbers = Numbers(
        estimate=measurement.value,
        ci90=scale.interval(LEVEL),
        ci95=scale.interval(0.95),
        num_units=measurement.num_units,
        num_seeds=measurement.num_seeds,
        method="Fisher's z over languages",
        p_equiv=p_claimed,
        p_dev=p_opposite,
        p_dev_holm=adjust(p_opposite),
    )
    interval = f"90 % interval {range_text(numbers.ci90)}"
    says = f"Correlation {measurement.value:+.3f} over {measurement.num_units} units, {interval}"
    if left_out:
        says += f"; with one unit left out it lies from {min(left_out):+.3f} to {max(left_out):+.3f}."
    else:
        says += "; without the units themselves nobody can leave one out, which the claim needs."
    notes = _beside_correlation(measurement, left_out)
    if case.target:
        # How far they would have to lie apart; the languages are the same, so roughly.
        printed = fisher(case.target.value, case.claim.paper_units or measurement.num_units)
        needed = t_quantile(0.975, None) * math.hypot(scale.se, printed.se)
        against = (
            f"On Fisher's scale {abs(scale.z - printed.z):.3f} from the printed {case.target.printed.text}; two such numbers "
            f"are told apart from {needed:.3f} on, roughly, since the languages are the same."
        )
        notes = (against, *notes)
    return verdict_on(case, state, why, says, numbers=numbers, notes=notes, rests_on=measured)


def _beside_correlation(measurement: Measurement, left_out: tuple[float, ...]) -> tuple[str, ...]:
    """Permutations, ranks, the most influential unit, and tokens per phrase held constant."""
    if measurement.pairs is None:
        return ()
    y, x = measurement.pairs
    shuffled = permutation_p(x, y)
    orders = "every order" if shuffled.exact else "random orders"
    notes = [
        f"Permutation of {orders}: p = {shuffled.two_sided:.4g} two-sided, {shuffled.one_sided:.4g} one-sided.",
        f"Rank correlation {spearman(x, y):+.3f}.",
    ]
    if left_out:
        place = int(np.argmax(np.abs(np.array(left_out) - measurement.value)))
        notes.append(f"Leaving out {measurement.units[place]} moves it most, to {left_out[place]:+.3f}.")
    if measurement.control is not None:
        held = partial(x, y, measurement.control)
        notes.append(
            f"With tokens per phrase held constant it is {held:+.3f}: descriptive, the units are too few."
        )
    return tuple(notes)
