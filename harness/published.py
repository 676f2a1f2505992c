"""Results that a paper's authors published as lm-eval wrote them: fetched, and read as they stand."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.judge.baselines import items_by_stderr, right_answers
from harness.sources.outcomes import keyed, write_outcomes
from harness.sources.pin_record import why
from harness.sources.pins import first_use, locate
from harness.statistics.finite import require_number
from harness.words.canonical import place_of_surrogate
from harness.words.errors import HarnessError, SettingError, UsageError
from harness.words.judgement import PublishedBaseline, PublishedRun, PublishedScore, PublishedSet
from harness.words.study import Home, Pin

RESULT_FILES = "*results_*.json"
"""Summaries of lm-eval runs; the sample files beside them are a thousand times larger."""


STDERR = "_stderr"


PRINTED_DIGITS = 5e-7
"""How far two spellings of one accuracy may lie apart."""


OUTCOMES = "outcomes"
"""Folder of the tables of single questions, below the output folder here and below the study's folder once committed."""


FILTERED = ("none", None)
"""Names of the filter whose answers count; lm-eval writes one line for each filter."""


@dataclass(frozen=True, kw_only=True)
class FetchedSet:
    """What became of one repository of results."""

    asked: PublishedSet
    runs: tuple[PublishedRun, ...] = ()
    revision: str | None = None
    why_missing: str | None = None
    """Why it cannot be had; None where it was fetched."""
    unreadable: tuple[str, ...] = ()
    """What is wrong with each results file that is no summary, and each run that is none; the others were read."""


@dataclass(frozen=True, kw_only=True)
class SampleTable:
    """What became of the sample file behind one fetched baseline."""

    baseline: PublishedBaseline
    """With its table of outcomes, where there is one."""
    why_missing: str | None = None


def fetched_set(asked: PublishedSet) -> FetchedSet:
    """One repository, fetched and read; one that cannot be had says why.

    Raises:
        SettingError: If nobody can be asked for anything.
    """
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
        return FetchedSet(asked=asked, why_missing=why(error, pin))
    found = [
        each for file in seen.files for each in _read(folder / file.path, asked, seen.revision, file.path)
    ]
    return FetchedSet(
        asked=asked,
        runs=tuple(each for each in found if isinstance(each, PublishedRun)),
        revision=seen.revision,
        unreadable=tuple(str(each) for each in found if isinstance(each, UsageError)),
    )


def _read(path: Path, asked: PublishedSet, revision: str, file: str) -> Iterator[PublishedRun | UsageError]:
    """The runs of one results file, and what is wrong with each that cannot be read, or with all of it."""
    try:
        content = _json_object(path.read_bytes(), f"{asked.address}/{file}", "a summary of lm-eval")
        yield from runs_in(content, asked, revision, file)
    except UsageError as error:
        yield error


def runs_in(
    content: Mapping[str, Any], asked: PublishedSet, revision: str, file: str
) -> Iterator[PublishedRun | UsageError]:
    """The runs of one results file; in the place of one that cannot be read, what is wrong with it.

    Raises:
        UsageError: If the file is not a summary of lm-eval.
    """
    place = f"{asked.address}/{file}"
    if broken := place_of_surrogate(content):
        raise UsageError(
            f"{place} holds half of a character (a lone surrogate) at {broken}; expected a summary of lm-eval"
        )
    if not isinstance(content.get("results"), dict):
        raise UsageError(f"{place} holds no results; expected a summary of lm-eval")
    for task in sorted(content["results"]):
        try:
            yield _run(content, asked, revision, file, task)
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            yield UsageError(
                f"{place}: run {task} has another shape ({error}); expected a summary of lm-eval"
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
        # The benchmark that a task of lm-eval's multilingual sets belongs to stands in its name.
        benchmark=asked.benchmark or task.removesuffix(f"_{asked.language}").removeprefix("m_"),
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
            yield _score(metric, float(value), values.get(f"{metric}{STDERR},{variant}"))


def _score(metric: str, value: float, stderr: object) -> PublishedScore:
    error = float(stderr) if isinstance(stderr, int | float) else None
    count = items_by_stderr(value, error) if error else None
    right = right_answers(value, count) if count else None
    return PublishedScore(
        metric=metric, value=value, stderr=error, items_by_stderr=count, right_answers=right
    )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def items_of(run: PublishedRun, score: PublishedScore) -> int | None:
    """Questions behind a score: as the file says, or else as its standard error implies."""
    return run.items or score.items_by_stderr


def sample_table(sets: Sequence[FetchedSet], baseline: PublishedBaseline, out: Path) -> SampleTable:
    """Fetch the sample file of a fetched baseline and write its table; one that cannot be had says why."""
    try:
        outcomes = _outcomes(_sample_file(sets, baseline), baseline)
    except HarnessError as error:
        return SampleTable(baseline=baseline, why_missing=str(error))
    name = f"{baseline.address.replace('/', '_')}_{baseline.run}_{baseline.metric}.csv"
    digest = write_outcomes(out / OUTCOMES / name, outcomes)
    return SampleTable(baseline=replace(baseline, outcomes=f"{OUTCOMES}/{name}", outcomes_sha256=digest))


def _sample_file(sets: Sequence[FetchedSet], baseline: PublishedBaseline) -> Path:
    fetched = next(each for each in sets if each.asked.address == baseline.address)
    pin = Pin(
        name=f"samples of {baseline.benchmark} in {baseline.language}, {baseline.run}",
        home=Home.HUB_DATASET,
        address=baseline.address,
        revision=fetched.revision,
        files=(f"*samples_*{baseline.run}.jsonl",),
        licence="not stated",
    )
    tasks = {run.task for run in fetched.runs if baseline.run in run.file}
    names = {f"samples_{task}_{baseline.run}.jsonl" for task in tasks}
    files = [
        path for path in sorted(locate(pin).rglob(f"samples_*{baseline.run}.jsonl")) if path.name in names
    ]
    if len(files) != 1:
        raise UsageError(
            f"{baseline.address} holds {len(files)} sample files of {', '.join(sorted(tasks))} at {baseline.run}; expected one"
        )
    return files[0]


def _outcomes(path: Path, baseline: PublishedBaseline) -> Mapping[str, bool]:
    """The outcomes behind a baseline, which must give its score again."""
    try:
        with path.open(encoding="utf-8") as lines:
            outcomes = outcomes_in(lines, baseline.metric)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path.name} is no text in UTF-8 (byte {error.start}), so no sample file"
        ) from error
    right = sum(outcomes.values()) / max(len(outcomes), 1)
    is_same = math.isclose(right, baseline.accuracy, rel_tol=0, abs_tol=PRINTED_DIGITS)
    if len(outcomes) != baseline.items or not is_same:
        raise UsageError(
            f"{path.name} has {len(outcomes):,} questions of which {right:.4f} are right, but the summary says "
            f"{baseline.accuracy:.4f} of {baseline.items:,}; they are not of one run"
        )
    return outcomes


def outcomes_in(lines: Iterator[str], metric: str) -> Mapping[str, bool]:
    """Outcome of every question of a sample file of lm-eval.

    Args:
        lines: One JSON object each.
        metric: Which score tells right from wrong.

    Raises:
        UsageError: If a line is no sample, or has no such score.
    """
    rows = []
    for number, line in enumerate(lines, start=1):
        place = f"line {number} of the sample file"
        sample = _json_object(line, place, "a sample of lm-eval")
        if place_of_surrogate(sample.get("doc_hash")):
            raise UsageError(f"{place} has half of a character for its doc_hash; expected text")
        if sample.get("filter") not in FILTERED:
            continue
        try:
            score = require_number(metric, float(sample[metric]))
            rows.append((int(sample["doc_id"]), str(sample["doc_hash"]), score))
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{place} has no usable doc_id, doc_hash and {metric}: {error}") from error
    return dict(keyed((digest, score) for _, digest, score in sorted(rows)))


def _json_object(text: bytes | str, place: str, expected: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{place} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{place} is no JSON object; expected {expected}")
    return content
