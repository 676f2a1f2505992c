"""What each quantity rests on: the unit that varies, and the formulas that its units may be put together by."""

from dataclasses import dataclass

from harness.statistics.measured import Scope
from harness.words.estimate import Formula


@dataclass(frozen=True)
class Basis:
    """The units behind one quantity."""

    unit_kind: str
    formulas: tuple[Formula, ...]
    """The usual one first."""


BASES = {
    "gap": Basis("latent", (Formula.GAP, Formula.MEAN_OF_GAPS)),
    "gain": Basis("latent", (Formula.CHANGE,)),
    "retention": Basis("latent", (Formula.RATIO,)),
    "retention-by-adapter": Basis("latent", (Formula.RATIO,)),
    "accuracy": Basis("document", (Formula.DIFFERENCE,)),
    "delta": Basis("document", (Formula.DIFFERENCE,)),
    "delta-english": Basis("document", (Formula.DIFFERENCE,)),
    "relative-delta": Basis("document", (Formula.CHANGE,)),
    "correlation": Basis("language", (Formula.PEARSON,)),
    "similarity": Basis("text", (Formula.DIFFERENCE,)),
    "selections-kept": Basis("text", (Formula.DIFFERENCE,)),
    "translations-unflagged": Basis("text", (Formula.DIFFERENCE,)),
}

PER_SEED = Basis("seed", (Formula.DIFFERENCE,))
"""One figure per training seed, made of several quantities."""


def basis_of(scope: Scope) -> Basis:
    """What one estimate rests on."""
    if scope.quantity == "retention" and scope.reading == "accuracy":
        return Basis("document", (Formula.RATIO,))
    if scope.quantity == "gain" and (scope.layer is None or scope.specification != "primary"):
        return PER_SEED
    return BASES[scope.quantity]
