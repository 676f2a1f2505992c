"""Records in, files out: exit codes, repeated bytes, and nothing dropped."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.document import Report
from harness.report.writer import load_report, render_report, write_report
from harness.words.errors import UsageError
from harness.words.estimate import Estimate, SelfCheck
from tests.report import worlds

FILES = ("report.json", "report.html", "summary.md", "junit.xml")


def write(
    folder: Path, rows: Sequence[Estimate], checks: Sequence[SelfCheck] | None, **changes: object
) -> tuple[int, Path]:
    report = write_report(worlds.facts(**changes), *worlds.store(folder, rows, checks), folder / "out")
    code = report.summary.exit_code
    return code, folder / "out"


def test_exit_codes_of_written_reports(tmp_path: Path) -> None:
    few = worlds.estimates()[:3]
    cases = {"agree": worlds.checks(), "differ": worlds.checks(differing=1), "empty": [], "absent": None}
    codes = {name: write(tmp_path / name, few, checks) for name, checks in cases.items()}
    assert {name: code for name, (code, _) in codes.items()} == {
        "agree": 0,
        "differ": 1,
        "empty": 5,
        "absent": 5,
    }
    stored = {name: load_report(out).summary.exit_code for name, (_, out) in codes.items()}
    assert stored == {"agree": 0, "differ": 1, "empty": 5, "absent": 5}


def test_the_same_records_give_the_same_bytes(tmp_path: Path, run_folder: Path) -> None:
    _, again = write(tmp_path, worlds.estimates(), worlds.checks())
    for name in FILES:
        assert (again / name).read_bytes() == (run_folder / name).read_bytes(), name


def test_rendering_again_gives_the_same_bytes(tmp_path: Path, run_folder: Path) -> None:
    (tmp_path / "report.json").write_bytes((run_folder / "report.json").read_bytes())
    assert render_report(tmp_path).summary.exit_code == 0
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (run_folder / name).read_bytes(), name


def test_a_user_setting_of_the_plotting_library_moves_no_byte(tmp_path: Path, run_folder: Path) -> None:
    import matplotlib as mpl

    (tmp_path / "report.json").write_bytes((run_folder / "report.json").read_bytes())
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 20, "svg.fonttype": "path"}):
        render_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == (run_folder / "report.html").read_bytes()


def test_json_holds_every_record(stored: Report) -> None:
    rows = worlds.estimates()
    assert [row.id for row in stored.measurements] == [row.estimate_id for row in rows]
    assert [row.value for row in stored.measurements] == [row.value for row in rows]
    assert [row.num_unit_values for row in stored.measurements] == [
        len(list(worlds.units(row))) for row in rows
    ]
    assert len(stored.self_checks) == 14
    assert (stored.lock.sha256, stored.lock.status) == (worlds.DIGEST, "absent")


def test_json_holds_the_points_of_correlations_alone(stored: Report) -> None:
    drawn = {row.id: row.points for row in stored.measurements if row.points}
    assert set(drawn) == {row.id for row in stored.measurements if row.quantity == "correlation"}
    assert [point.unit for point in next(iter(drawn.values()))] == list(worlds.TARGETS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_said_to_be_so(tmp_path: Path, value: float) -> None:
    rows = [replace(row, value=value) for row in worlds.estimates()[:60]]
    checks = [replace(check, measured=value, differs=True) for check in worlds.checks(number=1)]
    code, out = write(tmp_path, rows, checks)
    assert code == 1
    assert json.loads((out / "report.json").read_text())["measurements"][0]["value"] is None
    assert "not finite" in (out / "report.html").read_text()
    assert "not finite" in (out / "junit.xml").read_text()


@pytest.mark.parametrize("kind", ["estimate", "self-check"])
def test_ids_that_occur_twice_are_refused(tmp_path: Path, kind: str) -> None:
    rows, checks = worlds.estimates()[:2], worlds.checks()
    twice = (rows * 2, checks) if kind == "estimate" else (rows, checks * 2)
    with pytest.raises(ValueError, match=f"{kind} ids must be unique"):
        write(tmp_path, *twice)
    assert not (tmp_path / "out").exists()


def test_a_digest_that_is_none_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lock\.sha256"):
        write(tmp_path, [], [], specification_digest="unknown")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "is no JSON", id="cut off"),
        pytest.param("\x00\x01", "is no JSON", id="binary"),
        pytest.param("[" * 100_000, "is no JSON", id="nested without end"),
        pytest.param(
            '{"schema_version": "1.0"}', "version 1.0 of the report, but this harness reads", id="an old one"
        ),
        pytest.param("[]", "is not a report", id="a list"),
        pytest.param("{}", "is not a report", id="empty"),
    ],
)
def test_a_broken_report_is_named_and_nothing_is_written(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words) as refused:
        render_report(tmp_path)
    assert str(tmp_path / "report.json") in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_number_that_json_does_not_know_is_refused(tmp_path: Path, run_folder: Path) -> None:
    text = (run_folder / "report.json").read_text(encoding="utf-8")
    (tmp_path / "report.json").write_text(text.replace('"value": 26.0', '"value": NaN', 1), encoding="utf-8")
    assert "NaN" in (tmp_path / "report.json").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="NaN is no number of JSON"):
        load_report(tmp_path)


class TestSummary:
    """`summary.md` within the limits of a step summary."""

    def test_it_begins_with_the_mode(self, run_folder: Path) -> None:
        text = (run_folder / "summary.md").read_text(encoding="utf-8")
        assert text.startswith("### FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER\n")
        assert "14 of 14 self-checks agree" in text

    def test_tables_give_way_before_the_head(self, tmp_path: Path) -> None:
        rows = [
            worlds.named(replace(worlds.BLANK, quantity=f"novel-{place}-{'x' * 90}")) for place in range(900)
        ]
        _, out = write(tmp_path, rows, worlds.checks(differing=1))
        text = (out / "summary.md").read_bytes()
        assert len(text) <= 64 * 1024
        assert text.startswith(b"### FIXTURE RUN")
        assert b"Self-checks that differ" in text
        assert b"1 table left out here for size" in text
