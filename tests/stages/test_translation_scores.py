"""Translators against people: the sentences of both, and one row of why where a text cannot be had."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.disparity import base as disparity
from harness.designs.disparity.base import BaseRun
from harness.models.translator import convert_marian, load_translator
from harness.sources import pins
from harness.stages import translation, translation_scores
from harness.stages.translation import translated_texts
from harness.store.tables import read_table, table_path, write_table
from harness.words.plan import ParallelTexts, Parameters
from harness.words.records import ParallelTranslation, UnscoredTranslator
from harness.words.study import Group, Pin
from tests.parallel_texts import human_texts
from tests.small_study import LANGUAGES, SPECIFICATION
from tests.worlds import World

SOURCES = ("The old harbour is near the river.", "Cold.", "The market.", "The sea.", "The letter.")
TARGETS = [language.code for language in LANGUAGES if language.group is not Group.REFERENCE]
ESTIMATES = {
    "languages": LANGUAGES,
    "benchmarks": (),
    "layers": (0,),
    "specification": SPECIFICATION,
    "adapter_seeds": (),
}


@pytest.fixture(autouse=True)
def _short_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random translators seldom stop by themselves."""
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", 10)


def scores_task(world: World, pin: Pin) -> Parameters:
    return {
        "language": LANGUAGES[1].code,
        "target_token": None,
        "num_beams": 1,
        "batch_texts": 2,
        "numerics": world.numerics,
        "parallel": ParallelTexts(
            pin=pin, split="devtest", source_config="eng_Latn", target_config="spa_Latn", sentences=2
        ),
    }


def test_the_translator_is_scored_on_what_people_said(world: World, tmp_path: Path) -> None:
    pin = human_texts(tmp_path / "parallel", {"eng_Latn": SOURCES, "spa_Latn": [f"{n}" for n in range(5)]})
    task = scores_task(world, pin)
    convert_marian(world.translators["es"].pin, tmp_path / "es")
    translation_scores.translation_scores(tmp_path / "es", out=tmp_path / "out", **task)
    rows = read_table(tmp_path / "out", ParallelTranslation)
    spanish = load_translator(tmp_path / "es", world.numerics)
    said = translated_texts(spanish, {0: SOURCES[0], 1: SOURCES[2]}, None, 1, 1)
    assert [(row.sentence_id, row.text, row.reference) for row in rows] == [
        ("0", said[0].text, "0"),
        ("2", said[1].text, "2"),
    ]
    assert not table_path(tmp_path / "out", UnscoredTranslator).exists()


@pytest.mark.parametrize(
    ("place", "why"),
    [("{config}/train.jsonl", "0 files are for split devtest"), ("devtest/{config}.parquet", "no table")],
    ids=["another layout", "no such form"],
)
def test_a_text_that_is_laid_out_otherwise_is_recorded_and_no_translator_is_loaded(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, why: str
) -> None:
    pin = human_texts(tmp_path / "parallel", {"eng_Latn": SOURCES, "spa_Latn": SOURCES}, place)
    monkeypatch.delattr(translation_scores, "load_translator")
    translation_scores.translation_scores(tmp_path, out=tmp_path / "out", **scores_task(world, pin))
    (row,) = read_table(tmp_path / "out", UnscoredTranslator)
    assert row.language == LANGUAGES[1].code
    assert why in row.why
    assert len(row.why.splitlines()) == 1
    assert not table_path(tmp_path / "out", ParallelTranslation).exists()


def test_what_the_starting_command_could_not_have_is_not_asked_for_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = human_texts(tmp_path / "parallel", {"eng_Latn": SOURCES, "spa_Latn": SOURCES})
    monkeypatch.setenv(pins.DECIDED, f'{{"{pin.name}": "the gate was shut"}}')
    pins.why_not_had.cache_clear()
    optional = scores_task(world, replace(pin, is_optional=True))
    translation_scores.translation_scores(tmp_path, out=tmp_path / "out", **optional)
    assert read_table(tmp_path / "out", UnscoredTranslator) == [
        UnscoredTranslator(language=LANGUAGES[1].code, why="the gate was shut")
    ]
    pins.why_not_had.cache_clear()


def test_scores_rest_on_the_stored_sentences(tmp_path: Path) -> None:
    # Alike in one language, of no common letter in the other.
    for code, text in zip(TARGETS[:2], ("abc", "xyz"), strict=True):
        row = ParallelTranslation(sentence_id="0", language=code, text=text, reference="abc")
        write_table(tmp_path / code, ParallelTranslation, [row])
    found = disparity.translation_scores(BaseRun(inputs=folders(tmp_path), **ESTIMATES))
    assert {each.estimate.estimate_id: (each.estimate.value, each.estimate.num_units) for each in found} == {
        f"translation-chrf/lang={TARGETS[0]}/primary/primary": (pytest.approx(100.0), 1),
        f"translation-chrf/lang={TARGETS[1]}/primary/primary": (0.0, 1),
    }
    assert disparity.unscored_translators(BaseRun(inputs=folders(tmp_path), **ESTIMATES)) == []


def test_what_was_not_had_has_no_score_and_is_passed_on(tmp_path: Path) -> None:
    rows = [UnscoredTranslator(language=code, why="shut") for code in TARGETS]
    for row in rows:
        write_table(tmp_path / row.language, UnscoredTranslator, [row])
    assert list(disparity.translation_scores(BaseRun(inputs=folders(tmp_path), **ESTIMATES))) == []
    assert disparity.unscored_translators(BaseRun(inputs=folders(tmp_path), **ESTIMATES)) == rows


def test_a_world_without_such_a_text_has_no_score(tmp_path: Path) -> None:
    inputs = {f"translations/{code}": tmp_path for code in TARGETS}
    assert list(disparity.translation_scores(BaseRun(inputs=inputs, **ESTIMATES))) == []
    assert disparity.unscored_translators(BaseRun(inputs=inputs, **ESTIMATES)) == []


def folders(root: Path) -> Mapping[str, Path]:
    return {f"translation-scores/{code}": root / code for code in TARGETS}
