"""Looks for a marked secret in files, archives and whole folders, byte by byte."""

from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 1 << 24


def files_holding(mark: str, place: Path) -> list[Path]:
    """Files at or below a place that hold the mark, in content or in name."""
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return [path for path in files if mark in path.name or holds(path, mark.encode())]


def holds(path: Path, mark: bytes, piece_bytes: int = PIECE_BYTES) -> bool:
    """Whether a file holds these bytes."""
    return any(mark in window for window in _windows(path, len(mark) - 1, piece_bytes))


def _windows(path: Path, overlap_bytes: int, piece_bytes: int) -> Iterator[bytes]:
    """The file in pieces, each with the end of the one before: a mark may lie across the cut."""
    kept = b""
    with path.open("rb") as stream:
        while piece := stream.read(piece_bytes):
            yield kept + piece
            kept = (kept + piece)[-overlap_bytes:] if overlap_bytes else b""
