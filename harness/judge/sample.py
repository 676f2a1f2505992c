"""One measured quantity as the judge sees it: value, error, draws, and what one run of the paper's design would vary by."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.statistics.resampling import percentile_interval, share_above, share_below
from harness.statistics.stats import Spread, sign_flip_tail, t_quantile, tail_above, tail_below

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """Something that an error takes for granted, and what the units show of it."""

    says: str
    """One sentence, with the figure that speaks for or against it."""
    is_broken: bool = False
    """True where the units show that it does not hold: then no verdict is earned."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One measured quantity under one inference target."""

    estimate_id: str
    value: float
    spread: Spread
    """Of the value; every source of error that the inference target counts."""
    num_units: int
    unit_kind: str = ""
    """What varies, such as "latent"; empty where somebody declared the number."""
    num_seeds: int
    """0 when nothing was trained."""
    method: str
    """How the error was found, for the report."""
    one_run_sd: float | None = None
    """Standard error of one run of the paper's design; None where nobody can say."""
    draws: Values | None = None
    """Values that the truth may have by the bootstrap, the noise of seeds included."""
    stream_number: int = 1
    """Stream that the draws come from, and those that stand in for missing ones."""
    pairs: tuple[Values, Values] | None = None
    """Both sides of a correlation, unit by unit."""
    units: tuple[str, ...] = ()
    """Names of the pairs."""
    control: Values | None = None
    """A third quantity of the same units, which may stand behind both sides."""
    steps: NDArray[np.int64] | None = None
    """Paired differences of outcomes in whole steps, for the exact test of their sign."""
    assumptions: tuple[Assumption, ...] = ()
    """What the error takes for granted."""

    @property
    def is_finite(self) -> bool:
        """False for what a crash leaves behind."""
        return math.isfinite(self.value) and math.isfinite(self.spread.se)

    @property
    def is_without_spread(self) -> bool:
        """True where all units or seeds are equal: then no interval exists."""
        return self.spread.se == 0

    def interval(self, level: float) -> tuple[float, float]:
        """The envelope: at each end the wider of the t interval and the bootstrap's."""
        ends = [
            self.spread.interval(self.value, level),
            *(() if self.draws is None else (percentile_interval(self.draws, level),)),
        ]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def p_above(self, edge: float) -> float:
        """How well a truth at or below the edge explains this value: the larger of the t and the bootstrap p."""
        if self.is_without_spread:
            return 1.0
        return max(tail_above(edge, self.value, self.spread), self._share(share_below, edge))

    def p_below(self, edge: float) -> float:
        """How well a truth at or above the edge explains this value."""
        if self.is_without_spread:
            return 1.0
        return max(tail_below(edge, self.value, self.spread), self._share(share_above, edge))

    def p_without_sign(self, sign: int) -> float:
        """How well a truth without that sign explains the value; of outcomes, also by the exact test of their flips."""
        by_error = self.p_above(0.0) if sign > 0 else self.p_below(0.0)
        return by_error if self.steps is None else max(by_error, sign_flip_tail(sign * self.steps))

    def _share(self, share: Callable[[Values, float], float], edge: float) -> float:
        return 0.0 if self.draws is None else share(self.draws, edge)


@dataclass(frozen=True)
class Noise:
    """Where one unrepeated run of the paper's design would land around our value."""

    one_run_sd: float
    is_assumed: bool
    half_width: float
    """Of the 95 % prediction interval."""


def one_run_noise(sample: Sample) -> Noise:
    """The noise of one run; where nobody can say, our error is taken to shrink with the root of our seeds."""
    known, error = sample.one_run_sd, sample.spread.se
    deviation = error * math.sqrt(max(1, sample.num_seeds)) if known is None else known
    spread = math.hypot(error, deviation)
    return Noise(deviation, known is None, t_quantile(0.975, sample.spread.df) * spread)
