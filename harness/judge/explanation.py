"""One claim told to a person: who says it, how it is decided, what it needs, and how to run it again."""

from collections.abc import Iterator, Sequence

from harness.words.claim import (
    RULES_IN_WORDS,
    Claim,
    GainAgainstGap,
    Granularity,
    InferenceTarget,
    Sentence,
    Target,
    TwoPrintings,
    WordsAgainstNumbers,
    shown_as,
)
from harness.words.judgement import Conflict

SHOWN_ESTIMATES = 3
"""Estimates of a reading that are listed one by one; the others are counted."""

QUESTIONS = {
    InferenceTarget.POPULATION: "latents, questions or languages like these",
    InferenceTarget.FIXED_ITEMS: "these very questions; only training varies",
}


def explanation(claim: Claim, conflicts: Sequence[Conflict], again: str) -> Iterator[tuple[str, str]]:
    """Label and text of every line, in the order to read; a label is empty where it would repeat.

    Args:
        claim: The claim to tell.
        conflicts: Conflicts between the study's sources.
        again: The command that judges its study.
    """
    yield from _sources(claim.sentence)
    yield "statement", ", ".join(claim.inventory) or "none"
    yield from _labelled("conflict", _conflicts(claim, conflicts))
    yield from _labelled("reading", _readings(claim))
    yield from _labelled("printed", (_target(each, claim) for each in claim.targets))
    yield from _labelled("elsewhere", (_target(each, claim) for each in claim.discrepancies))
    if claim.arithmetic is not None:
        yield from _labelled("printed", _arithmetic(claim))
    yield "rule", f"{claim.rule} ({claim.kind}): {RULES_IN_WORDS[claim.rule]}"
    yield from _decision(claim)
    yield "weight", f"{claim.tier}{'; gates the exit code' if claim.tier == 'primary' else '; gates nothing'}"
    if claim.beside:
        yield "know", claim.beside
    yield "run again", f"{again} --claim {claim.id}"


def _sources(sentence: Sentence) -> Iterator[tuple[str, str]]:
    place = sentence.source if sentence.where == sentence.source else f"{sentence.source}, {sentence.where}"
    attributed = f"{place}; {sentence.tier}"
    yield "source", f'"{sentence.quote}" ({attributed})' if sentence.quote else attributed
    if sentence.sense:
        yield "", f"in our words: {sentence.sense}"


def _conflicts(claim: Claim, conflicts: Sequence[Conflict]) -> Iterator[str]:
    told = {conflict.id: conflict for conflict in conflicts}
    for name in claim.conflicts:
        yield f"{name}: {told[name].says} Here: {told[name].treated}." if name in told else name


def _readings(claim: Claim) -> Iterator[str]:
    for number, reading in enumerate(claim.readings):
        first = "primary" if number == 0 else "also judged"
        yield f"{reading.name} ({first}): {reading.says}; read so by {', '.join(reading.supported_by)}"
        yield f"  measured as {_listed(reading.estimates)}"
    if claim.named:
        yield f"  singled out: {_listed(claim.named)}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN_ESTIMATES
    return ", ".join(names[:SHOWN_ESTIMATES]) + (f" and {rest} more" if rest > 0 else "")


def _target(target: Target, claim: Claim) -> str:
    reading, band = claim.reading_of(target), ""
    if (margin := claim.margin_of(reading)) is not None:
        reach = target.rounding + margin
        band = f"; agrees from {round(target.value - reach, 6):g} to {round(target.value + reach, 6):g}"
    rounding = f", rounded within {target.rounding:g}" if target.rounding else ""
    number = shown_as(f"{target.printed.text} {claim.unit_of(reading)}", target.stands_for)
    source = f"the word: {target.source}" if target.stands_for else target.source
    return f"{number} ({source}, {target.tier}; reading {target.reading}{rounding}){band}"


def _arithmetic(claim: Claim) -> Iterator[str]:
    match claim.arithmetic:
        case Granularity(printed=printed, item_counts=counts, base_counts=base):
            yield f"{printed.text} {claim.unit}"
            sizes = [num_items for num_items, _ in counts]
            yield (
                f"on {min(sizes):,} to {max(sizes):,} questions"
                if sizes
                else "on an unknown number of questions"
            )
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
