"""The mean over several estimates as one measurement: questions that several of them share count once."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.judge.measurements import Measurement
from harness.judge.resampled import Part, by_seed, size_of, steps_of
from harness.statistics.assumptions import about_seeds
from harness.statistics.stats import BELOW_ROUNDING, Spread, combined
from harness.words.estimate import Formula
from harness.words.verdict import Interval

Values = NDArray[np.float64]


def pooled(measured: Sequence[Measurement]) -> Measurement:
    """The mean of several, each weighing alike, under the population target.

    The same question in several languages is one cluster, and so is a training seed: its adapters start from the same
    weights and see the same phrases in the same order, whatever the language. Where one of them was declared without its
    units nobody knows how much of their errors they share, so nothing averages out.

    Raises:
        ValueError: If one of them is no mean difference.
    """
    parts = [(each.estimate, each.rows) for each in measured if each.estimate and each.rows]
    if len(parts) < len(measured):
        return _of_declared(measured)
    for estimate, _ in parts:
        if estimate.formula != Formula.DIFFERENCE:
            raise ValueError(
                f"{estimate.estimate_id} is a {estimate.formula}; only mean differences can be pooled"
            )
    influence = _by_seed(parts)
    return Measurement(
        estimate_id=" + ".join(each.estimate_id for each in measured),
        value=float(np.mean([estimate.value for estimate, _ in parts])),
        spread=combined((_between_questions(parts), _between_seeds(parts, influence))),
        num_units=min(len(rows.names) for _, rows in parts),
        num_seeds=min(len(rows.seeds) for _, rows in parts),
        method=f"t over questions, shared across {len(parts)} cells, and training seeds",
        steps=_steps(parts),
        within=_within(measured),
        assumptions=(about_seeds(np.array(list(influence.values()))),) if len(influence) > 1 else (),
    )


def _of_declared(measured: Sequence[Measurement]) -> Measurement:
    known = [each.spread.df for each in measured if each.spread.df is not None]
    return Measurement(
        estimate_id=" + ".join(each.estimate_id for each in measured),
        value=float(np.mean([each.value for each in measured])),
        spread=Spread(float(np.mean([each.spread.se for each in measured])), min(known, default=None)),
        num_units=min(each.num_units for each in measured),
        num_seeds=min(each.num_seeds for each in measured),
        method=f"mean of {len(measured)} declared values, whose errors may be one and the same",
        within=_within(measured),
    )


def _within(measured: Sequence[Measurement]) -> Interval:
    """Between which numbers the mean lies: its members are as wide as they are."""
    return min(each.within[0] for each in measured), max(each.within[1] for each in measured)


def _between_questions(parts: Sequence[Part]) -> Spread:
    influence: dict[Hashable, float] = defaultdict(float)
    for estimate, rows in parts:
        for name, share in zip(rows.varying, _shares(rows.mean_observed - rows.mean_reference), strict=True):
            influence[estimate.benchmark, name] += share / len(parts)
    count = len(influence)
    if count < 2:  # noqa: PLR2004  one question has no spread
        return Spread(0.0, None)
    return _between_clusters(influence, count, _size_of(parts), math.sqrt(count / (count - 1)))


def _between_seeds(parts: Sequence[Part], influence: Mapping[Hashable, float]) -> Spread:
    fewest = min(len(rows.seeds) for _, rows in parts)
    return _between_clusters(influence, fewest, _size_of(parts)) if fewest > 1 else Spread(0.0, None)


def _by_seed(parts: Sequence[Part]) -> Mapping[Hashable, float]:
    """What each training seed adds to the mean, whatever it trained."""
    influence: dict[Hashable, float] = defaultdict(float)
    for estimate, rows in parts:
        count = len(rows.seeds)
        for seed, share in zip(rows.seeds, _shares(np.array(by_seed(estimate, rows))), strict=True):
            influence[seed] += share / len(parts) * math.sqrt(count / (count - 1) if count > 1 else 1.0)
    return influence


def _shares(values: Values) -> list[float]:
    """What each value adds to their mean."""
    shares: list[float] = ((values - values.mean()) / len(values)).tolist() if len(values) else []
    return shares


def _between_clusters(
    influence: Mapping[Hashable, float], count: int, size: float, scale: float = 1.0
) -> Spread:
    """Spread of a sum of clusters, each with all that it adds; none where that is what rounding leaves."""
    spread = scale * math.sqrt(math.fsum(each**2 for each in influence.values()))
    return Spread(spread if spread > BELOW_ROUNDING * size else 0.0, count - 1.0)


def _size_of(parts: Sequence[Part]) -> float:
    return max(size_of(rows) for _, rows in parts)


def _steps(parts: Sequence[Part]) -> NDArray[np.int64] | None:
    """Flipped outcomes of every question, over all cells that ask it, where each outcome weighs alike."""
    found = [steps_of(estimate, rows) for estimate, rows in parts]
    if len({(len(rows.names), len(rows.seeds)) for _, rows in parts}) > 1:
        return None
    sums: dict[Hashable, int] = defaultdict(int)
    for (estimate, rows), steps in zip(parts, found, strict=True):
        if steps is None:
            return None
        for name, step in zip(rows.varying, steps.tolist(), strict=True):
            sums[estimate.benchmark, name] += step
    return np.array(list(sums.values()), dtype=np.int64)
