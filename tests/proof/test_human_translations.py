"""Translators scored on human translations, behind a gate of their own, against a hub in miniature: a minute of a processor."""

import json
from collections import Counter
from pathlib import Path
from typing import TypeVar

from claims.sin2025 import pins
from harness.store.tables import read_table, table_path
from harness.words.records import ParallelTranslation, UnscoredTranslator
from tests.hub.commands import stage
from tests.hub.miniature import FIXTURES, PARALLEL, miniature_hub
from tests.hub.server import OUTSIDER, TOKEN, serving

Row = TypeVar("Row", UnscoredTranslator, ParallelTranslation)


def test_a_shut_gate_is_recorded_and_an_open_one_gives_scores(tmp_path: Path) -> None:
    shut = miniature_hub()
    with serving(shut) as hub:
        assert stage(hub, tmp_path, "converted-translators", OUTSIDER).returncode == 0
        fetched = hub.paths("opus-mt.*/resolve/")
        without = stage(hub, tmp_path, "translation-scores", OUTSIDER)
        assert (without.returncode, without.stderr.count("Traceback")) == (0, 0)
        whys = rows_of(tmp_path, UnscoredTranslator)
        assert {row.language for row in whys} == set(pins.TRANSLATORS)
        assert all("accept its licence (CC-BY-SA-4.0)" in row.why for row in whys)
        assert not rows_of(tmp_path, ParallelTranslation)
        assert hub.paths("opus-mt.*/resolve/") == fetched, (
            "nothing to translate, no translator to fetch again"
        )
        assert stage(hub, tmp_path, "translation-scores", TOKEN).returncode == 0
        assert hub.unknown == []
        assert not hub.paths("deu_Latn.parquet$")
    rows = rows_of(tmp_path, ParallelTranslation)
    assert Counter(row.language for row in rows) == dict.fromkeys(pins.TRANSLATORS, PARALLEL)
    spanish = {row.sentence_id: row.reference for row in rows if row.language == "es"}
    items = (FIXTURES / "okapi" / "m_arc" / "data" / "es" / "test.jsonl").read_text().splitlines()
    assert spanish == {str(number): json.loads(items[number])["instruction"] for number in range(PARALLEL)}


def rows_of(root: Path, row_type: type[Row]) -> list[Row]:
    tables = sorted((root / "store").rglob(table_path(Path(), row_type).name))
    return [row for table in tables for row in read_table(table.parent, row_type)]
