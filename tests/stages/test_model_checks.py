"""Whether a model is the one that was asked for: its shapes, and its loss against the library's own logits."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models.loading import load_language_model
from harness.stages.model_checks import loss_facts, model_checks
from harness.store.files import file_sha256
from harness.store.tables import read_table
from harness.words.dictionaries import CheckedFact, CorpusWindow, ProbedLanguage, Split
from harness.words.records import LoadedFile, LoadedModel
from harness.words.study import Shapes
from tests.stages.two_languages import LANGUAGES, NUMERICS, TwoLanguages, write_two_languages
from tests.tiny_models import LAYERS, WIDTH


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> TwoLanguages:
    return write_two_languages(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def corpus(two: TwoLanguages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two.corpus(tmp_path_factory.mktemp("made") / "corpus")


def checked(two: TwoLanguages, corpus: Path, out: Path, **shapes: int) -> Path:
    out.mkdir()
    vocabulary = len(load_language_model(two.checkpoint("early"), NUMERICS).tokenizer)
    expected: dict[str, Any] = {
        "num_layers": LAYERS,
        "d_model": WIDTH,
        "d_sae": 64,
        "vocab_size": vocabulary,
        **shapes,
    }
    model_checks(
        corpus, out=out, model=two.checkpoint("early"), numerics=NUMERICS, shapes=Shapes(**expected), languages=LANGUAGES, windows=5,
        batch_tokens=30,
    )  # fmt: skip
    return out


def test_the_loss_is_that_of_the_librarys_logits_with_and_without_what_stands_in_front(
    two: TwoLanguages, corpus: Path, tmp_path: Path
) -> None:
    rows = read_table(checked(two, corpus, tmp_path / "out"), ProbedLanguage)
    language_model = load_language_model(two.checkpoint("early"), NUMERICS)
    for row in rows:
        own = [
            window
            for window in read_table(corpus, CorpusWindow)
            if (window.language, window.split) == (row.language, Split.TEST)
        ][:5]
        losses = {front: [] for front in (language_model.front_ids, ())}
        for window in own:
            for front, found in losses.items():
                ids = torch.tensor([[*front, *window.token_ids]])
                with torch.no_grad():
                    logits = language_model.model(ids).logits[0].double()
                log_probs = logits[len(front) : -1].log_softmax(dim=1)
                found.extend((-log_probs.gather(1, ids[0, len(front) + 1 :, None])).flatten().tolist())
        whole, bare = (sum(found) / len(found) for found in losses.values())
        assert (row.texts, row.tokens) == (5, 5 * 11)
        assert row.nats_per_token == pytest.approx(whole, rel=1e-5)
        assert row.nats_without_front == pytest.approx(bare, rel=1e-5)


def test_another_shape_fails_its_check_and_the_files_are_told_by_their_digests(
    two: TwoLanguages, corpus: Path, tmp_path: Path
) -> None:
    out = checked(two, corpus, tmp_path / "out", num_layers=LAYERS + 1)
    passes = {row.fact: row.passes for row in read_table(out, CheckedFact)}
    assert (passes["num_layers"], passes["d_model"], passes["vocab_size"]) == (False, True, True)
    assert read_table(out, LoadedModel)[0].num_layers == LAYERS
    weights = two.root / "early" / "model.safetensors"
    assert file_sha256(weights) in {row.sha256 for row in read_table(out, LoadedFile)}


def test_a_model_that_only_guesses_or_does_better_without_its_front_token_fails() -> None:
    def facts(whole: float, bare: float) -> list[bool]:
        probed = ProbedLanguage(
            language="en", texts=1, tokens=1, nats_per_token=whole, nats_without_front=bare
        )
        return [fact.passes for fact in loss_facts([probed], 100)]

    assert facts(2.0, 2.5) == [True, True]
    assert facts(math.log(100), 5.0) == [False, True]
    assert facts(2.5, 2.0) == [True, False]
