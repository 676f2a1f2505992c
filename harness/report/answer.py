"""The first screen: what was run, what came of it, and what may be concluded from it."""

from collections.abc import Iterator

from harness.report.claimwords import (
    badge,
    farthest,
    margins_words,
    measured_claims,
    measured_words,
    printed_words,
)
from harness.report.document import JudgedClaim, KnownNumber, Report
from harness.report.drawing import state_class
from harness.report.elements import code, paragraph, section
from harness.report.markup import Markup, tag
from harness.report.numbers import count
from harness.report.verdictwords import STATES, UNITS
from harness.report.wording import REASONS, exit_words, judged_may, judged_may_not, mode_words
from harness.words.verdict import State

UPSTREAM = "upstream-not-run"
PRIMARY_ENDINGS = (
    ("agrees within its margin", "agree within their margins", ("PASS",)),
    ("deviates", "deviate", ("DEVIATION",)),
    ("stays open", "stay open", ("INCONCLUSIVE", "CONTESTED", "NOT_TESTABLE")),
    ("was not run", "were not run", ("NOT_RUN",)),
    ("broke the harness", "broke the harness", ("ERROR",)),
)
"""What becomes of primary claims, in words that a sentence can count."""
EVIDENT = frozenset({"full", "audit"})
"""Modes in which claims of the paper are judged."""


def answer(report: Report) -> Markup:
    """One sentence, the tiles, what may be concluded, and the largest deviations."""
    trusted = not (num_differing(report) or report.not_run or breaking(report))
    conclusions = tag(
        "dl",
        tag(
            "div",
            tag("dt", "You may conclude"),
            tag("dd", may_conclude(report)),
            class_="may" if trusted else "may-not",
        ),
        tag("div", tag("dt", "You may not conclude"), tag("dd", may_not_conclude(report)), class_="may-not"),
        class_="conclusions",
    )
    return section(
        "in-short",
        "In short",
        paragraph(f"{mode_words(report).what_ran} {outcome(report)}", class_="sentence"),
        *([_state_tiles(report), _exit(report)] if is_evident(report) else [_instrument_tiles(report)]),
        conclusions,
        *_largest(report),
        class_="answer",
    )


def is_evident(report: Report) -> bool:
    """Whether verdicts on the paper stand in the report."""
    return report.judged and report.mode in EVIDENT and not report.not_run


def outcome(report: Report) -> str:
    """A sentence on what came of the run, one on what broke, and one on what was left out."""
    return " ".join((_came_of_it(report), *stopped_words(report), *_unusable_words(report)))


def stopped_words(report: Report) -> list[str]:
    """Which adapters and which controls could not be trained, a sentence each; none where all were."""
    kinds = {"adapter": breaking(report), "control": _stopped_controls(report)}
    return [
        f"{count(len(names), kind)} could not be trained: {', '.join(names)}."
        for kind, names in kinds.items()
        if names
    ]


def _unusable_words(report: Report) -> list[str]:
    names = [f"{entry.name} in {entry.language}" for entry in report.unusable]
    return [f"{count(len(names), 'published model')} could not be used: {', '.join(names)}."] if names else []


def breaking(report: Report) -> list[str]:
    """The adapters that could not be trained and are no controls: a run without them is a malfunction."""
    return [entry.adapter for entry in report.stopped if not entry.is_control]


def _stopped_controls(report: Report) -> list[str]:
    return [entry.adapter for entry in report.stopped if entry.is_control]


def _came_of_it(report: Report) -> str:
    if report.not_run:
        return f"{count(len(report.not_run), 'stage')} could not be finished: {', '.join(_reasons(report))}."
    if is_evident(report):
        return _primary_sentence(report)
    measured = f"{mode_words(report).outcome} {count(len(report.measurements), 'number')}"
    number, differ = num_self_checks(report), num_differing(report)
    if not number:
        return f"{measured}; no self-check was made."
    agreeing = number - differ
    return (
        f"{measured}; {agreeing:,} of {count(number, 'self-check')} {'agrees' if agreeing == 1 else 'agree'}."
    )


def differing(report: Report) -> list[KnownNumber]:
    """The known numbers that came out different."""
    return [check for check in report.self_checks if check.differs]


def differing_claims(report: Report) -> list[JudgedClaim]:
    """The self-check claims whose verdict is another than the expected one."""
    study = report.self_check_study
    return [claim for claim in study.claims if claim.differs] if study else []


def num_self_checks(report: Report) -> int:
    """Known numbers, and claims that check the judge."""
    study = report.self_check_study
    return len(report.self_checks) + (len(study.claims) if study else 0)


def num_differing(report: Report) -> int:
    """How many of them came out different."""
    return len(differing(report)) + len(differing_claims(report))


def may_conclude(report: Report) -> str:
    """What a reader may take from the run, given how its self-checks came out."""
    if number := num_differing(report):
        return (
            f"that something moved: {count(number, 'self-check')} came out different. Until that is explained, "
            f"trust no number of this code on this machine."
        )
    if is_evident(report):
        return judged_may(report)
    if not num_self_checks(report) and report.mode in {"fixture", "rehearsal"} and not report.not_run:
        return "that the harness runs here, and no more: no self-check was made."
    return mode_words(report).may


def may_not_conclude(report: Report) -> str:
    """What the run does not bear."""
    return judged_may_not(report) if is_evident(report) else mode_words(report).may_not


def unfinished(report: Report) -> list[tuple[str, str, str]]:
    """Stages, reason and word of what could not be finished, once for each word; what only waited comes last."""
    ordered = sorted(report.not_run, key=lambda entry: entry.reason == UPSTREAM)
    stages: dict[tuple[str, str], list[str]] = {}
    for entry in ordered:
        stages.setdefault((REASONS[entry.reason], entry.message), []).append(entry.stage)
    return [(", ".join(names), *word) for word, names in stages.items()]


def stopped_rows(report: Report) -> list[tuple[str, ...]]:
    """Adapter, step, what is no number, and its value, for every adapter that could not be trained."""
    return [(entry.adapter, str(entry.step), entry.what, entry.value) for entry in report.stopped]


def unusable_rows(report: Report) -> list[tuple[str, ...]]:
    """Language, name and why, for every published model that cannot be used."""
    return [(entry.language, entry.name, entry.why) for entry in report.unusable]


def _reasons(report: Report) -> list[str]:
    """What stood in the way, in words; stages that only waited for another are no reason."""
    own = [entry.reason for entry in report.not_run if entry.reason != UPSTREAM]
    return [REASONS[reason] for reason in dict.fromkeys(own or [UPSTREAM])]


def _primary_sentence(report: Report) -> str:
    """What came of the primary claims, which decide the exit code."""
    primary = [claim for claim in measured_claims(report) if claim.tier == "primary" and claim.selected]
    said = [
        f"{number} {one if number == 1 else many}"
        for one, many, states in PRIMARY_ENDINGS
        if (number := sum(claim.verdict in states for claim in primary))
    ]
    listed = ", ".join(said[:-1]) + " and " * (len(said) > 1) + "".join(said[-1:])
    return f"Of {count(len(primary), 'primary claim')}, {listed or 'none was asked for'}."


def _state_tiles(report: Report) -> Markup:
    """One tile for each state, also where no claim has it; PASS says how many could not have failed."""
    weak = report.summary.non_discriminating
    tiles = []
    for state, words in STATES.items():
        number = report.summary.counts.get(State(state), 0)
        note = f", {weak} non-discriminating" if state == "PASS" and weak else ""
        shown = f"{words.glyph} {number:,}"
        tiles.append(_tile(shown, words.word + note, state_class(state) if number else "none"))
    return tag("ul", *tiles, class_="tiles")


def _exit(report: Report) -> Markup:
    code_number, weak = report.summary.exit_code, report.summary.non_discriminating
    note = " A non-discriminating PASS agrees with \u201cno effect\u201d as well." if weak else ""
    counted = f"Tiles count all {count(len(measured_claims(report)), 'claim')}.{note}"
    return paragraph(f"{counted} Exit code {code_number}: {exit_words(report)}.", class_="fine")


def _instrument_tiles(report: Report) -> Markup:
    checks, differ = num_self_checks(report), num_differing(report)
    code_number = report.summary.exit_code
    return tag(
        "ul",
        _tile(f"{len(report.measurements):,}", "measurements", ""),
        _tile(_marked("\u2713", checks > differ, f"{checks - differ:,} of {checks:,}"), "self-checks agree", "good" if checks > differ else ""),
        _tile(_marked("\u2717", differ > 0, f"{differ:,}"), "self-checks differ", "bad" if differ else ""),
        _tile("0", _unjudged(report), ""),
        _tile(str(code_number), f"exit code: {exit_words(report)}", ""),
        class_="tiles",
    )  # fmt: skip


def _unjudged(report: Report) -> str:
    number = len(report.claims)
    return f"of {count(number, 'claim')} of the paper judged" if number else "claims judged"


def _marked(mark: str, holds: bool, text: str) -> str:  # noqa: FBT001 - private, beside its callers
    return f"{mark} {text}" if holds else text


def _tile(number: str, words: str, kind: str) -> Markup:
    return tag("li", tag("b", number), tag("span", words), class_=f"tile {kind}".strip())


def _largest(report: Report) -> Iterator[Markup]:
    """The deviations that lie farthest off, so that nobody has to look for them."""
    claims = farthest(report.claims) if is_evident(report) else []
    if claims:
        yield tag("h3", "Farthest from the printed number")
        yield tag("ol", *(tag("li", *_deviation(claim)) for claim in claims), class_="farthest")


def _deviation(claim: JudgedClaim) -> tuple[Markup | str, ...]:
    link = tag("a", code(claim.id), href=f"#claim-{claim.id}")
    measured = f"{measured_words(claim, claim.unit)}{UNITS[claim.unit]}"
    return (
        badge(claim.verdict),
        Markup(" "),
        link,
        f": printed {printed_words(claim)}, measured {measured}; {margins_words(claim)} margins apart.",
    )
