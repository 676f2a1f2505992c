"""The replay stage: a sample of stored rows of every layer, computed anew, and what was loaded to do so.

A layer whose stored activations are not found again was loaded wrongly, or its export is of another network;
nothing measured on it means anything. The stage records; the judge decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from harness.supply.dictionaries import layer_encoder
from harness.supply.disk import file_sha256
from harness.supply.export import BOS, StoredRow, activation_files, rows_of_file
from harness.supply.loading import LanguageModel, load_language_model
from harness.supply.sources import locate
from harness.supply.tables import write_table
from harness.tools.batches import length_buckets, padded_left
from harness.tools.encoding import Encoder, latent_activations
from harness.tools.hooks import visit_residuals
from harness.tools.replaying import Agreement, agreement, layer_passes
from harness.words.tasks import ReplayTask
from harness.words.testimony import LayerReplay, LoadedFile, LoadedModel, ReplayedRow

REPLAY_DRAW = int.from_bytes(b"replay")
"""Names the stream of this sample."""

MIN_TOKENS = 2
"""A row of one token has no correlation."""

WEIGHTS = ("*.safetensors", "tokenizer.json", "config.json")
"""Files of a model that decide what it computes."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Stored rows of one layer, ready to be computed anew."""

    layer: int
    encoder: Encoder
    rows: Sequence[StoredRow]
    ids: Sequence[Sequence[int]]
    """Token ids of every row, as many as it has pieces."""


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one layer's sample."""

    rows: tuple[StoredRow, ...]
    agreements: tuple[Agreement, ...]
    without_bos: tuple[Agreement, ...]
    d_model: int
    d_sae: int


def produce(task: ReplayTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Write the loaded networks, every replayed row, and what they make of each layer."""
    assert not inputs
    export = locate(task.export)
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    replayed = [
        replayed_layer(task, language_model, export, source_id, layer)
        for layer, source_id in enumerate(task.source_ids)
    ]
    write_table(out, LoadedModel, (loaded_model(language_model),))
    write_table(out, LoadedFile, loaded_files(task))
    write_table(out, ReplayedRow, (row for layer, each in enumerate(replayed) for row in _rows(layer, each)))
    write_table(out, LayerReplay, (_layer(layer, each) for layer, each in enumerate(replayed)))


def replayed_layer(
    task: ReplayTask, language_model: LanguageModel, export: Path, source_id: str, layer: int
) -> Replayed:
    """A sample of one layer's stored rows with and without BOS.

    Raises:
        ValueError: If the layer has no row that can be replayed, or one holds a piece that the tokenizer lacks.
    """
    encoder = layer_encoder(task.networks, layer)
    rows = sampled_rows(export, source_id, task.rows_per_layer, layer, task.seed)
    sample = Sample(
        layer=layer,
        encoder=encoder,
        rows=rows,
        ids=[_piece_ids(language_model, row, source_id) for row in rows],
    )
    return Replayed(
        rows=tuple(rows),
        agreements=_agreements(language_model, sample, [language_model.bos_id], task.networks.batch_tokens),
        without_bos=_agreements(language_model, sample, [], task.networks.batch_tokens),
        d_model=encoder.W_enc.shape[0],
        d_sae=encoder.W_enc.shape[1],
    )


def sampled_rows(export: Path, source_id: str, size: int, layer: int, seed: int) -> list[StoredRow]:
    """A seeded sample of one batch file's rows that a phrase could be cut from; the file is drawn as well.

    One file is enough to see a wrong network, and a whole layer is hundreds of megabytes.
    """
    stream = np.random.default_rng(np.random.SeedSequence([seed, REPLAY_DRAW, layer]))
    files = activation_files(export, source_id)
    for place in stream.permutation(len(files)).tolist():
        rows = list(_usable(rows_of_file(files[place])))
        if rows:
            order = stream.permutation(len(rows))[:size]
            return [rows[index] for index in sorted(order.tolist())]
    raise ValueError(f"no row of {source_id} can be replayed; the export is not what its pin says")


def loaded_model(language_model: LanguageModel) -> LoadedModel:
    """Shapes of the model, read from the weights and not from its configuration."""
    embedding = language_model.model.get_input_embeddings().weight
    return LoadedModel(
        num_layers=len(language_model.decoder.layers),  # type: ignore[arg-type]
        d_model=int(embedding.shape[1]),
        vocab_size=int(embedding.shape[0]),
        attention=str(language_model.model.config._attn_implementation),  # noqa: SLF001
        dtype=str(embedding.dtype).removeprefix("torch."),
    )


def loaded_files(task: ReplayTask) -> Iterable[LoadedFile]:
    """The files of the model and the dictionaries, with the digests of their bytes."""
    model = locate(task.networks.model)
    for path in sorted(path for pattern in WEIGHTS for path in model.glob(pattern)):
        yield LoadedFile(source=task.networks.model.name, path=path.name, sha256=file_sha256(path))
    folder = locate(task.networks.dictionaries)
    for name in task.networks.dictionary_files:
        yield LoadedFile(source=task.networks.dictionaries.name, path=name, sha256=file_sha256(folder / name))


def _usable(rows: Iterable[StoredRow]) -> Iterable[StoredRow]:
    for row in rows:
        if BOS not in row.tokens and len(row.tokens) >= MIN_TOKENS and row.values[row.peak] > 0:
            yield row


def _piece_ids(language_model: LanguageModel, row: StoredRow, source_id: str) -> list[int]:
    tokenizer = language_model.tokenizer
    ids: list[int] = tokenizer.convert_tokens_to_ids(list(row.tokens))
    if tokenizer.unk_token_id in ids:
        piece = row.tokens[ids.index(tokenizer.unk_token_id)]
        raise ValueError(
            f"{source_id}: the tokenizer of {tokenizer.name_or_path!r} has no piece {piece!r}, which a stored row of latent "
            f"{row.latent} holds; model and export do not belong together"
        )
    return ids


def _agreements(
    language_model: LanguageModel, sample: Sample, front: Sequence[int], batch_tokens: int
) -> tuple[Agreement, ...]:
    values = recomputed(language_model, sample, front, batch_tokens)
    return tuple(agreement(row.values, new) for row, new in zip(sample.rows, values, strict=True))


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
    for bucket in length_buckets([len(row) + len(front) for row in sample.ids], batch_tokens):
        rows = [[*front, *sample.ids[index]] for index in bucket]
        batch = padded_left(rows, language_model.pad_id, language_model.device)

        def visit(_layer: int, residual: torch.Tensor, bucket: list[int] = bucket) -> None:
            for place, index in enumerate(bucket):
                own = sample.encoder.columns(torch.tensor([sample.rows[index].latent])).to(
                    language_model.device
                )
                stream = residual[place, -len(sample.ids[index]) :]
                found[index] = latent_activations(stream, own)[:, 0].tolist()

        visit_residuals(language_model.decoder, *batch, (sample.layer,), visit)
    return [found[index] for index in range(len(sample.rows))]


def _rows(layer: int, replayed: Replayed) -> Iterable[ReplayedRow]:
    for row, found in zip(replayed.rows, replayed.agreements, strict=True):
        yield ReplayedRow(
            layer=layer,
            latent=row.latent,
            tokens=len(row.tokens),
            correlation=found.correlation,
            scale=found.scale,
            same_peak=found.same_peak,
            passes=found.passes,
        )


def _layer(layer: int, replayed: Replayed) -> LayerReplay:
    found = replayed.agreements
    return LayerReplay(
        layer=layer,
        d_model=replayed.d_model,
        d_sae=replayed.d_sae,
        rows=len(found),
        rows_passing=sum(each.passes for each in found),
        rows_passing_without_bos=sum(each.passes for each in replayed.without_bos),
        rows_same_peak=sum(each.same_peak for each in found),
        median_correlation=median(each.correlation for each in found),
        median_scale=median(each.scale for each in found),
        median_scale_without_bos=median(each.scale for each in replayed.without_bos),
        passes=layer_passes(found),
    )
