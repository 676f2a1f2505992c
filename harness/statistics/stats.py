"""Intervals and tests of the judge as pure functions of numbers; quantiles come from scipy.

A `df` of None stands for a spread that counts as known: quantiles are then those of the normal distribution.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.words.estimate import ALPHA

Values = NDArray[np.float64]


BELOW_ROUNDING = 1e-9
"""Share of the values' own size under which a spread is what floating point leaves, and no spread."""


@dataclass(frozen=True)
class Spread:
    """A standard error with its degrees of freedom."""

    se: float
    df: float | None

    def half_width(self, level: float) -> float:
        """Half the two-sided interval of that level."""
        return t_quantile((1 + level) / 2, self.df) * self.se

    def interval(self, centre: float, level: float) -> tuple[float, float]:
        """The two-sided interval of that level."""
        half = self.half_width(level)
        return centre - half, centre + half


def t_quantile(probability: float, df: float | None) -> float:
    """Student quantile; the normal one without degrees of freedom."""
    if df is None:
        return float(special.ndtri(probability))
    return float(special.stdtrit(df, probability))


def t_tail(statistic: float, df: float | None) -> float:
    """Probability of a Student variable at or above the statistic."""
    if df is None:
        return float(special.ndtr(-statistic))
    return float(special.stdtr(df, -statistic))


def f_tail(statistic: float, above: int, below: int) -> float:
    """Probability of a variable of Fisher's F at or above the statistic, by its degrees of freedom."""
    return float(special.fdtrc(above, below, statistic))


def tail_above(edge: float, estimate: float, spread: Spread) -> float:
    """How likely an estimate this high or higher is when the truth lies at the edge."""
    return t_tail((estimate - edge) / spread.se, spread.df)


def tail_below(edge: float, estimate: float, spread: Spread) -> float:
    """How likely an estimate this low or lower is when the truth lies at the edge."""
    return t_tail((edge - estimate) / spread.se, spread.df)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given.

    Source: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.
    """
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def combined(parts: Iterable[Spread]) -> Spread:
    """The spread of a sum of independent parts, with Welch and Satterthwaite's degrees of freedom.

    A part whose spread counts as known adds to the error and not to its uncertainty.
    """
    kept = [part for part in parts if part.se > 0]
    variance = sum(part.se**2 for part in kept)
    doubt = sum(part.se**4 / part.df for part in kept if part.df is not None)
    return Spread(math.sqrt(variance), variance**2 / doubt if doubt > 0 else None)


def mean_spread(values: Values, size: float = 0.0) -> Spread:
    """Spread of the mean of independent values; 0 where a single one shows none, or all are one value but for rounding.

    Args:
        values: What varies.
        size: Of the numbers that the values are differences of, where they are larger: rounding goes by those.
    """
    count = len(values)
    if count < 2:  # noqa: PLR2004  one value has no spread
        return Spread(0.0, None)
    deviation = float(np.std(values, ddof=1))
    is_one_value = deviation <= BELOW_ROUNDING * max(size, float(np.abs(values).max()))
    return Spread(0.0 if is_one_value else deviation / math.sqrt(count), count - 1.0)


def ratio_spread(observed: Values, reference: Values) -> Spread:
    """Linearised spread of sum(observed) / sum(reference) over units that are drawn together.

    It is 0 where every unit shows one ratio but for rounding.

    Source: the delta method; residuals e = observed - ratio * reference.
    """
    count = len(observed)
    if count < 2:  # noqa: PLR2004  one unit has no spread
        return Spread(0.0, None)
    residuals = ratio_residuals(observed, reference)
    if np.abs(residuals).max() <= BELOW_ROUNDING * np.abs(observed).max():
        return Spread(0.0, count - 1.0)
    spread = math.sqrt(float((residuals**2).sum()) / (count * (count - 1)))
    return Spread(spread / abs(float(reference.mean())), count - 1.0)


def share_spread(counts: Values, sizes: Values) -> Spread:
    """Standard error, in points, of a mean of shares of independent groups, less the mean of those whose size is below zero.

    Each share varies as if one unit more of either kind had been found: a share of none or of all has an error, too.

    Source: Agresti and Caffo, The American Statistician 54 (2000) 280-288.

    Args:
        counts: Units of the kind, by group.
        sizes: All units of the group; negative where its share is subtracted.
    """
    whole = np.abs(sizes) + 2
    shares = (counts + 1) / whole
    variances = shares * (1 - shares) / whole
    sides = [variances[side] for side in (sizes > 0, sizes < 0) if side.any()]
    return Spread(100 * float(np.sqrt(sum(side.sum() / len(side) ** 2 for side in sides))), None)


def ratio_residuals(observed: Values, reference: Values) -> Values:
    """What each unit adds to the sum beyond the ratio of the sums; they add up to nothing."""
    residuals: Values = observed - observed.sum() / reference.sum() * reference
    return residuals


def sign_flip_tail(steps: NDArray[np.int64]) -> float:
    """Exact probability that fair signs give differences of these sizes a sum as large as theirs.

    For steps of one size it is the exact test of McNemar, one-sided.

    Source: R. A. Fisher, The Design of Experiments (1935), section 21; the distribution by convolution of binomials.

    Args:
        steps: Differences in whole steps; zeros say nothing.
    """
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    chances, total = np.ones(1), 0
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        ways = np.zeros(2 * size * count + 1)
        ways[:: 2 * size] = special.bdtr(np.arange(count + 1), count, 0.5)
        ways[2 * size :: 2 * size] -= ways[: -2 * size : 2 * size].copy()
        chances, total = _convolved(chances, ways), total + size * count
    return float(min(1.0, chances[total + int(steps.sum()) :].sum()))


def _convolved(one: Values, other: Values) -> Values:
    """The distribution of a sum of independent parts; by Fourier's way, which thousands of questions need."""
    length = len(one) + len(other) - 1
    found: Values = np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length)
    return np.maximum(found, 0.0)


def standard_deviation(values: Sequence[float]) -> float:
    """Sample standard deviation; 0 for fewer than two values, which show none."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def sign_tail(positive: int, total: int) -> float:
    """Exact probability of at least so many positive signs among fair ones."""
    return float(special.bdtrc(positive - 1, total, 0.5))


def expected_maximum(count: int) -> float:
    """Expected largest of so many independent standard normal values: how much a maximum flatters, in SE."""
    grid = np.linspace(-10.0, 10.0, 20_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    weights = count * density * special.ndtr(grid) ** (count - 1)
    return float(np.trapezoid(grid * weights, grid))


def units_for_equivalence(unit_sd: float, margin: float, power: float = 0.8) -> int:
    """Units that a mean needs to be shown within a margin of its true value, when there it is.

    Source: the two one-sided tests at `ALPHA` for a true difference of 0.
    """
    quantiles = float(special.ndtri(1 - ALPHA) + special.ndtri((1 + power) / 2))
    return math.ceil((quantiles * unit_sd / margin) ** 2)


def median_draws(values: Values, num_draws: int) -> Values:
    """The bootstrap distribution of a median as evenly spaced quantiles: it is known without drawing.

    The median of n drawn values is at most the k-th smallest where more than half of them are, a binomial event.

    Source: J. Maritz and R. Jarrett, "A note on estimating the variance of the sample median", JASA 73 (1978), 194-196.

    Args:
        values: The values; of an even number, the lower of both middle ones stands for the median of a draw.
        num_draws: How many quantiles.
    """
    ordered, count = np.sort(values), len(values)
    middle = (count + 1) // 2
    at_most = special.bdtrc(middle - 1, count, np.arange(1, count + 1) / count)
    places = np.searchsorted(at_most, (np.arange(num_draws) + 0.5) / num_draws)
    drawn: Values = ordered[np.minimum(places, count - 1)]
    return drawn
