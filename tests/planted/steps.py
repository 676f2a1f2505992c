"""Training by hand: the alignment loss of the planted model under any adapter, and AdamW, written out in float64.

Nothing here comes from `harness/`, from peft or from `torch.optim`; of torch only derivatives are taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from tests.planted.expected import Expected, own_shares
from tests.planted.lexicon import pieces_of
from tests.planted.network import (
    ADAPTED,
    ADAPTED_GAIN,
    BOS,
    CONSTANT_PLACE,
    CONTEXT_GAIN,
    CONTEXT_IN,
    CONTEXT_OUT,
    D_MODEL,
    HEAD_DIM,
    VALUE_GAIN,
    WINDOW,
    Facts,
)
from tests.planted.pencil import NORM_EPS
from tests.planted.world import ALIGNMENT

Place = tuple[int, str, str]
"""Layer, projection, and which of the two factors: "A" or "B"."""

Weights = dict[Place, Tensor]
"""Adapter weights in float64: A is [rank, d_model], B is [value, rank]."""

BETAS, EPS = (0.9, 0.999), 1e-8
"""What AdamW is where nobody asks for something else (Loshchilov and Hutter 2019, algorithm 2)."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a training."""

    learning_rate: float
    weight_decay: float
    alpha: float


@dataclass
class HandTraining:
    """Some steps from given weights, with the loss before each."""

    expected: Expected
    code: str
    asked: Asked
    weights: Weights
    losses: list[float] = field(default_factory=list)
    _means: dict[Place, Tensor] = field(default_factory=dict)
    _squares: dict[Place, Tensor] = field(default_factory=dict)

    def step(self, texts: Sequence[str]) -> None:
        """One step along the gradient of some English texts and their translations."""
        leaves = {place: weight.clone().requires_grad_() for place, weight in self.weights.items()}
        loss = self._loss(texts, leaves)
        slopes = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        self.losses.append(float(loss.detach()))
        for place, slope in zip(leaves, slopes, strict=True):
            self.weights[place] = self._moved(place, slope)

    def _moved(self, place: Place, slope: Tensor) -> Tensor:
        taken = len(self.losses)
        mean, square = (kept.get(place, torch.zeros_like(slope)) for kept in (self._means, self._squares))
        self._means[place] = BETAS[0] * mean + (1 - BETAS[0]) * slope
        self._squares[place] = BETAS[1] * square + (1 - BETAS[1]) * slope**2
        mean, square = (
            self._means[place] / (1 - BETAS[0] ** taken),
            self._squares[place] / (1 - BETAS[1] ** taken),
        )
        decayed = self.weights[place] * (1 - self.asked.learning_rate * self.asked.weight_decay)
        return decayed - self.asked.learning_rate * mean / (square.sqrt() + EPS)

    def _loss(self, texts: Sequence[str], weights: Weights) -> Tensor:
        """Mean over layers of mean abs(u - v) + alpha * mean (u - u_orig)^2, means over the texts' own latents."""
        u, v = (self._pooled(code, texts, weights) for code in ("en", self.code))
        untouched = self._pooled("en", texts, {})
        shares = torch.from_numpy(own_shares(self.expected, texts)).transpose(0, 1)
        return (shares * ((u - v).abs() + self.asked.alpha * (u - untouched) ** 2)).sum()

    def _pooled(self, code: str, texts: Sequence[str], weights: Weights) -> Tensor:
        """Mean activations over tokens, BOS out: [text, aligned layer, latent]."""
        world = self.expected.world
        pooled = []
        for text in texts:
            found = streams_under(world.facts, pieces_of(self.expected.said(code, text)), weights)
            layers = []
            for layer in ALIGNMENT.layers:
                W_enc, b_enc, threshold = (
                    torch.from_numpy(getattr(world.dictionaries[layer], name))
                    for name in ("W_enc", "b_enc", "threshold")
                )
                pre_acts = found[layer][1:] @ W_enc + b_enc
                layers.append((pre_acts * ((pre_acts > threshold) & (pre_acts > 0))).mean(dim=0))
            pooled.append(torch.stack(layers))
        return torch.stack(pooled)


def streams_under(facts: Facts, pieces: Sequence[str], weights: Mapping[Place, Tensor]) -> list[Tensor]:
    """The residual stream after each aligned layer under any adapter, [position, d_model], BOS in front.

    Keys are zero, so every token attends alike to what stands before it, whatever an adapter does to its query.
    """
    stream = torch.from_numpy(facts.vectors[[BOS, *facts.ids_of(pieces)]])
    after = []
    for layer in ALIGNMENT.layers:
        written = _written(_values(_normed(stream), layer, weights), layer)
        stream = stream + written + torch.from_numpy(facts.layers[layer])
        after.append(stream)
    return after


def _values(normed: Tensor, layer: int, weights: Mapping[Place, Tensor]) -> Tensor:
    reads = np.zeros((HEAD_DIM, D_MODEL))
    reads[CONSTANT_PLACE, CONSTANT_PLACE] = VALUE_GAIN
    if layer == 0:
        reads[CONTEXT_OUT, CONTEXT_IN] = VALUE_GAIN
    values = normed @ torch.from_numpy(reads).T
    if weights:
        scale = ALIGNMENT.lora_alpha / ALIGNMENT.rank
        A, B = (weights[layer, "v_proj", factor] for factor in "AB")
        values = values + scale * normed @ A.T @ B.T
    return values


def _written(values: Tensor, layer: int) -> Tensor:
    """What attention writes: three values go out, and the norm behind lets one or two of them pass."""
    seen = torch.ones(len(values), len(values), dtype=torch.float64).tril()
    if layer % 2 == 0:
        seen = seen.triu(1 - WINDOW)
    heard = torch.zeros(len(values), D_MODEL, dtype=torch.float64)
    places = [CONSTANT_PLACE, ADAPTED, CONTEXT_OUT]
    heard[:, places] = (seen @ values / seen.sum(dim=1, keepdim=True))[:, places]
    passes = torch.zeros(D_MODEL, dtype=torch.float64)
    passes[ADAPTED] = ADAPTED_GAIN
    passes[CONTEXT_OUT] = CONTEXT_GAIN if layer == 0 else 0.0
    return _normed(heard) * passes


def _normed(stream: Tensor) -> Tensor:
    return stream / ((stream**2).mean(dim=1, keepdim=True) + NORM_EPS).sqrt()
