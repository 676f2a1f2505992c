"""The mean over several estimates as one sample: questions that several of them share count once."""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.judge.resampled import Resampled, by_seed
from harness.judge.sample import Sample
from harness.judge.unitrows import UnitRows
from harness.tools.stats import Spread, combined
from harness.words.estimate import Estimate
from harness.words.formula import Formula

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
    return _between_clusters(influence)


def _between_seeds(parts: Sequence[Part]) -> Spread:
    influence: dict[Hashable, float] = defaultdict(float)
    for estimate, rows in parts:
        for seed, share in zip(rows.seeds, _shares(np.array(by_seed(estimate, rows))), strict=True):
            influence[seed] += share / len(parts)
    return _between_clusters(influence)


def _shares(values: Values) -> list[float]:
    """What each value adds to their mean."""
    shares: list[float] = ((values - values.mean()) / len(values)).tolist() if len(values) else []
    return shares


def _between_clusters(influence: Mapping[Hashable, float]) -> Spread:
    """Spread of a sum of clusters, each with all that it adds."""
    count = len(influence)
    if count < 2:  # noqa: PLR2004  one cluster has no spread
        return Spread(0.0, None)
    variance = math.fsum(each**2 for each in influence.values()) * count / (count - 1)
    return Spread(math.sqrt(variance), count - 1.0)
