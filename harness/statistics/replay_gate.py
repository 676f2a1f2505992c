"""The replay gate: are stored activations found again? Correlation alone would not see a missing BOS."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_CORRELATION = 0.99
MIN_SCALE, MAX_SCALE = 0.95, 1.02
"""Bounds of a row, just outside of what one careful replay of stored rows saw: 0.998 to 1.000, and 0.96 to 1.01."""

MIN_PASSING_FRACTION = 0.9
"""Share of its rows that a layer needs."""

STRONG = 0.8
"""Share of its latent's largest stored peak that a row must reach. The bounds were seen on such rows; the noise of half
precision does not shrink with the peak, so that weak rows would be lost on networks that were loaded rightly."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well one recomputed row agrees with the stored one."""

    correlation: float
    scale: float
    same_peak: bool

    @property
    def passes(self) -> bool:
        """True when correlation and scale are both within bounds."""
        return self.correlation >= MIN_CORRELATION and MIN_SCALE <= self.scale <= MAX_SCALE


def agreement(stored: Sequence[float], recomputed: Sequence[float]) -> Agreement:
    """How a recomputed row agrees with a stored one.

    Args:
        stored: One value per token; at least one is above zero.
        recomputed: The same tokens, computed anew.

    Returns:
        The correlation over tokens (1 for two rows that do not vary, 0 where one of them does not), and the scale that
        maps stored onto recomputed values by least squares through the origin.

    Raises:
        ValueError: If the rows differ in length, or the stored one is zero everywhere.
    """
    # Whoever registers these bounds, or reads them, waits for no library.
    import numpy as np

    old, new = np.asarray(stored, dtype=np.float64), np.asarray(recomputed, dtype=np.float64)
    if len(old) != len(new) or not (old**2).sum() > 0:
        raise ValueError(
            f"a row of {len(old)} stored and {len(new)} recomputed values cannot be compared; expected as many, and a "
            "stored value above zero"
        )
    return Agreement(
        correlation=_correlation(old, new),
        scale=float((old * new).sum() / (old**2).sum()),
        same_peak=int(old.argmax()) == int(new.argmax()),
    )


def layer_passes(rows: Sequence[Agreement]) -> bool:
    """True when there are rows, and enough of them pass."""
    return enough_rows(sum(row.passes for row in rows), len(rows))


def enough_rows(passing: int, rows: int) -> bool:
    """Whether so many of a layer's rows are enough; of no rows none are."""
    return rows > 0 and passing >= MIN_PASSING_FRACTION * rows


def _correlation(x: "NDArray[np.float64]", y: "NDArray[np.float64]") -> float:
    deviations = x - x.mean(), y - y.mean()
    spread = math.sqrt((deviations[0] ** 2).sum() * (deviations[1] ** 2).sum())
    if spread > 0:
        return float((deviations[0] * deviations[1]).sum() / spread)
    return float(not deviations[0].any() and not deviations[1].any())
