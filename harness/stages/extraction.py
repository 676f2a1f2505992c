"""The activations stage: one pass of a model over a language's texts, each as far as the deepest layer it is asked about.

Kept per text: the number of tokens, and the token values of the latents that the phrase speaks for; of a sample, which is
read at every layer that has a dictionary, pooled values of every layer's panel and the mean-pooled residual stream. BOS and padding
never count. Nothing is held longer than one batch, so memory does not grow with texts or with layers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from harness.models.adapters import attached
from harness.models.batches import depth_buckets, padded_left
from harness.models.failed_adapters import passes_on_failure
from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import averaging_matrix, counted_positions, visit_residuals
from harness.models.sae import Encoder, latent_activations, layer_encoder
from harness.stages.stage import stage
from harness.stages.texts import LanguageTexts, language_texts, parallel_texts
from harness.store.tables import TableWriter, read_column, read_table, writing
from harness.words.plan import Networks
from harness.words.records import (
    MeanResidual,
    PanelActivation,
    PanelLatent,
    Selection,
    TextLength,
    TokenActivation,
)

HostActs = NDArray[np.float32]
"""Activations on the host: [token, latent] or [text, latent]."""


@dataclass(frozen=True, kw_only=True)
class LayerReading:
    """What is read in one layer: the encoder cut to the wanted latents, and which text wants which of them."""

    encoder: Encoder
    """Columns of the panel first, in the panel's order, then the other selected latents."""
    latents: tuple[int, ...]
    """Latent of each column."""
    num_panel: int
    own_columns: Mapping[int, tuple[int, ...]]
    """By `text_id`: columns of the latents that the text speaks for."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of the texts of a language."""

    own: Mapping[int, Mapping[int, frozenset[int]]]
    """By layer and `text_id`: the latents that the text speaks for, and is read at."""
    panel: frozenset[int]
    """Texts whose panels are kept; they are read through the whole depth."""
    residuals: frozenset[int] = frozenset()
    """Those of them whose mean residual stream is kept."""

    def depths(self, deepest: int) -> dict[int, int]:
        """By `text_id`: the deepest layer that a text is read at, a panel's being the deepest of all; others are not read."""
        depths = {text: layer for layer in sorted(self.own) for text in self.own[layer]}
        return depths | dict.fromkeys(self.panel, deepest)


@dataclass(frozen=True, kw_only=True)
class Sinks:
    """Where readings go."""

    tokens: TableWriter[TokenActivation]
    panel: TableWriter[PanelActivation]
    residuals: TableWriter[MeanResidual]
    lengths: TableWriter[TextLength]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Texts of about one length, on the device."""

    text_ids: tuple[int, ...]
    input_ids: Tensor
    attention_mask: Tensor
    counted: Bool[Tensor, "batch position"]
    lengths: tuple[int, ...]
    """Counted tokens of each text."""


@stage(on="accelerator")
def activations(
    phrases: Path,
    translation: Path | None = None,
    parallel: Path | None = None,
    *,
    out: Path,
    language: str,  # noqa: ARG001  a name for the key
    networks: Networks,
    panel_texts: int,
    similarity_texts: int,
    seed: int,
) -> None:
    """Latents over every text, untouched model.

    Writes token activations and text lengths of one language, which is English where there is no translation; of a sample
    panel activations, and of a part of that mean residuals. Sentences of a parallel text are no phrases of any latent.
    """
    texts = language_texts(phrases, translation) if parallel is None else parallel_texts(parallel)
    asked = Asked(
        own=own_latents(phrases) if parallel is None else {},
        panel=sample_of(texts.text_ids, max(panel_texts, similarity_texts), seed),
        residuals=sample_of(texts.text_ids, similarity_texts, seed),
    )
    _read_language(texts, asked, phrases, out, networks)


@stage(on="accelerator")
def activations_tuned(
    phrases: Path,
    adapter: Path,
    translation: Path | None = None,
    *,
    out: Path,
    language: str,  # noqa: ARG001  a name for the key
    networks: Networks,
    deepest: int,
    panel_texts: int,
    seed: int,
) -> None:
    """Latents through each adapter.

    Writes what the activations stage does, but no residuals: of the texts that no adapter was trained on, up to the deepest
    layer that adapters are asked about. Through an adapter that was never trained, or cannot be used, nothing is read: the
    reason is passed on.
    """
    if passes_on_failure(adapter, out):
        return
    texts = language_texts(phrases, translation)
    held_out = {text for text, held in zip(texts.text_ids, texts.held_out, strict=True) if held}
    own = {
        layer: {text: latents for text, latents in of_layer.items() if text in held_out}
        for layer, of_layer in own_latents(phrases).items()
        if layer <= deepest
    }
    asked = Asked(own=own, panel=sample_of(texts.text_ids, panel_texts, seed))
    language_model = load_language_model(networks.model, networks.numerics)
    with attached(language_model.model, adapter):
        _read_language(texts, asked, phrases, out, networks)


def sample_of(text_ids: Sequence[int], size: int, seed: int) -> frozenset[int]:
    """A seeded sample of texts: the same in every language, since it is drawn from the ids alone; a larger one holds it."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, len(text_ids)]))
    return frozenset(stream.permutation(np.asarray(text_ids))[:size].tolist())


def own_latents(phrases: Path) -> Mapping[int, Mapping[int, frozenset[int]]]:
    """By layer and `text_id`: the latents that the text speaks for."""
    own: dict[int, dict[int, frozenset[int]]] = defaultdict(dict)
    columns = (read_column(phrases, Selection, name).tolist() for name in ("layer", "text_id", "latent"))
    for layer, text_id, latent in zip(*columns, strict=True):
        own[layer][text_id] = own[layer].get(text_id, frozenset()) | {latent}
    return own


@torch.no_grad()
def _read_language(texts: LanguageTexts, asked: Asked, phrases: Path, out: Path, networks: Networks) -> None:
    """Run the model over the texts of a language, and write what is asked of them, batch by batch.

    A text that is not asked about, or has no token besides BOS, is written with its length and read no further.
    """
    language_model = load_language_model(networks.model, networks.numerics)
    ids = language_model.token_ids(texts.texts)
    lengths = language_model.lengths(ids)
    depths = asked.depths(networks.layers[-1])
    read = [i for i, text in enumerate(texts.text_ids) if text in depths and lengths[i] > 0]
    readings = layer_readings(phrases, networks, asked, max(depths.values(), default=-1))
    batches = depth_buckets(
        [depths[texts.text_ids[i]] for i in read], [len(ids[i]) for i in read], networks.batch_tokens
    )
    with ExitStack() as stack:
        sinks = Sinks(
            tokens=stack.enter_context(writing(out, TokenActivation)),
            panel=stack.enter_context(writing(out, PanelActivation)),
            residuals=stack.enter_context(writing(out, MeanResidual)),
            lengths=stack.enter_context(writing(out, TextLength)),
        )
        sinks.lengths.write(
            TextLength(text_id=text, tokens=tokens)
            for text, tokens in zip(texts.text_ids, lengths, strict=True)
        )
        for bucket in batches:
            members = [read[place] for place in bucket]
            batch = as_batch(language_model, [texts.text_ids[i] for i in members], [ids[i] for i in members])
            reached = max(depths[text] for text in batch.text_ids)
            reached_readings = {layer: each for layer, each in readings.items() if layer <= reached}
            _read_batch(language_model, batch, reached_readings, asked, sinks)


def as_batch(language_model: LanguageModel, text_ids: Sequence[int], ids: Sequence[Sequence[int]]) -> Batch:
    """Token ids padded on the left, with the mask of what counts."""
    input_ids, attention_mask = padded_left(ids, language_model.pad_id, language_model.device)
    return Batch(
        text_ids=tuple(text_ids),
        input_ids=input_ids,
        attention_mask=attention_mask,
        counted=counted_positions(attention_mask, len(language_model.front_ids)),
        lengths=tuple(language_model.lengths(ids)),
    )


def layer_readings(
    phrases: Path, networks: Networks, asked: Asked, deepest: int
) -> Mapping[int, LayerReading]:
    """What is read in every layer that has a dictionary, up to the deepest one; encoders are loaded once per process."""
    panels: dict[int, list[int]] = defaultdict(list)
    for member in read_table(phrases, PanelLatent):
        panels[member.layer].append(member.latent)
    return {
        layer: _layer_reading(networks, layer, panels[layer], asked.own.get(layer, {}))
        for layer in networks.layers
        if layer <= deepest
    }


def _layer_reading(
    networks: Networks, layer: int, panel: Sequence[int], own: Mapping[int, frozenset[int]]
) -> LayerReading:
    others = frozenset().union(*own.values()) - set(panel)
    latents = (*panel, *sorted(others))
    column_of = {latent: column for column, latent in enumerate(latents)}
    return LayerReading(
        encoder=_chosen_columns(networks, layer, latents),
        latents=latents,
        num_panel=len(panel),
        own_columns={
            text: tuple(sorted(column_of[latent] for latent in wanted)) for text, wanted in own.items()
        },
    )


@cache
def _chosen_columns(networks: Networks, layer: int, latents: tuple[int, ...]) -> Encoder:
    # Only the chosen columns stay in memory, where they can be told alone: whole encoders of every layer are gigabytes.
    whole = layer_encoder(networks, layer)
    return whole.choosing(torch.tensor(latents, dtype=torch.int64)).to(networks.numerics.device)


def _read_batch(
    language_model: LanguageModel,
    batch: Batch,
    readings: Mapping[int, LayerReading],
    asked: Asked,
    sinks: Sinks,
) -> None:
    averaging = averaging_matrix(batch.counted)
    whole = [place for place, text_id in enumerate(batch.text_ids) if text_id in asked.panel]
    kept = [place for place, text_id in enumerate(batch.text_ids) if text_id in asked.residuals]
    speaking = [
        layer
        for layer, reading in readings.items()
        if whole or not reading.own_columns.keys().isdisjoint(batch.text_ids)
    ]

    def visit(layer: int, residual: Float[Tensor, "batch position d_model"]) -> None:
        counted = residual[batch.counted].to(torch.float32)
        reading = readings[layer]
        acts = latent_activations(counted, reading.encoder)
        # One copy to the host per layer: asking the device text by text would stall it.
        host_acts = acts.cpu().numpy()
        _write_own(layer, reading, batch, host_acts, sinks)
        if whole:
            panel = slice(None, reading.num_panel)
            pooled = _pooled_panel(acts[:, panel], host_acts[:, panel], averaging, batch)
            _write_panel(layer, batch, whole, pooled, sinks)
        if kept:
            means = (averaging[kept] @ counted).cpu().numpy()
            lengths = (averaging[kept] @ counted.norm(dim=1)).cpu().numpy()
            sinks.residuals.write_columns(**_whose(layer, batch, kept), length=lengths, values=means)

    visit_residuals(language_model.decoder, batch.input_ids, batch.attention_mask, speaking, visit)


def _write_own(
    layer: int,
    reading: LayerReading,
    batch: Batch,
    acts: HostActs,
    sinks: Sinks,
) -> None:
    starts = accumulate(batch.lengths, initial=0)
    sinks.tokens.write(
        TokenActivation(
            layer=layer,
            latent=reading.latents[column],
            text_id=text_id,
            values=tuple(acts[start : start + length, column].tolist()),
        )
        for text_id, start, length in zip(batch.text_ids, starts, batch.lengths, strict=False)
        for column in reading.own_columns.get(text_id, ())
    )


def _pooled_panel(
    acts: Float[Tensor, "counted panel"],
    host_acts: HostActs,
    averaging: Float[Tensor, "batch counted"],
    batch: Batch,
) -> tuple[HostActs, HostActs, HostActs]:
    """Mean, maximum and share of active tokens of every panel latent in every text."""
    starts = np.cumsum([0, *batch.lengths[:-1]])
    means = (averaging @ acts).cpu().numpy()
    active = (averaging @ (acts > 0).to(torch.float32)).cpu().numpy()
    return means, np.maximum.reduceat(host_acts, starts, axis=0), active


def _write_panel(
    layer: int, batch: Batch, places: Sequence[int], pooled: tuple[HostActs, HostActs, HostActs], sinks: Sinks
) -> None:
    """Write the panel of some texts of a batch."""
    means, maxima, active = (values[places] for values in pooled)
    sinks.panel.write_columns(
        **_whose(layer, batch, places), mean=means, maximum=maxima, active_fraction=active
    )


def _whose(layer: int, batch: Batch, places: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    """The columns that say of which layer and of which texts of a batch some rows are."""
    return {
        "layer": np.full(len(places), layer, dtype=np.int64),
        "text_id": np.asarray([batch.text_ids[place] for place in places], dtype=np.int64),
    }
