"""pytest's side: each check tells one verdict, all skipped is nothing judged, and what nobody checks is no verdict."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from claims.sin2025.claims import CLAIMS as PAPER
from harness import plugin
from harness.judge.docket import Docket, Unmeasured, docket_of
from harness.judge.hearing import Circumstances
from harness.plugin import BrokenCheckError, Clerk, ending_of, hear_in_pytest, sentence
from harness.sources.studies import load_study
from harness.words.claim import Claim, Tier
from harness.words.errors import HarnessError
from harness.words.judgement import LockStatus
from harness.words.verdict import State, Verdict, Why
from tests.judge.asked import value_claim

ROOT = Path(__file__).resolve().parents[1]
FIXTURE = Circumstances(why_not_run=Why.FIXTURE_MODE)

CHECK = """
import pytest
from harness.plugin import sentence
from tests.test_plugin import TABLE

@pytest.mark.parametrize("claim", TABLE{part}, ids=sentence)
def test_claim(claim, judged):
    judged.{how}(claim)
"""

TABLE = tuple(
    replace(value_claim(), id=f"tiny.{number}", says=f"The number {number} holds") for number in range(3)
)


def docket(check: Path) -> Docket:
    return Docket(study=check.parent.name, claims=TABLE, samples=Unmeasured(), circumstances=FIXTURE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The check module of a study that only this test has."""
    monkeypatch.setattr(plugin, "CLAIMS", tmp_path)
    (tmp_path / "pytest.ini").write_text((ROOT / "claims" / "pytest.ini").read_text())
    # Modules are known by name for the whole session, so each test's study has a name of its own.
    study = tmp_path / tmp_path.name
    study.mkdir()
    return study / "test_tiny.py"


def clerk_with(state: State, expected: str = "", why: Why = Why.SHOWN) -> tuple[Clerk, Claim]:
    asked = replace(value_claim(), expected=expected, tier=Tier.PRIMARY)
    clerk = Clerk({}, mode="full")
    clerk.verdicts = {asked.id: Verdict(claim_id=asked.id, state=state, why=why, says="So it is.")}
    return clerk, asked


def test_every_claim_of_the_paper_is_told_by_its_check() -> None:
    study = load_study("sin2025")
    verdicts = hear_in_pytest(docket_of(study, PAPER, None, FIXTURE))
    assert [verdict.claim_id for verdict in verdicts] == [each.id for each in PAPER]
    assert {verdict.state for verdict in verdicts} == {State.NOT_RUN, State.NOT_TESTABLE}


def test_verdicts_are_told_through_the_checks(folder: Path) -> None:
    folder.write_text(CHECK.format(part="", how="report"))
    assert [verdict.why for verdict in hear_in_pytest(docket(folder))] == [Why.FIXTURE_MODE] * 3


def test_a_claim_without_a_check_is_a_malfunction(folder: Path) -> None:
    folder.write_text(CHECK.format(part="[:2]", how="report"))
    with pytest.raises(HarnessError, match=r"1 claims of .* have no check .*such as tiny\.2"):
        hear_in_pytest(docket(folder))


def test_a_check_that_breaks_is_a_malfunction(folder: Path) -> None:
    folder.write_text(CHECK.format(part="", how="reprot"))
    with pytest.raises(HarnessError, match=r"3 claims of .* have no check"):
        hear_in_pytest(docket(folder))


def test_a_pass_is_silent() -> None:
    clerk, asked = clerk_with(State.PASS)
    clerk.report(asked)
    assert list(clerk.told) == [asked.id]


def test_a_deviation_fails_with_the_line_that_runs_it_again() -> None:
    clerk, asked = clerk_with(State.DEVIATION, why=Why.SMALLER)
    with pytest.raises(pytest.fail.Exception, match=rf"(?s)DEVIATION: smaller.*harness explain {asked.id}"):
        clerk.report(asked)


@pytest.mark.parametrize(
    "state", [State.INCONCLUSIVE, State.CONTESTED, State.NOT_RUN, State.NOT_TESTABLE], ids=str
)
def test_what_is_no_verdict_is_skipped_by_its_name(state: State) -> None:
    clerk, asked = clerk_with(state)
    with pytest.raises(pytest.skip.Exception, match=f"^{state}: "):
        clerk.report(asked)


def test_an_error_is_broken_and_no_deviation() -> None:
    clerk, asked = clerk_with(State.ERROR, why=Why.CRASH)
    with pytest.raises(BrokenCheckError):
        clerk.report(asked)


def test_a_self_check_fails_when_it_comes_out_otherwise() -> None:
    clerk, asked = clerk_with(State.PASS, expected="DEVIATION")
    with pytest.raises(pytest.fail.Exception, match="expected DEVIATION, got PASS"):
        clerk.report_expected(asked)
    assert clerk.differs == [True]


def test_a_self_check_that_must_deviate_passes_when_it_does() -> None:
    clerk, asked = clerk_with(State.DEVIATION, expected="DEVIATION")
    clerk.report_expected(asked)
    assert clerk.differs == [False]
    assert clerk.gated == []


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        pytest.param((1, 1), 1, id="every failure is a verdict"),
        pytest.param((1, 2), 3, id="one failure is none"),
    ],
)
def test_a_test_that_breaks_is_a_malfunction_and_no_verdict(failures: tuple[int, int], code: int) -> None:
    clerk, _ = clerk_with(State.DEVIATION)
    clerk.gated, (clerk.failures_told, clerk.failures_seen) = list(clerk.verdicts.values()), failures
    assert ending_of(clerk) == code


def test_a_broken_lock_ends_the_checks_as_it_ends_a_run() -> None:
    clerk, _ = clerk_with(State.PASS)
    clerk.gated, clerk.lock = list(clerk.verdicts.values()), LockStatus.BROKEN
    assert ending_of(clerk) == 11


def test_words_for_pytest_at_large_thin_out_no_verdict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    folder.write_text(CHECK.format(part="", how="report"))
    assert len(hear_in_pytest(docket(folder))) == 3
    assert os.environ["PYTEST_ADDOPTS"] == "-k nothing"


def test_plugins_of_another_project_have_no_part_in_a_verdict(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_PLUGINS", "plugin_of_another_project")
    folder.write_text(CHECK.format(part="", how="report"), encoding="utf-8")
    assert len(hear_in_pytest(docket(folder))) == 3


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
    assert sentence(TABLE[0]) == "tiny.0: The number 0 holds"


def test_without_a_run_nothing_is_judged(tmp_path: Path) -> None:
    found = pytest_of_claims(tmp_path)
    assert found.returncode == 5
    assert "there is no finished run" in found.stdout
