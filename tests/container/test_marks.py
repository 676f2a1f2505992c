"""The search for secrets: found wherever they lie, across every cut."""

import tarfile
from pathlib import Path

import pytest

from tests.container.marks import files_holding, holds

MARK = "hf_0123456789"


@pytest.mark.parametrize("offset", range(12))
def test_a_mark_is_found_across_every_cut(offset: int, tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(b"x" * offset + MARK.encode() + b"y" * 5)
    assert holds(path, MARK.encode(), piece_bytes=4)


def test_a_file_without_it_is_clean(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(MARK.encode()[:-1] * 3)
    assert not holds(path, MARK.encode(), piece_bytes=4)


def test_a_mark_is_found_in_an_archive_of_layers(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(MARK)
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as layers:
        layers.add(tmp_path / "token", "etc/token")
    assert files_holding(MARK, archive) == [archive]


def test_every_file_of_a_folder_is_looked_at_and_its_name_too(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/log").write_text(f"HF_TOKEN={MARK}")
    (tmp_path / f"{MARK}.json").write_text("{}")
    (tmp_path / "clean").write_text("nothing")
    assert files_holding(MARK, tmp_path) == [tmp_path / f"{MARK}.json", tmp_path / "run/log"]
