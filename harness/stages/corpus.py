"""The corpus stage: documents of two languages, cut into windows of one length, as many of each, in one order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.models.loading import TextReader, load_text_reader
from harness.sources.corpus import documents
from harness.stages.stage import stage
from harness.store.tables import stream_rows, write_table
from harness.words.dictionaries import CorpusSize, CorpusText, CorpusWindow, Split, WindowChoice
from harness.words.errors import MissingSourceError
from harness.words.study import ModelPin

LONGEST_PIECE = 16
"""Characters of a document per token that it is asked for: hardly a text has longer pieces in the mean."""

DOCUMENTS_AT_ONCE = 64
"""Documents that are read together."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Window:
    """One window of a document, before its place in the corpus is known; millions of them are held."""

    document: int
    token_ids: NDArray[np.int32]


@stage(on="processor")
def corpus(
    *,
    out: Path,
    texts: tuple[CorpusText, ...],
    tokenizer: ModelPin,
    choice: WindowChoice,
    seed: int,
) -> None:
    """Windows of both languages, in one seeded order.

    All languages in one artifact, since only together can each bring as many windows as the others; the order is that in which
    every later stage reads them, so that "the first" windows are a sample of both. The models of a study share the tokenizer.

    Raises:
        MissingSourceError: If a language has no window.
    """
    reader = load_text_reader(tokenizer)
    cut = {text.language: list(_windows(reader, text, choice)) for text in texts}
    if empty := [language for language, windows in cut.items() if not windows]:
        raise MissingSourceError(
            f"the corpus of {', '.join(empty)} has no document of {choice.tokens} tokens; name other files, or shorter windows, in "
            "the study's profile, below claims/"
        )
    count = min(map(len, cut.values()))
    joined = [(language, window) for language, windows in cut.items() for window in windows[:count]]
    order = np.random.default_rng(np.random.SeedSequence([seed, len(joined)])).permutation(len(joined))
    splits = _splits(len(joined), choice)
    write_table(
        out,
        CorpusWindow,
        (
            CorpusWindow(
                text_id=text_id,
                language=language,
                split=splits[text_id],
                document=window.document,
                token_ids=tuple(window.token_ids.tolist()),
            )
            for text_id, (language, window) in enumerate(joined[place] for place in order)
        ),
    )
    counts = Counter((joined[place][0], split) for place, split in zip(order, splits, strict=True))
    write_table(
        out,
        CorpusSize,
        (
            CorpusSize(
                language=language,
                split=split,
                windows=counts[language, split],
                tokens=counts[language, split] * choice.tokens,
                documents_read=1 + windows[-1].document,
            )
            for language, windows in cut.items()
            for split in Split
        ),
    )


def _splits(windows: int, choice: WindowChoice) -> list[Split]:
    """What each window is for, by its place in the order."""
    trained = round(choice.train_fraction * windows)
    held_out = round((choice.train_fraction + choice.validation_fraction) * windows)
    return [
        *[Split.TRAIN] * trained, *[Split.VALIDATION] * (held_out - trained), *[Split.TEST] * (windows - held_out),
    ]  # fmt: skip


def _windows(reader: TextReader, text: CorpusText, choice: WindowChoice) -> Iterator[Window]:
    """The windows of one language, at most as many as are asked for."""
    return islice(_all_windows(reader, text, choice), choice.per_language)


def _all_windows(reader: TextReader, text: CorpusText, choice: WindowChoice) -> Iterator[Window]:
    front, per_document = len(reader.front_ids), choice.per_document
    longest = None if per_document is None else per_document * choice.tokens * LONGEST_PIECE
    numbered = enumerate(documents(text.pin, text.files))
    while some := list(islice(numbered, DOCUMENTS_AT_ONCE)):
        ids = reader.token_ids([document[:longest] for _, document in some])
        for (number, _), row in zip(some, ids, strict=True):
            body = np.asarray(row[front:], dtype=np.int32)
            for window in range(len(body) // choice.tokens)[:per_document]:
                start = window * choice.tokens
                # A copy: a slice would hold the whole of a document that may be a book.
                yield Window(document=number, token_ids=body[start : start + choice.tokens].copy())


def windows_of(corpus: Path, split: Split) -> Iterator[CorpusWindow]:
    """The windows of one split in their order, without ever holding more than some of them."""
    names = [field.name for field in fields(CorpusWindow)]
    for cells in stream_rows(corpus, CorpusWindow):
        row = dict(zip(names, cells, strict=True))
        if row["split"] == split:
            yield CorpusWindow(**row | {"token_ids": tuple(row["token_ids"])})  # type: ignore[arg-type]
