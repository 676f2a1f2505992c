"""The design of toy studies: how long words are."""

from collections.abc import Mapping

from harness.designs.design import Design
from harness.designs.estimand import Estimand
from harness.designs.presentation import Panel, Presentation
from harness.stages.stage import staged
from harness.words.estimate import Formula
from harness.words.plan import Item, Plan
from harness.words.study import Profile, Study

LETTERS = "tests.designs.toy_design.stages:letters"
MEANS = "tests.designs.toy_design.stages:means"


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """Count the letters of a title's words, and take their mean."""
    told = {"words": tuple(study.title.split()), "doubled": False}
    letters = Item(function=LETTERS, name="all", parameters=told)
    means = Item(function=MEANS, name="all", parameters={}, needs=(("letters", letters),))
    stages = (staged(function, (letters, means)) for function in (LETTERS, MEANS))
    return Plan(study=study, profile=profile, stages=tuple(stages))


def estimands(study: Study) -> Mapping[str, Estimand]:
    """The mean length of a word is all that is measured."""
    length = Estimand(
        quantity="word-length",
        unit="percent",
        unit_kind="word",
        counted_in="units",
        formulas=(Formula.DIFFERENCE,),
    )
    return {length.estimate_id: length}


DESIGN = Design(
    plan=plan,
    estimands=estimands,
    code=("tests.designs.toy_design.stages",),
    estimates="means",
    presentation=Presentation(
        panels=(
            Panel(
                anchor="length",
                group="Words",
                heading="Word length",
                lead="Letters of a word, on average.",
                quantities=("word-length",),
            ),
        ),
        quantities={"word-length": "letters per word"},
    ),
)
