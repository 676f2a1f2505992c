"""How fast a run was on its machine, by the work counted in it, and how long another world would take there.

Upper bounds and orders of magnitude, for whoever plans it. Nothing measured ever rests on any of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.designs.design import costs_of
from harness.designs.design import plan as draw
from harness.run.artifacts import STAGE_WIDTH
from harness.run.forecast import (
    Rates,
    StageProjection,
    projection,
    together_line,
    work_float32_flops,
    work_flops,
    work_line,
)
from harness.sources.studies import load_profile, load_study
from harness.store.provenance import machine
from harness.store.run_folder import EXECUTION_FILE, REPORT_FILE, read_record
from harness.words.errors import UsageError
from harness.words.mode import Mode
from harness.words.plan import Plan, Work
from harness.words.study import Profile, Shapes

SIDES = {"cuda": 8_192, "cpu": 1_536}
"""Rows and columns of the factors: large enough to fill the device, small enough for a second or two."""

SECONDS = 3.0
"""Products are repeated for so long, and the fastest counts, since whatever else the machine does only slows it down.

On a shared machine the best of the first five was anywhere from half the speed to all of it; the best of three seconds
stayed within a tenth.
"""


@dataclass(frozen=True, kw_only=True)
class StagePace:
    """What one stage of a run did in its time."""

    stage: str
    work: Work
    """As counted in its networks while it ran; what the run found in the store took it none."""
    flops: float
    """Useful operations of the language model's layers and of dictionaries; its head is left out."""
    float32_flops: float
    """Of these, those in float32."""
    wall_seconds: float
    peak_memory_bytes: int
    """The most memory that its process held."""
    peak_accelerator_bytes: int
    """The most accelerator memory that it set aside; 0 without one."""


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """What one stage of another world would take at a run's pace."""

    stage: str
    work: Work
    tokens_per_text: float | None = None
    """As assumed; None where the language model does not read."""
    counted_tokens_per_text: float | None = None
    """Of the run."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What another world would take at a run's pace, and what the answer leaves out."""

    profile: str
    assumed: tuple[str, ...]
    lengths_are_counted: bool
    """True where texts are assumed to be as long as the run's own, False where their length is a stated one."""
    stages: tuple[StageForecast, ...]
    left_out: Mapping[str, str]
    """Stages that cannot be told, and why."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """A run's pace, and what follows for another world."""

    run: str
    profile: str
    machine: Mapping[str, str | int | None]
    stages: tuple[StagePace, ...]
    matmul_flops_per_second: float | None
    """A large product of the run's own dtype on this machine, now; None where the run was made on another."""
    other: Forecast


def pace_of(run: Path, profile: str) -> Pace:
    """The pace of a stored run, and the time that another profile of its study would take.

    Args:
        run: Folder of the run.
        profile: World whose time is asked for.

    Raises:
        UsageError: If the folder holds no finished run, one of miniature networks, or the profile is unknown.
    """
    record = _record(run, EXECUTION_FILE, {"study", "profile", "stages", "attempts"})
    mode = _record(run, REPORT_FILE, {"mode"})["mode"]
    if mode == Mode.FIXTURE:
        raise UsageError(
            f"{run} is a {mode} run: its networks are not of the study's shapes, and its pace says nothing about theirs; "
            "name a run of the rehearsal profile"
        )
    if not all("work" in row for row in record["stages"]):
        raise UsageError(
            f"{run / EXECUTION_FILE} counts no work, as those of earlier versions do; run it again"
        )
    study = load_study(str(record["study"]))
    ours, other = (load_profile(study, name) for name in (str(record["profile"]), profile))
    dtype = ours.sizes.dtype
    stages = tuple(
        _stage_pace(study.shapes, row, dtype) for row in record["stages"] if row["wall_seconds"] > 0
    )
    places = [place for row in record["stages"] for place in row.get("ran_on", ())]
    # On a cluster, the machine of the command is not that of the stages.
    seen = {
        name: next((each[name] for each in places if each[name]), None) for name in ("host", "accelerator")
    }
    where = record["attempts"][-1]["machine"]
    if seen["host"] not in {None, where["host"]}:
        where = {**where, **seen}
    return Pace(
        run=run.name,
        profile=ours.name,
        machine=where,
        stages=stages,
        matmul_flops_per_second=_matmul(ours, where),
        other=forecast(
            draw(study, other, "cuda"),
            _as_foreseen(draw(study, ours, "cuda"), stages),
            real_texts=mode == Mode.FULL,
        ),
    )


def _as_foreseen(own: Plan, stages: Sequence[StagePace]) -> tuple[StagePace, ...]:
    """What each stage did, in layers as its plan counts them: one world is held against another in the same units."""
    foreseen = costs_of(own)
    if not foreseen.layers_stand_for_more:
        return tuple(stages)
    return tuple(_in_layers_of(own, stage, foreseen.work.get(stage.stage, Work())) for stage in stages)


def _in_layers_of(own: Plan, stage: StagePace, foreseen: Work) -> StagePace:
    per_token = foreseen.token_layers / foreseen.tokens if foreseen.tokens else 0.0
    work = replace(stage.work, token_layers=round(per_token * stage.work.tokens))
    shapes, dtype = own.study.shapes, own.profile.sizes.dtype
    return replace(
        stage,
        work=work,
        flops=work_flops(shapes, work),
        float32_flops=work_float32_flops(shapes, work, dtype),
    )


def _stage_pace(shapes: Shapes, row: Mapping[str, Any], dtype: str) -> StagePace:
    work = Work(**row["work"])
    return StagePace(
        stage=row["stage"],
        work=work,
        flops=work_flops(shapes, work),
        float32_flops=work_float32_flops(shapes, work, dtype),
        wall_seconds=row["wall_seconds"],
        peak_memory_bytes=row["peak_memory_bytes"],
        peak_accelerator_bytes=row["peak_accelerator_bytes"],
    )


def forecast(asked: Plan, stages: Sequence[StagePace], *, real_texts: bool) -> Forecast:
    """Time in proportion to what the model computes; where it does not run, in proportion to texts.

    Args:
        asked: The other world.
        stages: What each stage of the run did in its time.
        real_texts: True where the run's texts are real ones, whose lengths say what others' will be.
    """
    ours = {stage.stage: stage for stage in stages}
    left_out, foreseen = {}, []
    for stage in projection(asked, Rates()):
        if (done := ours.get(stage.stage)) is None:
            left_out[stage.stage] = "the run did not time it"
        elif done.work == Work():
            left_out[stage.stage] = "no network read anything in it"
        elif stage.work == Work():
            left_out[stage.stage] = "what it would read is not known beforehand"
        else:
            foreseen.append(_at_the_pace(stage, done, real_texts=real_texts))
    return Forecast(
        profile=asked.profile.name,
        assumed=costs_of(asked).assumed,
        lengths_are_counted=real_texts,
        stages=tuple(foreseen),
        left_out=left_out,
    )


def _at_the_pace(stage: StageProjection, done: StagePace, *, real_texts: bool) -> StageForecast:
    if not (stage.work.tokens and done.work.tokens):
        seconds = done.wall_seconds * stage.work.translated / done.work.translated
        return StageForecast(stage=stage.stage, work=stage.work, seconds=seconds)
    stated, own = stage.work.tokens / stage.work.texts, done.work.tokens / done.work.texts
    assumed = own if real_texts else stated
    # Runs of earlier versions counted nothing of dictionaries.
    uncounted = 0 if done.work.encoded else 2 * stage.work.encoded
    ours = Rates().seconds(done.flops, done.float32_flops)
    other = Rates().seconds(stage.flops - uncounted, stage.float32_flops - uncounted)
    return StageForecast(
        stage=stage.stage,
        work=replace(stage.work, tokens=round(stage.work.texts * assumed)),
        tokens_per_text=assumed,
        counted_tokens_per_text=own,
        # Operations, since training passes a token more dearly than reading does, and those in float32 are slower.
        seconds=done.wall_seconds * (other / ours) * (assumed / stated),
    )


def lines_of(pace: Pace, price_per_hour: float) -> Iterator[str]:
    """A pace for people."""
    where = pace.machine.get("accelerator") or pace.machine.get("processor")
    yield f"{pace.run} ({pace.profile} world) on {where}, counted while it ran:"
    for stage in pace.stages:
        yield _stage_line(stage, pace.matmul_flops_per_second)
    if pace.matmul_flops_per_second:
        yield f"a large matrix product of the same dtype reaches {pace.matmul_flops_per_second / 1e12:.2f} TFLOP/s here"
    else:
        yield "this is another machine: the share of its matrix products' peak is not known here"
    yield from forecast_lines(pace.other, price_per_hour)


def _stage_line(stage: StagePace, matmul: float | None) -> str:
    work, took = stage.work, stage.wall_seconds
    line = f"{stage.stage:<{STAGE_WIDTH}} {took:>9.1f} s  {stage.peak_memory_bytes / 2**30:.1f} GiB"
    if stage.peak_accelerator_bytes:
        line += f" + {stage.peak_accelerator_bytes / 2**30:.1f} GiB of the accelerator"
    if work.translated:
        line += f"  {work.translated:,} texts translated ({work.translated / took:,.1f}/s)"
    if work.tokens:
        share = f", {100 * stage.flops / took / matmul:.1f} % of peak" if matmul else ""
        line += f"  {work.texts:,} texts ({work.texts / took:,.1f}/s)  {work.tokens:,} tokens ({work.tokens / took:,.0f}/s)"
        line += f"  {stage.flops / took / 1e12:.2f} TFLOP/s useful{share}"
    return line


def forecast_lines(told: Forecast, price_per_hour: float) -> Iterator[str]:
    """A forecast for people, its assumptions first."""
    yield f"the {told.profile} world at this pace, what a stage spends on loading scaled as well; assumed, not counted:"
    for sentence in told.assumed:
        yield f"  {sentence}"
    whose = "the run's own" if told.lengths_are_counted else "stated ones, since the run's texts are made up"
    yield f"  lengths of texts: {whose}"
    for stage in told.stages:
        line = work_line(stage.stage, stage.work, stage.seconds)
        if stage.tokens_per_text is not None:
            line += f"  {stage.tokens_per_text:,.1f} tokens a text (the run: {stage.counted_tokens_per_text:,.1f})"
        yield line
    hours = sum(stage.seconds for stage in told.stages) / 3600
    yield together_line(hours)
    for name, why in told.left_out.items():
        yield f"{name:<{STAGE_WIDTH}} not in the sum: {why}"
    if price_per_hour:
        yield f"at {price_per_hour:g} an hour: {hours * price_per_hour:,.0f}"


def _matmul(profile: Profile, where: Mapping[str, str | int | None]) -> float | None:
    """The peak of this machine, if it is the one that the run was made on."""
    here = machine()
    if any(here[name] != where.get(name) for name in ("host", "processor", "accelerator")):
        return None
    device = "cuda" if where.get("accelerator") else "cpu"
    return matmul_flops_per_second(device, profile.sizes.dtype, profile.sizes.threads)


def matmul_flops_per_second(device: str, dtype: str, threads: int) -> float:
    """Floating-point operations a second of a square product at its best, without TF32.

    Args:
        device: "cpu" or "cuda".
        dtype: Name of torch's dtype, as a profile's sizes spell it.
        threads: Processor threads; a run is held to as many as it had.
    """
    import torch
    from torch.utils.benchmark import Timer

    torch.backends.cuda.matmul.allow_tf32 = False
    side = SIDES[device]
    factor = torch.ones(side, side, dtype=getattr(torch, dtype), device=device)
    timer = Timer("mm(factor, factor)", globals={"mm": torch.mm, "factor": factor}, num_threads=threads)
    return 2 * side**3 / min(timer.blocked_autorange(min_run_time=SECONDS).times)


def _record(run: Path, name: str, needed: set[str]) -> Mapping[str, Any]:
    content = read_record(run, name)
    if not isinstance(content, dict) or not needed <= content.keys():
        raise UsageError(f"{run / name} is no record of a run")
    return content
