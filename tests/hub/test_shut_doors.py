"""The paper profile where something is shut: one clear error, exit 5, a report that says why, and nothing lost."""

from pathlib import Path

from tests.hub.commands import harness, report_of, reproduce
from tests.hub.server import Hub


def test_without_network_there_is_a_report_at_once(hub: Hub, tmp_path: Path) -> None:
    done = reproduce(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 5
    assert "HF_HUB_OFFLINE=1 forbids to ask" in done.stderr
    assert {row["reason"] for row in report_of(tmp_path)["not_run"]} == {"no-network"}


def test_a_plan_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    before = len(hub.asked)
    done = harness(hub, tmp_path, "plan", "--profile", "paper", "--store", str(tmp_path / "store"))
    assert done.returncode == 0
    assert "never used on this machine" in done.stdout
    assert len(hub.asked) == before
