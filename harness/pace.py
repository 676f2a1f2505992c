"""How fast a run was on its machine, by what it stored, and how long another world would take there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.designs.costs import FinishedRun
from harness.designs.design import plan
from harness.run.forecast import (
    Forecast,
    StageWork,
    forecast,
    forecast_lines,
    matmul_flops_per_second,
    stage_work,
)
from harness.sources.studies import load_profile, load_study
from harness.store.provenance import machine
from harness.store.run_folder import EXECUTION_FILE, REPORT_FILE, RunFolder, read_record
from harness.store.store import Store
from harness.words.errors import UsageError
from harness.words.mode import Mode
from harness.words.study import Profile


@dataclass(frozen=True, kw_only=True)
class StagePace:
    """What one stage of a run did in its time, counted in its artifacts."""

    work: StageWork
    wall_seconds: float
    texts_per_second: float | None
    """None where texts cannot be counted."""
    tokens_per_second: float | None
    """None where tokens cannot be counted."""
    flops_per_second: float | None
    """Useful operations of the language model's layers; None where they cannot be counted."""
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
    other: Forecast


def pace_of(run: Path, profile: str, store: Path) -> Pace:
    """The pace of a stored run, and the time that another profile of its study would take.

    Args:
        run: Folder of the run.
        profile: World whose time is asked for.
        store: Folder of the artifacts that the run names.

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
    study = load_study(str(record["study"]))
    ours, other = (
        plan(study, load_profile(study, name), "cuda") for name in (str(record["profile"]), profile)
    )
    costs = {str(row["stage"]): row for row in record["stages"]}
    finished = FinishedRun(plan=ours, folder=RunFolder(root=run), store=Store(store))
    stages = tuple(_paces(finished, costs))
    where = record["attempts"][-1]["machine"]
    return Pace(
        run=run.name,
        profile=ours.profile.name,
        machine=where,
        stages=stages,
        matmul_flops_per_second=_matmul(ours.profile, where),
        other=forecast(
            other,
            {stage.work.stage: stage.work for stage in stages},
            {stage.work.stage: stage.wall_seconds for stage in stages},
            real_texts=mode == Mode.FULL,
        ),
    )


def lines_of(pace: Pace, price_per_hour: float) -> Iterator[str]:
    """A pace for people."""
    where = pace.machine.get("accelerator") or pace.machine.get("processor")
    yield f"{pace.run} ({pace.profile} world) on {where}, counted in what it stored:"
    for stage in pace.stages:
        yield _stage_line(stage, pace.matmul_flops_per_second)
    if pace.matmul_flops_per_second:
        yield f"a large matrix product of the same dtype reaches {pace.matmul_flops_per_second / 1e12:.2f} TFLOP/s here"
    else:
        yield "this is another machine: the share of its matrix products' peak is not known here"
    yield from forecast_lines(pace.other, price_per_hour)


def _stage_line(stage: StagePace, matmul: float | None) -> str:
    work = stage.work
    memory = f"{stage.peak_memory_bytes / 2**30:.1f} GiB"
    if stage.peak_accelerator_bytes:
        memory += f" + {stage.peak_accelerator_bytes / 2**30:.1f} GiB of the accelerator"
    line = f"{work.stage:<18} {stage.wall_seconds:>9.1f} s  {memory}"
    if work.texts is not None and stage.texts_per_second is not None:
        line += f"  {work.texts:,} texts ({stage.texts_per_second:,.1f}/s)"
    if work.tokens is not None and stage.tokens_per_second is not None:
        line += f"  {work.tokens:,} tokens ({stage.tokens_per_second:,.0f}/s)"
    if stage.flops_per_second is not None:
        share = f", {100 * stage.flops_per_second / matmul:.1f} % of peak" if matmul else ""
        line += f"  {stage.flops_per_second / 1e12:.2f} TFLOP/s useful{share}"
    return f"{line}  not counted: {work.not_counted}" if work.not_counted else line


def _matmul(profile: Profile, where: Mapping[str, str | int | None]) -> float | None:
    """The peak of this machine, if it is the one that the run was made on."""
    here = machine()
    if any(here[name] != where.get(name) for name in ("host", "processor", "accelerator")):
        return None
    device = "cuda" if where.get("accelerator") else "cpu"
    return matmul_flops_per_second(device, profile.sizes.dtype, profile.sizes.threads)


def _paces(run: FinishedRun, costs: Mapping[str, Mapping[str, Any]]) -> Iterator[StagePace]:
    for stage in run.plan.stages:
        cost = costs.get(stage.name, {})
        took = float(cost.get("wall_seconds", 0.0))
        if took > 0:
            work = stage_work(run, stage)
            yield StagePace(
                work=work,
                wall_seconds=took,
                texts_per_second=_per_second(work.texts, took),
                tokens_per_second=_per_second(work.tokens, took),
                flops_per_second=_per_second(work.flops, took),
                peak_memory_bytes=int(cost.get("peak_memory_bytes", 0)),
                peak_accelerator_bytes=int(cost.get("peak_accelerator_bytes", 0)),
            )


def _per_second(amount: float | None, seconds: float) -> float | None:
    return None if amount is None else amount / seconds


def _record(run: Path, name: str, needed: set[str]) -> Mapping[str, Any]:
    content = read_record(run, name)
    if not isinstance(content, dict) or not needed <= content.keys():
        raise UsageError(f"{run / name} is no record of a run")
    return content
