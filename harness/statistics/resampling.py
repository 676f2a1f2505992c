"""Bootstrap draws over units, alone or crossed with phrases, and the limits that are read off them.

Draws are keyed by what is resampled, never by what is computed from them: quantities over the same units share them,
and choosing other claims moves none.
"""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

BLOCK_CELLS = 65_536
"""Places drawn at once: they stay in the processor's cache, and move no draw."""


def stream(key: str, number: int) -> np.random.Generator:
    """The random numbers of one resampled thing; streams of one key are independent.

    Args:
        key: What is resampled, such as "latents/layer 6".
        number: 1 decides, 2 checks.
    """
    entropy = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([entropy, number])))


def cluster_sums(
    columns: Values, generator: np.random.Generator, num_draws: int, *, at_once: bool = False
) -> Values:
    """Sums over resampled units; [unit, column] to [draw, column].

    Args:
        columns: What to sum.
        generator: Random numbers of the units.
        num_draws: Number of draws.
        at_once: Multiply many draws by all columns in one product: many times quicker where there are hundreds of columns, whose
            last digits then depend on how many there are. For what no headline rests on.
    """
    block = _draws_at_once(len(columns))
    drawn = _drawn(len(columns), generator, num_draws, block)
    if at_once:
        return np.concatenate([counts.squeeze(1) @ columns for counts in drawn])
    return np.concatenate([counts @ columns for counts in drawn]).squeeze(1)


@dataclass(frozen=True, eq=False)
class Crossed:
    """Values of phrases under the latents that they serve, one entry per pair."""

    latent: NDArray[np.int32]
    """Place of the latent, from 0."""
    phrase: NDArray[np.int32]
    """Place of the phrase, from 0."""
    columns: Values
    """[pair, column]; a latent's entries sum to its mean."""


def crossed_sums(
    crossed: Crossed, generators: tuple[np.random.Generator, np.random.Generator], num_draws: int
) -> Values:
    """Sums over latents and phrases that are resampled independently; [draw, column].

    Source: A. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), 386-411.

    Args:
        crossed: What to sum.
        generators: Random numbers of the latents, and of the phrases.
        num_draws: Number of draws.
    """
    latents, phrases = (int(place.max()) + 1 for place in (crossed.latent, crossed.phrase))
    latent, phrase = crossed.latent.astype(np.intp), crossed.phrase.astype(np.intp)
    block = _draws_at_once(len(latent))
    drawn = zip(
        _drawn(latents, generators[0], num_draws, block),
        _drawn(phrases, generators[1], num_draws, block),
        strict=True,
    )
    return np.concatenate(
        [
            (by_latent.take(latent, axis=2) * by_phrase.take(phrase, axis=2)) @ crossed.columns
            for by_latent, by_phrase in drawn
        ]
    ).squeeze(1)


def percentile_interval(draws: Values, level: float) -> tuple[float, float]:
    """Two-sided interval; an end lies inside an edge exactly when the share beyond the edge is small enough.

    Draws that have no value, such as a ratio to nothing, lie beyond either end.
    """
    numbers = draws[np.isfinite(draws)]
    place = int((1 - level) / 2 * (len(draws) + 1) + 1e-9) - (len(draws) - len(numbers))
    if place <= 0:
        return -math.inf, math.inf
    ends = place - 1, len(numbers) - place
    low, high = np.partition(numbers, ends)[[*ends]]  # half the time of a whole sort
    return float(low), float(high)


def share_below(draws: Values, edge: float) -> float:
    """Share of draws at or below an edge, or without a value; never 0: the estimate itself counts as a draw beyond it."""
    return (1 + int(((draws <= edge) | ~np.isfinite(draws)).sum())) / (1 + len(draws))


def share_above(draws: Values, edge: float) -> float:
    """Share of draws at or above an edge, or without a value; never 0."""
    return (1 + int(((draws >= edge) | ~np.isfinite(draws)).sum())) / (1 + len(draws))


def _draws_at_once(units: int) -> int:
    return max(1, BLOCK_CELLS // units)


def _drawn(units: int, generator: np.random.Generator, num_draws: int, block: int) -> Iterator[Values]:
    """How often each draw holds each unit, [draw, 1, unit]; a row of its own each, so that blocks move no digit."""
    for start in range(0, num_draws, block):
        size = min(block, num_draws - start)
        places = generator.integers(units, size=(size, units))
        places += units * np.arange(size)[:, None]
        counts = np.bincount(places.ravel(), minlength=size * units)
        yield counts.reshape(size, 1, units).astype(np.float64)
