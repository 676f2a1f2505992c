"""Sample logs of lm-eval, before and after training, as a declaration of outcomes that are paired question by question."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.designs.estimand import Cell
from harness.judge.declaration import Head, address_of, content_of, listed
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.stages.evaluation_tasks import document_id
from harness.words.canonical import Json
from harness.words.claim import Claim
from harness.words.errors import UsageError, choice_error
from harness.words.study import Benchmark, Study

FILE_NAME = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d{2}-\d{2}T[\d.-]+)?\.jsonl")
"""How lm-eval names a log: by its task, and when it was written."""

UNFILTERED = (None, "none")
"""Of a question that lm-eval logs once for each filter, the row that no filter touched."""


@dataclass(frozen=True, kw_only=True)
class Logs:
    """The logs of one adapter's training: of the untouched model, and of every training seed."""

    adapter: str
    """Code of the language that it was trained for."""
    before: Sequence[Path]
    after: Mapping[int, Sequence[Path]]
    """By training seed."""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """One question as one arm answered it."""

    document_hash: str
    prompt_hash: str
    score: float


Outcomes = Mapping[str, _Outcome]
"""By id of the document, sorted."""


def declaration_of_logs(head: Head, logs: Logs) -> dict[str, Json]:
    """What a run of the study would have estimated from the same answers, as the content of a declaration.

    Raises:
        UsageError: If a log cannot be read, is of no benchmark of the study, or was asked other questions, or otherwise, than
            the untouched model; every such log is named.
    """
    study = load_study(head.study)
    if logs.adapter not in (codes := tuple(language.code for language in study.tuned)):
        raise choice_error("adapter", logs.adapter, codes, f"(languages that {head.study} trains for)")
    faults: list[str] = []
    before = _read(study, logs.before, faults)
    after = {seed: _read(study, paths, faults) for seed, paths in logs.after.items()}
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


def _read(study: Study, paths: Sequence[Path], faults: list[str]) -> Mapping[Cell, Outcomes]:
    """The outcomes of every log by its cell; what is wrong with a log is added to the faults."""
    found: dict[Cell, Outcomes] = {}
    for path in paths:
        try:
            benchmark, language = _cell(study, path)
            outcomes = _outcomes(path, benchmark.metric)
        except UsageError as fault:
            faults.append(str(fault))
            continue
        if (benchmark.name, language) in found:
            faults.append(f"{path}: another log of {benchmark.name} in {language} was given; give one an arm")
        found[benchmark.name, language] = outcomes
    return found


def _cell(study: Study, path: Path) -> tuple[Benchmark, str]:
    """The benchmark and the language that a log's name says it is of."""
    tasks = {
        name: (benchmark, language.code)
        for benchmark in study.benchmarks
        for language in study.languages
        for name in (f"{benchmark.name}_{language.code}", f"m_{benchmark.name}_{language.code}")
    }
    named = FILE_NAME.fullmatch(path.name)
    if named is None or named["task"] not in tasks:
        benchmarks = ", ".join(benchmark.name for benchmark in study.benchmarks)
        raise UsageError(
            f"{path}: its name says no task of {study.name}; expected samples_<benchmark>_<language>.jsonl or "
            f"samples_m_<benchmark>_<language>_<when>.jsonl, of {benchmarks}"
        )
    return tasks[named["task"]]


def _outcomes(path: Path, metric: str) -> Outcomes:
    """Every question of a log under the study's own metric.

    Raises:
        UsageError: If it cannot be read, or a line is no answered question, or answers one again.
    """
    found: dict[str, _Outcome] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                place = f"{path} line {number}"
                sample = json_object(line, place, "one answered question of lm-eval, and the log whole")
                if sample.get("filter") not in UNFILTERED:
                    continue
                name, outcome = _outcome(sample, metric, place)
                if name in found:
                    raise UsageError(
                        f"{place} answers document {name!r} again; give the log of one evaluation"
                    )
                found[name] = outcome
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; give a log that --log_samples wrote"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8 (byte {error.start}), so no log of lm-eval") from error
    if not found:
        raise UsageError(f"{path} holds no answered question; give a log that --log_samples wrote")
    return dict(sorted(found.items()))


def json_object(text: bytes | str, place: str, expected: str) -> Mapping[str, Any]:
    """What lm-eval wrote as one JSON object, a line of a log or a whole file.

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


def _outcome(sample: Mapping[str, Any], metric: str, place: str) -> tuple[str, _Outcome]:
    try:
        score = float(sample[metric])
        name, hashes = document_id(sample["doc"]), (sample["doc_hash"], sample["prompt_hash"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{place} is no answered question with doc, doc_hash, prompt_hash and {metric}: {type(error).__name__}: {error}"
        ) from error
    if score not in {0.0, 1.0}:
        raise UsageError(f"{place} has {metric} {score:g}; expected 0 or 1, since right answers are counted")
    return name, _Outcome(document_hash=str(hashes[0]), prompt_hash=str(hashes[1]), score=score)


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
                {"unit": name, "observed": 100 * each.score, "reference": 0.0}
                for name, each in before[cell].items()
            ]
        else:
            continue
        yield about.form | {"formula": estimand.formulas[0].value, "unit_values": rows}


def _rows(seed: int, after: Outcomes, before: Outcomes) -> Iterator[dict[str, Json]]:
    for name, outcome in after.items():
        yield {
            "unit": name,
            "seed": seed,
            "observed": 100 * outcome.score,
            "reference": 100 * before[name].score,
        }
