"""What a run is evidence for, decided by what it loaded and never by what its profile is called."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from harness.words.study import Shapes


class Mode(StrEnum):
    """What the numbers of a run can speak about."""

    FULL = "full"
    """The paper's claims."""
    REHEARSAL = "rehearsal"
    """Throughput and memory at the true shapes; no claim."""
    FIXTURE = "fixture"
    """The instrument itself; no claim."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a run can show for itself."""

    loaded: Shapes | None
    """Shapes of the model and dictionaries as loaded; None when nothing reported them."""
    source_digests: AbstractSet[str]
    """Content digests of everything that was loaded."""
    fixture_digests: AbstractSet[str]
    """Content digests that stand in a fixture's birth certificate."""
    weights_made_here: bool
    """True when the harness drew the weights itself."""
    layers_replayed: int
    """Layers on which the stored activations were found again."""


def mode_of(shapes: Shapes, evidence: Evidence) -> Mode:
    """The strongest mode that the evidence carries.

    Args:
        shapes: What the study is about.
        evidence: What the run loaded.
    """
    if evidence.loaded != shapes or evidence.source_digests & evidence.fixture_digests:
        return Mode.FIXTURE
    if evidence.weights_made_here:
        return Mode.REHEARSAL
    return Mode.FULL if evidence.layers_replayed > 0 else Mode.FIXTURE
