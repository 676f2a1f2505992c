"""Likelihoods of the committed items against stock lm-eval, with all examples of the paper: 600 items, untouched and tuned."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claims.sin2025.profiles import fixture
from claims.sin2025.study import STUDY
from harness.designs.disparity.plan import Told
from harness.models.adapters import attached
from harness.models.loading import LanguageModel, load_language_model
from harness.stages import evaluation
from harness.stages.evaluation import item_outcomes
from harness.stages.evaluation_tasks import QuestionSet
from harness.words.records import ItemOutcome
from tests.world_networks import write_strong_adapter

LANGUAGES = ("en", "zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi")
ITEMS = 20
MOST_APART = 1e-4
"""Nats, in float32; sums of up to some dozen terms near ten."""


@contextmanager
def likelihoods(
    patch: pytest.MonkeyPatch, language_model: LanguageModel, *, stock: bool
) -> Iterator[list[float]]:
    """Every likelihood that a benchmark is scored by, in the order asked; by lm-eval's own wrapper if asked for."""
    from lm_eval.models.huggingface import HFLM

    heard: list[float] = []
    scorer = evaluation.scorer

    def listening(*told: Any) -> Any:
        found = scorer(*told)
        if stock:
            found = HFLM(
                pretrained=told[1], tokenizer=language_model.tokenizer, batch_size=8, add_bos_token=True
            )
        answered = found.loglikelihood

        def loglikelihood(requests: Any, **options: Any) -> Any:
            answers = answered(requests, **options)
            heard.extend(value for value, _ in answers)
            return answers

        found.loglikelihood = loglikelihood
        return found

    with patch.context() as within:
        within.setattr(evaluation, "scorer", listening)
        yield heard


@pytest.mark.parametrize("tuned", [False, True], ids=["untouched", "through an adapter"])
def test_every_likelihood_is_that_of_stock_lm_eval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, tuned: bool
) -> None:
    """Ten languages untouched, one through an adapter that turns answers."""
    told = Told(STUDY, fixture(), "cpu")
    language_model = load_language_model(fixture().sources.model, replace(told.numerics, dtype="float32"))
    adapter = write_strong_adapter(language_model.model, tmp_path / "adapter")
    for language in LANGUAGES if not tuned else ("ml",):
        asked = told.benchmarks(language)
        questions = QuestionSet(
            language=language, benchmarks=asked["benchmarks"], data=asked["data"], items=ITEMS, max_shots=None
        )
        both: list[tuple[list[float], list[ItemOutcome]]] = []
        for stock in (False, True):
            model = language_model.model
            with (
                attached(model, adapter) if tuned else nullcontext(model) as answering,
                likelihoods(monkeypatch, language_model, stock=stock) as heard,
            ):
                both.append((heard, item_outcomes(language_model, answering, questions, 32)))
        (ours, answered), (theirs, expected) = both
        assert len(ours) >= 3 * 4 * ITEMS
        assert max(abs(one - other) for one, other in zip(ours, theirs, strict=True)) <= MOST_APART
        assert answered == expected
