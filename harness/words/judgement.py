"""Everything that a report says of verdicts, of the conditions under which they were reached, and of what was fixed before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.words.claim import Claim, Source
from harness.words.errors import FailOn
from harness.words.specification import Openness
from harness.words.verdict import Interval, State, Verdict, Why


@dataclass(frozen=True, kw_only=True)
class PublishedSet:
    """One repository of results."""

    address: str
    """Data set repository of the hub."""
    benchmark: str
    """Short name, as the study's; empty where only the files can tell, by their tasks."""
    language: str
    questions: str = ""
    """Address of the data set that was asked, as far as the number of items tells; empty where nobody can say."""
    tuned: str | None = None
    """What the evaluated model was tuned as, as far as the name tells; None for the untouched model."""
    seen_revision: str | None = None
    """First digits of the last commit that somebody saw; a later one is told, and nothing else."""


@dataclass(frozen=True, kw_only=True)
class PublishedBaseline:
    """One accuracy of the untouched model as the authors published it, committed: the baseline gate holds ours against it."""

    benchmark: str
    """Short name, as the study's."""
    language: str
    metric: str
    """"acc" or "acc_norm", as lm-eval names them."""
    accuracy: float
    """Fraction of right answers, with every printed digit."""
    items: int
    """Questions that it rests on."""
    questions: str
    """Address of the data set that was asked; our number counts only where it comes from the same one."""
    address: str
    """Repository of the results file."""
    commit: str
    """First digits of the commit in which it was seen."""
    run: str
    """Stamp in the name of the results file."""
    outcomes: str = ""
    """Committed table of single questions, below the study's folder; empty where none is at hand."""
    outcomes_sha256: str = ""
    """Its digest."""


class BaselineOutcome(StrEnum):
    """Whether our untouched model answers as the authors' did, in one cell."""

    AGREES = "agrees"
    DIFFERS = "differs"
    AT_CHANCE = "at-chance"
    """Both are too near to guessing to tell, and single outcomes are not at hand."""
    UNCHECKED = "unchecked"
    """Nothing published can be held against ours."""


@dataclass(frozen=True, kw_only=True)
class PublishedScore:
    """One metric of one run, with what its own standard error says about it."""

    metric: str
    value: float
    stderr: float | None
    items_by_stderr: int | None
    """Number of items that the standard error implies; None where there is none, or it implies no whole number."""
    right_answers: int | None
    """Whole number of right answers nearest to the value; None where no number of items fits."""


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """One task of one results file."""

    address: str
    revision: str
    file: str
    task: str
    benchmark: str
    language: str
    questions: str
    """Address of the data set that was asked, as far as anybody can say."""
    tuned: str | None
    model: str
    """What the file says was evaluated."""
    shots: int | None
    items: int | None
    """Items that the file says were evaluated."""
    limit: str | None
    """Limit that the file says was set; None without one."""
    batch_size: str | None
    scores: tuple[PublishedScore, ...]


class LockStatus(StrEnum):
    """What became of the pre-registration."""

    INTACT = "intact"
    AMENDED = "amended"
    """Amendments are committed beside it; each is shown."""
    BROKEN = "broken"
    """What was judged is not what is locked."""
    ABSENT = "absent"
    """Nothing was registered before this run."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing that the paper leaves open."""

    name: str
    alternatives: tuple[str, ...]
    """The primary one first."""
    openness: Openness
    says: str = ""
    """Why it matters, or what speaks for the primary one."""


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """One change of the pre-registration after it was committed."""

    number: int
    date: str
    because: str
    diff: str
    """Lines taken out and put in, as a unified diff."""
    after_results: bool
    """True when a full run had been made before: the change was made after seeing results."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The pre-registration that held when the claims were judged."""

    sha256: str
    status: LockStatus
    commit: str = ""
    date: str = ""
    amendments: tuple[Amendment, ...] = ()
    resized: tuple[str, ...] = ()
    """Where a run did not take the registered sizes, one size a sentence; empty where it did."""


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """One full run, as the ledger keeps it."""

    ordinal: int
    run_id: str
    date: str
    outcome: str
    """What came of it, in a few words; a run that crashed stays in."""
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Every full run under the lock; empty in other modes, where the ordinal is 1 of 1."""

    ordinal: int = 1
    runs_under_lock: int = 1
    lines: tuple[LedgerLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """Whether a claim could be decided at all at the size of this run; known before it."""

    claim_id: str
    units_needed: int | None
    """For a power of 80 % at no true difference; None where seeds alone vary."""
    units_planned: int | None
    """None where only the measurement itself counts them, such as latents that fire."""
    decidable: bool
    """True where nothing that is known forbids a verdict."""
    is_foreseen: bool
    """False where no spread is assumed, or nobody can count the units, so that only the measurement itself can tell."""
    says: str


def prospects_say(decidable: int, unforeseen: int, of: int) -> str:
    """How many claims could be decided, with those of which nobody can tell beforehand kept apart.

    Args:
        decidable: Claims that are foreseen to be decidable.
        unforeseen: Claims that nothing known forbids, and of which only the measurement itself can tell.
        of: All claims that have a prospect.
    """
    unknown = f"; of {unforeseen} it cannot be foreseen" if unforeseen else ""
    return f"{decidable} of the {of} claims that a measurement decides could be decided at this size{unknown}"


@dataclass(frozen=True, kw_only=True)
class SeedValue:
    """What one training seed gives by itself."""

    seed: int
    value: float
    """In the unit of the estimate."""
    before: float | None = None
    """The untouched side, in units of the quantity behind the estimate: activation, or percent of questions."""
    after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How sure one estimate is, for figures and tables."""

    se: float | None = None
    df: float | None = None
    interval_se: float | None = None
    """The error that gives the farther end of `ci90`, where `se` and `df` do not reach so far."""
    ci90: Interval | None = None
    ci95: Interval | None = None
    seeds: tuple[SeedValue, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BaselineCheck:
    """The baseline gate in one cell, a benchmark in one language, under one metric."""

    benchmark: str
    language: str
    metric: str = ""
    """Empty where nothing was published."""
    ours: float | None = None
    """Right answers of our untouched model, in percent of the questions; None where it was not asked."""
    theirs: float | None = None
    """The same of the authors'."""
    items: int | None = None
    """Questions that the authors' number rests on."""
    item_agreement: float | None = None
    """Share of questions with the same outcome, where the authors' outcomes are committed."""
    outcome: BaselineOutcome
    says: str
    """Why this outcome, in one sentence."""


class Grade(StrEnum):
    """How far a verdict depends on choices that the paper leaves open; beside the verdict, and never instead of it."""

    ROBUST = "ROBUST"
    """No single choice moves the verdict, and no defensible one the sign."""
    MIXED = "MIXED"
    FRAGILE = "FRAGILE"
    """Alternatives that are equally defensible lead elsewhere."""
    NOT_ASSESSED = "NOT_ASSESSED"
    """Too few specifications were computed, or the primary one was not judged."""


@dataclass(frozen=True, kw_only=True)
class SpecificationVerdict:
    """One claim under one specification, by the same rule and margin."""

    specification: str
    """What it differs in from the primary one, such as "pooling=max"."""
    state: State
    """NOT_RUN where it was not computed: a hole of the curve."""
    why: Why
    estimate: float | None
    ci90: Interval | None
    hole: str = ""
    """Why there is no estimate; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class VariedAxis:
    """One open question along which the specifications of a claim differ."""

    name: str
    says: str
    openness: Openness
    levels: tuple[str, ...]
    """The primary one first."""


@dataclass(frozen=True, kw_only=True)
class AxisShare:
    """How much of the variance of the estimates one axis brings about by itself."""

    axis: str
    share: float


@dataclass(frozen=True, kw_only=True)
class BestMatch:
    """The specification that lands nearest to the printed number, and what that is worth: forensics, no evidence."""

    specification: str
    distance: float
    """From the printed number, in the claim's unit."""
    by_chance: float
    """How near so many specifications over such a range come on average to any number in it."""
    chance: float
    """How often they come as near as this one to a number that is drawn from the range."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """How far one specification lies from the primary one."""

    specification: str
    by: float
    """In the claim's unit."""


@dataclass(frozen=True, kw_only=True)
class Explored:
    """What specifications beyond the registered grid say of one claim: explored because somebody asked, and part of no grade."""

    same_verdict_share: float | None
    """Balanced share of the equally defensible ones with the primary verdict; None where there is none."""
    flips: tuple[str, ...]
    """Those with another verdict than the primary one, but for want of seeds: a level of training takes one."""
    changes_sign: bool
    moves: tuple[Move, ...]
    """All that were computed, the farthest from the primary one first."""


@dataclass(frozen=True, kw_only=True)
class SignTest:
    """The sign of a gap over all specifications against every way to share the languages out.

    Source: U. Simonsohn and others, "Specification curve analysis", Nature Human Behaviour 4 (2020), 1208-1214: joint inference.
    """

    specifications: int
    ways: int
    """To share the languages out, the true one among them: no p-value is smaller than one of them."""
    share: float
    """Of specifications with the claimed sign."""
    p_share: float
    """Share of ways with as many of them."""
    median: float
    """Of all specifications' estimates."""
    p_median: float
    """Share of ways whose median lies as far on the claimed side."""


@dataclass(frozen=True, kw_only=True)
class Multiverse:
    """One claim under every specification that was asked for."""

    claim_id: str
    axes: tuple[VariedAxis, ...]
    """Along which the specifications differ, in the study's order."""
    specifications: tuple[SpecificationVerdict, ...]
    """The primary one first."""
    grade: Grade
    same_verdict_share: float | None
    """Balanced share of the equally defensible specifications with the primary verdict; None where no such choice was varied."""
    explored_share: float | None
    """The same over all combinations of the choices that change no quantity; explored, and never pooled."""
    flip_distance: int | None
    """Fewest choices to change until the verdict does; None where no combination that was computed moves it."""
    flips: tuple[str, ...]
    """Single changes of the primary specification that move the verdict, and change no quantity."""
    changes_sign: bool
    """Whether the same quantity has the other sign under some of them."""
    deciding: tuple[AxisShare, ...]
    """Axes by the variance that they bring about, the largest first."""
    best_match: BestMatch | None
    """None where no number is printed, or fewer than two were computed."""
    sign_test: SignTest | None = None
    """None where the claim is about no gap between groups, or claims no sign."""
    explored: Explored | None = None
    """None where no specification beyond the registered grid was computed."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The claims of one study, each with its verdict, in the order to show."""

    study: str
    claims: tuple[Claim, ...]
    verdicts: tuple[Verdict, ...]
    multiverses: tuple[Multiverse, ...] = ()
    """Of claims about one estimate, where other specifications were computed; none moves a verdict."""

    def __post_init__(self) -> None:
        asked, judged = ([claim.id for claim in self.claims], [each.claim_id for each in self.verdicts])
        if asked != judged or len(set(asked)) < len(asked):
            raise ValueError(
                f"verdicts must answer the claims of {self.study} one by one: {len(asked)} claims, {len(judged)} "
                f"verdicts, {sorted(set(asked) ^ set(judged))[:5]} stand on one side only"
            )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a report holds beside measurements and known numbers.

    In fixture and rehearsal mode every claim of the paper is NOT_RUN or NOT_TESTABLE, those about its arithmetic
    too; the schema of the report refuses anything else.
    """

    paper: Judged
    self_check: Judged | None = None
    """The study that checks the judge itself; each of its claims states the verdict expected of it."""
    lock: Lock
    ledger: Ledger = Ledger()
    fail_on: FailOn = FailOn.UNRESOLVED
    deselected: tuple[str, ...] = ()
    """Claims that nobody asked for in this run."""
    alpha: float = 0.05
    """Rate of wrong PASS and of wrong DEVIATION, each, at the edge of the margin."""
    prospects: tuple[Prospect, ...] = ()
    choices: tuple[Choice, ...] = ()
    precisions: Mapping[str, Precision] = field(default_factory=dict)
    """By id of the estimate."""
    baselines: tuple[BaselineCheck, ...] = ()
    """The baseline gate, cell by cell; empty where the run is no evidence, or the study knows no published baseline."""
    cited: tuple[Source, ...] = ()
    """The texts that the paper's claims are taken from."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The rest of a pre-registration."""

    choices: tuple[Choice, ...]
    """Everything that the paper leaves open, with what else could be done."""
    adapter_seeds: tuple[int, ...]
    """Training seeds of a full run."""
    exclusions: tuple[str, ...]
    """What is left out of a measurement, one rule a sentence."""
    baselines: tuple[PublishedBaseline, ...] = ()
    """Published accuracies of the untouched model; a cell where ours is another is an error."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """One thing on which sources of a paper disagree."""

    id: str
    """Such as "K1"; claims name it."""
    says: str
    """The sides."""
    treated: str
    """What is made of it here, also where it touches no number."""
