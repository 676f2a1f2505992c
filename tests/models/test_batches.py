"""Batches by length: nothing lost, nothing over the budget, the same every time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.batches import length_buckets, padded_left


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
