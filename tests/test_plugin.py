"""pytest's side: each check tells one verdict, all skipped is nothing judged, and what nobody checks is no verdict."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import plugin
from harness.plugin import BrokenCheckError, Verdicts, require_checks, sentence, tell_in_pytest, verdicts_of
from harness.report.document import JudgedClaim
from harness.report.writer import load_report
from harness.words.errors import ExitCode, HarnessError, UsageError
from harness.words.judgement import LockStatus
from harness.words.verdict import State, Why

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "reports" / "example"
"""A committed report of a fixture run."""

CHECK = """
import pytest

def test_claim(claim, verdicts):
    {how}
"""


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The check module of a project that only this test has."""
    (tmp_path / "pytest.ini").write_text((ROOT / "claims" / "pytest.ini").read_text())
    # Modules are known by name for the whole session, so each test's has a name of its own.
    path = tmp_path / f"test_{tmp_path.name}.py"
    monkeypatch.setattr(plugin, "CHECKS", path)
    return path


def verdicts_with(
    state: State, expected: str = "", why: Why = Why.SHOWN, lock: LockStatus = LockStatus.INTACT
) -> tuple[Verdicts, JudgedClaim]:
    first = load_report(EXAMPLE).claims[0]
    claim = replace(first, state=state, why=why, says="So it is.", expected=expected or None)
    return Verdicts(study="sin2025", claims=(claim,), mode="full", lock=lock), claim


def test_a_report_holds_every_claim_of_its_studies() -> None:
    found = verdicts_of(EXAMPLE)
    report = json.loads((EXAMPLE / "report.json").read_text(encoding="utf-8"))
    checked = report["self_check_study"]["claims"]
    assert [each.id for each in found.claims] == [each["id"] for each in (*report["claims"], *checked)]
    assert [each.expected for each in found.claims if each.expected] == [each["expected"] for each in checked]
    assert found.mode == "fixture"


def test_every_verdict_of_a_report_is_told_by_its_test() -> None:
    tell_in_pytest(load_report(EXAMPLE))


def test_a_verdict_that_no_test_tells_is_a_malfunction(checks: Path) -> None:
    checks.write_text(CHECK.format(how="claim.id == verdicts.claims[-1].id or verdicts.tell(claim)"))
    last = verdicts_of(EXAMPLE).claims[-1].id
    with pytest.raises(HarnessError, match=rf"^1 verdicts of .* were told by no test of .*on {last}; mend"):
        tell_in_pytest(load_report(EXAMPLE))


def test_a_check_that_breaks_is_a_malfunction(checks: Path) -> None:
    checks.write_text(CHECK.format(how="verdicts.reprot(claim)"))
    count = len(verdicts_of(EXAMPLE).claims)
    with pytest.raises(HarnessError, match=rf"^{count} verdicts of .* were told by no test"):
        tell_in_pytest(load_report(EXAMPLE))


def test_a_report_without_claims_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch, checks: Path) -> None:
    monkeypatch.setattr(
        plugin, "verdicts_in", lambda report: Verdicts(study="sin2025", claims=(), mode="full")
    )
    tell_in_pytest(load_report(EXAMPLE))
    assert not checks.exists()


def test_without_the_checks_no_run_begins(checks: Path) -> None:
    assert not checks.exists()
    with pytest.raises(UsageError, match="by which verdicts are told as tests; restore it"):
        require_checks()


def test_a_pass_is_silent() -> None:
    verdicts, claim = verdicts_with(State.PASS)
    verdicts.tell(claim)
    assert list(verdicts.told) == [claim.id]
    assert verdicts.exit_code == ExitCode.SHOWN


def test_a_deviation_fails_with_the_line_that_runs_it_again() -> None:
    verdicts, claim = verdicts_with(State.DEVIATION, why=Why.SMALLER)
    with pytest.raises(pytest.fail.Exception, match=rf"(?s)DEVIATION: smaller.*harness explain {claim.id}"):
        verdicts.tell(claim)


@pytest.mark.parametrize(
    "state", [State.INCONCLUSIVE, State.CONTESTED, State.NOT_RUN, State.NOT_TESTABLE], ids=str
)
def test_what_is_no_verdict_is_skipped_by_its_name(state: State) -> None:
    verdicts, claim = verdicts_with(state)
    with pytest.raises(pytest.skip.Exception, match=f"^{state}: "):
        verdicts.tell(claim)


def test_an_error_is_broken_and_no_deviation() -> None:
    verdicts, claim = verdicts_with(State.ERROR, why=Why.CRASH)
    with pytest.raises(BrokenCheckError):
        verdicts.tell(claim)


def test_a_self_check_fails_when_it_comes_out_otherwise() -> None:
    verdicts, claim = verdicts_with(State.PASS, expected="DEVIATION")
    verdicts.mode = "fixture"
    with pytest.raises(pytest.fail.Exception, match="expected DEVIATION, got PASS"):
        verdicts.tell(claim)
    assert verdicts.exit_code == ExitCode.FINDING


def test_a_self_check_that_must_deviate_passes_when_it_does() -> None:
    verdicts, claim = verdicts_with(State.DEVIATION, expected="DEVIATION")
    verdicts.tell(claim)
    assert verdicts.failures_told == 0
    verdicts.mode = "fixture"
    assert verdicts.exit_code == ExitCode.SHOWN
    verdicts.mode = "full"
    assert verdicts.exit_code == ExitCode.NOTHING_JUDGED, "it gates no claim"


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        pytest.param((1, 1), 1, id="every failure is a verdict"),
        pytest.param((1, 2), 3, id="one failure is none"),
    ],
)
def test_a_test_that_breaks_is_a_malfunction_and_no_verdict(failures: tuple[int, int], code: int) -> None:
    verdicts, claim = verdicts_with(State.DEVIATION)
    verdicts.told[claim.id] = claim
    verdicts.failures_told, verdicts.failures_seen = failures
    assert verdicts.exit_code == code


def test_a_broken_lock_ends_the_checks_as_it_ends_a_run() -> None:
    verdicts, claim = verdicts_with(State.PASS, lock=LockStatus.BROKEN)
    verdicts.tell(claim)
    assert verdicts.exit_code == 11


def test_words_for_pytest_at_large_thin_out_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    tell_in_pytest(load_report(EXAMPLE))
    assert os.environ["PYTEST_ADDOPTS"] == "-k nothing"


def test_plugins_of_another_project_have_no_part_in_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_PLUGINS", "plugin_of_another_project")
    tell_in_pytest(load_report(EXAMPLE))


def pytest_of_claims(tmp_path: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`pytest claims` where there is no run."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "claims",
        "-k",
        "malayalam",
        "--reports",
        str(tmp_path),
        *words,
    ]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=120
    )


def test_a_session_that_tells_no_verdict_has_judged_nothing(tmp_path: Path) -> None:
    assert pytest_of_claims(tmp_path, PYTEST_ADDOPTS="--collect-only").returncode == 5


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        pytest.param("PYTHONOPTIMIZE", "2", "Python was started with -O", id="a Python without assertions"),
        pytest.param("PYTEST_ADDOPTS", "-p no:harness.plugin", "tells the verdicts", id="no judge"),
    ],
)
def test_where_no_verdict_can_be_told_nothing_is_checked(
    tmp_path: Path, variable: str, value: str, says: str
) -> None:
    found = pytest_of_claims(tmp_path, **{variable: value})
    assert found.returncode == 4
    assert says in found.stderr


def test_claims_are_not_shared_out_among_processes(tmp_path: Path) -> None:
    """As pytest-xdist sets it where it is given "-n"."""
    (tmp_path / "sharing.py").write_text(
        'def pytest_addoption(parser):\n    parser.addoption("--dist", default="no")\n', encoding="utf-8"
    )
    places = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    found = pytest_of_claims(tmp_path, PYTHONPATH=places, PYTEST_ADDOPTS="-p sharing --dist load")
    assert found.returncode == 4
    assert "the claims are judged in one process: leave out '-n'" in found.stderr


def test_names_read_as_sentences() -> None:
    claim = next(each for each in verdicts_of(EXAMPLE).claims if each.id == "gap.l6.value")
    assert sentence(claim) == "gap.l6.value: At layer 6 the gap of low-resource languages is 26.27 percent"


def test_a_report_that_is_named_is_told_by_hand(tmp_path: Path) -> None:
    found = pytest_of_claims(tmp_path, "--run", str(EXAMPLE))
    assert "test_claim[gain.ml.value: " in pytest_of_claims(tmp_path, "--run", str(EXAMPLE), "-v").stdout
    assert " skipped" in found.stdout
    assert "NOT_RUN: fixture-mode. Nothing of it is judged in this run." in found.stdout


def test_without_a_run_nothing_is_judged(tmp_path: Path) -> None:
    found = pytest_of_claims(tmp_path)
    assert found.returncode == 5
    assert "there is no finished run" in found.stdout
