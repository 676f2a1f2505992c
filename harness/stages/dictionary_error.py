"""The dictionary-error stage: how well each layer's dictionary rebuilds the residual stream of one language.

Beside the error stands what the language model loses by it, and what directions drawn at random read of the same texts: what of
a gap is the dictionary's own is seen by what random ones of its norms show.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.models.batches import length_buckets
from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import visit_residuals
from harness.models.sae import layer_sae
from harness.models.splicing import text_losses
from harness.models.work import METER
from harness.stages.extraction import Batch, as_batch
from harness.stages.stage import stage
from harness.stages.texts import language_texts
from harness.statistics.finite import require_finite
from harness.statistics.reconstruction import LayerTotals
from harness.store.tables import write_table
from harness.words.plan import Networks
from harness.words.records import DictionaryError, RandomReading, SplicedLoss

DICTIONARY_DRAW = int.from_bytes(b"dictionary")
"""Names the stream of this sample, so that it is not the similarity sample over again."""

RANDOM_DIRECTIONS = 32
"""Directions drawn at random at each layer, each of the norm of one of the dictionary's own."""

Also = Callable[[int, Float[Tensor, "token d_model"], Batch], None]
"""Receives a layer, the stream at the counted tokens of a batch, and the batch."""


@stage(on="accelerator")
def dictionary_error(
    phrases: Path,
    translation: Path | None = None,
    *,
    out: Path,
    language: str,
    networks: Networks,
    texts: int,
    texts_per_spliced: int,
    seed: int,
) -> None:
    """How well the dictionaries describe each language.

    Writes the error of every dictionary over a seeded sample of the language's texts, what random directions read of them, and of the
    first of them the loss of the language model with each layer's stream rebuilt.
    """
    spoken = language_texts(phrases, translation)
    language_model = load_language_model(networks.model, networks.numerics)
    sample = dictionary_sample(len(spoken.texts), texts, seed)
    text_ids = [spoken.text_ids[index] for index in sample]
    directions, readings = _random_directions(networks, seed), list[RandomReading]()

    def read_at_random(layer: int, stream: Tensor, batch: Batch) -> None:
        values = (stream @ directions[layer]).cpu().numpy()
        by_text = np.split(values, np.cumsum(batch.lengths)[:-1])
        for place, text in zip(batch.text_ids, by_text, strict=True):
            readings.append(
                RandomReading(
                    layer=layer,
                    text_id=text_ids[place],
                    directions=RANDOM_DIRECTIONS,
                    values=tuple(text.flatten().tolist()),
                )
            )

    chosen = [spoken.texts[index] for index in sample]
    totals = reconstruction_totals(language_model, chosen, networks, read_at_random)
    spliced = -(-len(chosen) // texts_per_spliced)
    write_table(out, RandomReading, readings)
    write_table(out, SplicedLoss, _spliced(language_model, text_ids, chosen[:spliced], networks))
    rows = (
        DictionaryError(
            language=language,
            layer=layer,
            fraction_variance_unexplained=total.fraction_variance_unexplained,
            l0=total.active / total.tokens,
            tokens=total.tokens,
            latents=total.latents,
        )
        for layer, total in totals.items()
    )
    write_table(out, DictionaryError, rows)


def dictionary_sample(num_texts: int, size: int, seed: int) -> list[int]:
    """Places of a seeded sample of texts, in ascending order: the same in every language."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, DICTIONARY_DRAW, num_texts]))
    return sorted(stream.permutation(num_texts)[:size].tolist())


@torch.no_grad()
def reconstruction_totals(
    language_model: LanguageModel, texts: Sequence[str], networks: Networks, also: Also | None = None
) -> dict[int, LayerTotals]:
    """Sums over all counted tokens, by layer that has a dictionary, of full encode and decode.

    Args:
        language_model: Reads the texts.
        texts: What is read; a text without tokens adds nothing.
        networks: Where the dictionaries are.
        also: Reads the same stream; its batches name a text by its place.
    """
    totals = {layer: LayerTotals() for layer in networks.layers}
    ids = dict(_with_tokens(language_model, texts))
    places = list(ids)
    for bucket in length_buckets([len(row) for row in ids.values()], networks.batch_tokens):
        own = [places[index] for index in bucket]
        batch = as_batch(language_model, own, [ids[place] for place in own])

        def visit(layer: int, residual: Tensor, batch: Batch = batch) -> None:
            kept = residual[batch.counted].to(torch.float32)
            require_finite(kept)
            dictionary = _dictionary(networks, layer)
            METER.encodes(kept, 2 * dictionary.cfg.d_sae)
            latent_acts = dictionary.encode(kept)
            totals[layer].add(kept, dictionary.decode(latent_acts), latent_acts)
            if also is not None:
                also(layer, kept, batch)

        visit_residuals(language_model.decoder, batch.input_ids, batch.attention_mask, totals.keys(), visit)
    return totals


def _spliced(
    language_model: LanguageModel, text_ids: Sequence[int], texts: Sequence[str], networks: Networks
) -> Iterator[SplicedLoss]:
    """The loss on some texts with the stream of each layer as its dictionary rebuilds it, and with none."""

    def rebuild(layer: int, stream: Tensor) -> Tensor:
        dictionary = _dictionary(networks, layer)
        METER.encodes(stream, 2 * dictionary.cfg.d_sae)
        rebuilt: Tensor = dictionary.decode(dictionary.encode(stream))
        return rebuilt

    ids = dict(_with_tokens(language_model, texts))
    losses = text_losses(language_model, list(ids.values()), networks.layers, rebuild, networks.batch_tokens)
    for place, loss in zip(ids, losses, strict=True):
        for layer, spliced, zeroed in zip(networks.layers, loss.spliced, loss.zeroed, strict=True):
            yield SplicedLoss(
                layer=layer,
                text_id=text_ids[place],
                tokens=loss.tokens,
                clean=loss.clean,
                spliced=spliced,
                zeroed=zeroed,
            )


def _with_tokens(language_model: LanguageModel, texts: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    """Place and token ids of every text that has a token."""
    for place, row in enumerate(language_model.token_ids(texts)):
        if language_model.lengths([row])[0]:
            yield place, row


def _random_directions(networks: Networks, seed: int) -> dict[int, Float[Tensor, "d_model direction"]]:
    """Directions by layer, uniform on the sphere, of the norms of as many of the dictionary's own; the same in every language."""
    found = {}
    for layer in networks.layers:
        stream = np.random.default_rng(np.random.SeedSequence([seed, DICTIONARY_DRAW, layer]))
        weights = _dictionary(networks, layer).W_enc.detach().to(torch.float32)
        norms = weights.norm(dim=0).cpu().numpy()
        drawn = stream.standard_normal((len(weights), RANDOM_DIRECTIONS))
        scaled = drawn / np.linalg.norm(drawn, axis=0) * stream.choice(norms, RANDOM_DIRECTIONS)
        found[layer] = torch.tensor(scaled, dtype=torch.float32, device=networks.numerics.device)
    return found


@cache
def _dictionary(networks: Networks, layer: int) -> Any:  # noqa: ANN401  a sae-lens object
    return layer_sae(networks, layer)
