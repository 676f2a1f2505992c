"""The design of emergence studies, as plans, judge and report know it, and what a run of one is evidence for."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.designs.design import Design
from harness.designs.emergence.availability import sources_of, unavailable
from harness.designs.emergence.costs import accelerator_bytes, costs
from harness.designs.emergence.panels import PRESENTATION
from harness.designs.emergence.plan import plan
from harness.designs.emergence.quantities import QUANTITIES, emergence, estimands
from harness.store.tables import read_table
from harness.words.dictionaries import Reconstruction
from harness.words.emergence import EmergenceStudy, ModelCell
from harness.words.mode import Loaded
from harness.words.plan import Plan
from harness.words.records import LoadedFile, LoadedModel
from harness.words.study import Shapes

CHECKED, TRIED = "model-checks", "sae-quality"
"""Stages whose items, one a checkpoint, say what a model and its dictionaries were loaded as."""

Folders = Mapping[tuple[str, str], Path]


def loaded(plan: Plan, folders: Folders) -> tuple[Loaded, ...]:
    """Every checkpoint with its dictionaries, as the study has them and as they were loaded, with the digests of its files."""
    study = emergence(plan.study)
    return tuple(_loaded(study, cell, folders) for cell in sources_of(plan.profile).cells)


def _loaded(study: EmergenceStudy, cell: ModelCell, folders: Folders) -> Loaded:
    (shapes,) = (size.shapes for size in study.sizes if size.name == cell.size)
    expected = replace(shapes, dictionary_layers=study.layers_of_depth(shapes.num_layers))
    checked, tried = (folders.get((stage, cell.name)) for stage in (CHECKED, TRIED))
    if checked is None or tried is None:
        return Loaded(name=cell.name, expected=expected, found=None)
    return Loaded(
        name=cell.name,
        expected=expected,
        found=_shapes(checked, tried),
        digests=frozenset(file.sha256 for file in read_table(checked, LoadedFile)),
    )


def _shapes(checked: Path, tried: Path) -> Shapes | None:
    """Shapes of a model and its dictionaries; None where these are of several widths."""
    (model,), dictionaries = read_table(checked, LoadedModel), read_table(tried, Reconstruction)
    latents = {row.latents for row in dictionaries}
    if len(latents) != 1:
        return None
    return Shapes(
        num_layers=model.num_layers,
        d_model=model.d_model,
        d_sae=latents.pop(),
        vocab_size=model.vocab_size,
        dictionary_layers=tuple(sorted({row.layer for row in dictionaries})),
    )


DESIGN = Design(
    plan=plan,
    estimands=estimands,
    quantities=QUANTITIES,
    code=("harness.designs.emergence.estimates",),
    specified_estimates="specified-estimates",
    # What is claimed of every size and language is claimed under one specification at a time.
    grades_several=True,
    replay="feature-replay",
    loaded=loaded,
    self_checks="self-checks",
    unavailable=unavailable,
    accelerator_bytes=accelerator_bytes,
    costs=costs,
    presentation=PRESENTATION,
)
