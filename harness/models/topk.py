"""TopK SAEs of streams that are brought to length 1: encoded, rebuilt, taken apart into parts, written and read.

`pre_acts = (x - b_dec) @ W_enc + b_enc`, of which the k largest pass a ReLU, and `acts @ W_dec + b_dec` is x again.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from harness.models.params import topk_arrays
from harness.models.work import METER
from harness.sources.pins import how_to_mend
from harness.words.errors import MissingSourceError
from harness.words.study import Pin

NAMES = ("encoder.weight", "encoder.bias", "W_dec", "b_dec")
"""What a file holds; the encoder as a linear layer has it, latents first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TopKSAE:
    """One dictionary, float32."""

    W_enc: Float[Tensor, "d_model latent"]
    b_enc: Float[Tensor, "latent"]
    W_dec: Float[Tensor, "latent d_model"]
    b_dec: Float[Tensor, "d_model"]
    k: int

    @property
    def latents(self) -> int:
        """How many latents compete."""
        return len(self.b_enc)

    def pre_acts(self, x: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token latent"]:
        """What latents compare with each other, before the TopK and the ReLU."""
        METER.encodes(x, self.latents)
        return (x - self.b_dec) @ self.W_enc + self.b_enc

    def acts(self, x: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token latent"]:
        """Activations: at most k of a token are above zero."""
        return strongest(self.pre_acts(x), self.k)

    def part(
        self, acts: Float[Tensor, "token latent"], chosen: Bool[Tensor, "latent"] | None = None
    ) -> Float[Tensor, "token d_model"]:
        """What some latents write, or all of them; the bias is nobody's part."""
        written: Tensor = (acts if chosen is None else acts * chosen) @ self.W_dec
        METER.encodes(written, self.latents)
        return written

    def rebuilt(self, acts: Float[Tensor, "token latent"]) -> Float[Tensor, "token d_model"]:
        """The stream as its activations give it again."""
        return self.part(acts) + self.b_dec

    def to(self, device: str) -> "TopKSAE":
        """The same dictionary on another device."""
        return TopKSAE(
            W_enc=self.W_enc.to(device),
            b_enc=self.b_enc.to(device),
            W_dec=self.W_dec.to(device),
            b_dec=self.b_dec.to(device),
            k=self.k,
        )


def strongest(pre_acts: Float[Tensor, "*token latent"], k: int) -> Float[Tensor, "*token latent"]:
    """The k largest values of each token where they are above zero, and zero elsewhere."""
    values, latents = pre_acts.topk(k, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, latents, values.relu())


def unit(stream: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token d_model"]:
    """The stream of every token at length 1."""
    return stream / lengths_of(stream).clamp(min=torch.finfo(stream.dtype).tiny)


def lengths_of(stream: Float[Tensor, "*token d_model"]) -> Float[Tensor, "*token 1"]:
    """The length of the stream of every token."""
    lengths: Tensor = torch.linalg.vector_norm(stream, dim=-1, keepdim=True)
    return lengths


def write_sae(path: Path, weights: dict[str, Tensor], k: int) -> None:
    """Write one dictionary; weights are called `NAMES`."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weights[name].detach().cpu().contiguous() for name in NAMES}, path, {"k": str(k)})


def read_sae(path: Path, device: str) -> TopKSAE:
    """One dictionary that was written here, float32.

    Raises:
        MissingSourceError: If there is none.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise MissingSourceError(
            f"no dictionary lies at {path}; its folder holds {sorted(each.name for each in path.parent.glob('*'))}; name one "
            "that the plan trains"
        )
    with safe_open(path, framework="pt") as stored:
        encoder, bias, decoder, b_dec = (stored.get_tensor(name).to(torch.float32) for name in NAMES)
        k = int(stored.metadata()["k"])
    return TopKSAE(W_enc=encoder.T.contiguous(), b_enc=bias, W_dec=decoder, b_dec=b_dec, k=k).to(device)


def released_sae(pin: Pin, file: str, k: int) -> TopKSAE:
    """One dictionary that its authors released, float32, on the CPU.

    Args:
        pin: Repository that holds it.
        file: What it is called there.
        k: How many latents fire, which the file does not tell.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of such a dictionary, real and finite, or fewer latents than are to fire.
    """
    sae = TopKSAE(**topk_arrays(pin, file), k=k)
    if not 0 < k <= sae.latents:
        raise ValueError(
            f"{pin.name}: {file} holds {sae.latents} latents, of which {k} are to fire; it is another dictionary than the "
            f"study's recipe has; {how_to_mend(pin)}"
        )
    return sae
