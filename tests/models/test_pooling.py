"""Which positions count, and four poolings by pencil."""

import numpy as np
import pytest
import torch

from harness.models.residuals import averaging_matrix, counted_positions, pooled
from harness.words.study import Pooling

PAD, BOS = 0, 2


@pytest.mark.parametrize(
    ("ids", "mask", "counted"),
    [
        pytest.param([BOS, 7, 8, 9], [1, 1, 1, 1], [0, 1, 1, 1], id="BOS in front"),
        pytest.param([PAD, PAD, BOS, 7], [0, 0, 1, 1], [0, 0, 0, 1], id="padding on the left"),
        pytest.param([BOS, 7, PAD, PAD], [1, 1, 0, 0], [0, 1, 0, 0], id="padding on the right"),
        pytest.param(
            [BOS, 7, PAD, 8], [1, 1, 1, 1], [0, 1, 1, 1], id="the padding token as a word of the text"
        ),
        pytest.param([BOS, 7, BOS, 8], [1, 1, 1, 1], [0, 1, 0, 1], id="BOS in the middle"),
    ],
)
def test_neither_padding_nor_bos_counts(ids: list[int], mask: list[int], counted: list[int]) -> None:
    found = counted_positions(torch.tensor([ids]), torch.tensor([mask]), BOS)
    assert found.int().tolist() == [counted]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_huge_bos_and_huge_padding_leave_the_means_alone(side: str) -> None:
    # Texts 1, 3 and 5: means 2 and 5. BOS and padding hold a thousand.
    tokens = {"left": [[BOS, 11, 13], [PAD, BOS, 15]], "right": [[BOS, 11, 13], [BOS, 15, PAD]]}[side]
    ids = torch.tensor(tokens)
    values = torch.where(ids > 10, ids - 10.0, torch.full(ids.shape, 1000.0))
    counted = counted_positions(ids, (ids != PAD).long(), BOS)
    assert (averaging_matrix(counted) @ values[counted]).tolist() == [2.0, 5.0]


def test_the_averaging_matrix_by_pencil() -> None:
    # Text 0 has one counted token, text 1 has two: rows 1 0 0 and 0 1/2 1/2.
    counted = torch.tensor([[False, True, False], [True, False, True]])
    assert averaging_matrix(counted).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]


def test_a_text_without_a_token_is_refused_by_name() -> None:
    counted = torch.tensor([[True, True], [False, False], [False, True]])
    with pytest.raises(ValueError, match=r"texts \[1\] of the batch have no token besides BOS and padding"):
        averaging_matrix(counted)


VALUES = np.asarray([1.0, 0.0, 5.0, 0.0, 0.0, 3.0], dtype=np.float32)
OFFSETS = np.asarray([0, 3, 5, 6])
"""Three phrases: 1 0 5, then 0 0, then 3."""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param(Pooling.MEAN, [2.0, 0.0, 3.0], id="mean over tokens: 6/3, 0/2, 3/1"),
        pytest.param(Pooling.MAX, [5.0, 0.0, 3.0], id="strongest token"),
        pytest.param(Pooling.MEAN_ACTIVE, [3.0, 0.0, 3.0], id="mean over active tokens: 6/2, none, 3/1"),
        pytest.param(Pooling.LAST, [5.0, 0.0, 3.0], id="last token"),
    ],
)
def test_poolings_by_pencil(how: Pooling, expected: list[float]) -> None:
    found = pooled(VALUES, OFFSETS, how)
    assert found.tolist() == expected
    assert found.dtype == np.float64


def test_the_last_token_is_not_the_strongest() -> None:
    assert pooled(np.asarray([9.0, 4.0], dtype=np.float32), np.asarray([0, 2]), Pooling.LAST).tolist() == [
        4.0
    ]


@pytest.mark.parametrize("how", list(Pooling), ids=str)
def test_a_phrase_without_tokens_is_refused_by_name(how: Pooling) -> None:
    with pytest.raises(ValueError, match=r"phrases \[1\] have no token"):
        pooled(VALUES, np.asarray([0, 3, 3, 6]), how)


@pytest.mark.parametrize("how", list(Pooling), ids=str)
def test_no_phrase_pools_to_no_value(how: Pooling) -> None:
    assert pooled(np.empty(0, dtype=np.float32), np.asarray([0]), how).tolist() == []


def test_matrix_and_ragged_mean_agree() -> None:
    counted = torch.tensor([[True, True, True], [True, True, False], [False, False, True]])
    by_matrix = averaging_matrix(counted) @ torch.from_numpy(VALUES)
    np.testing.assert_allclose(by_matrix.numpy(), pooled(VALUES, OFFSETS, Pooling.MEAN), rtol=1e-6)


def test_the_matrix_lies_with_its_tokens_whatever_the_defaults() -> None:
    counted = torch.tensor([[False, True, False], [True, False, True]])
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            found = averaging_matrix(counted)
    finally:
        torch.set_default_dtype(usual)
    assert (found.device.type, found.dtype) == ("cpu", torch.float32)
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
