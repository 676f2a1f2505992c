"""The authors' published results: fetched, and read as they stand; no target comes from here."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judge.scoring import items_by_stderr, right_answers
from harness.sources.pins import first_use, locate
from harness.store.files import write_json
from harness.words.canonical import place_of_surrogate, plain
from harness.words.errors import HarnessError, SettingError, UsageError
from harness.words.judgement import PublishedRun, PublishedScore, PublishedSet
from harness.words.study import Home, Pin

RESULT_FILES = "*results_*.json"
"""Summaries of lm-eval runs; the sample files beside them are a thousand times larger."""

STDERR = "_stderr"


@dataclass(frozen=True, kw_only=True)
class Read:
    """What became of one repository of results."""

    asked: PublishedSet
    runs: tuple[PublishedRun, ...] = ()
    revision: str | None = None
    why_missing: str | None = None
    """Why it cannot be had; None where it was fetched."""
    unreadable: tuple[str, ...] = ()
    """What is wrong with each results file that is no summary, and each run that is none; the others were read."""

    @property
    def has_moved(self) -> bool:
        """True when somebody saw another commit than the one that was fetched."""
        seen = self.asked.seen_revision
        return bool(seen and self.revision and not self.revision.startswith(seen))


def read_published(sets: Sequence[PublishedSet]) -> tuple[Read, ...]:
    """Every repository, fetched and read; one that cannot be had says why, and stops no other."""
    return tuple(_read(asked) for asked in sets)


def write_published(found: Sequence[Read], settled: object, out: Path) -> Path:
    """Write everything that was read, and what follows from it, as one JSON file."""
    path = out / "authors.json"
    content = {"sets": plain(found), "settled": plain(settled)}
    write_json(path, plain(content))
    return path


def closing_lines(found: Sequence[Read]) -> Iterator[str]:
    """What was found, for people."""
    for each in found:
        yield from map(_run_line, each.runs)
        yield from (f"  unreadable: {why}" for why in each.unreadable)
        if each.has_moved:
            yield f"  note: {each.asked.address} is at {each.revision}, {each.asked.seen_revision} was seen before"
    missing = [each for each in found if each.why_missing]
    yield f"{sum(len(each.runs) for each in found)} runs of {len(found) - len(missing)} result sets; {len(missing)} sets are missing"
    for each in missing:
        yield f"  missing: {each.asked.address}: {each.why_missing}"


def runs_in(
    content: Mapping[str, Any], asked: PublishedSet, revision: str, file: str
) -> Iterator[PublishedRun | UsageError]:
    """The runs of one results file; in the place of one that cannot be read, what is wrong with it.

    Raises:
        UsageError: If the file is not a summary of lm-eval.
    """
    if not isinstance(content.get("results"), dict):
        raise UsageError(f"{asked.address}/{file} holds no results; expected a summary of lm-eval")
    for task in sorted(content["results"]):
        try:
            yield _run(content, asked, revision, file, task)
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            yield UsageError(
                f"{asked.address}/{file}: run {task} has another shape ({error}); expected a summary of lm-eval"
            )


def _run(
    content: Mapping[str, Any], asked: PublishedSet, revision: str, file: str, task: str
) -> PublishedRun:
    config = content.get("config") or {}
    samples, shots = content.get("n-samples") or {}, content.get("n-shot") or {}
    return PublishedRun(
        address=asked.address,
        revision=revision,
        file=file,
        task=task,
        benchmark=asked.benchmark or benchmark_of(task, asked.language),
        language=asked.language,
        questions=asked.questions,
        tuned=asked.tuned,
        model=str(config.get("model_args") or content.get("model_name") or "not said"),
        shots=_whole(shots.get(task)),
        items=_whole((samples.get(task) or {}).get("effective")),
        limit=None if config.get("limit") is None else str(config["limit"]),
        batch_size=None if config.get("batch_size") is None else str(config["batch_size"]),
        scores=tuple(_scores(content["results"][task])),
    )


def benchmark_of(task: str, language: str) -> str:
    """The benchmark that a task of lm-eval's multilingual sets belongs to, by its name."""
    return task.removesuffix(f"_{language}").removeprefix("m_")


def _read(asked: PublishedSet) -> Read:
    pin = Pin(
        name=f"results of {asked.benchmark or 'some benchmark'} in {asked.language}",
        home=Home.HUB_DATASET,
        address=asked.address,
        files=(RESULT_FILES,),
        licence="not stated",
    )
    try:
        folder, seen = locate(pin), first_use(pin)
    except SettingError:
        raise
    except HarnessError as error:
        return Read(asked=asked, why_missing=str(error))
    runs, unreadable = list[PublishedRun](), list[str]()
    for path in (file.path for file in seen.files):
        try:
            content = _json(folder / path, f"{asked.address}/{path}")
            for run in runs_in(content, asked, seen.revision, path):
                if isinstance(run, UsageError):
                    unreadable.append(str(run))
                else:
                    runs.append(run)
        except UsageError as error:
            unreadable.append(str(error))
    return Read(asked=asked, runs=tuple(runs), revision=seen.revision, unreadable=tuple(unreadable))


def _json(path: Path, place: str) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{place} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{place} holds no JSON object; expected a summary of lm-eval")
    if broken := place_of_surrogate(content):
        raise UsageError(
            f"{place} holds half of a character (a lone surrogate) at {broken}; expected a summary of lm-eval"
        )
    return content


def _scores(values: Mapping[str, Any]) -> Iterator[PublishedScore]:
    """Metrics as "acc,none", with their standard errors as "acc_stderr,none".

    Raises:
        ValueError: If one is a number that is none; such a run broke.
    """
    for name, value in sorted(values.items()):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
        metric, _, variant = name.partition(",")
        if isinstance(value, int | float) and variant and not metric.endswith(STDERR):
            stderr = values.get(f"{metric}{STDERR},{variant}")
            stderr = float(stderr) if isinstance(stderr, int | float) else None
            count = items_by_stderr(float(value), stderr) if stderr else None
            yield PublishedScore(
                metric=metric,
                value=float(value),
                stderr=stderr,
                items_by_stderr=count,
                right_answers=right_answers(float(value), count) if count else None,
            )


def items_of(run: PublishedRun, score: PublishedScore) -> int | None:
    """Questions behind a score: as the file says, or else as its standard error implies."""
    return run.items or score.items_by_stderr


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _run_line(run: PublishedRun) -> str:
    shots = "shots not said" if run.shots is None else f"{run.shots} shots"
    scores = ", ".join(f"{score.metric} {score.value:.4f}{_counted(run, score)}" for score in run.scores)
    return f"{run.task:<16} {run.tuned or 'untouched':<10} {shots:<15} {scores}  [{run.address}]"


def _counted(run: PublishedRun, score: PublishedScore) -> str:
    if score.items_by_stderr is None:
        return ""
    differs = run.items is not None and run.items != score.items_by_stderr
    said = f", but the file says {run.items}" if differs else ""
    return f" (n {score.items_by_stderr:,} by its error{said})"
