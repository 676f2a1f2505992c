"""How sure the estimates are that figures draw: the judge's own intervals, and what each training seed gives by itself."""

from collections.abc import Iterator

from harness.judge.question import finite
from harness.judge.resampled import by_seed
from harness.judge.stored import StoredSamples
from harness.judge.unit_values import UnitRows
from harness.words.claim import InferenceTarget
from harness.words.estimate import Estimate, InconsistentError
from harness.words.judgement import Precision, SeedValue

BY_SEED = frozenset({"gain", "retention", "retention-by-adapter", "delta", "delta-english"})
"""Quantities of trained adapters that figures draw seed by seed."""


def precisions(samples: StoredSamples) -> tuple[Precision, ...]:
    """Intervals under the population target, and single seeds, of every estimate that a figure draws.

    An estimate that its stored units contradict has none: claims about it end in ERROR.
    """
    drawn = [estimate for estimate in samples.stored.estimates.values() if _is_drawn(estimate)]
    return tuple(found for estimate in drawn for found in _precision(samples, estimate))


def _is_drawn(estimate: Estimate) -> bool:
    is_group_gap = estimate.quantity == "gap" and estimate.language is None
    return is_group_gap or (estimate.quantity in BY_SEED and estimate.num_seeds > 0)


def _precision(samples: StoredSamples, estimate: Estimate) -> Iterator[Precision]:
    rows = samples.stored.unit_rows(estimate.estimate_id)
    if rows is None:
        return
    try:
        sample = samples.sample(estimate.estimate_id, InferenceTarget.POPULATION)
    except InconsistentError:
        return
    if not sample.is_finite:
        return
    known = not sample.is_without_spread
    yield Precision(
        estimate_id=estimate.estimate_id,
        se=sample.spread.se,
        df=sample.spread.df,
        ci90=finite(sample.interval(0.90)) if known else None,
        ci95=finite(sample.interval(0.95)) if known else None,
        seeds=tuple(_seeds(estimate, rows)),
    )


def _seeds(estimate: Estimate, rows: UnitRows) -> Iterator[SeedValue]:
    has_sides = bool(rows.reference.any())  # a plain mean over seeds is stored with a reference of 0
    values = by_seed(estimate, rows)
    for place, (seed, value) in enumerate(zip(rows.seeds, values, strict=True)):
        yield SeedValue(
            seed=seed,
            value=value,
            before=float(rows.reference[place].mean()) if has_sides else None,
            after=float(rows.observed[place].mean()) if has_sides else None,
        )
