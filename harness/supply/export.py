"""Neuronpedia's bulk export as rows: listed, streamed, joined by (layer, latent) and never by batch number."""

import gzip
import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORD_MARK = "\u2581"
"""A leading space, as vocabulary pieces write it."""

BOS = "<bos>"

BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
"""A piece that stands for one byte, which vocabularies fall back to for rare characters."""

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""What stands in a text for bytes that are no UTF-8."""


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """One stored sequence of one latent."""

    latent: int
    tokens: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def peak(self) -> int:
        """Position of the strongest token."""
        return max(range(len(self.values)), key=self.values.__getitem__)

    @property
    def peaks_on_bos(self) -> bool:
        """True when the strongest token is BOS: an artefact of how some dashboards were made."""
        return self.tokens[self.peak] == BOS

    @property
    def peaks_on_blank(self) -> bool:
        """True when the strongest token is white space, of which a phrase keeps nothing at its ends."""
        return not text_of((self.tokens[self.peak],))


def stored_rows(export: Path, source_id: str) -> Iterator[StoredRow]:
    """Every activation row of one source, in the order of its files.

    The number of batch files and their size are whatever the folder holds. The latent's index is a string in
    some files and an integer in others.

    Raises:
        FileNotFoundError: If the source has no activation files.
        ValueError: If a line is not a row; the message names file and line.
    """
    for file in activation_files(export, source_id):
        yield from rows_of_file(file)


def listed_latents(export: Path, source_id: str) -> frozenset[int]:
    """The latents of which one source has a feature row; empty where the export holds none.

    Feature files follow the order of the index as a string and activation files ranges of numbers, so that only the
    index joins them.

    Raises:
        ValueError: If a line has no index; the message names file and line.
    """
    files = sorted((export / source_id / "features").glob("*.jsonl.gz"), key=_batch_number)
    return frozenset(
        _latent(line, f"{source_id}/features/{file.name}:{number}")
        for file in files
        for number, line in enumerate(_lines(file), start=1)
    )


def activation_files(export: Path, source_id: str) -> list[Path]:
    """The activation files of one source, by number; how many there are is whatever the folder holds.

    Raises:
        FileNotFoundError: If there are none.
    """
    files = sorted((export / source_id / "activations").glob("*.jsonl.gz"), key=_batch_number)
    if not files:
        raise FileNotFoundError(f"the export has no activation files for {source_id!r} below {export.name}")
    return files


def rows_of_file(file: Path) -> Iterator[StoredRow]:
    """Every row of one activation file, in order.

    Raises:
        ValueError: If a line is not a row, or the file is cut; the message names file and line.
    """
    for number, line in enumerate(_lines(file), start=1):
        place = f"{file.parent.parent.name}/activations/{file.name}:{number}"
        yield row_of(_parsed(line, place), place)


def text_of(tokens: tuple[str, ...]) -> str:
    """The text that vocabulary pieces spell, without blanks at its ends.

    Byte pieces are read together, as UTF-8; bytes that are none become `UNREADABLE`.
    """
    joined = "".join(tokens)
    if "<0x" in joined:
        joined = b"".join(map(_spelled, tokens)).decode(errors="replace")
    return joined.replace(WORD_MARK, " ").strip()


def _spelled(piece: str) -> bytes:
    byte = BYTE_PIECE.fullmatch(piece)
    return bytes.fromhex(byte[1]) if byte else piece.encode()


def _lines(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from lines
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, zlib.error) as error:
        raise ValueError(
            f"{file.parent.parent.name}/{file.parent.name}/{file.name} cannot be read to its end: {error}; remove "
            f"{file}, and start again to fetch it anew"
        ) from error


def _latent(line: str, place: str) -> int:
    try:
        return int(json.loads(line)["index"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{place} is not a feature row: {error!r}; expected an index") from error


def row_of(fields: Any, place: str) -> StoredRow:  # noqa: ANN401  what a foreign file holds
    """The row that some parsed JSON holds.

    Args:
        fields: What was read.
        place: Where it stands, for the error.

    Raises:
        ValueError: If it is no row.
    """
    try:
        row = StoredRow(
            latent=int(fields["index"]),
            tokens=tuple(fields["tokens"]),
            values=_numbers(fields["values"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place} is not an activation row: {error!r}; expected index, tokens and values"
        ) from error
    if not all(math.isfinite(value) for value in row.values):
        raise ValueError(f"{place} has a value that is no number; every token has an activation")
    if len(row.tokens) != len(row.values) or not row.tokens:
        raise ValueError(
            f"{place} has {len(row.tokens)} tokens but {len(row.values)} values; expected as many, and some"
        )
    return row


def _parsed(line: str, place: str) -> Any:  # noqa: ANN401  what a foreign file holds
    try:
        return json.loads(line)
    except (RecursionError, ValueError) as error:
        raise ValueError(
            f"{place} is not an activation row: {error!r}; expected index, tokens and values"
        ) from error


def _numbers(values: object) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise TypeError(f"values is {values!r}, not a list")
    return tuple(float(value) for value in values)


def _batch_number(path: Path) -> tuple[int, str]:
    digits = "".join(letter for letter in path.name if letter.isdigit())
    return int(digits or 0), path.name
