"""What a design measures: its quantities, and the estimates of them that claims may be about."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.words.estimate import Formula, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cell = tuple[str, str]
"""Benchmark and language."""


@dataclass(frozen=True)
class Quantity:
    """What is measured: what people call it, what it is counted in, and what varies under it."""

    label: str
    unit: str
    varying: tuple[str, str]
    """The kind of unit that is stored, and what so many of them are called where a profile's sizes say how many."""
    formulas: tuple[Formula, ...]
    """What its units may be put together by, the usual one first."""
    signed: bool = field(default=False, kw_only=True)
    """True of a difference, whose sign is always printed."""
    within: tuple[float, float] | None = field(default=None, kw_only=True)
    """Between which numbers every value of it lies, whatever is measured; None where nothing is known to bound it."""

    def estimand(
        self, scope: Scope, *, layers: tuple[int, ...] = (), cells: tuple[Cell, ...] = ()
    ) -> "Estimand":
        """One estimate of it."""
        return Estimand(
            **vars(scope),
            unit_kind=self.varying[0],
            counted_in=self.varying[1],
            formulas=self.formulas,
            signed=self.signed,
            within=self.within,
            layers=layers,
            cells=cells,
        )


@dataclass(frozen=True, kw_only=True)
class Estimand(Scope):
    """One estimate that claims may be about: what it is of, what varies under it, and what it is made from."""

    unit_kind: str
    """What its units are, such as "latent"."""
    counted_in: str
    """What says beforehand how many there will be: "latents", "questions", "texts", "languages", "training seeds", or "units"
    where nothing does."""
    formulas: tuple[Formula, ...]
    """What its units may be put together by, the usual one first."""
    signed: bool = False
    """True of a difference."""
    within: tuple[float, float] | None = None
    """Between which numbers it lies, whatever is measured."""
    layers: tuple[int, ...] = ()
    """Layers whose activations it is made from."""
    cells: tuple[Cell, ...] = ()
    """Cells whose answers it is made from; none where it rests on no question."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PhraseValues:
    """What single phrases showed on single latents in several languages, as columns of one length."""

    layer: "NDArray[np.int64]"
    latent: "NDArray[np.int64]"
    language: "NDArray[np.str_]"
    text: "NDArray[np.str_]"
    """Name of the phrase, the same in every language."""
    value: "NDArray[np.float64]"
    """Activation of the latent, pooled over the phrase's tokens."""

    def of(self, language: str) -> "PhraseValues":
        """Those of one language."""
        return self._where(self.language == language)

    def at(self, layer: int) -> "PhraseValues":
        """Those of one layer."""
        return self._where(self.layer == layer)

    def _where(self, mask: "NDArray[np.bool_]") -> "PhraseValues":
        return replace(self, **{name: column[mask] for name, column in vars(self).items()})
