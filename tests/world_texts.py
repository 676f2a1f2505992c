"""Texts of the tiny world: English from a small grammar, and the same sentences in made-up tongues.

A made-up tongue spells English with the letters of the real language's script, so texts are aligned over
languages, script checks have something to see, and no corpus with a licence is needed.
"""

import random
from itertools import cycle, islice

ADJECTIVES = ("quiet", "old", "narrow", "bright", "small", "distant", "cold", "green")
NOUNS = (
    "harbour",
    "mountain",
    "river",
    "teacher",
    "garden",
    "market",
    "engine",
    "letter",
    "window",
    "island",
)
VERBS = ("is near", "was seen from", "belongs to", "stands behind", "looks like", "was built for")
TIMES = (
    "in the morning",
    "after the rain",
    "with all of the others",
    "for a long time",
    "and that is well known",
)

FOREIGN = (
    "El puerto antiguo se encuentra cerca de la montaña y no se ve desde el mercado.",
    "La ventana del jardín es pequeña pero la luz que entra por ella es muy clara.",
    "Старая гавань находится около реки, и её видно из окна дома.",
    "നദിയുടെ അടുത്തുള്ള പഴയ തുറമുഖം രാവിലെ വളരെ ശാന്തമാണ്.",
)
"""Real sentences that are not English, for the rows that an English filter must drop."""

SCRIPT_STARTS = {"ru": 0x0430, "hi": 0x0915, "mr": 0x0917, "ml": 0x0D15, "zh": 0x4E00}
"""First code point of each alphabet that is not Latin."""


def english_sentence(rng: random.Random) -> str:
    """One sentence of the grammar, about ten words."""
    first, second = rng.sample(NOUNS, 2)
    middle = f"{rng.choice(VERBS)} the {rng.choice(ADJECTIVES)} {second}"
    return f"The {rng.choice(ADJECTIVES)} {first} {middle} {rng.choice(TIMES)}."


def english_sentences(count: int, seed: int) -> list[str]:
    """Distinct sentences, the same for the same seed."""
    rng = random.Random(seed)
    sentences: dict[str, None] = {}
    while len(sentences) < count:
        sentences[english_sentence(rng)] = None
    return list(sentences)


def in_language(text: str, language: str) -> str:
    """The text as the made-up tongue of a language spells it; English stays as it is."""
    if language == "en":
        return text
    start = SCRIPT_STARTS.get(language)
    shift = sum(map(ord, language)) % 25 + 1
    letters = "".join(chr(start + n) if start else chr(97 + (n + shift) % 26) for n in range(26))
    return text.lower().translate({97 + n: letter for n, letter in enumerate(letters)})


def documents(seed: int) -> list[str]:
    """Long English documents with paragraphs, and every fifth one in another language."""
    sentences = english_sentences(400, seed)
    english = [_paragraphs(sentences[start : start + 25]) for start in range(0, 400, 25)]
    foreign = [_paragraphs(list(islice(cycle([text]), 6))) for text in FOREIGN]
    mixed = []
    for number, document in enumerate(english):
        mixed += [document, foreign[number // 4]] if number % 4 == 3 else [document]
    return mixed


def _paragraphs(sentences: list[str]) -> str:
    return "\n\n".join(" ".join(sentences[start : start + 5]) for start in range(0, len(sentences), 5))
