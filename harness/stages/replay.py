"""The replay stage: a sample of stored rows of every layer, computed anew, and what was loaded to do so.

A layer whose stored activations are not found again was loaded wrongly, or its export is of another network;
nothing measured on it means anything. Rows that were harvested here are held against sae-lens, since our own encoder made
them. The stage records; the judge decides.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import torch
from jaxtyping import Float
from torch import Tensor

from harness.models.batches import length_buckets, padded_left
from harness.models.loading import LanguageModel, load_language_model, loaded_model, model_files
from harness.models.residuals import visit_residuals
from harness.models.sae import latent_activations, layer_encoder, layer_sae
from harness.models.work import METER
from harness.sources.neuronpedia import StoredRow, piece_ids
from harness.sources.pins import locate
from harness.stages.replay_rows import SpelledRow, Speller, sampled_rows
from harness.stages.stage import stage
from harness.statistics.replay_gate import Agreement, agreement, layer_passes
from harness.store.files import file_sha256
from harness.store.tables import write_table
from harness.words.errors import WrongNetworksError
from harness.words.plan import Networks
from harness.words.records import LayerReplay, LoadedFile, LoadedModel, ReplayedRow
from harness.words.study import Pin

Encode = Callable[[Float[Tensor, "position d_model"], int], Float[Tensor, "position"]]
"""Gives the activations of one latent over a residual stream."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Stored rows of one layer, ready to be computed anew."""

    layer: int
    encode: Encode
    rows: Sequence[SpelledRow]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one layer's sample."""

    rows: tuple[StoredRow, ...]
    agreements: tuple[Agreement, ...]
    without_bos: tuple[Agreement, ...]
    d_model: int
    d_sae: int


@stage(on="accelerator")
def replay(
    harvest: Path | None = None,
    *,
    out: Path,
    export: Pin,
    source_ids: tuple[str, ...],
    networks: Networks,
    rows_per_layer: int,
    seed: int,
) -> None:
    """Stored activations, found again.

    Writes the loaded networks, every replayed row, and what they make of each layer. The rows are those of the export, or what
    was harvested from a corpus.

    Raises:
        WrongNetworksError: If no layer of an export from elsewhere is found again.
    """
    stored = harvest or locate(export)
    language_model = load_language_model(networks.model, networks.numerics)
    replayed = {
        layer: replayed_layer(
            language_model,
            networks,
            stored,
            source_id,
            layer=layer,
            num_rows=rows_per_layer,
            seed=seed,
            is_harvested=harvest is not None,
        )
        for layer, source_id in zip(networks.layers, source_ids, strict=True)
    }
    write_table(out, LoadedModel, (loaded_model(language_model),))
    write_table(out, LoadedFile, loaded_files(networks))
    rows = (
        replayed_row(layer, row.latent, len(row.tokens), found)
        for layer, each in replayed.items()
        for row, found in zip(each.rows, each.agreements, strict=True)
    )
    write_table(out, ReplayedRow, rows)
    layers = [
        layer_replay(layer, each.d_model, each.d_sae, each.agreements, each.without_bos)
        for layer, each in replayed.items()
    ]
    write_table(out, LayerReplay, layers)
    require_some(export, layers)


def require_some(export: Pin, layers: Sequence[LayerReplay]) -> None:
    """Stops a run before the first hour of it that could not be believed; worlds of our own say what they are by their mode.

    Raises:
        WrongNetworksError: If no layer of an export from elsewhere was found again.
    """
    if export.is_local or any(each.passes for each in layers):
        return
    correlation, scale, bare = (
        median(getattr(each, figure) for each in layers)
        for figure in ("median_correlation", "median_scale", "median_scale_without_bos")
    )
    raise WrongNetworksError(
        f"the stored activations of {export} are found again on none of {len(layers)} layers: correlation "
        f"{correlation:.3f}, scale {scale:.3f}, without BOS {bare:.3f} (medians; expected 1); model, dictionaries and export "
        "do not belong together, so no number of this run could be believed; hold their revisions against the pins of the "
        "study, and start again"
    )


def replayed_layer(
    language_model: LanguageModel,
    networks: Networks,
    export: Path,
    source_id: str,
    *,
    layer: int,
    num_rows: int,
    seed: int,
    is_harvested: bool = False,
) -> Replayed:
    """A sample of one layer's stored rows with and without BOS.

    Raises:
        ValueError: If the layer has no row that can be replayed, or too many hold a piece that the tokenizer lacks.
    """
    encode, (d_model, d_sae) = encoding(networks, layer, is_harvested=is_harvested)
    drawn = sampled_rows(
        export,
        source_id,
        num_rows,
        layer=layer,
        seed=seed,
        speller=speller_of(language_model),
        num_latents=d_sae,
    )
    sample = Sample(layer=layer, encode=encode, rows=drawn)
    return Replayed(
        rows=tuple(each.row for each in drawn),
        agreements=_agreements(language_model, sample, language_model.front_ids, networks.batch_tokens),
        without_bos=_agreements(language_model, sample, [], networks.batch_tokens),
        d_model=d_model,
        d_sae=d_sae,
    )


def encoding(networks: Networks, layer: int, *, is_harvested: bool) -> tuple[Encode, tuple[int, int]]:
    """What encodes a layer, with its width and how many latents it has: our encoder; of rows that this one made, sae-lens."""
    if is_harvested:
        sae = layer_sae(networks, layer)
        d_model, d_sae = sae.W_enc.shape

        def encode_whole(stream: Tensor, latent: int) -> Tensor:
            METER.encodes(stream, d_sae)
            acts: Tensor = sae.encode(stream.to(torch.float32))
            return acts[:, latent]

        return encode_whole, (d_model, d_sae)
    encoder = layer_encoder(networks, layer).to(networks.numerics.device)

    def encode(stream: Tensor, latent: int) -> Tensor:
        return latent_activations(stream, encoder.choosing(torch.tensor([latent])))[:, 0]

    return encode, (encoder.W_enc.shape[0], encoder.W_enc.shape[1])


@cache
def speller_of(language_model: LanguageModel) -> Speller:
    """What gives stored pieces the ids of a model's vocabulary."""
    tokenizer, facts = language_model.tokenizer, language_model.facts
    return Speller(
        named=str(tokenizer.name_or_path), ids=piece_ids(tokenizer.get_vocab(), facts.pieces), facts=facts
    )


def loaded_files(networks: Networks) -> Iterable[LoadedFile]:
    """The files of the model and the dictionaries, with the digests of their bytes."""
    yield from model_files(networks.model)
    folder = locate(networks.dictionaries)
    for name in networks.dictionary_files:
        yield LoadedFile(source=networks.dictionaries.name, path=name, sha256=file_sha256(folder / name))


def _agreements(
    language_model: LanguageModel, sample: Sample, front: Sequence[int], batch_tokens: int
) -> tuple[Agreement, ...]:
    values = recomputed(language_model, sample, front, batch_tokens)
    return tuple(agreement(each.row.values, new) for each, new in zip(sample.rows, values, strict=True))


@torch.no_grad()
def recomputed(
    language_model: LanguageModel, sample: Sample, front: Sequence[int], batch_tokens: int
) -> list[list[float]]:
    """Each row's own latent over its tokens, through the model up to the layer.

    Args:
        language_model: What the rows are run through.
        sample: The rows.
        front: Tokens in front of every row, which are left out of the values: a BOS, or nothing.
        batch_tokens: Padded positions per forward pass.
    """
    found: dict[int, list[float]] = {}
    for bucket in length_buckets([len(each.ids) + len(front) for each in sample.rows], batch_tokens):
        rows = [[*front, *sample.rows[index].ids] for index in bucket]
        batch = padded_left(rows, language_model.pad_id, language_model.device)

        def visit(_layer: int, residual: torch.Tensor, bucket: list[int] = bucket) -> None:
            for place, index in enumerate(bucket):
                spelled = sample.rows[index]
                stream = residual[place, -len(spelled.ids) :]
                found[index] = sample.encode(stream, spelled.row.latent).tolist()

        visit_residuals(language_model.decoder, *batch, (sample.layer,), visit)
    return [found[index] for index in range(len(sample.rows))]


def replayed_row(layer: int, latent: int, tokens: int, found: Agreement) -> ReplayedRow:
    """What became of one stored row of so many tokens."""
    return ReplayedRow(
        layer=layer,
        latent=latent,
        tokens=tokens,
        correlation=found.correlation,
        scale=found.scale,
        same_peak=found.same_peak,
        passes=found.passes,
    )


def layer_replay(
    layer: int, d_model: int, d_sae: int, found: Sequence[Agreement], without_bos: Sequence[Agreement]
) -> LayerReplay:
    """What became of a layer: all that were computed anew, and the same without anything in front."""
    return LayerReplay(
        layer=layer,
        d_model=d_model,
        d_sae=d_sae,
        rows=len(found),
        rows_passing=sum(each.passes for each in found),
        rows_passing_without_bos=sum(each.passes for each in without_bos),
        rows_same_peak=sum(each.same_peak for each in found),
        median_correlation=median(each.correlation for each in found),
        median_scale=median(each.scale for each in found),
        median_scale_without_bos=median(each.scale for each in without_bos),
        passes=layer_passes(found),
    )
