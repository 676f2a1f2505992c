"""A licence that nobody accepted ends the paper profile in one clear error; what needs no gate is made all the same."""

from pathlib import Path

from tests.hub.commands import files_that_hold, report_of, reproduce
from tests.hub.miniature import miniature_hub
from tests.hub.server import OUTSIDER, serving


def test_a_shut_gate_ends_a_run_and_leaves_what_needs_no_gate(tmp_path: Path) -> None:
    with serving(miniature_hub()) as hub:
        done = reproduce(hub, tmp_path, token=OUTSIDER)
    assert done.returncode == 5
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("nox >"))
    assert "gemma-2-2b" in line
    assert "accept its licence (Gemma Terms of Use)" in line
    report = report_of(tmp_path)
    assert report["mode"] == "fixture"
    assert {row["stage"]: row["reason"] for row in report["not_run"]}["replay"] == "gated-weights"
    assert not files_that_hold(tmp_path, OUTSIDER)
