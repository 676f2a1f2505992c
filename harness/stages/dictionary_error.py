"""The dictionary-error stage: how well each layer's dictionary rebuilds the residual stream of one language."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from harness.models.sae import layer_sae, require_finite
from harness.stages.extraction import as_batch
from harness.stages.stage import stage
from harness.stages.texts import language_texts
from harness.store.tables import write_table
from harness.words.plan import Networks
from harness.words.records import DictionaryError

DICTIONARY_DRAW = int.from_bytes(b"dictionary")
"""Names the stream of this sample, so that it is not the similarity sample over again."""


@dataclass(kw_only=True)
class LayerTotals:
    """Running sums over tokens of one layer; float64."""

    squared_error: float = 0.0
    squared: float = 0.0
    total: Float[Tensor, "d_model"] | None = None
    active: float = 0.0
    tokens: int = 0

    def add(self, residual: Float[Tensor, "token d_model"], rebuilt: Tensor, latent_acts: Tensor) -> None:
        """Take in some tokens."""
        exact = residual.to(torch.float64)
        self.squared_error += float((exact - rebuilt.to(torch.float64)).square().sum())
        self.squared += float(exact.square().sum())
        summed = exact.sum(dim=0)
        self.total = summed if self.total is None else self.total + summed
        self.active += float((latent_acts > 0).sum())
        self.tokens += len(residual)

    @property
    def fraction_variance_unexplained(self) -> float:
        """Squared error of the rebuilt stream over its variance around the mean of these tokens."""
        assert self.total is not None
        variance = self.squared - float(self.total.square().sum()) / self.tokens
        return self.squared_error / variance


@stage(on="accelerator")
def dictionary_error(
    phrases: Path,
    translation: Path | None = None,
    *,
    out: Path,
    language: str,
    networks: Networks,
    texts: int,
    seed: int,
) -> None:
    """How well the dictionaries describe each language.

    Writes the error of every layer over a seeded sample of the language's texts.
    """
    spoken = language_texts(phrases, translation).texts
    language_model = load_language_model(networks.model, networks.numerics)
    sample = dictionary_sample(len(spoken), texts, seed)
    totals = reconstruction_totals(language_model, [spoken[index] for index in sample], networks)
    rows = (
        DictionaryError(
            language=language,
            layer=layer,
            fraction_variance_unexplained=total.fraction_variance_unexplained,
            l0=total.active / total.tokens,
            tokens=total.tokens,
        )
        for layer, total in enumerate(totals)
    )
    write_table(out, DictionaryError, rows)


def dictionary_sample(num_texts: int, size: int, seed: int) -> list[int]:
    """Places of a seeded sample of texts, in ascending order: the same in every language."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, DICTIONARY_DRAW, num_texts]))
    return sorted(stream.permutation(num_texts)[:size].tolist())


@torch.no_grad()
def reconstruction_totals(
    language_model: LanguageModel, texts: Sequence[str], networks: Networks
) -> list[LayerTotals]:
    """Sums over all counted tokens, per layer, of full encode and decode."""
    layers = range(len(networks.dictionary_files))
    totals = [LayerTotals() for _ in layers]
    ids = [row for row in language_model.token_ids(texts) if language_model.lengths([row])[0]]
    for bucket in length_buckets([len(row) for row in ids], networks.batch_tokens):
        batch = as_batch(language_model, bucket, [ids[index] for index in bucket])

        def visit(layer: int, residual: Tensor, counted: Tensor = batch.counted) -> None:
            kept = residual[counted].to(torch.float32)
            require_finite(kept)
            dictionary = _dictionary(networks, layer)
            latent_acts = dictionary.encode(kept)
            totals[layer].add(kept, dictionary.decode(latent_acts), latent_acts)

        visit_residuals(language_model.decoder, batch.input_ids, batch.attention_mask, layers, visit)
    return totals


@cache
def _dictionary(networks: Networks, layer: int) -> Any:  # noqa: ANN401  a sae-lens object
    return layer_sae(networks, layer)
