"""Answers before and after training, whatever logged them, as a declaration of outcomes that are paired question by question."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.designs.estimand import Cell
from harness.judge.declaration import Head, address_of, content_of, listed
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.words.canonical import Json
from harness.words.claim import Claim
from harness.words.errors import UsageError, choice_error
from harness.words.study import Benchmark, Study


@dataclass(frozen=True, kw_only=True)
class Logs:
    """The logs of one adapter's training: of the untouched model, and of every training seed."""

    adapter: str
    """Code of the language that it was trained for."""
    before: Sequence[Path]
    after: Mapping[int, Sequence[Path]]
    """By training seed."""
    cluster_by: Mapping[str, str] = field(default_factory=dict)
    """Of benchmarks whose questions vary together, by name: the field of a question that says with which others."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One question as one arm answered it."""

    document_hash: str
    prompt_hash: str
    score: float
    """1 of a right answer, 0 of a wrong one."""
    cluster: str = ""
    """What it varies together with, such as the other answers to one question; empty where it varies by itself."""


Outcomes = Mapping[str, Outcome]
"""By id of the document, sorted."""

ReadLog = Callable[[Study, Path, Mapping[str, str]], tuple[Cell, Outcomes]]
"""What one kind of log holds: of which benchmark in which language, and the outcomes, clustered by benchmark as told; raises
UsageError where it cannot be read."""

SUBJECT = "subject"
"""Field that says of which subject a question is; where there is none, ids of MMLU begin with it, as in "anatomy/test/12"."""


def declaration_of_logs(head: Head, logs: Logs, read_log: ReadLog) -> dict[str, Json]:
    """What a run of the study would have estimated from the same answers, as the content of a declaration.

    Raises:
        UsageError: If a log cannot be read, is of no benchmark of the study, or was asked other questions, or otherwise, than
            the untouched model; every such log is named.
    """
    study = load_study(head.study)
    if logs.adapter not in (codes := tuple(language.code for language in study.tuned)):
        raise choice_error("adapter", logs.adapter, codes, f"(languages that {head.study} trains for)")
    names = tuple(benchmark.name for benchmark in study.benchmarks)
    if unknown := next((name for name in logs.cluster_by if name not in names), None):
        raise choice_error("benchmark", unknown, names, "(of --cluster-by)")
    faults: list[str] = []

    def read(paths: Sequence[Path]) -> Mapping[Cell, Outcomes]:
        return _read(paths, lambda path: read_log(study, path, logs.cluster_by), faults)

    before = read(logs.before)
    after = {seed: read(paths) for seed, paths in logs.after.items()}
    faults += _unlike(before, after)
    if faults:
        raise UsageError(listed(faults, len(logs.before) + sum(map(len, logs.after.values()))))
    measurements = list(_measurements(study, load_claims(head.study), logs.adapter, before, after))
    if not measurements:
        raise UsageError(
            f"no claim of {head.study} is about answers to {', '.join(' in '.join(cell) for cell in before)} under an adapter for "
            f"{logs.adapter}; 'harness claims --study {head.study}' lists what its claims are about"
        )
    return content_of(head, measurements)


def tasks_of(study: Study) -> Mapping[str, tuple[Benchmark, str]]:
    """What a task can be called, and the benchmark and language that this says it is of."""
    return {
        name: (benchmark, language.code)
        for benchmark in study.benchmarks
        for language in study.languages
        for name in (f"{benchmark.name}_{language.code}", f"m_{benchmark.name}_{language.code}")
    }


def cluster_of(fields: Mapping[str, Any], name: str, document: str, place: str) -> str:
    """What a question varies together with: the value of one of its fields.

    Args:
        fields: Of the question.
        name: Of the field.
        document: Its id.
        place: Where it stands, for people.

    Raises:
        UsageError: If it has no such field, or one that is neither text nor a whole number.
    """
    value = fields.get(name)
    if value is None and name == SUBJECT and document.count("/") > 1:
        value = document.partition("/")[0]
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UsageError(
            f"{place} has {name} {value!r}; --cluster-by needs text or a whole number in every question; it has {', '.join(fields) or 'none'}"
        )
    return str(value)


def json_object(text: bytes | str, place: str, expected: str) -> Mapping[str, Any]:
    """What somebody logged as one JSON object, a line of a log or a whole file.

    Raises:
        UsageError: If it is none; says where, and what was expected.
    """
    try:
        content = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{place} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{place} is no JSON object; expected {expected}")
    return content


def _read(
    paths: Sequence[Path], read_log: Callable[[Path], tuple[Cell, Outcomes]], faults: list[str]
) -> Mapping[Cell, Outcomes]:
    """The outcomes of every log by its cell; what is wrong with a log is added to the faults."""
    found: dict[Cell, Outcomes] = {}
    for path in paths:
        try:
            cell, outcomes = read_log(path)
        except UsageError as fault:
            faults.append(str(fault))
            continue
        if cell in found:
            faults.append(f"{path}: another log of {' in '.join(cell)} was given; give one an arm")
        found[cell] = outcomes
    return found


def _unlike(before: Mapping[Cell, Outcomes], after: Mapping[int, Mapping[Cell, Outcomes]]) -> Iterator[str]:
    """Where an arm was not asked what the untouched model was: other cells, other documents, other prompts."""
    for seed, cells in after.items():
        for cell in before.keys() ^ cells.keys():
            lacking = (
                f"--before has, and --after {seed} lacks,"
                if cell in before
                else f"--after {seed} has, and --before lacks,"
            )
            yield f"{lacking} a log of {' in '.join(cell)}; both arms need one"
        for cell in before.keys() & cells.keys():
            one, other = before[cell], cells[cell]
            where = f"{' in '.join(cell)}, seed {seed}"
            if odd := one.keys() ^ other.keys():
                yield f"{where}: {len(odd)} documents stand in one arm alone, such as {min(odd)!r}; a paired change needs the same in both"
                continue
            if odd := {name for name in one if one[name].document_hash != other[name].document_hash}:
                yield f"{where}: {len(odd)} documents have one id and another text, such as {min(odd)!r}; take both logs from one data set"
            elif odd := {name for name in one if one[name].prompt_hash != other[name].prompt_hash}:
                yield f"{where}: {len(odd)} documents were prompted otherwise, such as {min(odd)!r}; a paired change needs the same examples"


def _measurements(
    study: Study,
    claims: Sequence[Claim],
    adapter: str,
    before: Mapping[Cell, Outcomes],
    after: Mapping[int, Mapping[Cell, Outcomes]],
) -> Iterator[dict[str, Json]]:
    """One measurement for every estimate that a claim names and the answers to one cell's questions give."""
    for estimand in estimate_scopes(study).values():
        about = address_of(claims, estimand.estimate_id)
        if about is None or len(estimand.cells) != 1 or estimand.cells[0] not in before:
            continue
        (cell,) = estimand.cells
        arms = {seed: cells[cell] for seed, cells in after.items()}
        if estimand.signed and estimand.language == adapter:
            rows: list[Json] = [
                row for seed, outcomes in arms.items() for row in _rows(seed, outcomes, before[cell])
            ]
        elif not estimand.signed:
            rows = [
                {"unit": name, **_cluster(each), "observed": 100 * each.score, "reference": 0.0}
                for name, each in before[cell].items()
            ]
        else:
            continue
        yield about.form | {"formula": estimand.formulas[0].value, "unit_values": rows}


def _rows(seed: int, after: Outcomes, before: Outcomes) -> Iterator[dict[str, Json]]:
    for name, outcome in after.items():
        yield {
            "unit": name,
            **_cluster(outcome),
            "seed": seed,
            "observed": 100 * outcome.score,
            "reference": 100 * before[name].score,
        }


def _cluster(outcome: Outcome) -> dict[str, Json]:
    return {"cluster": outcome.cluster} if outcome.cluster else {}
