"""Words of the planted world: five tongues, one word for each meaning, cut into pieces in a way a pencil can follow.

A word of a tongue is one to three syllables joined by hyphens; every syllable, and every full stop, is one token.
A word at the beginning of a text is another token than the same word within it, as in Gemma's vocabulary.
Of three English words the Hindi translator is unsure; what it says of them depends on how its beams are searched.
"""

import math
import re
from collections.abc import Mapping, Sequence

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
ARTICLE = "the"
COPIED = (*NAMES, ARTICLE)
"""Words that every translator copies."""
HUSH = "hush"
"""A word that Malayalam has no word for, so that its translation is empty, and Hindi a very long one."""
FORK, HAZE, MIST = "fork", "haze", "mist"
"""Words that Hindi is unsure of: a text may end at a fork, and haze and mist may be any of eight words and of two.

Three beams find that the text had best end at a fork before haze, whose every word is unlikely, and not before mist. Two
never see the end at a fork, since two words are likelier there; where length costs, it is best before either.
"""
LETTERS = ("A", "B", "C", "D")
"""What multiple-choice questions are answered with, in every language."""
LONG = 52
"""Words of the longest phrase, every fourth of them an article: it has more tokens than the window of a layer."""
AWKWARD = 10
"""So many phrases, the last of all, are those that translators stumble over."""
PHRASES_DRAW = 42
"""A draw under which each of them speaks for some latent."""
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

ENGLISH = (*SPOKEN["en"], *COPIED, HUSH, FORK, HAZE, MIST)


def _nearly_alike(words: Words) -> Mapping[str, float]:
    """About the same for each, and a little more for those in front."""
    shares = 1.05 ** -np.arange(len(words))
    return dict(zip(words, (shares / shares.sum()).tolist(), strict=True))


UNSURE: Mapping[str, Mapping[str, float]] = {
    FORK: {SPOKEN["hi"][0]: 0.40, SPOKEN["hi"][1]: 0.32, "": 0.28},
    HAZE: _nearly_alike(SPOKEN["hi"][2:10]),
    MIST: _nearly_alike(SPOKEN["hi"][10:12]),
}


def word_in(code: str, english: str) -> str:
    """The likeliest word of a language; empty where it has none."""
    odds = odds_in(code, english)
    return max(odds, key=odds.__getitem__)


def odds_in(code: str, english: str) -> Mapping[str, float]:
    """How likely a translator is to say each word of a language; the empty word ends the text."""
    if code == "en" or english in COPIED:
        return {english: 1.0}
    if english in UNSURE:
        return UNSURE[english] if code == "hi" else {english: 1.0}
    if english == HUSH:
        return {{"ml": "", "hi": _rambling(SPOKEN["hi"])}.get(code, english): 1.0}
    return {SPOKEN[code][SPOKEN["en"].index(english)]: 1.0}


def _rambling(words: Words) -> str:
    """A word of the last syllables of all words, each of which the vocabulary has."""
    return "-".join((words[0], *(word.rpartition("-")[2] for word in words[1:])))


def text_in(code: str, phrase: Words) -> str:
    """A phrase as a translator should say it: word for word, with a full stop; empty where its only word has none.

    Of all texts that it may say, it is the one whose tokens, the end among them, are the likeliest on average.
    """
    said: list[str] = []
    total, ends = 0.0, []
    for word in phrase:
        odds = odds_in(code, word)
        if "" in odds:
            ends.append(((total + math.log(odds[""])) / (len(said) + 1), " ".join(said)))
        said.append(word_in(code, word))
        total += math.log(odds[said[-1]])
    if all(said):
        ends.append((total / (len(said) + 2), " ".join(said) + STOP))
    return max(ends)[1]


def pieces_of(text: str) -> list[str]:
    """The tokens of a text, BOS out."""
    return PIECE.findall(text.replace(" ", MARK))


def all_pieces() -> dict[str, str]:
    """Every token of every language, with the language it belongs to; full stops and letters belong to none."""
    found = {STOP: "", **{f"{MARK}{letter}": "" for letter in LETTERS}}
    for code in CODES:
        for word in ENGLISH:
            for text in (word_in(code, word), f" {word_in(code, word)}"):
                found |= {piece: found.get(piece, code) for piece in pieces_of(text) if piece}
    return found


def phrases() -> tuple[Words, ...]:
    """What the world's documents say: three to six words each, and sentences that translators stumble over."""
    rng = np.random.default_rng(PHRASES_DRAW)

    def drawn(size: int) -> Words:
        return tuple(rng.choice(SPOKEN["en"], size=size).tolist())

    spoken = [drawn(int(rng.integers(3, 7))) for _ in range(30)]
    sure = SPOKEN["en"][2:]
    unsure = [(*rng.choice(sure, size=3).tolist(), FORK, word) for word in (HAZE, MIST) for _ in range(3)]
    long = tuple(word for _ in range(LONG // 4) for word in (ARTICLE, *drawn(3)))
    return (*dict.fromkeys(spoken), NAMES, (SPOKEN["en"][0],) * 6, (HUSH,), *unsure, long)


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
