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
from harness.statistics.resampling import share_above, stream
from harness.statistics.stats import ALPHA

Values = NDArray[np.float64]

DECLARED_DRAWS = 9_999
"""Draws that stand in where no member comes with bootstrap values."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Members of one claim with their joint draws."""

    values: Values
    errors: Values
    table: Values
    """[draw, member]: values that the truths may have together."""

    def p_rise(self, statistic: float) -> float:
        """How often some member lies so many standard errors above its truth."""
        return share_above(self._rises().max(axis=1), statistic)

    def lower_limits(self) -> Values:
        """One-sided limits below every member, all of which hold at once at `ALPHA`."""
        limits: Values = self.values - _upper_point(self._rises().max(axis=1)) * self.errors
        return limits

    def p_largest_elsewhere(self, places: Sequence[int]) -> float:
        """How well "the largest is none of the named" explains how far a named member leads.

        Every other member must be led by some named one, so the worst of them decides; against one of them, the best
        lead of several named members is held against the best of their joint errors.

        Source: J. Hsu, Multiple Comparisons (1996), chapter 4, and the intersection-union test.
        """
        leads, errors = self._leads(places, self._others(places))
        return max(
            share_above(errors[:, :, other].max(axis=1), float(leads[:, other].max()))
            for other in range(leads.shape[1])
        )

    def p_beaten(self, places: Sequence[int]) -> float:
        """How well "a named member is the largest" explains the best lead of any other over all of them.

        Any named member may be the largest in truth, so the one that explains it best decides.

        Source: J. Hsu, Multiple Comparisons (1996), chapter 4.
        """
        leads, errors = self._leads(self._others(places), places)
        best = float(leads.min(axis=1).max())
        return max(share_above(errors[:, :, named].max(axis=1), best) for named in range(leads.shape[1]))

    def _others(self, places: Sequence[int]) -> list[int]:
        return [place for place in range(len(self.values)) if place not in set(places)]

    def _rises(self) -> Values:
        """How many standard errors each member lies above its truth, per draw."""
        rises: Values = (self.values - self.table) / self.errors
        return rises

    def _leads(self, leading: Sequence[int], led: Sequence[int]) -> tuple[Values, Values]:
        """Leads of some members over others in their standard errors, [leading, led], and their joint errors per draw."""
        scale = np.sqrt(_pairwise(self.errors**2, leading, led, sign=1))
        leads = _pairwise(self.values, leading, led) / scale
        return leads, _pairwise(self.values - self.table, leading, led) / scale


def joint(samples: Sequence[Sample]) -> Joint:
    """The members with their draws; those without any are drawn from Student's distribution of their error."""
    num_draws = next((len(sample.draws) for sample in samples if sample.draws is not None), DECLARED_DRAWS)
    return Joint(
        values=np.array([sample.value for sample in samples]),
        errors=np.array([sample.spread.se for sample in samples]),
        table=np.stack([_drawn(sample, num_draws) for sample in samples], axis=1),
    )


def _drawn(sample: Sample, num_draws: int) -> Values:
    if sample.draws is not None:
        return sample.draws
    generator, df = stream(f"declared/{sample.estimate_id}", sample.stream_number), sample.spread.df
    deviates = generator.standard_normal(num_draws) if df is None else generator.standard_t(df, num_draws)
    return sample.value + sample.spread.se * deviates


def _pairwise(values: Values, leading: Sequence[int], led: Sequence[int], sign: int = -1) -> Values:
    pairs: Values = values[..., list(leading)][..., :, None] + sign * values[..., list(led)][..., None, :]
    return pairs


def _upper_point(maxima: Values) -> float:
    place = max(1, math.floor(ALPHA * (len(maxima) + 1) + 1e-9))
    return float(np.sort(np.nan_to_num(maxima, nan=np.inf))[-place])
