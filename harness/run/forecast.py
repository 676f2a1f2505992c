"""What a run would take, by the work that its design declares and at stated rates, and what it could decide.

Upper bounds and orders of magnitude, for whoever plans it. Nothing measured ever rests on any of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.designs.design import costs_of
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import claims_of
from harness.run.artifact_status import STAGE_WIDTH
from harness.words.claim import inventory_says
from harness.words.judgement import Prospect, prospects_say
from harness.words.plan import Plan, Stage, Work
from harness.words.study import Home, Profile, Shapes, Study

OVER_WIDTH = 4.0
"""Width of an MLP over that of the residual stream."""

WORKING_BYTES = 456
"""What a batch takes per position and dimension, as stated: 8 GiB for 8,192 positions of a model that is 2,304 wide."""

GOAL_HOURS = 2.0
"""A plan says which rates would bring it down to this."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a machine does, as stated or as measured."""

    tflops: float = 150.0
    """Useful operations of the language model in a second, all passes, in units of 10^12; 15 % of an H100's peak."""
    translations_per_second: float = 150.0

    def seconds(self, flops: float, translated: int) -> float:
        """The time of so much work."""
        return flops / (self.tflops * 1e12) + translated / self.translations_per_second

    def __str__(self) -> str:
        """The rates for people."""
        return (
            f"{self.tflops:,.0f} TFLOP/s of useful work, {self.translations_per_second:,.0f} translations/s"
        )


@dataclass(frozen=True, kw_only=True)
class StageProjection:
    """What one stage would take at most."""

    stage: str
    items: int
    work: Work
    """All items together."""
    flops: float
    """Useful operations of the language model's layers; 0 where it does not run."""
    seconds: float


def projection(plan: Plan, rates: Rates) -> tuple[StageProjection, ...]:
    """Every stage of a plan, in order."""
    declared = costs_of(plan).work
    return tuple(
        _projected(plan.study.shapes, stage, declared.get(stage.name, Work()), rates) for stage in plan.stages
    )


def _projected(shapes: Shapes, stage: Stage, work: Work, rates: Rates) -> StageProjection:
    flops = layers_flops(shapes, work.token_layers)
    return StageProjection(
        stage=stage.name,
        items=len(stage.items),
        work=work,
        flops=flops,
        seconds=rates.seconds(flops, work.translated),
    )


def outlook(study: Study, profile: Profile) -> tuple[Prospect, ...]:
    """Which claims of a study could be decided at the size of a profile.

    Raises:
        UsageError: If its claims cannot be used.
    """
    return prospects(claims_of(study), profile.sizes, estimate_scopes(study), len(study.targets))


def outlook_lines(study: Study, found: Sequence[Prospect]) -> Iterator[tuple[str, str]]:
    """Prospects for people: the lead of each line, and its text."""
    claims = claims_of(study)
    if found:
        able = sum(each.decidable and each.is_foreseen for each in found)
        unknown = sum(not each.is_foreseen for each in found)
        yield "", f"{len(claims)} claims: {inventory_says(claim.kind for claim in claims)}"
        yield "", f"{prospects_say(able, unknown, len(found))}:"
    for each in found:
        decidable = "yes" if each.decidable else "no"
        yield f"{decidable if each.is_foreseen else 'not known':<10}{each.claim_id:<30} ", each.says


def layer_parameters(shapes: Shapes) -> int:
    """About how many parameters one layer of a decoder of these shapes has: attention and a gated MLP."""
    attention = 3 * shapes.d_model**2
    mlp = 3 * OVER_WIDTH * shapes.d_model**2
    return int(attention + mlp)


def model_parameters(shapes: Shapes) -> int:
    """About how many parameters such a decoder has: its layers, and the embedding once."""
    return shapes.vocab_size * shapes.d_model + shapes.num_layers * layer_parameters(shapes)


def layers_flops(shapes: Shapes, token_layers: float) -> float:
    """Useful operations of layers; embedding and head, which few positions need, are left out.

    Args:
        shapes: Of the model.
        token_layers: Layers that each token passes, summed over tokens.
    """
    return 2 * layer_parameters(shapes) * token_layers


def accelerator_bytes(study: Study, profile: Profile) -> int:
    """Memory that the largest stage needs: weights, encoders of the aligned layers in float32, and room to work."""
    shapes, sizes = study.shapes, profile.sizes
    weights = (4 if sizes.dtype == "float32" else 2) * model_parameters(shapes)
    encoders = len(study.primary.alignment.layers) * 4 * shapes.d_model * shapes.d_sae
    return weights + encoders + WORKING_BYTES * sizes.batch_tokens * shapes.d_model


def projection_lines(plan: Plan, rates: Rates) -> Iterator[str]:
    """The projection for people; nothing for a world of committed folders, whose time is known in minutes."""
    if all(pin.home is Home.FOLDER for pin in plan.profile.sources.pins()):
        return
    stages = [stage for stage in projection(plan, rates) if stage.work != Work()]
    yield f"projected, at most, at {rates}:"
    for sentence in costs_of(plan).assumed:
        yield f"  assumed: {sentence}"
    for stage in stages:
        yield work_line(stage.stage, stage.work, stage.seconds)
    hours = sum(stage.seconds for stage in stages) / 3600
    yield together_line(hours)
    if hours > GOAL_HOURS:
        yield _faster(stages, rates, hours / GOAL_HOURS)


def work_line(stage: str, work: Work, seconds: float) -> str:
    """What one stage reads and how long it takes."""
    tokens = f"{work.tokens / 1e6:,.0f} M tokens" if work.tokens else "-"
    return f"{stage:<{STAGE_WIDTH}} {work.texts + work.translated:>12,} texts {tokens:>16} {seconds / 3600:>8.1f} h"


def _faster(stages: list[StageProjection], rates: Rates, times: float) -> str:
    """Which rates would reach the goal: both alike, or the language model's alone where that is possible."""
    both = Rates(tflops=times * rates.tflops, translations_per_second=times * rates.translations_per_second)
    says = f"{GOAL_HOURS:g} hours would take {times:.1f} times both rates: {both}"
    translating = sum(stage.work.translated for stage in stages) / rates.translations_per_second
    left = GOAL_HOURS * 3600 - translating
    if left <= 0:
        return f"{says}; no speed of the language model alone would do, since translations take {translating / 3600:.1f} h"
    return f"{says}; or {sum(stage.flops for stage in stages) / left / 1e12:,.0f} TFLOP/s at the same translations/s"


def together_line(hours: float) -> str:
    """What all stages take, below their lines."""
    return f"{'together':<{STAGE_WIDTH}} {'':>35} {hours:>8.1f} h"
