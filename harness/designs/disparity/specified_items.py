"""What further specifications of a study of languages make beside the primary one, and what their estimates are told."""

from collections.abc import Callable, Iterator, Mapping

from harness.designs.specified_items import Specifying
from harness.words.plan import Item, Parameters
from harness.words.specification import Axis, AxisKind
from harness.words.study import Group, Profile, SpecifiedWorld, Study

SPECIFIED_ESTIMATES = "harness.designs.disparity.specified_estimates:specified_estimates"

MADE_FROM: Mapping[str, tuple[str, ...]] = {
    "gap": ("phrases", "translations", "activations"),
    "gain": ("phrases", "translations", "activations", "adapters", "activations-tuned"),
    "delta": ("adapters", "benchmarks", "benchmarks-tuned"),
}
"""By kind of estimate: the stages that it reads. Retention is of the kind of gains."""


def specifying(estimates_of: Callable[[Study, Profile], Item]) -> Specifying:
    """How estimates of a specification are made, given how those of a study are drawn."""
    return Specifying(
        function=SPECIFIED_ESTIMATES,
        made_from=MADE_FROM,
        estimates_of=estimates_of,
        told=_told,
        moves=_moved,
        is_read=_is_read,
    )


def _told(world: SpecifiedWorld) -> Parameters:
    return {
        "languages": world.study.languages,
        "benchmarks": world.study.benchmarks,
        "layers": world.study.shapes.layers,
        "specification": world.study.specification,
        "adapter_seeds": world.profile.sizes.adapter_seeds,
    }


def _moved(axis: Axis) -> Iterator[str]:
    """Adapters are trained on what is extracted, so that other extractions move every kind."""
    for kind, stages in MADE_FROM.items():
        if axis.kind is AxisKind.EXTRACTION or axis.stage in stages:
            yield kind


def _is_read(world: SpecifiedWorld, item: Item) -> bool:
    """Not what is read once more, in Latin letters or of a parallel text: that is a rival's, and no specification's."""
    if item.stage == "benchmarks":
        return _is_compared(world, item.name)
    return item.stage != "activations" or item.name in {language.code for language in world.study.languages}


def _is_compared(world: SpecifiedWorld, code: str) -> bool:
    """Whether some adapter is asked questions in a language."""
    return any(
        language.code == code and (language.tuned or language.group is Group.REFERENCE)
        for language in world.study.languages
    )
