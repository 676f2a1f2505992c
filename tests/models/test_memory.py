"""Memory that runs short: portions are halved, remembered, and one clear error comes when none is small enough."""

import pytest
import torch

from harness.models.batches import Portion, is_out_of_memory
from harness.words.errors import MALFUNCTION, MemoryShortError

HOST = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate"


class Memory:
    """Holds so many things, and keeps a diary of what was asked of it."""

    def __init__(self, room: int, error: type[RuntimeError] = torch.OutOfMemoryError) -> None:
        self.room, self.error, self.asked = room, error, list[int]()

    def work(self, size: int) -> float:
        self.asked.append(size)
        if size > self.room:
            raise self.error(HOST)
        return 2.5


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(torch.OutOfMemoryError("CUDA out of memory."), True, id="an accelerator"),
        pytest.param(RuntimeError(HOST), True, id="the host"),
        pytest.param(
            RuntimeError("CUDA error: out of memory\nCUDA kernel errors might"), True, id="a driver"
        ),
        pytest.param(
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            True,
            id="a library of matrix products",
        ),
        pytest.param(
            RuntimeError("CUDA error: device-side assert triggered"), False, id="an accelerator's other"
        ),
        pytest.param(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, id="another failure"),
    ],
)
def test_memory_is_told_from_other_failures(*, error: RuntimeError, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
@pytest.mark.parametrize(
    ("room", "count", "asked"),
    [
        pytest.param(16, 16, [16], id="everything fits"),
        pytest.param(5, 16, [16, 8, 4], id="sixteen, eight, four"),
        pytest.param(1, 7, [7, 4, 2, 1], id="an odd batch"),
        pytest.param(2, 3, [3, 2], id="a last batch that is small"),
    ],
)
def test_portions_are_halved_until_they_fit(
    error: type[RuntimeError], room: int, count: int, asked: list[int]
) -> None:
    memory, portion = Memory(room, error), Portion(16)
    assert portion.fitting(memory.work, count, "A pair") == 2.5
    assert memory.asked == asked


def test_what_was_too_much_once_is_not_tried_again() -> None:
    memory, portion = Memory(5), Portion(16)
    for _ in range(2):
        portion.fitting(memory.work, 16, "A pair")
    assert memory.asked == [16, 8, 4, 4]
    assert (portion.of(16), portion.of(3)) == (4, 3)


def test_one_that_does_not_fit_is_one_clear_error() -> None:
    memory, portion = Memory(0), Portion(4)
    with pytest.raises(
        MemoryShortError, match="A pair does not fit into memory, not even one at a time; use a"
    ) as caught:
        portion.fitting(memory.work, 4, "A pair")
    assert memory.asked == [4, 2, 1]
    assert caught.value.exit_code == MALFUNCTION


def test_other_failures_are_not_tried_again() -> None:
    def broken(size: int) -> float:
        raise RuntimeError(f"shapes of {size} differ")

    with pytest.raises(RuntimeError, match="shapes of 8 differ"):
        Portion(8).fitting(broken, 8, "A pair")
