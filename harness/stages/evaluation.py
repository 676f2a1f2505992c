"""The benchmarks stage and the only door to lm-eval: per-item outcomes of every benchmark in one language."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import cache, lru_cache
from io import StringIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from harness.models.adapters import attached
from harness.models.failed_adapters import passes_on_failure
from harness.models.likelihood import Request, continuation_answers, reading_of
from harness.models.loading import LanguageModel, load_language_model
from harness.stages.evaluation_tasks import QuestionSet, StagedTask, askable, document_id, stage_tasks
from harness.stages.stage import stage
from harness.store.tables import write_table
from harness.words.plan import Numerics
from harness.words.records import ItemOutcome, UnaskedBenchmark
from harness.words.study import Benchmark, Pin

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM

EXAMPLES_SEED = 1234
"""Seed of the draw of examples: lm-eval's own default, so that prompts equal those of its command line."""

BEFORE_OPTION = " "
"""What lm-eval puts between a prompt and an option; it does not count as part of the option."""

KEPT_QUESTIONS = 2
"""Question sets that stay loaded: an adapter is asked in its own language and in the reference language, and then the next one is."""

KEPT_TEMPLATES = 64
"""Compiled templates that are kept at once; a benchmark has a few."""

PROMPT_END = 160
"""Characters of a prompt that an error shows."""

Sample = Mapping[str, Any]
"""One item as lm-eval logs it: its document, its metrics, and the digests by which sample files can be compared."""


@stage(on="accelerator")
def benchmarks(
    *,
    out: Path,
    language: str,
    model: Pin,
    benchmarks: tuple[Benchmark, ...],
    data: tuple[Pin, ...],
    items: int | None,
    max_shots: int | None,
    numerics: Numerics,
    batch_items: int,
) -> None:
    """Benchmark answers, untouched model.

    Writes the outcome of every item of every benchmark in one language, and which benchmarks have no questions in it.

    Raises:
        MissingSourceError: If the model or a data set cannot be had.
        ValueError: If a prompt does not begin with what stands in front, once, or data or template are malformed.
        RuntimeError: If a likelihood is not finite, or lm-eval did something else than it was asked.
    """
    questions, unasked = askable(
        QuestionSet(language=language, benchmarks=benchmarks, data=data, items=items, max_shots=max_shots)
    )
    outcomes: list[ItemOutcome] = []
    if questions.benchmarks:
        language_model = load_language_model(model, numerics)
        outcomes = item_outcomes(language_model, language_model.model, questions, batch_items)
    _write(outcomes, unasked, out)


@stage(on="accelerator")
def benchmarks_tuned(
    adapter: Path,
    *,
    out: Path,
    language: str,
    model: Pin,
    benchmarks: tuple[Benchmark, ...],
    data: tuple[Pin, ...],
    items: int | None,
    max_shots: int | None,
    numerics: Numerics,
    batch_items: int,
) -> None:
    """Benchmark answers through each adapter.

    Writes what the benchmarks stage does. Through an adapter that was never trained, or cannot be used, nothing is asked: the
    reason is passed on.
    """
    if not passes_on_failure(adapter, out):
        questions, unasked = askable(
            QuestionSet(language=language, benchmarks=benchmarks, data=data, items=items, max_shots=max_shots)
        )
        outcomes: list[ItemOutcome] = []
        if questions.benchmarks:
            language_model = load_language_model(model, numerics)
            with attached(language_model.model, adapter) as tuned:
                outcomes = item_outcomes(language_model, tuned, questions, batch_items)
        _write(outcomes, unasked, out)


def _write(outcomes: Sequence[ItemOutcome], unasked: Sequence[UnaskedBenchmark], out: Path) -> None:
    write_table(out, ItemOutcome, outcomes)
    if unasked:
        write_table(out, UnaskedBenchmark, unasked)


def item_outcomes(
    language_model: LanguageModel,
    model: Any,  # noqa: ANN401
    questions: QuestionSet,
    batch_items: int,
) -> list[ItemOutcome]:
    """Outcomes of every item that is asked, benchmark by benchmark, in the order asked.

    Args:
        language_model: The base model, for its tokenizer.
        model: What answers: the base model itself, or the same with an adapter.
        questions: Language, benchmarks, data and sizes.
        batch_items: Prompts per forward pass at most.

    Raises:
        ValueError: If a prompt does not begin with what stands in front, once, or data or template are malformed.
        RuntimeError: If a likelihood is not finite, or lm-eval did something else than it was asked.
    """
    with _quiet(), _compiling_once():
        staged, loaded = _loaded(questions)
        scoring = scorer(language_model, model, batch_items)
        results = _evaluate(scoring, loaded, questions.items)
    return [outcome for task in staged for outcome in _outcomes(task, questions.language, results)]


@lru_cache(maxsize=KEPT_QUESTIONS)
def _loaded(questions: QuestionSet) -> tuple[tuple[StagedTask, ...], Mapping[str, Any]]:
    """The tasks of some questions, as written and as lm-eval holds them: once for all adapters that are asked one after the other."""
    from lm_eval.tasks import TaskManager

    with TemporaryDirectory(prefix="lm-eval-") as folder:
        staged = stage_tasks(questions, Path(folder))
        tasks = TaskManager(include_path=folder, include_defaults=False)
        loaded: Mapping[str, Any] = tasks.load([task.name for task in staged])
    for task in loaded["tasks"].values():
        # Looked at five times, and each time otherwise prepared anew.
        task.test_docs, task.validation_docs = cache(task.test_docs), cache(task.validation_docs)
    return staged, loaded


def scorer(
    language_model: LanguageModel,
    model: Any,  # noqa: ANN401
    batch_items: int,
) -> "HFLM":
    """lm-eval's wrapper of the model: its encoding of requests, our check of them, and our likelihoods.

    Args:
        language_model: The base model, for its tokenizer.
        model: What answers.
        batch_items: Prompts per forward pass at most.
    """
    from lm_eval.models.huggingface import HFLM

    front = language_model.front_ids

    class FrontedModel(HFLM):  # type: ignore[misc, unused-ignore]
        """Refuses any request that is empty, does not begin with what stands in front, once, or does not fit the model."""

        def loglikelihood(
            self,
            requests: Sequence[Any],
            disable_tqdm: bool = False,  # noqa: FBT001, FBT002  lm-eval's own
        ) -> list[tuple[float, bool]]:
            # One benchmark at a time: within one, prompts may begin with the same examples.
            answers: list[tuple[float, bool]] = []
            for _, asked in groupby(requests, key=lambda request: request.task_name):
                answers += super().loglikelihood(list(asked), disable_tqdm=disable_tqdm)
            return answers

        def tok_encode(
            self,
            string: str,
            add_special_tokens: bool | None = None,  # noqa: FBT001  lm-eval's own
            **options: object,
        ) -> list[int]:
            # A text that begins with the spelling of BOS has none yet, whatever the stock wrapper takes it for.
            fronted = self.add_bos_token if add_special_tokens is None else add_special_tokens
            ids: list[int] = super().tok_encode(string, add_special_tokens=False, **options)
            return [*front, *ids] if fronted else ids

        def _loglikelihood_tokens(
            self, requests: Sequence[tuple[tuple[str, str], list[int], list[int]]], **_options: object
        ) -> list[tuple[float, bool]]:
            asked = [
                Request(name=_called(texts), context=tuple(ids), continuation=tuple(more))
                for texts, ids, more in requests
            ]
            for request in asked:
                _require_front(request, front)
                _require_fits(request, self.max_length)
            answers = continuation_answers(language_model, model, reading_of(asked), batch_items=batch_items)
            return [(answer.log_likelihood, answer.is_greedy) for answer in answers]

    return FrontedModel(
        pretrained=model,
        tokenizer=language_model.tokenizer,
        batch_size=batch_items,
        add_bos_token=bool(front),
    )


def _evaluate(model: "HFLM", loaded: Mapping[str, Any], items: int | None) -> Mapping[str, Any]:
    """One pass of lm-eval over all tasks.

    `evaluate` and not `simple_evaluate`: the latter also asks pip, git and the compiler for their versions.
    """
    from lm_eval.evaluator import evaluate

    for lm_eval_task in loaded["tasks"].values():
        lm_eval_task.set_fewshot_seed(seed=EXAMPLES_SEED)
    with redirect_stderr(StringIO()):  # its progress bars ignore that there is no terminal
        results = evaluate(model, loaded, limit=items, bootstrap_iters=0, log_samples=True)
    if results is None:
        raise RuntimeError("lm-eval returned nothing: it took this process for a worker of another one")
    answer: Mapping[str, Any] = results
    return answer


def _outcomes(asked: StagedTask, language: str, results: Mapping[str, Any]) -> Iterator[ItemOutcome]:
    samples = sorted(results["samples"][asked.name], key=lambda sample: int(sample["doc_id"]))
    _require_as_asked(asked, results["n-shot"][asked.name], samples)
    for sample in samples:
        options = [option.removeprefix(BEFORE_OPTION) for _, option in sample["arguments"]]
        target = sample["target"]
        yield ItemOutcome(
            benchmark=asked.benchmark.name,
            language=language,
            document_id=document_id(sample["doc"]),
            document_hash=sample["doc_hash"],
            prompt_hash=sample["prompt_hash"],
            target_hash=sample["target_hash"],
            acc=float(sample["acc"]),
            acc_norm=float(sample.get("acc_norm", sample["acc"])),
            shots=asked.shots,
            right_option=options.index(target) if target in options else int(target),
            log_likelihoods=tuple(float(response[0][0]) for response in sample["resps"]),
            characters=tuple(float(len(option)) for option in options),
        )


def _require_as_asked(asked: StagedTask, shots: int, samples: Sequence[Sample]) -> None:
    """Guards against an override of shots or limit that did not reach the task."""
    if shots != asked.shots:
        raise RuntimeError(f"{asked.name} ran with {shots} examples, but {asked.shots} were asked for")
    ids = tuple(document_id(sample["doc"]) for sample in samples)
    if ids != asked.document_ids:
        raise RuntimeError(
            f"{asked.name} ran on {len(ids)} documents {ids[:3]}..., but {len(asked.document_ids)} were asked for: "
            f"{asked.document_ids[:3]}..."
        )


def _called(texts: tuple[str, str]) -> str:
    """What errors call one request; the end of the prompt holds the question, the rest are examples."""
    prompt, option = texts
    return f"option {option!r} of the item that ends with {prompt[-PROMPT_END:]!r}"


def _require_front(request: Request, front: tuple[int, ...]) -> None:
    """Guards against a model that is asked otherwise than it was read."""
    ids = request.context + request.continuation
    if ids[: len(front)] != front or not {*front}.isdisjoint(ids[len(front) :]):
        raise ValueError(
            f"a benchmark request was encoded as {ids[:4]}...; expected {list(front)} in front, once, and none of it "
            "behind: lm-eval or the tokenizer put it another time, or left it out"
        )


def _require_fits(request: Request, max_length: int) -> None:
    """Guards against prompts beyond what the model was trained to read."""
    if request.num_read > max_length:
        raise ValueError(
            f"a benchmark request has {request.num_read} tokens, but the model reads {max_length}; lower max_shots"
        )


@contextmanager
def _compiling_once() -> Iterator[None]:
    """Templates of lm-eval are compiled once for the time of the block, and not for every document anew."""
    from lm_eval.utils import env

    env.from_string = lru_cache(maxsize=KEPT_TEMPLATES)(env.from_string)
    try:
        yield
    finally:
        del env.from_string


@contextmanager
def _quiet() -> Iterator[None]:
    """No advice and no progress of third parties for the time of the block; errors still speak."""
    import datasets

    loggers = [logging.getLogger(name) for name in ("lm_eval", "datasets")]
    levels = [logger.level for logger in loggers]
    bars_were_off = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not bars_were_off:
            datasets.enable_progress_bars()
