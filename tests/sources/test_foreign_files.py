"""Files that others made, spoilt in every way: an error that was promised, never another, and no pickle ever loaded.

The long run, guided by coverage, is `nox -s fuzz`.
"""

import io
import json
import random
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from harness.models.params import ARRAY_NAMES
from tests.proof.parsers import PARSERS, params_with_a_pickle
from tests.proof.spoiling import edited, spoilt

SPOILT = 150
"""Files for each parser; the long run takes a hundred thousand."""

FIELDS = (
    *(
        "index",
        "tokens",
        "values",
        "maxActApprox",
        "id",
        "endings",
        "schema_version",
        "study",
        "measurements",
        "estimate_id",
    ),
    *("amendments", "content", "event", "run_id", "sealed_lines", "last"),
)
"""Words that the readers look for."""


@pytest.mark.parametrize("name", PARSERS)
def test_a_sound_file_is_read(name: str, tmp_path: Path) -> None:
    assert PARSERS[name].accepts(PARSERS[name].sound, tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_a_spoilt_file_is_read_or_refused_as_promised(name: str, tmp_path: Path) -> None:
    parser, rng = PARSERS[name], random.Random(name)
    for _ in range(SPOILT):
        parser.accepts(spoilt(parser.sound, rng), tmp_path)


@pytest.mark.parametrize("name", [name for name, parser in PARSERS.items() if parser.is_json])
def test_a_changed_value_is_read_or_refused_as_promised(name: str, tmp_path: Path) -> None:
    parser, rng = PARSERS[name], random.Random(name)
    for _ in range(SPOILT):
        parser.accepts(edited(parser.sound, rng), tmp_path)


@pytest.mark.parametrize("name", [name for name, parser in PARSERS.items() if parser.is_json])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
        ),
    )
)
def test_any_json_is_read_or_refused_as_promised(name: str, tmp_path: Path, content: object) -> None:
    PARSERS[name].accepts(json.dumps(content).encode(), tmp_path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from("dictonaresmlwh?=&0123456789-.e"), max_size=60))
def test_any_address_of_a_made_source_is_read_or_refused_as_promised(tmp_path: Path, address: str) -> None:
    PARSERS["profile"].accepts(address.encode(), tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: arrays(
                st.sampled_from(("f4", "f8", "i8", "c8", "U3", "?")),
                array_shapes(min_dims=0, max_dims=3, max_side=3),
            )
            for name in ARRAY_NAMES
        },
    )
)
def test_any_arrays_are_read_or_refused_as_promised(tmp_path: Path, content: dict[str, object]) -> None:
    written = io.BytesIO()
    np.savez(written, **content)
    PARSERS["params"].accepts(written.getvalue(), tmp_path)


def test_a_planted_pickle_is_never_loaded(tmp_path: Path) -> None:
    assert not PARSERS["params"].accepts(params_with_a_pickle(), tmp_path)


@pytest.mark.parametrize(("place", "bits"), [(8, 9), (6, 1)], ids=["packed in an unknown way", "encrypted"])
def test_arrays_that_cannot_be_unpacked_are_refused(tmp_path: Path, place: int, bits: int) -> None:
    content = bytearray(PARSERS["params"].sound)
    directory = content.index(b"PK\x01\x02")
    content[place] = content[directory + place + 2] = bits
    assert not PARSERS["params"].accepts(bytes(content), tmp_path)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    sound = io.BytesIO(PARSERS["params"].sound)
    with ZipFile(sound) as source, ZipFile(tmp_path / "spoilt.zip", "w") as target:
        for name in source.namelist():
            target.writestr(name, b"none")
    assert not PARSERS["params"].accepts((tmp_path / "spoilt.zip").read_bytes(), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'{"id": "a", "endings": [{"en": "x"}]}', id="an ending in another language alone"),
        pytest.param(b"[" * 100_000, id="brackets without end"),
        pytest.param(b'{"id": ', id="half a line"),
        pytest.param(b"\n\n", id="nothing"),
        pytest.param(b'{"id": "\xff"}', id="no text"),
    ],
)
def test_a_line_that_is_no_item_is_refused(tmp_path: Path, line: bytes) -> None:
    assert not PARSERS["items"].accepts(line, tmp_path)
