"""A judged claim in a reader's words: what is printed, what was measured, how far apart, and the verdict itself."""

from collections.abc import Sequence

from harness.report.document import JudgedCase, JudgedClaim, PrintedTarget, Report
from harness.report.drawing import state_class
from harness.report.elements import code
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import amount
from harness.report.verdictwords import FLAGS, SOURCES, STATES, UNITS, WHYS
from harness.words.claim import shown_as
from harness.words.verdict import State

ARITHMETIC = "arithmetic"
VALUE = "value"
NON_DISCRIMINATING = "non-discriminating"
NONE = "\u2013"


def badge(state: str) -> Markup:
    """A verdict as glyph, word and colour."""
    words = STATES[state]
    glyph = tag("span", words.glyph, aria_hidden="true", class_="glyph")
    return tag("span", glyph, Markup(" "), words.word, class_=f"verdict {state_class(state)}")


def verdict_cell(claim: JudgedClaim | JudgedCase) -> Markup:
    """The verdict with its reason and flags."""
    notes = [WHYS[claim.reason], *(FLAGS[flag] for flag in claim.flags)]
    why = "; ".join(notes)
    return joined(badge(claim.verdict), tag("span", why, class_="why"), between=" ")


def plain_verdict(claim: JudgedClaim | JudgedCase) -> str:
    """The same as one line of text."""
    words = STATES[claim.verdict]
    notes = "; ".join([WHYS[claim.reason], *(FLAGS[flag] for flag in claim.flags)])
    return f"{words.glyph} {words.word}: {notes}"


def printed_words(claim: JudgedClaim) -> str:
    """What the best source prints, as it prints it; a dash where the claim has no number."""
    targets: tuple[JudgedCase | PrintedTarget, ...] = (*claim.cases[:1], *claim.targets)
    best = next((target for target in targets if target.printed), None)
    if best is None:
        return NONE
    if claim.kind == ARITHMETIC:  # several numbers, each with its own words
        return best.printed
    return target_words(best, claim.unit)


def target_words(target: JudgedCase | PrintedTarget, unit: str) -> str:
    """A target with its unit: the number as printed, or the printed word and the number that we take for it."""
    return shown_as(with_unit(target.printed, unit), target.stands_for) if target.printed else NONE


def with_unit(printed: str, unit: str) -> str:
    """A printed number followed by its unit, unless the page prints the unit itself."""
    bare = printed.replace("-", "\u2212")
    return bare if printed.strip().endswith(("%", "points", "point", "pp", "percent")) else bare + UNITS[unit]


def source_words(claim: JudgedClaim) -> str:
    """Where the deciding number, or its word, is printed; a self-check has no paper, so its source says so itself."""
    if claim.expected:
        return claim.targets[0].source if claim.targets else claim.sentence.source
    target = next(iter(claim.targets), None)
    tier = target.source_tier if target else claim.sentence.tier
    words = SOURCES.get(tier, tier)
    return f"the word: {words}" if target and target.stands_for else words


def measured_words(claim: JudgedClaim | JudgedCase, unit: str) -> str:
    """The estimate with its 90 % interval."""
    measured = claim.measured
    if measured is None:
        return NONE
    value = _number(measured.estimate, unit)
    interval = measured.ci90
    return (
        value if interval is None else f"{value} [{_number(interval[0], unit)}, {_number(interval[1], unit)}]"
    )


def difference_words(claim: JudgedClaim | JudgedCase, unit: str) -> str:
    """Measured less printed, always with its sign."""
    near = claim.closeness
    return NONE if near is None else amount(near.difference, unit, signed=True)


def margins_words(claim: JudgedClaim | JudgedCase) -> str:
    """The distance in margins; 1 is the edge."""
    near = claim.closeness
    return NONE if near is None or near.margins is None else f"{near.margins:.2f}"


def interval_words(interval: Sequence[float] | None, unit: str) -> str:
    """Both ends of an interval or a band."""
    return f"{_number(interval[0], unit)} to {_number(interval[1], unit)}{UNITS[unit]}" if interval else NONE


def probability_words(value: float | None) -> str:
    """A p-value; one that is too small to print is said to be so."""
    if value is None:
        return NONE
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004 - the last digit printed


def counts_words(report: Report) -> str:
    """Every state that some claim has, with its count: "2 PASS (1 non-discriminating) \u00b7 1 DEVIATION"."""
    weak = report.summary.non_discriminating
    parts = []
    for state, words in STATES.items():
        if number := report.summary.counts.get(State(state), 0):
            note = f" ({weak} non-discriminating)" if state == "PASS" and weak else ""
            parts.append(f"{number} {words.word}{note}")
    return " \u00b7 ".join(parts)


def measured_claims(report: Report) -> list[JudgedClaim]:
    """The paper's claims but for those about its own arithmetic."""
    return [claim for claim in report.claims if claim.kind != ARITHMETIC]


def arithmetic_claims(report: Report) -> list[JudgedClaim]:
    """The claims about the paper's own arithmetic."""
    return [claim for claim in report.claims if claim.kind == ARITHMETIC]


def farthest(claims: Sequence[JudgedClaim], number: int = 3) -> list[JudgedClaim]:
    """The deviations that lie farthest from the printed number, in margins."""
    deviating = [claim for claim in claims if claim.verdict == "DEVIATION" and _margins(claim)]
    return sorted(deviating, key=lambda claim: -_margins(claim))[:number]


def claim_name(claim: JudgedClaim, prefix: str) -> Markup:
    """The claim's sentence, and its id as a link to its card."""
    link = tag("a", code(claim.id), href=f"#{prefix}-{claim.id}")
    return joined(tag("span", claim.text, class_="says"), link, between=" ")


def _margins(claim: JudgedClaim) -> float:
    near = claim.closeness
    return near.margins or 0.0 if near else 0.0


def _number(value: float, unit: str) -> str:
    return amount(value, unit, signed=unit == "points")
