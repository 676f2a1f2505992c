"""JumpReLU arithmetic: residual stream in, latent activations out, for all latents or for chosen columns."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.statistics.finite import NotFiniteError


def require_finite(residual: Float[Tensor, "... d_model"]) -> None:
    """Refuse a residual stream that overflowed or was never a number.

    Raises:
        NotFiniteError: If a value is infinite or no number.
    """
    finite = torch.isfinite(residual)
    if not bool(finite.all()):
        raise NotFiniteError(
            "the residual stream holds values that are infinite or no number; the precision is too low for this "
            "model, or its weights are broken",
            what="value of the residual stream",
            value=float(residual.detach()[~finite][0]),
        )


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The encoding half of a dictionary, whole or cut to some latents; float32."""

    W_enc: Float[Tensor, "d_model latent"]
    b_enc: Float[Tensor, "latent"]
    threshold: Float[Tensor, "latent"]

    def columns(self, latents: Int[Tensor, "chosen"]) -> "Encoder":
        """The same encoder for the chosen latents, in the order given."""
        return Encoder(
            W_enc=self.W_enc.index_select(1, latents).contiguous(),
            b_enc=self.b_enc.index_select(0, latents),
            threshold=self.threshold.index_select(0, latents),
        )

    def to(self, device: str) -> "Encoder":
        """The same encoder on another device."""
        return Encoder(
            W_enc=self.W_enc.to(device), b_enc=self.b_enc.to(device), threshold=self.threshold.to(device)
        )


def latent_activations(
    residual: Float[Tensor, "... d_model"], encoder: Encoder
) -> Float[Tensor, "... latent"]:
    """Activations after the JumpReLU: the pre-activation where it is above the threshold and above zero, else 0.

    The residual stream is raised to float32 first, since threshold crossings depend on precision. `b_dec` is not
    subtracted: these dictionaries were released with every scaling folded in.

    Raises:
        NotFiniteError: If the stream holds a value that is no number; a threshold would turn it into 0.

    Source: arXiv 2408.05147, section 3.
    """
    require_finite(residual)
    pre_acts = residual.to(torch.float32) @ encoder.W_enc + encoder.b_enc
    fires = (pre_acts > encoder.threshold) & (pre_acts > 0)
    return torch.where(fires, pre_acts, 0.0)
