"""The primary specification: one answer to each question that the paper leaves open, fixed before any full run."""

from claims.sin2025.baselines import BASELINES
from harness.words.judgement import Choice, Openness, Protocol
from harness.words.study import (
    Aggregation,
    AlignedLatents,
    AlignmentChoice,
    PhraseChoice,
    PhraseCut,
    Pooling,
    Specification,
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

GRID = (
    Choice(
        name="formula of the gap",
        alternatives=("ratio of means over latents", "mean of the latents' ratios", "median ratio"),
        openness=Openness.NOT_EQUIVALENT,
        says="ratios of single latents explode where the reference is near zero",
    ),
    Choice(
        name="reference of the gap",
        alternatives=("mean of Chinese, Russian, Spanish, Italian", "English"),
        openness=Openness.NOT_EQUIVALENT,
        says="a reading: sources disagree",
    ),
    Choice(
        name="meaning of gain",
        alternatives=("change relative to before", "share of the gap to English closed"),
        openness=Openness.NOT_EQUIVALENT,
        says="another quantity; no source names the second",
    ),
    Choice(
        name="percent of a benchmark change",
        alternatives=("points", "percent of the accuracy before"),
        openness=Openness.NOT_EQUIVALENT,
        says="a reading: no source says which",
    ),
    Choice(
        name="meaning of retention",
        alternatives=("English activation after over before", "English accuracy after over before"),
        openness=Openness.NOT_EQUIVALENT,
        says="a reading: sources disagree",
    ),
    Choice(
        name="BOS token",
        alternatives=("left out of pooling", "pooled"),
        openness=Openness.NOT_EQUIVALENT,
        says="it comes first in every language and dominates norms, so pooling it is an error",
    ),
    Choice(
        name="pooling over tokens",
        alternatives=("mean", "maximum", "mean over active tokens", "last token"),
        openness=Openness.UNSURE,
        says="languages differ in tokens per word, so the sign of a gap can depend on it",
    ),
    Choice(
        name="latents that speak for a phrase",
        alternatives=("the phrase's own", "all selected", "those active in English"),
        openness=Openness.UNSURE,
        says="a mean per feature index is all that a summary says",
    ),
    Choice(
        name="where 80 percent of the maximum applies",
        alternatives=("maximum of the latent", "maximum of the phrase"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="text of a phrase",
        alternatives=("sentence around the peak", "whole stored window"),
        openness=Openness.UNSURE,
        says="a window is a cut snippet that translates badly",
    ),
    Choice(
        name="dictionaries",
        alternatives=("16k, canonical sparsity", "65k", "16k, neighbouring sparsity"),
        openness=Openness.UNSURE,
        says="sparsity jumps between layers, so part of a gap's course over layers is the dictionaries'",
    ),
    Choice(
        name="translations",
        alternatives=("all", "unflagged only", "same texts in every language"),
        openness=Openness.UNSURE,
        says="untranslated copies would raise a language, broken ones lower it",
    ),
    Choice(
        name="translation models",
        alternatives=("one for each language", "one for many languages"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="members of the high-resource group",
        alternatives=("Chinese, Russian, Spanish, Italian", "these and English"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="gradient of the English side",
        alternatives=("in the loss", "stopped"),
        openness=Openness.UNSURE,
        says="no source has a stopped gradient; without one English may fall towards the target",
    ),
    Choice(
        name="layers of the loss",
        alternatives=("mean over 0 to 20", "20 alone"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="weight of the retention term",
        alternatives=("1", "0", "0.1", "10"),
        openness=Openness.UNSURE,
        says="never tuned to hit a printed number",
    ),
    Choice(
        name="modules with an adapter",
        alternatives=("q_proj and v_proj", "all linear"),
        openness=Openness.UNSURE,
    ),
    Choice(name="learning rate", alternatives=("1e-4", "3e-4"), openness=Openness.UNSURE),
    Choice(
        name="two iterations over 4,000 samples",
        alternatives=("2 epochs", "2 passes of selecting and training"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="layer of gain and retention",
        alternatives=("20", "mean over 0 to 20"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="metric",
        alternatives=("acc_norm for ARC and HellaSwag, acc for MMLU", "acc everywhere"),
        openness=Openness.UNSURE,
    ),
    Choice(
        name="examples in the prompt",
        alternatives=("10, 10 and 5", "none", "25, 0 and 25"),
        openness=Openness.UNSURE,
        says="sizes of the authors' sample files rule out none; their settings are not known",
    ),
    Choice(
        name="questions",
        alternatives=("the authors' aligned subsets", "full sets"),
        openness=Openness.UNSURE,
    ),
    Choice(name="data type", alternatives=("bfloat16", "float32"), openness=Openness.EQUIVALENT),
    Choice(
        name="padding side and batch size", alternatives=("as run", "any other"), openness=Openness.EQUIVALENT
    ),
    Choice(
        name="training seed",
        alternatives=("5 seeds", "other seeds"),
        openness=Openness.EQUIVALENT,
        says="already in the standard error, so no axis of a curve",
    ),
    Choice(
        name="latents of the loss",
        alternatives=("the phrase's own", "all latents of the layer"),
        openness=Openness.UNSURE,
        says="most latents are silent for a phrase, and over all of them the loss is least where both sides are silent, "
        "so it lowers activations instead of lifting them",
    ),
)
"""What the paper leaves open, and what else could be done; formulas and readings first."""

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
