"""What a verdict on one estimate of this design must be read beside: other estimates, and what they say."""

from collections.abc import Mapping

from harness.designs.design import Beside
from harness.designs.disparity.quantities import scope_of
from harness.words.estimate import Estimate, Formula, Scope
from harness.words.study import Group, Study


def beside(study: Study, estimate: Estimate) -> Beside:
    """What the judge looks at beside one estimate of a study."""
    match estimate.quantity:
        case "gap" if estimate.language is None:
            return Beside(shared_out=_shared_out(study, estimate))
        case "correlation":
            tokens = {
                code: scope_of("tokens-per-phrase", language=code).estimate_id
                for code in (language.code for language in study.targets)
            }
            return Beside(control=tokens)
        case "delta" | "delta-english" | "relative-delta":
            asked_in = study.reference.code if estimate.quantity == "delta-english" else estimate.language
            benchmark = next((each for each in study.benchmarks if each.name == estimate.benchmark), None)
            if benchmark is not None:
                before = scope_of("accuracy", language=asked_in, benchmark=benchmark.name)
                return Beside(before=before.estimate_id, guessing=100 * benchmark.chance)
    return Beside()


def _shared_out(study: Study, group: Estimate) -> Mapping[str, bool]:
    """The gap of every target language at the layer of a group gap, over the same latents, and whether it is of the low group."""
    if group.formula != Formula.GAP:
        return {}
    return {
        Scope(
            quantity="gap",
            unit=group.unit,
            layer=group.layer,
            language=language.code,
            reading=group.reading,
            specification=group.specification,
        ).estimate_id: language.group is Group.LOW
        for language in study.targets
    }
