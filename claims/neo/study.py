"""MAP-Neo as the second paper's study of other models: another pair of languages, three sizes, and checkpoints that were published."""

from dataclasses import replace

from claims.elsewhere import ASKED
from claims.inaba2025 import study as paper
from claims.neo import pins
from harness.words.emergence import FINAL, ModelSize, Phase
from harness.words.judgement import Choice, Protocol
from harness.words.specification import Openness
from harness.words.study import Group, Language

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="zh", name="Chinese", group=Group.HIGH, script="CJK"),
)

SIZES = tuple(ModelSize(name=name, shapes=shapes) for name, shapes in pins.SHAPES.items())
MODEL = SIZES[-1].name
"""The size into whose midst parts are put: the largest."""

PHASES = (
    Phase(name="first", says="the first checkpoint that was published, after 17 billion tokens: of an untrained model there is none"),
    Phase(name="early", says="the last known checkpoint of the first third of training, by the logarithm of tokens"),
    Phase(name="between", says="a checkpoint in the midst of the second third"),
    Phase(name="mid", says="the last known checkpoint of the second third"),
    Phase(name="late", says="the first known checkpoint of the last third"),
    Phase(name=FINAL, says="the finished model, after a trillion tokens"),
)  # fmt: skip

PRIMARY = replace(
    paper.PRIMARY,
    windows=replace(paper.PRIMARY.windows, per_language=488_282),
    # As many tokens as 90 dictionaries can be trained on in an afternoon; their text holds so many once.
    recipe=replace(paper.PRIMARY.recipe, tokens=50_000_000),
)

STUDY = replace(
    paper.STUDY,
    name="neo",
    paper_id=ASKED,
    title=f"MAP-Neo: the questions of {paper.STUDY.paper_id}, asked elsewhere",
    # No layer has a dictionary that somebody published, and so there is none whose activations could be found again.
    shapes=replace(pins.SHAPES[MODEL], dictionary_layers=()),
    languages=LANGUAGES,
    primary=PRIMARY,
    sizes=SIZES,
    phases=PHASES,
)

PROTOCOL = Protocol(
    choices=(
        Choice(
            name="what stands in front of a window",
            alternatives=("<s>", "nothing, as the tokenizer's configuration says"),
            openness=Openness.UNSURE,
            says="the first token of a text has a stream like no other, and would be part of every share",
        ),
        Choice(
            name="tokens that a dictionary is trained on",
            alternatives=("50 million", "132 million, as in the paper's first code"),
            openness=Openness.EQUIVALENT,
            says="",
        ),
        *paper.ALONG_AXES,
        *(choice for choice in paper.PROTOCOL.choices if choice.name == "early, mid and late"),
    ),
    adapter_seeds=paper.PROTOCOL.adapter_seeds,
    exclusions=paper.PROTOCOL.exclusions,
)
