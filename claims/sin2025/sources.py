"""Who says what about the paper, and where: the abstract in its own words, everybody else in ours."""

from harness.words.claim import Sentence, SourceTier

ABSTRACT = "abstract"
NEWS = "news-style summary"
"""Reads "gap" against high-resource languages; the only one with ARC-Challenge +5.47."""
STRUCTURED = "structured summary"
"""The only one with layers, the loss, Marathi, and the changes of 0.16, 1.62 and -0.22."""
FEED = "paper feed summary"
"""Reads "gap" against English, and "retention" as performance."""
NOTES = "third-party notes"
"""The only ones with a correlation, and with the width of the dictionaries."""

HIGH, ENGLISH = "the high-resource languages", "English"
"""What a gap may be relative to (K1)."""


def abstract(quote: str, sense: str = "") -> Sentence:
    """A sentence of the abstract, word for word."""
    return Sentence(source=ABSTRACT, tier=SourceTier.ABSTRACT, where="abstract", quote=quote, sense=sense)


def summary(source: str, sense: str, where: str = "summary of the paper") -> Sentence:
    """A sentence of a summary, in our words: what others wrote is not quoted as the paper's."""
    return Sentence(source=source, tier=SourceTier.SUMMARY, where=where, sense=sense)


UNDERPERFORM = abstract(
    "medium to low resource languages underperform on common benchmarks such as ARC-Challenge, MMLU, and HellaSwag"
)
SYSTEMATIC = abstract("we reveal systematic disparities in activation patterns")
EARLY_GAP = abstract(
    "Medium to low resource languages receive up to 26.27 percent lower activations in early layers",
    "the structured summary pins the maximum to layer 6",
)
DEEP_GAP = abstract(
    "with a persistent gap of 19.89 percent in deeper layers", "the structured summary pins it to layer 25"
)
GAINS = abstract(
    "leading to substantial activation gains, such as 87.69 percent for Malayalam and 86.32 percent for Hindi"
)
RETENTION = abstract("while maintaining English retention at approximately 91 percent")
IMPROVEMENTS = abstract("After fine-tuning, benchmark results show modest but consistent improvements")
KEY_FACTOR = abstract(
    "highlighting activation alignment as a key factor in enhancing multilingual LLM performance"
)
