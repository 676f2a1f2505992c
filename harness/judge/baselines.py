"""The baseline gate: our untouched model against the authors' own, cell by cell, before a tuned score there counts.

A cell is a benchmark in one language. Where ours differs, whatever rests on the cell is an error: the tuned score may differ
for the same reason, and nobody could tell. Every estimate rests on its benchmark's own metric; a number that is published in
another one is shown, and breaks nothing.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.designs.estimand import Cell
from harness.judge.quantities import said_of_estimates
from harness.store.files import write_whole
from harness.words.errors import UsageError
from harness.words.judgement import BaselineCheck, BaselineOutcome, PublishedBaseline
from harness.words.records import ItemOutcome
from harness.words.study import Benchmark, Profile, Study

COUNT_TOLERANCE = 0.02
"""How far an implied number of items may lie from a whole one, in items; printed digits leave less."""

CLEAR_OF_CHANCE_SE = 3.0
"""A cell within so many standard errors of guessing says nothing about two pipelines agreeing."""

MIN_ITEM_AGREEMENT = 0.97
MAX_POINTS_APART = 0.5

DIGITS = 9
"""Decimals at which a bound counts as met: both sides come from fractions of whole numbers, which floats miss by less."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The accuracy of one model in one cell."""

    accuracy: float
    """As a fraction."""
    items: int


def items_by_stderr(value: float, stderr: float) -> int | None:
    """Number of items behind an accuracy whose standard error is sqrt(p (1 - p) / (n - 1)).

    Args:
        value: Accuracy as a fraction.
        stderr: Its standard error, as a fraction.

    Returns:
        The whole number, or None where the two imply none.

    Source: the standard error of a mean in lm-evaluation-harness.
    """
    if not (0 < value < 1 and stderr > 0):
        return None
    implied = value * (1 - value) / stderr**2 + 1
    return (
        round(implied)
        if abs(implied - round(implied)) <= COUNT_TOLERANCE * max(1.0, implied / 10_000)
        else None
    )


def right_answers(value: float, items: int) -> int | None:
    """Right answers behind an accuracy; None where no whole number gives it."""
    count = round(value * items)
    return count if math.isclose(count / items, value, abs_tol=5e-7) else None


def standard_errors_above(value: float, chance: float, items: int) -> float:
    """How far an accuracy lies above guessing, in its own standard errors; infinite where it has none.

    Args:
        value: Accuracy as a fraction.
        chance: Accuracy of guessing.
        items: Items of the cell.

    Source: the standard error of a mean in lm-evaluation-harness.
    """
    stderr = math.sqrt(max(value * (1 - value), 0.0) / max(items - 1, 1))
    return (value - chance) / stderr if stderr else math.copysign(math.inf, value - chance)


def baseline(
    ours: Scored, theirs: Scored, chance: float, item_agreement: float | None = None
) -> BaselineOutcome:
    """The baseline gate in one cell: it must be passed before any tuned score there is read.

    Another number of questions is another set of them. Questions held one against the other tell at any accuracy; shares tell
    nothing where both sides guess.

    Args:
        ours: Our untouched model.
        theirs: The authors'.
        chance: Accuracy of guessing.
        item_agreement: Share of items with the same outcome, where the authors' items can be read.
    """
    if ours.items != theirs.items:
        return BaselineOutcome.DIFFERS
    if item_agreement is not None:
        agrees = round(item_agreement, DIGITS) >= MIN_ITEM_AGREEMENT
    elif _both_guess(ours, theirs, chance):
        return BaselineOutcome.AT_CHANCE
    else:
        agrees = round(abs(100 * (ours.accuracy - theirs.accuracy)), DIGITS) <= MAX_POINTS_APART
    return BaselineOutcome.AGREES if agrees else BaselineOutcome.DIFFERS


def _both_guess(ours: Scored, theirs: Scored, chance: float) -> bool:
    """Theirs no better than guessing, and ours neither better nor worse: far below it is no guessing, but a fault."""
    own, their = (
        round(standard_errors_above(each.accuracy, chance, each.items), DIGITS) for each in (ours, theirs)
    )
    return their <= CLEAR_OF_CHANCE_SE and abs(own) <= CLEAR_OF_CHANCE_SE


CURE = (
    "No tuned score there may be believed. Read shots, BOS and prompts of the authors' run ('harness authors') beside this "
    "run's, and mend what differs, or amend the study"
)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What the gate needs of a run."""

    study: Study
    profile: Profile
    known: Sequence[PublishedBaseline]
    answers: Mapping[str, Path]
    """Answers of the untouched model by language, each a folder with a table of items."""
    outcomes: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Published outcomes of single questions, by the file that a baseline names."""


def baseline_checks(gate: Gate) -> tuple[BaselineCheck, ...]:
    """Every cell of the study in its order, once for each published metric; none where nothing is published at all."""
    if not gate.known:
        return ()
    answered = {
        language: tuple(_items(gate, language)) for language in {each.language for each in gate.known}
    }
    return tuple(
        check
        for benchmark in gate.study.benchmarks
        for language in gate.study.languages
        for check in _checks(gate, benchmark, language.code, answered.get(language.code, ()))
    )


def differing_estimates(study: Study, checks: Iterable[BaselineCheck]) -> Mapping[str, str]:
    """Estimates that rest on a cell where ours differs in their metric, by id, each with the sentence that says why."""
    differing = [
        each for each in checks if each.outcome is BaselineOutcome.DIFFERS and _is_own_metric(study, each)
    ]
    return _by_estimate(study, differing)


def remarks(study: Study, checks: Iterable[BaselineCheck]) -> Mapping[str, str]:
    """Estimates that rest on a cell where both models guess, by id, each with what to say beside them.

    A cell at chance in another metric is told where the estimates' own was not compared, and says so.
    """
    every = tuple(checks)
    compared = {
        (each.benchmark, each.language)
        for each in every
        if each.outcome is not BaselineOutcome.UNCHECKED and _is_own_metric(study, each)
    }
    guessed = []
    for each in every:
        if each.outcome is not BaselineOutcome.AT_CHANCE:
            continue
        if _is_own_metric(study, each):
            guessed.append(each)
        elif (each.benchmark, each.language) not in compared:
            asked = _metrics(study)[each.benchmark]
            elsewhere = f"That is {each.metric}; {asked}, on which this rests, was not compared."
            guessed.append(replace(each, says=f"{each.says} {elsewhere}"))
    return _by_estimate(study, guessed)


def _metrics(study: Study) -> Mapping[str, str]:
    """By benchmark: the metric that every estimate of it is made from."""
    return {benchmark.name: benchmark.metric for benchmark in study.benchmarks}


def _is_own_metric(study: Study, check: BaselineCheck) -> bool:
    return check.metric == _metrics(study)[check.benchmark]


def _by_estimate(study: Study, checks: Sequence[BaselineCheck]) -> Mapping[str, str]:
    said: dict[int | Cell, str] = {}
    for each in checks:
        said.setdefault((each.benchmark, each.language), each.says)
    return said_of_estimates(study, said)


def _items(gate: Gate, language: str) -> Iterator[ItemOutcome]:
    folder = gate.answers.get(language)
    # Loaded here: a registration holds this module's bounds, and needs no library of tables.
    from harness.store.tables import read_table

    return iter(read_table(folder, ItemOutcome)) if folder else iter(())


def _checks(
    gate: Gate, benchmark: Benchmark, language: str, items: Sequence[ItemOutcome]
) -> Iterator[BaselineCheck]:
    known = [each for each in gate.known if (each.benchmark, each.language) == (benchmark.name, language)]
    own = [item for item in items if item.benchmark == benchmark.name]
    for each in known:
        yield _checked(gate, benchmark, each, own)
    if not known:
        yield BaselineCheck(
            benchmark=benchmark.name,
            language=language,
            outcome=BaselineOutcome.UNCHECKED,
            says="no number of the untouched model is committed",
        )


def _checked(
    gate: Gate, benchmark: Benchmark, known: PublishedBaseline, items: Sequence[ItemOutcome]
) -> BaselineCheck:
    right = [item.acc_norm if known.metric == "acc_norm" else item.acc for item in items]
    check = BaselineCheck(
        benchmark=known.benchmark,
        language=known.language,
        metric=known.metric,
        ours=100 * sum(right) / len(right) if right else None,
        theirs=100 * known.accuracy,
        items=known.items,
        item_agreement=_item_agreement(gate.outcomes.get(known.outcomes), items, right),
        outcome=BaselineOutcome.UNCHECKED,
        says=_why_unchecked(gate, benchmark, known, len(items)),
    )
    return check if check.says else _compared(check, benchmark, known, right)


def _item_agreement(
    theirs: Mapping[str, bool] | None, items: Sequence[ItemOutcome], right: Sequence[float]
) -> float | None:
    """Share of questions with the same outcome; None where theirs are not at hand, or of other questions."""
    ours = dict(keyed((item.document_hash, score) for item, score in zip(items, right, strict=True)))
    if not ours or theirs is None or ours.keys() != theirs.keys():
        return None
    return sum(ours[key] == theirs[key] for key in ours) / len(ours)


def _why_unchecked(gate: Gate, benchmark: Benchmark, known: PublishedBaseline, num_items: int) -> str:
    """What keeps a published number from being held against ours, or nothing."""
    asked = gate.profile.sources.benchmarks[benchmark.data_folder].address
    if asked != known.questions:
        return f"the published number is of {known.questions}, and this run asks {asked}"
    if gate.profile.sizes.items_per_cell is not None:
        return "only some of the questions were asked"
    return "" if num_items else "the untouched model was not asked in this run"


def _compared(
    check: BaselineCheck, benchmark: Benchmark, known: PublishedBaseline, right: Sequence[float]
) -> BaselineCheck:
    """The check with its outcome, and the sentence that says why."""
    ours, where = sum(right) / len(right), f"{known.benchmark} in {known.language}"
    outcome = baseline(
        Scored(accuracy=ours, items=len(right)),
        Scored(accuracy=known.accuracy, items=known.items),
        benchmark.chance,
        check.item_agreement,
    )
    if outcome is BaselineOutcome.AT_CHANCE:
        above = standard_errors_above(known.accuracy, benchmark.chance, known.items)
        says = (
            f"In {where} the authors' own untouched model stands at chance ({100 * known.accuracy:.2f} % of {known.items:,}, "
            f"{known.metric}, {above:.1f} standard errors above guessing), and so does ours ({100 * ours:.2f} %): their shares tell "
            "nothing of each other."
        )
        return replace(check, outcome=outcome, says=says)
    says = (
        f"In {where} our untouched model has {100 * ours:.2f} % of {len(right):,} questions right ({known.metric}), the authors' "
        f"{100 * known.accuracy:.2f} % of {known.items:,}: {_distance(check, known, ours, len(right))}."
    )
    if outcome is BaselineOutcome.DIFFERS:
        elsewhere = f"Claims there rest on {benchmark.metric}, so this breaks none"
        says += f" {CURE if known.metric == benchmark.metric else elsewhere}."
    return replace(check, outcome=outcome, says=says)


def _distance(check: BaselineCheck, known: PublishedBaseline, ours: float, num_items: int) -> str:
    if num_items != known.items:
        return "these are not the same questions"
    if check.item_agreement is not None:
        share = f"{100 * check.item_agreement:.2f} % of the questions have the same outcome"
        return f"{share}, where {100 * MIN_ITEM_AGREEMENT:.0f} % are asked for"
    apart = f"{abs(100 * (ours - known.accuracy)):.2f} points apart, where {MAX_POINTS_APART} are allowed"
    return f"{apart} (their outcomes are of other questions)" if known.outcomes else apart


# Outcomes of single questions as a small table: the head of the question's digest, and whether the answer was right


DIGEST_HEAD = 16
"""Hexadecimal digits that tell questions apart: 64 bits, where a benchmark has some ten thousand questions."""

HEADER = ("question", "right")


def keyed(rows: Iterable[tuple[str, float]]) -> Iterator[tuple[str, bool]]:
    """Digest and score of each question as key and outcome; a question that stands twice has a key for each place.

    Args:
        rows: lm-eval's digest of the document and its score of 0 or 1, in the documents' order.
    """
    times: dict[str, int] = {}
    for digest, score in rows:
        head = digest[:DIGEST_HEAD]
        place = times[head] = times.get(head, -1) + 1
        yield f"{head}+{place}" if place else head, score > 0


def write_outcomes(path: Path, outcomes: Mapping[str, bool]) -> str:
    """Write a table, sorted by question; gives its SHA-256."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((key, int(right)) for key, right in sorted(outcomes.items()))
    write_whole(path, text.getvalue())
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def read_outcomes(path: Path, sha256: str) -> Mapping[str, bool]:
    """A committed table, which must be the one that was registered.

    Raises:
        UsageError: If it is not there, is another one, or is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); the study names it as outcomes of a baseline: commit it"
        ) from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise UsageError(
            f"{path} has SHA-256 {found}, but the study registers {sha256}; restore the committed file"
        )
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8")))
    if tuple(header) != HEADER or not all(len(row) == len(HEADER) for row in rows):
        raise UsageError(f"{path} is no table of outcomes; expected the columns {', '.join(HEADER)}")
    return {key: right == "1" for key, right in rows}
