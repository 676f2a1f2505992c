"""The sae-quality stage: how well a model's dictionaries rebuild its streams, and what it loses where they stand for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from harness.models.loading import LanguageModel, load_language_model
from harness.models.splicing import window_losses
from harness.models.topk import TopKSAE, lengths_of, read_sae, unit
from harness.models.windows import batched, ids_of, visit_windows
from harness.stages.corpus import windows_of
from harness.stages.stage import stage
from harness.statistics.finite import require_finite
from harness.statistics.reconstruction import LayerTotals
from harness.store.tables import write_table
from harness.words.dictionaries import CorpusWindow, Reconstruction, SAEPlace, SplicedText, Split
from harness.words.plan import Numerics
from harness.words.study import ModelPin


@dataclass(kw_only=True, eq=False)
class Rebuilder:
    """Running sums of one dictionary over streams of length 1."""

    sae: TopKSAE
    totals: LayerTotals = field(default_factory=LayerTotals)
    cosines: float = 0.0
    fired: Tensor | None = None
    """By latent: whether it has fired yet."""

    def add(self, stream: Float[Tensor, "token d_model"]) -> None:
        """Take in some tokens."""
        x = unit(stream)
        acts = self.sae.acts(x)
        rebuilt = self.sae.rebuilt(acts)
        self.totals.add(x, rebuilt, acts)
        self.cosines += float(functional.cosine_similarity(x, rebuilt, dim=1).sum(dtype=torch.float64))
        fires = (acts > 0).any(dim=0)
        self.fired = fires if self.fired is None else self.fired | fires

    def row(self, place: SAEPlace) -> Reconstruction:
        """What the sums amount to."""
        assert self.fired is not None
        return Reconstruction(
            layer=place.layer,
            seed=place.seed,
            tokens=self.totals.tokens,
            latents=self.sae.latents,
            fraction_variance_unexplained=self.totals.fraction_variance_unexplained,
            cosine=self.cosines / self.totals.tokens,
            l0=self.totals.active / self.totals.tokens,
            dead_fraction=1 - float(self.fired.to(torch.float64).mean()),
        )


@stage(on="accelerator")
def sae_quality(
    corpus: Path,
    saes: Path,
    *,
    out: Path,
    model: ModelPin,
    numerics: Numerics,
    places: tuple[SAEPlace, ...],
    spliced_windows: int,
    batch_tokens: int,
) -> None:
    """How well a model's TopK SAEs rebuild it.

    Writes of each what it leaves unexplained over the test split, and the loss on some windows with its stream in place.
    """
    language_model = load_language_model(model, numerics)
    rebuilders = {place: Rebuilder(sae=read_sae(saes / place.file, numerics.device)) for place in places}

    def visit(layer: int, stream: Tensor, _windows: Sequence[CorpusWindow]) -> None:
        require_finite(stream)
        for place, rebuilder in rebuilders.items():
            if place.layer == layer:
                rebuilder.add(stream.flatten(0, 1))

    layers = {place.layer for place in places}
    visit_windows(language_model, windows_of(corpus, Split.TEST), layers, batch_tokens, visit)
    write_table(out, Reconstruction, (each.row(place) for place, each in rebuilders.items()))
    windows = list(islice(windows_of(corpus, Split.TEST), spliced_windows))
    write_table(
        out,
        SplicedText,
        (
            row
            for place, each in rebuilders.items()
            for row in spliced(language_model, place, each.sae, windows, batch_tokens)
        ),
    )


def spliced(
    language_model: LanguageModel,
    place: SAEPlace,
    sae: TopKSAE,
    windows: Sequence[CorpusWindow],
    batch_tokens: int,
) -> Iterator[SplicedText]:
    """The loss on each window with the stream as it is, and as the dictionary rebuilds it at its own length."""

    def rebuilt(stream: Tensor) -> Tensor:
        return lengths_of(stream) * sae.rebuilt(sae.acts(unit(stream)))

    for batch in batched(windows, batch_tokens, len(language_model.front_ids)):
        ids = ids_of(language_model, batch)
        clean, changed = (
            window_losses(language_model, ids, place.layer, change).tolist() for change in (None, rebuilt)
        )
        for window, before, after in zip(batch, clean, changed, strict=True):
            yield SplicedText(
                layer=place.layer,
                seed=place.seed,
                text_id=window.text_id,
                language=window.language,
                tokens=len(window.token_ids) - 1,
                clean=before,
                spliced=after,
            )
