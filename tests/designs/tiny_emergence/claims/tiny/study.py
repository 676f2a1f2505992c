"""What the tiny study asks: one size, two of its layers, and choices that no other study makes."""

from harness.words.dictionaries import (
    ClassChoice,
    ExampleChoice,
    Integration,
    KeptExamples,
    LabelledBy,
    Loss,
    PartLength,
    TopKRecipe,
    WindowChoice,
)
from harness.words.emergence import EmergenceSpecification, EmergenceStudy, ModelSize, Phase
from harness.words.judgement import Protocol
from harness.words.specification import Axis, AxisKind, Level, Openness
from harness.words.study import Group, Language, ModelFacts, Pieces, Shapes, Weights

STEPS = {"early": 15, "mid": 40, "final": 120}
"""Optimiser steps of each checkpoint."""

LATENTS = 64

FACTS = ModelFacts(
    architecture="llama",
    attention="sdpa",
    front=("<s>",),
    pad="</s>",
    soft_cap=None,
    pieces=Pieces.BYTES,
    document_marks=("<s>", "</s>"),
)

SHAPES = Shapes(
    num_layers=3,
    d_model=32,
    d_sae=LATENTS,
    vocab_size=592,
    # Nobody has published a dictionary of it.
    dictionary_layers=(),
    weights=Weights(heads=2, kv_heads=1, head_width=16, mlp=64, norms=2, is_tied=False),
)

PRIMARY = EmergenceSpecification(
    name="primary",
    windows=WindowChoice(
        tokens=20, per_document=None, per_language=200, train_fraction=0.5, validation_fraction=0.1
    ),
    recipe=TopKRecipe(
        latents=LATENTS,
        k=4,
        loss=Loss.SQUARED,
        tokens=8_000,
        batch_tokens=400,
        buffer_tokens=4_000,
        learning_rate=3e-3,
        warmup_steps=5,
        adam_eps=1e-8,
        unit_encoder=True,
        rows_set_after=True,
        dtype="float32",
    ),
    examples=ExampleChoice(kept=KeptExamples.STRONGEST, strong_fraction=0.5, examples=20),
    classes=ClassChoice(labelled_by=LabelledBy.DOCUMENT, threshold=0.8, min_examples=3),
    integration=(Integration.REPLACE, Integration.SWAP),
)

AXES = (
    Axis(
        name="threshold",
        says="share of its examples with which a language has a latent to itself",
        levels=(
            Level(name="0.8", says="more than 0.8"),
            Level(name="0.6", says="more than 0.6", sets=(("study.primary.classes.threshold", 0.6),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
    ),
    Axis(
        name="fewest",
        says="examples from which on a latent is labelled",
        levels=(
            Level(name="3", says="3"),
            Level(name="1", says="1", sets=(("study.primary.classes.min_examples", 1),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
    ),
    Axis(
        name="language",
        says="language of an example",
        levels=(
            Level(name="document", says="that of its document"),
            Level(
                name="script",
                says="that of the script of its strongest token",
                sets=(("study.primary.classes.labelled_by", LabelledBy.SCRIPT),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
    ),
    Axis(
        name="examples",
        says="examples of a latent",
        levels=(
            Level(name="strongest", says="the strongest"),
            Level(
                name="first",
                says="the first strong ones",
                sets=(("study.primary.examples.kept", KeptExamples.FIRST_STRONG),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="examples",
    ),
    Axis(
        name="length",
        says="length of a part",
        levels=(
            Level(name="own", says="its own"),
            Level(
                name="recipient",
                says="the recipient's",
                sets=(("study.primary.part_length", PartLength.RECIPIENT),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="integration",
    ),
    Axis(
        name="width",
        says="latents of a dictionary",
        levels=(
            Level(name="two", says="twice the width of the model"),
            Level(name="three", says="thrice", sets=(("study.primary.recipe.expansion", 3),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="saes",
    ),
)

STUDY = EmergenceStudy(
    name="tiny",
    paper_id="no paper",
    title="How a tiny model becomes bilingual",
    design="harness.designs.emergence.design",
    shapes=SHAPES,
    languages=(
        Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
        Language(code="ru", name="Russian", group=Group.HIGH, script="CYRILLIC"),
    ),
    primary=PRIMARY,
    axes=AXES,
    sizes=(ModelSize(name="only", shapes=SHAPES),),
    phases=tuple(Phase(name=name, says=f"after {step} steps") for name, step in STEPS.items()),
    depths=(0.5, 1.0),
    early="early",
    mid="mid",
)

PROTOCOL = Protocol(choices=(), adapter_seeds=(7, 8), exclusions=())
