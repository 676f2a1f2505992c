"""What goes with what over languages: gap with accuracy (C05), similarity of embeddings in spite of low scores (C06)."""

from claims.sin2025 import sources
from claims.sin2025.benchmarks import AT_CHANCE
from claims.sin2025.estimate_names import BENCHMARKS, LAYERS, LOW_RESOURCE, similarity
from harness.words.claim import Claim, Kind, Minima, Printed, Reading, Rule, SourceTier, Target, Tier, Unit

LANGUAGES = Minima(units=8)
SCRIPT = (
    "Script, tokens per word and share of the training data go with both, and all tuned languages share one script family. "
    "On nine languages a correlation must be stronger than -0.59 to be told from none."
)
WEAKER = sources.summary(sources.NEWS, "the lower the activation, the lower the benchmark score")


def with_accuracy(benchmark: str) -> Claim:
    """Gap against accuracy on one benchmark."""
    return Claim(
        id=f"corr.gap_acc.{benchmark}",
        says=f"Languages with a larger gap score lower on {BENCHMARKS[benchmark]}",
        inventory=("C05",),
        conflicts=("K3", "K10"),
        sentence=WEAKER,
        kind=Kind.CORRELATION,
        rule=Rule.CORRELATION_SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.CORRELATION,
        readings=(
            Reading(
                name="pearson",
                says="correlation over the nine languages of the mean gap with accuracy",
                supported_by=(sources.NEWS, sources.NOTES),
                estimates=(f"correlation/bench={benchmark}/primary/primary",),
            ),
        ),
        null=0.0,
        sign=-1,
        minima=LANGUAGES,
        beside=SCRIPT + (f" {AT_CHANCE}" if benchmark == "hellaswag" else ""),
    )


MEAN_SCORE = Claim(
    id="corr.gap_acc.mean",
    says="Languages with a larger gap have a lower mean benchmark score",
    inventory=("C05",),
    conflicts=("K3", "K10"),
    sentence=sources.summary(
        sources.NOTES, "r = -0.95 between gap and score", "a notes file of another project"
    ),
    kind=Kind.CORRELATION,
    rule=Rule.CORRELATION_SIGN,
    tier=Tier.EXPLORATORY,
    unit=Unit.CORRELATION,
    readings=(
        Reading(
            name="pearson",
            says="correlation over the nine languages of the mean gap with the mean score",
            supported_by=(sources.NOTES,),
            estimates=("correlation/primary/primary",),
        ),
    ),
    targets=(
        Target(printed=Printed("-0.95"), source=sources.NOTES, tier=SourceTier.SUMMARY, reading="pearson"),
    ),
    null=0.0,
    sign=-1,
    minima=LANGUAGES,
    beside=f"The number is unverified: one notes file has it, and another summary lists a correlation as work still to be done. "
    f"{SCRIPT}",
)

SIMILARITY = Claim(
    id="embed.similarity.direction",
    says="Embeddings of every low-resource language resemble those of English",
    inventory=("C06",),
    sentence=sources.summary(
        sources.NEWS, "embeddings are similar across languages even where scores are low"
    ),
    kind=Kind.DIRECTION,
    rule=Rule.EVERY_SIGN,
    tier=Tier.SECONDARY,
    unit=Unit.COSINE,
    readings=(
        Reading(
            name="centred cosine",
            says="cosine with the same phrase in English at the last layer, centred so that unrelated texts stand at zero",
            supported_by=(sources.NEWS,),
            estimates=tuple(similarity(code, LAYERS[-1]) for code in LOW_RESOURCE),
        ),
    ),
    sign=1,
    minima=Minima(units=100),
    beside="Measure and layer are ours: no source names either. That scores are low all the same is no part of this check.",
)

CLAIMS = (*(with_accuracy(benchmark) for benchmark in BENCHMARKS), MEAN_SCORE, SIMILARITY)
