"""The benchmark questions behind one claim whose answer training changed, with every option's likelihood before and after."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.designs.design import design_of
from harness.designs.estimand import Cell, Estimand
from harness.exchange.artifacts import artifact_of
from harness.exchange.sharing import PERMITTING
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import claim_named, load_claims
from harness.report.document import Report
from harness.report.writer import load_report
from harness.sources.studies import load_profile, load_study
from harness.store.tables import read_table
from harness.words.claim import Claim
from harness.words.errors import UsageError
from harness.words.records import ItemOutcome, adapter_name
from harness.words.study import Benchmark, Study


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One question as one arm answered it."""

    is_right: bool
    """By the study's own metric."""
    log_likelihoods: tuple[float, ...]
    """Of every option, in nats."""

    def __str__(self) -> str:
        """Right or wrong, and the likelihoods of the options in their order."""
        nats = " ".join(f"{each:.2f}" for each in self.log_likelihoods)
        return f"{'right' if self.is_right else 'wrong'} [{nats}]"


@dataclass(frozen=True, kw_only=True)
class ChangedItem:
    """One question that was answered rightly in one arm alone."""

    benchmark: str
    language: str
    document_id: str
    document_hash: str
    prompt_hash: str
    seed: int
    """Training seed of the adapter."""
    right_option: int | None
    """Place of the right answer, from 0."""
    characters: tuple[float, ...]
    """Of every option; length-normalised scores divide by them."""
    before: Answer
    after: Answer
    text: str = ""
    """The question with its options as its data set has it; empty where nobody asked for it."""


@dataclass(frozen=True, kw_only=True)
class SeedChange:
    """How many answers one training seed changed."""

    seed: int
    became_right: int
    became_wrong: int


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What training changed in the answers behind a claim."""

    claim: str
    estimate_id: str
    asked: int
    """Questions that both arms were asked."""
    by_seed: tuple[SeedChange, ...]
    items: tuple[ChangedItem, ...]


def changes(run: Path, claim_name: str, store: Path, *, with_texts: bool = False) -> Changes:
    """The questions behind a claim of a stored run whose answer changed under an adapter.

    Args:
        run: Folder of the run.
        claim_name: Claim about a change in accuracy.
        store: Where the run's artifacts lie.
        with_texts: Tell the questions themselves, as far as the licence of their data set allows.

    Raises:
        UsageError: If the run has no report, the claim is about no change of answers, or the questions may not be shown.
        HarnessError: If an artifact of the run is not in the store, or is damaged.
    """
    report = load_report(run)
    study = load_study(report.run.study)
    claim = claim_named(load_claims(study.name), claim_name)
    estimand, adapter = _estimand(study, claim)
    (cell,) = estimand.cells
    benchmark = next(each for each in study.benchmarks if each.name == cell[0])
    design = design_of(study)
    assert design.answers is not None
    assert design.answers_tuned is not None
    texts = _texts(report, study, benchmark, cell[1]) if with_texts else {}
    before = _answers(report, store, (design.answers, cell[1]), cell)
    found: list[ChangedItem] = []
    by_seed: list[SeedChange] = []
    for seed in _seeds(report, design.answers_tuned, adapter):
        arm = design.answers_tuned, f"{adapter_name(adapter, seed)}/{cell[1]}"
        own = list(_changed(benchmark, seed, before, _answers(report, store, arm, cell)))
        gained = sum(each.after.is_right for each in own)
        by_seed.append(SeedChange(seed=seed, became_right=gained, became_wrong=len(own) - gained))
        found += own
    if not by_seed:
        raise UsageError(
            f"{run} holds no answers through an adapter for {adapter}, so nothing to compare with"
        )
    return Changes(
        claim=claim.id,
        estimate_id=estimand.estimate_id,
        asked=len(before),
        by_seed=tuple(by_seed),
        items=tuple(replace(each, text=texts.get(each.document_id, "")) for each in found),
    )


def lines_of(found: Changes) -> Iterator[tuple[str, str]]:
    """What changed, for people: a line a seed, and a line a question."""
    yield f"{found.claim}  ", f"{found.estimate_id}, {found.asked:,} questions in both arms"
    for seed in found.by_seed:
        points = 100 * (seed.became_right - seed.became_wrong) / found.asked
        yield (
            f"seed {seed.seed}: ",
            f"{seed.became_right} became right, {seed.became_wrong} became wrong: {points:+.2f} points",
        )
    for each in found.items:
        right = "not logged" if each.right_option is None else each.right_option
        yield (
            f"{each.document_id:<16} ",
            f"seed {each.seed}  right option {right}  {each.before} -> {each.after}",
        )
        if each.text:
            yield " " * 17, each.text


def _estimand(study: Study, claim: Claim) -> tuple[Estimand, str]:
    """The change in one cell that a claim is about, and the language of the adapter behind it."""
    scopes = estimate_scopes(study)
    for reading in claim.readings:
        for name in reading.estimates:
            scope = scopes[name]
            if scope.signed and len(scope.cells) == 1 and scope.language:
                return scope, scope.language
    raise UsageError(
        f"claim {claim.id} is about no change of answers to one benchmark in one language; 'harness claims --study {study.name}' lists "
        "which are, such as those that begin with bench"
    )


def _texts(report: Report, study: Study, benchmark: Benchmark, language: str) -> Mapping[str, str]:
    """Every question that a run could ask in a cell, by the id of its document."""
    # Reading data sets loads much that answers alone do not need.
    from harness.stages.evaluation_tasks import document_id, read_documents

    pin = load_profile(study, report.run.profile).sources.benchmarks[benchmark.data_folder]
    if not pin.licence.startswith(PERMITTING):
        raise UsageError(
            f"the licence of {pin.name} is {pin.licence}, which does not say that its questions may be shown; leave --texts out"
        )
    return {
        document_id(document): json.dumps(document, ensure_ascii=False)
        for document in read_documents(pin, language, benchmark.evaluated_split)
    }


def _seeds(report: Report, stage: str, adapter: str) -> list[int]:
    head = adapter_name(adapter, 0).removesuffix("0")
    names = {
        each.item.removeprefix(head).partition("/")[0]
        for each in report.run.artifacts
        if each.stage == stage and each.item.startswith(head)
    }
    return sorted(map(int, names))


def _answers(report: Report, store: Path, asked: tuple[str, str], cell: Cell) -> Mapping[str, ItemOutcome]:
    """One arm's answers in a cell, from the very artifact that the report rests on."""
    rows = read_table(artifact_of(report, store, *asked), ItemOutcome)
    return {row.document_id: row for row in rows if (row.benchmark, row.language) == cell}


def _changed(
    benchmark: Benchmark, seed: int, before: Mapping[str, ItemOutcome], after: Mapping[str, ItemOutcome]
) -> Iterator[ChangedItem]:
    for name, one in before.items():
        other = after[name]
        scores = getattr(one, benchmark.metric), getattr(other, benchmark.metric)
        if scores[0] != scores[1]:
            yield ChangedItem(
                benchmark=one.benchmark,
                language=one.language,
                document_id=name,
                document_hash=one.document_hash,
                prompt_hash=one.prompt_hash,
                seed=seed,
                right_option=one.right_option,
                characters=one.characters,
                before=Answer(is_right=scores[0] > 0, log_likelihoods=one.log_likelihoods),
                after=Answer(is_right=scores[1] > 0, log_likelihoods=other.log_likelihoods),
            )
