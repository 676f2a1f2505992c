"""The toy's one claim."""

from harness.words.claim import Reading, Sentence, SourceTier
from harness.words.claim_forms import value

SENTENCE = Sentence(
    source="the title", tier=SourceTier.PAPER, where="the title", sense="Words have about four letters."
)

CLAIMS = (
    value(
        "toy.length.value", "A word has about four letters", SENTENCE,
        (Reading(name="primary", says="as counted", supported_by=("the title",), estimates=("word-length/primary/primary",)),),
        "4", margin=3.0, because="words differ", inventory="toy",
    ),
)  # fmt: skip
