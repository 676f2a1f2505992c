"""Certified folders: as they were made, or refused by name."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from harness.sources import pins
from harness.sources.pins import CERTIFICATE, ForeignFileError
from harness.words.study import Home, Pin


def pin(folder: Path) -> Pin:
    return Pin(name="a folder", home=Home.FOLDER, address=str(folder), licence="none")


@pytest.fixture(autouse=True)
def _forget_revisions() -> None:
    pins.revision_of.cache_clear()


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """Two data sets under one certificate, as the benchmarks have."""
    texts = {"m_arc/en.jsonl": "{}", "m_mmlu/en.jsonl": "[]"}
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    files = {path: sha256(text.encode()).hexdigest() for path, text in texts.items()}
    (tmp_path / CERTIFICATE).write_text(json.dumps({"files": files}))
    return tmp_path


def test_a_folder_as_it_was_made_has_a_revision(group: Path) -> None:
    assert len(pins.revision_of(pin(group))) == 64


def test_a_folder_below_a_certificate_answers_for_its_own_files_only(group: Path) -> None:
    (group / "m_mmlu/en.jsonl").write_text("changed")
    assert len(pins.revision_of(pin(group / "m_arc"))) == 64
    with pytest.raises(ForeignFileError, match=r"m_mmlu/en\.jsonl has digest"):
        pins.revision_of(pin(group / "m_mmlu"))


def test_a_folder_without_a_certificate_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "anything").write_text("x")
    assert len(pins.revision_of(pin(tmp_path))) == 64


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        pytest.param(lambda g: (g / "m_arc/en.jsonl").write_text("{ }"), "has digest .* says", id="changed"),
        pytest.param(lambda g: (g / "m_arc/en.jsonl").unlink(), "is missing", id="removed"),
        pytest.param(lambda g: (g / "m_arc/zz.jsonl").write_text("{}"), "is foreign", id="added"),
        pytest.param(
            lambda g: (g / CERTIFICATE).write_text("{}"), "lists no files", id="certificate emptied"
        ),
    ],
)
def test_a_folder_that_is_not_as_it_was_made_is_refused(
    group: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(group)
    with pytest.raises(ForeignFileError, match=message) as refusal:
        pins.revision_of(pin(group))
    assert refusal.value.exit_code == 3
