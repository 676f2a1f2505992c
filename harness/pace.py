"""How fast a run was on its machine, and how long another world would take there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.run.projection import StageProjection, model_parameters, projection, scaled, spoken_stages
from harness.supply.studies import load_profile, load_study
from harness.tools.mode import Mode
from harness.words.failures import UsageError
from harness.words.items import Plan
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


@dataclass(frozen=True, kw_only=True)
class Pace:
    """A run's pace, and what follows for another world."""

    run: str
    profile: str
    machine: Mapping[str, str | int | None]
    stages: tuple[StagePace, ...]
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
    seconds = {str(row["stage"]): float(row["wall_seconds"]) for row in record["stages"]}
    return Pace(
        run=run.name,
        profile=ours.profile.name,
        machine=record["attempts"][-1]["machine"],
        stages=tuple(_paces(ours, seconds)),
        other_profile=profile,
        other=scaled(other, ours, seconds),
    )


def lines_of(pace: Pace, price_per_hour: float) -> Iterator[str]:
    """A pace for people."""
    yield f"{pace.run} ({pace.profile} world) on {pace.machine.get('accelerator') or pace.machine.get('processor')}:"
    for stage in pace.stages:
        useful = f"{stage.flops_per_second / 1e12:8.2f} TFLOP/s useful" if stage.flops_per_second else ""
        yield f"{stage.stage:<18} {stage.wall_seconds:>9.1f} s {stage.tokens_per_second:>12,.0f} tokens/s {useful}".rstrip()
    yield f"the {pace.other_profile} world at this pace:"
    yield from spoken_stages(pace.other)
    if price_per_hour:
        hours = sum(stage.seconds for stage in pace.other) / 3600
        yield f"at {price_per_hour:g} an hour: {hours * price_per_hour:,.0f}"


def _paces(ours: Plan, seconds: Mapping[str, float]) -> Iterator[StagePace]:
    parameters = model_parameters(ours.study.shapes)
    for stage in projection(ours):
        took = seconds.get(stage.stage, 0.0)
        if took > 0:
            per_second = stage.tokens / took
            yield StagePace(
                stage=stage.stage,
                wall_seconds=took,
                tokens_at_most=stage.tokens,
                tokens_per_second=per_second,
                flops_per_second=2 * parameters * per_second,
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
