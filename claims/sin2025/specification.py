"""The primary specification: one answer to each question that the paper leaves open, fixed before any full run."""

from harness.words.study import Aggregation, AlignmentChoice, PhraseChoice, PhraseCut, Pooling, Specification

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
