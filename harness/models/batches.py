"""How much is worked on at once: texts in batches of one length, and smaller portions where memory is short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from harness.words.errors import MemoryShortError

Found = TypeVar("Found")

LEAST_BATCHES = 4
"""Texts that fill fewer differ so much in length within a batch that padding costs more than the layers that are saved."""

WITHOUT_CLASS = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""One of them stands in an error of short memory that has no class of its own: the host's, the driver's, its libraries'."""


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


def depth_buckets(depths: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Indices of texts in batches that stop at about the same layer, the deepest first; within a depth as `length_buckets`.

    Where texts of one depth do not fill `LEAST_BATCHES`, those of the next lower ones go along with them.
    """
    groups: list[list[int]] = []
    room = 0
    deepest_first = sorted(range(len(depths)), key=lambda index: -depths[index])
    for _, members in groupby(deepest_first, key=lambda index: depths[index]):
        if room <= 0:
            groups.append([])
            room = LEAST_BATCHES * batch_tokens
        for index in members:
            groups[-1].append(index)
            room -= lengths[index]
    return [
        [group[place] for place in bucket]
        for group in groups
        for bucket in length_buckets([lengths[index] for index in group], batch_tokens)
    ]


def padded_left(
    ids: Sequence[Sequence[int]], pad_id: int, device: str, width: int = 0
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"]]:
    """Token ids padded on the left to one length, `width` at least, and the mask that is 1 where a token stands."""
    longest = max(width, *(len(row) for row in ids))
    rows = [[pad_id] * (longest - len(row)) + list(row) for row in ids]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in ids]
    return torch.tensor(rows, device=device), torch.tensor(mask, device=device)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an accelerator or the host had no memory left, as against any other failure."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in WITHOUT_CLASS)


@dataclass
class Portion:
    """How many things are held in memory at once; what turned out too much is not tried again."""

    size: int

    def of(self, count: int) -> int:
        """How many of `count` things are held at once."""
        return min(self.size, count)

    def fitting(self, work: Callable[[int], Found], count: int, what: str) -> Found:
        """What some work gives, in portions of half the size, and half again, for as long as memory is short.

        Args:
            work: Is told the size of a portion; may be broken off at any point, and is then begun again. Never gives None.
            count: How many things there are to work on.
            what: What they are, for the error.

        Raises:
            MemoryShortError: If not even one at a time fits.
        """
        while (found := _attempt(work, self.of(count))) is None:
            if self.of(count) == 1:
                raise MemoryShortError(
                    f"{what} does not fit into memory, not even one at a time; use a device with more memory, or free what "
                    "other programs hold of it, and run the same command again"
                )
            self.size = (self.of(count) + 1) // 2
            torch.cuda.empty_cache()
        return found


def _attempt(work: Callable[[int], Found], size: int) -> Found | None:
    # A function of its own: an error holds on to every tensor of the attempt until it is forgotten here.
    try:
        return work(size)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    return None
