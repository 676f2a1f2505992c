"""Files that others made, spoilt in every way: an error that was promised, never another, and no pickle ever loaded.

The long run, guided by coverage, is `nox -s fuzz`.
"""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof.parsers import PARSERS, params_with_a_pickle

SPOILT = 150
"""Files for each parser; the long run takes a hundred thousand."""


@pytest.mark.parametrize("name", PARSERS)
def test_a_sound_file_is_read(name: str, tmp_path: Path) -> None:
    assert PARSERS[name].accepts(PARSERS[name].sound, tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_a_spoilt_file_is_read_or_refused_as_promised(name: str, tmp_path: Path) -> None:
    parser, rng = PARSERS[name], random.Random(name)
    for _ in range(SPOILT):
        parser.accepts(spoilt(parser.sound, rng), tmp_path)


@pytest.mark.parametrize("name", ["export", "items", "audit", "lock", "ledger"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "index",
                        "tokens",
                        "values",
                        "endings",
                        "id",
                        "amendments",
                        "content",
                        "sealed_lines",
                        "last",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_is_read_or_refused_as_promised(name: str, tmp_path: Path, content: object) -> None:
    import json

    PARSERS[name].accepts(json.dumps(content).encode(), tmp_path)


def test_a_planted_pickle_is_never_loaded(tmp_path: Path) -> None:
    assert not PARSERS["params"].accepts(params_with_a_pickle(), tmp_path)


@pytest.mark.parametrize(("place", "bits"), [(8, 9), (6, 1)], ids=["packed in an unknown way", "encrypted"])
def test_arrays_that_cannot_be_unpacked_are_refused(tmp_path: Path, place: int, bits: int) -> None:
    content = bytearray(PARSERS["params"].sound)
    directory = content.index(b"PK\x01\x02")
    content[place] = content[directory + place + 2] = bits
    assert not PARSERS["params"].accepts(bytes(content), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'{"id": "a", "endings": [{"en": "x"}]}', id="an ending in another language alone"),
        pytest.param(b"[" * 100_000, id="brackets without end"),
        pytest.param(b'{"id": ', id="half a line"),
    ],
)
def test_a_line_that_is_no_item_is_refused(tmp_path: Path, line: bytes) -> None:
    assert not PARSERS["items"].accepts(line, tmp_path)


def spoilt(sound: bytes, rng: random.Random) -> bytes:
    """A file with bytes changed, cut out, said twice, or cut off."""
    content = bytearray(sound)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(content) + 1)
        match rng.randrange(4):
            case 0 if at < len(content):
                content[at] = rng.randrange(256)
            case 1:
                del content[at : at + rng.randint(1, 20)]
            case 2:
                content[at:at] = content[at : at + rng.randint(1, 30)]
            case _:
                content[at:at] = bytes(rng.choices(b'{}[]",:0123456789eE-+NaN\x00\xff', k=rng.randint(1, 6)))
    return bytes(content)
