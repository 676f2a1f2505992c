"""Arithmetic of published scores: item counts from standard errors, the baseline gate."""

import math
from dataclasses import dataclass

from harness.words.judgement import BaselineOutcome

COUNT_TOLERANCE = 0.02
"""How far an implied number of items may lie from a whole one, in items; printed digits leave less."""

CLEAR_OF_CHANCE_SE = 3.0
"""A cell within so many standard errors of guessing says nothing about two pipelines agreeing."""

MIN_ITEM_AGREEMENT = 0.97
MAX_POINTS_APART = 0.5

DIGITS = 9
"""Decimals at which a bound counts as met: both sides come from fractions of whole numbers, which floats miss by less."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The accuracy of one model in one cell."""

    accuracy: float
    """As a fraction."""
    items: int


def items_by_stderr(value: float, stderr: float) -> int | None:
    """Number of items behind an accuracy whose standard error is sqrt(p (1 - p) / (n - 1)).

    Args:
        value: Accuracy as a fraction.
        stderr: Its standard error, as a fraction.

    Returns:
        The whole number, or None where the two imply none.

    Source: the standard error of a mean in lm-evaluation-harness.
    """
    if not (0 < value < 1 and stderr > 0):
        return None
    implied = value * (1 - value) / stderr**2 + 1
    return (
        round(implied)
        if abs(implied - round(implied)) <= COUNT_TOLERANCE * max(1.0, implied / 10_000)
        else None
    )


def right_answers(value: float, items: int) -> int | None:
    """Right answers behind an accuracy; None where no whole number gives it."""
    count = round(value * items)
    return count if math.isclose(count / items, value, abs_tol=5e-7) else None


def standard_errors_above(value: float, chance: float, items: int) -> float:
    """How far an accuracy lies above guessing, in its own standard errors; infinite where it has none.

    Args:
        value: Accuracy as a fraction.
        chance: Accuracy of guessing.
        items: Items of the cell.

    Source: the standard error of a mean in lm-evaluation-harness.
    """
    stderr = math.sqrt(max(value * (1 - value), 0.0) / max(items - 1, 1))
    return (value - chance) / stderr if stderr else math.copysign(math.inf, value - chance)


def baseline(
    ours: Scored, theirs: Scored, chance: float, item_agreement: float | None = None
) -> BaselineOutcome:
    """The baseline gate in one cell: it must be passed before any tuned score there is read.

    Another number of questions is another set of them. Questions held one against the other tell at any accuracy; shares tell
    nothing where both sides guess.

    Args:
        ours: Our untouched model.
        theirs: The authors'.
        chance: Accuracy of guessing.
        item_agreement: Share of items with the same outcome, where the authors' items can be read.
    """
    if ours.items != theirs.items:
        return BaselineOutcome.DIFFERS
    if item_agreement is not None:
        agrees = round(item_agreement, DIGITS) >= MIN_ITEM_AGREEMENT
    elif _both_guess(ours, theirs, chance):
        return BaselineOutcome.AT_CHANCE
    else:
        agrees = round(abs(100 * (ours.accuracy - theirs.accuracy)), DIGITS) <= MAX_POINTS_APART
    return BaselineOutcome.AGREES if agrees else BaselineOutcome.DIFFERS


def _both_guess(ours: Scored, theirs: Scored, chance: float) -> bool:
    """Theirs no better than guessing, and ours neither better nor worse: far below it is no guessing, but a fault."""
    own, their = (
        round(standard_errors_above(each.accuracy, chance, each.items), DIGITS) for each in (ours, theirs)
    )
    return their <= CLEAR_OF_CHANCE_SE and abs(own) <= CLEAR_OF_CHANCE_SE
