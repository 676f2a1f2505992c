"""Flags by pencil in several scripts; order, target tokens and empty texts on random translators."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.designs.disparity.base import BaseRun, translation_flags
from harness.models.loading import TranslationModel, load_translator
from harness.stages import translation
from harness.stages.lengths import usual_ratio
from harness.stages.translation import Translated, flagged, script_fraction, translated_texts, truncated
from harness.store.tables import read_table, write_table
from harness.words.records import Text, Translation
from harness.words.study import Group, Language
from tests.small_study import LANGUAGES, SPECIFICATION
from tests.worlds import World

FLAGS = ("is_empty", "is_copy", "is_repetitive", "is_wrong_script", "is_odd_length", "is_truncated")
SOURCES = (
    "The old harbour is near the river.",
    "Cold.",
    "The bright window belongs to the teacher in the morning.",
    "The market.",
    "The distant island looks like the old letter.",
)


@pytest.fixture(autouse=True)
def _short_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random translators seldom stop by themselves."""
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", 10)


@pytest.fixture(scope="module")
def spanish(world: World) -> TranslationModel:
    return load_translator(world.translators["es"].pin, world.numerics)


@pytest.fixture(scope="module")
def chinese(world: World) -> TranslationModel:
    return load_translator(world.translators["zh"].pin, world.numerics)


@contextmanager
def watched(translator: TranslationModel) -> Iterator[list[dict[str, Any]]]:
    """Arguments of every call of a translator's `generate` while the block is open."""
    calls: list[dict[str, Any]] = []
    original = type(translator.model).generate

    def generate(**arguments: Any) -> torch.Tensor:
        calls.append(arguments)
        tokens: torch.Tensor = original(translator.model, **arguments)
        return tokens

    translator.model.generate = generate
    try:
        yield calls
    finally:
        del translator.model.generate


def whole(text: str) -> Translated:
    return Translated(text=text, is_truncated=False)


def flags(source: str, target: str, script: str, ratio: float = 1.0) -> set[str]:
    language = Language(code="xx", name="Some", group=Group.LOW, script=script)
    row = flagged(Text(text_id=3, text=source, held_out=False), whole(target), language, ratio)
    assert (row.text_id, row.language, row.text) == (3, "xx", target)
    return {name for name in FLAGS if getattr(row, name)}


@pytest.mark.parametrize(
    ("source", "target", "script", "expected"),
    [
        pytest.param("The sea", "El mar", "LATIN", set(), id="good Spanish"),
        pytest.param("The sea", "\u0938\u092e\u0941\u0926\u094d\u0930", "DEVANAGARI", set(), id="good Hindi"),
        pytest.param("The sea", "\u0d15\u0d1f\u0d7d", "MALAYALAM", set(), id="good Malayalam, with a chillu"),
        pytest.param("The sea", "\u5927\u6d77", "CJK", set(), id="good Chinese"),
        pytest.param("The sea", "\u043c\u043e\u0440\u0435", "CYRILLIC", set(), id="good Russian"),
        pytest.param("The sea", " \n", "LATIN", {"is_empty"}, id="nothing but white space"),
        pytest.param("The sea", " the SEA ", "LATIN", {"is_copy"}, id="a copy in other case"),
        pytest.param("The sea", "The sea", "CJK", {"is_copy", "is_wrong_script"}, id="a copy in the wrong script"),
        pytest.param("The sea", "El mar", "DEVANAGARI", {"is_wrong_script"}, id="another language"),
        pytest.param("1984", "1984", "DEVANAGARI", {"is_copy"}, id="no letters to judge by"),
        pytest.param("a", "no no no no si si", "LATIN", {"is_repetitive"}, id="four of six words alike"),
        pytest.param("a", "no no no si si ya", "LATIN", set(), id="three of six are not more than half"),
        pytest.param("a", "no no no no no", "LATIN", set(), id="too short to be repetitive"),
    ],
)  # fmt: skip
def test_flags_by_pencil(source: str, target: str, script: str, expected: set[str]) -> None:
    assert flags(source, target, script) == expected


def test_a_length_is_odd_for_its_language() -> None:
    sentence = "The old harbour is near the river, and boats come every morning."
    babble = "El puerto " + "viejo y hermoso y tranquilo y lejano " * 6
    assert flags(sentence, babble, "LATIN") == {"is_odd_length"}
    assert flags(sentence, babble, "LATIN", ratio=4.0) == set()
    assert flags(sentence, "Si", "LATIN") == {"is_odd_length"}
    assert flags("Cold.", "Hace mucho frio.", "LATIN") == set()


@pytest.mark.parametrize(
    ("text", "script", "fraction"),
    [
        pytest.param("ab \u0430\u0431", "CYRILLIC", 0.5, id="half and half"),
        pytest.param("ab \u0430\u0431", "LATIN", 0.5, id="the other half"),
        pytest.param("a1b2!", "LATIN", 1.0, id="digits and marks do not count"),
        pytest.param(
            "\u0939\u093f\u0928\u094d\u0926\u0940", "DEVANAGARI", 1.0, id="vowel signs do not count"
        ),
        pytest.param("...", "LATIN", 1.0, id="nothing to judge by"),
    ],
)
def test_share_of_a_script(text: str, script: str, fraction: float) -> None:
    assert script_fraction(text, script) == fraction


def test_exactly_half_in_the_script_passes() -> None:
    assert flags("The sea", "ab \u0430\u0431", "CYRILLIC") == set()
    assert flags("The sea", "abc \u0430\u0431", "CYRILLIC") == {"is_wrong_script"}


def test_the_pencils_scripts_are_those_of_the_letters() -> None:
    assert unicodedata.name("\u0d7d").startswith("MALAYALAM")
    assert unicodedata.name("\u5927").startswith("CJK")


@pytest.mark.parametrize("batch_texts", [1, 2, 32])
def test_translations_come_back_in_order_whatever_the_batch(
    spanish: TranslationModel, batch_texts: int
) -> None:
    alone = [translated_texts(spanish, [text], None, 1, 1)[0] for text in SOURCES]
    assert len(set(alone)) > 1
    assert translated_texts(spanish, SOURCES, None, 1, batch_texts) == alone


def test_the_same_texts_in_another_order_give_the_same_translations(spanish: TranslationModel) -> None:
    forward = translated_texts(spanish, SOURCES, None, 1, 2)
    assert translated_texts(spanish, SOURCES[::-1], None, 1, 2)[::-1] == forward


def test_no_text_gives_no_translation(spanish: TranslationModel) -> None:
    assert translated_texts(spanish, [], None, 1, 4) == []


def test_an_empty_text_is_translated_and_not_dropped(spanish: TranslationModel) -> None:
    assert len(translated_texts(spanish, ["", *SOURCES], None, 1, 2)) == 1 + len(SOURCES)


def test_beams_reach_the_translator(spanish: TranslationModel) -> None:
    with watched(spanish) as calls:
        translated_texts(spanish, SOURCES, None, 3, 2)
    assert [call["num_beams"] for call in calls] == [3, 3, 3]
    assert {(call["do_sample"], call["max_new_tokens"]) for call in calls} == {(False, 10)}


def test_the_target_token_stands_in_front_of_every_text(world: World, chinese: TranslationModel) -> None:
    token = world.translators["zh"].target_token
    wanted = chinese.tokenizer.convert_tokens_to_ids(token)
    with watched(chinese) as calls:
        translated_texts(chinese, SOURCES, token, 1, 2)
    rows = [row for call in calls for row in call["input_ids"].tolist()]
    assert len(rows) == len(SOURCES)
    assert {row[0] for row in rows} == {wanted}
    assert all(row.count(wanted) == 1 for row in rows)


def test_a_text_in_such_marks_is_no_target_token(spanish: TranslationModel) -> None:
    assert spanish.tokenizer(">>eng<< cold")["input_ids"][0] == spanish.tokenizer.unk_token_id
    with watched(spanish) as calls:
        translated_texts(spanish, [">>eng<< cold"], None, 1, 8)
    (call,) = calls
    assert call["input_ids"][0].tolist() == spanish.tokenizer(" >>eng<< cold")["input_ids"]


@pytest.mark.parametrize(
    "token", [">>xyz<<", ">>cmn_Hans<<"], ids=["unknown anywhere", "of another translator"]
)
def test_a_target_token_that_the_model_does_not_know_is_refused(
    spanish: TranslationModel, token: str
) -> None:
    with pytest.raises(ValueError, match=f"does not know the target token '{token}'"):
        translated_texts(spanish, SOURCES, token, 1, 2)


def test_the_stage_writes_every_phrase_in_order(
    world: World, spanish: TranslationModel, tmp_path: Path
) -> None:
    texts = [Text(text_id=n, text=text, held_out=n == 1) for n, text in enumerate(SOURCES)]
    write_table(tmp_path / "phrases", Text, texts)
    task = {
        "language": Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
        "translator": world.translators["es"].pin,
        "target_token": None,
        "num_beams": 1,
        "batch_texts": 2,
        "numerics": world.numerics,
    }
    translation.translations(tmp_path / "phrases", out=tmp_path / "out", **task)
    expected = translated_texts(spanish, SOURCES, None, 1, 1)
    ratio = usual_ratio([(source, found.text) for source, found in zip(SOURCES, expected, strict=True)])
    assert read_table(tmp_path / "out", Translation) == [
        flagged(text, found, task["language"], ratio) for text, found in zip(texts, expected, strict=True)
    ]


def test_a_text_without_spaces_can_be_repetitive_too() -> None:
    assert "is_repetitive" in flags("of", "\u7684" * 40, "CJK")
    assert flags("The harbour", "\u6e2f\u53e3\u5728\u57ce\u5e02\u5317\u8fb9", "CJK") == set()


@pytest.mark.parametrize(
    ("row", "is_truncated"),
    [
        pytest.param([9, 5, 0, 9, 9], False, id="an early end"),
        pytest.param([9, 5, 6, 0, 9], False, id="an end in the last place but one"),
        pytest.param([9, 5, 6, 7, 0], True, id="an end that the limit forced"),
        pytest.param([9, 5, 6, 7, 8], True, id="no end"),
        pytest.param([0, 5, 6, 7, 8], True, id="a start that looks like an end"),
        pytest.param([9, 0], False, id="nothing but an end"),
    ],
)
def test_a_translation_is_whole_when_it_ends_by_itself(row: list[int], *, is_truncated: bool) -> None:
    assert truncated(torch.tensor([row]), eos_id=0, max_new_tokens=4).tolist() == [is_truncated]


def test_a_translation_that_is_cut_counts_as_flagged(tmp_path: Path) -> None:
    text = Text(text_id=0, text="sea", held_out=False)
    targets = [language for language in LANGUAGES if language.group is not Group.REFERENCE]
    for language in targets:
        found = [Translated(text="mar", is_truncated=is_cut) for is_cut in (True, False, False, False)]
        rows = [flagged(text, each, replace(language, script="LATIN"), ratio=1.0) for each in found]
        write_table(tmp_path / language.code, Translation, rows)
    run = BaseRun(
        inputs={f"translations/{language.code}": tmp_path / language.code for language in targets},
        languages=LANGUAGES,
        benchmarks=(),
        num_layers=1,
        specification=SPECIFICATION,
        adapter_seeds=(),
    )
    assert {each.estimate.value for each in translation_flags(run)} == {75.0}


def test_a_translation_that_is_cut_says_so(spanish: TranslationModel) -> None:
    (found,) = translated_texts(spanish, SOURCES[:1], None, 1, 1)
    assert found.is_truncated
    row = flagged(Text(text_id=0, text=SOURCES[0], held_out=False), found, LANGUAGES[1], ratio=1.0)
    assert row.is_truncated


@pytest.mark.parametrize(
    ("allowed", "limit"), [(512, 128), (10, 10)], ids=["its positions", "what is allowed"]
)
def test_no_translation_outgrows_the_model(
    spanish: TranslationModel, monkeypatch: pytest.MonkeyPatch, allowed: int, limit: int
) -> None:
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", allowed)
    with watched(spanish) as calls:
        translated_texts(spanish, SOURCES[:1], None, 1, 1)
    assert [call["max_new_tokens"] for call in calls] == [limit]


def test_a_text_longer_than_the_models_positions_is_cut_and_says_so(
    spanish: TranslationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = spanish.model.config.max_position_embeddings
    monkeypatch.setattr(translation, "truncated", lambda generated, *_: torch.zeros(len(generated)).bool())
    words = ("sea " * 40 + "." * dots for dots in range(positions))
    fitting = next(text for text in words if len(spanish.tokenizer(text)["input_ids"]) == positions)
    over, long = fitting + ".", "sea " * (3 * positions)
    with watched(spanish) as calls:
        found = translated_texts(spanish, [SOURCES[0], fitting, over, long], None, 1, 4)
    assert [each.is_truncated for each in found] == [False, False, True, True]
    (read,) = (call["input_ids"] for call in calls)
    assert read.shape == (4, positions)
    assert set(read[:3, -1].tolist()) == {spanish.tokenizer.eos_token_id}
