"""What is wrong with a study's claims, one sentence each, and the claims themselves once nothing is."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from harness.judge.quantities import estimate_units
from harness.sources.studies import load_study, load_table
from harness.words.claim import (
    JUDGED_WITH_LIMIT,
    JUDGED_WITH_MARGIN,
    RULES,
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    InferenceTarget,
    Kind,
    Printed,
    Reading,
    Rule,
    Sentence,
    Source,
    SourceTier,
    Target,
    Tier,
    TwoPrintings,
    Unit,
    WordsAgainstNumbers,
)
from harness.words.claim_forms import ARITHMETIC_RULES
from harness.words.errors import UsageError
from harness.words.study import Study
from harness.words.verdict import Finding, State

IDS = re.compile(r"[a-z0-9][a-z0-9._-]*")
ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")
DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_QUOTED_WORDS = 25
MAX_READINGS = 3

ONE_ESTIMATE = (Rule.WITHIN_MARGIN, Rule.SIGN, Rule.AT_LEAST, Rule.CORRELATION_SIGN)
"""Rules for one quantity; the others that measure need several."""
NEEDS_SIGN = (Rule.SIGN, Rule.EVERY_SIGN, Rule.POOLED_SIGN, Rule.CORRELATION_SIGN)
NAMES_MEMBERS = (Rule.LARGEST_AT, Rule.LARGEST_WITHIN)
UNMEASURED = (Rule.NONE, *RULES[Kind.ARITHMETIC])
"""Rules that look at no estimate."""


def inventory_faults(
    claims: Sequence[Claim], known: Mapping[str, str], sources: Sequence[Source]
) -> Iterator[str]:
    """Everything that is wrong with a study's claims.

    Args:
        claims: The whole table.
        known: Unit of every estimate that the study has, by id.
        sources: The texts that they are taken from.
    """
    yield from _source_faults(sources)
    ids = [claim.id for claim in claims]
    for twice in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"{twice}: its id stands {ids.count(twice)} times; each id names one claim"
    sentences = [claim.says for claim in claims]
    for claim in claims:
        if sentences.count(claim.says) > 1:
            yield f"{claim.id}: {claim.says!r} is what another claim says too; tests are named by it, so each says its own"
        yield from (f"{claim.id}: {fault}" for fault in claim_faults(claim, known))
        yield from (f"{claim.id}: {fault}" for fault in _citation_faults(claim, sources))


def _source_faults(sources: Sequence[Source]) -> Iterator[str]:
    """What is missing where somebody wants to read a source too."""
    names = [source.name for source in sources]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"source {twice!r} stands {names.count(twice)} times; each text stands once"
    for source in sources:
        said = f"source {source.name!r}"
        if not source.name.strip() or not source.kind.strip():
            yield f"{said} is called {source.kind!r}; say its name, and what kind of text it is"
        if source.address and ADDRESS.fullmatch(source.address) is None:
            yield f"{said} has address {source.address!r}; allowed: a web address, or none where no public one is known"
        if DAY.fullmatch(source.read) is None:
            yield f"{said} was read on {source.read!r}; say the day, such as '2026-11-19'"
        if source.sha256 and SHA256.fullmatch(source.sha256) is None:
            yield f"{said} has digest {source.sha256!r}; allowed: 64 hexadecimal digits, or none where its text was not kept"


def _citation_faults(claim: Claim, sources: Sequence[Source]) -> Iterator[str]:
    """Sources that a claim names and nobody can look up, and those that stand nearer to the paper than they are."""
    tiers = {source.name: source.tier for source in sources}
    for name in claim.source_names:
        if name not in tiers:
            allowed = ", ".join(tiers) or "none"
            yield f"names source {name!r}, which the SOURCES of the study's sources.py lack; they have {allowed}"
    places: tuple[Sentence | Target, ...] = (claim.sentence, *claim.targets, *claim.discrepancies)
    for said in places:
        if tiers.get(said.source, said.tier) != said.tier:
            yield f"takes source {said.source!r} for {said.tier}; it is {tiers[said.source]}"


def claim_faults(claim: Claim, known: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with one claim by itself."""
    unknown = list(_word_faults(claim))
    yield from unknown
    yield from _name_faults(claim)
    yield from _sentence_faults(claim.sentence)
    if unknown:
        return  # what is asked below depends on the rule, the unit and the tiers
    yield from _summary_faults(claim)
    yield from _reading_faults(claim, known)
    yield from _target_faults(claim)
    yield from _margin_faults(claim)
    yield from _member_faults(claim)
    yield from _figure_faults(claim)


def _word_faults(claim: Claim) -> Iterator[str]:
    """Words that are none of the instrument's: a table may be written with plain strings."""
    words: list[tuple[str, object, type[StrEnum]]] = [
        ("kind", claim.kind, Kind),
        ("rule", claim.rule, Rule),
        ("tier", claim.tier, Tier),
        ("unit", claim.unit, Unit),
        ("inference target", claim.inference, InferenceTarget),
        ("source tier", claim.sentence.tier, SourceTier),
        *(("source tier", target.tier, SourceTier) for target in (*claim.targets, *claim.discrepancies)),
    ]
    for name, found, allowed in words:
        if not isinstance(found, allowed):
            yield f"unknown {name} {found!r}; allowed: {', '.join(allowed)}"
    if isinstance(claim.kind, Kind) and isinstance(claim.rule, Rule) and claim.rule not in RULES[claim.kind]:
        yield f"rule {claim.rule} does not decide a claim of kind {claim.kind}; allowed: {', '.join(RULES[claim.kind])}"
    states: type[StrEnum] = Finding if claim.kind is Kind.ARITHMETIC else State
    if claim.expected and claim.expected not in tuple(states):
        yield f"unknown expected state {claim.expected!r}; allowed: none, or one of {', '.join(states)}"


def _name_faults(claim: Claim) -> Iterator[str]:
    if IDS.fullmatch(claim.id) is None:
        yield "its id must be small letters, digits, dots, dashes and underscores, such as 'gap.first.value'"
    if not claim.says.strip():
        yield "says nothing; it must say one sentence, which names its test"


def _sentence_faults(sentence: Sentence) -> Iterator[str]:
    if not sentence.source.strip() or not sentence.where.strip():
        yield (
            f"its sentence has source {sentence.source!r} and place {sentence.where!r}; both must be said, "
            "such as 'abstract', 'sentence 3'"
        )
    if not sentence.quote.strip() and not sentence.sense.strip():
        yield "its sentence has neither quote nor sense; quote the source, or say its sense in our words"
    if (words := len(sentence.quote.split())) > MAX_QUOTED_WORDS:
        yield f"quotes {words} words; at most {MAX_QUOTED_WORDS} are quoted"
    if sentence.quote and sentence.tier == SourceTier.SUMMARY:
        yield f"quotes a summary ({sentence.source}); what others wrote is told in our words, as the sentence's sense"


def _summary_faults(claim: Claim) -> Iterator[str]:
    """What a summary alone reports gates nothing, and is marked as a whole."""
    if claim.sentence.tier is not SourceTier.SUMMARY:
        return
    if claim.tier is Tier.PRIMARY:
        yield f"is primary, and known from a summary alone ({claim.sentence.source}); make it secondary"
    if claim.part_by_summary:
        yield f"marks {claim.part_by_summary!r} as reported by a summary, which is all of it; leave part_by_summary out"


def _reading_faults(claim: Claim, known: Mapping[str, str]) -> Iterator[str]:
    if claim.rule in UNMEASURED:
        if claim.readings:
            yield f"has {len(claim.readings)} readings; rule {claim.rule} measures nothing, so none is allowed"
        return
    if not 1 <= len(claim.readings) <= MAX_READINGS:
        yield f"has {len(claim.readings)} readings; 1 to {MAX_READINGS} are allowed"
    names = [reading.name for reading in claim.readings]
    if len(set(names)) < len(names):
        yield f"its readings are called {', '.join(names)}; each needs a name of its own"
    for reading in claim.readings:
        if not any(source.strip() for source in reading.supported_by):
            yield f"reading {reading.name!r} has no source; a reading that nobody supports does not count"
        yield from _estimate_faults(claim, reading, known)


def _estimate_faults(claim: Claim, reading: Reading, known: Mapping[str, str]) -> Iterator[str]:
    found = len(reading.estimates)
    if claim.rule in ONE_ESTIMATE and found != 1:
        yield f"reading {reading.name!r} names {found} estimates; rule {claim.rule} needs exactly 1"
    if claim.rule not in ONE_ESTIMATE and found < 2:  # noqa: PLR2004 - one member has no rank and no pool
        yield f"reading {reading.name!r} names {found} estimates; rule {claim.rule} needs at least 2"
    if len(set(reading.estimates)) < found:
        yield f"reading {reading.name!r} names an estimate twice; each counts once"
    for name in reading.estimates:
        if name not in known:
            yield (
                f"reading {reading.name!r} names estimate {name!r}, which the study does not have; "
                f"allowed: one of its {len(known)}{_nearest(name, known)}"
            )
        elif known[name] != claim.unit_of(reading):
            yield f"its unit is {claim.unit_of(reading)}, but estimate {name!r} is in {known[name]}; both must be the same"


def _target_faults(claim: Claim) -> Iterator[str]:
    readings = [reading.name for reading in claim.readings]
    for target in (*claim.targets, *claim.discrepancies):
        yield from printed_faults(target.printed)
        yield from _aim_faults(target, readings)
    tiers = sorted({str(target.tier) for target in claim.targets})
    if len(tiers) > 1:
        yield f"its targets are of tiers {', '.join(tiers)}; allowed: one, the best; move the others to discrepancies"
    for target in claim.targets:
        if target.stands_for not in f"{claim.sentence.quote} {claim.sentence.sense}":
            yield (
                f"target {target.printed.text!r} stands for {target.stands_for!r}, which is no word of its sentence; allowed: "
                "a word of the sentence's quote or sense, or none where the number itself is printed"
            )
    for weaker in claim.discrepancies:
        if tiers and str(weaker.tier) <= tiers[0]:
            yield f"discrepancy {weaker.printed.text!r} is of tier {weaker.tier}; allowed: tiers below {tiers[0]}"
    if claim.rule in (*JUDGED_WITH_MARGIN, *JUDGED_WITH_LIMIT):
        for name in sorted(set(readings) - {target.reading for target in claim.targets}):
            yield f"has no target under reading {name!r}; rule {claim.rule} needs a printed number for each reading"


def _aim_faults(target: Target, readings: Sequence[str]) -> Iterator[str]:
    printed = target.printed.text
    if not target.source.strip():
        yield f"target {printed!r} has no source; say who prints it"
    if target.reading not in readings:
        allowed = ", ".join(readings) or "none"
        yield f"target {printed!r} is for reading {target.reading!r}; allowed: {allowed}"
    if target.half_width is not None and not 0 <= target.half_width < math.inf:
        yield f"target {printed!r} has half-width {target.half_width}; allowed: 0 or a positive number"


def _margin_faults(claim: Claim) -> Iterator[str]:
    if claim.rule not in JUDGED_WITH_MARGIN:
        if claim.margin is not None:
            yield f"has margin {claim.margin}; rule {claim.rule} takes none"
        return
    if claim.margin is None or not 0 < claim.margin < math.inf:
        yield f"has margin {claim.margin}; rule {claim.rule} needs a positive number"
    if not claim.margin_because.strip():
        yield f"has margin {claim.margin} without a reason; say in margin_because why it is that wide"
    yield from (fault for reading in claim.readings for fault in _own_margin_faults(claim, reading))


def _own_margin_faults(claim: Claim, reading: Reading) -> Iterator[str]:
    where, margin = f"reading {reading.name!r}", reading.margin
    if claim.unit_of(reading) != claim.unit and margin is None:
        yield f"{where} is in {reading.unit} and has no margin of its own; one in {claim.unit} means nothing there"
    if margin is not None and not 0 < margin < math.inf:
        yield f"{where} has margin {margin}; rule {claim.rule} needs a positive number"
    if margin is not None and not reading.margin_because.strip():
        yield f"{where} has margin {margin} without a reason; say in its margin_because why it is that wide"


def _member_faults(claim: Claim) -> Iterator[str]:
    if claim.rule in NEEDS_SIGN and claim.sign not in (-1, 1):
        yield f"has sign {claim.sign}; rule {claim.rule} needs +1 or -1"
    if claim.rule not in NEEDS_SIGN and claim.sign != 0:
        yield f"has sign {claim.sign}; rule {claim.rule} takes none, so it must be 0"
    if claim.rule not in NAMES_MEMBERS:
        if claim.named:
            yield f"names {len(claim.named)} members; rule {claim.rule} singles none out"
        return
    for reading in claim.readings:
        named = len(set(claim.named) & set(reading.estimates))
        most = 1 if claim.rule is Rule.LARGEST_AT else len(reading.estimates) - 1
        if not 1 <= named <= most:
            allowed = "exactly 1" if most == 1 else f"1 to {most}"
            yield f"names {named} members of reading {reading.name!r}; rule {claim.rule} allows {allowed}"
    if strangers := set(claim.named).difference(claim.estimates):
        yield f"names {', '.join(sorted(strangers))}, which no reading lists; allowed: estimates of its readings"


def _figure_faults(claim: Claim) -> Iterator[str]:
    yield from payload_faults(claim)
    if min(claim.minima.units, claim.minima.seeds) < 0:
        yield f"has minima {claim.minima.units} units and {claim.minima.seeds} seeds; allowed: 0 or more"
    if claim.paper_units is not None and claim.paper_units < 1:
        yield f"says that the paper's number rests on {claim.paper_units} units; allowed: 1 or more, or None"
    if (pilot := claim.pilot) is not None:
        if not pilot.because.strip():
            yield "has a pilot spread without a reason; say in its because where it comes from"
        if not (0 <= pilot.unit_sd < math.inf and 0 <= pilot.seed_sd < math.inf):
            yield f"has pilot spreads {pilot.unit_sd} and {pilot.seed_sd}; allowed: 0 or a positive number"


def _nearest(name: str, known: Mapping[str, str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f", such as {close[0]!r}" if close else ""


PAYLOADS: Mapping[Rule, type] = {rule: payload for payload, rule in ARITHMETIC_RULES.items()}
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
        case Granularity(printed=printed):
            yield from printed_faults(printed)
            yield from _count_faults(found)
        case WordsAgainstNumbers(numbers=numbers):
            yield from (fault for _, printed in numbers for fault in printed_faults(printed))
            yield from _word_number_faults(found)
        case TwoPrintings(printed=both):
            yield from (fault for _, printed in both for fault in printed_faults(printed))
            yield from (
                f"does not say who prints {printed.text!r}; name the source"
                for who, printed in both
                if not who.strip()
            )
        case GainAgainstGap(gain=gain, gaps=gaps):
            yield from (fault for printed in (gain, *gaps) for fault in printed_faults(printed))
            if not gaps:
                yield "names no gap to hold its gain against; name at least one"


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
    if not asked.is_change:
        yield f"{asked.printed.text!r} is one accuracy, and has right answers before; only a change has"
    first, last = asked.base_counts
    fewest = min((num_items for num_items, _ in asked.item_counts), default=last)
    if not 1 <= first <= last <= fewest:
        yield f"has {first} to {last} right answers before; allowed: rising, from 1 to {fewest}"


def _word_number_faults(asked: WordsAgainstNumbers) -> Iterator[str]:
    if not asked.source.strip():
        yield f"does not say who prints the numbers beside {asked.word!r}; name the source"
    if not asked.word.strip() or not asked.numbers:
        yield f"holds the word {asked.word!r} against {len(asked.numbers)} numbers; needed: a word, and at least one"
    if asked.least is None and asked.most is None:
        yield f"does not say what {asked.word!r} demands; set least, most, or both"


def load_claims(study: str) -> tuple[Claim, ...]:
    """Every claim of a study, in its order; none where it declares none.

    Raises:
        UsageError: If there is no such study, or something is wrong with its claims; names all of it by claim.
    """
    return claims_of(load_study(study))


def claims_of(study: Study) -> tuple[Claim, ...]:
    """Every claim of a study that is loaded already.

    Raises:
        UsageError: If something is wrong with its claims.
    """
    claims = load_table(study.name, Claim)
    if faults := list(inventory_faults(claims, estimate_units(study), load_table(study.name, Source))):
        raise UsageError(f"claims/{study.name}/claims.py cannot be used:\n  " + "\n  ".join(faults))
    return claims


def claim_named(claims: Sequence[Claim], name: str) -> Claim:
    """The claim with that id.

    Raises:
        UsageError: If there is none.
    """
    for claim in claims:
        if claim.id == name:
            return claim
    ids = [claim.id for claim in claims]
    close = difflib.get_close_matches(name, ids, n=3)
    near = f"did you mean {', '.join(close)}? " if close else ""
    raise UsageError(f"unknown claim {name!r}; {near}'harness claims' lists the {len(ids)} that are allowed")
