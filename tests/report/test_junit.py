"""The CI record: every verdict under its own element, nothing the strict form does not know."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.report.document import Report
from harness.report.render import render_junit
from harness.report.writer import write_report
from harness.words.verdict import State, Why
from tests.report import judged, worlds

SUITE = {
    "package", "id", "name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"
}  # fmt: skip
OUTCOMES: dict[str, set[str]] = {
    "skipped": {"message"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}


def suites(folder: Path) -> dict[str, ET.Element]:
    return {suite.get("name", ""): suite for suite in ET.parse(folder / "junit.xml").getroot()}


def require_form(root: ET.Element) -> None:
    """The strict form, as its schema states it: which elements, in which order, with which attributes."""
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, suite in enumerate(root):
        assert (suite.tag, set(suite.attrib), suite.get("id")) == ("testsuite", SUITE, str(number))
        assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}", suite.get("timestamp", ""))
        tags = [child.tag for child in suite]
        cases = ["testcase"] * int(suite.get("tests", ""))
        assert tags == ["properties", *cases, "system-out", "system-err"]
        assert all(set(entry.attrib) == {"name", "value"} and entry.get("name") for entry in suite[0])
        require_cases(suite.findall("testcase"))


def require_cases(cases: Sequence[ET.Element]) -> None:
    for case in cases:
        assert set(case.attrib) == {"classname", "name", "time"}
        assert len(case) <= 1
        assert all(set(child.attrib) == OUTCOMES[child.tag] for child in case)
        assert all(child.text == child.get("message") for child in case), (
            "CI systems show the one or the other"
        )


@pytest.mark.parametrize("run", ["run_folder", "judged_folder", "full_folder"])
def test_it_keeps_to_the_strict_form(run: str, request: pytest.FixtureRequest) -> None:
    require_form(ET.parse(request.getfixturevalue(run) / "junit.xml").getroot())


def test_a_run_that_measured_nothing_keeps_to_it_too(tmp_path: Path) -> None:
    write_report(worlds.facts(not_run=worlds.NOT_RUN), tmp_path, tmp_path, tmp_path, not_reached())
    root = ET.parse(tmp_path / "junit.xml").getroot()
    require_form(root)
    assert {suite.get("name") for suite in root} > {"stages", "primary", "arithmetic"}


def not_reached() -> object:
    from harness.words.judgement import Judged
    from harness.words.verdict import Why

    claims = (*judged.CLAIMS, *judged.ON_PAPER)
    verdicts = judged.not_run_verdicts(claims, Why.NO_NETWORK)
    return judged.fixture_judgement(
        paper=Judged(study="sin2025", claims=claims, verdicts=verdicts), self_check=None
    )


def test_it_counts_what_it_holds(tmp_path: Path) -> None:
    tables = worlds.store(tmp_path, [], worlds.checks(differing=2))
    write_report(worlds.facts(), *tables, tmp_path / "out")
    (suite,) = suites(tmp_path / "out").values()
    assert (suite.get("tests"), suite.get("failures"), suite.get("name")) == ("14", "2", "self-checks")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "67.0, but 64.0 is known" in failure.get("message", "")


def test_every_verdict_has_its_element(full_folder: Path) -> None:
    found = suites(full_folder)
    counts = {
        name: tuple(suite.get(key) for key in ("tests", "failures", "errors", "skipped"))
        for name, suite in found.items()
    }
    assert counts == {
        "self-checks": ("14", "0", "0", "0"),
        "primary": ("6", "1", "0", "3"),
        "secondary": ("5", "0", "0", "3"),
        "exploratory": ("1", "0", "0", "1"),
        "arithmetic": ("4", "0", "0", "4"),
    }
    skipped = [entry.get("message", "").partition(":")[0] for entry in found["primary"].iter("skipped")]
    assert skipped == ["INCONCLUSIVE", "CONTESTED", "NOT_RUN"]
    told = [entry.get("message", "").partition(":")[0] for entry in found["arithmetic"].iter("skipped")]
    assert told == ["cannot-occur", "cannot-occur", "cannot-tell", "note"]


def test_a_deviation_says_everything_in_one_line(full_folder: Path) -> None:
    (failure,) = suites(full_folder)["primary"].iter("failure")
    assert failure.get("type") == "deviation.smaller"
    message = failure.get("message", "")
    parts = (
        "; reported by a summary; printed +1.62 points",
        "measured +0.40 [+0.14, +0.66] points",
        "band +1.1",
        "2.44 margins",
    )
    assert [part for part in parts if part not in message] == []


def test_an_error_is_no_failure(stored_full: Report) -> None:
    claim = replace(stored_full.claims[0], state=State.ERROR, why=Why.CRASH)
    root = ET.fromstring(render_junit(replace(stored_full, claims=(claim,))))
    (error,) = root.iter("error")
    assert error.get("type") == "crash"
    assert not list(root.iter("failure"))


def test_a_self_check_with_another_verdict_than_expected_fails(tmp_path: Path) -> None:
    judgement = judged.fixture_judgement(differing=1)
    write_report(
        worlds.facts(), *worlds.store(tmp_path, worlds.estimates()[:9], []), tmp_path / "out", judgement
    )
    suite = suites(tmp_path / "out")["self-check-claims"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("12", "1", "0")
    (failure,) = suite.iter("failure")
    assert failure.get("message", "").startswith("PASS, but ERROR was expected.")
