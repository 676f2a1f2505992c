"""Who says what about the paper, and where they contradict each other: the abstract in its own words, everybody else in ours."""

from harness.words.claim import Sentence, Source, SourceTier
from harness.words.judgement import Conflict

ABSTRACT = "abstract"
NEWS = "news-style summary"
"""Reads "gap" against high-resource languages; the only one with ARC-Challenge +5.47."""
STRUCTURED = "structured summary"
"""The only one with layers, the loss, Marathi, and the changes of 0.16, 1.62 and -0.22."""
FEED = "paper feed summary"
"""Reads "gap" against English, and "retention" as performance."""
NOTES = "third-party notes"
"""The only ones with a correlation, and with the width of the dictionaries."""

SOURCES = (
    Source(
        name=ABSTRACT,
        tier=SourceTier.ABSTRACT,
        kind="the paper's own abstract, as a listing site copies it (the copies of three other sites read alike; in ours of the "
        "arXiv page the numbers are lost)",
        address="https://arxivlens.com/PaperView/Details/"
        "uncovering-cross-linguistic-disparities-in-llms-using-sparse-autoencoders-215-8076d8c5",
        read="2026-11-19",
        sha256="ca988b6b19886daafcf580186a9e2ed0e71009d615471fce493343e722621c15",
    ),
    Source(
        name=NEWS,
        tier=SourceTier.SUMMARY,
        kind="a summary in the style of news, probably written by a machine",
        address="https://blogs.edgentiq.com/?p=36806",
        read="2026-11-19",
        sha256="3a166d909a7bbfc50c27f4e63b3f2b405c49df70966597a63afb50f5cb44ef33",
    ),
    Source(
        name=STRUCTURED,
        tier=SourceTier.SUMMARY,
        kind="a structured summary, written by a machine",
        address="",
        read="2026-11-19",
        sha256="18f11dd6b141d7ce736f7920e6ba2ef4239487a2b220d8d25bf9da63a586b40a",
    ),
    Source(
        name=FEED,
        tier=SourceTier.SUMMARY,
        kind="a summary in a feed of papers, written by a machine",
        address="https://www.scholarfeed.org/paper/2507.18918v1",
        read="2026-11-29",
    ),
    Source(
        name=NOTES,
        tier=SourceTier.SUMMARY,
        kind="notes on the literature in a file of another project",
        address="",
        read="2026-11-29",
    ),
)
"""Every text that a claim names; who says more of where a text stands than is said here, guesses."""


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

_CONFLICTS = {
    "K1": (
        "The gap is relative to high-resource languages in two summaries, to English in a third; the abstract names no base.",
        "two readings of every claim on the gap, high-resource languages first",
    ),
    "K2": (
        "One summary puts the gaps at layers 6 and 25 exactly; the others, and the abstract, say early and deeper layers.",
        "values at the named layers; place and region are claims of their own",
    ),
    "K3": (
        "One summary reports a correlation, third-party notes print r = -0.95, another summary lists it as still to be done.",
        "the sign is judged per benchmark; the number stands beside the mean score, exploratory and unverified",
    ),
    "K4": (
        "A gain of 87.69 percent is an increase in one summary, and has no formula anywhere.",
        "change relative to before is the one supported reading; share of gap closed is measured as a variant",
    ),
    "K5": (
        "English retention of about 91 percent is of activations in the abstract's context, of performance in a summary.",
        "two readings of the value; the floor of 90 belongs to performance",
    ),
    "K6": (
        "Malayalam ARC-Challenge changes by +5.47 in one summary and by +0.16 in another; points or percent is not said.",
        "both numbers are targets, in points and in percent; arithmetic tells which can occur at all",
    ),
    "K7": (
        "Gains are consistent in the abstract; a summary prints a drop on MMLU, and another calls them uneven.",
        "consistency is judged over all tuned languages and benchmarks; the printed numbers are held against the word",
    ),
    "K8": (
        "Alignment is a key factor in the abstract, no complete solution in one summary, of low confidence in another.",
        "a causal reading without a measure: not testable",
    ),
    "K9": (
        "Layer 20 and all layers below are tuned, or layers 0 to 20, or the loss stands at layer 20 alone.",
        "loss and adapters on layers 0 to 20; layer 20 alone is an alternative in the grid",
    ),
    "K10": (
        "Ten languages everywhere, but one list reads as if English came on top of nine.",
        "nine languages and English, which is the reference and no member of a group",
    ),
    "K11": (
        "Malayalam and Hindi are tuned in the abstract, Marathi as well in one summary; Indonesian and Catalan are not named.",
        "adapters for the three that have a printed gain, one for each language",
    ),
    "K12": (
        "Two sites give two dates of a last update; only the first version of the paper was seen.",
        "touches no number: metadata of sites, and no sign of a second version",
    ),
    "K13": (
        "A research plan says that tuning raises performance while English holds; the printed changes say less.",
        "no source of a target; changes, consistency and English stability are judged by themselves",
    ),
}
"""What contradicts what, and what is made of it."""

CONFLICTS = tuple(
    Conflict(id=name, says=says, treated=treated) for name, (says, treated) in _CONFLICTS.items()
)
"""Every conflict between sources of the paper; some touch no number."""
