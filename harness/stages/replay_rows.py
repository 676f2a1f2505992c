"""Stored rows that can be computed anew: whole, strong, and spelled in the tokenizer's own pieces."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.sources.neuronpedia import StoredRow, activation_files, rows_of_file
from harness.statistics.replay_gate import STRONG
from harness.words.study import ModelFacts

log = logging.getLogger(__name__)

REPLAY_DRAW = int.from_bytes(b"replay")
"""Names the stream of this sample."""

MIN_TOKENS = 2
"""A row of one token has no correlation."""

MAX_UNSPELLED = 0.1
"""Share of the drawn rows that may hold a piece which the tokenizer lacks; more is the tokenizer of another model."""


@dataclass(frozen=True, kw_only=True)
class Speller:
    """What gives stored pieces their ids."""

    named: str
    """The tokenizer, for messages."""
    ids: Mapping[str, int]
    """By piece, as the export writes it."""
    facts: ModelFacts


@dataclass(frozen=True, kw_only=True)
class SpelledRow:
    """A stored row with its token ids, as many as it has pieces."""

    row: StoredRow
    ids: Sequence[int]


def sampled_rows(
    export: Path, source_id: str, size: int, *, layer: int, seed: int, speller: Speller, num_latents: int
) -> list[SpelledRow]:
    """A seeded sample of one batch file's strong rows; the file is drawn as well.

    One file is enough to see a wrong network, and a whole layer is hundreds of megabytes. A row with a piece that the
    tokenizer lacks is told and another taken: an exporter rewrites some, and one such row says nothing of the network.

    Raises:
        ValueError: If the layer has no strong row, or too many hold such a piece.
    """
    stream = np.random.default_rng(np.random.SeedSequence([seed, REPLAY_DRAW, layer]))
    files = activation_files(export, source_id)
    for place in stream.permutation(len(files)).tolist():
        rows = strong_rows(list(rows_of_file(files[place], num_latents)), speller.facts)
        if rows:
            return _spelled(rows, stream.permutation(len(rows)).tolist(), size, speller, source_id)
    raise ValueError(f"no row of {source_id} can be replayed; the export is not what its pin says")


def strong_rows(rows: Sequence[StoredRow], facts: ModelFacts) -> list[StoredRow]:
    """The rows of one document that come near the largest peak of their latent, which is never one on what stands in front."""
    maxima: dict[int, float] = {}
    for row in rows:
        if row.peak_token not in facts.front:
            maxima[row.latent] = max(maxima.get(row.latent, 0.0), row.values[row.peak])
    return [
        row
        for row in rows
        if len(row.tokens) >= MIN_TOKENS
        and {*facts.document_marks}.isdisjoint(row.tokens)
        and row.values[row.peak] > 0
        and row.values[row.peak] >= STRONG * maxima[row.latent]
    ]


def _spelled(
    rows: Sequence[StoredRow],
    order: Iterable[int],
    size: int,
    speller: Speller,
    source_id: str,
) -> list[SpelledRow]:
    found: dict[int, SpelledRow] = {}
    lost: list[tuple[StoredRow, str]] = []
    for index in order:
        if len(found) == size:
            break
        row = rows[index]
        missing = next((piece for piece in row.tokens if piece not in speller.ids), None)
        if missing is None:
            found[index] = SpelledRow(row=row, ids=[speller.ids[piece] for piece in row.tokens])
        else:
            lost.append((row, missing))
    _require_its_tokenizer(len(found), lost, speller.named, source_id)
    return [found[index] for index in sorted(found)]


def _require_its_tokenizer(
    found: int, lost: Sequence[tuple[StoredRow, str]], tokenizer: str, source_id: str
) -> None:
    if not lost:
        return
    row, piece = lost[0]
    says = (
        f"{source_id}: the tokenizer of {tokenizer!r} has no piece {piece!r}, which a stored row of latent "
        f"{row.latent} holds, and {len(lost)} of {found + len(lost)} rows hold such a one"
    )
    if len(lost) > MAX_UNSPELLED * (found + len(lost)):
        raise ValueError(f"{says}; model and export do not belong together")
    log.warning("%s; others were taken", says)
