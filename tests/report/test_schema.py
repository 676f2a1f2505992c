"""What a report may say, and what none can say."""

import copy
from typing import Any

import pytest

from harness.report.document import Report
from harness.report.schema import validated

MEASURED = {"estimate": 25.1, "se": 0.6, "df": 199, "ci90": [24.1, 26.1]}

CLAIM: dict[str, Any] = {
    "id": "gap.l6.value",
    "text": "26.27 % lower at layer 6",
    "kind": "value",
    "tier": "primary",
    "targets": [{"source_tier": "T2", "printed": "26.27", "value": 26.27, "half_width": 0.005}],
    "rule": {"alpha": 0.05, "delta": 2.5},
    "measured": MEASURED,
    "verdict": "PASS",
    "reason": "the 90 % interval lies inside the band",
    "flags": ["non-discriminating"],
    "readings": [{"reading": "high", "verdict": "PASS", "reason": "", "measured": MEASURED}],
}


@pytest.fixture
def small(stored: Report) -> Report:
    """A good report with few measurements, since every test validates it."""
    few: Report = {**stored, "measurements": stored["measurements"][:2]}
    return copy.deepcopy(few)


def with_claim(small: Report, mode: str, **changes: object) -> dict[str, Any]:
    report: dict[str, Any] = copy.deepcopy(dict(small))
    return report | {"mode": mode, "claims": [CLAIM | changes]}


def not_run(reading_verdict: str = "NOT_RUN") -> dict[str, Any]:
    reading = {"reading": "high", "verdict": reading_verdict, "reason": "fixture-mode", "measured": None}
    return {"verdict": "NOT_RUN", "reason": "fixture-mode", "measured": None, "readings": [reading]}


def test_a_full_report_with_a_pass_is_allowed(small: Report) -> None:
    assert validated(with_claim(small, "full"), "it")["claims"]


@pytest.mark.parametrize("kind", ["attained", "region", "floor"])
def test_every_kind_of_claim_is_known(small: Report, kind: str) -> None:
    validated(with_claim(small, "full", kind=kind), "it")


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
def test_a_claim_that_was_not_run_is_allowed_in_every_mode(small: Report, mode: str) -> None:
    validated(with_claim(small, mode, **not_run()), "it")


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED"])
def test_no_verdict_about_the_paper_without_the_real_model(small: Report, mode: str, verdict: str) -> None:
    with pytest.raises(ValueError, match="verdict"):
        validated(with_claim(small, mode, verdict=verdict, readings=[]), "it")


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
def test_no_reading_passes_without_the_real_model(small: Report, mode: str) -> None:
    changes = not_run("PASS")
    changes["readings"][0]["measured"] = MEASURED
    with pytest.raises(ValueError, match=r"readings\[0\]"):
        validated(with_claim(small, mode, **changes), "it")


def test_no_count_of_passes_without_the_real_model(small: Report) -> None:
    report = copy.deepcopy(small)
    report["summary"]["counts"]["PASS"] = 1
    with pytest.raises(ValueError, match="PASS"):
        validated(report, "it")


@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION"])
@pytest.mark.parametrize("measured", [None, {}])
def test_a_verdict_needs_a_measurement(small: Report, verdict: str, measured: object) -> None:
    with pytest.raises(ValueError, match="measured"):
        validated(with_claim(small, "full", verdict=verdict, measured=measured), "it")


def test_a_verdict_needs_the_measurement_to_be_there(small: Report) -> None:
    report = with_claim(small, "full")
    del report["claims"][0]["measured"]
    with pytest.raises(ValueError, match="'measured' is a required property"):
        validated(report, "it")


@pytest.mark.parametrize("verdict", ["NOT_RUN", "NOT_TESTABLE"])
def test_what_was_not_run_has_no_measurement(small: Report, verdict: str) -> None:
    with pytest.raises(ValueError, match="measured"):
        validated(with_claim(small, "full", verdict=verdict), "it")


@pytest.mark.parametrize(
    "changes", [{"verdict": "REPRODUCED"}, {"kind": "vibe"}, {"targets": []}, {"surprise": 1}], ids=str
)
def test_unknown_words_are_refused(small: Report, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"claims\[0\]"):
        validated(with_claim(small, "full", **changes), "it")


def test_a_self_check_without_a_finite_number_cannot_agree(small: Report) -> None:
    report = copy.deepcopy(small)
    report["self_checks"][0]["measured"] = None
    with pytest.raises(ValueError, match=r"self_checks\[0\].differs"):
        validated(report, "it")


def test_a_message_names_the_file_the_place_and_the_cure(small: Report) -> None:
    with pytest.raises(ValueError, match=r"run/report\.json is not a report .* at \$: .*write it again"):
        validated({key: value for key, value in small.items() if key != "lock"}, "run/report.json")
