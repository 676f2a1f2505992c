"""What follows from the authors' published results, for a person to commit: baselines, shots, and what a printed change can be.

Nothing is written here but the report of it: a value becomes part of the study by a commit, and an amendment of the lock.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import PurePath

from harness.authors import Read, items_of
from harness.judge.scoring import right_answers
from harness.judge.settling import Match, PrintedChange, matches
from harness.words.judgement import PublishedBaseline, PublishedRun, PublishedScore
from harness.words.study import Study

METRICS = ("acc", "acc_norm")
"""Metrics that the baseline gate knows."""

COMMIT_DIGITS = 7
PRINTED_DIGITS = 5e-7
"""How far two spellings of one accuracy may lie apart."""


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
class Settled:
    """Everything that the fetched results say of what is registered."""

    baselines: tuple[BaselineStanding, ...]
    shots: tuple[ShotsFound, ...]
    printed: tuple[PrintedChange, ...]
    pairs: tuple[PublishedPair, ...]


def settled(
    study: Study,
    committed: Sequence[PublishedBaseline],
    printed: Sequence[PrintedChange],
    found: Sequence[Read],
) -> Settled:
    """What the fetched results say.

    Args:
        study: With the registered shots.
        committed: Baselines that the study holds.
        printed: Changes of accuracy that sources print.
        found: What was fetched.
    """
    runs = [run for each in found for run in each.runs]
    return Settled(
        baselines=tuple(_standings(committed, [run for run in runs if run.tuned is None])),
        shots=tuple(_shots(study, [run for run in runs if run.tuned is None])),
        printed=tuple(printed),
        pairs=tuple(_pairs(printed, runs)),
    )


def _standings(
    committed: Sequence[PublishedBaseline], runs: Sequence[PublishedRun]
) -> Iterator[BaselineStanding]:
    seen = set()
    for run in runs:
        for score in run.scores:
            fetched = _baseline(run, score)
            if fetched is None:
                continue
            known = next((each for each in committed if _cell(each) == _cell(fetched)), None)
            seen.add(_cell(fetched))
            yield BaselineStanding(standing=_standing(fetched, known), fetched=fetched, committed=known)
    for each in committed:
        if _cell(each) not in seen:
            yield BaselineStanding(standing=Standing.NOT_FETCHED, committed=each)


def _standing(fetched: PublishedBaseline, known: PublishedBaseline | None) -> Standing:
    if known is None:
        return Standing.NEW
    is_equal = math.isclose(fetched.accuracy, known.accuracy, rel_tol=0, abs_tol=PRINTED_DIGITS)
    return Standing.AGREES if is_equal and fetched.items == known.items else Standing.DIFFERS


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


def _shots(study: Study, runs: Sequence[PublishedRun]) -> Iterator[ShotsFound]:
    for benchmark in study.benchmarks:
        said = dict.fromkeys(
            (run.language, run.shots)
            for run in runs
            if run.benchmark == benchmark.name and run.shots is not None
        )
        yield ShotsFound(benchmark=benchmark.name, registered=benchmark.shots, said=tuple(said))


def _pairs(printed: Sequence[PrintedChange], runs: Sequence[PublishedRun]) -> Iterator[PublishedPair]:
    """Every untouched run with every tuned one of its cell; cells for which a change is printed come first."""
    cells = [(each.benchmark, each.language) for each in printed] + [
        (run.benchmark, run.language) for run in runs
    ]
    for cell in dict.fromkeys(cells):
        own = [run for run in runs if (run.benchmark, run.language) == cell]
        known = [each for each in printed if (each.benchmark, each.language) == cell]
        for before in (run for run in own if run.tuned is None):
            for after in (run for run in own if run.tuned is not None):
                yield from _paired(known, before, after)


def _paired(
    known: Sequence[PrintedChange], before: PublishedRun, after: PublishedRun
) -> Iterator[PublishedPair]:
    for metric in METRICS:
        one, other = _arm(before, metric), _arm(after, metric)
        if one is None or other is None:
            continue
        old, new = _exact(one), _exact(other)
        yield PublishedPair(
            benchmark=before.benchmark,
            language=before.language,
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
    return Arm(
        address=run.address,
        file=run.file,
        tuned=run.tuned,
        items=items,
        right=right_answers(score.value, items) if items else None,
        accuracy=score.value,
    )


def _exact(arm: Arm) -> Fraction:
    if arm.right is None or not arm.items:
        return Fraction(repr(arm.accuracy))
    return Fraction(arm.right, arm.items)


def settled_lines(found: Settled) -> Iterator[str]:
    """What was settled, for people; lines that a person may commit stand as they would be committed."""
    yield from map(_standing_line, found.baselines)
    if new := [each.fetched for each in found.baselines if each.standing is Standing.NEW and each.fetched]:
        yield f"{len(new)} baselines are not committed. To hold them, add to BASELINES in the study's published.py, and amend the lock:"
        yield from map(committable, new)
    yield from (line for each in found.shots for line in _shots_lines(each))
    yield from map(_pair_line, found.pairs)
    yield from (_printed_line(each, found.pairs) for each in found.printed)


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
    fields = ((name, value) for name, value in vars(baseline).items() if value != "")
    return f"    PublishedBaseline({', '.join(f'{name}={_quoted(value)}' for name, value in fields)}),"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _shots_lines(found: ShotsFound) -> Iterator[str]:
    numbers = sorted({number for _, number in found.said})
    if not numbers:
        yield f"shots of {found.benchmark}: no untouched run says; {found.registered} stay registered"
    elif numbers == [found.registered]:
        yield f"shots of {found.benchmark}: {found.registered}, as registered"
    elif len(numbers) == 1:
        yield (
            f"shots of {found.benchmark}: {numbers[0]}, but {found.registered} are registered. To take theirs: shots={numbers[0]} for "
            f"{found.benchmark} in the study's study.py, then harness lock --amend \"shots of {found.benchmark} as the authors' runs say\""
        )
    else:
        said = ", ".join(f"{number} in {language}" for language, number in found.said)
        yield (
            f"shots of {found.benchmark}: runs differ ({said}), {found.registered} are registered. Runs of other shots are not "
            "comparable: commit only baselines of the registered number, or amend it first"
        )


def _pair_line(pair: PublishedPair) -> str:
    relative = (
        "" if pair.relative_percent is None else f", {pair.relative_percent:+.2f} % of the score before"
    )
    can_be = ", ".join(f"{each.printed} as {each.form} ({each.rounding})" for each in pair.can_be)
    return (
        f"pair {pair.benchmark} {pair.language} {pair.metric}: {_counted(pair.before)} untouched [{pair.before.address}], "
        f"{_counted(pair.after)} {pair.after.tuned} [{pair.after.address}]: {_on(pair)}, {pair.points:+.2f} points{relative}: "
        f"can be {can_be or 'none of the printed numbers'}"
    )


def _on(pair: PublishedPair) -> str:
    """How many more were right, where both answered the same questions and whole numbers give both scores."""
    before, after = pair.before, pair.after
    if not (before.items and after.items):
        return "on questions that nobody counted, not comparable item by item"
    if not pair.has_same_items:
        return "on other questions, not comparable item by item"
    if before.right is None or after.right is None:
        return "on as many questions"
    return f"{after.right - before.right:+d} items"


def _counted(arm: Arm) -> str:
    right = f"{100 * arm.accuracy:.2f} %" if arm.right is None else f"{arm.right:,}"
    return f"{right} of {arm.items:,}" if arm.items else right


def _printed_line(printed: PrintedChange, pairs: Sequence[PublishedPair]) -> str:
    own = [pair for pair in pairs if (pair.benchmark, pair.language) == (printed.benchmark, printed.language)]
    able = [pair for pair in own if any(each.printed == printed.printed.text for each in pair.can_be)]
    name = f"printed {printed.printed.text} for {printed.benchmark} in {printed.language} ({printed.source})"
    if not own:
        return f"{name}: no pair of runs was found"
    same = sum(pair.has_same_items for pair in able)
    return f"{name}: {len(able)} of {len(own)} pairs can be it, {same} of them on as many questions"
