"""The canonical spelling: one text per value, whatever it was built from."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import pytest

from harness.words.canonical import canonical_json, digest_of, place_of_surrogate
from harness.words.study import GEMMA_2, SILENT, Home, ModelPin, Pin


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Box:
    colour: Colour
    sizes: tuple[float, ...]
    label: str | None = None


@dataclass(frozen=True)
class Lid:
    colour: Colour
    hinges: int = field(default=2, metadata=SILENT)


PIN = Pin(name="model", home=Home.HUB_MODEL, address="some/repo", revision="abc", licence="MIT")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"b": 1, "a": True}, '{"a":true,"b":1}', id="keys are sorted, nothing is padded"),
        pytest.param(
            Box(Colour.RED, (0.1, 2.0)), '{"colour":"red","label":null,"sizes":[0.1,2.0]}', id="dataclass"
        ),
        pytest.param(Lid(Colour.RED), '{"colour":"red"}', id="a silent default is left out"),
        pytest.param(
            Lid(Colour.RED, 3), '{"colour":"red","hinges":3}', id="and said where it is another value"
        ),
        pytest.param("മലയാളം", '"മലയാളം"', id="letters stay as they are"),
        pytest.param(Path("a/b"), '"a/b"', id="path"),
        pytest.param([(1,), [1]], "[[1],[1]]", id="tuples are lists"),
    ],
)
def test_a_value_has_one_spelling(value: object, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param(float("nan"), "must be finite", id="nan"),
        pytest.param({1, 2}, "type set", id="a set has no order"),
        pytest.param({1: "x"}, "needs text keys", id="key that JSON would turn into text"),
        pytest.param(Box, "cannot digest", id="a class instead of a value"),
    ],
)
def test_what_has_no_one_spelling_is_refused(value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        digest_of(value)


def test_a_pin_counts_by_its_content_and_not_by_where_it_lies() -> None:
    moved = Pin(name="model", home=Home.FOLDER, address="elsewhere", licence="MIT")
    assert digest_of({"m": PIN}, lambda _: "r1") == digest_of({"m": moved}, lambda _: "r1")
    assert digest_of({"m": PIN}, lambda _: "r1") != digest_of({"m": PIN}, lambda _: "r2")


def test_what_is_known_of_a_model_counts_unless_it_was_always_so() -> None:
    gemma = ModelPin.of(PIN, GEMMA_2)
    other = ModelPin.of(PIN, replace(GEMMA_2, front=()))
    assert digest_of(gemma, lambda _: "r1") == digest_of(PIN, lambda _: "r1")
    assert digest_of(gemma) == digest_of(PIN)
    assert digest_of(other, lambda _: "r1") != digest_of(gemma, lambda _: "r1")
    assert digest_of(other) != digest_of(gemma)


def test_a_known_digest() -> None:
    # echo -n '{"a":1}' | sha256sum
    assert digest_of({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("a\U0001f30a", ""),
        ([1, None, True, {"a": ["b"]}], ""),
        ("\ud83d", "$"),
        ({"a": [{"b": "c"}, {"b": "d\udc00"}]}, "$.a[1].b"),
        ({"a": {"\ud83d": 1}}, "$.a"),
    ],
    ids=["text", "other things", "itself", "far inside", "a key"],
)
def test_the_place_of_half_a_character_is_told(content: object, place: str) -> None:
    assert place_of_surrogate(content) == place
