"""What a study fixes before anything is measured, besides claims and specification, and what its sources disagree on."""

from dataclasses import dataclass

from harness.words.judgement import Choice
from harness.words.published import PublishedBaseline


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
