"""Estimates of the benchmarks: accuracy, paired change, relative change, and correlation with the gap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.base import BaseRun, language_gap
from harness.designs.disparity.quantities import scope_of
from harness.designs.disparity.tuning import tuned_codes, whole_codes
from harness.statistics.measured import Measured, Sides, measured, plain_mean
from harness.statistics.metrics import MIN_PAIRS, pearson
from harness.store.tables import read_column, read_table
from harness.words.estimate import Formula, ItemOverlap, Scope
from harness.words.records import ItemOutcome, adapter_name
from harness.words.study import Benchmark, Group

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Outcomes of one benchmark in one language, by document, sorted."""

    documents: tuple[str, ...]
    hashes: tuple[str, ...]
    """Digests of the documents."""
    prompts: tuple[str, ...]
    """Digests of the prompts, examples included."""
    correct: Values
    """1 where the primary metric counts the answer as right."""

    @property
    def accuracy_percent(self) -> float:
        """Share of right answers."""
        return float(100 * self.correct.mean())


Arms = tuple[Answers, Mapping[int, Answers]]
"""The untouched model's answers, and each training seed's of one adapter."""


def accuracies(base: BaseRun) -> Iterator[Measured]:
    """Accuracy of the untouched model per language and benchmark."""
    for language in base.languages:
        for benchmark in base.asked(language.code):
            answers = read_answers(base.inputs[f"benchmarks/{language.code}"], benchmark)
            scope = scope_of("accuracy", language=language.code, benchmark=benchmark.name)
            yield plain_mean(scope, "document", answers.documents, 100 * answers.correct)


def deltas(base: BaseRun) -> Iterator[Measured]:
    """Change in accuracy under each language's adapters, on its own items and on English ones, paired."""
    english = base.codes(Group.REFERENCE)[0]
    for adapter in whole_codes(base):
        for quantity, language in (("delta", adapter), ("delta-english", english)):
            for benchmark in base.asked(language):
                before, after = arms_of(base, adapter, language, benchmark)
                delta = _paired(delta_scope(quantity, adapter, benchmark), before, after)
                yield delta
                if quantity == "delta" and before.accuracy_percent > 0:
                    yield _relative(delta, before, relative_scope(adapter, benchmark))


def delta_scope(quantity: str, adapter: str, benchmark: Benchmark) -> Scope:
    """What a change in accuracy under one language's adapters is about."""
    return scope_of(quantity, language=adapter, benchmark=benchmark.name)


def relative_scope(adapter: str, benchmark: Benchmark) -> Scope:
    """What the same is about, relative to the accuracy before."""
    return scope_of("relative-delta", language=adapter, benchmark=benchmark.name, reading="relative")


def accuracy_retention(base: BaseRun) -> Iterator[Measured]:
    """What is left of English accuracy under the adapters, in percent of before; benchmarks and adapters weigh alike.

    Its units are the English questions, each of which every adapter was asked. A benchmark of which nothing was right before
    has no ratio, and is left out.
    """
    english = base.codes(Group.REFERENCE)[0]
    if base.failures_of_seeds:
        return
    ratios: dict[int, list[float]] = {seed: [] for seed in base.adapter_seeds}
    asked: dict[str, list[Arms]] = {}
    for adapter in tuned_codes(base):
        for benchmark in base.asked(english):
            before, after = arms_of(base, adapter, english, benchmark)
            if before.accuracy_percent > 0:
                asked.setdefault(benchmark.name, []).append((before, after))
                for seed, answers in after.items():
                    ratios[seed].append(100 * answers.accuracy_percent / before.accuracy_percent)
    if asked:
        value = float(np.mean([float(np.mean(values)) for values in ratios.values()]))
        sides = [_kept_right(asked, seed) for seed in ratios]
        yield measured(accuracy_retention_scope(base), value, Formula.RATIO, "document", sides)


def _kept_right(asked: Mapping[str, Sequence[Arms]], seed: int) -> Sides:
    """Right answers to each question after, as a mean over adapters, and before.

    Both sides of a benchmark are scaled to the same sum before: the ratio of sums over all questions is then the mean of the
    benchmarks' own ratios. The mean before is 100.
    """
    befores = {benchmark: arms[0][0] for benchmark, arms in asked.items()}
    per_benchmark = float(np.mean([len(before.documents) for before in befores.values()]))
    scales = {name: 100 * per_benchmark / before.correct.sum() for name, before in befores.items()}
    after = {
        name: np.mean([answers[seed].correct for _, answers in arms], axis=0) for name, arms in asked.items()
    }
    return Sides(
        units=[f"{name}/{document}" for name, before in befores.items() for document in before.documents],
        observed=np.concatenate([scales[name] * after[name] for name in asked]),
        reference=np.concatenate([scales[name] * befores[name].correct for name in asked]),
        seed=seed,
    )


def accuracy_retention_scope(base: BaseRun) -> Scope:
    """What the English accuracy that is left is about."""
    english = base.codes(Group.REFERENCE)[0]
    return scope_of("retention", language=english, reading="accuracy")


def correlations(base: BaseRun) -> Iterator[Measured]:
    """Correlation over languages of the gap with accuracy, per benchmark and for the mean score.

    English is left out: its gap is small by construction, and one such point moves everything. So is a language that was not
    asked. With fewer languages than a correlation needs, or no benchmark, there is nothing to estimate.
    """
    codes = [language.code for language in base.languages if language.group is not Group.REFERENCE]
    if len(codes) < MIN_PAIRS or not base.benchmarks:
        return
    gaps = {code: language_gap(base, code) for code in codes}
    asked = {code: base.asked(code) for code in codes}
    together = (None, base.benchmarks)
    for name, benchmarks in (*((each.name, (each,)) for each in base.benchmarks), together):
        units = [code for code in codes if set(benchmarks) <= set(asked[code])]
        if len(units) < MIN_PAIRS:
            continue
        scores = [
            [read_answers(base.inputs[f"benchmarks/{code}"], each).accuracy_percent for code in units]
            for each in benchmarks
        ]
        reference, values = np.asarray([gaps[code] for code in units]), np.mean(scores, axis=0)
        sides = Sides(units=units, observed=values, reference=reference)
        scope = scope_of("correlation", benchmark=name)
        yield measured(scope, pearson(reference, values), Formula.PEARSON, "language", (sides,))


def item_overlaps(base: BaseRun) -> list[ItemOverlap]:
    """Of benchmarks whose questions differ between languages: how many each was asked, and how many all of them share.

    Every language keeps all its questions; over others than its neighbours', an accuracy is compared with a remark.
    """
    asked = {
        language.code: _documents(base.inputs[f"benchmarks/{language.code}"]) for language in base.languages
    }
    found: list[ItemOverlap] = []
    for name in (benchmark.name for benchmark in base.benchmarks):
        # A language that was not asked shares nothing, and takes nothing from the others.
        by_language = {code: documents[name] for code, documents in asked.items() if name in documents}
        if not by_language:
            continue
        shared = len(frozenset.intersection(*by_language.values()))
        if any(len(documents) > shared for documents in by_language.values()):
            found += [
                ItemOverlap(benchmark=name, language=code, asked=len(documents), shared=shared)
                for code, documents in by_language.items()
            ]
    return found


def _documents(folder: Path) -> dict[str, frozenset[str]]:
    """Ids of the questions that were asked, by benchmark."""
    found: dict[str, set[str]] = {}
    columns = (read_column(folder, ItemOutcome, name).tolist() for name in ("benchmark", "document_id"))
    for benchmark, document in zip(*columns, strict=True):
        found.setdefault(benchmark, set()).add(document)
    return {benchmark: frozenset(documents) for benchmark, documents in found.items()}


def read_answers(folder: Path, benchmark: Benchmark) -> Answers:
    """The outcomes of one benchmark under its primary metric.

    Raises:
        ValueError: If there are none, or a document stands twice.
    """
    rows = sorted(
        (row for row in read_table(folder, ItemOutcome) if row.benchmark == benchmark.name),
        key=lambda row: row.document_id,
    )
    documents = tuple(row.document_id for row in rows)
    if not rows or len(set(documents)) != len(documents):
        raise ValueError(
            f"{benchmark.name}: {len(rows)} outcomes of {len(set(documents))} documents; "
            "expected one per document, and some: run the benchmarks stage again"
        )
    return Answers(
        documents=documents,
        hashes=tuple(row.document_hash for row in rows),
        prompts=tuple(row.prompt_hash for row in rows),
        correct=np.asarray([getattr(row, benchmark.metric) for row in rows], dtype=np.float64),
    )


def arms_of(base: BaseRun, adapter: str, language: str, benchmark: Benchmark) -> Arms:
    """The answers of the untouched model, and through every seed of an adapter, to the same questions."""
    before = read_answers(base.inputs[f"benchmarks/{language}"], benchmark)
    after = {
        seed: read_answers(
            base.inputs[f"benchmarks-tuned/{adapter_name(adapter, seed)}/{language}"], benchmark
        )
        for seed in base.adapter_seeds
    }
    for seed, answers in after.items():
        require_same_items(
            before, answers, f"{benchmark.name} in {language}: the adapter {adapter_name(adapter, seed)}"
        )
    return before, after


def require_same_items(before: Answers, after: Answers, arm: str) -> None:
    """Guards against differences between arms that were asked different things.

    Raises:
        ValueError: If documents or prompts differ.
    """
    if (after.documents, after.hashes) != (before.documents, before.hashes):
        raise ValueError(
            f"{arm} was scored on other documents than the untouched model; a paired difference needs the same ones "
            "in both arms"
        )
    if after.prompts != before.prompts:
        differing = [
            document
            for document, one, other in zip(before.documents, before.prompts, after.prompts, strict=True)
            if one != other
        ]
        raise ValueError(
            f"{arm} was prompted otherwise than the untouched model in {len(differing)} of {len(before.documents)} "
            f"documents, such as {differing[:3]}: their examples differ; a paired difference needs the same prompts "
            "in both arms: run the benchmarks stages again"
        )


def _paired(scope: Scope, before: Answers, after: Mapping[int, Answers]) -> Measured:
    sides = [
        Sides(
            units=before.documents, observed=100 * answers.correct, reference=100 * before.correct, seed=seed
        )
        for seed, answers in after.items()
    ]
    value = float(np.mean([(part.observed - part.reference).mean() for part in sides]))
    return measured(scope, value, Formula.DIFFERENCE, "document", sides)


def _relative(delta: Measured, before: Answers, scope: Scope) -> Measured:
    sides = _sides_of(delta)
    relative = 100 * delta.estimate.value / before.accuracy_percent
    return measured(scope, relative, Formula.CHANGE, "document", sides)


def _sides_of(delta: Measured) -> Sequence[Sides]:
    seeds = dict.fromkeys(row.seed for row in delta.units)
    return [
        Sides(
            units=[row.unit for row in delta.units if row.seed == seed],
            observed=np.asarray([row.observed for row in delta.units if row.seed == seed]),
            reference=np.asarray([row.reference for row in delta.units if row.seed == seed]),
            seed=seed,
        )
        for seed in seeds
    ]
