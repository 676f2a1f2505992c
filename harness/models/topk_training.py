"""Training of TopK SAEs: one dictionary that takes batches of streams, step by step."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from harness.models.topk import NAMES, strongest
from harness.words.dictionaries import Loss, SAEPlace, TopKRecipe

MEDIAN_ROUNDS, MEDIAN_TOLERANCE = 100, 1e-5
"""When the search for a geometric median ends; both recipes have them so."""

NEVER_ZERO = 1e-8
"""Added to distances, of which one is zero where the median is a point itself."""


@dataclass(kw_only=True, eq=False)
class TopKTraining:
    """One dictionary on its way through its steps."""

    recipe: TopKRecipe
    encoder: Float[Tensor, "latent d_model"]
    bias: Float[Tensor, "latent"]
    decoder: Float[Tensor, "latent d_model"]
    b_dec: Float[Tensor, "d_model"]
    stream: torch.Generator
    """Draws the order of tokens within a buffer."""
    losses: list[Tensor] = field(default_factory=list)
    """Of every step; they stay on the device until somebody asks."""
    sizes: list[int] = field(default_factory=list)
    """Tokens of every step."""

    @classmethod
    def begun(cls, recipe: TopKRecipe, place: SAEPlace, d_model: int, device: str) -> Self:
        """An untrained dictionary.

        Drawn on the host, so that a seed means the same on every device: the encoder as a linear layer starts, the decoder its
        copy with rows of length 1.
        """
        stream = torch.Generator().manual_seed(_root_of(place, d_model))
        bound = d_model**-0.5
        drawn = torch.rand(recipe.latents, d_model, generator=stream) * 2 * bound - bound
        rows = functional.normalize(drawn, dim=1)
        dtype = getattr(torch, recipe.dtype)
        weights = (
            rows if recipe.unit_encoder else drawn,
            torch.zeros(recipe.latents),
            rows,
            torch.zeros(d_model),
        )
        encoder, bias, decoder, b_dec = (
            weight.to(device, dtype, copy=True).requires_grad_() for weight in weights
        )
        return cls(recipe=recipe, encoder=encoder, bias=bias, decoder=decoder, b_dec=b_dec, stream=stream)

    def __post_init__(self) -> None:
        """Adam over all weights, its rate growing from zero over the first steps."""
        recipe = self.recipe
        self.optimizer = torch.optim.Adam(self.parameters, lr=recipe.learning_rate, eps=recipe.adam_eps)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min(1.0, step / recipe.warmup_steps) if recipe.warmup_steps else 1.0
        )

    @property
    def parameters(self) -> list[Tensor]:
        """The weights, in the order of `NAMES`."""
        return [self.encoder, self.bias, self.decoder, self.b_dec]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights by their names in a file, decoder rows at length 1."""
        self._set_rows()
        return dict(zip(NAMES, self.parameters, strict=True))

    def train(self, buffer: Float[Tensor, "token d_model"]) -> None:
        """The steps that some tokens make; the first ones also say where the bias begins."""
        recipe = self.recipe
        buffer = buffer.to(self.encoder.dtype)
        if not self.losses:
            start = buffer[: recipe.batch_tokens].to(torch.float32)
            self.b_dec.data.copy_(geometric_median(start))
        for batch in self._batches(buffer):
            self.step(batch)

    @torch.enable_grad()
    def step(self, x: Float[Tensor, "token d_model"]) -> None:
        """One step along the gradient of one batch, also where whoever reads the model asks for none."""
        recipe = self.recipe
        if not recipe.rows_set_after:
            self._set_rows()
        mixed = recipe.mixed_dtype
        with torch.autocast(x.device.type, getattr(torch, mixed)) if mixed else nullcontext():
            pre_acts = functional.linear(x - self.b_dec, self.encoder, self.bias)
            rebuilt = strongest(pre_acts, recipe.k) @ self.decoder + self.b_dec
        error = (rebuilt - x).square().sum()
        if recipe.loss is Loss.UNEXPLAINED:
            loss = error / (x - x.mean(dim=0)).square().sum()
        else:
            loss = error / len(x)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.schedule.step()
        if recipe.rows_set_after:
            self._set_rows()
        self.losses.append(loss.detach())
        self.sizes.append(len(x))

    def _batches(self, buffer: Float[Tensor, "token d_model"]) -> Iterator[Float[Tensor, "token d_model"]]:
        size = self.recipe.batch_tokens
        if len(buffer) > size:
            order = torch.randperm(len(buffer), generator=self.stream).to(buffer.device)
            yield from (buffer[order[start : start + size]] for start in range(0, len(buffer), size))
        else:
            yield buffer

    @torch.no_grad()
    def _set_rows(self) -> None:
        self.decoder.div_(self.decoder.norm(dim=1, keepdim=True))


def _root_of(place: SAEPlace, d_model: int) -> int:
    """The root of a dictionary's own random stream: another one for every width, layer and seed; all checkpoints of a model share it."""
    return int(
        np.random.SeedSequence([place.seed, place.layer, d_model]).generate_state(1, np.uint64)[0] >> 1
    )


@torch.no_grad()
def geometric_median(points: Float[Tensor, "point d_model"]) -> Float[Tensor, "d_model"]:
    """The place with the least summed distance to some points.

    Source: E. Weiszfeld, Tohoku Math. J. 43 (1937) 355-386.
    """
    median = points.mean(dim=0)
    for _ in range(MEDIAN_ROUNDS):
        nearness = 1 / ((points - median).norm(dim=1) + NEVER_ZERO)
        before, median = median, (nearness / nearness.sum()) @ points
        if float((median - before).norm()) < MEDIAN_TOLERANCE:
            break
    return median
