"""The specified-estimates stage: what claims may be about alone, under one specification that took another extraction or training."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.quantities import scope_of
from harness.designs.disparity.scores import delta_scope
from harness.designs.disparity.specifications import (
    NOTHING_LEFT,
    Kept,
    Named,
    specified_adapters,
    specified_deltas,
    specified_gaps,
)
from harness.designs.disparity.tuning import gain_scopes, retention_scope, tuned_codes
from harness.designs.specified_tables import SpecifiedTables
from harness.stages.stage import stage
from harness.words.estimate import Scope
from harness.words.study import Benchmark, Language, Specification


@stage(on="processor")
def specified_estimates(
    inputs: Mapping[str, Path],
    *,
    out: Path,
    name: str,
    kinds: tuple[str, ...],
    because: str,
    languages: tuple[Language, ...],
    benchmarks: tuple[Benchmark, ...],
    layers: tuple[int, ...],
    specification: Specification,
    adapter_seeds: tuple[int, ...],
) -> None:
    """What one other extraction or training gives.

    Gaps, gains, retention and changes of accuracy, computed as the primary specification computes them, of the kinds that the specification can move. One that no run has leaves
    holes with the reason, and so does an adapter that was not trained.
    """
    base = BaseRun(
        inputs=inputs,
        languages=languages,
        benchmarks=benchmarks,
        layers=layers,
        specification=specification,
        adapter_seeds=adapter_seeds,
    )
    tables = SpecifiedTables(nothing_left=NOTHING_LEFT)
    if not because:
        _measure(base, name, kinds, tables)
    found = {row.primary_id for row in tables.estimates}
    failed = " ".join(map(str, base.failures_of_seeds))
    for scope, unit_kind in _scopes(base, kinds):
        if scope.estimate_id not in found:
            tables.hole(scope, name, unit_kind, because or failed)
    tables.write(out)


def _measure(base: BaseRun, name: str, kinds: tuple[str, ...], tables: SpecifiedTables) -> None:
    kept = Kept(base=base)
    alone: Named = [(name, {})]
    if "gap" in kinds:
        specified_gaps(kept, (), alone, tables)
    if "gain" in kinds:
        specified_adapters(kept, (), alone, tables)
    if "delta" in kinds:
        specified_deltas(base, name, None, tables)


def _scopes(base: BaseRun, kinds: tuple[str, ...]) -> Iterator[tuple[Scope, str]]:
    """What there would be an estimate of, with the kind of its units."""
    if "gap" in kinds:
        for layer in base.layers:
            yield scope_of("gap", layer=layer, reading="high"), "latent"
    if "gain" in kinds:
        for code in tuned_codes(base):
            yield gain_scopes(base, code)[0], "latent"
        yield retention_scope(base, None), "latent"
    if "delta" in kinds:
        for code in tuned_codes(base):
            for quantity in ("delta", "delta-english"):
                for benchmark in base.benchmarks:
                    yield delta_scope(quantity, code, benchmark), "document"
