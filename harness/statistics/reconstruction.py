"""How well an SAE rebuilds what it reads, from sums over tokens."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(kw_only=True)
class LayerTotals:
    """Running sums over tokens of one layer; float64."""

    squared_error: float = 0.0
    squared: float = 0.0
    total: Float[Tensor, "d_model"] | None = None
    active: float = 0.0
    tokens: int = 0
    latents: int = 0

    def add(self, residual: Float[Tensor, "token d_model"], rebuilt: Tensor, latent_acts: Tensor) -> None:
        """Take in some tokens."""
        exact = residual.to(torch.float64)
        self.squared_error += float((exact - rebuilt.to(torch.float64)).square().sum())
        self.squared += float(exact.square().sum())
        summed = exact.sum(dim=0)
        self.total = summed if self.total is None else self.total + summed
        self.active += float((latent_acts > 0).sum())
        self.tokens += len(residual)
        self.latents = latent_acts.shape[1]

    @property
    def fraction_variance_unexplained(self) -> float:
        """Squared error of the rebuilt stream over its variance around the mean of these tokens."""
        assert self.total is not None
        variance = self.squared - float(self.total.square().sum()) / self.tokens
        return self.squared_error / variance
