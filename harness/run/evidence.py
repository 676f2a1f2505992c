"""What a run is evidence for: from the networks that its replay stage loaded, and the files behind them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.sources.pins import content_digests, fixture_digests
from harness.statistics.replay_gate import enough_rows
from harness.store.tables import read_table
from harness.words.mode import Evidence
from harness.words.plan import Plan
from harness.words.records import LayerReplay, LoadedFile, LoadedModel
from harness.words.study import Home, Pin, Shapes


@dataclass(frozen=True, kw_only=True)
class ReplayRecord:
    """What the replay stage recorded."""

    model: LoadedModel
    files: tuple[LoadedFile, ...]
    layers: tuple[LayerReplay, ...]


def read_replay(replay: Path) -> ReplayRecord:
    """What stands in the replay stage's artifact."""
    (model,) = read_table(replay, LoadedModel)
    return ReplayRecord(
        model=model,
        files=tuple(read_table(replay, LoadedFile)),
        layers=tuple(read_table(replay, LayerReplay)),
    )


def evidence_of(plan: Plan, replayed: ReplayRecord | None, fixtures: tuple[Pin, ...]) -> Evidence:
    """What a run can show for itself; nothing where the replay stage did not run.

    Args:
        plan: The run's plan.
        replayed: What its replay stage recorded.
        fixtures: Pins of committed folders, whose birth certificates name the digests that are no evidence.
    """
    pins = plan.profile.sources.pins()
    found = {file.sha256 for file in replayed.files} if replayed else set()
    return Evidence(
        loaded=_shapes(replayed) if replayed else None,
        source_digests=frozenset(found.union(*(content_digests(pin) for pin in pins))),
        fixture_digests=frozenset().union(*(fixture_digests(pin) for pin in fixtures)),
        weights_made_here=any(pin.home is Home.MADE for pin in pins),
        layers_replayed=sum(layer.passes for layer in replayed.layers) if replayed else 0,
    )


def evidence_words(shapes: Shapes, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The evidence and what follows from it, as names and values for a report."""
    known = len(evidence.source_digests & evidence.fixture_digests)
    yield "shapes as loaded", _spelled(evidence.loaded) if evidence.loaded else "not known"
    yield "shapes of the study", _spelled(shapes)
    yield "files that stand in a fixture's birth certificate", str(known)
    yield "weights made by the harness", "yes" if evidence.weights_made_here else "no"
    yield "layers found again by replay", f"{evidence.layers_replayed} of {shapes.num_layers}"


def replay_words(replayed: ReplayRecord | None) -> Iterator[tuple[str, str]]:
    """What the replay stage loaded the model as, and how its control came out, as names and values for a report.

    The control is every row without its BOS, which is wrong on purpose: a layer that is found again all the same could not
    have told that a BOS was missing.
    """
    if replayed is None:
        return
    yield "attention as loaded", replayed.model.attention
    yield "dtype as loaded", replayed.model.dtype
    shares = [100 * layer.rows_passing_without_bos / layer.rows for layer in replayed.layers]
    scales = [layer.median_scale_without_bos for layer in replayed.layers]
    yield (
        "rows found again without BOS",
        f"{min(shares):.0f} to {max(shares):.0f} % of a layer's, at a median scale of {min(scales):.3f} to {max(scales):.3f}",
    )
    blind = [layer for layer in replayed.layers if enough_rows(layer.rows_passing_without_bos, layer.rows)]
    named = ", ".join(str(layer.layer) for layer in blind)
    yield (
        "layers found again without BOS",
        f"{named}: there the replay gate could not tell a missing BOS" if blind else f"none of {len(shares)}",
    )


def _shapes(replayed: ReplayRecord) -> Shapes | None:
    """Shapes of model and dictionaries; None where the layers disagree, or not every layer was replayed."""
    sizes = {(layer.d_model, layer.d_sae) for layer in replayed.layers}
    if len(sizes) != 1 or [layer.layer for layer in replayed.layers] != list(
        range(replayed.model.num_layers)
    ):
        return None
    ((d_model, d_sae),) = sizes
    if d_model != replayed.model.d_model:
        return None
    return Shapes(
        num_layers=replayed.model.num_layers,
        d_model=d_model,
        d_sae=d_sae,
        vocab_size=replayed.model.vocab_size,
    )


def _spelled(shapes: Shapes) -> str:
    return (
        f"{shapes.num_layers} layers, {shapes.d_model} wide, vocabulary {shapes.vocab_size:,}, "
        f"dictionaries of {shapes.d_sae:,} latents"
    )
