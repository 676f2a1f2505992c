"""The alignment loss: what it reads of a model with an adapter, and the formula.

With u the pooled latent activations of an English phrase, v those of its translation, and u_orig those of the
untouched model, the loss of one layer is

    mean abs(u - v) + alpha * mean (u - u_orig)^2

as means over phrases and latents, so that alpha means the same at every size; the loss is the mean over layers.

Source: summary S1 of arXiv 2507.18918; what it leaves open is answered in the study's specification.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from harness.supply.loading import LanguageModel
from harness.tools.batches import padded_left
from harness.tools.encoding import Encoder, latent_activations
from harness.tools.hooks import visit_residuals
from harness.tools.pooling import averaging_matrix, counted_positions
from harness.words.study import AlignmentChoice

Untouched = Callable[[], AbstractContextManager[None]]
"""Opens a block in which the model runs without its adapter."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Token ids of English phrases and of their translations, in the same order."""

    english: tuple[tuple[int, ...], ...]
    target: tuple[tuple[int, ...], ...]

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
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligner:
    """What the loss needs: a model, the encoders of the aligned layers, and the choice of the loss."""

    language_model: LanguageModel
    encoders: Mapping[int, Encoder]
    choice: AlignmentChoice

    def pooled_activations(
        self, ids: Sequence[Sequence[int]], width: int = 0
    ) -> list[Float[Tensor, "text latent"]]:
        """Mean latent activations of each text over its tokens, per aligned layer; BOS and padding out.

        Args:
            ids: Token ids of each text.
            width: Positions to pad to at least; the same padding rounds the same way.
        """
        language_model = self.language_model
        input_ids, mask = padded_left(ids, language_model.pad_id, language_model.device, width)
        counted = counted_positions(input_ids, mask, language_model.bos_id)
        averaging = averaging_matrix(counted)
        pooled: list[Tensor] = []

        def visit(layer: int, residual: Tensor) -> None:
            pooled.append(averaging @ latent_activations(residual[counted], self.encoders[layer]))

        visit_residuals(language_model.decoder, input_ids, mask, self.encoders.keys(), visit)
        return pooled

    def both_sides(self, pairs: Pairs, width: int = 0) -> tuple[list[Tensor], list[Tensor]]:
        """Pooled activations of the English and of the target side, from one pass over both, padded to `width` at least."""
        pooled = self.pooled_activations((*pairs.english, *pairs.target), width)
        return [layer[: len(pairs)] for layer in pooled], [layer[len(pairs) :] for layer in pooled]

    def original(
        self, pairs: Pairs, untouched: Untouched, width: int = 0
    ) -> list[Float[Tensor, "text latent"]]:
        """Pooled activations of the English side without the adapter, padded as `both_sides` pads it."""
        with untouched(), torch.no_grad():
            return self.pooled_activations(pairs.english, max(width, pairs.width))

    def loss(self, pairs: Pairs, untouched: Untouched, width: int = 0) -> Float[Tensor, ""]:
        """The alignment loss of some pairs; gradients reach the adapter through both sides unless detached.

        Args:
            pairs: What it is the loss of.
            untouched: Opens a block without the adapter.
            width: Positions to pad to at least, where the pairs are a part of a wider batch.
        """
        english, target = self.both_sides(pairs, width)
        return alignment_loss(english, target, self.original(pairs, untouched, width), self.choice)


def alignment_loss(
    english: Sequence[Float[Tensor, "text latent"]],
    target: Sequence[Float[Tensor, "text latent"]],
    original: Sequence[Float[Tensor, "text latent"]],
    choice: AlignmentChoice,
) -> Float[Tensor, ""]:
    """Mean over layers of the alignment term plus alpha times the retention term.

    Args:
        english: u per layer.
        target: v per layer.
        original: u of the untouched model per layer.
        choice: Alpha, and whether the alignment term holds u fixed.
    """
    layers = []
    for u, v, u_orig in zip(english, target, original, strict=True):
        anchor = u.detach() if choice.detach_english else u
        layers.append((anchor - v).abs().mean() + choice.alpha * (u - u_orig).square().mean())
    return torch.stack(layers).mean()
