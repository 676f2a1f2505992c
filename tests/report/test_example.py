"""The committed example: what its `report.json` gives today is what lies beside it."""

import json
import shutil
from pathlib import Path

import pytest

from harness.report.writer import load_report, render_report
from harness.words.verdict import Finding, State
from tests.report.test_page import SLOW_4G_BYTES

EXAMPLE = Path(__file__).resolve().parents[2] / "reports/example"


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(EXAMPLE / "report.json", folder)
    render_report(folder)
    return folder


@pytest.mark.parametrize("name", ["report.html", "summary.md", "junit.xml"])
def test_the_example_is_rendered_from_its_own_numbers(again: Path, name: str) -> None:
    assert (again / name).read_bytes() == (EXAMPLE / name).read_bytes(), (
        f"reports/example/{name} is stale: run 'harness report reports/example' and commit it"
    )


def test_it_is_a_fixture_run_whose_judge_was_checked() -> None:
    report = load_report(EXAMPLE)
    study = report.self_check_study
    assert report.mode == "fixture"
    assert study is not None
    said = {claim.state for claim in study.claims}
    assert said & set(State) == set(State) - {State.ERROR}
    assert said & set(Finding) == {Finding.CONSISTENT, Finding.CANNOT_OCCUR}


def test_what_it_cost_stands_beside_it_and_names_a_clean_commit() -> None:
    execution = json.loads((EXAMPLE / "execution.json").read_text(encoding="utf-8"))
    assert execution["run_id"] == load_report(EXAMPLE).run.id
    assert [attempt["outcome"] for attempt in execution["attempts"]] == ["finished"]
    assert not execution["attempts"][0]["commit"]["dirty"]


def test_a_phone_loads_the_page_in_three_seconds(again: Path) -> None:
    assert (again / "report.html").stat().st_size < SLOW_4G_BYTES
