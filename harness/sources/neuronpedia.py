"""Neuronpedia: its bulk export as rows, and single latents of its service for spot checks.

Rows are listed, streamed, and joined by (layer, latent), never by batch number. The service tells a latent a megabyte at
a time and allows a few thousand questions an hour, so that nothing measured rests on it.
"""

import gzip
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.words.study import Pieces

WORD_MARK = "\u2581"
"""A leading space, as vocabulary pieces write it."""

BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
"""A piece that stands for one byte, which vocabularies fall back to for rare characters."""

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""What stands in a text for bytes that are no UTF-8."""

REWRITTEN = {
    "\u00e2\u0122\u0136": "\N{EM DASH}",
    "\u00e2\u0122\u0135": "\N{EN DASH}",
    "\u00e2\u0122\u013e": "\N{LEFT DOUBLE QUOTATION MARK}",
    "\u00e2\u0122\u013f": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\u00e2\u0122\u013a": "\N{LEFT SINGLE QUOTATION MARK}",
    "\u00e2\u0122\u013b": "\N{RIGHT SINGLE QUOTATION MARK}",
    "\u00e2\u0122\u012d": " ",
    "\u0120": " ",
    "\u010a": "\n",
    "\u0109": "\t",
}
"""What the exporter writes for parts of byte-level pieces, in its order; a space of no width becomes a space.

Source: SAEDashboard, `neuronpedia_runner.py`.
"""


LONGEST_SHOWN = 120
"""Characters of a value that an error shows."""


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """One stored sequence of one latent."""

    latent: int
    tokens: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def peak(self) -> int:
        """Position of the strongest token."""
        return self.values.index(max(self.values))

    @property
    def peak_token(self) -> str:
        """The strongest token."""
        return self.tokens[self.peak]


def stored_rows(export: Path, source_id: str, num_latents: int | None = None) -> Iterator[StoredRow]:
    """Every activation row of one source, in the order of its files.

    The number of batch files and their size are whatever the folder holds. The latent's index is a string in
    some files and an integer in others.

    Args:
        export: Folder of one model, called like it.
        source_id: What its rows call their layer.
        num_latents: How many latents the layer's dictionary has, where that is known.

    Raises:
        FileNotFoundError: If the source has no activation files.
        ValueError: If a line is not a row, or one of another model, layer or dictionary; the message names file and line.
    """
    for file in activation_files(export, source_id):
        yield from rows_of_file(file, num_latents)


def listed_latents(export: Path, source_id: str, num_latents: int | None = None) -> frozenset[int]:
    """The latents of which one source has a feature row; empty where the export holds none.

    Feature files follow the order of the index as a string and activation files ranges of numbers, so that only the
    index joins them.

    Raises:
        ValueError: If a line has no index, or is one of another model, layer or dictionary; the message names file and line.
    """
    files = sorted((export / source_id / "features").glob("*.jsonl.gz"), key=_batch_number)
    return frozenset(
        _belonging(fields, file, place, num_latents)
        for file in files
        for fields, place in _parsed_lines(file, "a feature row", "an index")
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


def rows_of_file(file: Path, num_latents: int | None = None) -> Iterator[StoredRow]:
    """Every row of one activation file, in order.

    Raises:
        ValueError: If a line is not a row or belongs elsewhere, or the file is cut; the message names file and line.
    """
    for fields, place in _parsed_lines(file, "an activation row", "index, tokens and values"):
        row = row_of(fields, place)
        _belonging(fields, file, place, num_latents)
        yield row


def text_of(tokens: Sequence[str], pieces: Pieces) -> str:
    """The text that vocabulary pieces spell, with the blanks at its ends.

    Bytes are read together, as UTF-8; those that are none become `UNREADABLE`.
    """
    joined = "".join(tokens)
    if pieces is Pieces.BYTES:
        return joined.translate(BYTES).encode("latin-1").decode(errors="replace")
    if "<0x" in joined:
        joined = b"".join(map(_spelled, tokens)).decode(errors="replace")
    return joined.replace(WORD_MARK, " ")


def _spelled(piece: str) -> bytes:
    byte = BYTE_PIECE.fullmatch(piece)
    return bytes.fromhex(byte[1]) if byte else piece.encode()


class _ByteLetters(dict[int, str]):
    """By letter of a byte-level piece: its byte, as the character of that number; any other letter is its own UTF-8.

    So the characters that the exporter put into pieces are read as they stand.
    """

    def __missing__(self, letter: int) -> str:
        return chr(letter).encode().decode("latin-1")


def _byte_letters() -> Iterator[tuple[int, str]]:
    """Printable bytes are their own letters; the others take those from U+0100 on, in order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted({*range(0x100)} - {*printable})
    yield from ((byte, chr(byte)) for byte in printable)
    yield from ((0x100 + place, chr(byte)) for place, byte in enumerate(others))


BYTES = _ByteLetters(_byte_letters())
"""Of byte-level BPE, for `str.translate`."""


def piece_ids(vocabulary: Mapping[str, int], pieces: Pieces) -> Mapping[str, int]:
    """The ids of a vocabulary by what the export calls its pieces; without those that it calls alike."""
    if pieces is Pieces.WORD_MARKS:
        return vocabulary
    named: dict[str, list[int]] = {}
    for piece, token_id in vocabulary.items():
        named.setdefault(_as_exported(piece), []).append(token_id)
    return {name: ids[0] for name, ids in named.items() if len(ids) == 1}


def _as_exported(piece: str) -> str:
    for part, written in REWRITTEN.items():
        piece = piece.replace(part, written)
    return piece


def _lines(file: Path) -> Iterator[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from lines
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, zlib.error) as error:
        raise ValueError(
            f"{file.parent.parent.name}/{file.parent.name}/{file.name} cannot be read to its end: {error}; remove "
            f"{file}, and start again to fetch it anew"
        ) from error


def _parsed_lines(file: Path, kind: str, expected: str) -> Iterator[tuple[Any, str]]:
    """What stands on every line of a file, with its place."""
    name = f"{file.parent.parent.name}/{file.parent.name}/{file.name}"
    for number, line in enumerate(_lines(file), start=1):
        place = f"{name}:{number}"
        try:
            yield json.loads(line), place
        except (RecursionError, ValueError) as error:
            raise ValueError(f"{place} is not {kind}: {error!r}; expected {expected}") from error


def _belonging(fields: Any, file: Path, place: str, num_latents: int | None) -> int:  # noqa: ANN401
    """The latent that a row is about, which must be one of its folder's model, layer and dictionary.

    A row that does not say of which model or layer it is counts for its folder's.
    """
    try:
        latent = latent_of(fields["index"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{place} is not a feature row: {error!r}; expected an index") from error
    folder = file.parent.parent
    for name, ours in (("layer", folder.name), ("modelId", folder.parent.name)):
        if fields.get(name, ours) != ours:
            raise ValueError(
                f"{place} is a row of {name} {fields[name]!r}; expected {ours!r}, as its folder is called: the file stands in "
                f"the wrong place; remove {file}, and start again to fetch it anew"
            )
    if num_latents is not None and latent >= num_latents:
        raise ValueError(
            f"{place} is a row of latent {latent}, but the dictionary of this layer has {num_latents}, counted from 0; export "
            "and dictionaries do not belong together: correct one of their pins"
        )
    return latent


def latent_of(index: object) -> int:
    """The latent that an index names: a whole number from 0 on, written as one or as text.

    Raises:
        ValueError: If it is anything else.
    """
    if isinstance(index, str) and index.isascii() and index.isdecimal():
        return int(index)
    if isinstance(index, int) and not isinstance(index, bool) and index >= 0:
        return index
    raise ValueError(f"index is {index!r}, not a whole number from 0 on")


def row_of(fields: Any, place: str) -> StoredRow:  # noqa: ANN401  what a foreign file holds
    """The row that some parsed JSON holds.

    A token with half of a surrogate pair, which no file of text could hold, is read as bytes that are no UTF-8.

    Args:
        fields: What was read.
        place: Where it stands, for the error.

    Raises:
        ValueError: If it is no row.
    """
    try:
        row = StoredRow(
            latent=latent_of(fields["index"]),
            tokens=_texts(fields["tokens"]),
            values=_numbers(fields["values"]),
        )
    except (KeyError, OverflowError, TypeError, ValueError) as error:
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


def _texts(tokens: object) -> tuple[str, ...]:
    if not isinstance(tokens, list):
        raise TypeError(f"tokens is {_beginning(tokens)}, not a list of texts")
    if others := [place for place, token in enumerate(tokens) if not isinstance(token, str)]:
        raise TypeError(f"tokens[{others[0]}] is {_beginning(tokens[others[0]])}, not a text")
    try:
        "".join(tokens).encode()
    except UnicodeEncodeError:
        return tuple(token.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for token in tokens)
    return tuple(tokens)


def _numbers(values: object) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise TypeError(f"values is {_beginning(values)}, not a list of numbers")
    if others := [place for place, value in enumerate(values) if type(value) not in {int, float}]:
        raise TypeError(f"values[{others[0]}] is {_beginning(values[others[0]])}, not a number")
    return tuple(map(float, values))


def _beginning(value: object) -> str:
    return ascii(value)[:LONGEST_SHOWN]


def _batch_number(path: Path) -> tuple[int, str]:
    digits = "".join(letter for letter in path.name if letter.isdigit())
    return int(digits or 0), path.name
