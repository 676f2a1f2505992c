"""Installing says from what: the lock where its CPU build of torch is at hand, the ranges elsewhere."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.judge.preregistration import lock_state
from requirements.installing import install
from requirements.locks import LockError

ROOT = Path(__file__).resolve().parents[2]
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
    assert locked.endswith(
        f"--require-hashes --no-deps --requirement {lock} --requirement requirements/test.lock"
    )
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as 'pip install ./checkout' leaves it, without a checkout around it."""
    scratch = tmp_path_factory.mktemp("package")
    source, target = scratch / "source", scratch / "installed"
    for name in ("harness", "claims"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    words = (
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(scratch),
    )
    subprocess.run([sys.executable, "-m", "pip", *words, str(source)], check=True, capture_output=True)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(target)
    return target


def test_an_installed_package_holds_what_is_no_code(installed: Path) -> None:
    kept = {
        path.relative_to(ROOT)
        for name in ("harness", "claims")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert [path for path in kept if not (installed / path).is_file()] == []
    assert Path("claims/sin2025/lock.json") in kept


def test_an_installed_package_has_the_registration_of_the_checkout_and_says_what_it_lacks(
    installed: Path, tmp_path: Path
) -> None:
    program = (
        "from harness import cli; from harness.judge.preregistration import lock_state\n"
        "print(lock_state('sin2025').lock.status)\n"
        "print([cli.exit_code_of(words) for words in (['reproduce', '--out', 'run'], ['lock', '--amend', 'x'])])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [lock_state("sin2025").lock.status, "[4, 4]"]
    reproduce, amend = done.stderr.splitlines()
    assert reproduce.startswith("error: miniature model, the folder fixtures/model, needs a checkout")
    assert amend.startswith("error: 'harness lock --amend' needs a checkout")
    assert all(
        line.endswith("install it with 'pip install -e .' and start again there")
        for line in (reproduce, amend)
    )
    assert not list(tmp_path.iterdir())
