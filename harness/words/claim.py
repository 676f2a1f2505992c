"""What a paper claims, as data: numbers as they were printed, claims, and the rules by which they are judged."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import groupby

HEDGES = (
    "~",
    "\N{TILDE OPERATOR}",
    "≈",
    "about",
    "approximately",
    "around",
    "nearly",
    "roughly",
    "circa",
    "ca.",
)
"""Words and signs that widen a printed number to one whole unit of its last digit."""

MINUSES = "\N{MINUS SIGN}\N{EN DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}-"
"""What pages print, and what copying makes of it, before a negative number."""

_GAPS = r"\s'\N{RIGHT SINGLE QUOTATION MARK}"
"""Marks that stand between thousands and nowhere else."""

_DIGITS = (
    # .42 and 12.50; 1,234.5 and 1 234.5
    rf"(?P<whole>\d*|\d{{1,3}}(?:[{_GAPS}]\d{{3}})+|\d{{1,3}}(?:,\d{{3}})+)\.(?P<decimals>\d+)",
    # 5,47; 1.234,5 and 1 234,5
    rf"(?P<whole>\d+|\d{{1,3}}(?:[{_GAPS}]\d{{3}})+|\d{{1,3}}(?:\.\d{{3}})+),(?P<decimals>\d+)",
    # 91; 1 234; 1,234,567 and 1.234.567
    rf"(?P<whole>\d+|\d{{1,3}}(?:[{_GAPS}]\d{{3}})+|\d{{1,3}}(?P<mark>[,.])\d{{3}}(?:(?P=mark)\d{{3}})+)(?P<decimals>)",
)
PRINTED_UNITS = ("%", "percent", "per cent", "point", "points", "pp")
"""Units as pages print them behind a number."""

_TIMES = "x*\N{MULTIPLICATION SIGN}\N{MIDDLE DOT}"
_AFTER = rf"(?:\s*(?:e|[{_TIMES}]\s*10\s*\^?)\s*(?P<power>[+-]?\d{{1,3}}))?\s*"
_NUMBERS = tuple(
    re.compile(rf"(?P<sign>[+{MINUSES}]?)\s*{digits}{_AFTER}(?:percentage )?(?:{'|'.join(PRINTED_UNITS)})?")
    for digits in _DIGITS
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

_TWO_WAYS = re.compile(rf"[+{MINUSES}]?\s*(?P<thousands>[1-9]\d{{0,2}}),(?P<rest>\d{{3}})(?![\d.,]).*")
"""What is a thousand where a comma parts thousands, and a decimal number where it is the decimal mark."""

_NOT_ONE_NUMBER = (
    ("±", "a number with its error; give the number alone"),
    ("+/-", "a number with its error; give the number alone"),
    ("+-", "a number with its error; give the number alone"),
    ("(", "a number with something in brackets; give the number alone"),
    (":", "a proportion; give it as a decimal number"),
    ("fold", "a multiple; give its number alone"),
    ("/", "a fraction; give it as a decimal number, with the digits that it was printed with"),
)
"""What pages print beside plain numbers, and what to do with it."""


@dataclass(frozen=True)
class Printed:
    """One printed number; trailing zeros count, so the string is what is kept."""

    text: str

    @property
    def value(self) -> float:
        """The number that the string spells."""
        return float(self._decimal)

    @property
    def is_hedged(self) -> bool:
        """True when the page itself says "about"."""
        return self.text.strip().lower().startswith(HEDGES)

    @property
    def half_width(self) -> float:
        """Half a unit of the last printed digit; one whole unit when hedged."""
        unit = Decimal(1).scaleb(int(self._decimal.as_tuple().exponent))
        return float(unit if self.is_hedged else unit / 2)

    @property
    def num_decimals(self) -> int:
        """Digits after the point."""
        return max(0, -int(self._decimal.as_tuple().exponent))

    @cached_property  # thousands of fractions ask for it
    def _decimal(self) -> Decimal:
        bare = _unhedged(self.text).translate(_SUPERSCRIPTS)
        found = next((found for form in _NUMBERS if (found := form.fullmatch(bare))), None)
        if found is None or _TWO_WAYS.fullmatch(bare):
            raise ValueError(_not_a_number(self.text, bare))
        sign = "-" if found["sign"] and found["sign"] in MINUSES else ""
        whole = re.sub(r"\D", "", found["whole"]) or "0"
        return Decimal(f"{sign}{whole}.{found['decimals']}e{found['power'] or 0}")

    def in_unit(self, unit: str) -> str:
        """As printed, with its unit once: many pages print it with the number."""
        return self.text if self.text.rstrip().endswith(PRINTED_UNITS) else f"{self.text} {unit}"

    def require(self) -> "Printed":
        """The same, once it is sure to spell a number.

        Raises:
            ValueError: If it spells none.
        """
        assert self._decimal.is_finite()
        return self


def shown_as(number: str, stands_for: str) -> str:
    """A target as people read it: the number or, where the source prints a word instead, that word with our number for it.

    Args:
        number: As printed, with its unit where one is shown.
        stands_for: Word that the number stands for; empty where the number itself is printed.
    """
    return f'"{stands_for}", taken as {number} (ours)' if stands_for else number


def _unhedged(text: str) -> str:
    bare = text.strip().lower()
    for hedge in HEDGES:
        bare = bare.removeprefix(hedge).strip()
    return bare


def _not_a_number(text: str, bare: str) -> str:
    """What is wrong with a string that spells no number, or two."""
    if found := _TWO_WAYS.fullmatch(bare):
        thousands, rest = found["thousands"], found["rest"]
        return f"{text!r} is {thousands}{rest} to some and {thousands}.{rest} to others; write the one that is meant"
    for mark, says in _NOT_ONE_NUMBER:
        if mark in bare and any(letter.isdigit() for letter in bare):
            return f"{text!r} is {says}"
    return (
        f"{text!r} is no printed number; expected one such as '12.50', '.42', '+5,47', '1,234.5', '1e-3' or '~90', hedged at "
        f"most by one of {', '.join(HEDGES)}"
    )


class Kind(StrEnum):
    """What an atom of a sentence asserts."""

    VALUE = "value"
    BOUND = "bound"
    ATTAINED = "attained"
    ARGMAX = "argmax"
    REGION = "region"
    DIRECTION = "direction"
    FLOOR = "floor"
    CONSISTENCY = "consistency"
    CORRELATION = "correlation"
    ARITHMETIC = "arithmetic"
    QUALITATIVE = "qualitative"


class Rule(StrEnum):
    """How an atom is decided."""

    WITHIN_MARGIN = "within-margin"
    """The interval lies inside the band around the printed number."""
    MAXIMUM_AT_MOST = "maximum-at-most"
    """No member lies above the printed number and its margin."""
    MAXIMUM_AT_LEAST = "maximum-at-least"
    """The largest member reaches the printed number less its margin."""
    POOLED_AT_MOST = "pooled-at-most"
    """The mean over members stays below the limit."""
    LARGEST_AT = "largest-at"
    """The named member is the largest."""
    LARGEST_WITHIN = "largest-within"
    """The largest member is among the named ones."""
    SIGN = "sign"
    """The quantity has the claimed sign."""
    EVERY_SIGN = "every-sign"
    """Every member has the claimed sign."""
    AT_LEAST = "at-least"
    """The quantity is not below the limit."""
    POOLED_SIGN = "pooled-sign"
    """The mean over members has the claimed sign, and no member the opposite one."""
    CORRELATION_SIGN = "correlation-sign"
    """The correlation has the claimed sign, whichever language is left out."""
    GRANULARITY = "granularity"
    """The printed accuracy, or difference of two, can occur on that many items."""
    WORDS_AGAINST_NUMBERS = "words-against-numbers"
    """The numbers are what the words beside them say."""
    TWO_PRINTINGS = "two-printings"
    """Two printings of one quantity agree within their rounding."""
    GAIN_AGAINST_GAP = "gain-against-gap"
    """The printed gain beside the printed gaps: where it would end."""
    NONE = "none"
    """Nothing measurable is named."""


ALL_OF_IT = "all of it"
"""Said of a claim that is known from a summary alone."""

RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.VALUE: (Rule.WITHIN_MARGIN,),
    Kind.BOUND: (Rule.MAXIMUM_AT_MOST, Rule.POOLED_AT_MOST),
    Kind.ATTAINED: (Rule.MAXIMUM_AT_LEAST,),
    Kind.ARGMAX: (Rule.LARGEST_AT,),
    Kind.REGION: (Rule.LARGEST_WITHIN,),
    Kind.DIRECTION: (Rule.SIGN, Rule.EVERY_SIGN),
    Kind.FLOOR: (Rule.AT_LEAST,),
    Kind.CONSISTENCY: (Rule.POOLED_SIGN,),
    Kind.CORRELATION: (Rule.CORRELATION_SIGN,),
    Kind.ARITHMETIC: (
        Rule.GRANULARITY,
        Rule.WORDS_AGAINST_NUMBERS,
        Rule.TWO_PRINTINGS,
        Rule.GAIN_AGAINST_GAP,
    ),
    Kind.QUALITATIVE: (Rule.NONE,),
}
"""Which rules decide a claim of each kind."""

JUDGED_WITH_MARGIN = (Rule.WITHIN_MARGIN, Rule.MAXIMUM_AT_MOST, Rule.MAXIMUM_AT_LEAST)
"""Rules that need a printed number and a margin around it."""

JUDGED_WITH_LIMIT = (Rule.AT_LEAST, Rule.POOLED_AT_MOST)
"""Rules that need a printed limit and no margin."""


class Tier(StrEnum):
    """What a claim weighs."""

    PRIMARY = "primary"
    """Gates the exit code; one Holm family."""
    SECONDARY = "secondary"
    """Judged, in a Holm family of its own; gates nothing."""
    EXPLORATORY = "exploratory"
    """Measured and shown; no verdict word but INCONCLUSIVE."""


class SourceTier(StrEnum):
    """How near to the paper a source stands."""

    OURS = "T0"
    """No paper: a question of this project's own, asked of a model of which nobody has claimed anything."""
    PAPER = "T1"
    """The paper's table or body text."""
    ABSTRACT = "T2"
    AUTHORS = "T3"
    """The authors' code, data, talk or letter."""
    SUMMARY = "T4"
    """Somebody else's summary."""


class InferenceTarget(StrEnum):
    """Which question the error bar answers."""

    POPULATION = "population"
    """Latents, questions or languages like these."""
    FIXED_ITEMS = "fixed_items"
    """These very questions; only training varies."""


class Unit(StrEnum):
    """Units of printed numbers and of estimates; every number stands in one of these."""

    PERCENT = "percent"
    POINTS = "points"
    CORRELATION = "r"
    COSINE = "cosine"
    FRACTION = "fraction"
    CHRF = "chrF"
    NATS = "nats"
    TOKENS = "tokens"
    LATENTS = "latents"
    PAIRS = "pairs"
    ACTIVATION = "activation"
    ACTIVATION_SQUARED = "activation squared"
    COUNT = "count"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that says something of the paper: what kind of text it is, where it stands, and when it was read."""

    name: str
    """As sentences, targets and readings name it, such as "abstract"."""
    tier: SourceTier
    kind: str
    """What kind of text it is, in a few words."""
    address: str
    """Where anybody can read it; empty where no public address is known."""
    read: str
    """Day on which it was read, such as 2026-11-19."""
    sha256: str = ""
    """Digest of the text as it was read; empty where that was not kept."""

    def __str__(self) -> str:
        """What kind of text, where, when it was read, and its digest."""
        address = self.address or "no public address is known"
        digest = f"SHA-256 {self.sha256}" if self.sha256 else "no digest of its text was kept"
        return f"{self.kind}; {address}; read on {self.read}, {digest}"


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """Where a source says it, in the source's own words where it can be quoted."""

    source: str
    """Name of the source, such as "abstract"."""
    tier: SourceTier
    where: str
    """Place in the source."""
    quote: str = ""
    """At most 25 words of the source; empty where only its sense is known."""
    sense: str = ""
    """The sentence's sense in our words, where it cannot be quoted."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One number that a claim is held against: printed, or ours for a printed word."""

    printed: Printed
    """As printed; written by us in the same form where it stands for a word."""
    stands_for: str = ""
    """Word of the source that the number stands for; empty where the number itself is printed."""
    source: str
    """Who prints the number, or the word."""
    tier: SourceTier
    reading: str
    """Name of the reading under which it is a target."""
    half_width: float | None = None
    """Where rounding is not that of the string, such as a difference of two printed numbers."""

    @property
    def value(self) -> float:
        """The printed number."""
        return self.printed.value

    @property
    def rounding(self) -> float:
        """How far rounding lets the truth lie from the printed number."""
        return self.printed.half_width if self.half_width is None else self.half_width


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One thing that the sentence may mean, with the estimates that measure it."""

    name: str
    says: str
    supported_by: tuple[str, ...]
    """Sources that read the sentence so; a reading without one does not count."""
    estimates: tuple[str, ...]
    """Ids of the estimates, in the claim's order; several where a claim is about several."""
    unit: Unit | None = None
    """Unit of the number so read, where it is not the claim's."""
    margin: float | None = None
    """Margin in that unit; the claim's where None."""
    margin_because: str = ""


@dataclass(frozen=True, kw_only=True)
class Minima:
    """What a measurement must rest on before a verdict is earned; 0 asks for nothing."""

    units: int = 0
    """Latents, documents or languages of each estimate."""
    seeds: int = 0


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """The spread that is expected before anything is measured, for the pre-flight."""

    unit_sd: float
    """Standard deviation between units, in the claim's unit; 0 where units do not vary."""
    seed_sd: float = 0.0
    """Standard deviation between training seeds."""
    because: str


@dataclass(frozen=True, kw_only=True)
class Granularity:
    """A printed accuracy, or the difference of two, and the item counts on which it may stand."""

    printed: Printed
    is_change: bool = True
    """True of a difference, which may be made of two rounded accuracies; a single one was rounded once."""
    item_counts: tuple[tuple[int, str], ...]
    """Number of items, with the test set that has so many; empty where none is known."""
    base_counts: tuple[int, int] | None = None
    """Right answers before, from and to, where the difference is read as percent of them."""

    @property
    def sets(self) -> tuple[tuple[str, str], ...]:
        """Every test set with its sizes in words; neighbouring sizes as a range."""
        return tuple(
            (
                test_set,
                " or ".join(_ranges(num_items for num_items, of in self.item_counts if of == test_set)),
            )
            for test_set in dict.fromkeys(of for _, of in self.item_counts)
        )

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """What each printed number is, and how it is printed."""
        items = (("items", f"{sizes} ({test_set})") for test_set, sizes in self.sets)
        return ("difference" if self.is_change else "accuracy", self.printed.text), *items


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda place: place[1] - place[0]):
        first, *rest = (number for _, number in run)
        yield f"{first:,} to {rest[-1]:,}" if rest else f"{first:,}"


@dataclass(frozen=True, kw_only=True)
class WordsAgainstNumbers:
    """A word such as "consistent", and the printed numbers that it is said of."""

    word: str
    source: str
    """Who prints the numbers; the word is the sentence's."""
    numbers: tuple[tuple[str, Printed], ...]
    """What each is, and how it is printed."""
    least: float | None = None
    """The word demands that every number is above this."""
    most: float | None = None
    """The word demands that no number is above this."""

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """The word, and what each printed number is, with how it is printed."""
        return ("word", self.word), *((what, printed.text) for what, printed in self.numbers)


@dataclass(frozen=True, kw_only=True)
class TwoPrintings:
    """One quantity, printed twice."""

    printed: tuple[tuple[str, Printed], tuple[str, Printed]]
    """Who prints it, and how."""

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """Who prints it, and how."""
        return tuple((who, printed.text) for who, printed in self.printed)


@dataclass(frozen=True, kw_only=True)
class GainAgainstGap:
    """A printed gain of one language, and the printed gaps of its group."""

    gain: Printed
    gaps: tuple[Printed, ...]

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """What each printed number is, and how it is printed."""
        return ("gain", self.gain.text), *(("gap", gap.text) for gap in self.gaps)


Arithmetic = Granularity | WordsAgainstNumbers | TwoPrintings | GainAgainstGap


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One atom of a sentence, with everything that decides it; nothing here is known from a measurement."""

    id: str
    says: str
    """The assertion as a sentence; also the name of its test."""
    inventory: tuple[str, ...]
    """Statements of the paper's inventory that it comes from, such as "C01"."""
    conflicts: tuple[str, ...] = ()
    """Conflicts between sources that touch it, such as "K1"."""
    sentence: Sentence
    kind: Kind
    rule: Rule
    tier: Tier
    unit: Unit
    readings: tuple[Reading, ...] = ()
    """The primary one first."""
    targets: tuple[Target, ...] = ()
    discrepancies: tuple[Target, ...] = ()
    """What weaker sources print otherwise; shown, never decides."""
    part_by_summary: str = ""
    """What of it only a summary reports, such as "the layer", where its sentence stands nearer to the paper."""
    margin: float | None = None
    margin_because: str = ""
    null: float | None = None
    """The value that means "no effect"; a band that holds it cannot tell the claim from nothing."""
    sign: int = 0
    """The claimed sign, +1 or -1, where the rule asks for one."""
    named: tuple[str, ...] = ()
    """Estimates, of every reading, that the claim singles out as the largest."""
    minima: Minima = Minima()
    inference: InferenceTarget = InferenceTarget.POPULATION
    paper_units: int | None = None
    """Units that the paper's own number rests on; None where it does not say."""
    pilot: Pilot | None = None
    arithmetic: Arithmetic | None = None
    expected: str = ""
    """The state or finding that a self-check must come out with; empty in a study of a paper."""
    beside: str = ""
    """What a reader must know beside every verdict on it."""

    def __str__(self) -> str:
        return self.id

    def unit_of(self, reading: Reading) -> Unit:
        """Unit of the printed number under a reading."""
        return reading.unit or self.unit

    def margin_of(self, reading: Reading) -> float | None:
        """Margin around the printed number under a reading; None where the rule takes none."""
        return self.margin if reading.margin is None else reading.margin

    def reading_of(self, target: Target) -> Reading:
        """The reading under which a number is a target."""
        return next(reading for reading in self.readings if reading.name == target.reading)

    def read_as(self, reading: Reading) -> "Claim":
        """The same claim under one of its readings alone, with the numbers that are targets under it."""
        targets = tuple(target for target in self.targets if target.reading == reading.name)
        return replace(self, readings=(reading,), targets=targets)

    @property
    def primary(self) -> Reading:
        """The reading whose verdict is always printed."""
        return self.readings[0]

    @property
    def estimates(self) -> tuple[str, ...]:
        """Ids of every estimate that any of its readings rests on; one may stand under several."""
        return tuple(name for reading in self.readings for name in reading.estimates)

    @property
    def by_summary(self) -> str:
        """What of it only a summary reports; empty where the paper itself, or its abstract, says all of it."""
        return ALL_OF_IT if self.sentence.tier is SourceTier.SUMMARY else self.part_by_summary

    @property
    def source_names(self) -> tuple[str, ...]:
        """Every source that it names, once: of its sentence, its numbers and its readings."""
        numbers = (target.source for target in (*self.targets, *self.discrepancies))
        readers = (name for reading in self.readings for name in reading.supported_by)
        return tuple(dict.fromkeys((self.sentence.source, *numbers, *readers, *self.reported_by)))

    @property
    def reported_by(self) -> tuple[str, ...]:
        """Who prints the numbers of a claim about printed numbers; nobody for any other."""
        match self.arithmetic:
            case None:
                return ()
            case TwoPrintings(printed=both):
                return tuple(dict.fromkeys(who for who, _ in both))
            case WordsAgainstNumbers(source=source):
                return (source,)
            case _:
                return (self.sentence.source,)


def inventory_says(kinds: Iterable[Kind]) -> str:
    """How many claims a measurement decides, and how many of the others there are: the same count wherever claims are counted."""
    of = Counter(kinds)
    apart = of[Kind.QUALITATIVE], of[Kind.ARITHMETIC]
    decided = f"{of.total() - sum(apart)} that a measurement decides"
    return f"{decided}, {apart[0]} that name nothing measurable, {apart[1]} about printed numbers alone"


RULES_IN_WORDS: Mapping[str, str] = {
    Rule.WITHIN_MARGIN: "PASS when the 90 % interval lies inside the band around the printed number (two one-sided "
    "tests at 5 %). DEVIATION when it lies outside after Holm, and one unrepeated run does not explain the distance.",
    Rule.MAXIMUM_AT_MOST: "PASS when every member's own upper 95 % limit stays below the printed number and its margin. "
    "DEVIATION when a lower limit that holds for all members at once lies above.",
    Rule.MAXIMUM_AT_LEAST: "PASS when a lower limit that holds for all members at once reaches the printed number less "
    "its margin. DEVIATION when no member's own upper 95 % limit does.",
    Rule.POOLED_AT_MOST: "PASS when the upper limit of the mean over members stays at or below the limit. DEVIATION when "
    "the lower limit lies above.",
    Rule.LARGEST_AT: "PASS when every other member is shown to be led by the named one. DEVIATION when another is shown to "
    "lead it, by a limit that holds for all others at once.",
    Rule.LARGEST_WITHIN: "PASS when every other member is shown to be led by a named one. DEVIATION when another is shown "
    "to lead all named ones, by a limit that holds for all others at once.",
    Rule.SIGN: "PASS when the one-sided 95 % limit lies on the claimed side of zero; of paired outcomes, when the exact test "
    "of their flips agrees. DEVIATION when it lies on the other, after Holm.",
    Rule.EVERY_SIGN: "PASS when every member by itself is shown to have the claimed sign. DEVIATION when one is "
    "shown to have the other, after Holm.",
    Rule.AT_LEAST: "PASS when the lower 95 % limit reaches the printed limit. DEVIATION when the upper one does not.",
    Rule.POOLED_SIGN: "PASS when the mean over members has the claimed sign and no member is shown to have the other. "
    "DEVIATION when the mean or a member is shown to have the other sign.",
    Rule.CORRELATION_SIGN: "PASS when the 90 % interval lies on the claimed side of zero, and the sign stays whichever "
    "language is left out. DEVIATION when the interval lies on the other side.",
    Rule.GRANULARITY: "It cannot occur as reported when no whole number of questions, however rounded, gives the printed "
    "number; nobody can tell where every number near it could occur as well.",
    Rule.WORDS_AGAINST_NUMBERS: "It cannot occur as reported when a printed number contradicts the word beyond its rounding.",
    Rule.TWO_PRINTINGS: "It cannot occur as reported when no one number can be printed both ways.",
    Rule.GAIN_AGAINST_GAP: "A note: where a gain ends that starts from a printed gap. It is held against nobody.",
    Rule.NONE: "Nothing measurable is named, so it is NOT_TESTABLE.",
}
"""What each rule asks for; what is neither PASS nor DEVIATION is INCONCLUSIVE, and so is what rests on a broken assumption."""

SOURCES_IN_WORDS: Mapping[SourceTier, str] = {
    SourceTier.OURS: "no paper, a question of this project's own",
    SourceTier.PAPER: "the paper's table or text",
    SourceTier.ABSTRACT: "its abstract",
    SourceTier.AUTHORS: "the authors' other artifacts",
    SourceTier.SUMMARY: "reported by a summary",
}
"""What stands behind each tier of sources, best first."""
