"""Rules for what a page prints, judged without any measurement: can these numbers stand, and stand together?"""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.arithmetic import (
    Agreement,
    Occurrence,
    closing_ratio,
    end_ratio,
    feasible_neighbours,
    gap_ratio,
    occurrences,
    printings_overlap,
    stays_within_reference,
    word_agreement,
)
from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    TwoPrintings,
    WordsAgainstNumbers,
)
from harness.words.verdict import CaseVerdict, State, Verdict, Why

SHOWN_WAYS = 4
"""Ways in which a number can occur that are told one by one."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the printed numbers say."""

    state: State
    why: Why
    says: str
    printed: str
    notes: tuple[str, ...] = ()


def judge_arithmetic(claim: Claim) -> Verdict:
    """The verdict on a claim about printed numbers: DEVIATION where they cannot stand under any count and rounding.

    Raises:
        ValueError: If the claim carries no printed numbers, or some that have no arithmetic.
    """
    if claim.arithmetic is None:
        raise ValueError(f"claim {claim.id!r} carries no printed numbers; arithmetic needs some")
    found = _finding(claim.arithmetic)
    case = CaseVerdict(
        reading="as printed",
        printed=found.printed,
        source=claim.sentence.source,
        source_tier=claim.sentence.tier,
        state=found.state,
        why=found.why,
        notes=found.notes,
        says=found.says,
    )
    return Verdict(claim_id=claim.id, state=found.state, why=found.why, says=found.says, cases=(case,))


def _finding(asked: Arithmetic) -> Finding:
    match asked:
        case Granularity():
            return _granularity(asked)
        case WordsAgainstNumbers():
            return _words(asked)
        case TwoPrintings():
            return _printings(asked)
        case GainAgainstGap():
            return _gain(asked)


def _granularity(asked: Granularity) -> Finding:
    printed = asked.printed.text
    if not asked.item_counts:
        says = f"No source says on how many questions {printed} rests, so nothing can be said of it."
        return Finding(state=State.INCONCLUSIVE, why=Why.COUNT_UNKNOWN, says=says, printed=printed)
    sets = _sets(asked)
    ways = tuple(occurrences(asked))
    if not ways:
        says = f"No whole number of questions gives {printed} {_of(asked)}, however it was rounded ({sets})."
        return Finding(state=State.DEVIATION, why=Why.INFEASIBLE, says=says, printed=printed)
    found, near = feasible_neighbours(asked)
    notes = (*_ways(ways), f"Of {near} numbers around it, {found} could occur as well.")
    if found == near:
        says = f"{printed} {_of(asked)} can occur, and so can every number near it: this check could not fail ({sets})."
        return Finding(
            state=State.INCONCLUSIVE, why=Why.UNDERPOWERED, says=says, printed=printed, notes=notes
        )
    says = f"{printed} {_of(asked)} can occur: {_way(ways[0])}."
    return Finding(state=State.PASS, why=Why.FEASIBLE, says=says, printed=printed, notes=notes)


def _words(asked: WordsAgainstNumbers) -> Finding:
    judged = word_agreement(asked)
    printed = ", ".join(f"{what} {number.text}" for what, number, _ in judged)
    broken = [
        f"{what} is printed as {number.text}"
        for what, number, agreement in judged
        if agreement is Agreement.BREAKS
    ]
    if broken:
        says = f'"{asked.word}" does not hold of the printed numbers: {"; ".join(broken)}.'
        return Finding(state=State.DEVIATION, why=Why.INFEASIBLE, says=says, printed=printed)
    if any(agreement is Agreement.UNDECIDED for *_, agreement in judged):
        says = f'Whether "{asked.word}" holds is lost in the rounding of the printed numbers.'
        return Finding(state=State.INCONCLUSIVE, why=Why.LEANING_PASS, says=says, printed=printed)
    says = f'"{asked.word}" holds of every printed number.'
    return Finding(state=State.PASS, why=Why.FEASIBLE, says=says, printed=printed)


def _printings(asked: TwoPrintings) -> Finding:
    (who, one), (whom, other) = asked.printed
    printed = f"{one.text} ({who}), {other.text} ({whom})"
    apart = f"{abs(one.value - other.value):.{max(one.num_decimals, other.num_decimals)}f} apart"
    if printings_overlap(asked):
        says = f"One number can be printed both ways: {apart}, within their rounding."
        return Finding(state=State.PASS, why=Why.FEASIBLE, says=says, printed=printed)
    says = f"No one number can be printed both ways: {apart}, beyond their rounding."
    return Finding(state=State.DEVIATION, why=Why.INFEASIBLE, says=says, printed=printed)


def _gain(asked: GainAgainstGap) -> Finding:
    gain, gaps = asked.gain, asked.gaps
    printed = f"gain {gain.text}, gaps {' and '.join(gap.text for gap in gaps)}"
    notes = tuple(
        f"From a gap of {gap.text} percent, ratio {gap_ratio(gap):.3f}, the gain ends at {end_ratio(gain, gap):.3f} "
        "of the reference."
        for gap in gaps
    )
    closes = f"A gain of {gain.text} percent ends at the reference when it starts at {closing_ratio(gain):.3f} of it"
    implied = ", ".join(f"{gap_ratio(gap):.3f}" for gap in gaps)
    if stays_within_reference(asked):
        says = f"{closes}; the printed gaps imply {implied}, so it does not pass the reference."
        return Finding(state=State.PASS, why=Why.FEASIBLE, says=says, printed=printed, notes=notes)
    says = f"{closes}, but the printed gaps imply {implied}: from each of them it passes the reference."
    return Finding(state=State.DEVIATION, why=Why.INFEASIBLE, says=says, printed=printed, notes=notes)


def _of(asked: Granularity) -> str:
    if asked.base_counts is None:
        return "points"
    first, last = asked.base_counts
    return (
        f"percent of {first} to {last} right answers" if first < last else f"percent of {first} right answers"
    )


def _sets(asked: Granularity) -> str:
    """Test sets with their sizes; a run of sizes is told by its ends."""
    sizes: dict[str, list[int]] = {}
    for num_items, test_set in asked.item_counts:
        sizes.setdefault(test_set, []).append(num_items)
    return "; ".join(f"{test_set}: {_sizes(sorted(found))}" for test_set, found in sizes.items())


def _sizes(found: list[int]) -> str:
    if len(found) > 1 and found == list(range(found[0], found[-1] + 1)):
        return f"{found[0]:,} to {found[-1]:,}"
    return " or ".join(f"{size:,}" for size in found)


def _ways(ways: Sequence[Occurrence]) -> tuple[str, ...]:
    told = tuple(f"{_way(each)}." for each in ways[:SHOWN_WAYS])
    rest = len(ways) - len(told)
    return (*told, f"{rest} more ways.") if rest else told


def _way(each: Occurrence) -> str:
    start = "" if each.base is None else f" from {each.base} right"
    return f"{each.count:+d} of {each.num_items:,} questions{start} ({each.test_set}), {each.rounding}"
