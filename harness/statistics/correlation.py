"""Correlation over a handful of units: Fisher's interval, exact permutations, one unit left out, one held constant."""

import itertools
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.statistics.metrics import MIN_PAIRS, pearson
from harness.statistics.resampling import stream
from harness.statistics.stats import t_quantile, t_tail

Values = NDArray[np.float64]

EXACT_UP_TO = 9
"""Units whose orders are all tried: 9! is 362,880."""

RANDOM_ORDERS = 100_000


@dataclass(frozen=True)
class Fisher:
    """A correlation on Fisher's scale, where it is nearly normal."""

    z: float
    se: float

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided interval of the correlation."""
        half = t_quantile((1 + level) / 2, None) * self.se
        return math.tanh(self.z - half), math.tanh(self.z + half)

    def tail_above_zero(self) -> float:
        """How likely a correlation this high or higher is when there is none."""
        return t_tail(self.z / self.se, None)


def fisher(correlation: float, units: int) -> Fisher:
    """Pearson's correlation on Fisher's scale.

    Raises:
        ValueError: If there are fewer than four units, which leave no spread to tell.
    """
    if units <= MIN_PAIRS:
        raise ValueError(f"{units} units; an interval for a correlation needs at least {MIN_PAIRS + 1}")
    return Fisher(_atanh(correlation), 1 / math.sqrt(units - MIN_PAIRS))


def spearman(x: Values, y: Values) -> float:
    """Rank correlation; equal values share their mean rank."""
    return pearson(_ranks(x), _ranks(y))


def leave_one_out(x: Values, y: Values) -> tuple[float, ...]:
    """The correlation without each unit in turn."""
    return tuple(pearson(np.delete(x, place), np.delete(y, place)) for place in range(len(x)))


def partial(x: Values, y: Values, constant: Values) -> float:
    """The correlation of what a third quantity does not explain linearly; NaN where it explains everything."""
    xy, xc, yc = pearson(x, y), pearson(x, constant), pearson(y, constant)
    left = (1 - xc**2) * (1 - yc**2)
    return (xy - xc * yc) / math.sqrt(left) if left > 0 else math.nan


@dataclass(frozen=True)
class PermutationP:
    """How often a shuffled order correlates as strongly."""

    one_sided: float
    """In the direction that was seen."""
    two_sided: float
    exact: bool


def permutation_p(x: Values, y: Values) -> PermutationP:
    """The share of orders of y that correlate at least as strongly; every order up to nine units, else random ones."""
    seen = pearson(x, y)
    exact = len(x) <= EXACT_UP_TO
    orders = _every_order(len(x)) if exact else _random_orders(len(x))
    deviations = x - x.mean()
    scale = math.sqrt(float((deviations**2).sum() * ((y - y.mean()) ** 2).sum()))
    shuffled = (y[orders] - y.mean()) @ deviations / scale
    # Sums in another order differ by roundings, so an equal order must count as at least as strong.
    strong = np.abs(shuffled) >= abs(seen) - 1e-12
    same_side = shuffled * math.copysign(1, seen) >= abs(seen) - 1e-12
    if exact:
        return PermutationP(float(same_side.mean()), float(strong.mean()), exact=True)
    one_sided, two_sided = ((1 + int(hits.sum())) / (1 + len(orders)) for hits in (same_side, strong))
    return PermutationP(one_sided, two_sided, exact=False)


@cache
def _every_order(units: int) -> NDArray[np.int64]:
    return np.array(list(itertools.permutations(range(units))), dtype=np.int64)


@cache
def _random_orders(units: int) -> NDArray[np.int64]:
    generator = stream(f"orders of {units}", 1)
    orders: NDArray[np.int64] = generator.permuted(np.tile(np.arange(units), (RANDOM_ORDERS, 1)), axis=1)
    return orders


def _ranks(values: Values) -> Values:
    order, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    last = np.cumsum(counts)
    ranks: Values = (last - (counts - 1) / 2)[order]
    return ranks


def _atanh(correlation: float) -> float:
    return math.copysign(math.inf, correlation) if abs(correlation) >= 1 else math.atanh(correlation)
