"""Dictionaries, streams and models by hand, of which a pencil says what the second paper's instrument must find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.models.loading import LanguageModel
from harness.words.dictionaries import CorpusWindow, Loss, SAEPlace, Split, TopKRecipe
from tests.tiny_models import KINDS

LANGUAGES = ("en", "ja")
FIRST, SECOND = "river", "\u5ddd"
"""One token of each language."""

PLACE = SAEPlace(layer=0, seed=1)
WIDTH, OF_EACH, ACTIVE = 32, 16, 3
"""Directions of the planted streams: as many for each language, and shared; so many of them make a token."""

RECIPE = TopKRecipe(
    latents=96,
    k=ACTIVE,
    loss=Loss.UNEXPLAINED,
    tokens=600 * 512,
    batch_tokens=512,
    buffer_tokens=512,
    learning_rate=3e-3,
    warmup_steps=50,
    adam_eps=6.25e-10,
    unit_encoder=False,
    rows_set_after=False,
    dtype="float32",
)


@dataclass(frozen=True)
class Planted:
    """Streams that are sums of a few known directions, with the language of every token."""

    directions: Tensor
    """[48, width]: those of the first language, of the second, and those of both."""
    streams: Tensor
    languages: Sequence[str]

    @property
    def label_of(self) -> list[str]:
        """The class of every direction."""
        return [*["en"] * OF_EACH, *["ja"] * OF_EACH, *["bilingual"] * OF_EACH]


def planted_streams(tokens: int, seed: int = 1, width: int = WIDTH) -> Planted:
    """Some tokens; each is of one language, and made of its own directions and of shared ones."""
    fixed, drawn = np.random.default_rng(0), np.random.default_rng(seed)
    directions = fixed.standard_normal((3 * OF_EACH, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    second = drawn.random(tokens) < 0.5
    streams = np.zeros((tokens, width))
    for token in range(tokens):
        own = OF_EACH * int(second[token]) + np.arange(OF_EACH)
        chosen = drawn.choice(np.concatenate([own, 2 * OF_EACH + np.arange(OF_EACH)]), ACTIVE, replace=False)
        streams[token] = drawn.uniform(0.7, 1.3, ACTIVE) @ directions[chosen]
    return Planted(
        directions=torch.tensor(directions, dtype=torch.float32),
        streams=torch.tensor(streams, dtype=torch.float32),
        languages=[LANGUAGES[int(each)] for each in second],
    )


def window_of(number: int, language: str, token_ids: Sequence[int], split: str = Split.TEST) -> CorpusWindow:
    """One window."""
    return CorpusWindow(
        text_id=number, language=language, split=split, document=number, token_ids=tuple(token_ids)
    )


CONCEPTS, FRONT = 4, 8
"""Words of each language, in pairs that mean the same; and the token that stands in front of a text."""


class Rolls(nn.Module):
    """A layer that moves every direction of the stream by some places."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def forward(self, stream: Tensor) -> Tensor:
        return stream.roll(self.places, dims=-1)


class LinearDecoder(nn.Module):
    """Embeddings, a layer that passes them on, and one that gives each direction another place."""

    def __init__(self, streams: Tensor) -> None:
        super().__init__()
        self.streams = streams
        self.layers = nn.ModuleList([Rolls(0), Rolls(1)])

    def forward(self, input_ids: Tensor, **_told: Any) -> SimpleNamespace:
        stream = self.streams[input_ids]
        for layer in self.layers:
            stream = layer(stream)
        return SimpleNamespace(last_hidden_state=stream)


class LinearModel(nn.Module):
    """A language model whose logits are a linear map of what a token is embedded as."""

    def __init__(self, streams: Tensor, head: Tensor) -> None:
        super().__init__()
        self.decoder, self.head = LinearDecoder(streams), SimpleNamespace(weight=head)

    def get_decoder(self) -> nn.Module:
        return self.decoder

    def get_output_embeddings(self) -> SimpleNamespace:
        return self.head


def linear_model(*, shared_carries: bool, knows: bool) -> LanguageModel:
    """A model of eight words, of which each is followed by the next concept in its own language.

    Its stream has a direction for each word, one for each concept, and one for the front token. The head reads the next word off
    concepts alone, or off words alone; a model that does not know has the wrong one of what the head reads.

    Args:
        shared_carries: True where concepts carry the next word, False where words do.
        knows: True of the later checkpoint.
    """
    streams, head = torch.zeros(9, 13), torch.zeros(9, 13)
    for word in range(2 * CONCEPTS):
        concept, first = word % CONCEPTS, CONCEPTS * (word // CONCEPTS)
        wrong = (concept + 2) % CONCEPTS
        streams[word, word if shared_carries or knows else first + wrong] = 1.0
        streams[word, 8 + (concept if knows or not shared_carries else wrong)] = 1.0
        following = first + (concept + 1) % CONCEPTS
        head[following, 8 + concept if shared_carries else word] = 6.0
    streams[FRONT, 12] = 1.0
    return LanguageModel(
        model=LinearModel(streams, head.roll(1, dims=1)),
        tokenizer=None,
        front_ids=(FRONT,),
        pad_id=FRONT,
        facts=KINDS["llama"].facts,
        device="cpu",
    )


def words_after(first: int, count: int) -> list[int]:
    """Words that follow one, itself among them."""
    offset = CONCEPTS * (first // CONCEPTS)
    return [offset + (first + step) % CONCEPTS for step in range(count)]


LINEAR_CLASSES: Mapping[int, str] = {
    **dict.fromkeys(range(4), "en"),
    **dict.fromkeys(range(4, 8), "ja"),
    **dict.fromkeys(range(8, 12), "bilingual"),
    12: "dead",
}
"""By latent, which reads one direction of the stream each."""
