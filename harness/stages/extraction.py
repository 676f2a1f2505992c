"""The activations stage: one pass of a model over a language's texts, reading every layer's residual stream.

Kept per text: the token values of the latents that the phrase speaks for, pooled values of the layer's panel,
the mean-pooled residual stream of a sample, and the number of tokens. BOS and padding never count. Nothing is
held longer than one batch, so memory does not grow with texts or with layers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from harness.models.adapters import attached
from harness.models.batches import length_buckets, padded_left
from harness.models.failed_adapters import passes_on_failure
from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import averaging_matrix, counted_positions, visit_residuals
from harness.models.sae import Encoder, latent_activations, layer_encoder
from harness.stages.stage import stage
from harness.stages.texts import language_texts
from harness.store.tables import TableWriter, read_table, writing
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
    *,
    out: Path,
    language: str,  # noqa: ARG001  a name for the key
    networks: Networks,
    similarity_texts: int,
    seed: int,
) -> None:
    """Latents over every text, untouched model.

    Writes token activations, panel activations, mean residuals and text lengths of one language, which is English where there
    is no translation.
    """
    _read_language(phrases, translation, out, networks=networks, similarity_texts=similarity_texts, seed=seed)


@stage(on="accelerator")
def activations_tuned(
    phrases: Path,
    adapter: Path,
    translation: Path | None = None,
    *,
    out: Path,
    language: str,  # noqa: ARG001  a name for the key
    networks: Networks,
    similarity_texts: int,
    seed: int,
) -> None:
    """Latents through each adapter.

    Writes what the activations stage does. Through an adapter that was never trained, or cannot be used, nothing is read: the
    reason is passed on.
    """
    if not passes_on_failure(adapter, out):
        language_model = load_language_model(networks.model, networks.numerics)
        with attached(language_model.model, adapter):
            _read_language(
                phrases, translation, out, networks=networks, similarity_texts=similarity_texts, seed=seed
            )


def _read_language(
    phrases: Path,
    translation: Path | None,
    out: Path,
    *,
    networks: Networks,
    similarity_texts: int,
    seed: int,
) -> None:
    texts = language_texts(phrases, translation)
    language_model = load_language_model(networks.model, networks.numerics)
    readings = layer_readings(phrases, networks)
    with ExitStack() as stack:
        sinks = Sinks(
            tokens=stack.enter_context(writing(out, TokenActivation)),
            panel=stack.enter_context(writing(out, PanelActivation)),
            residuals=stack.enter_context(writing(out, MeanResidual)),
            lengths=stack.enter_context(writing(out, TextLength)),
        )
        sample = residual_sample(texts.text_ids, similarity_texts, seed)
        read_texts(
            language_model,
            texts.text_ids,
            texts.texts,
            readings,
            residual_sample=sample,
            batch_tokens=networks.batch_tokens,
            sinks=sinks,
        )


def residual_sample(text_ids: Sequence[int], size: int, seed: int) -> frozenset[int]:
    """A seeded sample of texts: the same in every language, since it is drawn from the ids alone."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, len(text_ids)]))
    return frozenset(stream.permutation(np.asarray(text_ids))[:size].tolist())


@torch.no_grad()
def read_texts(
    language_model: LanguageModel,
    text_ids: Sequence[int],
    texts: Sequence[str],
    readings: Sequence[LayerReading],
    *,
    residual_sample: frozenset[int],
    batch_tokens: int,
    sinks: Sinks,
) -> None:
    """Run the model over the texts and write what the readings ask for, batch by batch.

    A text with no token besides BOS is written with length 0 and read no further.
    """
    ids = language_model.token_ids(texts)
    lengths = [len(row) - 1 for row in ids]
    sinks.lengths.write(TextLength(text_id=t, tokens=n) for t, n in zip(text_ids, lengths, strict=True))
    kept = [index for index, length in enumerate(lengths) if length > 0]
    for bucket in length_buckets([len(ids[index]) for index in kept], batch_tokens):
        members = [kept[place] for place in bucket]
        batch = as_batch(language_model, [text_ids[i] for i in members], [ids[i] for i in members])
        _read_batch(language_model, batch, readings, residual_sample, sinks)


def as_batch(language_model: LanguageModel, text_ids: Sequence[int], ids: Sequence[Sequence[int]]) -> Batch:
    """Token ids padded on the left, with the mask of what counts."""
    input_ids, attention_mask = padded_left(ids, language_model.pad_id, language_model.device)
    return Batch(
        text_ids=tuple(text_ids),
        input_ids=input_ids,
        attention_mask=attention_mask,
        counted=counted_positions(input_ids, attention_mask, language_model.bos_id),
        lengths=tuple(len(row) - 1 for row in ids),
    )


def layer_readings(phrases: Path, networks: Networks) -> list[LayerReading]:
    """What every layer reads, from the selections and the panel; encoders are loaded once per process."""
    own: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for selection in read_table(phrases, Selection):
        own[selection.layer][selection.text_id].add(selection.latent)
    panels: dict[int, list[int]] = defaultdict(list)
    for member in read_table(phrases, PanelLatent):
        panels[member.layer].append(member.latent)
    return [_layer_reading(networks, layer, panels[layer], own[layer]) for layer in sorted(panels)]


def _layer_reading(
    networks: Networks, layer: int, panel: Sequence[int], own: Mapping[int, set[int]]
) -> LayerReading:
    others = set().union(*own.values()) - set(panel)
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
    # Only the chosen columns stay in memory: whole encoders of every layer would be gigabytes.
    whole = layer_encoder(networks, layer)
    return whole.columns(torch.tensor(latents)).to(networks.numerics.device)


def _read_batch(
    language_model: LanguageModel,
    batch: Batch,
    readings: Sequence[LayerReading],
    residual_sample: frozenset[int],
    sinks: Sinks,
) -> None:
    averaging = averaging_matrix(batch.counted)
    sampled = [place for place, text_id in enumerate(batch.text_ids) if text_id in residual_sample]

    def visit(layer: int, residual: Float[Tensor, "batch position d_model"]) -> None:
        counted = residual[batch.counted].to(torch.float32)
        reading = readings[layer]
        acts = latent_activations(counted, reading.encoder)
        # One copy to the host per layer: asking the device text by text would stall it.
        host_acts = acts.cpu().numpy()
        _write_own(layer, reading, batch, host_acts, sinks)
        panel = slice(None, reading.num_panel)
        _write_panel(
            layer, batch, _pooled_panel(acts[:, panel], host_acts[:, panel], averaging, batch), sinks
        )
        if sampled:
            means = (averaging[sampled] @ counted).cpu().tolist()
            sinks.residuals.write(
                MeanResidual(layer=layer, text_id=batch.text_ids[place], values=tuple(values))
                for place, values in zip(sampled, means, strict=True)
            )

    visit_residuals(
        language_model.decoder, batch.input_ids, batch.attention_mask, range(len(readings)), visit
    )


def _write_own(
    layer: int,
    reading: LayerReading,
    batch: Batch,
    acts: HostActs,
    sinks: Sinks,
) -> None:
    stop = 0
    for text_id, length in zip(batch.text_ids, batch.lengths, strict=True):
        start, stop = stop, stop + length
        for column in reading.own_columns.get(text_id, ()):
            values = tuple(acts[start:stop, column].tolist())
            row = TokenActivation(layer=layer, latent=reading.latents[column], text_id=text_id, values=values)
            sinks.tokens.write((row,))


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


def _write_panel(layer: int, batch: Batch, pooled: tuple[HostActs, HostActs, HostActs], sinks: Sinks) -> None:
    means, maxima, active = (values.tolist() for values in pooled)
    sinks.panel.write(
        PanelActivation(
            layer=layer,
            text_id=text_id,
            mean=tuple(mean),
            maximum=tuple(maximum),
            active_fraction=tuple(fraction),
        )
        for text_id, mean, maximum, fraction in zip(batch.text_ids, means, maxima, active, strict=True)
    )
