"""Of which language a latent is: by the script of a token, by the examples of a latent, and as shares of a dictionary."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.words.dictionaries import BILINGUAL, DEAD, UNLABELLED, ClassChoice

LATIN = re.compile(r"""[A-Za-z\s"'(),.\-]+""")
"""What a token consists of that counts as the language with Latin letters; letters with accents are not among them."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """One class among the labelled latents of a dictionary."""

    latents: int
    share: float
    """Of the labelled latents, in points; 0 where there is none."""
    activity_share: float
    """Of their squared activations, in points; 0 where there is none."""


def script_language(pieces: Sequence[str], position: int, languages: tuple[str, str]) -> str:
    """The language of one token of a window by its script; empty where the window has nothing but digits.

    The first language has tokens of Latin letters, blanks and a few marks; a token of digits alone goes with the one before it,
    which for the first of a window is its last; every other token, one of blanks alone among them, is of the second.

    Args:
        pieces: The window's tokens as text, with real spaces.
        position: The token that is asked about.
        languages: The one that is written in Latin letters, and the other one.

    Source: arXiv 2503.06394, the authors' code of March 2025.
    """
    first, second = languages
    for back in range(len(pieces)):
        text = pieces[position - back].strip()
        if not text.isdigit():
            return first if LATIN.fullmatch(text) else second
    return ""


def label_of(counts: tuple[int, int], languages: tuple[str, str], choice: ClassChoice, *, fires: bool) -> str:
    """The class of a latent by how many of its examples are of each language.

    Source: arXiv 2503.06394, the authors' code of March 2025.
    """
    if not fires:
        return DEAD
    if (total := sum(counts)) < max(1, choice.min_examples):
        return UNLABELLED
    for language, count in zip(languages, counts, strict=True):
        # As a share, so that nine of ten are not more than nine tenths.
        if count / total > choice.threshold:
            return language
    return BILINGUAL


def class_counts(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    fires: NDArray[np.bool_],
    languages: tuple[str, str],
    choice: ClassChoice,
) -> Mapping[str, int]:
    """How many of some latents are of each class, as `label_of` tells each, but for dead and unlabelled ones.

    Args:
        first: Examples of the first language, [latent].
        second: Examples of the second language, [latent].
        fires: Which latents fire at all, [latent].
        languages: Codes of both.
        choice: When a latent is of one language.
    """
    total = first + second
    labelled = fires & (total >= max(1, choice.min_examples))
    taken = [labelled & (count / np.maximum(total, 1) > choice.threshold) for count in (first, second)]
    # A threshold below one half may be passed by both: the first language has such a latent.
    taken[1] &= ~taken[0]
    counts = [int(each.sum()) for each in (*taken, labelled)]
    return {**dict(zip(languages, counts, strict=False)), BILINGUAL: counts[2] - counts[0] - counts[1]}


def class_shares(
    labels: Sequence[str], squares: Sequence[float], languages: tuple[str, str]
) -> Mapping[str, Share]:
    """What part of the labelled latents each class is, by number and by squared activation.

    Dead and unlabelled latents are in no denominator: "dead" is not "bilingual".
    """
    counts = dict.fromkeys((*languages, BILINGUAL), 0)
    energies = dict.fromkeys(counts, 0.0)
    for label, square in zip(labels, squares, strict=True):
        if label in counts:
            counts[label] += 1
            energies[label] += square
    latents, energy = sum(counts.values()), sum(energies.values())
    return {
        label: Share(
            latents=count,
            share=100 * count / latents if latents else 0.0,
            activity_share=100 * energies[label] / energy if energy else 0.0,
        )
        for label, count in counts.items()
    }
