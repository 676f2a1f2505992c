"""Sentences by people: joined by id whatever their order, and one clear error where the files are others."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.sources.parallel import ParallelSentence, parallel_sentences
from harness.words.errors import MissingSourceError
from harness.words.plan import ParallelTexts
from tests.parallel_texts import human_texts

ENGLISH, SPANISH = [f"sea {n}" for n in range(12)], [f"mar {n}" for n in range(12)]


def wanted(folder: Path, sentences: int = 4, place: str = "devtest/{config}.jsonl") -> ParallelTexts:
    pin = human_texts(folder, {"eng_Latn": ENGLISH, "spa_Latn": SPANISH}, place)
    return ParallelTexts(
        pin=pin, split="devtest", source_config="eng_Latn", target_config="spa_Latn", sentences=sentences
    )


@pytest.mark.parametrize(
    "place",
    ["devtest/{config}.jsonl", "{config}/devtest.jsonl", "data/{config}/devtest-00000-of-00001.jsonl"],
)
def test_sentences_are_joined_by_id_and_spread_over_the_split(tmp_path: Path, place: str) -> None:
    human_texts(tmp_path, {"eng_Latn": ["other"], "spa_Latn": ["otra"]}, place.replace("devtest", "dev"))
    assert parallel_sentences(wanted(tmp_path, place=place)) == [
        ParallelSentence(sentence_id=f"{n}", source=f"sea {n}", target=f"mar {n}") for n in (0, 3, 6, 9)
    ]


def test_all_are_taken_where_fewer_are_there(tmp_path: Path) -> None:
    assert len(parallel_sentences(wanted(tmp_path, sentences=100))) == 12


def test_parquet_is_read_too(tmp_path: Path) -> None:
    task = wanted(tmp_path)
    (tmp_path / "devtest" / "spa_Latn.jsonl").unlink()
    table = pa.table({"id": [3, 0], "text": ["mar 3", "mar 0"], "domain": ["wiki", "wiki"]})
    pq.write_table(table, tmp_path / "devtest" / "spa_Latn.parquet")
    assert [row.target for row in parallel_sentences(task)] == ["mar 0", "mar 3"]


def test_lines_end_where_json_lets_them(tmp_path: Path) -> None:
    asked = wanted(tmp_path, sentences=1)
    told = [{"id": "1", "text": "one\u2028two\x85"}]
    for config in ("eng_Latn", "spa_Latn"):
        path = tmp_path / "devtest" / f"{config}.jsonl"
        path.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in told),
            encoding="utf-8",
            newline="",
        )
    (found,) = parallel_sentences(asked)
    assert found.target == "one\u2028two\x85"


def test_a_layout_that_is_not_known_is_named(tmp_path: Path) -> None:
    task = replace(wanted(tmp_path), target_config="mal_Mlym")
    with pytest.raises(
        MissingSourceError, match=r"0 files are for split devtest and configuration mal_Mlym.*eng_Latn"
    ):
        parallel_sentences(task)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param('{"id": 0, "sentence": "mar"}', "KeyError\\('text'\\)", id="another column"),
        pytest.param('{"id": 0, "text": null}', "text is None", id="no text"),
        pytest.param('{"id": 0, "te', "JSONDecodeError", id="half a line"),
        pytest.param("[1]", "TypeError", id="no record"),
        pytest.param('{"id": 0, "text": "\\ud83d"}', "half of a character", id="half of a character"),
        pytest.param("[" * 100_000, "RecursionError", id="too deep"),
    ],
)
def test_rows_that_are_no_sentences_are_named(tmp_path: Path, line: str, fault: str) -> None:
    task = wanted(tmp_path)
    (tmp_path / "devtest" / "spa_Latn.jsonl").write_text(line)
    with pytest.raises(
        MissingSourceError, match=rf"devtest/spa_Latn.jsonl is no table of sentences: .*{fault}"
    ):
        parallel_sentences(task)


def test_texts_that_share_no_id_are_no_translations(tmp_path: Path) -> None:
    task = wanted(tmp_path)
    (tmp_path / "devtest" / "spa_Latn.jsonl").write_text('{"id": "x", "text": "mar"}')
    with pytest.raises(MissingSourceError, match="no id stands both in eng_Latn and in spa_Latn"):
        parallel_sentences(task)
