"""The estimates stage: stored tables in, every quantity of the study out; no model, no printed number."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.designs.controls import controls
from harness.designs.disparity import (
    BaseRun,
    dictionary_errors,
    gaps,
    kept_selections,
    read_base_run,
    similarities,
    text_lengths,
    translation_flags,
    translation_scores,
    unscored_translators,
)
from harness.designs.failed_estimates import broken_estimates
from harness.designs.published_scores import published_scores, refused_models
from harness.designs.scores import accuracies, accuracy_retention, correlations, deltas, item_overlaps
from harness.designs.tuning import alignment_moments, gains, retentions, smaller_portions
from harness.statistics.measured import Measured
from harness.store.tables import read_table, table_path, write_table
from harness.words.estimate import BrokenEstimate, Estimate, ItemOverlap, PhraseValue, UnitValue
from harness.words.plan import EstimatesTask
from harness.words.records import AdapterFailure, Coverage, UnscoredTranslator, UnusableModel


def produce(task: EstimatesTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Write estimates, with what units and phrases contributed to them, which could not be formed, and what phrases cover.

    An estimate over adapters of which one was not trained is not formed from the others: it is named with the reason. So is
    a published model that cannot be used, and a benchmark whose questions are not the same in every language.
    """
    base = read_base_run(task, inputs)
    found = list(_estimates(base, task, inputs))
    _require_unique(found)
    if base.failures:
        write_table(out, AdapterFailure, base.failures)
        write_table(out, BrokenEstimate, broken_estimates(base))
    if overlaps := item_overlaps(task, inputs):
        write_table(out, ItemOverlap, overlaps)
    if unscored := unscored_translators(inputs):
        write_table(out, UnscoredTranslator, unscored)
    if refused := refused_models(task, inputs):
        write_table(out, UnusableModel, refused)
    if coverage := _coverage(inputs["phrases/all"]):
        write_table(out, Coverage, coverage)
    write_table(out, Estimate, (part.estimate for part in found))
    write_table(out, UnitValue, (row for part in found for row in part.units))
    write_table(out, PhraseValue, (row for part in found for row in part.phrases))


def estimates(task: EstimatesTask, inputs: Mapping[str, Path]) -> Iterator[Measured]:
    """Every quantity, in the order in which a report shows them."""
    yield from _estimates(read_base_run(task, inputs), task, inputs)


def _estimates(base: BaseRun, task: EstimatesTask, inputs: Mapping[str, Path]) -> Iterator[Measured]:
    yield from gaps(base)
    yield from gains(base, inputs)
    yield from retentions(base, inputs)
    yield from accuracies(base, inputs)
    yield from deltas(base, inputs)
    yield from accuracy_retention(base, inputs)
    yield from correlations(base, inputs)
    yield from similarities(task, inputs)
    yield from text_lengths(task, inputs)
    yield from kept_selections(base)
    yield from dictionary_errors(task, inputs)
    yield from translation_flags(task, inputs)
    yield from translation_scores(task, inputs)
    yield from alignment_moments(base, inputs)
    yield from smaller_portions(base, inputs)
    yield from controls(base, inputs)
    yield from published_scores(base, inputs)


def _coverage(phrases: Path) -> list[Coverage]:
    """What the phrases cover of each layer: passed on, so that a report finds it beside the numbers that rest on it."""
    return read_table(phrases, Coverage) if table_path(phrases, Coverage).is_file() else []


def _require_unique(found: list[Measured]) -> None:
    ids = [part.estimate.estimate_id for part in found]
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    assert not twice, f"two estimates share a name: {twice[:3]}"
