"""Results that a paper's authors published as lm-eval wrote them: fetched, read, and held against what the study registers.

A person may commit what is found: a value becomes part of the study by a commit, and an amendment of the lock. Nothing is
written here but the report of it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from itertools import product
from pathlib import Path, PurePath
from typing import Any

from harness.exchange.answers import json_object
from harness.exchange.lm_eval import UNFILTERED
from harness.judge.arithmetic import Match, PrintedChange, matches, printed_changes
from harness.judge.baselines import items_by_stderr, keyed, right_answers, write_outcomes
from harness.judge.validate import load_claims
from harness.sources.pins import first_use, locate, why
from harness.sources.studies import load_protocol_of, load_study
from harness.statistics.finite import require_number
from harness.store.files import write_json
from harness.words.canonical import place_of_surrogate, plain
from harness.words.errors import HarnessError, SettingError, UsageError
from harness.words.judgement import PublishedBaseline, PublishedRun, PublishedScore, PublishedSet
from harness.words.study import Benchmark, Home, Pin, Study

RESULT_FILES = "*results_*.json"
"""Summaries of lm-eval runs; the sample files beside them are a thousand times larger."""


STDERR = "_stderr"


PRINTED_DIGITS = 5e-7
"""How far two spellings of one accuracy may lie apart."""


OUTCOMES = "outcomes"
"""Folder of the tables of single questions, below the output folder here and below the study's folder once committed."""


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
        content = json_object(path.read_bytes(), f"{asked.address}/{file}", "a summary of lm-eval")
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
            stderr = values.get(f"{metric}{STDERR},{variant}")
            error = float(stderr) if isinstance(stderr, int | float) else None
            count = items_by_stderr(float(value), error) if error else None
            yield PublishedScore(
                metric=metric,
                value=float(value),
                stderr=error,
                items_by_stderr=count,
                right_answers=right_answers(float(value), count) if count else None,
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
        sample = json_object(line, place, "a sample of lm-eval")
        if place_of_surrogate(sample.get("doc_hash")):
            raise UsageError(f"{place} has half of a character for its doc_hash; expected text")
        if sample.get("filter") not in UNFILTERED:
            continue
        try:
            score = require_number(metric, float(sample[metric]))
            rows.append((int(sample["doc_id"]), str(sample["doc_hash"]), score))
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{place} has no usable doc_id, doc_hash and {metric}: {error}") from error
    return dict(keyed((digest, score) for _, digest, score in sorted(rows)))


# Held against what is registered


METRICS = ("acc", "acc_norm")
"""Metrics that the baseline gate knows."""

COMMIT_DIGITS = 7


class Standing(StrEnum):
    """How a fetched baseline stands to the committed ones."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NEW = "new"
    NOT_FETCHED = "not-fetched"


@dataclass(frozen=True, kw_only=True)
class BaselineStanding:
    """One cell under one metric: what is committed, what was fetched, and how they stand to each other."""

    standing: Standing
    fetched: PublishedBaseline | None = None
    committed: PublishedBaseline | None = None


@dataclass(frozen=True, kw_only=True)
class ShotsFound:
    """Examples in the prompt that the untouched runs of one benchmark say they had."""

    benchmark: str
    registered: int
    said: tuple[tuple[str, int], ...]
    """Language and number, once for each pair that occurs."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of a published change: right answers of so many questions, where whole numbers give the score."""

    address: str
    file: str
    tuned: str | None
    items: int | None
    """None where neither the file nor a standard error says."""
    right: int | None
    accuracy: float

    @property
    def exact(self) -> Fraction:
        """The accuracy as whole numbers give it, or else as it is printed."""
        if self.right is None or not self.items:
            return Fraction(repr(self.accuracy))
        return Fraction(self.right, self.items)

    def __str__(self) -> str:
        """Right answers of questions, as far as they are known."""
        right = f"{100 * self.accuracy:.2f} %" if self.right is None else f"{self.right:,}"
        return f"{right} of {self.items:,}" if self.items else right


@dataclass(frozen=True, kw_only=True)
class PublishedPair:
    """An untouched and a tuned run of one benchmark and language, and which printed changes they can be."""

    benchmark: str
    language: str
    metric: str
    before: Arm
    after: Arm
    points: float
    relative_percent: float | None
    """None where nothing was right before."""
    can_be: tuple[Match, ...]

    @property
    def has_same_items(self) -> bool:
        """Whether both answered as many questions; another number of them is another set."""
        return self.before.items is not None and self.before.items == self.after.items


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that the fetched results say of what is registered."""

    baselines: tuple[BaselineStanding, ...]
    shots: tuple[ShotsFound, ...]
    printed: tuple[PrintedChange, ...]
    pairs: tuple[PublishedPair, ...]
    outcomes: tuple[SampleTable, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Examined:
    """Results of a paper's authors, what they say of its study, and where both are written."""

    sets: tuple[FetchedSet, ...]
    comparison: Comparison
    path: Path


def examine(study_name: str, published: Sequence[PublishedSet], out: Path, *, with_samples: bool) -> Examined:
    """Fetch and read published results, hold them against a study, and write both to `authors.json`.

    Args:
        study_name: Whose authors published them.
        published: Repositories; one that cannot be had says why, and stops no other.
        out: Folder of what is written.
        with_samples: Fetch outcomes of single questions too.
    """
    study = load_study(study_name)
    printed = printed_changes(study, load_claims(study_name))
    sets = tuple(map(fetched_set, published))
    comparison = compared(study, load_protocol_of(study_name).baselines, printed, sets)
    if with_samples:
        fetched = [each.fetched for each in comparison.baselines if each.fetched]
        tables = tuple(sample_table(sets, baseline, out) for baseline in fetched)
        comparison = replace(comparison, outcomes=tables)
    path = out / "authors.json"
    write_json(path, plain({"sets": sets, "settled": comparison}))
    return Examined(sets=sets, comparison=comparison, path=path)


def lines_of(examined: Examined, out: Path) -> Iterator[str]:
    """Everything that was found, for people; lines that a person may commit stand as they would be committed."""
    yield from fetched_lines(examined.sets)
    yield from comparison_lines(examined.comparison)
    yield from _sample_lines(examined.comparison.outcomes, out)
    yield f"written to {examined.path}; a value becomes a target only by a committed amendment"


def fetched_lines(sets: Sequence[FetchedSet]) -> Iterator[str]:
    """What was found, for people."""
    for each in sets:
        for run in each.runs:
            shots = "shots not said" if run.shots is None else f"{run.shots} shots"
            scores = ", ".join(
                f"{score.metric} {score.value:.4f}{_implied_items(run, score)}" for score in run.scores
            )
            yield f"{run.task:<16} {run.tuned or 'untouched':<10} {shots:<15} {scores}  [{run.address}]"
        yield from (f"  unreadable: {why}" for why in each.unreadable)
        seen = each.asked.seen_revision
        if seen and each.revision and not each.revision.startswith(seen):
            yield f"  note: {each.asked.address} is at {each.revision}, {seen} was seen before"
    missing = [each for each in sets if each.why_missing]
    yield f"{sum(len(each.runs) for each in sets)} runs of {len(sets) - len(missing)} result sets; {len(missing)} sets are missing"
    for reason in dict.fromkeys(each.why_missing for each in missing):
        names = ", ".join(each.asked.address for each in missing if each.why_missing == reason)
        yield f"  missing: {reason}: {names}"


def _implied_items(run: PublishedRun, score: PublishedScore) -> str:
    if score.items_by_stderr is None:
        return ""
    differs = run.items is not None and run.items != score.items_by_stderr
    said = f", but the file says {run.items}" if differs else ""
    return f" (n {score.items_by_stderr:,} by its error{said})"


# What it says of what is registered: baselines, shots, and what a printed change can be.


def compared(
    study: Study,
    committed: Sequence[PublishedBaseline],
    printed: Sequence[PrintedChange],
    sets: Sequence[FetchedSet],
) -> Comparison:
    """What fetched results say of what is registered.

    Args:
        study: With the registered shots.
        committed: Baselines that the study holds.
        printed: Changes of accuracy that sources print.
        sets: What was fetched.
    """
    runs = [run for each in sets for run in each.runs]
    untouched = [run for run in runs if run.tuned is None]
    return Comparison(
        baselines=tuple(_standings(committed, untouched)),
        shots=tuple(_shots(benchmark, untouched) for benchmark in study.benchmarks),
        printed=tuple(printed),
        pairs=tuple(_pairs(printed, runs)),
    )


def _shots(benchmark: Benchmark, untouched: Sequence[PublishedRun]) -> ShotsFound:
    said = [
        (run.language, run.shots)
        for run in untouched
        if run.benchmark == benchmark.name and run.shots is not None
    ]
    return ShotsFound(benchmark=benchmark.name, registered=benchmark.shots, said=tuple(dict.fromkeys(said)))


def _standings(
    committed: Sequence[PublishedBaseline], runs: Sequence[PublishedRun]
) -> Iterator[BaselineStanding]:
    """Every fetched cell with the committed one; then those that are committed, and were not fetched."""
    by_cell = {_cell(each): each for each in reversed(committed)}
    fetched = [found for run in runs for score in run.scores if (found := _baseline(run, score))]
    for each in fetched:
        known = by_cell.get(_cell(each))
        standing = Standing.NEW
        if known:
            is_equal = math.isclose(each.accuracy, known.accuracy, rel_tol=0, abs_tol=PRINTED_DIGITS)
            standing = Standing.AGREES if is_equal and each.items == known.items else Standing.DIFFERS
        yield BaselineStanding(standing=standing, fetched=each, committed=known)
    cells = set(map(_cell, fetched))
    for each in committed:
        if _cell(each) not in cells:
            yield BaselineStanding(standing=Standing.NOT_FETCHED, committed=each)


def _cell(baseline: PublishedBaseline) -> tuple[str, str, str, str]:
    return baseline.benchmark, baseline.language, baseline.metric, baseline.questions


def _baseline(run: PublishedRun, score: PublishedScore) -> PublishedBaseline | None:
    """The score as it would be committed; None for another metric, a run cut short, or an unknown number of questions."""
    items = items_of(run, score)
    if score.metric not in METRICS or run.limit is not None or items is None or not run.questions:
        return None
    return PublishedBaseline(
        benchmark=run.benchmark,
        language=run.language,
        metric=score.metric,
        accuracy=score.value,
        items=items,
        questions=run.questions,
        address=run.address,
        commit=run.revision[:COMMIT_DIGITS],
        run=PurePath(run.file).stem.partition("results_")[2],
    )


def _pairs(printed: Sequence[PrintedChange], runs: Sequence[PublishedRun]) -> Iterator[PublishedPair]:
    """Every untouched run with every tuned one of its cell; cells for which a change is printed come first."""
    cells: list[PrintedChange | PublishedRun] = [*printed, *runs]
    for cell in dict.fromkeys((each.benchmark, each.language) for each in cells):
        known = [each for each in printed if (each.benchmark, each.language) == cell]
        own = [run for run in runs if (run.benchmark, run.language) == cell]
        untouched = [run for run in own if run.tuned is None]
        tuned = [run for run in own if run.tuned is not None]
        for before, after, metric in product(untouched, tuned, METRICS):
            one, other = _arm(before, metric), _arm(after, metric)
            if one and other:
                old, new = one.exact, other.exact
                yield PublishedPair(
                    benchmark=cell[0],
                    language=cell[1],
                    metric=metric,
                    before=one,
                    after=other,
                    points=float(100 * (new - old)),
                    relative_percent=float(100 * (new / old - 1)) if old else None,
                    can_be=tuple(matches(known, old, new)),
                )


def _arm(run: PublishedRun, metric: str) -> Arm | None:
    score = next((score for score in run.scores if score.metric == metric), None)
    if score is None:
        return None
    items = items_of(run, score)
    right = right_answers(score.value, items) if items else None
    return Arm(
        address=run.address, file=run.file, tuned=run.tuned, items=items, right=right, accuracy=score.value
    )


def comparison_lines(found: Comparison) -> Iterator[str]:
    """What fetched results say of what is registered, for people."""
    yield from map(_standing_line, found.baselines)
    if new := [each.fetched for each in found.baselines if each.standing is Standing.NEW and each.fetched]:
        yield f"{len(new)} baselines are not committed. To hold them, add to BASELINES in the study's published.py, and amend the lock:"
        yield from map(committable, new)
    yield from map(_shots_line, found.shots)
    yield from map(_pair_line, found.pairs)
    yield from (_printed_line(each, found.pairs) for each in found.printed)


def _printed_line(each: PrintedChange, pairs: Sequence[PublishedPair]) -> str:
    own = [pair for pair in pairs if (pair.benchmark, pair.language) == (each.benchmark, each.language)]
    able = [pair for pair in own if any(way.printed == each.printed.text for way in pair.can_be)]
    same = sum(pair.has_same_items for pair in able)
    which = f"{len(able)} of {len(own)} pairs can be it, {same} of them on as many questions"
    name = f"printed {each.printed.text} for {each.benchmark} in {each.language} ({each.source})"
    return f"{name}: {which if own else 'no pair of runs was found'}"


def _standing_line(each: BaselineStanding) -> str:
    known, fetched = each.committed, each.fetched
    named = fetched or known
    assert named is not None, "one side of a standing is always there"
    name = f"baseline {named.benchmark} {named.language} {named.metric} on {named.questions}"
    if known is None:
        return f"{name}: {_scored(named)}, not committed"
    if fetched is None:
        return f"{name}: committed as {_scored(known)}, and not among what was fetched"
    if each.standing is Standing.AGREES:
        return f"{name}: {_scored(fetched)}, as committed"
    return (
        f"{name}: {_scored(fetched)} at {fetched.address} @ {fetched.commit}, but {_scored(known)} is committed from "
        f"{known.address} @ {known.commit}: DIFFERS; read both, and amend the study if the committed one is wrong"
    )


def _scored(baseline: PublishedBaseline) -> str:
    return f"{baseline.accuracy:.4f} of {baseline.items:,}"


def committable(baseline: PublishedBaseline) -> str:
    """One entry as the study's table would hold it; what it does not have is left out."""
    fields = (
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value!r}"
        for name, value in vars(baseline).items()
        if value != ""
    )
    return f"    PublishedBaseline({', '.join(fields)}),"


def _shots_line(found: ShotsFound) -> str:
    name, numbers = f"shots of {found.benchmark}", sorted({number for _, number in found.said})
    if not numbers:
        return f"{name}: no untouched run says; {found.registered} stay registered"
    if numbers == [found.registered]:
        return f"{name}: {found.registered}, as registered"
    if len(numbers) == 1:
        return (
            f"{name}: {numbers[0]}, but {found.registered} are registered. To take theirs: shots={numbers[0]} for "
            f"{found.benchmark} in the study's study.py, then harness lock --amend \"{name} as the authors' runs say\""
        )
    said = ", ".join(f"{number} in {language}" for language, number in found.said)
    return (
        f"{name}: runs differ ({said}), {found.registered} are registered. Runs of other shots are not "
        "comparable: commit only baselines of the registered number, or amend it first"
    )


def _pair_line(pair: PublishedPair) -> str:
    before, after = pair.before, pair.after
    if not (before.items and after.items):
        difference = "on questions that nobody counted, not comparable item by item"
    elif not pair.has_same_items:
        difference = "on other questions, not comparable item by item"
    elif before.right is None or after.right is None:
        difference = "on as many questions"
    else:
        difference = f"{after.right - before.right:+d} items"
    relative = (
        "" if pair.relative_percent is None else f", {pair.relative_percent:+.2f} % of the score before"
    )
    can_be = ", ".join(f"{each.printed} as {each.form} ({each.rounding})" for each in pair.can_be)
    return (
        f"pair {pair.benchmark} {pair.language} {pair.metric}: {before} untouched [{before.address}], "
        f"{after} {after.tuned} [{after.address}]: {difference}, {pair.points:+.2f} points{relative}: "
        f"can be {can_be or 'none of the printed numbers'}"
    )


# Outcomes of single questions from the sample files, by which the baseline gate compares question by question.


def _sample_lines(tables: Sequence[SampleTable], out: Path) -> Iterator[str]:
    """What was kept, with the entries that would commit it."""
    kept = [each.baseline for each in tables if each.why_missing is None]
    if kept:
        yield (
            f"{len(kept)} tables of outcomes are below {out / OUTCOMES}. To let the gate compare question by question, copy them to "
            f"{OUTCOMES}/ below the study's folder, commit these entries instead of those without, and amend the lock:"
        )
        yield from map(committable, kept)
    for each in tables:
        if each.why_missing:
            baseline = each.baseline
            yield f"  no outcomes of {baseline.benchmark} {baseline.language} {baseline.metric}: {each.why_missing}"
