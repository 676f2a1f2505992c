"""ChrF by pencil, on a letter or two."""

import pytest

from harness.designs.disparity.base import corpus_chrf


@pytest.mark.parametrize(
    ("translation", "reference", "score"),
    [
        pytest.param("the sea", "the sea", 100.0, id="the same"),
        pytest.param("the sea", "thesea", 100.0, id="white space does not count"),
        pytest.param("abc", "xyz", 0.0, id="no letter in common"),
        # Letters: one of two on both sides. Pairs: none of one. (1/2 + 0) / 2 on both sides.
        pytest.param("ab", "ac", 25.0, id="half of the letters, none of the pairs"),
        # Precision 1 and recall 1/2: 5 * 1 * 0.5 / (4 * 1 + 0.5); turned round, 5 * 0.5 / (4 * 0.5 + 1).
        pytest.param("a", "ab", 500 / 9, id="what is left out weighs more"),
        pytest.param("ab", "a", 250 / 3, id="than what is added"),
    ],
)
def test_scores_by_pencil(translation: str, reference: str, score: float) -> None:
    assert corpus_chrf([translation], [reference]) == pytest.approx(score)


def test_a_corpus_is_counted_together() -> None:
    # Letters: 3 of 4 on both sides; pairs: 1 of 2. The mean of both is 62.5, and so is neither sentence's score.
    assert corpus_chrf(["ab", "ab"], ["ab", "ac"]) == pytest.approx(62.5)


@pytest.mark.parametrize("translations", [[], ["a", "b"]], ids=["no sentence", "one too many"])
def test_sides_must_fit(translations: list[str]) -> None:
    with pytest.raises(ValueError, match="as many of both, and some"):
        corpus_chrf(translations, translations[:1])
