"""The second paper as data: sizes of a model, moments of its training, and what the paper leaves open."""

from dataclasses import replace

from claims.inaba2025 import pins
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
from harness.words.emergence import FINAL, EmergenceSpecification, EmergenceStudy, ModelSize, Phase
from harness.words.judgement import Choice, Protocol
from harness.words.specification import Axis, AxisKind, Level, Openness
from harness.words.study import Group, Language

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="ja", name="Japanese", group=Group.HIGH, script="CJK"),
)
"""Neither is held against the other; the first one is where tables begin."""

SIZES = tuple(ModelSize(name=name, shapes=shapes) for name, shapes in pins.SHAPES.items())

PHASES = (
    Phase(name="initial", says="step 0, where nothing has been learned: a value to hold others against"),
    Phase(
        name="early", says="the last checkpoint of the first third of training, by the logarithm of tokens"
    ),
    Phase(name="mid", says="the last checkpoint of the second third"),
    Phase(name="late", says="the first checkpoint of the last third"),
    Phase(name=FINAL, says="the finished model, which speaks for the last third"),
)
"""The paper names three parts of training; no source says where they end, so they are thirds of the logarithm of tokens."""

PRIMARY = EmergenceSpecification(
    name="primary",
    # 64 tokens from the beginning of a document, as the code of the first version cuts them, and as many of each language.
    windows=WindowChoice(
        tokens=64, per_document=1, per_language=1_289_062, train_fraction=0.8, validation_fraction=0.1
    ),
    # The code that the released dictionaries come from; their names, k and width agree with it.
    recipe=TopKRecipe(
        latents=pins.LATENTS,
        k=32,
        loss=Loss.UNEXPLAINED,
        tokens=132_000_000,
        batch_tokens=32_768,
        buffer_tokens=32_768,
        learning_rate=1e-3,
        warmup_steps=1_000,
        adam_eps=6.25e-10,
        unit_encoder=False,
        rows_set_after=False,
        dtype="bfloat16",
    ),
    examples=ExampleChoice(kept=KeptExamples.FIRST_STRONG, strong_fraction=0.7, examples=50),
    classes=ClassChoice(labelled_by=LabelledBy.SCRIPT, threshold=0.9, min_examples=10),
    integration=(Integration.SWAP, Integration.ADD, Integration.REPLACE),
)

SEPTEMBER = (
    ("study.primary.recipe.loss", Loss.SQUARED),
    ("study.primary.recipe.unit_encoder", True),
    ("study.primary.recipe.rows_set_after", True),
)
"""What the code of September 2025 does otherwise in training, whatever the precision; of as many tokens, in batches as large."""

AXES = (
    Axis(
        name="threshold",
        says="share of its examples with which a language has a latent to itself",
        levels=(
            Level(name="0.9", says="more than 0.9"),
            Level(name="0.8", says="more than 0.8", sets=(("study.primary.classes.threshold", 0.8),)),
            Level(name="0.95", says="more than 0.95", sets=(("study.primary.classes.threshold", 0.95),)),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
        because="that of the authors' code; a higher one calls more latents bilingual",
    ),
    Axis(
        name="fewest",
        says="examples from which on a latent is labelled",
        levels=(
            Level(name="10", says="10"),
            Level(
                name="50", says="50, as many as are kept", sets=(("study.primary.classes.min_examples", 50),)
            ),
            Level(
                name="1", says="1, as in the authors' code", sets=(("study.primary.classes.min_examples", 1),)
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
        because="early bilingual latents are mostly uninterpretable, so that early shares say little",
    ),
    Axis(
        name="language",
        says="language of an example",
        levels=(
            Level(name="script", says="script of its strongest token"),
            Level(
                name="document",
                says="language of its document",
                sets=(("study.primary.classes.labelled_by", LabelledBy.DOCUMENT),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.ANALYSIS,
        stage="estimates",
        because="the first gives all 598 stored counts of the authors' demonstration again",
    ),
    Axis(
        name="strong",
        says="examples of a latent",
        levels=(
            Level(name="first", says="the first 50 with a token above 0.7 of its maximum"),
            Level(
                name="strongest",
                says="the 50 strongest",
                sets=(("study.primary.examples.kept", KeptExamples.STRONGEST),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="examples",
        because="the code that made the authors' examples takes the first ones",
    ),
    Axis(
        name="length",
        says="length of a part that is put in",
        levels=(
            Level(name="own", says="as long as it is in the finished model"),
            Level(
                name="recipient",
                says="as long as it would be in a stream of the other model's length",
                sets=(("study.primary.part_length", PartLength.RECIPIENT),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.EXTRACTION,
        stage="integration",
        because="streams grow in training, and no source says whether parts do",
    ),
    Axis(
        name="recipe",
        says="training of dictionaries",
        levels=(
            Level(
                name="march",
                says="that of the first version's code: unexplained variance, decoder rows at length 1 before a step, all in bfloat16",
            ),
            Level(
                name="september",
                says="that of September 2025: squared error, encoder rows begun at length 1 too, rows set after a step, weights in float32",
                sets=(
                    *SEPTEMBER,
                    ("study.primary.recipe.dtype", "float32"),
                    ("study.primary.recipe.mixed_dtype", "bfloat16"),
                ),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="saes",
        because="the released dictionaries come from the first; the second stands nearer to the second version of the paper",
    ),
    Axis(
        name="width",
        says="latents of a dictionary",
        levels=(
            Level(name="same", says="as many in every size of the model"),
            Level(
                name="by-model",
                says="a multiple of the model's width: 16 times, in the miniature 4 times",
                sets=(("study.primary.recipe.expansion", 16),),
            ),
        ),
        openness=Openness.UNSURE,
        kind=AxisKind.TRAINING,
        stage="saes",
        because="at one number the expansion falls as models grow, from 64 to 10.7 in the paper, so that size and expansion cannot be told apart",
    ),
)
"""Every choice along which the harness can compute otherwise, the primary answer first."""

MODEL = "1.8b"
"""The size whose dictionaries the authors released."""

STUDY = EmergenceStudy(
    name="inaba2025",
    paper_id="arXiv 2503.06394",
    title="How a Bilingual LM Becomes Bilingual: Tracing Internal Representations with Sparse Autoencoders",
    design="harness.designs.emergence.design",
    # Those of the one size and layer whose dictionaries the authors released.
    shapes=replace(pins.SHAPES[MODEL], dictionary_layers=(pins.RELEASED_LAYER,)),
    languages=LANGUAGES,
    primary=PRIMARY,
    axes=AXES,
    sizes=SIZES,
    phases=PHASES,
    depths=(0.0, 0.25, 0.5, 0.75, 1.0),
    early="early",
    mid="mid",
)

_OPEN = (
    ("latents that fire at a token", ("32",), Openness.EQUIVALENT, "stated, and in both codes"),
    ("layers", ("relative depth 0, 1/4, 1/2, 3/4 and 1", "all"), Openness.UNSURE,
        "ends and middle are needed for the profile, and comparable depths for the trend"),
    ("what counts as an example", ("a token near the latent's maximum", "any at which it fires"), Openness.NOT_EQUIVALENT,
        "where any counts, of planted latents half are told right"),
    ("early, mid and late", ("thirds of the logarithm of tokens", "the six steps of the authors' demonstration"), Openness.UNSURE,
        "three parts are named, and no bounds"),
    ("putting a part into another model", ("swap", "add", "replace"), Openness.NOT_EQUIVALENT, "readings: no source says which"),
    ("performance", ("nats per token on text of each language", "benchmarks"), Openness.NOT_EQUIVALENT,
        "benchmarks stand at chance early in training"),
    ("which dictionary takes the final model apart", ("its own", "one for both models"), Openness.UNSURE, ""),
    ("training seed of a dictionary", ("3 seeds at half depth, 1 elsewhere", "other seeds"), Openness.EQUIVALENT,
        "of 32,768 latents the seed, and not their number, sets the error"),
)  # fmt: skip
"""What else the paper leaves open, what could be done, whether that would be the same, and why."""

ALONG_AXES = tuple(
    Choice(
        name=axis.says,
        alternatives=tuple(level.says for level in axis.levels),
        openness=axis.openness,
        says=axis.because,
    )
    for axis in AXES
)

PROTOCOL = Protocol(
    choices=(
        *ALONG_AXES,
        *(
            Choice(name=name, alternatives=alternatives, openness=openness, says=says)
            for name, alternatives, openness, says in _OPEN
        ),
    ),
    adapter_seeds=(1, 2, 3),
    exclusions=(
        "a latent that never fires is in no share",
        "a latent with fewer labelled examples than asked for is in no share; how many there are is reported",
        "a document shorter than a window is dropped",
        "what stands in front of a window is no token of it, and its stream is left as it is",
        "an example whose strongest tokens are digits alone has no language",
    ),
)
"""What the lock holds besides claims and study; its seeds are those of dictionaries."""
