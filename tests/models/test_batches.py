"""Batches by length lose nothing; portions are halved where memory is short, and one clear error comes at the end."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.models.batches import Portion, depth_buckets, is_out_of_memory, length_buckets, padded_left
from harness.words.errors import ExitCode, MemoryShortError


def test_buckets_by_pencil() -> None:
    # Longest first: 5 alone fills 8 (2 x 5 > 8); 4 and 3 fit as 2 x 4; 1 and 1 as 2 x 1, with room to spare.
    assert length_buckets([3, 1, 5, 4, 1], batch_tokens=8) == [[2], [3, 0], [1, 4]]


def test_a_text_longer_than_the_budget_still_gets_a_batch() -> None:
    assert length_buckets([9, 2, 2], batch_tokens=4) == [[0], [1, 2]]


def test_no_text_gives_no_batch() -> None:
    assert length_buckets([], batch_tokens=8) == []


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 200))
def test_every_text_stands_in_one_batch_within_the_budget(lengths: list[int], batch_tokens: int) -> None:
    batches = length_buckets(lengths, batch_tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= batch_tokens


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 200))
def test_no_later_batch_is_longer(lengths: list[int], batch_tokens: int) -> None:
    flat = [lengths[index] for batch in length_buckets(lengths, batch_tokens) for index in batch]
    assert flat == sorted(lengths, reverse=True)


def test_padding_stands_on_the_left_under_a_zero_mask() -> None:
    ids, mask = padded_left([[2, 7, 8], [2, 9]], pad_id=0, device="cpu")
    assert ids.tolist() == [[2, 7, 8], [0, 2, 9]]
    assert mask.tolist() == [[1, 1, 1], [0, 1, 1]]


@pytest.mark.parametrize("pad_id", [0, 9], ids=["a padding token of its own", "a word as padding"])
def test_the_mask_follows_length_and_not_the_token(pad_id: int) -> None:
    _, mask = padded_left([[2, 9, 9], [2]], pad_id=pad_id, device="cpu")
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_a_width_that_is_asked_for_is_reached() -> None:
    ids, mask = padded_left([[5, 6]], pad_id=0, device="cpu", width=4)
    assert ids.tolist() == [[0, 0, 5, 6]]
    assert mask.tolist() == [[0, 0, 1, 1]]


def test_ids_and_mask_are_made_on_the_device_that_is_asked_for() -> None:
    # The device "meta" holds shapes and no values, so what is made elsewhere shows.
    ids, mask = padded_left([[5, 6], [7]], pad_id=0, device="meta")
    assert (ids.device.type, mask.device.type) == ("meta", "meta")
    assert ids.shape == mask.shape == (2, 2)


def test_texts_without_tokens_are_not_widened() -> None:
    ids, mask = padded_left([[], []], pad_id=0, device="cpu")
    assert ids.shape == mask.shape == (2, 0)


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
    assert caught.value.exit_code == ExitCode.MALFUNCTION


def test_other_failures_are_not_tried_again() -> None:
    def broken(size: int) -> float:
        raise RuntimeError(f"shapes of {size} differ")

    with pytest.raises(RuntimeError, match="shapes of 8 differ"):
        Portion(8).fitting(broken, 8, "A pair")


@pytest.mark.parametrize(
    ("batch_tokens", "batches"),
    [
        pytest.param(1, [[1], [4], [3], [0], [2]], id="one text at a time, the deepest first"),
        pytest.param(3, [[1], [4], [0], [3, 2]], id="a depth of few batches takes the next one along"),
        pytest.param(100, [[1, 4, 0, 3, 2]], id="all fit"),
    ],
)
def test_texts_of_about_one_depth_go_together(batch_tokens: int, batches: list[list[int]]) -> None:
    """Depths 1, 9, 1, 5 and 5, lengths 2, 12, 1, 1 and 5."""
    assert depth_buckets([1, 9, 1, 5, 5], [2, 12, 1, 1, 5], batch_tokens) == batches


def test_no_text_makes_no_batch() -> None:
    assert depth_buckets([], [], 8) == []
