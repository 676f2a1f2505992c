"""The estimates stage: stored tables in, every quantity of the study out; no model, no printed number."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.designs.disparity.ablations import ablation_estimates, broken_ablations
from harness.designs.disparity.base import (
    BaseRun,
    dictionary_errors,
    gaps,
    kept_selections,
    recovered_losses,
    similarities,
    text_lengths,
    translation_flags,
    translation_scores,
    unscored_translators,
)
from harness.designs.disparity.published_scores import published_scores, refused_models, silent_models
from harness.designs.disparity.rivals import decoupling, decoupling_scopes, rivals, silent_slopes
from harness.designs.disparity.scores import (
    accuracies,
    accuracy_retention,
    accuracy_retention_scope,
    correlations,
    delta_scope,
    deltas,
    item_overlaps,
    relative_scope,
)
from harness.designs.disparity.specifications import specified
from harness.designs.disparity.tuning import (
    alignment_moments,
    control_scopes,
    controls,
    gain_scopes,
    gains,
    missing_untrained_gains,
    moment_scopes,
    retention_scope,
    retentions,
    silent_gains,
    silent_retentions,
    smaller_portions,
    untrained_gains,
)
from harness.stages.stage import stage
from harness.statistics.measured import Measured
from harness.store.tables import read_optional, write_table
from harness.words.estimate import (
    BrokenEstimate,
    Estimate,
    ItemOverlap,
    PhraseValue,
    Scope,
    SpecifiedTotals,
    UnitValue,
)
from harness.words.plan import Ablation
from harness.words.records import AdapterFailure, Coverage, UnscoredTranslator, UnusableModel
from harness.words.specification import Axis
from harness.words.study import Benchmark, Language, Specification, layers_read


@stage(on="processor")
def estimates(
    inputs: Mapping[str, Path],
    *,
    out: Path,
    languages: tuple[Language, ...],
    benchmarks: tuple[Benchmark, ...],
    num_layers: int,
    specification: Specification,
    adapter_seeds: tuple[int, ...],
    control_seeds: tuple[int, ...],
    published: tuple[tuple[str, str], ...],
    grid: tuple[Axis, ...] = (),
    ablations: tuple[Ablation, ...] = (),
    control_languages: tuple[str, ...] = (),
    dictionary_layers: tuple[int, ...] | None = None,
) -> None:
    """Every quantity of the study.

    Writes estimates, with what units and phrases contributed to them, which could not be formed, and what phrases cover. An
    estimate over adapters of which one was not trained is not formed from the others: it is named with the reason. So is a
    published model that cannot be used, and a benchmark whose questions are not the same in every language.

    Along the axes of a grid, what claims may be about alone is computed under every other specification as well, into tables of
    its own: those of the primary specification are the same bytes whatever is asked for beside it.
    """
    base = BaseRun(
        inputs=inputs,
        languages=languages,
        benchmarks=benchmarks,
        layers=layers_read(dictionary_layers, num_layers),
        specification=specification,
        adapter_seeds=adapter_seeds,
        control_seeds=control_seeds,
        published=published,
        ablations=ablations,
        control_languages=control_languages,
    )
    found = list(measured_estimates(base))
    _require_unique(found)
    phrases = inputs["phrases/all"]
    for kind, rows in (
        (AdapterFailure, base.failures),
        (BrokenEstimate, tuple(broken_estimates(base))),
        (ItemOverlap, item_overlaps(base)),
        (UnscoredTranslator, unscored_translators(base)),
        (UnusableModel, refused_models(base)),
        # What the phrases cover of each layer is passed on, so that a report finds it beside the numbers that rest on it.
        (Coverage, read_optional(phrases, Coverage)),
    ):
        if rows:
            write_table(out, kind, rows)
    write_table(out, Estimate, (part.estimate for part in found))
    write_table(out, UnitValue, (row for part in found for row in part.units))
    write_table(out, PhraseValue, (row for part in found for row in part.phrases))
    if grid:
        beside = specified(base, grid)
        beside.write(out)
        write_table(out, SpecifiedTotals, beside.totals)


def measured_estimates(base: BaseRun) -> Iterator[Measured]:
    """Every quantity, in the order in which a report shows them."""
    yield from gaps(base)
    gained, changed = list(gains(base)), list(deltas(base))
    yield from gained
    yield from untrained_gains(base)
    yield from retentions(base)
    yield from accuracies(base)
    yield from changed
    yield from accuracy_retention(base)
    yield from correlations(base)
    if not base.failures_of_seeds:
        yield from decoupling(gained, changed)
    yield from rivals(base)
    yield from similarities(base)
    yield from text_lengths(base)
    yield from kept_selections(base)
    yield from dictionary_errors(base)
    yield from recovered_losses(base)
    yield from translation_flags(base)
    yield from translation_scores(base)
    yield from alignment_moments(base)
    yield from smaller_portions(base)
    yield from controls(base)
    yield from ablation_estimates(base)
    yield from published_scores(base)


def broken_estimates(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Every estimate that is missing on account of an adapter or of silence before it, with what explains it."""
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
        for scope in (retention_scope(base, None), accuracy_retention_scope(base), *decoupling_scopes(base)):
            yield BrokenEstimate(estimate_id=scope.estimate_id, because=every)
    yield from silent_gains(base)
    yield from missing_untrained_gains(base)
    yield from silent_retentions(base)
    yield from silent_models(base)
    yield from silent_slopes(base)
    yield from broken_ablations(base)


def _of_language(base: BaseRun, code: str) -> Iterator[Scope]:
    yield from gain_scopes(base, code)
    yield retention_scope(base, code)
    for benchmark in base.benchmarks:
        yield from (delta_scope(quantity, code, benchmark) for quantity in ("delta", "delta-english"))
        yield relative_scope(code, benchmark)
    yield from (scope for scope, _, _ in moment_scopes(code))


def _require_unique(found: list[Measured]) -> None:
    ids = [part.estimate.estimate_id for part in found]
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    assert not twice, f"two estimates share a name: {twice[:3]}"
