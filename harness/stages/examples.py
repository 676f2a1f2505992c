"""The examples stage: for every latent of a model's dictionaries the windows of the test split that speak for it.

Two passes over the split: the first finds the largest value of each latent, before the ReLU and the TopK, the second the windows with a
token that comes near it. What is held does not grow with the split: a maximum and a few windows for each latent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from harness.models.loading import LanguageModel, load_language_model
from harness.models.topk import TopKSAE, read_sae, strongest, unit
from harness.models.windows import visit_windows
from harness.stages.corpus import windows_of
from harness.stages.stage import stage
from harness.statistics.finite import require_finite
from harness.statistics.language_classes import script_language
from harness.store.tables import write_table
from harness.words.dictionaries import (
    CorpusWindow,
    ExampleChoice,
    KeptExamples,
    LatentExample,
    ReadLatent,
    SAEPlace,
    Split,
)
from harness.words.plan import Numerics
from harness.words.study import ModelPin, Pieces

SPACES: Mapping[Pieces, str] = {Pieces.WORD_MARKS: "\u2581", Pieces.BYTES: "\u0120"}
"""How vocabularies spell a space."""

Values = Float[Tensor, "window position latent"]


@dataclass(frozen=True)
class Found:
    """One window that speaks for a latent."""

    peak: float
    window: CorpusWindow
    position: int


@dataclass(eq=False)
class LatentReader:
    """What one dictionary's latents do over the windows of a split."""

    sae: TopKSAE
    choice: ExampleChoice

    def __post_init__(self) -> None:
        """Nothing is seen yet."""
        latents, device = self.sae.latents, self.sae.b_enc.device
        self.maximum = torch.full((latents,), -torch.inf, device=device)
        self.firing = torch.zeros(latents, dtype=torch.int64, device=device)
        self.squares = torch.zeros(latents, dtype=torch.float64, device=device)
        self.seen = torch.zeros(latents, dtype=torch.int64, device=device)
        self.found: list[list[Found]] = [[] for _ in range(latents)]

    def measure(self, stream: Float[Tensor, "window position d_model"]) -> None:
        """First pass: the largest value of every latent, and how much it fires."""
        pre_acts = self.sae.pre_acts(unit(stream)).flatten(0, 1)
        acts = strongest(pre_acts, self.sae.k)
        self.maximum = torch.maximum(self.maximum, pre_acts.amax(dim=0))
        self.firing += (acts > 0).sum(dim=0)
        self.squares += acts.square().sum(dim=0, dtype=torch.float64)

    def collect(
        self, stream: Float[Tensor, "window position d_model"], windows: Sequence[CorpusWindow]
    ) -> None:
        """Second pass: the windows that speak for each latent, as many as are kept."""
        pre_acts = self.sae.pre_acts(unit(stream))
        speaks = strongest(pre_acts, self.sae.k) > 0
        if self.choice.kept is KeptExamples.FIRST_STRONG:
            speaks &= pre_acts > self.choice.strong_fraction * self.maximum
        speaks = speaks.any(dim=1)
        if self.choice.kept is not KeptExamples.STRONGEST:
            speaks &= self.seen < self.choice.examples
        pairs = speaks.nonzero()
        values = pre_acts[pairs[:, 0], :, pairs[:, 1]]
        peaks, positions = values.max(dim=1)
        for (window, latent), peak, position in zip(
            pairs.tolist(), peaks.tolist(), positions.tolist(), strict=True
        ):
            self._keep(latent, Found(peak, windows[window], position))
        self.seen += torch.bincount(pairs[:, 1], minlength=len(self.seen))

    def _keep(self, latent: int, found: Found) -> None:
        kept = self.found[latent]
        if self.choice.kept is KeptExamples.STRONGEST:
            kept.append(found)
            kept.sort(key=lambda each: -each.peak)
            del kept[self.choice.examples :]
        elif len(kept) < self.choice.examples:
            kept.append(found)


@stage(on="accelerator")
def examples(
    corpus: Path,
    saes: Path,
    *,
    out: Path,
    model: ModelPin,
    numerics: Numerics,
    places: tuple[SAEPlace, ...],
    languages: tuple[str, str],
    choice: ExampleChoice,
    batch_tokens: int,
) -> None:
    """Windows that speak for each latent.

    Writes every latent with its maximum, and its examples with their languages, by script and by document.
    """
    language_model = load_language_model(model, numerics)
    readers = {place: LatentReader(read_sae(saes / place.file, numerics.device), choice) for place in places}

    def read(visit: Callable[[LatentReader, Tensor, Sequence[CorpusWindow]], None]) -> None:
        def visit_layer(layer: int, stream: Tensor, windows: Sequence[CorpusWindow]) -> None:
            require_finite(stream)
            for place, reader in readers.items():
                if place.layer == layer:
                    visit(reader, stream, windows)

        layers = {place.layer for place in places}
        visit_windows(language_model, windows_of(corpus, Split.TEST), layers, batch_tokens, visit_layer)

    read(lambda reader, stream, _windows: reader.measure(stream))
    read(LatentReader.collect)
    pieces, texts = piece_texts(language_model)
    write_table(
        out, ReadLatent, (row for place, reader in readers.items() for row in read_latents(place, reader))
    )
    write_table(
        out,
        LatentExample,
        (
            row
            for place, reader in readers.items()
            for row in latent_examples(place, reader, pieces, texts, languages)
        ),
    )


def piece_texts(language_model: LanguageModel) -> tuple[list[str], list[str]]:
    """Every token as its vocabulary spells it, and the same with real spaces."""
    tokenizer = language_model.tokenizer
    pieces: list[str] = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    space = SPACES[language_model.facts.pieces]
    return pieces, [piece.replace(space, " ") for piece in pieces]


def read_latents(place: SAEPlace, reader: LatentReader) -> Iterator[ReadLatent]:
    """What each latent of a dictionary reached."""
    columns = (reader.maximum.tolist(), reader.firing.tolist(), reader.squares.tolist())
    for latent, (maximum, firing, squares) in enumerate(zip(*columns, strict=True)):
        yield ReadLatent(
            layer=place.layer, seed=place.seed, latent=latent, maximum=maximum, firing=firing, squares=squares
        )


def latent_examples(
    place: SAEPlace,
    reader: LatentReader,
    pieces: Sequence[str],
    texts: Sequence[str],
    languages: tuple[str, str],
) -> Iterator[LatentExample]:
    """The examples of each latent of a dictionary, with their languages."""
    for latent, kept in enumerate(reader.found):
        for each in kept:
            ids = each.window.token_ids
            yield LatentExample(
                layer=place.layer,
                seed=place.seed,
                latent=latent,
                text_id=each.window.text_id,
                position=each.position,
                peak=each.peak,
                token=pieces[ids[each.position]],
                script_language=script_language([texts[token] for token in ids], each.position, languages),
                text_language=each.window.language,
            )
