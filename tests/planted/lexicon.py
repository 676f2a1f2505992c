"""Words of the planted world: five tongues, one word for each meaning, cut into pieces in a way a pencil can follow.

A word of a tongue is one to three syllables joined by hyphens; every syllable, and every full stop, is one token.
A word at the beginning of a text is another token than the same word within it, as in Gemma's vocabulary.
"""

import re
from collections.abc import Sequence

import numpy as np

MARK = "▁"
STOP = "."
PIECE = re.compile(rf"{MARK}?[^{MARK}.\-]+|[.]|-[^{MARK}.\-]+")
"""How a text falls into pieces, after spaces have become marks."""

CODES = ("en", "es", "it", "hi", "ml")
TARGETS = CODES[1:]
ALPHABETS = {"en": 0x61, "es": 0x61, "it": 0x61, "pt": 0x61, "hi": 0x0915, "ml": 0x0D15}
SYLLABLES = {"en": 1, "es": 1, "it": 2, "pt": 2, "hi": 2, "ml": 3}
"""Syllables of a word, so that token counts differ by language."""

NUM_MEANINGS = 22
NAMES = ("zorn", "quil")
"""Words that every translator copies."""
HUSH = "hush"
"""A word that Malayalam has no word for, so that its translation is empty, and Hindi a very long one."""
THUNDER = f"{MARK}\u0433\u0440\u043e\u043c"
"""A word of a tongue that nobody studies; latents that fire on it fire far stronger than on any English word."""

Words = tuple[str, ...]


def _letters(alphabet: int, rng: np.random.Generator) -> str:
    """Four letters, as in "bake", of an alphabet that starts at a code point."""
    return "".join(chr(alphabet + int(n)) for n in rng.integers(0, 24, 4))


def _spoken(code: str) -> Words:
    rng = np.random.default_rng([7, *code.encode()])
    words: dict[str, None] = {}
    while len(words) < NUM_MEANINGS:
        word = "-".join(_letters(ALPHABETS[code], rng) for _ in range(SYLLABLES[code]))
        words[word] = None
    return tuple(words)


SPOKEN = {code: _spoken(code) for code in ALPHABETS}
"""The word for each meaning."""

ENGLISH = (*SPOKEN["en"], *NAMES, HUSH)


def word_in(code: str, english: str) -> str:
    """The word of a language; empty where it has none."""
    if code == "en" or english in NAMES:
        return english
    if english == HUSH:
        return {"ml": "", "hi": _rambling(SPOKEN["hi"])}.get(code, english)
    return SPOKEN[code][SPOKEN["en"].index(english)]


def _rambling(words: Words) -> str:
    """A word of the last syllables of all words, each of which the vocabulary has."""
    return "-".join((words[0], *(word.rpartition("-")[2] for word in words[1:])))


def text_in(code: str, phrase: Words) -> str:
    """A phrase as a translator should say it: word for word, with a full stop; empty where any word has none."""
    words = [word_in(code, word) for word in phrase]
    return " ".join(words) + STOP if all(words) else ""


def pieces_of(text: str) -> list[str]:
    """The tokens of a text, BOS out."""
    return PIECE.findall(text.replace(" ", MARK))


def all_pieces() -> dict[str, str]:
    """Every token of every language, with the language it belongs to; full stops belong to none."""
    found = {STOP: ""}
    for code in CODES:
        for word in ENGLISH:
            for text in (word_in(code, word), f" {word_in(code, word)}"):
                found |= {piece: found.get(piece, code) for piece in pieces_of(text) if piece}
    return found


def phrases() -> tuple[Words, ...]:
    """What the world's documents say: three to six words each, and three sentences that translators stumble over."""
    rng = np.random.default_rng(11)
    spoken = [tuple(rng.choice(SPOKEN["en"], size=int(rng.integers(3, 7))).tolist()) for _ in range(30)]
    return (*dict.fromkeys(spoken), NAMES, (SPOKEN["en"][0],) * 6, (HUSH,))


def sentence(phrase: Words) -> str:
    """A phrase as its document spells it."""
    return " ".join(phrase) + STOP


def windows() -> list[list[str]]:
    """Stored token windows: one sentence, two, the end of one document and the beginning of the next; one is foreign."""
    spoken = phrases()
    rows = [[THUNDER] * 3]
    for place, phrase in enumerate(spoken):
        following = spoken[(place + 1) % len(spoken)]
        rows.append(pieces_of(sentence(phrase)))
        if place % 3 == 0:
            rows.append(pieces_of(f"{sentence(phrase)} {sentence(following)}"))
        if place % 5 == 0:
            rows.append([*pieces_of(sentence(phrase)), "<bos>", *pieces_of(sentence(following))])
    return rows


def sentence_around(pieces: Sequence[str], place: int) -> str:
    """The sentence of a window in which a token stands."""
    start = max((n + 1 for n in range(place) if pieces[n] == STOP), default=0)
    stop = next(n + 1 for n in range(place, len(pieces)) if pieces[n] == STOP)
    return "".join(pieces[start:stop]).replace(MARK, " ").strip()
