"""Lengths by pencil: the same pair of lengths is odd among long texts and usual among short ones."""

import pytest

from harness.stages.lengths import is_odd_length, num_characters, usual_ratio


def test_white_space_has_no_length() -> None:
    assert num_characters(" The\n sea ") == 6
    assert num_characters(" \n") == 0


@pytest.mark.parametrize(
    ("pairs", "ratio"),
    [
        pytest.param([("abcd", "ab"), ("ab", "ab"), ("a", "abc")], 1.0, id="half, alike and three times: the median"),
        pytest.param([("abcd", "ab"), ("abcd", ""), ("", "ab")], 0.5, id="sides without a character do not count"),
        pytest.param([("abcd", "")], 1.0, id="nothing to go by"),
        pytest.param([], 1.0, id="no pair"),
    ],
)  # fmt: skip
def test_the_usual_ratio_is_a_median(pairs: list[tuple[str, str]], ratio: float) -> None:
    assert usual_ratio(pairs) == ratio


@pytest.mark.parametrize(
    ("source", "target", "ratio", "is_odd"),
    [
        # Equal lengths differ by nothing; 300 and 100 by 200, with a spread of sqrt(6.8 * 200) = 36.9.
        pytest.param(100, 100, 1.0, False, id="as long as usual"),
        pytest.param(100, 300, 1.0, True, id="three times the usual length"),
        pytest.param(300, 100, 1.0, True, id="a third of it"),
        # 10 and 30 differ by 20, with a spread of sqrt(6.8 * 20) = 11.7.
        pytest.param(10, 30, 1.0, False, id="three times, but short"),
        pytest.param(30, 10, 1.0, False, id="a third, but short"),
        # 31 and 0 differ by 31, and three spreads are 3 * sqrt(6.8 * 15.5) = 30.8; with 30 and 0 they are 30.3.
        pytest.param(31, 0, 1.0, True, id="nothing for 31 characters"),
        pytest.param(30, 0, 1.0, False, id="nothing for 30, which another flag tells"),
        pytest.param(0, 0, 1.0, False, id="nothing for nothing"),
        # In a language of a third of the characters, 33 for 99 is usual and 99 is three times too long.
        pytest.param(99, 33, 1 / 3, False, id="what is usual in a dense script"),
        pytest.param(99, 99, 1 / 3, True, id="as long as the source, in a dense script"),
    ],
)  # fmt: skip
def test_odd_lengths_by_pencil(source: int, target: int, ratio: float, *, is_odd: bool) -> None:
    assert is_odd_length("a" * source, "b" * target, ratio) is is_odd
