"""Installs the project into an environment of this machine: from the lock where it can be met, else by ranges."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from requirements.locks import REQUIREMENTS, LockError, read_lock

LOCK, TESTS = REQUIREMENTS / "cpu.lock", REQUIREMENTS / "test.lock"


def install(python: str, lock: Path = LOCK) -> None:
    """Install everything that developing takes, and say from what.

    Args:
        python: Interpreter of the environment.
        lock: What a run takes; names a CPU build of torch, which few machines have at hand.

    Raises:
        LockError: If pip cannot install; it says why on the way.
    """
    if is_at_hand(python, lock):
        _say(f"the CPU build of torch is at hand: installing the versions of {lock}")
        # Both are whole; left to look for dependencies, pip stumbles over those that are named with extras.
        locks = (word for each in (lock, TESTS) for word in ("--requirement", str(each)))
        _pip(python, "--require-hashes", "--no-deps", *locks)
    else:
        _say(f"the CPU build of torch in {lock} is not at hand: installing by the ranges of pyproject.toml")
    _pip(python, "--editable", ".[dev]")


def is_at_hand(python: str, lock: Path) -> bool:
    """Whether pip would find the very build of torch that a lock names; fetches nothing from a registry."""
    torch = read_lock(lock)["torch"]
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "torch.lock"
        alone.write_text(
            f"torch=={torch.version} {' '.join(f'--hash=sha256:{each}' for each in torch.hashes)}\n",
            encoding="utf-8",
        )
        words = ("--dry-run", "--no-deps", "--require-hashes", "--requirement", str(alone))
        return subprocess.run(_command(python, words), capture_output=True, check=False).returncode == 0


def _pip(python: str, *words: str) -> None:
    if subprocess.run(_command(python, words), check=False).returncode:
        raise LockError(f"pip cannot install {' '.join(words)}; it says why above")


def _command(python: str, words: Sequence[str]) -> list[str]:
    return [python, "-m", "pip", "install", "--quiet", *words]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
