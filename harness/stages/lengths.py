"""Lengths of texts and their translations held against each other: which pairs do not go together."""

from collections.abc import Sequence
from statistics import median

VARIANCE_PER_CHARACTER = 6.8
"""Variance of a translation's length in characters, for each character of its source.

Source: Gale and Church, "A program for aligning sentences in bilingual corpora", Computational Linguistics 19 (1993).
"""

MAX_DEVIATIONS = 3.0
"""Standard deviations beyond which a length is odd: three in a thousand good translations, were lengths normal."""


def num_characters(text: str) -> int:
    """Length of a text in code points, white space out."""
    return sum(map(len, text.split()))


def usual_ratio(pairs: Sequence[tuple[str, str]]) -> float:
    """Median of target length over source length among pairs that have both sides; 1 where there are none.

    Scripts differ severalfold in how much a character says, so every language tells by its own translations what is
    usual. What is wrong with most of them is therefore not seen by their lengths.
    """
    lengths = [(num_characters(source), num_characters(target)) for source, target in pairs]
    ratios = [target / source for source, target in lengths if source and target]
    return median(ratios) if ratios else 1.0


def is_odd_length(source: str, target: str, ratio: float) -> bool:
    """True when a translation is far longer or far shorter than its source lets one expect.

    The difference of the lengths is measured against its own spread, which grows with the root of the length. So a
    short text may have three times the usual length, and a long one may not. Length is the mean of both sides, so that
    too long and too short are treated alike.

    Args:
        source: The text that was translated.
        target: Its translation.
        ratio: Target characters for each source character in this language.
    """
    length, scaled = num_characters(source), num_characters(target) / ratio
    variance = VARIANCE_PER_CHARACTER * (length + scaled) / 2
    return abs(scaled - length) > MAX_DEVIATIONS * float(variance**0.5)
