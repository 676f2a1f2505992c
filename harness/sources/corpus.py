"""A corpus of texts, read one after the other from the files of a pin: JSON lines, plain or packed, or Parquet."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.sources.pins import how_to_mend, locate, what_is_there
from harness.words.canonical import place_of_surrogate
from harness.words.errors import MissingSourceError
from harness.words.study import Pin

BATCH_ROWS = 256
"""Rows of a table that are held at once; a document may be as long as a book."""

CHUNK_BYTES = 2**20
"""Of lines, unpacked."""


def documents(corpus: Pin, files: tuple[str, ...]) -> Iterator[str]:
    """The texts of some files, in their order: the field `text` of every row.

    Raises:
        MissingSourceError: If a file is not there, or holds a row without a text; names file and row.
    """
    for file in files:
        folder = locate(corpus)
        path = folder / file
        if not path.is_file():
            held = (each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())
            raise MissingSourceError(
                f"{corpus} has no file {file}{what_is_there(replace(corpus, files=(file,)), held)}; {how_to_mend(corpus)}, or the files "
                "in the study's profile"
            )
        number = 0
        try:
            for row in rows_of(path):
                yield text_of(row)
                number += 1
        except (EOFError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
            raise MissingSourceError(
                f"{corpus}: {file} cannot be read behind its first {number} rows: {error!r}; expected rows with a `text` each; remove "
                f"{path}, and start again to fetch it anew; {how_to_mend(corpus)}"
            ) from error


def rows_of(path: Path) -> Iterator[dict[str, object]]:
    """Every row of a table, in order."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(BATCH_ROWS):
                yield from batch.to_pylist()
        return
    with pa.input_stream(path, compression="detect") as packed:
        rest = b""
        while part := packed.read(CHUNK_BYTES):
            # Texts hold marks that end a line for `splitlines`, and none for JSON.
            *lines, rest = (rest + part).split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())
        if rest.strip():
            yield json.loads(rest)


def text_of(row: dict[str, object]) -> str:
    """The text of a row.

    Raises:
        KeyError: If it has none.
        TypeError: If that is no text.
        ValueError: If it holds half of a character.
    """
    text = row["text"]
    if not isinstance(text, str):
        raise TypeError(f"text is {text!r}, among {sorted(row)}")
    if place_of_surrogate(text):
        raise ValueError(f"text is {text!r}, which holds half of a character")
    return text
