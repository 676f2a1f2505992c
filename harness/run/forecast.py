"""How long another world would take on the machine of a finished run: counted pace times assumed work."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.run.counting import StageWork
from harness.run.projection import StageProjection, items_at_most, phrases_at_most, projection
from harness.words.plan import Plan


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
    return Forecast(
        profile=asked.profile.name,
        phrases=phrases_at_most(asked),
        items_per_cell=items_at_most(asked),
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
        yield _stage_line(stage)
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


def _stage_line(stage: StageForecast) -> str:
    tokens = f"{stage.tokens / 1e6:,.0f} M tokens" if stage.tokens else "-"
    line = f"{stage.stage:<18} {stage.texts:>12,} texts {tokens:>16} {stage.seconds / 3600:>8.1f} h"
    if stage.tokens_per_text is None or stage.counted_tokens_per_text is None:
        return f"{line}  as long as the run's"
    return (
        f"{line}  {stage.tokens_per_text:,.1f} tokens a text (the run: {stage.counted_tokens_per_text:,.1f})"
    )
