"""The paper profile where something is shut: one clear error, exit 5, a report that says why, and nothing lost."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from claims.sin2025 import pins
from harness.supply.tables import read_table
from harness.words.record import ParallelTranslation
from tests.hub.commands import files_that_hold, harness, report_of, reproduce
from tests.hub.miniature import FIXTURES, PARALLEL, miniature_hub
from tests.hub.server import OUTSIDER, TOKEN, Hub, serving


@pytest.mark.slow
def test_a_shut_gate_ends_a_run_and_leaves_what_needs_no_gate(hub: Hub, tmp_path: Path) -> None:
    done = reproduce(hub, tmp_path, token=OUTSIDER)
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert "gemma-2-2b" in line
    assert "accept its licence (Gemma Terms of Use)" in line
    report = report_of(tmp_path)
    assert report["mode"] == "fixture"
    assert {row["stage"]: row["reason"] for row in report["not_run"]}["replay"] == "gated-weights"
    assert not files_that_hold(tmp_path, OUTSIDER)


def test_without_network_there_is_a_report_at_once(hub: Hub, tmp_path: Path) -> None:
    done = reproduce(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 5
    assert "no network" in done.stderr
    assert {row["reason"] for row in report_of(tmp_path)["not_run"]} == {"no-network"}


def test_a_plan_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    before = len(hub.asked)
    done = harness(hub, tmp_path, "plan", "--profile", "paper", "--store", str(tmp_path / "store"))
    assert done.returncode == 0
    assert "never used on this machine" in done.stdout
    assert len(hub.asked) == before


@pytest.mark.slow
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


def stage(hub: Hub, root: Path, name: str, token: str) -> subprocess.CompletedProcess[str]:
    """One stage of the paper profile by hand, on the processor."""
    words = (
        "--profile",
        "paper",
        "--device",
        "cpu",
        "--store",
        str(root / "store"),
        "--run",
        str(root / "run"),
    )
    return harness(hub, root, "stage", name, *words, token=token)


@pytest.mark.slow
def test_the_gate_and_the_phrases_stand_on_what_the_hub_serves(hub: Hub, tmp_path: Path) -> None:
    for name in ("replay", "phrases"):
        done = stage(hub, tmp_path, name, TOKEN)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert hub.unknown == []
    assert not files_that_hold(tmp_path, TOKEN)
    assert not hub.paths("gguf|tf_model|rust_model|width_65k")
