"""The paper profile where something is shut: one clear error, exit 5, a report that says why, and nothing lost."""

from pathlib import Path

import pytest

from tests.hub.commands import files_that_hold, harness, report_of, reproduce
from tests.hub.server import OUTSIDER, Hub


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
