"""The locks in `requirements/`: read, refreshed, and cut down for the small image."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path("requirements")

SHARED = Path("build/shared.in")
"""What every environment has alike, whatever its build of torch: written on the way."""

RUNNING = ("pyproject.toml", "--extra", "image", "--excludes", "requirements/unused.txt")

INPUTS: Mapping[str, tuple[str, ...]] = {
    "cuda": (*RUNNING, "--extra", "cuda"),
    "cpu": (*RUNNING, "--constraints", "requirements/cuda.lock"),
    "cuda12": (*RUNNING, "--constraints", str(SHARED), "--config-file", "requirements/cuda12.toml"),
    "test": (
        *("pyproject.toml", "--extra", "image", "--extra", "test", "--extra", "fixtures"),
        *("--constraints", "requirements/cpu.lock"),
    ),
    "build": ("--group", "build"),
    "bootstrap": ("--group", "bootstrap"),
}
"""Every lock and what it is made from: `pyproject.toml` alone says what is wanted.

The first three are environments in which a run works, each with a build of torch of its own; `test` is what tests take
beside one of them.
"""

CUDA12 = "torch==2.13.0+cu126 \\\n    --hash=sha256:0f4e49e334e24b552f694f6315e0676fb3f816fb0f727871b9c6d1f73784cc25"
"""The build of torch for drivers of CUDA 12, by the SHA-256 of its wheel for Python 3.11 on x86-64.

Source: the lock that `cuda12.toml` names; the same digest was published by somebody who took it of the downloaded file.
"""

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


TORCH = re.compile(r"^torch==(.*\\\n)*.*", re.MULTILINE)


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
    links = ("--find-links", str(wheels_at_hand()))
    _make("cuda", *options)
    _make("cpu", *links, *options)
    running = read_lock(_lock("cpu"))
    shared = [f"{each.name}=={each.version}\n" for each in running.values() if each.name != "torch"]
    SHARED.parent.mkdir(exist_ok=True)
    SHARED.write_text("".join(shared), encoding="utf-8")
    _make("cuda12", *options)
    made = _lock("cuda12").read_text(encoding="utf-8")
    _lock("cuda12").write_text(TORCH.sub(lambda _: CUDA12, made), encoding="utf-8")
    _make("test", *links, *(word for name in running for word in ("--no-emit-package", name)), *options)
    _make("build", *options)
    _make("bootstrap", *options)


def make_small_lock(path: Path) -> None:
    """Write the lock of the small image: the same versions as in `cpu.lock`."""
    wanted = path.with_suffix(".in")
    wanted.write_text("\n".join(SMALL) + "\n", encoding="utf-8")
    _compile(path, str(wanted), "--constraints", str(_lock("cpu")))


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
    if subprocess.run(["cyclonedx-py", "requirements", *form, str(_lock(lock))], check=False).returncode:
        raise LockError(f"{target} cannot be made; cyclonedx-py says why above")
    return target


def _lock(name: str) -> Path:
    return REQUIREMENTS / f"{name}.lock"


def _make(name: str, *options: str) -> None:
    _compile(_lock(name), *INPUTS[name], *options)


def _compile(target: Path, *words: str) -> None:
    command = ["uv", "pip", "compile", *words, *FORM, "--output-file", str(target)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        raise LockError(f"{target} cannot be made; uv says why above")
