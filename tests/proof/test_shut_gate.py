"""A licence that nobody accepted ends the paper profile in one clear error, before anything is made."""

from pathlib import Path

from tests.hub.commands import files_that_hold, report_of, reproduce
from tests.hub.miniature import miniature_hub
from tests.hub.server import OUTSIDER, serving


def test_a_shut_gate_is_found_before_the_first_stage(tmp_path: Path) -> None:
    with serving(miniature_hub()) as hub:
        done = reproduce(hub, tmp_path, token=OUTSIDER)
    assert done.returncode == 5
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("nox >"))
    assert "gemma-2-2b" in line
    assert "accept its licence (Gemma Terms of Use)" in line
    report = report_of(tmp_path)
    assert report["mode"] == "fixture"
    assert {row["reason"] for row in report["not_run"]} == {"gated-weights"}
    assert not files_that_hold(tmp_path, OUTSIDER)
