"""Translators scored on human translations, behind a gate of their own, against a hub in miniature: a minute of a processor."""

import json
from collections import Counter
from pathlib import Path

from claims.sin2025 import pins
from harness.supply.tables import read_table
from harness.words.record import ParallelTranslation
from tests.hub.commands import stage
from tests.hub.miniature import FIXTURES, PARALLEL, miniature_hub
from tests.hub.server import OUTSIDER, TOKEN, serving


def test_translators_are_scored_on_what_the_hub_serves_behind_its_gate(tmp_path: Path) -> None:
    shut = miniature_hub()
    shut.repositories["models", pins.MODEL.address].gated = False
    with serving(shut) as hub:
        assert stage(hub, tmp_path, "phrases", OUTSIDER).returncode == 0
        refused = stage(hub, tmp_path, "translations", OUTSIDER)
        assert (refused.returncode, refused.stderr.count("Traceback")) == (5, 0)
        assert "flores_plus" in refused.stderr
        assert "accept its licence (CC-BY-SA-4.0)" in refused.stderr
        assert stage(hub, tmp_path, "translations", TOKEN).returncode == 0
        assert hub.unknown == []
        assert not hub.paths("deu_Latn.parquet$")
    tables = sorted((tmp_path / "store").rglob("parallel_translations.parquet"))
    rows = [row for table in tables for row in read_table(table.parent, ParallelTranslation)]
    assert Counter(row.language for row in rows) == dict.fromkeys(pins.TRANSLATORS, PARALLEL)
    spanish = {row.sentence_id: row.reference for row in rows if row.language == "es"}
    items = (FIXTURES / "okapi" / "m_arc" / "data" / "es" / "test.jsonl").read_text().splitlines()
    assert spanish == {str(number): json.loads(items[number])["instruction"] for number in range(PARALLEL)}
