"""Outcomes of single questions as a small table: one line each, the head of the question's digest and whether the answer was right."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.store.files import write_whole
from harness.words.errors import UsageError

DIGEST_HEAD = 16
"""Hexadecimal digits that tell questions apart: 64 bits, where a benchmark has some ten thousand questions."""

HEADER = ("question", "right")


def keyed(rows: Iterable[tuple[str, float]]) -> Iterator[tuple[str, bool]]:
    """Digest and score of each question as key and outcome; a question that stands twice has a key for each place.

    Args:
        rows: lm-eval's digest of the document and its score of 0 or 1, in the documents' order.
    """
    times: dict[str, int] = {}
    for digest, score in rows:
        head = digest[:DIGEST_HEAD]
        place = times[head] = times.get(head, -1) + 1
        yield f"{head}+{place}" if place else head, score > 0


def write_outcomes(path: Path, outcomes: Mapping[str, bool]) -> str:
    """Write a table, sorted by question; gives its SHA-256."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((key, int(right)) for key, right in sorted(outcomes.items()))
    write_whole(path, text.getvalue())
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def read_outcomes(path: Path, sha256: str) -> Mapping[str, bool]:
    """A committed table, which must be the one that was registered.

    Raises:
        UsageError: If it is not there, is another one, or is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); the study names it as outcomes of a baseline: commit it"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise UsageError(
            f"{path} has SHA-256 {found}, but the study registers {sha256}; restore the committed file"
        )
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8")))
    if tuple(header) != HEADER or not all(len(row) == len(HEADER) for row in rows):
        raise UsageError(f"{path} is no table of outcomes; expected the columns {', '.join(HEADER)}")
    return {key: right == "1" for key, right in rows}
