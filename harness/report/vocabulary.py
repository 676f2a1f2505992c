"""The words of the report: every mode, state, reason, flag, tier, lock and exit code as a reader meets it."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.words.claim import InferenceTarget, Tier
from harness.words.errors import Reason
from harness.words.judgement import BaselineOutcome, FailOn, LockStatus, Openness
from harness.words.verdict import Finding, Flag, State, Why


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

EXIT_CODES = {
    0: "every check agrees",
    1: "something differs from what is known",
    3: "malfunction",
    4: "usage",
    5: "nothing was judged",
    10: "unresolved",
    11: "lock broken",
}


JUDGED_EXIT_CODES = {
    0: "nothing stands against what was asked for",
    1: "a claim deviates",
    5: "nothing was judged",
    10: "unresolved: a primary claim is neither shown nor refuted",
}
"""The same where claims of the paper are judged."""
