"""Rules for one quantity: a value within a margin, a sign, a floor."""

from harness.judge.question import Adjust, Question, answer, numbers_of, range_text, shown, unmet_minimum
from harness.judge.sample import Noise, Sample, one_run_noise
from harness.statistics.stats import ALPHA, sign_flip_tail
from harness.words.claim import Target, shown_as
from harness.words.verdict import CaseVerdict, Flag, Interval, Numbers, State, Why

Outcome = tuple[State, Why]


def judge_value(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """Within the margin: PASS when the interval lies in the band, DEVIATION when it is shown to lie elsewhere.

    A DEVIATION also has to hold after the family's adjustment, and beyond the noise of one unrepeated run.

    Source: the two one-sided tests for PASS; D. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987), 657-680.
    """
    (sample,), band = samples, question.band
    assert band is not None
    noise = one_run_noise(sample)
    p_equiv, p_dev = max(sample.p_above(band[0]), sample.p_below(band[1])), _p_outside(sample, band)
    numbers = numbers_of(sample, adjust, p_equiv, p_dev, noise)
    if missed := unmet_minimum(question, samples):
        return answer(question, State.INCONCLUSIVE, *missed, numbers=numbers)
    state, why = _value_outcome(question, sample, numbers, noise)
    flags = _value_flags(question, state, numbers, noise)
    says = _value_says(question, why, numbers)
    return answer(question, state, why, says, numbers=numbers, flags=flags, rests_on=samples)


def judge_sign(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """The claimed sign: PASS when the one-sided limit lies on its side of zero, DEVIATION when the other does."""
    (sample,), sign = samples, question.claim.sign
    side = "above" if sign > 0 else "below"
    return one_sided(
        question,
        sample,
        adjust,
        p_pass=sample.p_without_sign(sign),
        p_dev=sample.p_without_sign(-sign),
        against=Why.OPPOSITE_SIGN,
        says=f"lies {side} zero",
        notes=flips(sample, sign),
    )


def judge_floor(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """At least the limit: PASS when the lower one-sided limit reaches it, DEVIATION when the upper one stays below."""
    (sample,), target = samples, question.target
    assert target is not None
    return one_sided(
        question,
        sample,
        adjust,
        p_pass=sample.p_above(target.value),
        p_dev=sample.p_below(target.value),
        against=Why.BELOW_LIMIT,
        says=f"reaches {shown(target.value)}",
    )


def judge_ceiling(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """At most the limit, of the mean over all members."""
    pooled, target = samples[0], question.target
    assert target is not None
    return one_sided(
        question,
        pooled,
        adjust,
        p_pass=pooled.p_below(target.value),
        p_dev=pooled.p_above(target.value),
        against=Why.ABOVE_LIMIT,
        says=f"stays below {shown(target.value)}",
    )


def one_sided(
    question: Question,
    sample: Sample,
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
        question: What is asked.
        sample: The quantity.
        adjust: What the family makes of a p-value.
        p_pass: How well the opposite of the claim explains the value.
        p_dev: How well the claim explains it.
        against: Reason of a deviation.
        says: The claim as a verb phrase.
        notes: Figures beside it.
    """
    numbers = numbers_of(sample, adjust, p_pass, p_dev)
    if missed := unmet_minimum(question, (sample,)):
        return answer(question, State.INCONCLUSIVE, *missed, numbers=numbers)
    state, why = three_way(p_pass, p_dev, adjust, against)
    sentence = f"That it {says} {how_it_ends(state)}: {shown(sample.value)}, 90 % interval {range_text(numbers.ci90)}."
    return answer(question, state, why, sentence, numbers=numbers, notes=notes, rests_on=(sample,))


def three_way(p_pass: float, p_dev: float, adjust: Adjust, against: Why) -> Outcome:
    """PASS and DEVIATION where they are earned; else the side to which the evidence leans."""
    if p_pass <= ALPHA:
        return State.PASS, Why.SHOWN
    if adjust(p_dev) <= ALPHA:
        return State.DEVIATION, against
    if p_dev <= ALPHA:
        return State.INCONCLUSIVE, Why.NOT_AFTER_HOLM
    return State.INCONCLUSIVE, Why.LEANING_PASS if p_pass <= p_dev else Why.LEANING_DEVIATION


def flips(sample: Sample, sign: int) -> tuple[str, ...]:
    """What the exact test of flipped outcomes gives, where it was asked: it may withhold what the interval shows."""
    if sample.steps is None:
        return ()
    count, tail = int((sample.steps != 0).sum()), sign_flip_tail(sign * sample.steps)
    return (f"{count} outcomes flipped; fair flips do as well with p = {tail:.3g}.",)


def how_it_ends(state: State) -> str:
    """What a state says of an assertion, as a verb phrase."""
    shown_ways = {State.PASS: "is shown to hold", State.DEVIATION: "is shown not to hold"}
    return shown_ways.get(state, "cannot be told")


def _p_outside(sample: Sample, band: Interval) -> float:
    if sample.value < band[0]:
        return sample.p_below(band[0])
    return sample.p_above(band[1]) if sample.value > band[1] else 1.0


def _value_outcome(question: Question, sample: Sample, numbers: Numbers, noise: Noise) -> Outcome:
    target, band = question.target, question.band
    assert target is not None
    assert band is not None
    assert numbers.p_equiv is not None
    assert numbers.p_dev is not None
    assert numbers.p_dev_holm is not None
    if numbers.p_equiv <= ALPHA:
        return State.PASS, Why.INSIDE
    is_beyond_noise = abs(sample.value - target.value) > target.rounding + noise.half_width
    if numbers.p_dev_holm <= ALPHA and is_beyond_noise:
        return State.DEVIATION, _direction(sample.value, target.value)
    if numbers.p_dev <= ALPHA:
        return State.INCONCLUSIVE, Why.NOT_AFTER_HOLM if is_beyond_noise else Why.WITHIN_ONE_RUN_NOISE
    inside = band[0] <= sample.value <= band[1]
    return State.INCONCLUSIVE, Why.LEANING_PASS if inside else Why.LEANING_DEVIATION


def _direction(measured: float, printed: float) -> Why:
    if measured * printed < 0:
        return Why.OPPOSITE_SIGN
    return Why.SMALLER if measured < printed else Why.LARGER


def _value_flags(question: Question, state: State, numbers: Numbers, noise: Noise) -> tuple[Flag, ...]:
    target, band, null = question.target, question.band, question.claim.null
    assert target is not None
    assert band is not None
    flags = [Flag.ONE_RUN_NOISE_ASSUMED] if noise.is_assumed else []
    if state is not State.PASS:
        return tuple(flags)
    if null is not None and band[0] <= null <= band[1]:
        flags.append(Flag.NON_DISCRIMINATING)
    if numbers.ci95 is None:
        return tuple(flags)
    low, high = numbers.ci95
    if not low - target.rounding <= target.value <= high + target.rounding:
        flags.append(Flag.DETECTABLE_DIFFERENCE)
    return tuple(flags)


def _value_says(question: Question, why: Why, numbers: Numbers) -> str:
    assert question.target is not None
    interval, band = range_text(numbers.ci90), range_text(question.band)
    around, p_dev_holm = _around(question.target), numbers.p_dev_holm
    measured = f"Measured {shown(numbers.estimate)}, 90 % interval {interval}"
    match why:
        case Why.INSIDE:
            return f"{measured}, wholly inside the band {band} around {around}."
        case Why.LEANING_PASS | Why.LEANING_DEVIATION:
            return f"{measured}, which reaches over an edge of the band {band}: neither agreement nor deviation is shown."
        case Why.NOT_AFTER_HOLM:
            return f"{measured}, outside the band {band}, but not so among all claims of its tier (p {p_dev_holm:.3g})."
        case Why.WITHIN_ONE_RUN_NOISE:
            return f"{measured}, outside the band {band}, but one unrepeated run could land from {range_text(numbers.pi95)}."
        case _:
            return f"{measured}, wholly outside the band {band} around {around}, beyond one run's noise."


def _around(target: Target) -> str:
    return (
        shown_as(target.printed.text, target.stands_for)
        if target.stands_for
        else f"the printed {target.printed.text}"
    )
