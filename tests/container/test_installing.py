"""Installing says from what: the lock where its CPU build of torch is at hand, the ranges elsewhere."""

from pathlib import Path

import pytest

from container.installing import install
from container.locks import LockError

WITHOUT = 'case "$*" in *--dry-run*) exit 1;; esac\n'
BROKEN = 'case "$*" in *--dry-run*) ;; *) exit 1;; esac\n'


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "cpu.lock"
    path.write_text(f"torch==2.13.0+cpu \\\n    --hash=sha256:{'ab' * 32}\n")
    return path


def python_that(does: str, folder: Path) -> str:
    """An interpreter that keeps what it is asked, line by line, and then does something."""
    program = folder / "python"
    program.write_text(f'#!/bin/sh\necho "$*" >> {folder}/asked\n{does}')
    program.chmod(0o755)
    return str(program)


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def test_with_the_cpu_build_at_hand_the_lock_is_installed(
    lock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install(python_that("", tmp_path), lock)
    trial, locked, project = asked(tmp_path)
    assert "--dry-run --no-deps --require-hashes" in trial
    assert locked.endswith(f"--require-hashes --no-deps --requirement {lock}")
    assert project.endswith("--editable .[dev]")
    assert f"installing the versions of {lock}" in capfd.readouterr().err


def test_without_it_the_ranges_are_installed(
    lock: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install(python_that(WITHOUT, tmp_path), lock)
    assert [line.partition("install ")[2] for line in asked(tmp_path)][1:] == ["--quiet --editable .[dev]"]
    assert "installing by the ranges of pyproject.toml" in capfd.readouterr().err


def test_what_pip_is_tried_with_is_the_lines_of_torch_alone(lock: Path, tmp_path: Path) -> None:
    keep = f'while [ "$1" != --requirement ]; do shift; done; [ -f {tmp_path}/kept ] || cp "$2" {tmp_path}/kept\nexit 1\n'
    lock.write_text(f"{lock.read_text()}numpy==2.0 --hash=sha256:{'cd' * 32}\n")
    with pytest.raises(LockError, match="pip cannot install"):
        install(python_that(keep, tmp_path), lock)
    assert (tmp_path / "kept").read_text() == f"torch==2.13.0+cpu --hash=sha256:{'ab' * 32}\n"


def test_a_failed_installation_is_one_clear_error(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(LockError, match="pip cannot install --require-hashes"):
        install(python_that(BROKEN, tmp_path), lock)
