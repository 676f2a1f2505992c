"""Results that a paper's authors published beside it: where they lie, and what one of their runs says."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedSet:
    """One repository of results."""

    address: str
    """Data set repository of the hub."""
    benchmark: str
    """Short name, as the study's."""
    language: str
    tuned: str | None = None
    """What the evaluated model was tuned as, as far as the name tells; None for the untouched model."""
    seen_revision: str | None = None
    """First digits of the last commit that somebody saw; a later one is told, and nothing else."""


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
