"""Results that a paper's authors published beside it: where they lie, and what one of their runs says."""

from dataclasses import dataclass
from enum import StrEnum


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
