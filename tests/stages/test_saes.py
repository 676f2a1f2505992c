"""Dictionaries trained on a tiny world: what is read, how often, in which order, and the same bytes from the same seed."""

import gc
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.models.topk import read_sae
from harness.models.topk_training import TopKTraining
from harness.sources.pins import locate
from harness.store.tables import read_table
from harness.words.dictionaries import CorpusSize, CorpusWindow, SAEPlace, Split, TrainedStep
from harness.words.errors import MissingSourceError, UsageError
from tests.stages.two_languages import LATER, PLACES, RECIPE, TwoLanguages, write_two_languages
from tests.tiny_models import WIDTH


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> TwoLanguages:
    return write_two_languages(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def corpus(two: TwoLanguages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two.corpus(tmp_path_factory.mktemp("made") / "corpus")


def test_both_languages_bring_as_many_windows_and_stand_mixed_in_every_split(corpus: Path) -> None:
    windows = read_table(corpus, CorpusWindow)
    counts = [sum(window.language == code for window in windows) for code in ("en", "ja")]
    assert counts[0] == counts[1] > 20
    assert [window.text_id for window in windows] == list(range(len(windows)))
    assert {len(window.token_ids) for window in windows} == {12}
    for split in Split:
        assert {window.language for window in windows if window.split == split} == {"en", "ja"}
    sizes = read_table(corpus, CorpusSize)
    assert sum(size.windows for size in sizes) == len(windows)


def test_text_is_cut_by_the_tokenizer_alone(two: TwoLanguages, corpus: Path, tmp_path: Path) -> None:
    """Weights that nobody could load: of a model of some gigabytes not one is read."""
    sound, spoilt = two.checkpoint("early"), tmp_path / "spoilt"
    shutil.copytree(locate(sound), spoilt)
    (spoilt / "model.safetensors").write_bytes(b"")
    made = two.corpus(tmp_path / "corpus", tokenizer=replace(sound, address=str(spoilt)))
    assert read_table(made, CorpusWindow) == read_table(corpus, CorpusWindow)


def test_a_language_without_a_window_is_named(two: TwoLanguages, tmp_path: Path) -> None:
    long = replace_tokens(1_000)
    with pytest.raises(MissingSourceError, match="en, ja has no document of 1000 tokens"):
        two.corpus(tmp_path / "corpus", choice=long)


def replace_tokens(tokens: int) -> object:
    from harness.words.dictionaries import WindowChoice

    return WindowChoice(
        tokens=tokens, per_document=None, per_language=None, train_fraction=0.5, validation_fraction=0.1
    )


@pytest.mark.parametrize("recipe", [RECIPE, LATER], ids=["March", "September"])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    two: TwoLanguages, corpus: Path, tmp_path: Path, recipe: object
) -> None:
    first, again = (two.saes(corpus, tmp_path / name, recipe=recipe) for name in ("first", "again"))
    for place in PLACES:
        assert (first / place.file).read_bytes() == (again / place.file).read_bytes()
    one, other = (read_sae(first / SAEPlace(layer=2, seed=seed).file, "cpu") for seed in (1, 2))
    assert not torch.equal(one.W_dec, other.W_dec)
    assert float((one.W_dec.norm(dim=1) - 1).abs().max()) < 1e-5


def test_every_token_of_the_budget_is_trained_on_once_and_what_is_lost_shrinks(
    two: TwoLanguages, corpus: Path, tmp_path: Path
) -> None:
    steps = read_table(two.saes(corpus, tmp_path / "saes"), TrainedStep)
    for place in PLACES:
        own = [step for step in steps if (step.layer, step.seed) == (place.layer, place.seed)]
        assert [step.step for step in own] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert sum(step.tokens for step in own) == RECIPE.tokens
        assert own[-1].loss < own[0].loss


def test_a_dictionary_trained_alone_is_the_one_that_was_trained_beside_others(
    two: TwoLanguages, corpus: Path, tmp_path: Path
) -> None:
    together, alone = (
        two.saes(corpus, tmp_path / name, places=places, recipe=LATER)
        for name, places in (("together", PLACES), ("alone", PLACES[-1:]))
    )
    assert (together / PLACES[-1].file).read_bytes() == (alone / PLACES[-1].file).read_bytes()


def test_what_is_held_does_not_grow_with_the_tokens(
    two: TwoLanguages, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values in all tensors that are alive at the last step, of a budget and of twenty times as many tokens."""
    held: list[int] = []
    step = TopKTraining.step

    def counted(self: TopKTraining, x: torch.Tensor) -> None:
        step(self, x)
        if sum(self.sizes) == self.recipe.tokens:
            held.append(
                sum(each.numel() for each in gc.get_objects() if issubclass(type(each), torch.Tensor))
            )

    monkeypatch.setattr(TopKTraining, "step", counted)
    for tokens in (1_024, 20 * 1_024):
        recipe = replace(RECIPE, tokens=tokens, buffer_tokens=512)
        two.saes(corpus, tmp_path / str(tokens), recipe=recipe, places=PLACES[:1])
    few, many = held
    # What is left of a batch of windows in a buffer may differ; the streams of the other tokens would be 600,000 values.
    assert many - few < 130 * WIDTH


def test_more_firing_latents_than_there_are_is_refused(
    two: TwoLanguages, corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="65 of 64 latents are to fire"):
        two.saes(corpus, tmp_path / "saes", recipe=replace(RECIPE, k=65))
