"""The mean over several estimates as one sample: questions that several of them share count once."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.judge.resampled import Resampled, about_seeds, by_seed, size_of, steps_of
from harness.judge.sample import Assumption, Sample
from harness.judge.unit_values import UnitRows
from harness.statistics.stats import BELOW_ROUNDING, Spread, combined
from harness.words.estimate import Estimate, Formula

Part = tuple[Estimate, UnitRows]
Values = NDArray[np.float64]


def pooled_estimates(resampled: Resampled, estimate_ids: Sequence[str]) -> Sample:
    """The mean of several paired differences, each weighing alike, under the population target.

    The same question in several languages is one cluster, and so is a training seed: its adapters start from the same
    weights and see the same phrases in the same order, whatever the language.

    Raises:
        ValueError: If one of them is no mean difference.
    """
    parts = [_part(resampled, each) for each in estimate_ids]
    spread = combined((_between_questions(parts), _between_seeds(parts)))
    return Sample(
        estimate_id=" + ".join(estimate_ids),
        value=float(np.mean([estimate.value for estimate, _ in parts])),
        spread=spread,
        num_units=min(len(rows.names) for _, rows in parts),
        num_seeds=min(len(rows.seeds) for _, rows in parts),
        method=f"t over questions, shared across {len(parts)} cells, and training seeds",
        steps=_steps(parts),
        assumptions=_about_seeds(parts),
    )


def pooled_samples(samples: Sequence[Sample]) -> Sample:
    """The mean of samples that somebody declared.

    Cells share questions, adapters and seeds, and a summary does not say how much of its error: so nothing averages out.
    """
    known = [sample.spread.df for sample in samples if sample.spread.df is not None]
    return Sample(
        estimate_id=" + ".join(sample.estimate_id for sample in samples),
        value=float(np.mean([sample.value for sample in samples])),
        spread=Spread(float(np.mean([sample.spread.se for sample in samples])), min(known, default=None)),
        num_units=min(sample.num_units for sample in samples),
        num_seeds=min(sample.num_seeds for sample in samples),
        method=f"mean of {len(samples)} declared values, whose errors may be one and the same",
    )


def _part(resampled: Resampled, estimate_id: str) -> Part:
    rows = resampled.stored.unit_rows(estimate_id)
    assert rows is not None, f"{estimate_id} is stored without its questions"
    estimate = resampled.stored.estimates[estimate_id]
    if estimate.formula != Formula.DIFFERENCE:
        raise ValueError(f"{estimate_id} is a {estimate.formula}; only mean differences can be pooled")
    return estimate, rows


def _between_questions(parts: Sequence[Part]) -> Spread:
    influence: dict[Hashable, float] = defaultdict(float)
    for estimate, rows in parts:
        for name, share in zip(rows.names, _shares(rows.mean_observed - rows.mean_reference), strict=True):
            influence[estimate.benchmark, name] += share / len(parts)
    count = len(influence)
    if count < 2:  # noqa: PLR2004  one question has no spread
        return Spread(0.0, None)
    return _between_clusters(influence, count, _size_of(parts), math.sqrt(count / (count - 1)))


def _between_seeds(parts: Sequence[Part]) -> Spread:
    influence, fewest = _by_seed(parts), min(len(rows.seeds) for _, rows in parts)
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
        for name, step in zip(rows.names, steps.tolist(), strict=True):
            sums[estimate.benchmark, name] += step
    return np.array(list(sums.values()), dtype=np.int64)


def _about_seeds(parts: Sequence[Part]) -> tuple[Assumption, ...]:
    influence = _by_seed(parts)
    return (about_seeds(np.array(list(influence.values()))),) if len(influence) > 1 else ()
