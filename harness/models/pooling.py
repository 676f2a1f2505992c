"""From token values to one value per phrase: which positions count, and four ways to pool them."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from harness.words.study import Pooling


def counted_positions(
    input_ids: Int[Tensor, "batch position"], attention_mask: Int[Tensor, "batch position"], bos_id: int
) -> Bool[Tensor, "batch position"]:
    """True where a position counts: a token of the text, neither padding nor BOS."""
    return (attention_mask == 1) & (input_ids != bos_id)


def averaging_matrix(counted: Bool[Tensor, "batch position"]) -> Float[Tensor, "batch counted"]:
    """Matrix that turns values of the counted tokens, in reading order, into the mean of each text.

    Raises:
        ValueError: If a text has no position that counts, since a mean over nothing has no value.
    """
    lengths = counted.sum(dim=1)
    if bool((lengths == 0).any()):
        empty = torch.nonzero(lengths == 0).flatten().tolist()
        raise ValueError(f"texts {empty} of the batch have no token besides BOS and padding; drop them first")
    owner = torch.repeat_interleave(lengths)
    belongs = owner.unsqueeze(0) == torch.arange(len(lengths), device=counted.device).unsqueeze(1)
    return belongs.to(torch.float32) / lengths.unsqueeze(1)


def pooled(values: NDArray[np.float32], offsets: NDArray[np.int64], how: Pooling) -> NDArray[np.float64]:
    """One value per phrase from ragged token values.

    Args:
        values: Token values of all phrases, one phrase after the other.
        offsets: Where each phrase begins, and the end of the last.
        how: Mean over tokens; maximum; mean over tokens above zero (0 where there are none); last token.

    Raises:
        ValueError: If a phrase has no token.
    """
    lengths = np.diff(offsets)
    if (lengths == 0).any():
        raise ValueError(f"phrases {np.flatnonzero(lengths == 0).tolist()} have no token; nothing to pool")
    if how is Pooling.LAST:
        return values[offsets[1:] - 1].astype(np.float64)
    if how is Pooling.MAX:
        return np.maximum.reduceat(values, offsets[:-1]).astype(np.float64)
    totals = np.add.reduceat(values.astype(np.float64), offsets[:-1])
    if how is Pooling.MEAN:
        return totals / lengths
    active = np.add.reduceat((values > 0).astype(np.int64), offsets[:-1])
    return totals / np.maximum(active, 1)
