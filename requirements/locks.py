"""The locks in `requirements/`: read, refreshed, and cut down for the small image."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path("requirements")

INPUTS: Mapping[str, tuple[str, ...]] = {
    "cuda": ("pyproject.toml", "--extra", "image"),
    "cpu": ("pyproject.toml", "--extra", "image", "--constraints", "requirements/cuda.lock"),
    "build": ("--group", "build"),
    "bootstrap": ("--group", "bootstrap"),
}
"""Every lock and what it is made from: `pyproject.toml` alone says what is wanted."""

SMALL = ("nox", "typer", "rich", "packaging", "jsonschema", "setuptools", "sqlitedict")
"""What the small image holds: enough for the command line, and one package that has no wheel."""

FORM = (
    *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
    *("--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28"),
)
"""No header and no notes: they would name the machine that wrote the file."""

ENTRY = re.compile(
    r"(?P<name>[a-z0-9.-]+)==(?P<version>[a-z0-9.+!]+)(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})*)"
)


class LockError(Exception):
    """A lock cannot be read or made."""


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of every file that may be installed."""


def read_lock(path: Path) -> Mapping[str, Locked]:
    """Packages of a lock by name.

    Raises:
        LockError: If a line is anything but a name, an exact version and hashes.
    """
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    entries = [_entry(path, " ".join(line.split())) for line in lines]
    locked = {entry.name: entry for entry in entries}
    if len(locked) < len(entries):
        raise LockError(f"{path} names a package twice")
    return locked


def _entry(path: Path, line: str) -> Locked:
    found = ENTRY.fullmatch(line)
    if found is None or not found["hashes"]:
        raise LockError(f"{path} holds {line!r}; a lock holds name==version with its hashes and nothing else")
    hashes = tuple(word.removeprefix("--hash=sha256:") for word in found["hashes"].split())
    return Locked(name=found["name"], version=found["version"], hashes=hashes)


def wheels_at_hand() -> Path:
    """Folder that holds the CPU build of torch, as pip's or uv's own variable names it.

    Raises:
        LockError: If none does.
    """
    named = f"{os.environ.get('PIP_FIND_LINKS', '')} {os.environ.get('UV_FIND_LINKS', '')}".replace(",", " ")
    for folder in map(Path, named.split()):
        if any(folder.glob("torch-*+cpu-cp311-*.whl")):
            return folder
    raise LockError(
        "no CPU build of torch is at hand; put its wheel for Python 3.11 into a folder, "
        "and name that in PIP_FIND_LINKS"
    )


def refresh(*options: str) -> None:
    """Make every lock again; pins that still fit are kept, unless `options` say `--upgrade`."""
    wheels = wheels_at_hand()
    for name, words in INPUTS.items():
        links = ("--find-links", str(wheels)) if name == "cpu" else ()
        _compile(REQUIREMENTS / f"{name}.lock", *words, *links, *options)


def make_small_lock(path: Path) -> None:
    """Write the lock of the small image: the same versions as in `cpu.lock`."""
    wanted = path.with_suffix(".in")
    wanted.write_text("\n".join(SMALL) + "\n", encoding="utf-8")
    _compile(path, str(wanted), "--constraints", str(REQUIREMENTS / "cpu.lock"))


def list_packages(lock: str) -> Path:
    """Write the bill of materials of a lock (CycloneDX, JSON, with every hash); gives the file."""
    target = Path("build") / f"{lock}.cdx.json"
    target.parent.mkdir(exist_ok=True)
    form = (
        "--output-reproducible",
        "--of",
        "JSON",
        "--output-file",
        str(target),
        "--pyproject",
        "pyproject.toml",
    )
    if subprocess.run(
        ["cyclonedx-py", "requirements", *form, str(REQUIREMENTS / f"{lock}.lock")], check=False
    ).returncode:
        raise LockError(f"{target} cannot be made; cyclonedx-py says why above")
    return target


def _compile(target: Path, *words: str) -> None:
    command = ["uv", "pip", "compile", *words, *FORM, "--output-file", str(target)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        raise LockError(f"{target} cannot be made; uv says why above")
