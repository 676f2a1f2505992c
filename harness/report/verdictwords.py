"""The words of verdicts: every state, reason, flag, rule, kind and tier as a reader meets it."""

from dataclasses import dataclass

from harness.words.claim import InferenceTarget, Kind, SourceTier, Tier, Unit
from harness.words.judgement import BaselineOutcome, FailOn, LockStatus, Openness
from harness.words.verdict import Flag, State, Why


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """How one state is told apart without its colour."""

    glyph: str
    word: str
    means: str
    marker: str
    """Shape in drawings, as matplotlib names it."""


STATES: dict[str, StateWords] = {
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

WHYS: dict[str, str] = {
    Why.INSIDE: "inside the band",
    Why.SHOWN: "shown",
    Why.FEASIBLE: "possible",
    Why.SMALLER: "smaller",
    Why.LARGER: "larger",
    Why.OPPOSITE_SIGN: "opposite sign",
    Why.ELSEWHERE: "elsewhere",
    Why.BELOW_LIMIT: "below the limit",
    Why.ABOVE_LIMIT: "above the limit",
    Why.INFEASIBLE: "impossible",
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

KINDS: dict[str, str] = {kind: str(kind) for kind in Kind}

TIERS: dict[str, str] = {
    Tier.PRIMARY: "Primary claims",
    Tier.SECONDARY: "Secondary claims",
    Tier.EXPLORATORY: "Exploratory",
}

SOURCES: dict[str, str] = {
    SourceTier.PAPER: "the paper's table or text",
    SourceTier.ABSTRACT: "its abstract",
    SourceTier.AUTHORS: "the authors' other artifacts",
    SourceTier.SUMMARY: "somebody else's summary",
}

INFERENCES: dict[str, str] = {
    InferenceTarget.POPULATION: "units like these",
    InferenceTarget.FIXED_ITEMS: "these very items; only training varies",
}

UNITS: dict[str, str] = {
    Unit.PERCENT: "\u202f%",
    Unit.POINTS: " points",
    Unit.CORRELATION: "",
    Unit.COSINE: "",
    Unit.COUNT: "",
    Unit.NONE: "",
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
