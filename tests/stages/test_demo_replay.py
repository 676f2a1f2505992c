"""The authors' demonstration, counted again, from hand-made files of its shape."""

import json
from pathlib import Path

import pytest

from harness.stages.demo_replay import demo_replay
from harness.words.errors import MissingSourceError
from harness.words.study import Home, Pin
from tests.planted.dictionaries_by_hand import LANGUAGES
from tests.stages.two_languages import CLASSES

RIVER, WATER = "\u5ddd", "\u6c34"

FEATURES = {
    0: ([[["river", 3], ["the", 10]], [["19", 10], [" old", 2]], [[RIVER, 10], ["old", 10]]], (2, 1)),
    2: ([[["<0x0A>", 10]], [["old", 2], [WATER, 9]], [["caf\u00e9", 10], ["a", 1]]], (0, 3)),
    10: ([[["a", 1]], [["b", 2]], [["c", 3]]], (2, 1)),
}
"""Examples of tokens and values, and the counts that are stored; the last ones are not those of the examples."""


def write_demo(root: Path) -> None:
    """Three features of one step."""
    below = root / "docs" / "data" / "10"
    below.mkdir(parents=True)
    for number, (examples, counts) in FEATURES.items():
        told = {
            "token_act": examples,
            "language": dict(zip(LANGUAGES, counts, strict=True)),
            "granularity": 1,
        }
        (below / f"{number}.json").write_text(json.dumps(told), encoding="utf-8")


def demo_pin(root: Path) -> Pin:
    """The folder as a pin."""
    return Pin(name="demo", home=Home.FOLDER, address=str(root), licence="none")


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        pytest.param("[]", "does not tell a feature", id="a list"),
        pytest.param('{"token_act": [[]], "language": {"en": 1, "ja": 2}, "granularity": 0}', "does not tell", id="an empty example"),
        pytest.param('{"token_act": [], "language": {"en": 1}, "granularity": 0}', "'ja'", id="a language less"),
        pytest.param("{", "does not tell", id="no JSON"),
        pytest.param('{"token_act": [[["a", 3.5]]], "language": {"en": 1, "ja": 0}, "granularity": 1}', "value of a token is float, and not int", id="half a tenth"),
        pytest.param('{"token_act": [[["a", 11]]], "language": {"en": 1, "ja": 0}, "granularity": 1}', "value of a token is 11", id="eleven tenths"),
        pytest.param('{"token_act": [[[null, 3]]], "language": {"en": 1, "ja": 0}, "granularity": 1}', "text of a token is NoneType", id="a token that is no text"),
        pytest.param('{"token_act": [[["a", 3, 4]]], "language": {"en": 1, "ja": 0}, "granularity": 1}', "too many values", id="two values of a token"),
        pytest.param('{"token_act": {"a": 3}, "language": {"en": 1, "ja": 0}, "granularity": 1}', "token_act is dict, and not list", id="examples of another shape"),
        pytest.param('{"token_act": [], "language": [1, 0], "granularity": 1}', "language is list, and not dict", id="counts without languages"),
        pytest.param('{"token_act": [], "language": {"en": -1, "ja": 0}, "granularity": 1}', "language en is -1", id="a count below zero"),
        pytest.param('{"token_act": [], "language": {"en": 0, "ja": 0}, "granularity": "1"}', "granularity is str, and not int", id="a code that is text"),
        pytest.param('{"token_act": [], "language": {"en": 0, "ja": 0}, "granularity": 5}', "granularity is 5", id="a code that none has"),
        pytest.param('{"token_act": [], "language": {"en": 0, "ja": 0}}', "no 'granularity'", id="a field less"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape_is_named(tmp_path: Path, spoilt: str, says: str) -> None:
    write_demo(tmp_path)
    (tmp_path / "docs" / "data" / "10" / "2.json").write_text(spoilt)
    with pytest.raises(MissingSourceError, match=says) as told:
        replayed(tmp_path, 10)
    assert "10/2.json" in str(told.value)


def test_a_step_without_features_is_named(tmp_path: Path) -> None:
    write_demo(tmp_path)
    with pytest.raises(
        MissingSourceError, match="no features of step 100 below docs/data, where it has those of 10; put"
    ):
        replayed(tmp_path, 100)


def replayed(root: Path, step: int) -> None:
    out = root / "out"
    out.mkdir()
    demo_replay(
        out=out, demo=demo_pin(root), folder="docs/data", step=step, languages=LANGUAGES, choice=CLASSES
    )
