"""Work of a finished run: by pencil from a few stored rows, and against what really passed through a small model."""

from pathlib import Path

import pytest

from claims.sin2025.study import STUDY
from harness.designs.costs import WITH_GRADIENTS, FinishedRun
from harness.designs.design import plan
from harness.designs.disparity import costs
from harness.designs.disparity.counting import COUNTERS
from harness.run.forecast import StageWork, layer_parameters, layers_flops, stage_work
from harness.sources.studies import load_profile
from harness.stages import alignment, training
from harness.store.tables import read_table
from harness.words.plan import Plan
from harness.words.records import (
    AdapterFailure,
    DictionaryError,
    ParallelTranslation,
    PromptTotal,
    ReplayedRow,
    Text,
    TextLength,
    Translated,
    UnscoredTranslator,
)
from tests.pencil_run import PencilRun, lengths, losses, moments, texts
from tests.spied_run import SpiedRun

PLAN = plan(STUDY, load_profile(STUDY, "rehearsal"), "cpu")

SHAPES = STUDY.shapes


@pytest.fixture
def pencil(tmp_path: Path) -> PencilRun:
    return PencilRun(root=tmp_path)


def counted(pencil: PencilRun, stage: str, drawn: Plan = PLAN) -> StageWork:
    run = FinishedRun(plan=drawn, folder=pencil.folder, store=pencil.store)
    return stage_work(run, drawn.stage(stage))


def figures(work: StageWork) -> tuple[int | None, int | None, float | None, str]:
    """Texts, tokens, layers passed by each token, and what is not counted."""
    layers = None if work.flops is None else work.flops / (2 * layer_parameters(SHAPES))
    return work.texts, work.tokens, layers, work.not_counted


def replayed(layer: int, tokens: int) -> ReplayedRow:
    return ReplayedRow(
        layer=layer, latent=0, tokens=tokens, correlation=1.0, scale=1.0, same_peak=True, passes=True
    )


def translated(text_id: int) -> Translated:
    return Translated(text_id=text_id, text="a", is_truncated=False)


def error(layer: int, tokens: int) -> DictionaryError:
    return DictionaryError(
        language="en", layer=layer, fraction_variance_unexplained=0.0, l0=1.0, tokens=tokens
    )


def test_activations_are_texts_with_a_token_each_with_its_bos(pencil: PencilRun) -> None:
    pencil.keep("activations", "en", *lengths(3, 0, 5))
    pencil.keep("activations", "es", *lengths(4, 1, 9))
    assert figures(counted(pencil, "activations")) == (5, 4 + 6 + 5 + 2 + 10, 27 * 26, "")


def test_what_was_found_in_the_store_was_not_read(pencil: PencilRun) -> None:
    pencil.keep("activations", "en", *lengths(3, 0, 5))
    pencil.keep("activations", "es", *lengths(4, 1, 9), how="found")
    assert figures(counted(pencil, "activations"))[:2] == (2, 10)


def test_what_was_made_twice_was_read_twice(pencil: PencilRun) -> None:
    pencil.keep("activations", "en", *lengths(3, 0, 5))
    pencil.folder.event_log("activations").note("made", "en")
    assert figures(counted(pencil, "activations"))[:2] == (4, 20)


def test_a_stored_row_goes_as_far_as_its_layer_with_bos_and_without(pencil: PencilRun) -> None:
    pencil.keep("replay", "all", replayed(0, 10), replayed(2, 5))
    assert figures(counted(pencil, "replay")) == (4, 21 + 11, 1 * 21 + 3 * 11, "")


def test_translators_texts_are_counted_and_their_tokens_are_not(pencil: PencilRun) -> None:
    pencil.keep("translation-shards", "es/0", translated(0), translated(1), translated(2))
    assert figures(counted(pencil, "translation-shards")) == (
        3,
        None,
        None,
        "tokens of the translators are not stored",
    )


def test_a_parallel_text_is_counted_where_there_is_one(pencil: PencilRun) -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    row = ParallelTranslation(sentence_id="0", language="es", text="a", reference="b")
    pencil.keep("translation-scores", "es", row)
    pencil.keep("translation-scores", "it", UnscoredTranslator(language="it", why="shut"))
    assert counted(pencil, "translation-scores", drawn).texts == 1


def test_dictionaries_read_a_sample(pencil: PencilRun) -> None:
    """Here all texts, since there are fewer than the sample may have."""
    pencil.keep("activations", "en", *lengths(3, 0, 5))
    pencil.keep("dictionary-error", "en", error(0, 8), error(1, 8))
    assert figures(counted(pencil, "dictionary-error")) == (2, 10, 260, "")


def test_another_sample_is_not_counted(pencil: PencilRun) -> None:
    pencil.keep("activations", "en", *lengths(3, 0, 5))
    pencil.keep("dictionary-error", "en", error(0, 7))
    work = counted(pencil, "dictionary-error")
    assert (work.texts, work.tokens) == (None, None)
    assert "are not those that its study and profile draw now" in work.not_counted


def pairs(pencil: PencilRun) -> None:
    """Four pairs to train on, two held out, and one without a translation, which is neither."""
    pencil.keep("phrases", "all", *texts(False, False, True, False, False, True, False))
    pencil.keep("activations", "en", *lengths(1, 2, 5, 3, 4, 7, 9))
    pencil.keep("activations", "ml", *lengths(2, 4, 1, 6, 8, 1, 0))


@pytest.mark.parametrize("name", ["ml/seed-1", "ml/control-1"])
def test_training_counts_steps_and_moments(pencil: PencilRun, name: str) -> None:
    """Two epochs of all four pairs: 14 English and 24 Malayalam tokens each; two moments of 14 and 4.

    The loss ends at layer 20, so 21 layers are reached; only the two sides as language go through all 26.
    """
    pairs(pencil)
    pencil.keep("adapters", name, *losses(4, 4), *moments([0, 2]))
    learnt_en, learnt_ml, held_en, held_ml = 28, 48, 28, 8
    to_the_loss = WITH_GRADIENTS * (learnt_en + learnt_ml) + learnt_en + 2 * held_en + held_ml
    assert figures(counted(pencil, "adapters")) == (
        3 * 8 + 5 * 4,
        2 * learnt_en + learnt_ml + 3 * held_en + 2 * held_ml,
        21 * to_the_loss + 26 * (held_en + held_ml),
        "",
    )


def test_training_that_stopped_counts_the_steps_it_took(pencil: PencilRun) -> None:
    pairs(pencil)
    pencil.keep("adapters", "ml/seed-1", *losses(4), *moments([0]))
    assert counted(pencil, "adapters").texts == 3 * 4 + 5 * 2


def test_other_steps_than_the_plan_draws_are_not_counted(pencil: PencilRun) -> None:
    pairs(pencil)
    pencil.keep("adapters", "ml/seed-1", *losses(3, 1), *moments([0, 2]))
    assert "are not those that its study and profile plan now" in counted(pencil, "adapters").not_counted


def test_benchmarks_count_what_the_model_was_given(pencil: PencilRun) -> None:
    pencil.keep("benchmarks", "en", PromptTotal(prompts=3, tokens=700))
    pencil.keep("benchmarks", "es", PromptTotal(prompts=2, tokens=1_000))
    assert figures(counted(pencil, "benchmarks")) == (5, 1_700, 1_700 * 26, "")


@pytest.mark.parametrize("stage", ["activations-tuned", "benchmarks-tuned"])
def test_nothing_is_read_through_an_adapter_that_is_not_there(pencil: PencilRun, stage: str) -> None:
    pencil.keep(
        stage, "ml/seed-1/ml", AdapterFailure(language="ml", seed=1, step=3, what="loss", value=1e400)
    )
    assert figures(counted(pencil, stage)) == (0, 0, 0, "")


@pytest.mark.parametrize("stage", ["phrases", "estimates"])
def test_where_no_network_runs_nothing_is_counted(pencil: PencilRun, stage: str) -> None:
    pencil.keep(stage, "all")
    assert figures(counted(pencil, stage)) == (None, None, None, "no network runs in it")


def test_each_thing_that_is_missing_is_named(pencil: PencilRun) -> None:
    assert "made none" in counted(pencil, "activations").not_counted
    pencil.folder.event_log("activations").note("made", "en")
    assert "activations.json names no activations en" in counted(pencil, "activations").not_counted
    pencil.keep("benchmarks", "en")
    assert "benchmarks en holds no readable PromptTotal" in counted(pencil, "benchmarks").not_counted
    pencil.keep("replay", "all", replayed(0, 10))
    (key,) = (record.key for record in pencil.indexes["replay"])
    pencil.store.discard("replay", key)
    assert "replay all is not in " in counted(pencil, "replay").not_counted
    assert "--store names another" in counted(pencil, "replay").not_counted


def test_every_stage_with_a_network_is_counted_or_says_why_not() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper-authors"), "cpu")
    with_network = {stage.name for stage in drawn.stages if stage.uses_model}
    assert with_network - COUNTERS.keys() == {"published-models"}


def test_what_is_assumed_of_training_is_what_training_does() -> None:
    assert costs.HELD_OUT_PAIRS == alignment.HELD_OUT_PAIRS
    assert costs.MOMENTS == training.MOMENTS


def test_counted_work_is_what_passed_through_the_model(spied_run: SpiedRun) -> None:
    run, spy = spied_run.run, spied_run.spy
    seen = {stage: (spy.texts[stage], spy.tokens[stage]) for stage in spy.tokens}
    works = {stage.name: stage_work(run, stage) for stage in run.plan.stages}
    assert seen.keys() == works.keys() - {
        "phrases",
        "converted-translators",
        "translation-shards",
        "translations",
        "estimates",
    }
    assert {stage: (works[stage].texts, works[stage].tokens) for stage in seen} == seen
    shapes = run.plan.study.shapes
    assert {stage: works[stage].flops for stage in seen} == {
        stage: layers_flops(shapes, passed) for stage, passed in spy.token_layers.items()
    }


def test_translations_of_a_small_run_are_counted_as_texts(spied_run: SpiedRun) -> None:
    run = spied_run.run
    phrases = len(read_table(run.artifact("phrases", "all"), Text))
    assert len(read_table(run.artifact("activations", "en"), TextLength)) == phrases
    stage = run.plan.stage("translation-shards")
    assert stage_work(run, stage).texts == phrases * len(stage.items)
