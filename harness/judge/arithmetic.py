"""What printed numbers allow by themselves: counts behind a percentage, words, two printings, a gain beside a gap.

Claims about what somebody prints are looked at here without any measurement. Everything is computed on whole numbers and fractions, so that
an edge is an edge.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from harness.judge.quantities import estimate_scopes
from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    Printed,
    Rule,
    TwoPrintings,
    WordsAgainstNumbers,
)
from harness.words.study import Study
from harness.words.verdict import CaseVerdict, Finding, Verdict, Why

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
    """One way in which a printed accuracy or difference can come about."""

    num_items: int
    test_set: str
    count: int
    """Right answers, or those gained; negative when lost."""
    base: int | None
    """Right answers before, where the difference is percent of them."""
    rounding: Rounding


def rounding_of(
    printed: Printed, count: int, num_items: int, whole: int = 100, *, is_change: bool = False
) -> Rounding | None:
    """How `whole * count / num_items` can be printed so; None if it cannot.

    Args:
        printed: The number with its decimals.
        count: Answers, or a sum of whole scores.
        num_items: What the count is a share of; positive.
        whole: 100 for percent and points, 1 for a mean.
        is_change: True of a difference, which may be made of two rounded numbers; one accuracy or mean was rounded once.

    Raises:
        ValueError: If there are no items.

    Source: Brown and Heathers 2017 for numbers rounded once; a difference of two numbers rounded to d decimals lies
        less than one unit of the last decimal from the true one.
    """
    if num_items < 1:
        raise ValueError(f"{num_items} items; a share needs at least one")
    units = 10**printed.num_decimals
    off = abs(whole * count * units - _digits(printed) * num_items)
    if 2 * off <= num_items:
        return Rounding.ONCE
    return Rounding.TWICE if is_change and off < num_items else None


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
    """Every way in which the printed number can come about, test set by test set."""
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
                    rounding_of(printed, count, num_items, is_change=asked.is_change)
                    if base is None
                    else relative_rounding_of(printed, count, base, num_items)
                )
                if rounding is not None and _is_possible(asked, count, base, num_items):
                    yield Occurrence(
                        num_items=num_items, test_set=test_set, count=count, base=base, rounding=rounding
                    )


def _bases(asked: Granularity, num_items: int) -> Iterator[int | None]:
    if asked.base_counts is None:
        yield None
        return
    first, last = asked.base_counts
    yield from range(max(first, 1), min(last, num_items) + 1)


def _is_possible(asked: Granularity, count: int, base: int | None, num_items: int) -> bool:
    """No more answers can be right, gained, or lost, than there are."""
    if base is None and asked.is_change:
        return abs(count) <= num_items
    return 0 <= (base or 0) + count <= num_items


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


def _require_gain(gain: Printed) -> None:
    if gain.value <= -100:  # noqa: PLR2004 - percent
        raise ValueError(f"a gain of {gain.text} percent leaves nothing; expected more than -100")


SHOWN_WAYS = 4
"""Ways in which a number can occur that are told one by one."""

INNOCENT = (
    "A language may start farther below the reference than its group does on average; gain may be of other layers, phrases or "
    "quantities than the gap; training may well lift a language past the reference."
)
"""How a gain and a gap go together that do not seem to; said before anything else."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the printed numbers say."""

    finding: Finding
    why: Why
    says: str
    printed: str
    notes: tuple[str, ...] = ()


def judge_arithmetic(claim: Claim) -> Verdict:
    """What printed numbers say of themselves, and who reports them so; it needs no measurement.

    Raises:
        ValueError: If the claim carries no printed numbers, or some that have no arithmetic.
    """
    if claim.arithmetic is None:
        raise ValueError(f"claim {claim.id!r} carries no printed numbers; arithmetic needs some")
    found = _found(claim.arithmetic)
    reported_by = " and ".join(f"the {source}" for source in claim.reported_by)
    opening = {
        Finding.CANNOT_OCCUR: f"Cannot occur as reported by {reported_by}: ",
        Finding.CONSISTENT: f"Consistent as reported by {reported_by}: ",
        Finding.CANNOT_TELL: f"Cannot tell of what {reported_by} reports: ",
        Finding.NOTE: "",
    }
    says = opening[found.finding] + found.says
    case = CaseVerdict(
        reading="as printed",
        printed=found.printed,
        source=" and ".join(claim.reported_by),
        source_tier=claim.sentence.tier,
        state=found.finding,
        why=found.why,
        notes=found.notes,
        says=says,
    )
    return Verdict(claim_id=claim.id, state=found.finding, why=found.why, says=says, cases=(case,))


def _found(asked: Arithmetic) -> Found:
    match asked:
        case Granularity():
            return _granularity(asked)
        case WordsAgainstNumbers():
            return _words(asked)
        case TwoPrintings():
            return _printings(asked)
        case GainAgainstGap():
            return _gain(asked)


def _granularity(asked: Granularity) -> Found:
    printed = asked.printed.text
    if not asked.item_counts:
        says = f"no source says on how many questions {printed} rests."
        return Found(finding=Finding.CANNOT_TELL, why=Why.COUNT_UNKNOWN, says=says, printed=printed)
    sets = "; ".join(f"{test_set}: {sizes}" for test_set, sizes in asked.sets)
    ways = tuple(occurrences(asked))
    if not ways:
        rounded = "however it was rounded" if asked.is_change else "rounded once"
        says = f"no whole number of questions gives {printed} {_of(asked)}, {rounded} ({sets})."
        return Found(finding=Finding.CANNOT_OCCUR, why=Why.INFEASIBLE, says=says, printed=printed)
    near, asked_about = feasible_neighbours(asked)
    notes = (*_ways(ways, asked), f"Of {asked_about} numbers around it, {near} could occur as well.")
    if near == asked_about:
        says = f"{printed} {_of(asked)} can occur, and so can every number near it: this check could not fail ({sets})."
        return Found(
            finding=Finding.CANNOT_TELL, why=Why.ANYTHING_FITS, says=says, printed=printed, notes=notes
        )
    says = f"{printed} {_of(asked)} can occur: {_way(ways[0], asked)}."
    return Found(finding=Finding.CONSISTENT, why=Why.FEASIBLE, says=says, printed=printed, notes=notes)


def _words(asked: WordsAgainstNumbers) -> Found:
    judged = word_agreement(asked)
    printed = ", ".join(f"{what} {number.text}" for what, number, _ in judged)
    broken = [
        f"{what} is printed as {number.text}"
        for what, number, agreement in judged
        if agreement is Agreement.BREAKS
    ]
    if broken:
        says = f'"{asked.word}" does not hold of the printed numbers: {"; ".join(broken)}.'
        return Found(finding=Finding.CANNOT_OCCUR, why=Why.INFEASIBLE, says=says, printed=printed)
    if any(agreement is Agreement.UNDECIDED for *_, agreement in judged):
        says = f'whether "{asked.word}" holds is lost in the rounding of the printed numbers.'
        return Found(finding=Finding.CANNOT_TELL, why=Why.WITHIN_ROUNDING, says=says, printed=printed)
    says = f'"{asked.word}" holds of every printed number.'
    return Found(finding=Finding.CONSISTENT, why=Why.FEASIBLE, says=says, printed=printed)


def _printings(asked: TwoPrintings) -> Found:
    (who, one), (whom, other) = asked.printed
    printed = f"{one.text} ({who}), {other.text} ({whom})"
    apart = f"{abs(one.value - other.value):.{max(one.num_decimals, other.num_decimals)}f} apart"
    if printings_overlap(asked):
        says = f"one number can be printed both ways: {apart}, within their rounding."
        return Found(finding=Finding.CONSISTENT, why=Why.FEASIBLE, says=says, printed=printed)
    says = f"no one number can be printed both ways: {apart}, beyond their rounding."
    return Found(finding=Finding.CANNOT_OCCUR, why=Why.INFEASIBLE, says=says, printed=printed)


def _gain(asked: GainAgainstGap) -> Found:
    """A note: three innocent explanations stand before what a literal reading of both numbers gives."""
    gain, gaps = asked.gain, asked.gaps
    printed = f"gain {gain.text}, gaps {' and '.join(gap.text for gap in gaps)}"
    implied = ", ".join(f"{gap_ratio(gap):.3f}" for gap in gaps)
    ends = "does not pass it" if stays_within_reference(asked) else "passes it"
    says = (
        f"{INNOCENT} Read literally, a gain of {gain.text} percent ends at the reference when it starts at {closing_ratio(gain):.3f} "
        f"of it; the printed gaps imply {implied}, from where it {ends}."
    )
    notes = tuple(
        f"From a gap of {gap.text} percent, ratio {gap_ratio(gap):.3f}, the gain ends at {end_ratio(gain, gap):.3f} "
        "of the reference."
        for gap in gaps
    )
    return Found(finding=Finding.NOTE, why=Why.BESIDE, says=says, printed=printed, notes=notes)


def _of(asked: Granularity) -> str:
    if not asked.is_change:
        return "percent of all"
    if asked.base_counts is None:
        return "points"
    first, last = asked.base_counts
    return (
        f"percent of {first} to {last} right answers" if first < last else f"percent of {first} right answers"
    )


def _ways(ways: Sequence[Occurrence], asked: Granularity) -> tuple[str, ...]:
    told = tuple(f"{_way(each, asked)}." for each in ways[:SHOWN_WAYS])
    rest = len(ways) - len(told)
    return (*told, f"{rest} more ways.") if rest else told


def _way(each: Occurrence, asked: Granularity) -> str:
    count = f"{each.count:+d}" if asked.is_change else str(each.count)
    start = "" if each.base is None else f" from {each.base} right"
    return f"{count} of {each.num_items:,} questions{start} ({each.test_set}), {each.rounding}"


@dataclass(frozen=True, kw_only=True)
class PrintedChange:
    """One number that a source prints for the change of one benchmark in one language."""

    benchmark: str
    language: str
    printed: Printed
    source: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """One way in which two runs give a printed number."""

    printed: str
    form: str
    """"points" or "percent"."""
    rounding: Rounding


def printed_changes(study: Study, claims: Sequence[Claim]) -> tuple[PrintedChange, ...]:
    """Every printed change of a tuned language's accuracy, once, in the order of the claims."""
    scopes = estimate_scopes(study)
    found = [
        (scopes[claim.reading_of(target).estimates[0]], target)
        for claim in claims
        if claim.rule is Rule.WITHIN_MARGIN
        for target in claim.targets
    ]
    return tuple(
        dict.fromkeys(
            PrintedChange(
                benchmark=scope.benchmark,
                language=scope.language,
                printed=target.printed,
                source=target.source,
            )
            for scope, target in found
            if scope.benchmark and scope.language
            # A difference on the questions of its own language: not on those of English under its adapter.
            if scope.signed and scope.cells == ((scope.benchmark, scope.language),)
        )
    )


def matches(known: Sequence[PrintedChange], before: Fraction, after: Fraction) -> Iterator[Match]:
    """Printed numbers that the change between two accuracies can be.

    Args:
        known: What is printed for their benchmark and language.
        before: Accuracy of the untouched model, as a fraction of its questions.
        after: The same of the tuned one.
    """
    for each in known:
        if rounding := change_rounding_of(each.printed, before, after):
            yield Match(printed=each.printed.text, form="points", rounding=rounding)
        if before > 0 and (rounding := relative_change_rounding_of(each.printed, before, after)):
            yield Match(printed=each.printed.text, form="percent", rounding=rounding)
