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
class Loaded:
    """A model and its dictionaries: as a study has them, and as a run loaded them."""

    name: str
    """What the run calls it; empty of the one that is replayed."""
    expected: Shapes
    found: Shapes | None
    """None when nothing reported them."""
    digests: AbstractSet[str] = frozenset()
    """Content digests of the files that were loaded."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a run can show for itself."""

    loaded: tuple[Loaded, ...]
    """Every model that was asked for; none where a design says of none what it was loaded as."""
    source_digests: AbstractSet[str]
    """Content digests of everything that was loaded."""
    fixture_digests: AbstractSet[str]
    """Content digests that stand in a fixture's birth certificate."""
    weights_made_here: bool
    """True when the harness drew the weights itself."""
    layers_replayed: int
    """Layers on which the stored activations were found again."""
    has_stored: bool = True
    """False where nobody has published a dictionary of the study's models: of such ones no activations stand anywhere to be found."""
    departures: tuple[str, ...] = ()
    """What is done otherwise than the study registers it, by the names of a profile's sizes."""


def mode_of(evidence: Evidence) -> Mode:
    """The strongest mode that the evidence carries."""
    is_as_expected = bool(evidence.loaded) and all(each.found == each.expected for each in evidence.loaded)
    if not is_as_expected or evidence.source_digests & evidence.fixture_digests:
        return Mode.FIXTURE
    if evidence.weights_made_here:
        return Mode.REHEARSAL
    is_found = evidence.layers_replayed > 0 or not evidence.has_stored
    return Mode.FULL if is_found and not evidence.departures else Mode.FIXTURE
