"""Claims by any of their names, and one claim told to a person: who says it, how it is decided, how to run it again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.judge.arithmetic import judge_arithmetic
from harness.judge.validate import claim_named, load_claims
from harness.sources.studies import load_profiles, load_study, load_table, study_names
from harness.words.claim import (
    RULES_IN_WORDS,
    SOURCES_IN_WORDS,
    Claim,
    GainAgainstGap,
    Granularity,
    InferenceTarget,
    Source,
    Target,
    Tier,
    TwoPrintings,
    WordsAgainstNumbers,
    inventory_says,
    shown_as,
)
from harness.words.errors import UsageError
from harness.words.judgement import Conflict

SHOWN_ESTIMATES = 3
"""Estimates of a reading that are listed one by one; the others are counted."""

QUESTIONS = {
    InferenceTarget.POPULATION: "latents, questions or languages like these",
    InferenceTarget.FIXED_ITEMS: "these very questions; only training varies",
}


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """What a name means in the study that knows it."""

    study: str
    known: tuple[Claim, ...]
    """Every claim of that study."""
    claims: tuple[Claim, ...]
    """Those that are meant; at least one."""
    sources: tuple[Source, ...]
    """The texts that they are taken from."""
    conflicts: tuple[Conflict, ...]
    """Conflicts between these."""
    named: Conflict | None
    """The conflict that was asked for, if one was."""


def look_up(name: str, study: str) -> LookedUp:
    """What a name means: in a study or, where that does not know it, in any other.

    Raises:
        UsageError: If nobody knows it.
    """
    known = load_claims(study)
    for other in (study, *(each for each in study_names() if each != study)):
        # A study that cannot be read is not what was asked about.
        with suppress(UsageError):
            claims = known if other == study else load_claims(other)
            if meant := meant_by(name, claims):
                conflicts = load_table(other, Conflict)
                named = next((each for each in conflicts if each.id.casefold() == _bare(name)), None)
                return LookedUp(
                    study=other,
                    known=claims,
                    claims=meant,
                    sources=load_table(other, Source),
                    conflicts=conflicts,
                    named=named,
                )
    claim_named(known, name)
    raise AssertionError("a name that is no claim's is refused")


def meant_by(name: str, claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Claims that a name means, in whichever case it is written; the first kind of name that fits decides.

    A claim; a claim under one reading ("gap.l6.value/english"); a family ("gap"); a statement of the paper's inventory or a
    conflict between sources ("C01", "K1"); an estimate that claims rest on.
    """
    asked = _bare(name)
    for claim in claims:
        if asked == claim.id:
            return (claim,)
        for reading in claim.readings:
            if asked == f"{claim.id}/{reading.name}".casefold():
                return (claim.read_as(reading),)
    family = tuple(claim for claim in claims if claim.id.startswith(f"{asked}."))
    return family or tuple(
        claim
        for claim in claims
        if asked in map(str.casefold, (*claim.inventory, *claim.conflicts, *claim.estimates))
    )


def _bare(name: str) -> str:
    """A name without what its case, and the marks of a family, add to it."""
    return name.strip().rstrip(".*").casefold()


def command_for(study: str, claim: Claim) -> str:
    """The command that judges a claim of a study.

    A study of self-checks is judged whole, by the run whose profile names it; any other in the first of its worlds that takes
    anything from elsewhere, if one does.
    """
    for other in study_names():
        with suppress(UsageError):
            for name, profile in load_profiles(load_study(other)).items():
                if profile.self_check_study == study != other:
                    return f"harness reproduce --study {other} --profile {name}"
    profiles = load_profiles(load_study(study))
    judged = [name for name, profile in profiles.items() if profile.sources.remote_pins()] or list(profiles)
    world = f" --profile {judged[0]}" if judged else ""
    return f"harness reproduce --study {study}{world} --claim {claim.id}"


def form_of(found: LookedUp) -> Mapping[str, object]:
    """What is meant, with the sources that it names and the conflicts that touch it, for a machine."""
    touched = {name for claim in found.claims for name in claim.conflicts}
    cited = {name for claim in found.claims for name in claim.source_names}
    meant = {"claim": found.claims[0]} if len(found.claims) == 1 else {"claims": found.claims}
    return {
        "study": found.study,
        **meant,
        "reported_by_summary": {claim.id: claim.by_summary for claim in found.claims if claim.by_summary},
        "found": [judge_arithmetic(claim) for claim in found.claims if claim.arithmetic],
        "sources": [each for each in found.sources if each.name in cited],
        "conflicts": [each for each in found.conflicts if each.id in touched],
    }


def lines_of(found: LookedUp) -> Iterator[tuple[str, str]]:
    """What is meant, for people: one claim told, or a list of several behind the conflict that touches them."""
    if len(found.claims) > 1 or found.named is not None:
        if found.named is not None:
            yield "", _conflict(found.named)
        yield from list_of(found.study, found.claims)
        return
    (claim,) = found.claims
    for title in (f"{claim.id} ({found.study})", f"{claim.says}.", ""):
        yield "", title
    for label, text in explanation(claim, found, command_for(found.study, claim)):
        yield f"{label:<17}", text


def list_of(study: str, claims: Sequence[Claim]) -> Iterator[tuple[str, str]]:
    """One line a claim, with its readings and their units, and what they are together."""
    width = max((len(claim.id) for claim in claims), default=0)
    for claim in claims:
        readings = ", ".join(f"{reading.name}: {claim.unit_of(reading)}" for reading in claim.readings)
        mark = f"; {claim.by_summary}: reported by a summary" if claim.by_summary else ""
        yield f"{claim.tier:<12} {claim.id:<{width}}  ", f"{claim.says} [{readings or 'not measured'}]{mark}"
    primary, kinds = sum(claim.tier is Tier.PRIMARY for claim in claims), (claim.kind for claim in claims)
    legend = "with [reading: unit]; 'harness explain ID' tells one"
    yield "", f"{len(claims)} claims of {study}, {primary} of them primary: {inventory_says(kinds)}; {legend}"


def explanation(claim: Claim, found: LookedUp, again: str) -> Iterator[tuple[str, str]]:
    """Label and text of every line, in the order to read; a label is empty where it would repeat.

    Args:
        claim: The claim to tell.
        found: What its study holds.
        again: The command that judges it.
    """
    yield from _sentence(claim)
    if claim.by_summary:
        yield "mind", f"{claim.by_summary}: reported by a summary, not by the paper"
    named = (source for source in found.sources if source.name in claim.source_names)
    yield from _labelled("read in", (f"{source.name}: {source}" for source in named))
    yield from _labelled("statement", _statements(claim, found.known))
    told = {conflict.id: _conflict(conflict) for conflict in found.conflicts}
    yield from _labelled("conflict", (told.get(name, name) for name in claim.conflicts))
    yield from _labelled("reading", _readings(claim))
    yield from _labelled("printed", (_target(each, claim) for each in claim.targets))
    yield from _labelled("elsewhere", (_target(each, claim) for each in claim.discrepancies))
    if claim.arithmetic is not None:
        yield from _labelled("printed", _arithmetic(claim))
    yield "rule", f"{claim.rule} ({claim.kind}): {RULES_IN_WORDS[claim.rule]}"
    yield from _decision(claim)
    if claim.arithmetic is None:
        yield (
            "weight",
            f"{claim.tier}{'; gates the exit code' if claim.tier == 'primary' else '; gates nothing'}",
        )
    if claim.beside:
        yield "know", claim.beside
    if claim.arithmetic is None:
        yield "run again", again
        return
    verdict = judge_arithmetic(claim)
    yield "found", verdict.says
    yield from _labelled("", (note for case in verdict.cases for note in case.notes))
    yield "run", "none is needed: this follows from the printed numbers, and is no verdict on the paper"


def _sentence(claim: Claim) -> Iterator[tuple[str, str]]:
    sentence = claim.sentence
    place = sentence.source if sentence.where == sentence.source else f"{sentence.source}, {sentence.where}"
    words = SOURCES_IN_WORDS[sentence.tier]
    # A self-check has no paper, so its source says itself what it is.
    attributed = place if claim.expected or words.endswith(place) else f"{place}; {words}"
    yield "source", f'"{sentence.quote}" ({attributed})' if sentence.quote else attributed
    if sentence.sense:
        yield "", f"in our words: {sentence.sense}"


def _statements(claim: Claim, known: Sequence[Claim]) -> Iterator[str]:
    """What else the same statement of the paper claims."""
    for name in claim.inventory:
        others = [other.id for other in known if name in other.inventory and other.id != claim.id]
        yield f"{name}; other claims from it: {_listed(others)}"


def _conflict(conflict: Conflict) -> str:
    return f"{conflict.id}: {conflict.says} Here: {conflict.treated}."


def _readings(claim: Claim) -> Iterator[str]:
    for number, reading in enumerate(claim.readings):
        first = "primary" if number == 0 else "also judged"
        yield f"{reading.name} ({first}): {reading.says}; read so by {', '.join(reading.supported_by)}"
        yield f"  measured as {_listed(reading.estimates)}"
    if claim.named:
        yield f"  singled out: {_listed(claim.named)}"


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "none"
    rest = len(names) - SHOWN_ESTIMATES
    return ", ".join(names[:SHOWN_ESTIMATES]) + (f" and {rest} more" if rest > 0 else "")


def _target(target: Target, claim: Claim) -> str:
    reading, band = claim.reading_of(target), ""
    if (margin := claim.margin_of(reading)) is not None:
        reach = target.rounding + margin
        band = f"; agrees from {round(target.value - reach, 6):g} to {round(target.value + reach, 6):g}"
    rounding = f", rounded within {target.rounding:g}" if target.rounding else ""
    number = shown_as(target.printed.in_unit(claim.unit_of(reading)), target.stands_for)
    source = f"the word: {target.source}" if target.stands_for else target.source
    return f"{number} ({source}; reading {target.reading}{rounding}){band}"


def _arithmetic(claim: Claim) -> Iterator[str]:
    match claim.arithmetic:
        case Granularity(printed=printed, base_counts=base) as asked:
            yield printed.in_unit(claim.unit)
            sets = "; ".join(f"{sizes} ({test_set})" for test_set, sizes in asked.sets)
            yield f"questions: {sets or 'no source says how many'}"
            if base is not None:
                yield f"of {base[0]} to {base[1]} right answers before"
        case WordsAgainstNumbers(word=word, numbers=numbers):
            yield f'"{word}" of ' + ", ".join(f"{what} {printed.text}" for what, printed in numbers)
        case TwoPrintings(printed=both):
            yield from (f"{printed.text} ({who})" for who, printed in both)
        case GainAgainstGap(gain=gain, gaps=gaps):
            yield f"gain {gain.text}, gaps {', '.join(gap.text for gap in gaps)}"


def _decision(claim: Claim) -> Iterator[tuple[str, str]]:
    if claim.margin is not None:
        yield "margin", f"{claim.margin:g} {claim.unit}: {claim.margin_because}"
    for reading in claim.readings:
        if reading.margin is not None:
            unit = claim.unit_of(reading)
            yield "", f"{reading.margin:g} {unit} under reading {reading.name}: {reading.margin_because}"
    if claim.null is not None:
        yield (
            "no effect",
            f"{claim.null:g} {claim.unit}; a band that holds it cannot tell the claim from nothing",
        )
    if claim.sign:
        yield "sign", "positive" if claim.sign > 0 else "negative"
    if not claim.readings:
        return
    yield "minima", f"{claim.minima.units:,} units, {claim.minima.seeds} seeds; below, INCONCLUSIVE"
    yield "question", QUESTIONS[claim.inference]
    if claim.pilot is not None:
        yield "expected spread", claim.pilot.because


def _labelled(label: str, texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield ("" if number else label), text
