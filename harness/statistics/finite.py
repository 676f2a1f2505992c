"""Numbers that are none: what was infinite or undefined, and with which value, told in one error."""

import math
from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor


class NotFiniteError(FloatingPointError):
    """A value that is infinite or no number, where only numbers make sense."""

    def __init__(self, message: str, *, what: str, value: float) -> None:
        super().__init__(message)
        self.what = what
        self.value = value


def require_number(what: str, value: float) -> float:
    """The value itself.

    Raises:
        NotFiniteError: If it is infinite or no number.
    """
    if not math.isfinite(value):
        raise NotFiniteError(f"a {what} is {value}", what=what, value=value)
    return value


def require_finite(residual: Float[Tensor, "... d_model"]) -> None:
    """Refuse a residual stream that overflowed or was never a number.

    Raises:
        NotFiniteError: If a value is infinite or no number.
    """
    # One pass for a sound stream: a sum with such a value in it is not finite either.
    if torch.isfinite(residual.detach().sum()):
        return
    finite = torch.isfinite(residual)
    if not bool(finite.all()):
        raise NotFiniteError(
            "the residual stream holds values that are infinite or no number; the precision is too low for this "
            "model, or its weights are broken",
            what="value of the residual stream",
            value=float(residual.detach()[~finite][0]),
        )


def largest(tensors: Iterable[Tensor]) -> float:
    """Largest magnitude in some tensors; infinite or no number where one of their values is. Asks the device once."""
    return float(torch.stack([tensor.detach().abs().amax().to(torch.float32) for tensor in tensors]).amax())


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold a value which is infinite or no number; looks at each once, and copies none."""
    return [
        name
        for name, tensor in tensors.items()
        if tensor.numel() and not all(math.isfinite(float(end)) for end in torch.aminmax(tensor))
    ]
