"""Who says what about the paper, and where they contradict each other; all in our words, since no body of it could be read."""

from harness.words.claim import Sentence, Source, SourceTier
from harness.words.judgement import Conflict

ABSTRACT = "abstract"
FIRST = "abstract of the first version"
STRUCTURED = "structured summary"
"""The only one with the number of latents, k, and what is put into which model."""
REVIEW = "machine review"
"""Of the first version: the loss, and how latents and k were chosen."""
NOTES = "third-party notes"
"""The only ones with the list of sizes, and with what the paper does not say."""
CODE = "authors' code"
SAMPLE = "authors' released sample"
"""Of 100 latents a step at layer 12 of the 1.8b model, counted from 1: examples, languages and labels. No number of it is printed."""

READ = "2026-11-29"

SOURCES = (
    Source(
        name=ABSTRACT,
        tier=SourceTier.ABSTRACT,
        kind="the abstract of the second version, as a listing site copies it",
        address="https://arxiv.org/abs/2503.06394v2",
        read="2026-11-19",
        sha256="fb075303976610bf38783ee932978757060a3d707491b0dcda06a07d52ba0645",
    ),
    Source(
        name=FIRST,
        tier=SourceTier.ABSTRACT,
        kind="the abstract of the first version, which is another study under the same number",
        address="https://arxiv.org/abs/2503.06394v1",
        read=READ,
    ),
    Source(
        name=STRUCTURED,
        tier=SourceTier.SUMMARY,
        kind="a structured summary of the second version",
        address="https://www.sciencestack.ai/paper/2503.06394",
        read=READ,
    ),
    Source(
        name=REVIEW,
        tier=SourceTier.SUMMARY,
        kind="reviews of the first version, probably written by a machine",
        address="",
        read=READ,
    ),
    Source(
        name=NOTES,
        tier=SourceTier.SUMMARY,
        kind="notes on the literature in a file of another project, dated 2026-08-06",
        address="",
        read=READ,
    ),
    Source(
        name=CODE,
        tier=SourceTier.AUTHORS,
        kind="the authors' code at commits d9eb8c6 (first version) and ebc03ef (September 2025); it names no licence",
        address="https://github.com/llm-jp/llm-jp-sae",
        read=READ,
    ),
    Source(
        name=SAMPLE,
        tier=SourceTier.AUTHORS,
        kind="a demonstration beside the authors' code, docs/data at commit d9eb8c6; targets from it are computed by us",
        address="https://github.com/llm-jp/llm-jp-sae",
        read=READ,
    ),
)
"""Every text that a claim names."""


def abstract(sense: str) -> Sentence:
    """A sentence of the abstract, in our words."""
    return Sentence(source=ABSTRACT, tier=SourceTier.ABSTRACT, where="abstract", sense=sense)


def summary(source: str, sense: str) -> Sentence:
    """A sentence of a summary, in our words."""
    return Sentence(source=source, tier=SourceTier.SUMMARY, where="summary of the paper", sense=sense)


COMPUTED = "computed by us"
"""Stands wherever a number is shown that nobody has printed."""


def sample(sense: str) -> Sentence:
    """What the authors' sample gives, and who counted it."""
    return Sentence(
        source=SAMPLE,
        tier=SourceTier.AUTHORS,
        where="docs/data",
        sense=f"{sense}; {COMPUTED}, printed nowhere",
    )


APART = abstract("languages are first learned apart")
ALIGNED = abstract("only afterwards are they gradually aligned")
MIDDLE = abstract("the alignment is strongest in the middle layers")
LARGER = abstract("it is more pronounced in larger models")
INTEGRATED = abstract(
    "what is bilingual in the finished model, put into one in the midst of its training, helps that one"
)
BEYOND = summary(STRUCTURED, "bilingual representations matter beyond what is of one language")
TOKENS_FIRST = Sentence(
    source=FIRST,
    tier=SourceTier.ABSTRACT,
    where="abstract",
    sense="token-level knowledge comes before concepts",
)
WIDER = summary(REVIEW, "more latents, and more of them at a token, lower the error; a balance was chosen")
PARTS = summary(STRUCTURED, "the stream is split into an English, a Japanese and a bilingual part")
PAIR = summary(NOTES, "results hold for the pair studied; others may differ")

_CONFLICTS = {
    "L1": (
        (
            "The first version has one model, one layer, six steps and asks for granularity; the second has "
            "sizes, layers, three parts of training and integration. Both are the same number at arXiv."
        ),
        "claims of the first version say so; none of its numbers decides a claim of the second",
    ),
    "L2": (
        "The code counts layers from 1, so that its layer 12 is number 11 from 0: half the depth of 24.",
        "layers are counted from 0 everywhere; half depth of the 1.8b model is layer 11",
    ),
    "L3": (
        (
            "The loss is squared error over variance in the first code, a plain squared error in a review, and "
            "summed over the width in the second code."
        ),
        "that of the first code, with which the released dictionaries were trained",
    ),
    "L4": (
        (
            "165 million tokens in windows of 64 of Wikipedia in the first code, 100 million in windows of 1,024 "
            "of an unnamed stream in the second."
        ),
        "windows of 64 of Wikipedia",
    ),
    "L5": (
        (
            "32,768 latents are stated; that is 16 times the width for one size alone, and 64 to 10.7 times for "
            "the others."
        ),
        "32,768 for all; every claim on size says that expansion varies with it",
    ),
    "L6": (
        "Notes call the checkpoints public; the code tells users to prepare them, and none was found.",
        "claims on earlier checkpoints are not run, with that reason",
    ),
    "L7": (
        "Mid layers in one abstract, middle layers in another; two orders of the last two authors.",
        "touches no number",
    ),
    "L8": (
        "Notes say that no number of checkpoints, no seed, no interval and no variance is given.",
        "directions are judged with our own errors; no magnitude is held against the paper",
    ),
}
"""What contradicts what, and what is made of it."""

CONFLICTS = tuple(
    Conflict(id=name, says=says, treated=treated) for name, (says, treated) in _CONFLICTS.items()
)
"""Every conflict between sources of the paper."""
