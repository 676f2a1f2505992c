"""Texts grouped by length into batches, so that little is spent on padding."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor


def length_buckets(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Indices of texts in batches of about equal length, longest first.

    A batch holds as many texts as fit `batch_tokens` padded positions, and at least one.
    The order is fixed by length, then by index.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= batch_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def padded_left(
    ids: Sequence[Sequence[int]], pad_id: int, device: str, width: int = 0
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"]]:
    """Token ids padded on the left to one length, `width` at least, and the mask that is 1 where a token stands."""
    longest = max(width, *(len(row) for row in ids))
    rows = [[pad_id] * (longest - len(row)) + list(row) for row in ids]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in ids]
    return torch.tensor(rows, device=device), torch.tensor(mask, device=device)
