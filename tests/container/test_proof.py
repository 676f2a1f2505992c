"""The search for secrets: found wherever they lie, and never taken for absent where nobody could look."""

import tarfile
from pathlib import Path

import pytest

from tests.container.engine import Engine, EngineError
from tests.container.proof import files_holding

MARK = "hf_0123456789"


def test_every_file_of_a_folder_and_an_archive_is_looked_at_and_its_name_too(tmp_path: Path) -> None:
    logs, archive = tmp_path / "logs", tmp_path / "image.tar"
    logs.mkdir()
    (logs / "log").write_text(f"HF_TOKEN={MARK}")
    (logs / f"{MARK}.json").write_text("{}")
    (logs / "clean").write_text(MARK[:-1])
    with tarfile.open(archive, "w") as layers:
        layers.add(logs / "log", "etc/token")
    found = files_holding(Engine(tmp_path), MARK, logs, archive)
    assert found == [str(path) for path in (archive, logs / f"{MARK}.json", logs / "log")]
    assert files_holding(Engine(tmp_path), MARK, logs / "clean") == []


def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        files_holding(Engine(tmp_path), MARK, tmp_path / "nowhere")
