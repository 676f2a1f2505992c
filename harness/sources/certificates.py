"""Birth certificates of committed folders: every file that was made there, with its digest, and nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path

from harness.words.errors import HarnessError

NAME = "certificate.json"


class ForeignFileError(HarnessError):
    """A certified folder holds a file that its certificate does not know, or lacks one that it does."""


def refuse_foreign_files(folder: Path, found: Mapping[str, str]) -> None:
    """Hold the files of a folder against the nearest certificate at or above it; no certificate, no check.

    Args:
        folder: The folder that was read.
        found: Digest of each of its files, by path below the folder.

    Raises:
        ForeignFileError: If a file was changed, added or removed since the certificate was written.
    """
    certified = next((parent for parent in (folder, *folder.parents) if (parent / NAME).is_file()), None)
    if certified is None:
        return
    below = folder.relative_to(certified)
    wanted = _recorded(certified / NAME)
    here = {(below / path).as_posix(): digest for path, digest in found.items() if Path(path).name != NAME}
    expected = {
        path: digest for path, digest in wanted.items() if below == Path() or Path(path).is_relative_to(below)
    }
    for path in sorted(here.keys() | expected.keys()):
        if here.get(path) != expected.get(path):
            raise ForeignFileError(_message(certified, path, here.get(path), expected.get(path)))


def certified_digests(folder: Path) -> frozenset[str]:
    """Digests that the nearest certificate at or above a folder lists; empty where there is none."""
    certified = next((parent for parent in (folder, *folder.parents) if (parent / NAME).is_file()), None)
    return frozenset(_recorded(certified / NAME).values()) if certified else frozenset()


def _recorded(certificate: Path) -> Mapping[str, str]:
    content = json.loads(certificate.read_text(encoding="utf-8"))
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise ForeignFileError(f"{certificate} lists no files; restore it with 'git checkout'")
    return files


def _message(folder: Path, path: str, found: str | None, expected: str | None) -> str:
    place = f"{folder.name}/{path}"
    cure = "restore it with 'git checkout', or rebuild the miniature world with 'nox -s fixtures'"
    if found is None:
        return f"{place} is missing, but {folder.name}/{NAME} lists it; {cure}"
    if expected is None:
        return f"{place} is foreign: {folder.name}/{NAME} does not list it; remove it, or {cure}"
    return f"{place} has digest {found[:12]}, but {folder.name}/{NAME} says {expected[:12]}; {cure}"
