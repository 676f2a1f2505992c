"""What a run would take and could decide, what a finished one did take, and how long another world would take on its machine.

Before a run, upper bounds and orders of magnitude from sizes and stated rates, for whoever plans it; afterwards the work
that its artifacts tell, whose pace takes the place of the stated rates. Nothing measured ever rests on any of it.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from harness.designs.costs import FinishedRun, NotCountedError, Reading, Work
from harness.designs.design import costs_of, counters_of
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import claims_of
from harness.words.judgement import Prospect
from harness.words.plan import Plan, Stage
from harness.words.study import Home, Profile, Shapes, Study

if TYPE_CHECKING:
    import torch

OVER_WIDTH = 4.0
"""Width of an MLP over that of the residual stream."""

WORKING_BYTES = 456
"""What a batch takes per position and dimension, as stated: 8 GiB for 8,192 positions of a model that is 2,304 wide."""

SIDES = {"cuda": 8_192, "cpu": 1_536}
"""Rows and columns of the factors: large enough to fill the device, small enough for a second or two."""

SECONDS = 3.0
"""Products are repeated for so long, and the fastest counts, since whatever else the machine does only slows it down.

On a shared machine the best of the first five was anywhere from half the speed to all of it; the best of three seconds
stayed within a tenth.
"""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a machine does, as stated or as measured."""

    model_flops_per_second: float
    """Useful floating-point operations of the language model, all passes."""
    translations_per_second: float
    says: str


STATED = Rates(
    model_flops_per_second=150e12,
    translations_per_second=150.0,
    says="150 TFLOP/s of useful bfloat16 work (15 % of an H100's peak), 150 beam translations/s",
)


@dataclass(frozen=True, kw_only=True)
class StageProjection:
    """What one stage would take at most."""

    stage: str
    items: int
    texts: int
    tokens: int
    """Positions that the language model passes, all items together."""
    flops: float
    """Useful operations of the language model's layers on them; 0 where it does not run."""
    seconds: float


def projection(plan: Plan, rates: Rates = STATED) -> tuple[StageProjection, ...]:
    """Every stage of a plan, in order."""
    readings = costs_of(plan).readings
    return tuple(
        _projected(plan, readings.get(stage.name, Reading(texts=0)), stage, rates) for stage in plan.stages
    )


def outlook(study: Study, profile: Profile) -> tuple[Prospect, ...]:
    """Which claims of a study could be decided at the size of a profile.

    Raises:
        UsageError: If its claims cannot be used.
    """
    return prospects(claims_of(study), profile.sizes, estimate_scopes(study), len(study.targets))


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


def _projected(plan: Plan, reading: Reading, stage: Stage, rates: Rates) -> StageProjection:
    items = len(stage.items)
    texts = reading.texts * items
    tokens = texts * reading.tokens_per_text
    flops = layers_flops(plan.study.shapes, tokens * reading.layers)
    seconds = (
        texts / rates.translations_per_second
        if reading.is_translated
        else flops / rates.model_flops_per_second
    )
    return StageProjection(
        stage=stage.name, items=items, texts=texts, tokens=tokens, flops=flops, seconds=seconds
    )


def spoken(plan: Plan, rates: Rates = STATED) -> Iterator[str]:
    """The projection for people; nothing for a world of committed folders, whose time is known in minutes."""
    if all(pin.home is Home.FOLDER for pin in plan.profile.sources.pins()):
        return
    yield f"projected, at most {costs_of(plan).phrases:,} phrases, at {rates.says}:"
    stages = [stage for stage in projection(plan, rates) if stage.texts]
    for stage in stages:
        tokens = f"{stage.tokens / 1e6:,.0f} M tokens" if stage.tokens else "-"
        yield f"{stage.stage:<18} {stage.texts:>12,} texts {tokens:>16} {stage.seconds / 3600:>8.1f} h"
    yield f"{'together':<18} {'':>35} {sum(stage.seconds for stage in stages) / 3600:>8.1f} h"


@dataclass(frozen=True, kw_only=True)
class StageWork:
    """What one stage of a run read, as far as it can be counted."""

    stage: str
    items: int
    """Items that the run made; what it found in the store took it no time, and is not counted."""
    texts: int | None = None
    tokens: int | None = None
    flops: float | None = None
    """Useful operations of the language model's layers; its head and the dictionaries are left out."""
    not_counted: str = ""
    """What is not counted and why; empty where all is."""


def stage_work(run: FinishedRun, stage: Stage) -> StageWork:
    """The counted work of one stage."""
    made = run.made(stage.name)
    nothing = StageWork(stage=stage.name, items=len(made), not_counted="no network runs in it")
    if not stage.uses_model:
        return nothing
    try:
        work = _counted(run, stage.name, made)
    except NotCountedError as why:
        return StageWork(stage=stage.name, items=len(made), not_counted=str(why))
    return StageWork(
        stage=stage.name,
        items=len(made),
        texts=work.texts,
        tokens=work.tokens,
        flops=None if work.token_layers is None else layers_flops(run.plan.study.shapes, work.token_layers),
        not_counted="" if work.tokens is not None else "tokens of the translators are not stored",
    )


def _counted(run: FinishedRun, stage: str, made: tuple[str, ...]) -> Work:
    counters = counters_of(run.plan.study)
    if stage not in counters:
        raise NotCountedError("it stores no count of what it read")
    if not made:
        raise NotCountedError("this run found all of its items in the store, and made none")
    return reduce(Work.__add__, (counters[stage](run, name) for name in made))


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """What one stage of another world would take at a run's pace."""

    stage: str
    texts: int
    tokens: int | None
    """None where the language model does not read."""
    tokens_per_text: float | None
    """As assumed."""
    counted_tokens_per_text: float | None
    """Of the run."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What another world would take at a run's pace, and what the answer leaves out."""

    profile: str
    phrases: int
    """Distinct phrases that are assumed: as many as the sizes allow."""
    items_per_cell: int
    """Items of one benchmark in one language that are assumed."""
    lengths_are_counted: bool
    """True where texts are assumed to be as long as the run's own, False where their length is a stated one."""
    stages: tuple[StageForecast, ...]
    left_out: Mapping[str, str]
    """Stages that cannot be told, and why."""


def forecast(
    asked: Plan, work: Mapping[str, StageWork], seconds: Mapping[str, float], *, real_texts: bool
) -> Forecast:
    """Time in proportion to what the model computes; where it does not run, in proportion to texts.

    Args:
        asked: The other world.
        work: What each stage of the run read, counted.
        seconds: Wall seconds that each stage of the run took.
        real_texts: True where the run's texts are real ones, whose lengths say what others' will be.
    """
    left_out, stages = {}, []
    for stage in projection(asked):
        done, took = work.get(stage.stage), seconds.get(stage.stage, 0.0)
        if why := _why_not(stage, done, took):
            left_out[stage.stage] = why
        elif done:
            stages.append(_at_the_pace(stage, done, took, real_texts=real_texts))
    most = costs_of(asked)
    return Forecast(
        profile=asked.profile.name,
        phrases=most.phrases,
        items_per_cell=most.items_per_cell,
        lengths_are_counted=real_texts,
        stages=tuple(stages),
        left_out=left_out,
    )


def forecast_lines(told: Forecast, price_per_hour: float) -> Iterator[str]:
    """A forecast for people, its assumptions first."""
    yield f"the {told.profile} world at this pace, what a stage spends on loading scaled as well; assumed, not counted:"
    yield (
        f"  {told.phrases:,} phrases, the most that its sizes allow; {told.items_per_cell:,} items of every benchmark "
        "in every language"
    )
    whose = "the run's own" if told.lengths_are_counted else "stated ones, since the run's texts are made up"
    yield f"  lengths of texts: {whose}"
    for stage in told.stages:
        yield _forecast_line(stage)
    hours = sum(stage.seconds for stage in told.stages) / 3600
    yield f"{'together':<18} {'':>35} {hours:>8.1f} h"
    for name, why in told.left_out.items():
        yield f"{name:<18} not in the sum: {why}"
    if price_per_hour:
        yield f"at {price_per_hour:g} an hour: {hours * price_per_hour:,.0f}"


def _why_not(stage: StageProjection, done: StageWork | None, took: float) -> str:
    """Why a stage cannot be told; empty where it can."""
    if done is None or not took:
        return "the run did not time it"
    if done.texts is None:
        return f"not counted, since {done.not_counted}"
    if not done.texts:
        return "the run read no text in it"
    return "" if stage.texts else "what it would read is not known beforehand"


def _at_the_pace(stage: StageProjection, done: StageWork, took: float, *, real_texts: bool) -> StageForecast:
    assert done.texts
    if not (stage.tokens and done.tokens and done.flops):
        return StageForecast(
            stage=stage.stage,
            texts=stage.texts,
            tokens=None,
            tokens_per_text=None,
            counted_tokens_per_text=None,
            seconds=took * stage.texts / done.texts,
        )
    stated, own = stage.tokens / stage.texts, done.tokens / done.texts
    assumed = own if real_texts else stated
    return StageForecast(
        stage=stage.stage,
        texts=stage.texts,
        tokens=round(stage.texts * assumed),
        tokens_per_text=assumed,
        counted_tokens_per_text=own,
        # Operations, since training passes a token more dearly than reading does.
        seconds=took * stage.flops * (assumed / stated) / done.flops,
    )


def _forecast_line(stage: StageForecast) -> str:
    tokens = f"{stage.tokens / 1e6:,.0f} M tokens" if stage.tokens else "-"
    line = f"{stage.stage:<18} {stage.texts:>12,} texts {tokens:>16} {stage.seconds / 3600:>8.1f} h"
    if stage.tokens_per_text is None or stage.counted_tokens_per_text is None:
        return f"{line}  as long as the run's"
    return (
        f"{line}  {stage.tokens_per_text:,.1f} tokens a text (the run: {stage.counted_tokens_per_text:,.1f})"
    )


def matmul_flops_per_second(device: str, dtype: str, threads: int) -> float:
    """Floating-point operations a second of a square product at its best, without TF32.

    Args:
        device: "cpu" or "cuda".
        dtype: Name of torch's dtype, as a profile's sizes spell it.
        threads: Processor threads; a run is held to as many as it had.
    """
    import torch

    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    side = SIDES[device]
    factor = torch.ones(side, side, dtype=getattr(torch, dtype), device=device)
    torch.mm(factor, factor)
    fastest, start = _seconds_of_a_product(factor), time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        fastest = min(fastest, _seconds_of_a_product(factor))
    return 2 * side**3 / fastest


def _seconds_of_a_product(factor: "torch.Tensor") -> float:
    import torch

    if factor.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    torch.mm(factor, factor)
    if factor.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start
