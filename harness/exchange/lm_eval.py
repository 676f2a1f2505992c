"""Sample logs of lm-eval, read question by question."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.designs.estimand import Cell
from harness.exchange.answers import Outcome, Outcomes, cluster_of, json_object, tasks_of
from harness.stages.evaluation_tasks import document_id
from harness.words.errors import UsageError
from harness.words.study import Benchmark, Study

FILE_NAME = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d{2}-\d{2}T[\d.-]+)?\.jsonl")
"""How lm-eval names a log: by its task, and when it was written."""

UNFILTERED = (None, "none")
"""Of a question that lm-eval logs once for each filter, the row that no filter touched."""


def read_log(study: Study, path: Path, cluster_by: Mapping[str, str]) -> tuple[Cell, Outcomes]:
    """The benchmark and the language that a log's name says it is of, and every question under the study's own metric.

    Args:
        study: Whose benchmarks and languages they are.
        path: Of the log.
        cluster_by: The field of a document that questions of a benchmark are clustered by, where they are.

    Raises:
        UsageError: If its name says none, it cannot be read, or a line is no answered question, or answers one again.
    """
    benchmark, language = _cell(study, path)
    return (benchmark.name, language), _outcomes(path, benchmark.metric, cluster_by.get(benchmark.name, ""))


def _cell(study: Study, path: Path) -> tuple[Benchmark, str]:
    """The benchmark and the language that a log's name says it is of."""
    tasks = tasks_of(study)
    named = FILE_NAME.fullmatch(path.name)
    if named is None or named["task"] not in tasks:
        benchmarks = ", ".join(benchmark.name for benchmark in study.benchmarks)
        raise UsageError(
            f"{path}: its name says no task of {study.name}; expected samples_<benchmark>_<language>.jsonl or "
            f"samples_m_<benchmark>_<language>_<when>.jsonl, of {benchmarks}"
        )
    return tasks[named["task"]]


def _outcomes(path: Path, metric: str, cluster_by: str) -> Outcomes:
    """Every question of a log under the study's own metric.

    Raises:
        UsageError: If it cannot be read, or a line is no answered question, or answers one again.
    """
    found: dict[str, Outcome] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                place = f"{path} line {number}"
                sample = json_object(line, place, "one answered question of lm-eval, and the log whole")
                if sample.get("filter") not in UNFILTERED:
                    continue
                name, outcome = _outcome(sample, metric, cluster_by, place)
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


def _outcome(sample: Mapping[str, Any], metric: str, cluster_by: str, place: str) -> tuple[str, Outcome]:
    try:
        score = float(sample[metric])
        name, hashes = document_id(sample["doc"]), (sample["doc_hash"], sample["prompt_hash"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{place} is no answered question with doc, doc_hash, prompt_hash and {metric}: {type(error).__name__}: {error}"
        ) from error
    if score not in {0.0, 1.0}:
        raise UsageError(f"{place} has {metric} {score:g}; expected 0 or 1, since right answers are counted")
    cluster = cluster_of(sample["doc"], cluster_by, name, place) if cluster_by else ""
    return name, Outcome(
        document_hash=str(hashes[0]), prompt_hash=str(hashes[1]), score=score, cluster=cluster
    )
