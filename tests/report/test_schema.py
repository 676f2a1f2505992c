"""What a report may say, and what none can say."""

import copy
from enum import StrEnum
from typing import Any

import pytest

from harness.report.document import Report
from harness.report.schema import schema_text, validated
from harness.words.claim import Kind, SourceTier, Tier, Unit
from harness.words.judgement import FailOn, LockStatus, Openness
from harness.words.verdict import Flag, State


@pytest.fixture
def small(stored_full: Report) -> dict[str, Any]:
    """A good report of a full run with few measurements, since every test validates it; its first claim is a PASS."""
    return copy.deepcopy(dict(stored_full) | {"measurements": stored_full["measurements"][:2]})


@pytest.fixture
def fixture_run(stored_judged: Report) -> dict[str, Any]:
    """The same of a fixture run; its first claim is NOT_RUN."""
    return copy.deepcopy(dict(stored_judged) | {"measurements": stored_judged["measurements"][:2]})


def refused(report: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        validated(report, "it")


def test_good_reports_are_allowed(small: dict[str, Any], fixture_run: dict[str, Any]) -> None:
    assert validated(small, "it")["claims"][0]["verdict"] == "PASS"
    assert validated(fixture_run, "it")["claims"][0]["verdict"] == "NOT_RUN"


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED"])
@pytest.mark.parametrize("place", [0, 12], ids=["a measured claim", "the paper's arithmetic"])
def test_no_verdict_about_the_paper_without_the_real_model(
    fixture_run: dict[str, Any], small: dict[str, Any], mode: str, verdict: str, place: int
) -> None:
    claim = small["claims"][place] | {"verdict": verdict, "cases": []}
    fixture_run["claims"][place] = claim
    refused(fixture_run | {"mode": mode}, rf"claims\[{place}\]\.verdict")


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
def test_no_case_passes_without_the_real_model(
    fixture_run: dict[str, Any], small: dict[str, Any], mode: str
) -> None:
    fixture_run["claims"][0]["cases"] = small["claims"][0]["cases"]
    refused(fixture_run | {"mode": mode}, r"cases\[0\]")


def test_no_count_of_passes_without_the_real_model(fixture_run: dict[str, Any]) -> None:
    fixture_run["summary"]["counts"]["PASS"] = 1
    refused(fixture_run, "PASS")


@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION"])
@pytest.mark.parametrize("measured", [None, {}])
def test_a_verdict_needs_a_measurement(small: dict[str, Any], verdict: str, measured: object) -> None:
    small["claims"][0] |= {"verdict": verdict, "measured": measured}
    refused(small, r"claims\[0\]\.measured")


def test_a_verdict_under_one_reading_needs_a_measurement(small: dict[str, Any]) -> None:
    small["claims"][0]["cases"][0]["measured"] = None
    refused(small, r"cases\[0\]\.measured")


def test_a_verdict_needs_the_measurement_to_be_there(small: dict[str, Any]) -> None:
    del small["claims"][0]["measured"]
    refused(small, "'measured' is a required property")


def test_a_verdict_about_the_page_needs_no_measurement(small: dict[str, Any]) -> None:
    pages = [claim for claim in small["claims"] if claim["kind"] == "arithmetic"]
    assert {claim["verdict"] for claim in pages} == {"DEVIATION", "INCONCLUSIVE", "PASS"}
    assert all(claim["measured"] is None for claim in pages)
    validated(small, "it")


@pytest.mark.parametrize("verdict", ["NOT_RUN", "NOT_TESTABLE"])
def test_what_was_not_run_has_no_measurement(small: dict[str, Any], verdict: str) -> None:
    small["claims"][0] |= {"verdict": verdict}
    refused(small, "measured")


@pytest.mark.parametrize(
    "changes",
    [{"verdict": "REPRODUCED"}, {"kind": "vibe"}, {"surprise": 1}, {"flags": ["shiny"]}, {"targets": [{}]}],
    ids=str,
)
def test_unknown_words_are_refused(small: dict[str, Any], changes: dict[str, object]) -> None:
    small["claims"][0] |= changes
    refused(small, r"claims\[0\]")


def test_the_miniature_study_may_say_anything_but_must_say_what_was_expected(
    fixture_run: dict[str, Any],
) -> None:
    study = fixture_run["self_check_study"]
    assert {"PASS", "DEVIATION", "CONTESTED"} < {claim["verdict"] for claim in study["claims"]}
    del study["claims"][0]["expected"]
    refused(fixture_run, "self_check_study")


def test_without_a_judge_there_is_no_claim(small: dict[str, Any]) -> None:
    refused(small | {"judged": False}, "claims")


@pytest.mark.parametrize("words", [Kind, Tier, Unit, State, Flag, LockStatus, FailOn, Openness, SourceTier])
def test_every_word_of_the_judge_stands_in_the_schema(words: type[StrEnum]) -> None:
    assert [str(word) for word in words if f'"{word}"' not in schema_text()] == []


def test_a_self_check_without_a_finite_number_cannot_agree(small: dict[str, Any]) -> None:
    small["self_checks"][0]["measured"] = None
    refused(small, r"self_checks\[0\].differs")


def test_a_message_names_the_file_the_place_and_the_cure(small: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"run/report\.json is not a report .* at \$: .*write it again"):
        validated({key: value for key, value in small.items() if key != "lock"}, "run/report.json")
