"""The alignment loss: what it reads of a model with an adapter, and the formula.

A phrase speaks for its own latents: those of a layer that it was selected for. With u their pooled activations in the
English phrase, v the activations of the same latents in its translation, and u_orig those of the untouched model, the
loss of one layer is

    mean abs(u - v) + alpha * mean (u - u_orig)^2

as means over every own (phrase, latent) of the batch at that layer, so that alpha means the same at every size; the loss
is the mean over the aligned layers at which some phrase of the batch has an own latent. The others say nothing of it.

Under `AlignedLatents.ALL` the means go over every latent of the layer instead. Nearly all of them are silent for most
phrases, and abs(u - v) is least where both sides are silent.

Source: summary S1 of arXiv 2507.18918; what it leaves open is answered in the study's specification.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.models.batches import padded_left
from harness.models.loading import LanguageModel
from harness.models.residuals import averaging_matrix, counted_positions, visit_residuals
from harness.models.sae import Encoder, latent_activations
from harness.words.study import AlignedLatents, AlignmentChoice

Untouched = Callable[[], AbstractContextManager[None]]
"""Opens a block in which the model runs without its adapter."""

OwnLatents = tuple[tuple[int, int], ...]
"""Layer and latent of everything that one phrase was selected for."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Token ids of English phrases and of their translations, in the same order, and the phrases' own latents."""

    english: tuple[tuple[int, ...], ...]
    target: tuple[tuple[int, ...], ...]
    own: tuple[OwnLatents, ...]
    """What the English phrases were selected for; the translation is read at the same latents."""

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.english)

    @property
    def width(self) -> int:
        """Tokens of the longest text on either side."""
        return max(map(len, (*self.english, *self.target)))

    def chosen(self, indices: Sequence[int]) -> "Pairs":
        """Some of the pairs, in the order given."""
        return Pairs(
            english=tuple(self.english[index] for index in indices),
            target=tuple(self.target[index] for index in indices),
            own=tuple(self.own[index] for index in indices),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligner:
    """What the loss needs: a model, the encoders of the aligned layers, and the choice of the loss."""

    language_model: LanguageModel
    encoders: Mapping[int, Encoder]
    choice: AlignmentChoice
    known: dict[tuple[tuple[int, ...], OwnLatents], Mapping[tuple[int, int], float]] = field(
        default_factory=dict
    )
    """By token ids and own latents of an English phrase: what the untouched model showed of them."""

    def pooled_activations(
        self, ids: Sequence[Sequence[int]], width: int = 0
    ) -> list[Float[Tensor, "text latent"]]:
        """Mean latent activations of each text over its tokens, per aligned layer; padding and what stands in front out.

        Args:
            ids: Token ids of each text.
            width: Positions to pad to at least; the same padding rounds the same way.
        """
        language_model = self.language_model
        input_ids, mask = padded_left(ids, language_model.pad_id, language_model.device, width)
        counted = counted_positions(mask, len(language_model.front_ids))
        averaging = averaging_matrix(counted)
        pooled: list[Tensor] = []

        def visit(layer: int, residual: Tensor) -> None:
            acts = latent_activations(
                residual[counted], self.encoders[layer], straight_through=self.choice.straight_through
            )
            pooled.append(averaging @ acts)

        visit_residuals(language_model.decoder, input_ids, mask, self.encoders.keys(), visit)
        return pooled

    def both_sides(self, pairs: Pairs, width: int = 0) -> tuple[list[Tensor], list[Tensor]]:
        """Pooled activations of the English and of the target side, from one pass over both, padded to `width` at least."""
        pooled = self.pooled_activations((*pairs.english, *pairs.target), width)
        return [layer[: len(pairs)] for layer in pooled], [layer[len(pairs) :] for layer in pooled]

    def original(
        self, pairs: Pairs, untouched: Untouched, width: int = 0
    ) -> list[Float[Tensor, "text latent"]]:
        """Pooled activations of the English side without the adapter, padded as `both_sides` pads it.

        Where the loss is over own latents, a phrase passes the model once, however often it is asked for; all latents but its
        own are then zero, and weigh nothing.
        """
        is_over_all = self.choice.latents is AlignedLatents.ALL
        phrases = list(zip(pairs.english, pairs.own, strict=True))
        new = [place for place, phrase in enumerate(phrases) if is_over_all or phrase not in self.known]
        if new:
            with untouched(), torch.no_grad():
                found = self.pooled_activations(
                    [pairs.english[place] for place in new], max(width, pairs.width)
                )
            if is_over_all:
                return found
            layers = dict(zip(sorted(self.encoders), (layer.cpu().numpy() for layer in found), strict=True))
            for row, place in enumerate(new):
                spoken = [each for each in pairs.own[place] if each[0] in layers]
                self.known[phrases[place]] = {
                    (layer, latent): float(layers[layer][row, latent]) for layer, latent in spoken
                }
        return self._scattered([self.known[phrase] for phrase in phrases])

    def shares(self, pairs: Pairs, batch: Pairs) -> list[Float[Tensor, "text latent"]]:
        """How much each activation of some pairs weighs in the mean over their batch, per aligned layer in ascending order.

        The shares of a whole batch sum to 1, and to 0 where none of its phrases has an own latent in an aligned layer.

        Args:
            pairs: The batch, or a part of it.
            batch: What the mean is over.
        """
        if self.choice.latents is AlignedLatents.ALL:
            sizes = [encoder.num_latents for _, encoder in sorted(self.encoders.items())]
            return [
                torch.full(
                    (len(pairs), size),
                    1 / (len(batch) * size * len(sizes)),
                    device=self.language_model.device,
                )
                for size in sizes
            ]
        spoken = Counter(layer for own in batch.own for layer, _ in own if layer in self.encoders)
        return self._scattered(
            [
                {
                    (layer, latent): 1 / (spoken[layer] * len(spoken))
                    for layer, latent in own
                    if layer in spoken
                }
                for own in pairs.own
            ]
        )

    def _scattered(
        self, values: Sequence[Mapping[tuple[int, int], float]]
    ) -> list[Float[Tensor, "text latent"]]:
        """One value for some latents of every text, and zero for the others, per aligned layer in ascending order."""
        layers = {
            layer: np.zeros((len(values), encoder.num_latents), dtype=np.float32)
            for layer, encoder in sorted(self.encoders.items())
        }
        for row, of_text in enumerate(values):
            for (layer, latent), value in of_text.items():
                layers[layer][row, latent] = value
        return [torch.from_numpy(layer).to(self.language_model.device) for layer in layers.values()]

    def loss(self, pairs: Pairs, untouched: Untouched, batch: Pairs | None = None) -> Float[Tensor, ""]:
        """What some pairs add to the loss of their batch; gradients reach the adapter through both sides unless detached.

        Args:
            pairs: The batch, or a part of it; the losses of its parts sum up to the loss of the whole.
            untouched: Opens a block without the adapter.
            batch: What the pairs are a part of, which they are padded as wide as; they are the whole if left out.
        """
        batch = batch or pairs
        english, target = self.both_sides(pairs, batch.width)
        original = self.original(pairs, untouched, batch.width)
        return alignment_loss(english, target, original, self.shares(pairs, batch), self.choice)


def alignment_loss(
    english: Sequence[Float[Tensor, "text latent"]],
    target: Sequence[Float[Tensor, "text latent"]],
    original: Sequence[Float[Tensor, "text latent"]],
    shares: Sequence[Float[Tensor, "text latent"]],
    choice: AlignmentChoice,
) -> Float[Tensor, ""]:
    """The alignment term plus alpha times the retention term, each a mean as the shares weigh it.

    Args:
        english: u per layer.
        target: v per layer.
        original: u of the untouched model per layer.
        shares: Weight of every activation per layer.
        choice: Alpha, and what the alignment term takes for u.
    """
    layers = []
    for u, v, u_orig, weights in zip(english, target, original, shares, strict=True):
        anchor = u_orig if choice.hold_english else u.detach() if choice.detach_english else u
        layers.append((weights * ((anchor - v).abs() + choice.alpha * (u - u_orig).square())).sum())
    return torch.stack(layers).sum()
