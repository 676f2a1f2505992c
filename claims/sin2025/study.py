"""What arXiv 2507.18918 studies: the model's shapes, ten languages in three groups, three benchmarks, and how it is computed.

Source: the abstract, and summaries where the abstract is silent; "low" covers medium and low resource. The primary
specification answers each question that the paper leaves open, before any full run.
"""

from claims.sin2025.published import BASELINES
from harness.words.judgement import Choice, Protocol
from harness.words.specification import Axis, AxisKind, Level, Openness
from harness.words.study import (
    Aggregation,
    AlignedLatents,
    AlignmentChoice,
    Benchmark,
    Group,
    Language,
    PhraseChoice,
    PhraseCut,
    Pooling,
    Shapes,
    Specification,
    Study,
    Weights,
)

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="zh", name="Chinese", group=Group.HIGH, script="CJK"),
    Language(code="ru", name="Russian", group=Group.HIGH, script="CYRILLIC"),
    Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
    Language(code="it", name="Italian", group=Group.HIGH, script="LATIN"),
    Language(code="id", name="Indonesian", group=Group.LOW, script="LATIN"),
    Language(code="ca", name="Catalan", group=Group.LOW, script="LATIN"),
    Language(code="mr", name="Marathi", group=Group.LOW, script="DEVANAGARI", tuned=True),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM", tuned=True),
    Language(code="hi", name="Hindi", group=Group.LOW, script="DEVANAGARI", tuned=True),
)

BENCHMARKS = (
    Benchmark(
        name="arc",
        template="arc_multilingual/_arc_yaml",
        data_folder="m_arc",
        evaluated_split="test",
        metric="acc_norm",
        shots=10,
        chance=0.25,
    ),
    Benchmark(
        name="hellaswag",
        template="hellaswag_multilingual/_hellaswag_yaml",
        data_folder="m_hellaswag",
        evaluated_split="val",
        metric="acc_norm",
        shots=10,
        chance=0.25,
    ),
    Benchmark(
        name="mmlu",
        template="mmlu_multilingual/_default_yaml",
        data_folder="m_mmlu",
        evaluated_split="test",
        metric="acc",
        shots=5,
        chance=0.25,
    ),
)

ALIGNED_LAYERS = tuple(range(21))
"""Layer 20 and all layers below it, counted from 0."""

PRIMARY = Specification(
    name="primary",
    phrases=PhraseChoice(
        # Neuronpedia's strongest interval is exactly the top fifth of [0, maximum]; the paper says "at least 80 %".
        min_fraction_of_maximum=0.8,
        cut=PhraseCut.SENTENCE,
        min_examples=2,
        max_examples=10,
    ),
    pooling=Pooling.MEAN,
    aggregation=Aggregation.RATIO_OF_MEANS,
    alignment=AlignmentChoice(
        # The quantity whose gap is measured; over all latents the first term is least where both sides are silent.
        latents=AlignedLatents.OWN,
        # Never tuned to hit a printed number: 1 is the value at which neither term is favoured.
        alpha=1.0,
        detach_english=False,
        layers=ALIGNED_LAYERS,
        rank=8,
        lora_alpha=16,
        target_modules=("q_proj", "v_proj"),
        learning_rate=1e-4,
        batch_size=16,
        epochs=2,
        pairs=4_000,
        # The optimiser's own default, in the open so that the lock can hold it.
        weight_decay=0.01,
    ),
    gain_layer=20,
    num_beams=4,
)

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every matrix of a decoder layer."""

_NOT_NAMED = "no world names the files of such dictionaries"
_NOT_BUILT = "the loss has no such form"

AXES = (
    Axis(
        name="pooling",
        says="pooling over tokens",
        levels=(
            Level(name="mean", says="mean"),
            Level(name="max", says="maximum"),
            Level(name="mean-active", says="mean over active tokens"),
            Level(name="last", says="last token"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
        because="languages differ in tokens per word, so the sign of a gap can depend on it",
    ),
    Axis(
        name="speaker",
        says="latents that speak for a phrase",
        levels=(
            Level(name="own", says="the phrase's own"),
            Level(name="panel", says="panel latents on every text"),
            Level(name="panel-active", says="panel latents active in English"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
        because="a mean per feature index is all that a summary says",
    ),
    Axis(
        name="strength",
        says="how strong a phrase must be",
        levels=(
            Level(name="0.8", says="0.8 of the latent's maximum"),
            Level(name="0.9", says="0.9 of the latent's maximum"),
            Level(name="strongest", says="the strongest phrase alone"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
        because="a phrase that was chosen for its strength in English is weaker in every other language",
    ),
    Axis(
        name="translations",
        says="translations",
        levels=(
            Level(name="all", says="all"),
            Level(name="unflagged", says="unflagged only"),
            Level(name="same-unflagged", says="same texts in every language"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
        because="untranslated copies would raise a language, broken ones lower it",
    ),
    Axis(
        name="group",
        says="members of the high-resource group",
        levels=(
            Level(name="without-english", says="Chinese, Russian, Spanish, Italian"),
            Level(name="with-english", says="these and English"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
    ),
    Axis(
        name="aggregation",
        says="formula of the gap",
        levels=(
            Level(name="ratio-of-means", says="ratio of means over latents"),
            Level(name="mean-of-ratios", says="mean of the latents' ratios"),
            Level(name="median-of-ratios", says="median ratio"),
        ),
        openness=Openness.NOT_EQUIVALENT,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
        because="ratios of single latents explode where the reference is near zero",
    ),
    Axis(
        name="gain-layer",
        says="layer of gain and retention",
        levels=(Level(name="20", says="20"), Level(name="mean", says="mean over 0 to 20")),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
    ),
    Axis(
        name="metric",
        says="metric",
        levels=(
            Level(name="mixed", says="acc_norm for ARC and HellaSwag, acc for MMLU"),
            Level(name="acc", says="acc everywhere"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="specifications",
    ),
    Axis(
        name="cut",
        says="text of a phrase",
        levels=(
            Level(name="sentence", says="sentence around the peak"),
            Level(
                name="window",
                says="whole stored window",
                sets=(("study.primary.phrases.cut", PhraseCut.WINDOW),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="phrases",
        because="a window is a cut snippet that translates badly",
    ),
    Axis(
        name="sae",
        says="dictionaries",
        levels=(
            Level(name="canonical", says="16k, canonical sparsity"),
            Level(name="lower-l0", says="16k, next lower L0", missing=_NOT_NAMED),
            Level(name="higher-l0", says="16k, next higher L0", missing=_NOT_NAMED),
            Level(name="65k", says="65k", missing=_NOT_NAMED),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="activations",
        because="sparsity jumps between layers, so part of a gap's course over layers is the dictionaries'",
    ),
    Axis(
        name="beams",
        says="beams of the translators",
        levels=(
            Level(name="4", says="4"),
            Level(name="1", says="1", sets=(("study.primary.num_beams", 1),)),
        ),
        openness=Openness.EQUIVALENT,
        kind=AxisKind.EXTRACTION,
        stage="translations",
    ),
    Axis(
        name="dtype",
        says="data type",
        levels=(
            Level(name="registered", says="bfloat16"),
            Level(name="float32", says="float32", sets=(("profile.sizes.dtype", "float32"),)),
        ),
        openness=Openness.EQUIVALENT,
        kind=AxisKind.EXTRACTION,
        stage="activations",
    ),
    Axis(
        name="shots",
        says="examples in the prompt",
        levels=(
            Level(name="10-10-5", says="10, 10 and 5"),
            Level(name="0-0-0", says="none", sets=(("study.benchmarks.shots", (0, 0, 0)),)),
            Level(name="25-0-25", says="25, 0 and 25", sets=(("study.benchmarks.shots", (25, 0, 25)),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="benchmarks",
        because="sizes of the authors' sample files rule out none; their settings are not known",
    ),
    Axis(
        name="loss",
        says="latents of the loss",
        levels=(
            Level(name="own", says="the phrase's own"),
            Level(
                name="all",
                says="all latents of the layer",
                sets=(("study.primary.alignment.latents", AlignedLatents.ALL),),
            ),
            Level(name="panel", says="the panel", missing=_NOT_BUILT),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
        because="most latents are silent for a phrase, and over all of them the loss is least where both sides are silent, "
        "so it lowers activations instead of lifting them",
    ),
    Axis(
        name="english",
        says="English side of the loss",
        levels=(
            Level(name="live", says="live"),
            Level(
                name="held",
                says="held at the untouched model",
                sets=(("study.primary.alignment.hold_english", True),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
    Axis(
        name="silent",
        says="gradient of silent latents",
        levels=(
            Level(name="none", says="none"),
            Level(
                name="straight-through",
                says="straight-through",
                sets=(("study.primary.alignment.straight_through", True),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
    Axis(
        name="alpha",
        says="weight of the retention term",
        levels=(
            Level(name="1", says="1"),
            Level(name="0", says="0", sets=(("study.primary.alignment.alpha", 0.0),)),
            Level(name="0.1", says="0.1", sets=(("study.primary.alignment.alpha", 0.1),)),
            Level(name="10", says="10", sets=(("study.primary.alignment.alpha", 10.0),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
        because="never tuned to hit a printed number",
    ),
    Axis(
        name="layers",
        says="layers of the loss and of the adapter",
        levels=(
            Level(name="0-20", says="0 to 20"),
            Level(name="20", says="20 alone", sets=(("study.primary.alignment.layers", (20,)),)),
            Level(name="6", says="6 alone", sets=(("study.primary.alignment.layers", (6,)),)),
            Level(name="25", says="25 alone", sets=(("study.primary.alignment.layers", (25,)),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
    Axis(
        name="gradient",
        says="gradient of the English side",
        levels=(
            Level(name="in", says="in the loss"),
            Level(name="stopped", says="stopped", sets=(("study.primary.alignment.detach_english", True),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
        because="no source has a stopped gradient; without one English may fall towards the target",
    ),
    Axis(
        name="modules",
        says="modules with an adapter",
        levels=(
            Level(name="q-v", says="q_proj and v_proj"),
            Level(
                name="all-linear",
                says="all linear",
                sets=(("study.primary.alignment.target_modules", ALL_LINEAR),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
    Axis(
        name="rate",
        says="learning rate",
        levels=(
            Level(name="1e-4", says="1e-4"),
            Level(name="3e-4", says="3e-4", sets=(("study.primary.alignment.learning_rate", 3e-4),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
    Axis(
        name="adapters",
        says="adapters",
        levels=(
            Level(name="each", says="one a language"),
            Level(name="joint", says="one for all", missing="an adapter is trained for one language"),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="adapters",
    ),
)
"""Every choice along which the harness can compute otherwise, the primary answer first."""

STUDY = Study(
    name="sin2025",
    paper_id="arXiv 2507.18918",
    title="Uncovering Cross-Linguistic Disparities in LLMs using Sparse Autoencoders",
    design="harness.designs.disparity.design",
    shapes=Shapes(
        num_layers=26,
        d_model=2304,
        d_sae=16_384,
        vocab_size=256_000,
        weights=Weights(heads=8, kv_heads=4, head_width=256, mlp=9216, norms=4),
    ),
    languages=LANGUAGES,
    benchmarks=BENCHMARKS,
    primary=PRIMARY,
    axes=AXES,
)

_OPEN = (
    ("reference of the gap", ("mean of Chinese, Russian, Spanish, Italian", "English"), Openness.NOT_EQUIVALENT,
        "a reading: sources disagree"),
    ("meaning of gain", ("change relative to before", "share of the gap to English closed"), Openness.NOT_EQUIVALENT,
        "another quantity; no source names the second"),
    ("percent of a benchmark change", ("points", "percent of the accuracy before"), Openness.NOT_EQUIVALENT,
        "a reading: no source says which"),
    ("meaning of retention",
        ("English activation after over before", "English accuracy after over before"), Openness.NOT_EQUIVALENT,
        "a reading: sources disagree"),
    ("BOS token", ("left out of pooling", "pooled"), Openness.NOT_EQUIVALENT,
        "it comes first in every language and dominates norms, so pooling it is an error"),
    ("where 80 percent of the maximum applies", ("maximum of the latent", "maximum of the phrase"), Openness.UNSURE, ""),
    ("translation models", ("one for each language", "one for many languages"), Openness.UNSURE, ""),
    ("precision of the translators", ("float32", "float16", "int8"), Openness.UNSURE,
        "fewer bits may say other words: of the miniature's texts int8 says 99.3 % alike"),
    ("phrases read of each latent", ("2 of up to 10, drawn", "all of up to 10"), Openness.EQUIVALENT,
        "a random part of the same phrases: less precise, and about the same"),
    ("two iterations over 4,000 samples", ("2 epochs", "2 passes of selecting and training"), Openness.UNSURE, ""),
    ("questions", ("the authors' aligned subsets", "full sets"), Openness.UNSURE, ""),
    ("padding side and batch size", ("as run", "any other"), Openness.EQUIVALENT, ""),
    ("training seed", ("5 seeds", "other seeds"), Openness.EQUIVALENT, "already in the standard error, so no axis of a curve"),
)  # fmt: skip
"""What else the paper leaves open, what could be done, whether that would be the same, and why; readings first."""

GRID = (
    *(
        Choice(
            name=axis.says,
            alternatives=tuple(level.says for level in axis.levels),
            openness=axis.openness,
            says=axis.because,
        )
        for axis in AXES
    ),
    *(
        Choice(name=name, alternatives=alternatives, openness=openness, says=says)
        for name, alternatives, openness, says in _OPEN
    ),
)

PROTOCOL = Protocol(
    choices=GRID,
    adapter_seeds=(1, 2, 3, 4, 5),
    exclusions=(
        "a latent with fewer than two distinct phrases is not drawn",
        "a stored row that peaks on white space, holds bytes that are no text, or holds no English is no phrase",
        "a phrase without tokens in some language is left out in every language",
        "gains and retention are measured on phrases that no adapter saw",
        "English is in no group, and in no correlation",
        "no question of a benchmark is left out; a verdict on a part of a test set is not given",
        "a layer that does not give the stored activations back is an error, and nothing that was made from it is judged",
        "a cell where the untouched model does not answer as the authors' did is an error, and no tuned score of it is judged",
    ),
    baselines=BASELINES,
)
"""What the lock holds besides claims and study."""
