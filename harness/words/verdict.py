"""What the judge says of a claim: seven states with reasons and flags, and the numbers that they rest on."""

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """The seven states; PASS and DEVIATION are earned against an error rate, everything unearned is INCONCLUSIVE."""

    PASS = "PASS"  # noqa: S105  a verdict, no password
    DEVIATION = "DEVIATION"
    INCONCLUSIVE = "INCONCLUSIVE"
    CONTESTED = "CONTESTED"
    NOT_RUN = "NOT_RUN"
    NOT_TESTABLE = "NOT_TESTABLE"
    ERROR = "ERROR"


JUDGED = (State.PASS, State.DEVIATION, State.INCONCLUSIVE, State.CONTESTED)
"""States that rest on a measurement."""


class Finding(StrEnum):
    """What arithmetic says of printed numbers: it is about whoever prints them, and no verdict on a replication."""

    CANNOT_OCCUR = "cannot-occur"
    """Not as it is reported: no count, rounding or reading of the word gives it."""
    CONSISTENT = "consistent"
    CANNOT_TELL = "cannot-tell"
    NOTE = "note"
    """Something to be known that has innocent explanations, and so speaks neither for the numbers nor against them."""


class Why(StrEnum):
    """Why a verdict is what it is, as one word for machines."""

    INSIDE = "ci-inside-band"
    """PASS of a value: the 90 % interval lies inside the band."""
    SHOWN = "shown"
    """PASS of any other rule: the limit lies on the claimed side."""
    FEASIBLE = "feasible"
    SMALLER = "smaller"
    LARGER = "larger"
    OPPOSITE_SIGN = "opposite-sign"
    ELSEWHERE = "elsewhere"
    """DEVIATION of a claim about a place: another member is larger."""
    BELOW_LIMIT = "below-limit"
    ABOVE_LIMIT = "above-limit"
    INFEASIBLE = "not-as-reported"
    """CANNOT_OCCUR: no count, rounding or number gives what is reported."""
    LEANING_PASS = "straddles-leaning-pass"  # noqa: S105
    LEANING_DEVIATION = "straddles-leaning-deviation"
    WITHIN_ONE_RUN_NOISE = "within-one-run-noise"
    NOT_AFTER_HOLM = "not-after-holm"
    TOO_FEW_UNITS = "too-few-units"
    TOO_FEW_SEEDS = "too-few-seeds"
    SUBSET = "subset"
    UNDERPOWERED = "underpowered-by-design"
    UNSTABLE = "bootstrap-unstable"
    ZERO_VARIANCE = "zero-variance"
    ASSUMPTION_BROKEN = "assumption-broken"
    """The units show that the error is not what the method takes it for."""
    READINGS_DIFFER = "readings-differ"
    COUNT_UNKNOWN = "item-count-unknown"
    WITHIN_ROUNDING = "within-rounding"
    """CANNOT_TELL: it is lost in the rounding of the printed numbers."""
    ANYTHING_FITS = "anything-fits"
    """CANNOT_TELL: every number near the printed one could occur as well."""
    BESIDE = "beside"
    """NOTE: it stands beside the claims."""
    EXPLORATORY = "exploratory"
    FIXTURE_MODE = "fixture-mode"
    REHEARSAL_MODE = "rehearsal-mode"
    NO_NETWORK = "no-network"
    NO_ACCELERATOR = "no-accelerator"
    GATED_WEIGHTS = "gated-weights"
    DATASET_UNAVAILABLE = "dataset-unavailable"
    WEIGHTS_NOT_RELEASED = "weights-not-released"
    """It rests on a model that nobody has published, such as a checkpoint of an early training step."""
    UPSTREAM_NOT_RUN = "upstream-not-run"
    DESELECTED = "deselected"
    NOT_DECLARED = "not-declared"
    """A declared file of measurements holds nothing for it."""
    NO_QUANTITY = "no-quantity"
    """The sentence names nothing that could be measured."""
    REPLAY_FAILED = "replay-failed"
    """Stored activations were not found again on a layer that it rests on."""
    ADAPTER_FAILED = "adapter-failed"
    """An adapter that it rests on could not be trained."""
    BASELINE_DIFFERS = "baseline-differs"
    """Our untouched model does not answer as the authors' did, in a cell that it rests on."""
    CRASH = "crash"
    NOT_FINITE = "not-finite"
    INCONSISTENT = "inconsistent"
    """The stored units do not give the stored estimate."""


class Flag(StrEnum):
    """What a reader must know beside the word, never instead of it."""

    NON_DISCRIMINATING = "non-discriminating"
    """A PASS whose band holds the value of no effect."""
    DETECTABLE_DIFFERENCE = "detectable-difference"
    """A PASS that is measurably not the printed number."""
    TARGET_DISPUTED = "target-disputed-without-effect"
    READING_DEPENDENT = "reading-dependent"
    SOLE_READING = "sole-reading"
    """One of the claim's readings was judged alone, as its declarer asked."""
    ONE_RUN_NOISE_ASSUMED = "one-run-noise-assumed"
    AT_CHANCE = "at-chance"
    """The accuracy it starts from cannot be told from guessing."""


Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What a verdict rests on; None where the rule has no such number."""

    estimate: float
    """In the claim's unit; of a claim about a place, by how much the named members lead the best of the others."""
    place: str = ""
    """Of a claim about a place: where the largest of all lies, such as "layer 6"."""
    se: float | None = None
    df: float | None = None
    """None where the spread counts as known."""
    interval_se: float | None = None
    """The error that gives the farther end of `ci90`, where `se` and `df` do not reach so far; None where they do."""
    ci90: Interval | None = None
    """Decides; the wider of the t interval and the bootstrap's at each end."""
    ci95: Interval | None = None
    pi95: Interval | None = None
    """Where one run of the paper's design would land."""
    one_run_sd: float | None = None
    num_units: int | None = None
    num_seeds: int | None = None
    method: str = ""
    p_equiv: float | None = None
    p_dev: float | None = None
    p_dev_holm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Closeness:
    """How near a measurement came; always printed, never decides."""

    difference: float
    margins: float | None
    """abs(difference) / margin; 1 is the edge."""
    ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """One of several quantities that a claim is about, as a table shows it."""

    estimate_id: str
    estimate: float | None
    """None in a stored report where it is not finite."""
    se: float | None
    lower: float | None
    """Simultaneous or adjusted lower limit, where the rule has one."""
    upper: float | None
    """Upper limit; of a claim about a maximum, that of the member by itself."""


@dataclass(frozen=True, kw_only=True)
class CaseVerdict:
    """One target of a claim under one reading, judged; an alias is what a field is called in `report.json`."""

    reading: str
    unit: str = ""
    """Unit of the target and of every number here."""
    printed: str
    """The target as printed; empty where the rule has none."""
    stands_for: str = ""
    """Word of the source that the target stands for; empty where the number itself is printed."""
    source: str
    source_tier: str
    """Empty where no number is printed."""
    state: State | Finding = field(metadata={"alias": "verdict"})
    """What arithmetic finds of a claim about printed numbers, and the judge's word of any other."""
    why: Why = field(metadata={"alias": "reason"})
    flags: tuple[Flag, ...] = ()
    band: Interval | None = None
    numbers: Numbers | None = field(default=None, metadata={"alias": "measured"})
    closeness: Closeness | None = None
    members: tuple[Member, ...] = ()
    notes: tuple[str, ...] = ()
    """Figures that are shown beside it, one sentence each: sign counts, permutation p, leave-one-out range."""
    says: str
    """Why this verdict, in one plain sentence."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the judge says of one claim."""

    claim_id: str
    state: State | Finding
    why: Why
    flags: tuple[Flag, ...] = ()
    says: str
    """Why this verdict, in one plain sentence."""
    cases: tuple[CaseVerdict, ...] = ()
    """The primary reading of the best source first; empty where nothing was measured."""

    @property
    def primary(self) -> CaseVerdict | None:
        """The case whose numbers stand in tables."""
        return self.cases[0] if self.cases else None
