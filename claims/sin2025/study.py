"""What arXiv 2507.18918 studies: the model's shapes, ten languages in three groups, three benchmarks, and how it is computed.

Source: the abstract, and summaries where the abstract is silent; "low" covers medium and low resource. The primary
specification answers each question that the paper leaves open, before any full run.
"""

from claims.sin2025.published import BASELINES
from harness.words.judgement import Choice, Openness, Protocol
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

STUDY = Study(
    name="sin2025",
    paper_id="arXiv 2507.18918",
    title="Uncovering Cross-Linguistic Disparities in LLMs using Sparse Autoencoders",
    design="harness.designs.disparity.design",
    shapes=Shapes(num_layers=26, d_model=2304, d_sae=16_384, vocab_size=256_000),
    languages=LANGUAGES,
    benchmarks=BENCHMARKS,
    primary=PRIMARY,
)

_OPEN = (
    ("formula of the gap",
        ("ratio of means over latents", "mean of the latents' ratios", "median ratio"), Openness.NOT_EQUIVALENT,
        "ratios of single latents explode where the reference is near zero"),
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
    ("pooling over tokens", ("mean", "maximum", "mean over active tokens", "last token"), Openness.UNSURE,
        "languages differ in tokens per word, so the sign of a gap can depend on it"),
    ("latents that speak for a phrase", ("the phrase's own", "all selected", "those active in English"), Openness.UNSURE,
        "a mean per feature index is all that a summary says"),
    ("where 80 percent of the maximum applies", ("maximum of the latent", "maximum of the phrase"), Openness.UNSURE, ""),
    ("text of a phrase", ("sentence around the peak", "whole stored window"), Openness.UNSURE,
        "a window is a cut snippet that translates badly"),
    ("dictionaries", ("16k, canonical sparsity", "65k", "16k, neighbouring sparsity"), Openness.UNSURE,
        "sparsity jumps between layers, so part of a gap's course over layers is the dictionaries'"),
    ("translations", ("all", "unflagged only", "same texts in every language"), Openness.UNSURE,
        "untranslated copies would raise a language, broken ones lower it"),
    ("translation models", ("one for each language", "one for many languages"), Openness.UNSURE, ""),
    ("precision of the translators", ("float32", "float16", "int8"), Openness.UNSURE,
        "fewer bits may say other words: of the miniature's texts int8 says 99.3 % alike"),
    ("phrases read of each latent", ("2 of up to 10, drawn", "all of up to 10"), Openness.EQUIVALENT,
        "a random part of the same phrases: less precise, and about the same"),
    ("members of the high-resource group", ("Chinese, Russian, Spanish, Italian", "these and English"), Openness.UNSURE, ""),
    ("gradient of the English side", ("in the loss", "stopped"), Openness.UNSURE,
        "no source has a stopped gradient; without one English may fall towards the target"),
    ("layers of the loss", ("mean over 0 to 20", "20 alone"), Openness.UNSURE, ""),
    ("weight of the retention term", ("1", "0", "0.1", "10"), Openness.UNSURE, "never tuned to hit a printed number"),
    ("modules with an adapter", ("q_proj and v_proj", "all linear"), Openness.UNSURE, ""),
    ("learning rate", ("1e-4", "3e-4"), Openness.UNSURE, ""),
    ("two iterations over 4,000 samples", ("2 epochs", "2 passes of selecting and training"), Openness.UNSURE, ""),
    ("layer of gain and retention", ("20", "mean over 0 to 20"), Openness.UNSURE, ""),
    ("metric", ("acc_norm for ARC and HellaSwag, acc for MMLU", "acc everywhere"), Openness.UNSURE, ""),
    ("examples in the prompt", ("10, 10 and 5", "none", "25, 0 and 25"), Openness.UNSURE,
        "sizes of the authors' sample files rule out none; their settings are not known"),
    ("questions", ("the authors' aligned subsets", "full sets"), Openness.UNSURE, ""),
    ("data type", ("bfloat16", "float32"), Openness.EQUIVALENT, ""),
    ("padding side and batch size", ("as run", "any other"), Openness.EQUIVALENT, ""),
    ("training seed", ("5 seeds", "other seeds"), Openness.EQUIVALENT, "already in the standard error, so no axis of a curve"),
    ("latents of the loss", ("the phrase's own", "all latents of the layer"), Openness.UNSURE,
        ("most latents are silent for a phrase, and over all of them the loss is least where both sides are silent, "
        "so it lowers activations instead of lifting them")),
)  # fmt: skip
"""What the paper leaves open, what else could be done, whether that would be the same, and why; formulas and readings first."""

GRID = tuple(
    Choice(name=name, alternatives=alternatives, openness=openness, says=says)
    for name, alternatives, openness, says in _OPEN
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
