"""What an edit makes anew: exactly what stands on the edited line, through every import; a comment makes nothing."""

from pathlib import Path

import pytest

from tests.proof.checkouts import checkout, edit, keys

READ = {"activations", "activations-tuned", "dictionary-error", "adapters", "self-checks"}
ASKED = {"benchmarks-tuned"}
LAST = {"estimates"}
TRANSLATED = {"converted-translators", "translation-shards", "translations"}


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        pytest.param(
            "harness/models/residuals.py", "> num_front", "> num_front  # a word",
            set(), id="a comment in an imported module",
        ),
        pytest.param(
            "harness/statistics/metrics.py", "100 * (1 - low.sum() / high.sum())", "100 - 100 * low.sum() / high.sum()",
            {"estimates", "self-checks"}, id="a line of a module that only estimates import",
        ),
        pytest.param(
            "harness/models/sae.py", "(pre_acts > encoder.threshold)", "(pre_acts >= encoder.threshold)",
            READ | ASKED | LAST | {"replay"},
            id="a line of a module deep below every stage that reads a dictionary",
        ),
        pytest.param(
            "harness/stages/translation.py", "MAX_NEW_TOKENS = 512", "MAX_NEW_TOKENS = 511",
            READ | ASKED | LAST | TRANSLATED, id="a line of the translations and all that reads them",
        ),
        pytest.param(
            "claims/sin2025/study.py", "learning_rate=1e-4", "learning_rate=2e-4",
            {"adapters", "activations-tuned", "benchmarks-tuned", "estimates", "self-checks"},
            id="a parameter of training",
        ),
    ],
)  # fmt: skip
def test_an_edit_makes_anew_exactly_what_stands_on_it(
    tmp_path: Path, file: str, old: str, new: str, stages: set[str]
) -> None:
    folder = checkout(tmp_path / "checkout")
    before = keys(folder)
    edit(folder / file, old, new)
    after = keys(folder)
    assert before.keys() == after.keys()
    moved = {place.split("/")[0] for place in before if before[place] != after[place]}
    assert stages <= {place.split("/")[0] for place in before}, "a stage that no profile has"
    assert moved == stages


def test_a_language_that_is_not_english_does_not_move_english(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    before = keys(folder)
    edit(folder / "harness/stages/translation.py", "MIN_PIECES = 6", "MIN_PIECES = 7")
    after = keys(folder)
    assert before["activations/en"] == after["activations/en"]
    assert before["activations/hi"] != after["activations/hi"]
