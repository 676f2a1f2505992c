"""What printed numbers allow by themselves: counts behind a percentage, words, two printings, a gain beside a gap.

Everything is computed on whole numbers and fractions, so that an edge is an edge.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from harness.words.claim import GainAgainstGap, Granularity, Printed, TwoPrintings, WordsAgainstNumbers

NEIGHBOURS = 50
"""Last-digit steps to either side of a printed number, among which the discriminating power is counted."""


class Rounding(StrEnum):
    """How a printed difference came to its last digit."""

    ONCE = "rounded once"
    TWICE = "made from two rounded accuracies"


class Agreement(StrEnum):
    """What printed numbers say of an assertion, with their rounding."""

    HOLDS = "holds"
    UNDECIDED = "undecided"
    """The rounding reaches across the limit."""
    BREAKS = "breaks"


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """One way in which a printed difference can come about."""

    num_items: int
    test_set: str
    count: int
    """Right answers gained; negative when lost."""
    base: int | None
    """Right answers before, where the difference is percent of them."""
    rounding: Rounding


def rounding_of(printed: Printed, count: int, num_items: int, whole: int = 100) -> Rounding | None:
    """How `whole * count / num_items` can be printed so; None if it cannot.

    Args:
        printed: The number with its decimals.
        count: Answers, or a sum of whole scores.
        num_items: What the count is a share of; positive.
        whole: 100 for percent and points, 1 for a mean.

    Raises:
        ValueError: If there are no items.

    Source: Brown and Heathers 2017 for numbers rounded once; a difference of two numbers rounded to d decimals lies
        less than one unit of the last decimal from the true one.
    """
    _require_items(num_items)
    units = 10**printed.num_decimals
    off = abs(whole * count * units - _digits(printed) * num_items)
    if 2 * off <= num_items:
        return Rounding.ONCE
    return Rounding.TWICE if off < num_items else None


def relative_rounding_of(printed: Printed, count: int, base: int, num_items: int) -> Rounding | None:
    """How a change by `count` from `base` right answers of `num_items` can be printed as percent of the base.

    Rounded once from the answers themselves, or made from accuracies that were themselves printed to so many decimals.

    Raises:
        ValueError: If the base is not between 1 and the number of items.
    """
    if not 1 <= base <= num_items:
        raise ValueError(f"{base} right answers of {num_items}; a relative change needs 1 to {num_items}")
    return relative_change_rounding_of(printed, Fraction(base, num_items), Fraction(base + count, num_items))


def change_rounding_of(printed: Printed, before: Fraction, after: Fraction) -> Rounding | None:
    """How the change between two accuracies, of the same items or not, can be printed so in points; None if it cannot.

    Args:
        printed: The number with its decimals.
        before: Accuracy as a fraction.
        after: The other one.
    """
    off = abs(100 * (after - before) * 10**printed.num_decimals - _digits(printed))
    if 2 * off <= 1:
        return Rounding.ONCE
    return Rounding.TWICE if off < 1 else None


def relative_change_rounding_of(printed: Printed, before: Fraction, after: Fraction) -> Rounding | None:
    """How the change between two accuracies can be printed so in percent of the first; None if it cannot.

    Rounded once from the answers themselves, or made from accuracies that were themselves printed to so many decimals.

    Raises:
        ValueError: If the first accuracy is not above zero.
    """
    if before <= 0:
        raise ValueError("a change in percent needs an accuracy above zero before")
    units = 10**printed.num_decimals
    if 2 * abs(100 * units * (after / before - 1) - _digits(printed)) <= 1:
        return Rounding.ONCE
    olds, news = (_spellings(100 * units * accuracy) for accuracy in (before, after))
    changes = (Fraction(100 * (new - old) * units, old) for old in olds for new in news if old)
    return Rounding.TWICE if any(_digits(printed) in _spellings(change) for change in changes) else None


def occurrences(asked: Granularity) -> Iterator[Occurrence]:
    """Every way in which the printed difference can come about, test set by test set."""
    return _occurrences(asked, asked.printed)


def feasible_neighbours(asked: Granularity) -> tuple[int, int]:
    """Numbers near the printed one, of the same form, that could occur as well; and how many were asked about.

    When all of them could, the check could not have failed: on more than 5,000 items every number of two decimals can
    occur.
    """
    digits, decimals = _digits(asked.printed), asked.printed.num_decimals
    near = [
        Printed(f"{number / 10**decimals:.{decimals}f}")
        for number in range(digits - NEIGHBOURS, digits + NEIGHBOURS + 1)
    ]
    found = sum(next(_occurrences(asked, each), None) is not None for each in near)
    return found, len(near)


def word_agreement(asked: WordsAgainstNumbers) -> tuple[tuple[str, Printed, Agreement], ...]:
    """What each number says of the word, in the given order."""
    return tuple((what, printed, _within(printed, asked)) for what, printed in asked.numbers)


def printings_overlap(asked: TwoPrintings) -> bool:
    """True when one true number can be printed both ways."""
    (_, one), (_, other) = asked.printed
    return abs(_value(one) - _value(other)) <= _half(one) + _half(other)


def closing_ratio(gain: Printed) -> float:
    """Ratio to the reference from which a gain in percent ends exactly at the reference.

    Raises:
        ValueError: If the gain is -100 percent or less, which leaves nothing.
    """
    _require_gain(gain)
    return float(1 / (1 + _value(gain) / 100))


def gap_ratio(gap: Printed) -> float:
    """Ratio to the reference that a gap in percent implies."""
    return float(1 - _value(gap) / 100)


def end_ratio(gain: Printed, gap: Printed) -> float:
    """Ratio to the reference at which a gain ends that starts from a gap; above 1 it has passed the reference."""
    return float((1 - _value(gap) / 100) * (1 + _value(gain) / 100))


def stays_within_reference(asked: GainAgainstGap) -> bool:
    """True when the gain, from the widest of the gaps and with all rounding in its favour, does not pass the reference.

    Raises:
        ValueError: If the gain is -100 percent or less.
    """
    _require_gain(asked.gain)
    smallest = 1 + (_value(asked.gain) - _half(asked.gain)) / 100
    return any((1 - (_value(gap) + _half(gap)) / 100) * smallest <= 1 for gap in asked.gaps)


def _occurrences(asked: Granularity, printed: Printed) -> Iterator[Occurrence]:
    for num_items, test_set in asked.item_counts:
        for base in _bases(asked, num_items):
            for count in _counts_near(printed, num_items, base):
                rounding = (
                    rounding_of(printed, count, num_items)
                    if base is None
                    else relative_rounding_of(printed, count, base, num_items)
                )
                if rounding is not None and _is_possible(count, base, num_items):
                    yield Occurrence(
                        num_items=num_items, test_set=test_set, count=count, base=base, rounding=rounding
                    )


def _bases(asked: Granularity, num_items: int) -> Iterator[int | None]:
    if asked.base_counts is None:
        yield None
        return
    first, last = asked.base_counts
    yield from range(max(first, 1), min(last, num_items) + 1)


def _is_possible(count: int, base: int | None, num_items: int) -> bool:
    """No more answers can be gained, or lost, than there are."""
    if base is None:
        return abs(count) <= num_items
    return 0 <= base + count <= num_items


def _counts_near(printed: Printed, num_items: int, base: int | None) -> range:
    """Whole counts around the exact one, as far as two roundings of accuracies reach, and further.

    A relative change multiplies the rounding of the accuracy before, so a large one reaches far.
    """
    exact = _value(printed) * (num_items if base is None else base) / 100
    steps = 2 + abs(_value(printed)) / 100
    reach = 2 + math.floor(steps * num_items / (100 * 10**printed.num_decimals))
    return range(math.floor(exact) - reach, math.ceil(exact) + reach + 1)


def _spellings(value: Fraction) -> frozenset[int]:
    """Whole numbers that a value is rounded to; two on a tie, since pages differ there."""
    half = Fraction(1, 2)
    return frozenset({math.floor(value + half), math.ceil(value - half)})


def _within(printed: Printed, asked: WordsAgainstNumbers) -> Agreement:
    low, high = _value(printed) - _half(printed), _value(printed) + _half(printed)
    least = None if asked.least is None else _exact(asked.least)
    most = None if asked.most is None else _exact(asked.most)
    if (least is not None and high <= least) or (most is not None and low > most):
        return Agreement.BREAKS
    if (least is not None and low <= least) or (most is not None and high > most):
        return Agreement.UNDECIDED
    return Agreement.HOLDS


def _digits(printed: Printed) -> int:
    """The printed number in units of its last digit."""
    return int(_value(printed) * 10**printed.num_decimals)


def _value(printed: Printed) -> Fraction:
    return _exact(printed.value)


def _half(printed: Printed) -> Fraction:
    return _exact(printed.half_width)


def _exact(number: float) -> Fraction:
    """The decimal number that a float was written as."""
    return Fraction(repr(number))


def _require_items(num_items: int) -> None:
    if num_items < 1:
        raise ValueError(f"{num_items} items; a share needs at least one")


def _require_gain(gain: Printed) -> None:
    if gain.value <= -100:  # noqa: PLR2004 - percent
        raise ValueError(f"a gain of {gain.text} percent leaves nothing; expected more than -100")
