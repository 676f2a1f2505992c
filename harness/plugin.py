"""pytest's side of the judge: `claims/test_claims.py` tells every verdict of a written report as a test.

`harness reproduce` runs it as its last step; `pytest claims` tells the newest run, or the one that --run names.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.judge.ledger import LedgerFile
from harness.judge.preregistration import lock_state
from harness.report.document import JudgedClaim, Report
from harness.report.writer import exit_code, load_report, outcome_of
from harness.sources.studies import CLAIMS
from harness.store.environment import expect_settings, without_strays
from harness.store.run_folder import REPORT_FILE
from harness.words.errors import (
    ExitCode,
    HarnessError,
    NotJudgedError,
    Reason,
    SettingError,
    UsageError,
)
from harness.words.judgement import LockStatus
from harness.words.verdict import Finding, State

CHECKS = CLAIMS / "test_claims.py"
"""The one test, of every claim."""

VERDICTS = "verdicts"
"""Name under which a session's verdicts are registered with pytest."""


class BrokenCheckError(Exception):
    """The harness broke over a claim; this says nothing about the paper."""


@dataclass(eq=False)
class Verdicts:
    """The verdicts of one report, and which of them a session of pytest has told."""

    study: str
    claims: tuple[JudgedClaim, ...]
    mode: str
    lock: LockStatus = LockStatus.INTACT
    told: dict[str, JudgedClaim] = field(default_factory=dict)
    failures_told: int = 0
    """Tests that failed because the verdict is one; any other failure is a malfunction."""
    failures_seen: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what failed, whoever made it fail."""
        self.failures_seen += report.failed

    def tell(self, claim: JudgedClaim) -> None:
        """Tell a verdict as a test's outcome; PASS is silence, and so is a self-check that came out as it must.

        Raises:
            BrokenCheckError: If the harness broke over the claim.
        """
        self.told[claim.id] = claim
        if claim.expected:
            if claim.state != claim.expected:
                self.failures_told += 1
                pytest.fail(
                    f"{claim.id}: expected {claim.expected}, got {claim.state}: {claim.says}", pytrace=False
                )
            return
        verdict = f"{claim.state}: {claim.why}. {claim.says}"
        if claim.state is State.DEVIATION:
            self.failures_told += 1
            pytest.fail(
                f"{claim.id} {verdict}\nHow it is decided, and run again: harness explain {claim.id}",
                pytrace=False,
            )
        if claim.state is State.ERROR:
            raise BrokenCheckError(f"{claim.id} {verdict}")
        if claim.state not in {State.PASS, Finding.CONSISTENT}:
            pytest.skip(verdict)

    @property
    def exit_code(self) -> int:
        """What was told as an exit code; a test that failed and told no verdict is a malfunction."""
        if self.failures_seen > self.failures_told:
            return ExitCode.MALFUNCTION
        return exit_code(outcome_of(self.mode, self.told.values(), lock=self.lock))


def verdicts_of(run: Path) -> Verdicts:
    """The verdicts in a run's report.

    Raises:
        NotJudgedError: If there is no report.
        HarnessError: If it cannot be used.
    """
    if not (run / REPORT_FILE).is_file():
        raise NotJudgedError(
            f"there is no finished run at {run}, so there is nothing to check the claims on; make one with "
            "'harness reproduce', or name one with --run",
            reason=Reason.UPSTREAM_NOT_RUN,
        )
    return verdicts_in(load_report(run))


def verdicts_in(report: Report) -> Verdicts:
    """The verdicts in a report, those of its self-check study after the paper's."""
    return Verdicts(
        study=report.run.study,
        claims=(*report.claims, *report.checking_claims),
        mode=report.mode,
        lock=report.lock.status,
    )


def sentence(claim: JudgedClaim) -> str:
    """The name of a claim's test: its id, and what it says."""
    return f"{claim.id}: {claim.text}"


def require_checks() -> None:
    """Refuse to begin what no test would tell the end of.

    Raises:
        UsageError: If the one test of every claim is not there.
    """
    if not CHECKS.is_file():
        raise UsageError(
            f"there is no {CHECKS}, by which verdicts are told as tests; restore it with 'git checkout'"
        )


def tell_in_pytest(report: Report) -> None:
    """Tell the verdicts of a report through `claims/test_claims.py`.

    Raises:
        HarnessError: If a verdict was not told, since its test broke.
    """
    verdicts = verdicts_in(report)
    if not verdicts.claims:
        return
    # This module is loaded already, so it is handed over instead of named on the line that `pytest claims` reads.
    options = (
        "-o",
        "addopts=--import-mode=importlib --strict-markers",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        # It collects garbage twice, among all objects of this process, which takes longer than the tests.
        "-p",
        "no:unraisableexception",
        # What else this environment has installed for pytest has no part in a verdict, and may be loaded already.
        "--disable-plugin-autoload",
    )
    with without_strays():
        pytest.main([str(CHECKS), *options], plugins=[sys.modules[__name__], _Registered(verdicts)])
    if lost := [claim.id for claim in verdicts.claims if claim.id not in verdicts.told]:
        raise HarnessError(
            f"{len(lost)} verdicts of run {report.run.id} were told by no test of {CHECKS}, such as that on {lost[0]}; mend the test that broke"
        )


@dataclass(frozen=True, eq=False)
class _Registered:
    """Registers ready verdicts before anything is collected."""

    verdicts: Verdicts

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self.verdicts, VERDICTS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where `pytest claims` finds the run that it reports."""
    group = parser.getgroup("claims")
    reports = Path(os.environ.get("HARNESS_REPORTS") or "reports")
    group.addoption("--reports", type=Path, default=reports, help="folder of runs; the newest is reported")
    group.addoption("--run", type=Path, default=None, help="folder of the run to report")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse surroundings in which no verdict can be told.

    The exit code follows from all that was told in one place, so the claims are not shared out among processes.

    Raises:
        pytest.UsageError: If pytest-xdist is asked for, or a setting is one that nothing can be done with.
    """
    try:
        expect_settings()
    except SettingError as error:
        raise pytest.UsageError(str(error)) from error
    if config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "the claims are judged in one process: leave out '-n' and '--dist', also from PYTEST_ADDOPTS"
        )


def pytest_collection(session: pytest.Session) -> None:
    """Look for the run before its claims are collected: without one there is nothing to tell."""
    _verdicts(session.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a claim of the run's studies, called what the claim says."""
    if "claim" in metafunc.fixturenames:
        metafunc.parametrize("claim", _verdicts(metafunc.config).claims, ids=sentence)


@pytest.fixture(scope="session")
def verdicts(pytestconfig: pytest.Config) -> Verdicts:
    """The verdicts of this session."""
    return _verdicts(pytestconfig)


def _verdicts(config: pytest.Config) -> Verdicts:
    """Those that were handed over, or those of the run that is asked for, under its study's lock as it stands now."""
    ready = config.pluginmanager.get_plugin(VERDICTS)
    if isinstance(ready, Verdicts):
        return ready
    reports: Path = config.option.reports
    # A report that was copied here has no stages.
    runs = [path.parent for path in reports.glob(f"*/{REPORT_FILE}") if (path.parent / "stages").is_dir()]
    newest = max(runs, key=lambda run: (run / REPORT_FILE).stat().st_mtime, default=reports)
    try:
        found = verdicts_of(config.option.run or newest)
        run_locks = LedgerFile(folder=reports).locks_of(found.study)
        found.lock = lock_state(found.study, run_locks).lock.status
    except HarnessError as error:
        pytest.exit(str(error), returncode=error.exit_code)
    except ValueError as error:
        pytest.exit(str(error), returncode=ExitCode.USAGE)
    config.pluginmanager.register(found, VERDICTS)
    return found


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End with the exit code of the verdicts that were told: none told, and all skipped, is nothing judged."""
    if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return
    found = session.config.pluginmanager.get_plugin(VERDICTS)
    if isinstance(found, Verdicts) and found.told:
        session.exitstatus = found.exit_code
    else:
        session.exitstatus = (
            ExitCode.NOTHING_JUDGED if exitstatus == pytest.ExitCode.OK else ExitCode.MALFUNCTION
        )
