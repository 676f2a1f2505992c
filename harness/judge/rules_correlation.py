"""The rule for a correlation over languages: few units, so every one of them is left out once."""

import math

import numpy as np

from harness.judge.question import Adjust, Question, answer, range_text, unmet_minimum
from harness.judge.rules_single import three_way
from harness.judge.sample import Sample
from harness.statistics.correlation import Fisher, fisher, leave_one_out, partial, permutation_p, spearman
from harness.statistics.metrics import MIN_PAIRS
from harness.statistics.stats import ALPHA, t_quantile
from harness.words.verdict import CaseVerdict, Numbers, State, Why


def judge_correlation(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """The claimed sign on Fisher's scale, and whichever unit is left out; DEVIATION when the other sign is shown."""
    (sample,), sign = samples, question.claim.sign
    # Its error follows from the number of units, so a missing spread between them says nothing.
    if missed := unmet_minimum(question, samples, needs_spread=False):
        return answer(question, State.INCONCLUSIVE, *missed)
    if sample.num_units <= MIN_PAIRS:
        says = f"It rests on {sample.num_units} units; an interval for a correlation needs {MIN_PAIRS + 1}."
        return answer(question, State.INCONCLUSIVE, Why.TOO_FEW_UNITS, says)
    scale = fisher(sample.value, sample.num_units)
    p_above = scale.tail_above_zero()
    p_claimed, p_opposite = (p_above, 1 - p_above) if sign > 0 else (1 - p_above, p_above)
    state, why = three_way(p_claimed, p_opposite, adjust, Why.OPPOSITE_SIGN)
    left_out = leave_one_out(*sample.pairs) if sample.pairs else ()
    if state is State.PASS and not (left_out and all(r * sign > 0 for r in left_out)):
        state, why = State.INCONCLUSIVE, Why.LEANING_PASS
    numbers = Numbers(
        estimate=sample.value,
        ci90=scale.interval(1 - 2 * ALPHA),
        ci95=scale.interval(0.95),
        num_units=sample.num_units,
        num_seeds=sample.num_seeds,
        method="Fisher's z over languages",
        p_equiv=p_claimed,
        p_dev=p_opposite,
        p_dev_holm=adjust(p_opposite),
    )
    return answer(
        question,
        state,
        why,
        _says(sample, numbers, left_out),
        numbers=numbers,
        notes=(*_against_printed(question, sample, scale), *_notes(sample, left_out)),
        rests_on=samples,
    )


def _against_printed(question: Question, sample: Sample, scale: Fisher) -> tuple[str, ...]:
    """How far a printed correlation lies away, and how far it would have to; the languages are the same, so roughly."""
    if question.target is None:
        return ()
    printed = fisher(question.target.value, question.claim.paper_units or sample.num_units)
    needed = t_quantile(0.975, None) * math.hypot(scale.se, printed.se)
    says = (
        f"On Fisher's scale {abs(scale.z - printed.z):.3f} from the printed {question.target.printed.text}; two such numbers "
        f"are told apart from {needed:.3f} on, roughly, since the languages are the same."
    )
    return (says,)


def _says(sample: Sample, numbers: Numbers, left_out: tuple[float, ...]) -> str:
    measured = f"Correlation {sample.value:+.3f} over {sample.num_units} units, 90 % interval {range_text(numbers.ci90)}"
    if not left_out:
        return f"{measured}; without the units themselves nobody can leave one out, which the claim needs."
    return f"{measured}; with one unit left out it lies from {min(left_out):+.3f} to {max(left_out):+.3f}."


def _notes(sample: Sample, left_out: tuple[float, ...]) -> tuple[str, ...]:
    if sample.pairs is None:
        return ()
    y, x = sample.pairs
    shuffled = permutation_p(x, y)
    orders = "every order" if shuffled.exact else "random orders"
    notes = [
        f"Permutation of {orders}: p = {shuffled.two_sided:.4g} two-sided, {shuffled.one_sided:.4g} one-sided.",
        f"Rank correlation {spearman(x, y):+.3f}.",
    ]
    if left_out:
        place = int(np.argmax(np.abs(np.array(left_out) - sample.value)))
        notes.append(f"Leaving out {sample.units[place]} moves it most, to {left_out[place]:+.3f}.")
    if sample.control is not None:
        held = partial(x, y, sample.control)
        notes.append(
            f"With tokens per phrase held constant it is {held:+.3f}: descriptive, the units are too few."
        )
    return tuple(notes)
