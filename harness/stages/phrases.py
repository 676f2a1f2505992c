"""The phrases stage: from stored activation rows to English phrases, each speaking for some (layer, latent)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np

from harness.models.params import num_latents
from harness.sources.neuronpedia import UNREADABLE, StoredRow, listed_latents, stored_rows, text_of
from harness.sources.pins import locate
from harness.stages.english import looks_english
from harness.stages.stage import stage
from harness.store.tables import write_table
from harness.words.records import Coverage, PanelLatent, Selection, Text
from harness.words.study import GEMMA_2, ModelFacts, PhraseChoice, PhraseCut, Pieces, Pin, layers_read

SENTENCE_END = re.compile(r"\n|[.!?](?![.!?]|[^\W_])")
"""Where a sentence ends: at a line break, and at the last of some marks, unless a letter or a digit follows at once."""

ABBREVIATIONS = frozenset(
    {"mr.", "mrs.", "ms.", "dr.", "st.", "no.", "vs.", "e.g.", "i.e.", "etc.", "fig.", "approx."}
)
"""Words whose full stop ends no sentence."""

ROUNDING = 5e-4
"""Stored values are rounded to three decimals; a row on the very edge counts."""


class Draw(IntEnum):
    """What is drawn; each has a stream of its own."""

    LATENTS = 0
    HELD_OUT = 1
    PANEL = 2
    PHRASES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """A phrase cut from a stored row, with the peak that the row stored; small, since a layer has a million."""

    text: str
    stored_peak: float


@dataclass(kw_only=True)
class LayerRows:
    """The phrase of every usable row of one layer, by latent, with how many rows were dropped and why."""

    by_latent: dict[int, list[Phrase]] = field(default_factory=lambda: defaultdict(list))
    maxima: dict[int, float] = field(default_factory=dict)
    """By latent: its largest activation over all rows but those that peak on what stands in front, whatever else is wrong with them."""
    read: int = 0
    peaked_on_bos: int = 0
    across_documents: int = 0
    unreadable: int = 0
    peaked_on_blank: int = 0
    not_english: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerPhrases:
    """Every latent of a layer that has enough phrases, with those phrases, strongest first."""

    eligible: Mapping[int, tuple[Phrase, ...]]
    below_maximum: int
    duplicate: int


Drawn = Mapping[int, Mapping[int, Sequence[Phrase]]]
"""By layer and latent: the phrases that speak for it."""


@stage(on="processor")
def phrases(
    harvest: Path | None = None,
    *,
    out: Path,
    export: Pin,
    source_ids: tuple[str, ...],
    dictionaries: Pin,
    dictionary_files: tuple[str, ...],
    choice: PhraseChoice,
    latents_per_layer: int,
    phrases_per_latent: int | None,
    panel_latents: int,
    held_out_fraction: float,
    seed: int,
    facts: ModelFacts = GEMMA_2,
    dictionary_layers: tuple[int, ...] | None = None,
) -> None:
    """Phrases on which each latent peaks.

    Writes texts, selections, panel and coverage, all layers at once: texts are shared between them. Rows may be about the
    latents of the dictionaries alone, and these may be of some layers alone.
    """
    stored = harvest or locate(export)
    drawn: dict[int, dict[int, tuple[Phrase, ...]]] = {}
    coverage: list[Coverage] = []
    layers = layers_read(dictionary_layers, len(dictionary_files))
    for layer, source_id, file in zip(layers, source_ids, dictionary_files, strict=True):
        width = num_latents(dictionaries, file)
        rows = usable_rows(stored_rows(stored, source_id, width), choice.cut, facts)
        found = eligible_phrases(rows, choice)
        chosen = drawn_latents(sorted(found.eligible), latents_per_layer, layer, seed)
        if len(chosen) < panel_latents:
            raise ValueError(
                f"{source_id}: {len(found.eligible)} latents have {choice.min_examples} phrases or more, but the panel "
                f"needs {panel_latents}; ask for a smaller panel or fewer phrases per latent"
            )
        drawn[layer] = {
            latent: drawn_phrases(found.eligible[latent], phrases_per_latent, layer, latent, seed)
            for latent in chosen
        }
        listed = listed_latents(stored, source_id, width)
        coverage.append(_coverage(layer, rows, found, listed, len(chosen)))
    texts = numbered_texts(drawn, held_out_fraction, seed)
    write_table(out, Text, texts)
    write_table(out, Selection, selections(drawn, texts))
    write_table(out, PanelLatent, panel(drawn, panel_latents, seed))
    write_table(out, Coverage, coverage)


def usable_rows(rows: Iterable[StoredRow], cut: PhraseCut, facts: ModelFacts) -> LayerRows:
    """The phrases of rows by latent, without the rows whose peak or text cannot be trusted.

    Each row is cut to its phrase as it passes; only phrases are held, since the rows of a real layer are gigabytes.

    Dropped and counted by their first fault: rows that peak on what stands in front, rows that hold a mark of where a document
    begins or ends (they span two documents, or end before the window does), rows with bytes that are no UTF-8, rows that peak on white space, and rows that are not English. All but the first
    kind bound the latent's maximum: a latent that fires far stronger on code has no peak in the weak English rows.
    """
    usable, marks = LayerRows(), {*facts.document_marks}
    for row in rows:
        usable.read += 1
        if row.peak_token in facts.front:
            usable.peaked_on_bos += 1
            continue
        peak = max(row.values)
        usable.maxima[row.latent] = max(peak, usable.maxima.get(row.latent, peak))
        if not marks.isdisjoint(row.tokens):
            usable.across_documents += 1
        elif UNREADABLE in (window := text_of(row.tokens, facts.pieces)):
            usable.unreadable += 1
        elif not text_of((row.peak_token,), facts.pieces).strip():
            usable.peaked_on_blank += 1
        elif not looks_english(window):
            usable.not_english += 1
        else:
            phrase = Phrase(text=phrase_around_peak(row, cut, facts.pieces), stored_peak=peak)
            usable.by_latent[row.latent].append(phrase)
    return usable


def eligible_phrases(rows: LayerRows, choice: PhraseChoice) -> LayerPhrases:
    """Latents with enough distinct phrases that reach the asked share of the latent's maximum.

    The maximum is that of the rows and not the export's `maxActApprox`, which may come from a row that peaks on what stands in front.
    """
    eligible: dict[int, tuple[Phrase, ...]] = {}
    below = duplicate = 0
    for latent, phrases in rows.by_latent.items():
        maximum = rows.maxima[latent]
        bar = choice.min_fraction_of_maximum * maximum - ROUNDING
        strong = [phrase for phrase in phrases if maximum > 0 and phrase.stored_peak >= bar]
        distinct = _distinct(strong)
        below += len(phrases) - len(strong)
        duplicate += len(strong) - len(distinct)
        if len(distinct) >= choice.min_examples:
            eligible[latent] = distinct[: choice.max_examples]
    return LayerPhrases(eligible=eligible, below_maximum=below, duplicate=duplicate)


def phrase_around_peak(row: StoredRow, cut: PhraseCut, pieces: Pieces) -> str:
    """The sentence that holds the strongest token, or the whole window; the token must not be white space.

    A sentence is cut in the text and not between pieces, so that it is the same whichever vocabulary spelled it.
    """
    text = text_of(row.tokens, pieces)
    if cut is PhraseCut.WINDOW:
        return text.strip()
    # Where the peak begins: bytes of its first character may stand before it, and its blanks belong to no sentence.
    peak = len(text_of(row.tokens[: row.peak], pieces).rstrip(UNREADABLE))
    peak += len(text[peak:]) - len(text[peak:].lstrip())
    ends = [found.end() for found in SENTENCE_END.finditer(text) if not _is_abbreviation(text[: found.end()])]
    start = max((end for end in ends if end <= peak), default=0)
    stop = min((end for end in ends if end > peak), default=len(text))
    return text[start:stop].strip()


def drawn_latents(eligible: Sequence[int], count: int, layer: int, seed: int) -> list[int]:
    """A seeded sample of latents, in ascending order; each layer has a stream of its own."""
    order = _stream(Draw.LATENTS, seed, layer).permutation(np.asarray(eligible, dtype=np.int64))
    return sorted(order[:count].tolist())


def drawn_phrases(
    eligible: Sequence[Phrase], count: int | None, layer: int, latent: int, seed: int
) -> tuple[Phrase, ...]:
    """A seeded sample of a latent's phrases, strongest first; each latent has a stream of its own, and None takes all."""
    if count is None:
        return tuple(eligible)
    order = _stream(Draw.PHRASES, seed, layer, latent).permutation(len(eligible))
    return tuple(eligible[place] for place in sorted(order[:count].tolist()))


def numbered_texts(drawn: Drawn, held_out_fraction: float, seed: int) -> list[Text]:
    """Every distinct phrase once, in alphabetical order, with a seeded share held out from training."""
    texts = sorted(
        {phrase.text for layer in drawn.values() for phrases in layer.values() for phrase in phrases}
    )
    order = _stream(Draw.HELD_OUT, seed).permutation(len(texts))
    held_out = set(order[: round(held_out_fraction * len(texts))].tolist())
    return [Text(text_id=index, text=text, held_out=index in held_out) for index, text in enumerate(texts)]


def selections(drawn: Drawn, texts: Sequence[Text]) -> list[Selection]:
    """Which text speaks for which latent, by layer, latent and stored peak."""
    text_ids = {text.text: text.text_id for text in texts}
    return [
        Selection(layer=layer, latent=latent, text_id=text_ids[phrase.text], stored_peak=phrase.stored_peak)
        for layer, latents in drawn.items()
        for latent, phrases in sorted(latents.items())
        for phrase in phrases
    ]


def panel(drawn: Drawn, size: int, seed: int) -> list[PanelLatent]:
    """A seeded sample of each layer's drawn latents, in ascending order."""
    return [
        PanelLatent(layer=layer, position=position, latent=latent)
        for layer, latents in drawn.items()
        for position, latent in enumerate(_panel_of_layer(sorted(latents), size, layer, seed))
    ]


def _panel_of_layer(latents: Sequence[int], size: int, layer: int, seed: int) -> list[int]:
    order = _stream(Draw.PANEL, seed, layer).permutation(np.asarray(latents, dtype=np.int64))
    return sorted(order[:size].tolist())


def _stream(draw: Draw, seed: int, layer: int = 0, *latent: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, draw, layer, *latent]))


def _distinct(phrases: Sequence[Phrase]) -> tuple[Phrase, ...]:
    strongest: dict[str, Phrase] = {}
    for phrase in sorted(phrases, key=lambda phrase: (-phrase.stored_peak, phrase.text)):
        strongest.setdefault(phrase.text, phrase)
    return tuple(strongest.values())


def _is_abbreviation(text: str) -> bool:
    """Whether a text ends with a word whose full stop ends no sentence."""
    return not text[-1].isspace() and text.rsplit(maxsplit=1)[-1].casefold() in ABBREVIATIONS


def _coverage(
    layer: int, rows: LayerRows, found: LayerPhrases, listed: frozenset[int], num_drawn: int
) -> Coverage:
    return Coverage(
        layer=layer,
        rows_read=rows.read,
        rows_peaked_on_bos=rows.peaked_on_bos,
        rows_across_documents=rows.across_documents,
        rows_unreadable=rows.unreadable,
        rows_peaked_on_blank=rows.peaked_on_blank,
        rows_not_english=rows.not_english,
        rows_below_maximum=found.below_maximum,
        rows_duplicate=found.duplicate,
        latents_listed=len(listed),
        latents_without_rows=len(listed - rows.by_latent.keys()),
        latents_seen=len(rows.by_latent),
        latents_eligible=len(found.eligible),
        latents_drawn=num_drawn,
    )
