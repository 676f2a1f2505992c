"""The worlds of MAP-Neo: the true one, and its shapes with random weights."""

from collections.abc import Mapping

from claims.bilingual import rehearsal, true_sizes
from claims.neo import pins
from claims.neo.study import MODEL, PHASES, PROTOCOL, SIZES, STUDY
from harness.words.dictionaries import CorpusText
from harness.words.emergence import FINAL, EmergenceSources, ModelCell
from harness.words.study import Profile


def paper() -> Profile:
    """The published checkpoints of every size."""
    return Profile(
        name="paper",
        summary="MAP-Neo in three sizes at six checkpoints, by pinned address; other models than the paper's",
        sources=EmergenceSources(
            model=pins.checkpoint(MODEL, FINAL),
            cells=tuple(
                ModelCell(
                    size=size.name,
                    phase=phase.name,
                    step=pins.CHECKPOINTS[phase.name][1],
                    tokens=float(pins.CHECKPOINTS[phase.name][1] * pins.TOKENS_A_STEP),
                    pin=pins.checkpoint(size.name, phase.name),
                    shapes=size.shapes,
                )
                for size in SIZES
                for phase in PHASES
            ),
            texts=tuple(
                CorpusText(language=code, pin=pin, files=pin.files) for code, pin in pins.WIKIPEDIA.items()
            ),
        ),
        sizes=true_sizes(PROTOCOL.adapter_seeds),
    )


PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (rehearsal(STUDY, paper(), MODEL), paper())
}
