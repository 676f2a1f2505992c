"""Limits that hold for all members at once: max-t over joint draws, and how often each member is the largest.

The largest of several noisy estimates is too large on average, so claims about a maximum need limits that know how
many took part.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.judge.sample import Sample
from harness.tools.resampling import share_above, stream
from harness.tools.stats import ALPHA

Values = NDArray[np.float64]

DECLARED_DRAWS = 9_999
"""Draws that stand in where no member comes with bootstrap values."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Members of one claim with their joint draws, one table per way of resampling."""

    values: Values
    errors: Values
    tables: tuple[Values, ...]
    """[draw, member] each."""

    def p_rise(self, statistic: float) -> float:
        """How often some member's draw exceeds its estimate by that many standard errors."""
        return max(
            share_above(((table - self.values) / self.errors).max(axis=1), statistic) for table in self.tables
        )

    def p_fall(self, statistic: float) -> float:
        """How often some member's draw stays below its estimate by that many standard errors."""
        return max(
            share_above(((self.values - table) / self.errors).max(axis=1), statistic) for table in self.tables
        )

    def lower_limits(self) -> Values:
        """One-sided limits below every member, all of which hold at once at `ALPHA`."""
        rises = [((table - self.values) / self.errors).max(axis=1) for table in self.tables]
        limits: Values = self.values - max(_upper_point(each) for each in rises) * self.errors
        return limits

    def upper_limits(self) -> Values:
        """One-sided limits above every member, all of which hold at once at `ALPHA`."""
        falls = [((self.values - table) / self.errors).max(axis=1) for table in self.tables]
        limits: Values = self.values + max(_upper_point(each) for each in falls) * self.errors
        return limits

    def share_largest_elsewhere(self, places: Sequence[int]) -> float:
        """Share of draws whose largest member is none of the named ones; the widest way of resampling counts."""
        return max(
            (1 + int((~np.isin(table.argmax(axis=1), places)).sum())) / (1 + len(table))
            for table in self.tables
        )

    def p_beaten(self, places: Sequence[int]) -> float:
        """How well "a named member is the largest" explains the best lead of any other over all of them.

        Max-t over every pair of another member with a named one.
        """
        others = [place for place in range(len(self.values)) if place not in set(places)]
        leads = _pairwise(self.values, others, places)
        errors = np.sqrt(_pairwise(self.errors**2, others, places, sign=1))
        best = float((leads / errors).min(axis=-1).max())
        return max(
            share_above(((_pairwise(table, others, places) - leads) / errors).max(axis=(1, 2)), best)
            for table in self.tables
        )


def joint(samples: Sequence[Sample]) -> Joint:
    """The members with their draws; those without any are drawn from Student's distribution of their error."""
    ways = max(1, *(len(sample.draws) for sample in samples))
    num_draws = next((len(sample.draws[0]) for sample in samples if sample.draws), DECLARED_DRAWS)
    tables = tuple(
        np.stack([_drawn(sample, way, num_draws) for sample in samples], axis=1) for way in range(ways)
    )
    return Joint(
        values=np.array([sample.value for sample in samples]),
        errors=np.array([sample.spread.se for sample in samples]),
        tables=tables,
    )


def _drawn(sample: Sample, way: int, num_draws: int) -> Values:
    if sample.draws:
        return sample.draws[min(way, len(sample.draws) - 1)]
    generator, df = stream(f"declared/{sample.estimate_id}", sample.stream_number), sample.spread.df
    deviates = generator.standard_normal(num_draws) if df is None else generator.standard_t(df, num_draws)
    return sample.value + sample.spread.se * deviates


def _pairwise(values: Values, others: Sequence[int], places: Sequence[int], sign: int = -1) -> Values:
    pairs: Values = values[..., list(others)][..., :, None] + sign * values[..., list(places)][..., None, :]
    return pairs


def _upper_point(maxima: Values) -> float:
    place = max(1, math.floor(ALPHA * (len(maxima) + 1) + 1e-9))
    return float(np.sort(maxima)[-place])
