"""Quantities of the field as pure functions of arrays: pooled activations, gaps, gains, correlations, cosines."""

import numpy as np
from numpy.typing import NDArray

from harness.words.study import Aggregation, Pooling

Values = NDArray[np.float64]

MIN_PAIRS = 3
"""Two points always lie on a line, so a correlation needs more."""


def pooled(values: NDArray[np.float32], offsets: NDArray[np.int64], how: Pooling) -> NDArray[np.float64]:
    """One value per phrase from ragged token values.

    Args:
        values: Token values of all phrases, one phrase after the other.
        offsets: Where each phrase begins, and the end of the last.
        how: Mean over tokens; maximum; mean over tokens above zero (0 where there are none); last token.

    Raises:
        ValueError: If a phrase has no token.
    """
    lengths = np.diff(offsets)
    if (lengths == 0).any():
        raise ValueError(f"phrases {np.flatnonzero(lengths == 0).tolist()} have no token; nothing to pool")
    if how is Pooling.LAST:
        return values[offsets[1:] - 1].astype(np.float64)
    if how is Pooling.MAX:
        return np.maximum.reduceat(values, offsets[:-1]).astype(np.float64)
    totals = np.add.reduceat(values.astype(np.float64), offsets[:-1])
    if how is Pooling.MEAN:
        return totals / lengths
    active = np.add.reduceat((values > 0).astype(np.int64), offsets[:-1])
    return totals / np.maximum(active, 1)


def gap_percent(low: Values, high: Values, aggregation: Aggregation) -> float:
    """How far the low side lies below the high side, in percent of the high side.

    Args:
        low: Mean activation of each latent on the low side.
        high: The same latents on the high side.
        aggregation: Ratio of means over latents, or mean of the latents' ratios.

    Raises:
        ValueError: If there is no latent, or the high side is zero where it divides.
    """
    if aggregation is Aggregation.RATIO_OF_MEANS:
        _require_divisible(np.atleast_1d(high.sum()), len(high))
        return float(100 * (1 - low.sum() / high.sum()))
    _require_divisible(high, len(high))
    return float(100 * (1 - (low / high).mean()))


def change_percent(after: Values, before: Values) -> float:
    """Signed change of the mean over latents, in percent of the mean before.

    Raises:
        ValueError: If there is no latent, or the mean before is zero.
    """
    _require_divisible(np.atleast_1d(before.sum()), len(before))
    return float(100 * (after.sum() / before.sum() - 1))


def ratio_percent(after: Values, before: Values) -> float:
    """Mean over latents after, in percent of the mean before.

    Raises:
        ValueError: If there is no latent, or the mean before is zero.
    """
    return 100 + change_percent(after, before)


def pearson(x: Values, y: Values) -> float:
    """Correlation coefficient; NaN where one side does not vary.

    Raises:
        ValueError: If there are fewer than three pairs, since two always lie on a line.
    """
    if len(x) < MIN_PAIRS:
        raise ValueError(f"{len(x)} pairs; a correlation needs at least {MIN_PAIRS}")
    deviations = x - x.mean(), y - y.mean()
    spread = np.sqrt((deviations[0] ** 2).sum() * (deviations[1] ** 2).sum())
    # The mean of equal numbers may differ from them by a rounding, so deviations alone do not show constancy.
    varies = np.ptp(x) > 0 and np.ptp(y) > 0 and spread > 0
    return float((deviations[0] * deviations[1]).sum() / spread) if varies else float("nan")


def cosines(left: Values, right: Values) -> Values:
    """Cosine of each row of one side with the same row of the other; [text, dimension] to [text]."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products: Values = (left * right).sum(axis=1) / np.where(lengths > 0, lengths, np.nan)
    return products


def centred(rows: Values) -> Values:
    """Rows without their mean, which any two texts of one language share."""
    without: Values = rows - rows.mean(axis=0)
    return without


def group_means(values: Values, groups: NDArray[np.int64], num_groups: int) -> Values:
    """Mean of the values of each group; NaN for a group without any."""
    counts = np.bincount(groups, minlength=num_groups)
    totals = np.bincount(groups, weights=values, minlength=num_groups)
    means: Values = totals / np.where(counts > 0, counts, np.nan)
    return means


def _require_divisible(denominators: Values, count: int) -> None:
    if count == 0 or not (np.abs(denominators) > 0).all():
        raise ValueError(f"{count} latents, of which the reference side is zero somewhere; no ratio exists")
