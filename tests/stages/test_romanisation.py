"""Translations in Latin letters: what changes is the script, and nothing else."""

import unicodedata
from pathlib import Path

import pytest

from harness.stages.romanisation import in_latin_letters, romanisations
from harness.store.tables import read_table, write_table
from harness.words.records import Translation


def translation(text_id: int, text: str, *, is_empty: bool = False) -> Translation:
    return Translation(
        text_id=text_id,
        language="hi",
        text=text,
        is_empty=is_empty,
        is_copy=False,
        is_repetitive=True,
        is_wrong_script=False,
        is_odd_length=False,
        is_truncated=False,
    )


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        pytest.param("हिन्दी", "hindii", id="Devanagari"),
        pytest.param("മലയാളം", "malayaallam", id="Malayalam"),
        pytest.param("中文", "zhongwen", id="Chinese, by its sounds in Mandarin"),
        pytest.param("Привет, мир.", "Privet, mir.", id="Cyrillic"),
        pytest.param("The same (2)!", "The same (2)!", id="Latin letters"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_text_keeps_its_sounds(text: str, latin: str) -> None:
    assert in_latin_letters(text) == latin


def test_rows_keep_their_order_and_all_but_their_letters(tmp_path: Path) -> None:
    rows = [translation(7, "हिन्दी में"), translation(3, "", is_empty=True), translation(5, "मराठी")]
    write_table(tmp_path / "hi", Translation, rows)
    romanisations(tmp_path / "hi", out=tmp_path / "out")
    found = read_table(tmp_path / "out", Translation)
    assert [row.text_id for row in found] == [7, 3, 5]
    assert [(row.is_empty, row.is_repetitive) for row in found] == [
        (False, True),
        (True, True),
        (False, True),
    ]
    letters = [letter for row in found for letter in row.text if letter.isalpha()]
    assert letters
    assert all(unicodedata.name(letter).startswith("LATIN") for letter in letters)
