"""What is wrong with the printed numbers of a claim about arithmetic, one sentence each."""

from collections.abc import Iterator, Mapping

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

PAYLOADS: Mapping[Rule, type] = {
    Rule.GRANULARITY: Granularity,
    Rule.WORDS_AGAINST_NUMBERS: WordsAgainstNumbers,
    Rule.TWO_PRINTINGS: TwoPrintings,
    Rule.GAIN_AGAINST_GAP: GainAgainstGap,
}
"""What each rule of arithmetic looks at."""


def payload_faults(claim: Claim) -> Iterator[str]:
    """What is wrong with the printed numbers that a claim carries; nothing may be carried where nothing is asked."""
    wanted, found = PAYLOADS.get(claim.rule), claim.arithmetic
    carried = "nothing" if found is None else type(found).__name__
    if wanted is None:
        if found is not None:
            yield f"carries {carried}; rule {claim.rule} looks at no printed numbers of its own"
    elif found is None or not isinstance(found, wanted):
        yield f"carries {carried}; rule {claim.rule} needs {wanted.__name__}"
    else:
        yield from _faults_inside(found)


def _faults_inside(found: Arithmetic) -> Iterator[str]:
    match found:
        case Granularity():
            yield from printed_faults(found.printed)
            yield from _count_faults(found)
        case WordsAgainstNumbers():
            yield from _word_faults(found)
        case TwoPrintings():
            yield from _printing_faults(found)
        case GainAgainstGap():
            yield from _gain_faults(found)


def printed_faults(printed: Printed) -> Iterator[str]:
    """The one sentence that a string without a number deserves."""
    try:
        printed.require()
    except ValueError as error:
        yield str(error)


def _count_faults(asked: Granularity) -> Iterator[str]:
    for num_items, test_set in asked.item_counts:
        if num_items < 1 or not test_set.strip():
            yield f"has {num_items} items of test set {test_set!r}; needed: 1 or more, and the set's name"
    if asked.base_counts is None:
        return
    first, last = asked.base_counts
    fewest = min((num_items for num_items, _ in asked.item_counts), default=last)
    if not 1 <= first <= last <= fewest:
        yield f"has {first} to {last} right answers before; allowed: rising, from 1 to {fewest}"


def _word_faults(asked: WordsAgainstNumbers) -> Iterator[str]:
    for _, printed in asked.numbers:
        yield from printed_faults(printed)
    if not asked.word.strip() or not asked.numbers:
        yield f"holds the word {asked.word!r} against {len(asked.numbers)} numbers; needed: a word, and at least one"
    if asked.least is None and asked.most is None:
        yield f"does not say what {asked.word!r} demands; set least, most, or both"


def _printing_faults(asked: TwoPrintings) -> Iterator[str]:
    for who, printed in asked.printed:
        yield from printed_faults(printed)
        if not who.strip():
            yield f"does not say who prints {printed.text!r}; name the source"


def _gain_faults(asked: GainAgainstGap) -> Iterator[str]:
    for printed in (asked.gain, *asked.gaps):
        yield from printed_faults(printed)
    if not asked.gaps:
        yield "names no gap to hold its gain against; name at least one"
