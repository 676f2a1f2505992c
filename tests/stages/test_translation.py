"""Flags by pencil in several scripts; order, shards, target tokens and cut texts on random translators; two ways to translate."""

import ast
import importlib.util
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claims.sin2025.profiles import fixture
from claims.sin2025.study import PRIMARY
from fixtures.recipe.phrases import all_phrases
from harness.designs.design import plan
from harness.designs.disparity.base import BaseRun, translation_flags
from harness.models.translator import MarianModel, Translator, convert_marian, load_marian, load_translator
from harness.sources.studies import load_profile, load_study
from harness.stages import translation
from harness.stages.lengths import usual_ratio
from harness.stages.translation import flagged, script_fraction, translated_texts
from harness.store.tables import read_table, write_table
from harness.words.plan import Numerics
from harness.words.records import Text, Translated, Translation
from harness.words.study import Group, Language, Pin
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
def spanish(world: World, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    return converted(world.translators["es"].pin, world.numerics, tmp_path_factory.mktemp("es"))


@pytest.fixture(scope="module")
def chinese(world: World, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    return converted(world.translators["zh"].pin, world.numerics, tmp_path_factory.mktemp("zh"))


def converted(pin: Pin, numerics: Numerics, folder: Path) -> Translator:
    convert_marian(pin, folder)
    return load_translator.__wrapped__(folder, numerics)


@dataclass
class Watched:
    """An engine that keeps what it is asked."""

    engine: Any
    calls: list[dict[str, Any]] = field(default_factory=list)
    sources: list[list[str]] = field(default_factory=list)

    def translate_batch(self, sources: Sequence[list[str]], **told: Any) -> list[Any]:
        self.calls.append(told)
        self.sources += sources
        found: list[Any] = self.engine.translate_batch(sources, **told)
        return found


def watched(translator: Translator) -> tuple[Translator, Watched]:
    """The same translator, and what its engine is asked from now on."""
    watching = Watched(translator.engine)
    return replace(translator, engine=watching), watching


def translated(
    translator: Translator, texts: Iterable[str], token: str | None = None, beams: int = 1, batch: int = 2
) -> list[Translated]:
    return translated_texts(translator, dict(enumerate(texts)), token, beams, batch)


def whole(text: str) -> Translated:
    return Translated(text_id=3, text=text, is_truncated=False)


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
def test_translations_come_back_in_order_whatever_the_batch(spanish: Translator, batch_texts: int) -> None:
    alone = [translated(spanish, [text])[0].text for text in SOURCES]
    assert len(set(alone)) > 1
    found = translated_texts(spanish, {10 - n: text for n, text in enumerate(SOURCES)}, None, 1, batch_texts)
    assert [(row.text_id, row.text) for row in found] == [(10 - n, text) for n, text in enumerate(alone)]


def test_an_empty_text_is_translated_and_not_dropped(spanish: Translator) -> None:
    assert len(translated(spanish, ["", *SOURCES])) == 1 + len(SOURCES)


def test_the_engine_is_told_how_to_search(spanish: Translator) -> None:
    spanish, engine = watched(spanish)
    translated(spanish, SOURCES, beams=3, batch=2)
    assert engine.calls == [
        {
            "beam_size": 3,
            "patience": 3,
            "max_batch_size": 2,
            "max_input_length": 0,
            "min_decoding_length": 0,
            "max_decoding_length": 9,
            "return_end_token": True,
        }
    ]


def test_the_target_token_stands_in_front_of_every_text(world: World, chinese: Translator) -> None:
    token = world.translators["zh"].target_token
    chinese, engine = watched(chinese)
    translated(chinese, SOURCES, token)
    assert [row[0] for row in engine.sources] == [token] * len(SOURCES)
    assert all(row.count(token) == 1 for row in engine.sources)


def test_a_text_in_such_marks_is_no_target_token(spanish: Translator) -> None:
    tokenizer = spanish.tokenizer
    assert tokenizer(">>eng<< cold")["input_ids"][0] == tokenizer.unk_token_id
    spanish, engine = watched(spanish)
    translated(spanish, [">>eng<< cold"])
    assert engine.sources == [tokenizer.convert_ids_to_tokens(tokenizer(" >>eng<< cold")["input_ids"])]


@pytest.mark.parametrize(
    "token", [">>xyz<<", ">>cmn_Hans<<"], ids=["unknown anywhere", "of another translator"]
)
def test_a_target_token_that_the_model_does_not_know_is_refused(spanish: Translator, token: str) -> None:
    with pytest.raises(ValueError, match=f"does not know the target token '{token}'"):
        translated(spanish, SOURCES, token)


SPANISH = Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN")


def shards_of(world: World, root: Path, shard_texts: int, count: int) -> dict[str, Path]:
    """The folders of the phrases and of so many shards of their translations, by role."""
    texts = [Text(text_id=n, text=text, held_out=n == 1) for n, text in enumerate(SOURCES)]
    write_table(root / "phrases", Text, texts)
    translation.converted_translators(out=root / "translator", translator=world.translators["es"].pin)
    for shard in range(count):
        translation.translation_shards(
            root / "phrases",
            root / "translator",
            out=root / f"{shard}",
            shard=shard,
            shard_texts=shard_texts,
            target_token=None,
            num_beams=1,
            batch_texts=2,
            numerics=world.numerics,
        )
    return {"phrases": root / "phrases", **{f"es/{shard}": root / f"{shard}" for shard in range(count)}}


@pytest.mark.parametrize(
    ("shard_texts", "count"), [(5, 1), (2, 3), (1, 5), (4, 4)], ids=["one", "three", "five", "empty ones"]
)
def test_shards_hold_every_phrase_once_and_in_order(
    world: World, spanish: Translator, tmp_path: Path, shard_texts: int, count: int
) -> None:
    translation.translations(
        shards_of(world, tmp_path, shard_texts, count), out=tmp_path / "out", language=SPANISH
    )
    expected = translated(spanish, SOURCES)
    ratio = usual_ratio([(source, found.text) for source, found in zip(SOURCES, expected, strict=True)])
    assert read_table(tmp_path / "out", Translation) == [
        flagged(Text(text_id=n, text=text, held_out=n == 1), found, SPANISH, ratio)
        for n, (text, found) in enumerate(zip(SOURCES, expected, strict=True))
    ]


def test_a_shard_without_phrases_wakes_no_translator(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = shards_of(world, tmp_path, 5, 1)
    monkeypatch.delattr(translation, "load_translator")
    translation.translation_shards(
        inputs["phrases"],
        tmp_path / "translator",
        out=tmp_path / "out",
        shard=1,
        shard_texts=5,
        target_token=None,
        num_beams=1,
        batch_texts=2,
        numerics=world.numerics,
    )
    assert read_table(tmp_path / "out", Translated) == []


@pytest.mark.parametrize(
    ("shards", "found"),
    [(("es/0",), 2), (("es/0", "es/2", "es/1"), 5)],
    ids=["too few", "another order"],
)
def test_shards_of_other_phrases_are_refused(
    world: World, tmp_path: Path, shards: Sequence[str], found: int
) -> None:
    inputs = shards_of(world, tmp_path, 2, 3)
    told = {role: inputs[role] for role in ("phrases", *shards)}
    with pytest.raises(ValueError, match=f"5 phrases, but {found} translations in {len(shards)} shards"):
        translation.translations(told, out=tmp_path / "out", language=SPANISH)


def test_a_text_without_spaces_can_be_repetitive_too() -> None:
    assert "is_repetitive" in flags("of", "\u7684" * 40, "CJK")
    assert flags("The harbour", "\u6e2f\u53e3\u5728\u57ce\u5e02\u5317\u8fb9", "CJK") == set()


@pytest.mark.parametrize(
    ("said", "is_truncated"),
    [
        pytest.param(["\u2581a", "</s>"], False, id="an end"),
        pytest.param(["</s>"], False, id="nothing but an end"),
        pytest.param(["\u2581a", "\u2581a"], True, id="no end"),
    ],
)
def test_a_translation_is_whole_when_it_ends_by_itself(
    spanish: Translator, said: list[str], *, is_truncated: bool
) -> None:
    engine = SimpleNamespace(translate_batch=lambda *_, **__: [SimpleNamespace(hypotheses=[said])])
    (found,) = translated(replace(spanish, engine=engine), ["Cold."])
    assert found.is_truncated is is_truncated


def test_a_translation_that_is_cut_counts_as_flagged(tmp_path: Path) -> None:
    text = Text(text_id=0, text="sea", held_out=False)
    targets = [language for language in LANGUAGES if language.group is not Group.REFERENCE]
    for language in targets:
        found = [
            Translated(text_id=0, text="mar", is_truncated=is_cut) for is_cut in (True, False, False, False)
        ]
        rows = [flagged(text, each, replace(language, script="LATIN"), ratio=1.0) for each in found]
        write_table(tmp_path / language.code, Translation, rows)
    run = BaseRun(
        inputs={f"translations/{language.code}": tmp_path / language.code for language in targets},
        languages=LANGUAGES,
        benchmarks=(),
        layers=(0,),
        specification=SPECIFICATION,
        adapter_seeds=(),
    )
    assert {each.estimate.value for each in translation_flags(run)} == {75.0}


def test_a_translation_that_is_cut_says_so(spanish: Translator) -> None:
    (found,) = translated(spanish, SOURCES[:1])
    assert found.is_truncated
    row = flagged(Text(text_id=0, text=SOURCES[0], held_out=False), found, LANGUAGES[1], ratio=1.0)
    assert row.is_truncated


@pytest.mark.parametrize(
    ("allowed", "limit"), [(512, 128), (10, 10)], ids=["its positions", "what is allowed"]
)
def test_no_translation_outgrows_the_model(
    spanish: Translator, monkeypatch: pytest.MonkeyPatch, allowed: int, limit: int
) -> None:
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", allowed)
    spanish, engine = watched(spanish)
    translated(spanish, SOURCES[:1])
    assert [call["max_decoding_length"] for call in engine.calls] == [limit - 1]


def test_a_text_longer_than_the_models_positions_is_cut_and_says_so(spanish: Translator) -> None:
    positions = spanish.max_positions
    words = ("sea " * 40 + "." * dots for dots in range(positions))
    fitting = next(text for text in words if len(spanish.tokenizer(text)["input_ids"]) == positions)
    over, long = fitting + ".", "sea " * (3 * positions)
    read: list[list[str]] = []

    def translate_batch(sources: list[list[str]], **_: Any) -> list[Any]:
        read.extend(sources)
        return [SimpleNamespace(hypotheses=[["</s>"]]) for _ in sources]

    ending = replace(spanish, engine=SimpleNamespace(translate_batch=translate_batch))
    found = translated(ending, [SOURCES[0], fitting, over, long])
    assert [each.is_truncated for each in found] == [False, False, True, True]
    assert [len(row) for row in read[1:]] == [positions] * 3
    assert {row[-1] for row in read} == {"</s>"}
    assert len(translated(spanish, [long])) == 1


def generated(marian: MarianModel, texts: Sequence[str], beams: int) -> list[str]:
    """The same translations by transformers, text by text: the second way."""
    said = []
    for text in texts:
        tokens = marian.tokenizer([text], return_tensors="pt")
        ids = marian.model.generate(**tokens, num_beams=beams, max_new_tokens=128, do_sample=False)
        said += marian.tokenizer.batch_decode(ids, skip_special_tokens=True)
    return said


PHRASES_OF_EACH = 40
"""Of the miniature's phrases that no translator was trained on, with four beams."""


def test_the_engine_says_what_transformers_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    """At least 99 in 100 texts alike, over the nine committed translators."""
    monkeypatch.setattr(translation, "MAX_NEW_TOKENS", 128)
    held_out = [phrase.english for phrase in all_phrases() if phrase.held_out]
    texts = held_out[:: len(held_out) // PHRASES_OF_EACH][:PHRASES_OF_EACH]
    same = []
    for code, translator in fixture().sources.translators.items():
        token = translator.target_token
        ours = translated(
            converted(translator.pin, world.numerics, tmp_path / code), texts, token, PRIMARY.num_beams, 32
        )
        asked = [f"{token} {text}" if token else text for text in texts]
        theirs = generated(load_marian(translator.pin), asked, PRIMARY.num_beams)
        same += [our.text == their for our, their in zip(ours, theirs, strict=True)]
        assert not any(our.is_truncated for our in ours)
    assert len(same) == 9 * PHRASES_OF_EACH
    assert sum(same) >= 0.99 * len(same)


def loaded_at_once(module: str) -> set[str]:
    """Top names of all that importing a module of the project imports, whatever its functions import later."""
    found, waiting, seen = set[str](), [module], set[str]()
    while waiting:
        name = waiting.pop()
        spec = importlib.util.find_spec(name)
        if name in seen or spec is None or spec.origin is None:
            continue
        seen.add(name)
        for node in ast.parse(Path(spec.origin).read_bytes()).body:
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
                waiting += [node.module] if node.module.startswith("harness.") else []
    return found


@pytest.mark.parametrize("study", ["sin2025", "inaba2025"])
def test_only_translators_compute_without_torch(study: str) -> None:
    """What a stage of networks computes with must be there when it is made to repeat itself: loaded with its module."""
    loaded = load_study(study)
    stages = [each for each in plan(loaded, load_profile(loaded, "fixture"), "cpu").stages if each.uses_model]
    without = {each.name for each in stages if "torch" not in loaded_at_once(each.module)}
    assert len(stages) > 2
    assert without <= {"converted-translators", "translation-shards", "translation-scores"}


def test_translators_start_without_torch() -> None:
    said = "import sys, ctranslate2, harness.stages.translation; from transformers import MarianTokenizer; print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
