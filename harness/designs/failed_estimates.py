"""Estimates that could not be formed, since an adapter that they need was never trained."""

from collections.abc import Iterator

from harness.designs.controls import control_scopes
from harness.designs.disparity import BaseRun
from harness.designs.scores import accuracy_retention_scope, delta_scope, relative_scope
from harness.designs.tuning import gain_scopes, moment_scopes, retention_scope
from harness.statistics.measured import Scope
from harness.words.estimate import BrokenEstimate


def broken_estimates(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Every estimate that is missing on account of an adapter, with the failures that explain it."""
    for is_control, scopes in ((False, _of_language), (True, control_scopes)):
        by_language: dict[str, list[str]] = {}
        for failure in base.failures:
            if failure.is_control is is_control:
                by_language.setdefault(failure.language, []).append(str(failure))
        for code, sentences in by_language.items():
            for scope in scopes(base, code):
                yield BrokenEstimate(estimate_id=scope.estimate_id, because=" ".join(sentences))
    if base.failures_of_seeds:
        every = " ".join(map(str, base.failures_of_seeds))
        for scope in (retention_scope(base, None), accuracy_retention_scope(base)):
            yield BrokenEstimate(estimate_id=scope.estimate_id, because=every)


def _of_language(base: BaseRun, code: str) -> Iterator[Scope]:
    yield from gain_scopes(base, code)
    yield retention_scope(base, code)
    for benchmark in base.task.benchmarks:
        yield from (delta_scope(quantity, code, benchmark) for quantity in ("delta", "delta-english"))
        yield relative_scope(code, benchmark)
    yield from (scope for scope, _, _ in moment_scopes(code))
