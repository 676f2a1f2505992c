"""Logs of Inspect AI, read question by question: JSON, or the zip of JSON that it calls `.eval`."""

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.designs.estimand import Cell
from harness.exchange.answers import Outcome, Outcomes, ReadLog, cluster_of, json_object, tasks_of
from harness.words.canonical import digest_of
from harness.words.errors import UsageError, choice_error
from harness.words.study import Study

HEADERS = ("header.json", "_journal/start.json", "start.json")
"""Members of the zip that say of what it is: of a finished log, of one that was not, and of an old one."""

SAMPLES = "samples/"

RIGHT, WRONG = ("C", True, 1, "1"), ("I", "N", False, 0, "0")
"""Values of a scorer: correct; incorrect, or no answer at all."""

CONVERT = "write it as JSON with 'inspect log convert --to json'"


def log_reader(scorer: str = "") -> ReadLog:
    """Reads logs by one of their scorers, which has to be named where a log has several."""

    def read_log(study: Study, path: Path, cluster_by: Mapping[str, str]) -> tuple[Cell, Outcomes]:
        header, samples = _log(path)
        cell = _cell(study, header, path)
        by = cluster_by.get(cell[0], "")
        found: dict[str, Outcome] = {}
        epochs = {_field(sample, "epoch", place) for place, sample in samples}
        for place, sample in samples:
            name, outcome = _outcome(sample, scorer, by, place, several=len(epochs) > 1)
            if name in found:
                raise UsageError(f"{place} answers {name!r} again; give the log of one evaluation")
            found[name] = outcome
        if not found:
            raise UsageError(f"{path} holds no sample; give a log that was written with its samples")
        return cell, dict(sorted(found.items()))

    return read_log


def _log(path: Path) -> tuple[Mapping[str, Any], list[tuple[str, Mapping[str, Any]]]]:
    """What a log says of itself, and its samples, each with its place.

    Raises:
        UsageError: If it cannot be read.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                return _unpacked(packed, path)
        log = json_object(path.read_bytes(), str(path), "a log of Inspect")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; give a log of Inspect") from error
    except (NotImplementedError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be unpacked ({error}); {CONVERT}") from error
    samples = log.get("samples") or []
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise UsageError(f"{path} is no log of Inspect: its samples are no list of objects")
    return log, [(f"{path} sample {number}", sample) for number, sample in enumerate(samples, start=1)]


def _unpacked(
    packed: zipfile.ZipFile, path: Path
) -> tuple[Mapping[str, Any], list[tuple[str, Mapping[str, Any]]]]:
    def member(name: str) -> Mapping[str, Any]:
        return json_object(packed.read(name), f"{path} {name}", "what Inspect wrote")

    names = packed.namelist()
    header = next((name for name in HEADERS if name in names), None)
    if header is None:
        raise UsageError(f"{path} is no log of Inspect: it holds none of {', '.join(HEADERS)}")
    samples = [name for name in names if name.startswith(SAMPLES) and name.endswith(".json")]
    results = member("results.json") if header == "start.json" and "results.json" in names else {}
    return {**member(header), **results}, [(f"{path} {name}", member(name)) for name in samples]


def _cell(study: Study, header: Mapping[str, Any], path: Path) -> Cell:
    """The benchmark and language that a finished log's task is called after."""
    if header.get("status") != "success":
        raise UsageError(
            f"{path} is of an evaluation that did not succeed (status {header.get('status')!r}); a part of the answers is none"
        )
    spec = header.get("eval")
    task = str(spec.get("task") if isinstance(spec, dict) else None).rpartition("/")[2].replace("-", "_")
    tasks = tasks_of(study)
    if task not in tasks:
        benchmarks = ", ".join(benchmark.name for benchmark in study.benchmarks)
        raise UsageError(
            f"{path}: its task {task!r} is none of {study.name}; expected <benchmark>_<language> or m_<benchmark>_<language>, of "
            f"{benchmarks}"
        )
    benchmark, language = tasks[task]
    return benchmark.name, language


def _outcome(
    sample: Mapping[str, Any], scorer: str, cluster_by: str, place: str, *, several: bool
) -> tuple[str, Outcome]:
    """What one sample's answer is called, and how it came out.

    Questions vary together by a field of their metadata, where one is named; else, of several epochs, those of one question do.
    """
    if sample.get("error") is not None:
        raise UsageError(f"{place} ended in an error, so nothing was answered; evaluate it again")
    document, epoch = str(_field(sample, "id", place)), _field(sample, "epoch", place)
    cluster = document if several else ""
    if cluster_by:
        metadata = sample.get("metadata")
        cluster = cluster_of(metadata if isinstance(metadata, dict) else {}, cluster_by, document, place)
    outcome = Outcome(
        document_hash=digest_of([sample.get(each) for each in ("input", "choices", "target")]),
        prompt_hash=digest_of(list(_prompt(sample))),
        score=_score(sample, scorer, place),
        cluster=cluster,
    )
    return (f"{document} epoch {epoch}" if several else document), outcome


def _field(sample: Mapping[str, Any], name: str, place: str) -> str | int:
    found = sample.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise UsageError(f"{place} has {name} {found!r}; expected text or a whole number")
    return found


def _prompt(sample: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Who said what before the model first did; messages have ids of their own, which differ from run to run."""
    messages = sample.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict) or message.get("role") == "assistant":
            return
        yield [message.get("role"), message.get("content")]


def _score(sample: Mapping[str, Any], scorer: str, place: str) -> float:
    scores = sample.get("scores")
    if not isinstance(scores, dict) or not scores:
        raise UsageError(f"{place} has no score; score the log with 'inspect score'")
    if not scorer and len(scores) > 1:
        raise UsageError(f"{place} has the scores {', '.join(scores)}; name one with --scorer")
    name = scorer or next(iter(scores))
    if name not in scores:
        raise choice_error("scorer", name, tuple(scores), f"(scores of {place})")
    value = scores[name].get("value") if isinstance(scores[name], dict) else None
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{place} was not scored by {name} (its value is {value})")
    if isinstance(value, str | int | float):
        for known, score in ((RIGHT, 1.0), (WRONG, 0.0)):
            if value in known:
                return score
    raise UsageError(
        f"{place} has {name} {value!r}; expected right or wrong (C or I, 1 or 0), since right answers are counted"
    )
