"""Outcomes of single questions from the authors' sample files: fetched, held against their own scores, kept as small tables.

A table lets the baseline gate compare question by question once a person has committed it; nothing is committed here.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.amending import PRINTED_DIGITS, Settled, committable
from harness.authors import Read
from harness.sources.outcomes import keyed, write_outcomes
from harness.sources.pins import locate
from harness.statistics.finite import require_number
from harness.words.canonical import place_of_surrogate
from harness.words.errors import HarnessError, UsageError
from harness.words.judgement import PublishedBaseline
from harness.words.study import Home, Pin

FOLDER = "outcomes"
"""Where the tables go, below the output folder here and below the study's folder once committed."""

FILTERED = ("none", None)
"""Names of the filter whose answers count; lm-eval writes one line for each filter."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What became of the sample file behind one fetched baseline."""

    baseline: PublishedBaseline
    """With its table of outcomes, where there is one."""
    why_missing: str | None = None


def sample_outcomes(found: Sequence[Read], settled: Settled, out: Path) -> tuple[Sampled, ...]:
    """Fetch the sample file of every fetched baseline and write its table; one that cannot be had stops no other."""
    fetched = [each.fetched for each in settled.baselines if each.fetched]
    return tuple(_sampled(found, baseline, out) for baseline in fetched)


def sampled_lines(sampled: Sequence[Sampled], out: Path) -> Iterator[str]:
    """What was kept, for people, with the entries that would commit it."""
    kept = [each.baseline for each in sampled if each.why_missing is None]
    if kept:
        yield (
            f"{len(kept)} tables of outcomes are below {out / FOLDER}. To let the gate compare question by question, copy them to "
            f"{FOLDER}/ below the study's folder, commit these entries instead of those without, and amend the lock:"
        )
        yield from map(committable, kept)
    for each in sampled:
        if each.why_missing:
            baseline = each.baseline
            yield f"  no outcomes of {baseline.benchmark} {baseline.language} {baseline.metric}: {each.why_missing}"


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
        sample = _sample(line, number)
        if sample.get("filter") in FILTERED:
            try:
                rows.append(
                    (
                        int(sample["doc_id"]),
                        str(sample["doc_hash"]),
                        require_number(metric, float(sample[metric])),
                    )
                )
            except (ArithmeticError, KeyError, TypeError, ValueError) as error:
                raise UsageError(
                    f"line {number} of the sample file has no usable doc_id, doc_hash and {metric}: {error}"
                ) from error
    return dict(keyed((digest, score) for _, digest, score in sorted(rows)))


def _sample(line: str, number: int) -> Mapping[str, Any]:
    try:
        sample = json.loads(line)
    except (RecursionError, ValueError) as error:
        raise UsageError(f"line {number} of the sample file is no JSON ({error})") from error
    if not isinstance(sample, dict):
        raise UsageError(f"line {number} of the sample file is no JSON object; expected a sample of lm-eval")
    if place_of_surrogate(sample.get("doc_hash")):
        raise UsageError(
            f"line {number} of the sample file has half of a character for its doc_hash; expected text"
        )
    return sample


def _sampled(found: Sequence[Read], baseline: PublishedBaseline, out: Path) -> Sampled:
    try:
        outcomes = _outcomes(found, baseline)
    except HarnessError as error:
        return Sampled(baseline=baseline, why_missing=str(error))
    name = f"{baseline.address.replace('/', '_')}_{baseline.run}_{baseline.metric}.csv"
    digest = write_outcomes(out / FOLDER / name, outcomes)
    return Sampled(baseline=replace(baseline, outcomes=f"{FOLDER}/{name}", outcomes_sha256=digest))


def _outcomes(found: Sequence[Read], baseline: PublishedBaseline) -> Mapping[str, bool]:
    """The outcomes behind a baseline, which must give its score again."""
    path = _sample_file(found, baseline)
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


def _sample_file(found: Sequence[Read], baseline: PublishedBaseline) -> Path:
    read = next(each for each in found if each.asked.address == baseline.address)
    pin = Pin(
        name=f"samples of {baseline.benchmark} in {baseline.language}, {baseline.run}",
        home=Home.HUB_DATASET,
        address=baseline.address,
        revision=read.revision,
        files=(f"*samples_*{baseline.run}.jsonl",),
        licence="not stated",
    )
    tasks = {run.task for run in read.runs if baseline.run in run.file}
    files = [
        path
        for path in sorted(locate(pin).rglob(f"samples_*{baseline.run}.jsonl"))
        if path.name in {f"samples_{task}_{baseline.run}.jsonl" for task in tasks}
    ]
    if len(files) != 1:
        raise UsageError(
            f"{baseline.address} holds {len(files)} sample files of {', '.join(sorted(tasks))} at {baseline.run}; expected one"
        )
    return files[0]
