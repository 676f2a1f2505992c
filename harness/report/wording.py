"""What a report says: the word for every mode, state, reason, flag, tier, lock and exit code, and the sentences made of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from harness.designs.design import Design, design_of
from harness.designs.presentation import PLAIN, Presentation
from harness.report.document import JudgedClaim, PrintedTarget, Report
from harness.report.numbers import NONE, amount, count, estimated, exact, interval, unit_form
from harness.sources.studies import load_study
from harness.words.claim import (
    ALL_OF_IT,
    PRINTED_UNITS,
    SOURCES_IN_WORDS,
    InferenceTarget,
    Kind,
    Tier,
    Unit,
    inventory_says,
    shown_as,
)
from harness.words.errors import ExitCode, FailOn, Reason, UsageError
from harness.words.judgement import BaselineOutcome, Grade, LockStatus
from harness.words.specification import Openness
from harness.words.verdict import CaseVerdict, Finding, Flag, Numbers, State, Why


@dataclass(frozen=True, kw_only=True)
class ModeWords:
    """What a reader must know about a run of one mode before any number."""

    ribbon: str
    what_ran: str
    outcome: str
    """Begins the sentence that counts the numbers."""
    may: str
    may_not: str


MODES = {
    # {things}, or {Things} at the head of a sentence: what a run of the study's design rests on.
    "fixture": ModeWords(
        ribbon="FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER",
        what_ran="The whole pipeline ran on a miniature world made for testing.",
        outcome="It measured",
        may="the harness runs here from end to end, and computes what it is known to compute wherever a "
        "self-check agrees.",
        may_not="anything about the paper. {Things} are miniatures; "
        "their numbers below only show the form of a full report.",
    ),
    "rehearsal": ModeWords(
        ribbon="REHEARSAL \u2014 RANDOM WEIGHTS, SAYS NOTHING ABOUT THE PAPER",
        what_ran="The pipeline ran on the true shapes with random weights.",
        outcome="It measured",
        may="the harness handles {things} of the true size on this machine.",
        may_not="anything about the paper. Random weights know nothing; their numbers mean nothing.",
    ),
    "full": ModeWords(
        ribbon="FULL RUN",
        what_ran="The pipeline ran on the study's own {things}.",
        outcome="It measured",
        may="these models and data give these numbers under the specification whose digest is printed below.",
        may_not="that the paper agrees or deviates: no number here has been compared with a printed one.",
    ),
    "audit": ModeWords(
        ribbon="NUMBERS DECLARED BY OTHERS",
        what_ran="The numbers below were measured elsewhere and handed in; nothing was run.",
        outcome="They are",
        may="these are the numbers as declared.",
        may_not="that they were measured as declared, or that the paper agrees or deviates.",
    ),
}

UNMEASURED = ModeWords(
    ribbon="NOTHING MEASURED \u2014 SAYS NOTHING ABOUT THE PAPER",
    what_ran="The run ended before anything was measured.",
    outcome="It measured",
    may="something that this run needs cannot be had on this machine; what it is stands below.",
    may_not="anything about the paper, or about the harness: no number was measured, and none was checked.",
)
"""Words of a run with stages that could not be finished, whatever its mode."""


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """How one state is told apart without its colour."""

    glyph: str
    word: str
    means: str
    marker: str
    """Shape in drawings, as matplotlib names it."""


STATES: dict[State, StateWords] = {
    State.PASS: StateWords(
        glyph="\u2713", word="PASS", marker="o", means="shown to agree, within the margin fixed beforehand"
    ),
    State.DEVIATION: StateWords(
        glyph="\u2717",
        word="DEVIATION",
        marker="X",
        means="shown to disagree by more than the margin, beyond the noise of one run",
    ),
    State.INCONCLUSIVE: StateWords(
        glyph="?", word="INCONCLUSIVE", marker="s", means="measured, but neither is shown"
    ),
    State.CONTESTED: StateWords(
        glyph="\u21c4",
        word="CONTESTED",
        marker="P",
        means="sources or readings differ, and the difference decides the verdict",
    ),
    State.NOT_RUN: StateWords(glyph="\u25cb", word="NOT RUN", marker="o", means="no measurement was made"),
    State.NOT_TESTABLE: StateWords(
        glyph="\u2205", word="NOT TESTABLE", marker="o", means="the sentence names nothing measurable"
    ),
    State.ERROR: StateWords(
        glyph="!", word="ERROR", marker="^", means="the harness broke, which says nothing about the claim"
    ),
}

FINDINGS: dict[Finding, StateWords] = {
    Finding.CANNOT_OCCUR: StateWords(
        glyph="\u2260",
        word="cannot occur as reported",
        marker="o",
        means="no count, rounding or number gives what the source reports; said of the source, not of the paper",
    ),
    Finding.CONSISTENT: StateWords(
        glyph="=", word="consistent", marker="o", means="what the source reports can occur"
    ),
    Finding.CANNOT_TELL: StateWords(
        glyph="?", word="cannot tell", marker="o", means="what is printed does not decide it"
    ),
    Finding.NOTE: StateWords(
        glyph="\u2022",
        word="note",
        marker="o",
        means="to be known, with innocent explanations; held against nobody",
    ),
}
"""The same of what arithmetic finds in printed numbers: no verdict, and in no count of verdicts."""

VERDICTS: Mapping[str, StateWords] = dict[str, StateWords]([*STATES.items(), *FINDINGS.items()])
"""Both, for whatever stands as the word of one claim."""

WHYS: dict[str, str] = {
    Why.INSIDE: "inside the band",
    Why.SHOWN: "shown",
    Why.FEASIBLE: "can occur",
    Why.SMALLER: "smaller",
    Why.LARGER: "larger",
    Why.OPPOSITE_SIGN: "opposite sign",
    Why.ELSEWHERE: "elsewhere",
    Why.BELOW_LIMIT: "below the limit",
    Why.ABOVE_LIMIT: "above the limit",
    Why.INFEASIBLE: "nothing gives it",
    Why.LEANING_PASS: "straddles the edge, leaning to agreement",
    Why.LEANING_DEVIATION: "straddles the edge, leaning to disagreement",
    Why.WITHIN_ONE_RUN_NOISE: "one unrepeated run may explain it",
    Why.NOT_AFTER_HOLM: "not after Holm",
    Why.TOO_FEW_UNITS: "too few units",
    Why.TOO_FEW_SEEDS: "too few seeds",
    Why.SUBSET: "only a part of the items",
    Why.UNDERPOWERED: "too small by design",
    Why.UNSTABLE: "the bootstrap does not settle",
    Why.ZERO_VARIANCE: "no variance between seeds",
    Why.ASSUMPTION_BROKEN: "the error's assumption is broken",
    Why.READINGS_DIFFER: "readings differ",
    Why.COUNT_UNKNOWN: "item count unknown",
    Why.WITHIN_ROUNDING: "lost in the rounding",
    Why.ANYTHING_FITS: "every number near it could occur too",
    Why.BESIDE: "held against nobody",
    Why.EXPLORATORY: "exploratory",
    Why.FIXTURE_MODE: "fixture run",
    Why.REHEARSAL_MODE: "rehearsal",
    Why.NO_NETWORK: "no network",
    Why.NO_ACCELERATOR: "no accelerator",
    Why.GATED_WEIGHTS: "gated weights",
    Why.DATASET_UNAVAILABLE: "source unavailable",
    Why.WEIGHTS_NOT_RELEASED: "weights not released",
    Why.UPSTREAM_NOT_RUN: "not reached",
    Why.DESELECTED: "not asked for",
    Why.NOT_DECLARED: "not declared",
    Why.NO_QUANTITY: "names nothing measurable",
    Why.REPLAY_FAILED: "stored activations were not found again",
    Why.ADAPTER_FAILED: "an adapter could not be trained",
    Why.BASELINE_DIFFERS: "untouched model differs from the authors\u2019",
    Why.CRASH: "crashed",
    Why.NOT_FINITE: "not a finite number",
    Why.INCONSISTENT: "stored units do not give the stored number",
}

FLAGS: dict[str, str] = {
    Flag.NON_DISCRIMINATING: "agrees with no effect as well",
    Flag.DETECTABLE_DIFFERENCE: "inside the margin, yet measurably another number",
    Flag.TARGET_DISPUTED: "sources differ, without effect on the verdict",
    Flag.READING_DEPENDENT: "depends on the reading",
    Flag.SOLE_READING: "one reading alone, as its declarer asked",
    Flag.ONE_RUN_NOISE_ASSUMED: "the noise of the paper's one run is assumed",
    Flag.AT_CHANCE: "starts at chance",
}

TIERS: dict[str, str] = {
    Tier.PRIMARY: "Primary claims",
    Tier.SECONDARY: "Secondary claims",
    Tier.EXPLORATORY: "Exploratory",
}

TIER_EFFECTS: dict[str, str] = {
    Tier.PRIMARY: "gates the exit code; one family for Holm, in which a claim not measured counts with p = 1",
    Tier.SECONDARY: "judged in a Holm family of its own; gates nothing",
    Tier.EXPLORATORY: "measured and shown; no verdict",
}

INFERENCES: dict[str, str] = {
    InferenceTarget.POPULATION: "units like these",
    InferenceTarget.FIXED_ITEMS: "these very items; only training varies",
}

OPENNESS: dict[str, str] = {
    Openness.EQUIVALENT: "equally defensible",
    Openness.NOT_EQUIVALENT: "another quantity, or worse",
    Openness.UNSURE: "unsure",
}

GRADES: dict[str, str] = {
    Grade.ROBUST: "no single choice moves the verdict, and none that keeps the quantity its sign",
    Grade.MIXED: "some choice that the paper leaves open moves the verdict or the sign",
    Grade.FRAGILE: "equally defensible choices lead to another verdict",
    Grade.NOT_ASSESSED: "too few specifications were computed, or the primary one was not judged",
}

BASELINES: dict[str, str] = {
    BaselineOutcome.AGREES: "\u2713 agrees",
    BaselineOutcome.DIFFERS: "! differs",
    BaselineOutcome.AT_CHANCE: "? at chance",
    BaselineOutcome.UNCHECKED: "\u25cb unchecked",
}

LOCKS: dict[str, str] = {
    LockStatus.INTACT: "lock intact",
    LockStatus.AMENDED: "lock amended",
    LockStatus.BROKEN: "LOCK BROKEN",
    LockStatus.ABSENT: "no lock",
}

LOCKS_IN_FULL: dict[str, str] = {
    LockStatus.INTACT: "intact: judged is what was registered",
    LockStatus.AMENDED: "amended: every change stands below",
    LockStatus.BROKEN: "broken: what was judged is not what was registered",
    LockStatus.ABSENT: "absent: nothing was registered before this run",
}

FAIL_ONS: dict[str, str] = {
    FailOn.UNRESOLVED: "whatever is not shown",
    FailOn.DEVIATION: "deviations alone",
    FailOn.NEVER: "nothing but malfunction and a broken lock",
}

REASONS: dict[str, str] = {
    Reason.NO_NETWORK: "no network",
    Reason.NO_ACCELERATOR: "no accelerator",
    Reason.GATED_WEIGHTS: "gated weights",
    Reason.DATASET_UNAVAILABLE: "source unavailable",
    Reason.UPSTREAM_NOT_RUN: "not reached",
}

EXIT_CODES: Mapping[int, str] = {
    ExitCode.SHOWN: "every check agrees",
    ExitCode.FINDING: "something differs from what is known",
    ExitCode.MALFUNCTION: "malfunction",
    ExitCode.USAGE: "usage",
    ExitCode.NOTHING_JUDGED: "nothing was judged",
    ExitCode.UNRESOLVED: "unresolved",
    ExitCode.LOCK_BROKEN: "lock broken",
}


JUDGED_EXIT_CODES: Mapping[int, str] = {
    ExitCode.SHOWN: "nothing stands against what was asked for",
    ExitCode.FINDING: "a claim deviates",
    ExitCode.NOTHING_JUDGED: "nothing was judged",
    ExitCode.UNRESOLVED: "unresolved: a primary claim is neither shown nor refuted",
}
"""The same where claims of the paper are judged."""


PRIMARY_ENDINGS = (
    ("agrees within its margin", "agree within their margins", (State.PASS,)),
    ("deviates", "deviate", (State.DEVIATION,)),
    ("stays open", "stay open", (State.INCONCLUSIVE, State.CONTESTED, State.NOT_TESTABLE)),
    ("was not run", "were not run", (State.NOT_RUN,)),
    ("broke the harness", "broke the harness", (State.ERROR,)),
)
"""What becomes of primary claims, in words that a sentence can count."""


# The run


def mode_words(report: Report) -> ModeWords:
    """What a reader must know about a run before any number."""
    words = UNMEASURED if report.not_run else MODES[report.mode]
    things = presentation_of(report.run.study).things
    said = {each.name: getattr(words, each.name) for each in fields(words)}
    return ModeWords(
        **{name: text.format(things=things, Things=things.capitalize()) for name, text in said.items()}
    )


def design_for(study: str) -> Design | None:
    """The design of a study by name; None where the study is not at hand."""
    try:
        return design_of(load_study(study))
    except UsageError:
        return None


def presentation_of(study: str) -> Presentation:
    """How the numbers of a study are presented; those of one that is not at hand are shown plainly."""
    design = design_for(study)
    return design.presentation if design else PLAIN


def stamp_words(report: Report) -> str:
    """What every drawing says of the run, so that it keeps its warning when it is cut out of the page."""
    return "" if report.mode == "full" else mode_words(report).ribbon


def repeat_words(report: Report, claim: JudgedClaim | None = None) -> str:
    """The command that gives the same report again, or one claim of it; an audit keeps the file that it judged beside the page."""
    if report.mode == "audit":
        return "harness audit declared.json"
    again = f"harness reproduce --study {report.run.study} --profile {report.run.profile}"
    return f"{again} --claim {claim.id}" if claim else again


def exit_words(report: Report) -> str:
    """What the exit code means."""
    code = report.summary.exit_code
    evident = report.mode not in {"fixture", "rehearsal"}
    return JUDGED_EXIT_CODES.get(code, EXIT_CODES[code]) if evident else EXIT_CODES[code]


def outcome(report: Report) -> str:
    """A sentence on what came of the run, one on what broke, and one on what was left out."""
    controls = [entry.adapter for entry in report.stopped if entry.is_control]
    unusable = [f"{entry.name} in {entry.language}" for entry in report.unusable]
    said = {
        ("adapter", "trained"): report.broken_adapters,
        ("control", "trained"): controls,
        ("published model", "used"): unusable,
    }
    lost = [
        f"{count(len(names), kind)} could not be {done}: {', '.join(names)}."
        for (kind, done), names in said.items()
        if names
    ]
    return " ".join((_came_of_it(report), *lost))


def _came_of_it(report: Report) -> str:
    if report.not_run:
        # Stages that only waited for another are no reason.
        own = [entry.reason for entry in report.not_run if entry.reason != Reason.UPSTREAM_NOT_RUN]
        reasons = [REASONS[reason] for reason in dict.fromkeys(own or [Reason.UPSTREAM_NOT_RUN])]
        return f"{count(len(report.not_run), 'stage')} could not be finished: {', '.join(reasons)}."
    if report.is_evident:
        return _primary_sentence(report)
    measured = f"{mode_words(report).outcome} {count(len(report.measurements), 'number')}"
    if not report.num_self_checks:
        return f"{measured}; no self-check was made."
    agreeing = report.num_self_checks - report.num_differing
    agree = "agrees" if agreeing == 1 else "agree"
    return f"{measured}; {agreeing:,} of {count(report.num_self_checks, 'self-check')} {agree}."


def _primary_sentence(report: Report) -> str:
    """What came of the primary claims, which decide the exit code."""
    primary = [claim for claim in report.measured_claims if claim.tier is Tier.PRIMARY and claim.selected]
    said = [
        f"{number} {one if number == 1 else many}"
        for one, many, states in PRIMARY_ENDINGS
        if (number := sum(claim.state in states for claim in primary))
    ]
    listed = ", ".join(said[:-1]) + " and " * (len(said) > 1) + "".join(said[-1:])
    parts = [f"{claim.id} ({claim.reported_by_summary})" for claim in primary if claim.reported_by_summary]
    marked = f" Reported by a summary alone: {', '.join(parts)}." if parts else ""
    sole = [claim.id for claim in primary if Flag.SOLE_READING in claim.flags]
    marked += f" Judged under one reading alone, as its declarer asked: {', '.join(sole)}." if sole else ""
    return f"Of {count(len(primary), 'primary claim')}, {listed or 'none was asked for'}.{marked}"


def may_conclude(report: Report) -> str:
    """What a reader may take from the run, given how its self-checks came out."""
    if report.num_differing:
        return (
            f"that something moved: {count(report.num_differing, 'self-check')} came out different. Until that is explained, "
            f"trust no number of this code on this machine."
        )
    if report.is_evident:
        whose = "what was declared" if report.mode == "audit" else "this replication"
        return (
            f"that {whose} agrees with each PASS within its margin, and disagrees with each DEVIATION by more; such a word is "
            f"wrong in at most 5 of 100 runs at the margin's edge."
        )
    if not report.num_self_checks and report.mode in {"fixture", "rehearsal"} and not report.not_run:
        return "that the harness runs here, and no more: no self-check was made."
    return mode_words(report).may


def may_not_conclude(report: Report) -> str:
    """What the run does not bear."""
    if not report.is_evident:
        return mode_words(report).may_not
    declared = "that the numbers were measured as declared; " if report.mode == "audit" else ""
    return (
        f"{declared}anything from INCONCLUSIVE, CONTESTED or NOT RUN; that the paper as a whole is right or wrong; anything "
        f"about other {presentation_of(report.run.study).things}."
    )


def claims_words(report: Report) -> str:
    """Why a report without verdicts on the paper has none."""
    if report.claims and report.not_run:
        return "The claims of the paper wait: there is no number to compare with a printed one."
    if report.claims:
        return (
            "No claim of the paper is judged by such a run: its numbers are not about the paper. Each claim stands here with the "
            "rule that a full run is judged by; the judge itself is shown at work among the self-checks."
        )
    if report.not_run:
        return "No claim is judged: there is no number to compare with a printed one."
    return (
        "No claim is judged yet: this version measures; comparing its numbers with the printed ones, under "
        "margins fixed beforehand, is the next step."
    )


def counts(report: Report) -> Iterator[tuple[State, int, str]]:
    """Every state with the number of claims that have it, and what must be known beside that number."""
    weak = report.summary.non_discriminating
    for state in STATES:
        by_summary = report.summary.reported_by_summary.get(state, 0)
        notes = (
            f"{weak} non-discriminating" if state is State.PASS and weak else "",
            f"{by_summary} reported by a summary" if by_summary else "",
        )
        yield state, report.summary.counts.get(state, 0), ", ".join(filter(None, notes))


def counts_words(report: Report) -> str:
    """Every state that some claim has, with its count: "2 PASS (1 non-discriminating) \u00b7 1 DEVIATION"."""
    return " \u00b7 ".join(
        f"{number} {STATES[state].word}{f' ({note})' if note else ''}"
        for state, number, note in counts(report)
        if number
    )


def unscored_words(report: Report) -> list[str]:
    """Why translators were not held against people, a sentence for each reason with the languages that it is about."""
    languages: dict[str, list[str]] = {}
    for entry in report.unscored:
        languages.setdefault(entry.why, []).append(entry.language)
    return [f"Not had for {', '.join(codes)}: {why}" for why, codes in languages.items()]


def overlap_words(report: Report) -> list[str]:
    """Benchmarks whose questions are not the same in every language, a sentence each; most questions first."""
    places = {language.code: place for place, language in enumerate(report.languages)}
    said = []
    for name in dict.fromkeys(entry.benchmark for entry in report.overlaps):
        entries = [entry for entry in report.overlaps if entry.benchmark == name]
        asked: dict[int, list[str]] = {}
        for entry in sorted(
            entries, key=lambda entry: (-entry.asked, places.get(entry.language, len(places)))
        ):
            asked.setdefault(entry.asked, []).append(entry.language)
        of = "; ".join(f"of {number:,} in {', '.join(codes)}" for number, codes in asked.items())
        said.append(
            f"Not the same questions of {name} in every language: all share {entries[0].shared:,}, {of}. "
            f"Each accuracy is over the language\u2019s own questions."
        )
    return said


def declared_words(report: Report) -> str:
    """Who handed the numbers in, and when; nothing where they were measured here."""
    if report.declared is None:
        return ""
    on = f"on {report.declared.on}" if report.declared.on else "on no stated day"
    return f"declared by {report.declared.by} {on}"


def claims_counted(report: Report) -> str:
    """How many claims there are, and what becomes of those that no measurement decides."""
    return inventory_says(claim.kind for claim in report.claims)


# One claim


def marked(claim: JudgedClaim) -> str:
    """What of a claim a summary alone reports, as it stands beside its name; nothing where the paper or its abstract says it."""
    part = claim.reported_by_summary
    return "reported by a summary" if part == ALL_OF_IT else part and f"{part}: reported by a summary"


def notes(claim: JudgedClaim | CaseVerdict) -> str:
    """Why a verdict is what it is, and what must be known beside it; of printed numbers, who reports them."""
    if isinstance(claim.state, Finding):
        cases = claim.cases if isinstance(claim, JudgedClaim) else (claim,)
        by = " and ".join(case.source for case in cases)
        return f"{WHYS[claim.why]}; as reported by {by}"
    return "; ".join([WHYS[claim.why], *(FLAGS[flag] for flag in claim.flags)])


def grade_word(claim: JudgedClaim) -> str:
    """How far a verdict depends on open choices, as one word; a dash where nothing was measured for it."""
    return str(claim.grade).replace("_", " ").lower() if claim.grade else NONE


def has_grades(claims: Iterable[JudgedClaim]) -> bool:
    """Whether other specifications were computed for any of them."""
    return any(claim.multiverse for claim in claims)


def multiverse_words(claim: JudgedClaim) -> str:
    """What becomes of a claim under other specifications, in sentences."""
    found = claim.multiverse
    if found is None:
        return ""
    holes = sum(each.estimate is None for each in found.specifications)
    told = [
        f"{grade_word(claim).upper()}: {GRADES[found.grade]}.",
        f"{count(len(found.specifications), 'specification')}, of which {holes} could not be computed.",
    ]
    if found.same_verdict_share is not None:
        told.append(
            f"Of equally defensible ones {100 * found.same_verdict_share:.0f} % give this verdict, balanced."
        )
    if found.explored_share is not None:
        told.append(
            f"Of all combinations explored {100 * found.explored_share:.0f} % give this verdict, balanced and not pooled."
        )
    if found.flips:
        told.append(f"It flips under {', '.join(found.flips)}.")
    elif found.flip_distance:
        told.append(f"It takes {found.flip_distance} choices to flip it.")
    else:
        told.append("No combination that was computed flips it.")
    if found.changes_sign:
        told.append("The sign changes with them.")
    if found.deciding:
        told.append(
            f"Deciding choice: {found.deciding[0].axis}, {100 * found.deciding[0].share:.0f} % of the variance."
        )
    return " ".join([*told, *_sign_words(claim), *_explored_words(claim)])


def _sign_words(claim: JudgedClaim) -> Iterator[str]:
    """How unusual the sign over all specifications is among the ways to share the languages out."""
    test = claim.multiverse.sign_test if claim.multiverse else None
    if test is not None:
        yield (
            f"Of {count(test.specifications, 'specification')} of the same formula {100 * test.share:.0f} % have the claimed sign: so do as many "
            f"in {100 * test.p_share:.1f} % of the {test.ways} ways to share the languages out, and their median lies as far in "
            f"{100 * test.p_median:.1f} %."
        )


def _explored_words(claim: JudgedClaim) -> Iterator[str]:
    """What specifications beyond the registered grid say, where somebody asked for them."""
    explored = claim.multiverse.explored if claim.multiverse else None
    if claim.multiverse is None or explored is None:
        return
    yield f"Exploratory, beyond the registered grid, and part of no grade: {count(len(explored.moves), 'specification')}."
    if explored.same_verdict_share is not None:
        yield f"Of equally defensible ones {100 * explored.same_verdict_share:.0f} % give this verdict, balanced."
    short = sum(each.why is Why.TOO_FEW_SEEDS for each in claim.multiverse.specifications)
    if short and claim.why is not Why.TOO_FEW_SEEDS:
        yield f"{short} of them rest on too few seeds for a verdict of this claim."
    yield f"It flips under {', '.join(explored.flips)}." if explored.flips else "None of them flips it."
    if explored.changes_sign:
        yield "The sign changes with them."
    farthest = explored.moves[0]
    yield f"Farthest from the primary one: {farthest.specification}, {amount(farthest.by, claim.unit, signed=True, with_unit=True)}."


def match_words(claim: JudgedClaim) -> str:
    """Which specification lands nearest to the printed number, and what that is worth; nothing where none is printed."""
    found = claim.multiverse
    if found is None or found.best_match is None:
        return ""
    match = found.best_match
    near, chance = (
        amount(value, claim.unit, signed=False, with_unit=True, more=1)
        for value in (match.distance, match.by_chance)
    )
    return (
        f"Exploratory: {match.specification} lands nearest to the printed number, {near} away. So many specifications over such a range "
        f"come within {chance} of any number in it on average, and as near as this one {100 * match.chance:.0f} % of the time: no evidence."
    )


def plain_verdict(claim: JudgedClaim | CaseVerdict) -> str:
    """The verdict with its reason and flags, as one line of text."""
    return f"{VERDICTS[claim.state].glyph} {VERDICTS[claim.state].word}: {notes(claim)}"


def expected_words(claim: JudgedClaim) -> str:
    """Whether a self-check came out as it must."""
    return (
        f"\u2717 expected {str(claim.expected).replace('_', ' ')}" if claim.differs else "\u2713 as expected"
    )


def printed(claim: JudgedClaim) -> str:
    """What the best source prints, as it prints it; a dash where the claim has no number."""
    targets: tuple[CaseVerdict | PrintedTarget, ...] = (*claim.cases[:1], *claim.targets)
    best = next((target for target in targets if target.printed), None)
    if best is None:
        return NONE
    if claim.kind is Kind.ARITHMETIC:  # several numbers, each with its own words
        return best.printed
    return target_words(best, claim.unit)


def target_words(target: CaseVerdict | PrintedTarget, unit: str) -> str:
    """A target with its unit: the number as printed, or the printed word and the number that we take for it."""
    if not target.printed:
        return NONE
    bare = target.printed.replace("-", "\u2212")
    has_unit = target.printed.strip().endswith(PRINTED_UNITS)
    return shown_as(bare if has_unit else bare + unit_form(unit).suffix, target.stands_for)


def source_words(claim: JudgedClaim) -> str:
    """Where the deciding number, or its word, is printed; a self-check has no paper, so its source says so itself."""
    target = next(iter(claim.targets), None)
    if claim.expected:
        return target.source if target else claim.sentence.source
    words = SOURCES_IN_WORDS[target.source_tier if target else claim.sentence.tier]
    return f"the word: {words}" if target and target.stands_for else words


def cite(claim: JudgedClaim) -> str:
    """Where the claim's sentence stands."""
    sentence = claim.sentence
    source = ", ".join(part for part in (sentence.source, sentence.where) if part)
    return source if claim.expected else f"{source} ({SOURCES_IN_WORDS[sentence.tier]})"


def measured(claim: JudgedClaim | CaseVerdict, unit: str, *, with_unit: bool = False) -> str:
    """The estimate with its 90 % interval; of a claim about a place, where the largest lies and the lead of what was named."""
    if claim.numbers is None:
        return NONE
    found = claim.numbers
    if found.place:
        unit = Unit.POINTS if unit == Unit.PERCENT else unit
        return (
            f"{found.place}; lead {estimated(found.estimate, found.ci90, unit, signed=True, with_unit=True)}"
        )
    return estimated(found.estimate, found.ci90, unit, signed=unit == Unit.POINTS, with_unit=with_unit)


def difference(claim: JudgedClaim | CaseVerdict, unit: str) -> str:
    """Measured less printed, always with its sign."""
    near = claim.closeness
    return NONE if near is None else amount(near.difference, unit, signed=True)


def margins(claim: JudgedClaim | CaseVerdict) -> str:
    """The distance in margins; 1 is the edge."""
    near = claim.closeness
    return NONE if near is None or near.margins is None else f"{near.margins:.2f}"


def farthest(claims: Sequence[JudgedClaim], number: int = 3) -> list[JudgedClaim]:
    """The deviations that lie farthest from the printed number, in margins."""

    def distance(claim: JudgedClaim) -> float:
        return (claim.closeness.margins or 0.0) if claim.closeness else 0.0

    deviating = [claim for claim in claims if claim.state is State.DEVIATION and distance(claim)]
    return sorted(deviating, key=lambda claim: -distance(claim))[:number]


def everything(claim: JudgedClaim) -> str:
    """All that a reader of a CI page gets to know of a claim, in one line."""
    band = claim.cases[0].band if claim.cases else None
    parts = (
        f"{claim.text}: {WHYS[claim.why]}",
        marked(claim),
        f"printed {printed(claim)}" if claim.targets else "",
        f"measured {measured(claim, claim.unit, with_unit=True)}" if claim.numbers else "",
        f"band {interval(band, claim.unit)}" if band else "",
        f"{margins(claim)} margins" if claim.closeness else "",
        *(FLAGS[flag] for flag in claim.flags),
        claim.says,
    )
    return "; ".join(part for part in parts if part)


def facts(claim: JudgedClaim) -> Iterator[tuple[str, str]]:
    """What decided a claim, name and value, in the order in which a doubter asks."""
    rule, suffix = claim.rule, unit_form(claim.unit).suffix
    if claim.targets and not claim.cases:
        yield "Printed", f"{printed(claim)}, {source_words(claim)}"
    if claim.cases and claim.cases[0].band:
        yield "Band", interval(claim.cases[0].band, claim.unit)
    if rule.margin is not None:
        yield "Margin", f"{exact(rule.margin)}{suffix}: {rule.margin_because}"
    if claim.numbers:
        yield from _measured_facts(claim.numbers, claim.unit)
    minima = _counted((rule.min_units, rule.min_seeds))
    asked = f"At least {' and '.join(minima)}." if minima else "No minimum."
    yield "Asks for", f"{asked} Its error bar answers for {INFERENCES[rule.inference]}."
    if claim.flags:
        yield "Beside the word", "; ".join(FLAGS[flag] for flag in claim.flags)
    if claim.multiverse:
        flips = ", ".join(claim.multiverse.flips)
        grade = f"{grade_word(claim).upper()}: {GRADES[claim.multiverse.grade]}."
        yield "Under other specifications", f"{grade} It flips under {flips}." if flips else grade
    if claim.beside:
        yield "To be known", claim.beside
    yield from _source_facts(claim)


def _source_facts(claim: JudgedClaim) -> Iterator[tuple[str, str]]:
    if claim.reported_by_summary:
        yield "Reported by a summary", f"{claim.reported_by_summary}; no sentence about the paper rests on it"
    elsewhere = (
        f"{shown_as(target.printed, target.stands_for)} in {target.source} ({SOURCES_IN_WORDS[target.source_tier]})"
        for target in claim.discrepancies
    )
    if claim.discrepancies:
        yield "Printed elsewhere", "; ".join(elsewhere)
    if claim.inventory:
        yield "Statement", _looked_up(claim.inventory, "what else is claimed of it")
    if claim.conflicts:
        yield "Sources differ", _looked_up(claim.conflicts, "how, and what is made of it")


def _looked_up(names: Sequence[str], says: str) -> str:
    """Names that mean nothing by themselves, with the command that tells what they are."""
    return f"{', '.join(names)}; 'harness explain {names[0]}' tells {says}"


def _measured_facts(numbers: Numbers, unit: str) -> Iterator[tuple[str, str]]:
    rests = ", ".join(_counted((numbers.num_units, numbers.num_seeds)))
    method = numbers.method[:1].upper() + numbers.method[1:]
    yield "Rests on", ". ".join(part for part in (rests, method) if part) or NONE
    if numbers.se is not None:
        df = "" if numbers.df is None else f", {exact(numbers.df)} degrees of freedom"
        wider = (
            ""
            if numbers.interval_se is None
            else f"; {exact(numbers.interval_se)} gives the interval, which is the wider of two"
        )
        yield "Standard error", f"{exact(numbers.se)}{unit_form(unit).suffix}{df}{wider}"
    if numbers.ci95:
        yield "95 % interval", interval(numbers.ci95, unit)
    if numbers.pi95:
        yield "One run would land", f"{interval(numbers.pi95, unit)}, in 95 of 100"


def _counted(numbers: tuple[int | None, int | None]) -> list[str]:
    return [count(number, noun) for number, noun in zip(numbers, ("unit", "seed"), strict=True) if number]


def case_notes(claim: JudgedClaim) -> list[str]:
    """What is said beside the cases of a claim, each once; their own words too where there are several."""
    said = []
    for case in claim.cases:
        said += [f"{case.reading}: {case.says}"] if len(claim.cases) > 1 else []
        said += case.notes
    return list(dict.fromkeys(said))
