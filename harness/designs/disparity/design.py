"""The design of disparity studies, as plans, judge and report know it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.designs.design import Beside, Design
from harness.designs.disparity.costs import costs
from harness.designs.disparity.panels import PRESENTATION
from harness.designs.disparity.plan import REPLAYED_ROWS, plan
from harness.designs.disparity.quantities import QUANTITIES, estimands, scope_of
from harness.designs.estimand import PhraseValues
from harness.words.estimate import Estimate, Formula, Scope
from harness.words.study import Group, Study

if TYPE_CHECKING:
    from harness.statistics.measured import Measured


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


def lowered(study: Study, estimates: Mapping[str, Estimate]) -> Mapping[str, str]:
    """Estimates of retention, by id, each with what to say beside it where the same adapters lowered what they were to lift.

    English is easily kept by an adapter that does nothing, or that lowers everything a little.
    """
    gains = {
        row.language: row.value
        for row in estimates.values()
        if (row.quantity, row.layer, row.specification) == ("gain", study.specification.gain_layer, "primary")
    }
    if not gains or (mean := sum(gains.values()) / len(gains)) >= 0:
        return {}
    each = ", ".join(f"{language} {value:+.2f} %" for language, value in gains.items())
    says = (
        f"No success by itself: at layer {study.specification.gain_layer} the same adapters changed the tuned languages' own latents by "
        f"{mean:+.2f} % on average ({each})."
    )
    return {name: says for name, row in estimates.items() if row.quantity == "retention"}


def of_others(
    study: Study, before: PhraseValues, adapter: str, after: Mapping[int, PhraseValues]
) -> "tuple[Measured, ...]":
    """Gaps, and the gain of one adapter, from values of single phrases that somebody else measured."""
    # Estimates load what reads tables of activations, which no plan and no judge needs.
    from harness.designs.disparity.given_values import measured_values

    return measured_values(study, before, adapter, after)


DESIGN = Design(
    plan=plan,
    estimands=estimands,
    quantities=QUANTITIES,
    code=("harness.designs.disparity.estimates",),
    specified_estimates="specified-estimates",
    replay="replay",
    answers="benchmarks",
    answers_tuned="benchmarks-tuned",
    measured_values=of_others,
    self_checks="self-checks",
    beside=beside,
    remarks=lowered,
    costs=costs,
    gate={"rows_of_a_layer": REPLAYED_ROWS},
    presentation=PRESENTATION,
)
