"""How fast a run was on its machine, and how long another world would take there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.run.projection import StageProjection, projection, scaled, spoken_stages
from harness.supply.provenance import machine
from harness.supply.speed import matmul_flops_per_second
from harness.supply.studies import load_profile, load_study
from harness.tools.mode import Mode
from harness.words.failures import UsageError
from harness.words.items import Plan
from harness.words.study import Profile
from harness.works.pipeline import plan

EXECUTION = "execution.json"
"""What a run keeps of its clock and its machine."""

REPORT = "report.json"


@dataclass(frozen=True, kw_only=True)
class StagePace:
    """What one stage of a run did in its time."""

    stage: str
    wall_seconds: float
    tokens_at_most: int
    """Positions that the stage's sizes allow; a rehearsal comes close to them."""
    tokens_per_second: float
    flops_per_second: float
    """Useful operations of the language model; 0 where it did not run."""
    peak_memory_bytes: int
    """The most memory that its process held."""
    peak_accelerator_bytes: int
    """The most accelerator memory that it set aside; 0 without one."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """A run's pace, and what follows for another world."""

    run: str
    profile: str
    machine: Mapping[str, str | int | None]
    stages: tuple[StagePace, ...]
    matmul_flops_per_second: float | None
    """A large product of the run's own dtype on this machine, now; None where the run was made on another."""
    other_profile: str
    other: tuple[StageProjection, ...]
    """Stages of the other world on this machine; those that the run did not time are left out."""


def pace_of(run: Path, profile: str) -> Pace:
    """The pace of a stored run, and the time that another profile of its study would take.

    Raises:
        UsageError: If the folder holds no finished run, one of miniature networks, or the profile is unknown.
    """
    record = _record(run, EXECUTION, {"study", "profile", "stages", "attempts"})
    mode = _record(run, REPORT, {"mode"})["mode"]
    if mode == Mode.FIXTURE:
        raise UsageError(
            f"{run} is a {mode} run: its networks are not of the study's shapes, and its pace says nothing about theirs; "
            "name a run of the rehearsal profile"
        )
    study = load_study(str(record["study"]))
    ours, other = (
        plan(study, load_profile(study, name), "cuda") for name in (str(record["profile"]), profile)
    )
    costs = {str(row["stage"]): row for row in record["stages"]}
    seconds = {stage: float(row["wall_seconds"]) for stage, row in costs.items()}
    where = record["attempts"][-1]["machine"]
    return Pace(
        run=run.name,
        profile=ours.profile.name,
        machine=where,
        stages=tuple(_paces(ours, costs)),
        matmul_flops_per_second=_matmul(ours.profile, where),
        other_profile=profile,
        other=scaled(other, ours, seconds),
    )


def lines_of(pace: Pace, price_per_hour: float) -> Iterator[str]:
    """A pace for people."""
    yield f"{pace.run} ({pace.profile} world) on {pace.machine.get('accelerator') or pace.machine.get('processor')}:"
    for stage in pace.stages:
        yield _stage_line(stage, pace.matmul_flops_per_second)
    if pace.matmul_flops_per_second:
        yield f"a large matrix product of the same dtype reaches {pace.matmul_flops_per_second / 1e12:.2f} TFLOP/s here"
    else:
        yield "this is another machine: the share of its matrix products' peak is not known here"
    yield f"the {pace.other_profile} world at this pace, at most, since what a stage spends on loading is scaled as well:"
    yield from spoken_stages(pace.other)
    if price_per_hour:
        hours = sum(stage.seconds for stage in pace.other) / 3600
        yield f"at {price_per_hour:g} an hour: {hours * price_per_hour:,.0f}"


def _stage_line(stage: StagePace, matmul: float | None) -> str:
    share = f", {100 * stage.flops_per_second / matmul:.1f} % of peak" if matmul else ""
    useful = f"{stage.flops_per_second / 1e12:8.2f} TFLOP/s useful{share}" if stage.flops_per_second else ""
    memory = f"{stage.peak_memory_bytes / 2**30:.1f} GiB"
    if stage.peak_accelerator_bytes:
        memory += f" + {stage.peak_accelerator_bytes / 2**30:.1f} GiB of the accelerator"
    return f"{stage.stage:<18} {stage.wall_seconds:>9.1f} s {stage.tokens_per_second:>12,.0f} tokens/s  {memory} {useful}".rstrip()


def _matmul(profile: Profile, where: Mapping[str, str | int | None]) -> float | None:
    """The peak of this machine, if it is the one that the run was made on."""
    here = machine()
    if any(here[name] != where.get(name) for name in ("host", "processor", "accelerator")):
        return None
    device = "cuda" if where.get("accelerator") else "cpu"
    return matmul_flops_per_second(device, profile.sizes.dtype, profile.sizes.threads)


def _paces(ours: Plan, costs: Mapping[str, Mapping[str, Any]]) -> Iterator[StagePace]:
    for stage in projection(ours):
        cost = costs.get(stage.stage, {})
        took = float(cost.get("wall_seconds", 0.0))
        if took > 0:
            yield StagePace(
                stage=stage.stage,
                wall_seconds=took,
                tokens_at_most=stage.tokens,
                tokens_per_second=stage.tokens / took,
                flops_per_second=stage.flops / took,
                peak_memory_bytes=int(cost.get("peak_memory_bytes", 0)),
                peak_accelerator_bytes=int(cost.get("peak_accelerator_bytes", 0)),
            )


def _record(run: Path, name: str, needed: set[str]) -> Mapping[str, Any]:
    try:
        content = json.loads((run / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"{run} holds no {name}; name the folder of a finished run, one of reports/"
        ) from error
    except ValueError as error:
        raise UsageError(f"{run / name} is no JSON ({error})") from error
    if not isinstance(content, dict) or not needed <= content.keys():
        raise UsageError(f"{run / name} is no record of a run")
    return content
