"""The forms that a claim can have, each a function that gives the whole claim: value, bound, sign, order, arithmetic.

What a form fixes (kind, rule, which number is a target under which reading) is said here once, so that a table of claims
says what the paper says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from harness.words.claim import (
    RULES,
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    InferenceTarget,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    Sentence,
    Target,
    Tier,
    TwoPrintings,
    Unit,
    WordsAgainstNumbers,
)

KIND_OF = {rule: kind for kind, rules in RULES.items() for rule in rules}
"""The kind whose claims a rule decides; each rule decides those of one kind."""

ARITHMETIC_RULES: Mapping[type, Rule] = {
    Granularity: Rule.GRANULARITY,
    WordsAgainstNumbers: Rule.WORDS_AGAINST_NUMBERS,
    TwoPrintings: Rule.TWO_PRINTINGS,
    GainAgainstGap: Rule.GAIN_AGAINST_GAP,
}


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What the measurement behind a claim is in, and what it must rest on; shared by the claims of a family."""

    unit: Unit = Unit.PERCENT
    minima: Minima = field(default_factory=Minima)
    inference: InferenceTarget = InferenceTarget.POPULATION
    pilot: Pilot | None = None


ANY = Basis()
"""Percent, with nothing asked for."""


class Details(TypedDict, total=False):
    """What a claim of any form may say of itself; lists of short names as words."""

    inventory: str
    """Statements of the paper's inventory that it comes from: "C01 C03"."""
    conflicts: str
    """Conflicts between sources that touch it: "K1 K2"."""
    tier: Tier
    """Secondary unless said otherwise."""
    basis: Basis
    expected: str
    beside: str
    part_by_summary: str


def value(
    name: str,
    says: str,
    sentence: Sentence,
    readings: tuple[Reading, ...],
    printed: str | tuple[Target, ...],
    *,
    margin: float,
    because: str,
    null: float | None = None,
    stands_for: str = "",
    **details: Unpack[Details],
) -> Claim:
    """A number as printed, and how far the truth may lie from it.

    Args:
        name: Id of the claim.
        says: The assertion as a sentence.
        sentence: Where a source says it.
        readings: What it may mean, the primary reading first.
        printed: The number, which is a target under every reading, or the targets themselves.
        margin: How far the truth may lie from the number and still agree.
        because: Reason of the margin.
        null: The value that means "no effect".
        stands_for: Word that the source prints instead of the number.
        details: What else it says of itself.
    """
    return replace(
        _claim(Rule.WITHIN_MARGIN, name, says, sentence, **details),
        readings=readings,
        targets=_targets(printed, sentence, readings, stands_for),
        margin=margin,
        margin_because=because,
        null=null,
    )


def bound(
    name: str,
    says: str,
    sentence: Sentence,
    readings: tuple[Reading, ...],
    printed: str,
    *,
    rule: Rule,
    margin: float | None = None,
    because: str = "",
    null: float | None = None,
    stands_for: str = "",
    half_width: float | None = None,
    **details: Unpack[Details],
) -> Claim:
    """A printed number that estimates stay below, reach, or do not fall below; the rule says which, the rest is as for a value."""
    return replace(
        _claim(rule, name, says, sentence, **details),
        readings=readings,
        targets=_targets(printed, sentence, readings, stands_for, half_width),
        margin=margin,
        margin_because=because,
        null=null,
    )


def sign(
    name: str,
    says: str,
    sentence: Sentence,
    readings: tuple[Reading, ...],
    claimed: int,
    *,
    rule: Rule | None = None,
    printed: str | None = None,
    null: float | None = None,
    **details: Unpack[Details],
) -> Claim:
    """The claimed sign, +1 or -1, of one estimate or of each of several; a rule asks for that of their mean, or of a correlation."""
    is_one = len(readings[0].estimates) == 1
    return replace(
        _claim(rule or (Rule.SIGN if is_one else Rule.EVERY_SIGN), name, says, sentence, **details),
        readings=readings,
        targets=() if printed is None else _targets(printed, sentence, readings),
        null=null,
        sign=claimed,
    )


def order(
    name: str,
    says: str,
    sentence: Sentence,
    readings: tuple[Reading, ...],
    *,
    largest: tuple[Reading, ...],
    **details: Unpack[Details],
) -> Claim:
    """The largest of several estimates: the one that is named, or one of those that are; `largest` reads these alone."""
    is_one = all(len(reading.estimates) == 1 for reading in largest)
    return replace(
        _claim(Rule.LARGEST_AT if is_one else Rule.LARGEST_WITHIN, name, says, sentence, **details),
        readings=readings,
        named=tuple(estimate for reading in largest for estimate in reading.estimates),
    )


def arithmetic(
    name: str, says: str, sentence: Sentence, payload: Arithmetic, **details: Unpack[Details]
) -> Claim:
    """What printed numbers say of each other, without a measurement."""
    return replace(
        _claim(ARITHMETIC_RULES[type(payload)], name, says, sentence, **details), arithmetic=payload
    )


def untestable(name: str, says: str, sentence: Sentence, **details: Unpack[Details]) -> Claim:
    """A statement that names nothing measurable, kept so that it is not passed over in silence."""
    return replace(_claim(Rule.NONE, name, says, sentence, **details), unit=Unit.NONE)


def _claim(
    rule: Rule,
    name: str,
    says: str,
    sentence: Sentence,
    *,
    inventory: str = "",
    conflicts: str = "",
    tier: Tier = Tier.SECONDARY,
    basis: Basis = ANY,
    expected: str = "",
    beside: str = "",
    part_by_summary: str = "",
) -> Claim:
    return Claim(
        id=name,
        says=says,
        inventory=tuple(inventory.split()),
        conflicts=tuple(conflicts.split()),
        sentence=sentence,
        kind=KIND_OF[rule],
        rule=rule,
        tier=tier,
        unit=basis.unit,
        minima=basis.minima,
        inference=basis.inference,
        pilot=basis.pilot,
        expected=expected,
        beside=beside,
        part_by_summary=part_by_summary,
    )


def _targets(
    printed: str | tuple[Target, ...],
    sentence: Sentence,
    readings: tuple[Reading, ...],
    stands_for: str = "",
    half_width: float | None = None,
) -> tuple[Target, ...]:
    """The number under every reading; one that stands for a word is ours, and so exact."""
    if not isinstance(printed, str):
        return printed
    return tuple(
        Target(
            printed=Printed(printed),
            stands_for=stands_for,
            source=sentence.source,
            tier=sentence.tier,
            reading=reading.name,
            half_width=0.0 if stands_for else half_width,
        )
        for reading in readings
    )
