"""pytest's side of the judge: each check of `claims/` reports one verdict; the family behind it is judged once.

`harness reproduce` runs the checks in its own process; `pytest claims` runs them on the newest stored run.
"""

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from harness.judge.docket import Docket, hear
from harness.report.exit_code import UNGATED_KINDS, Outcome, exit_code
from harness.run.judged_run import judged_run
from harness.sources.studies import CLAIMS
from harness.store.environment import expect_settings, without_strays
from harness.words.claim import Claim, Tier
from harness.words.errors import MALFUNCTION, NOTHING_JUDGED, USAGE, HarnessError, SettingError
from harness.words.judgement import LockStatus
from harness.words.verdict import State, Verdict

CLERK = "clerk"
"""Name under which a session's clerk is registered with pytest."""


class BrokenCheckError(Exception):
    """The harness broke over a claim; this says nothing about the paper."""


@dataclass(eq=False)
class Clerk:
    """Hands out the verdicts of one session, and keeps what was told."""

    dockets: dict[str, Docket]
    """By study."""
    mode: str
    told: dict[str, Verdict] = field(default_factory=dict)
    gated: list[Verdict] = field(default_factory=list)
    differs: list[bool] = field(default_factory=list)
    lock: LockStatus = LockStatus.INTACT
    failures_told: int = 0
    """Tests that failed because the verdict is one; any other failure is a malfunction."""
    failures_seen: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what failed, whoever made it fail."""
        self.failures_seen += report.failed

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Every verdict of every docket, judged on first use."""
        return {verdict.claim_id: verdict for docket in self.dockets.values() for verdict in hear(docket)}

    def report(self, claim: Claim) -> None:
        """Tell a claim's verdict as a test's outcome; PASS is silence.

        Raises:
            BrokenCheckError: If the harness broke over it.
        """
        verdict = self._tell(claim)
        sentence = f"{verdict.state}: {verdict.why}. {verdict.says}"
        self.failures_told += verdict.state is State.DEVIATION
        if verdict.state is State.DEVIATION:
            pytest.fail(
                f"{claim.id} {sentence}\nHow it is decided, and run again: harness explain {claim.id}",
                pytrace=False,
            )
        if verdict.state is State.ERROR:
            raise BrokenCheckError(f"{claim.id} {sentence}")
        if verdict.state is not State.PASS:
            pytest.skip(sentence)

    def report_expected(self, claim: Claim) -> None:
        """A self-check: its test fails when the verdict is not the one that it must come out with."""
        verdict = self._tell(claim)
        self.differs.append(verdict.state != claim.expected)
        self.failures_told += self.differs[-1]
        if self.differs[-1]:
            pytest.fail(
                f"{claim.id}: expected {claim.expected}, got {verdict.state}: {verdict.says}", pytrace=False
            )

    def _tell(self, claim: Claim) -> Verdict:
        verdict = self.told[claim.id] = self.verdicts[claim.id]
        if claim.tier is Tier.PRIMARY and claim.kind not in UNGATED_KINDS and not claim.expected:
            self.gated.append(verdict)
        return verdict


def hear_in_pytest(docket: Docket) -> tuple[Verdict, ...]:
    """The verdicts of a docket as its checks below `claims/` tell them.

    Raises:
        HarnessError: If a claim has no check, since what nobody checks nobody may report.
    """
    clerk = Clerk({docket.study: docket}, mode="")
    folder = CLAIMS / docket.study
    # This module is loaded already, so it is handed over instead of named on the line that `pytest claims` reads.
    options = (
        "-o",
        "addopts=--import-mode=importlib --strict-markers",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        # What else this environment has installed for pytest has no part in a verdict, and may be loaded already.
        "--disable-plugin-autoload",
    )
    with without_strays():
        pytest.main([str(folder), *options], plugins=[sys.modules[__name__], _Registered(clerk)])
    if lost := [claim.id for claim in docket.claims if claim.id not in clerk.told]:
        raise HarnessError(
            f"{len(lost)} claims of {docket.study} have no check below {folder}, such as {lost[0]}; give each table of "
            "claims a test that reports it, or mend the test that broke"
        )
    return tuple(clerk.told[claim.id] for claim in docket.claims)


@dataclass(frozen=True, eq=False)
class _Registered:
    """Registers a ready clerk before anything is collected."""

    clerk: Clerk

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self.clerk, CLERK)


def sentence(claim: Claim) -> str:
    """The name of a claim's test: its id, and what it says."""
    return f"{claim.id}: {claim.says}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where `pytest claims` finds the run that it reports."""
    group = parser.getgroup("claims")
    reports = Path(os.environ.get("HARNESS_REPORTS") or "reports")
    group.addoption("--reports", type=Path, default=reports, help="folder of runs; the newest is reported")
    group.addoption("--run", type=Path, default=None, help="folder of the run to report")
    store = Path(os.environ.get("HARNESS_STORE") or ".store")
    group.addoption("--store", type=Path, default=store, help="folder of all artifacts")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse surroundings in which no verdict can be told.

    A family is judged at once, and its verdicts are told in one place, so the claims are not shared out among processes.

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


@pytest.fixture(scope="session")
def judged(pytestconfig: pytest.Config) -> Clerk:
    """The clerk of this session."""
    ready = pytestconfig.pluginmanager.get_plugin(CLERK)
    if isinstance(ready, Clerk):
        return ready
    options = pytestconfig.option
    try:
        found = judged_run(options.run, options.reports, options.store)
    except HarnessError as error:
        pytest.exit(str(error), returncode=error.exit_code)
    except ValueError as error:
        pytest.exit(str(error), returncode=USAGE)
    clerk = Clerk({docket.study: docket for docket in found.dockets}, found.mode, lock=found.lock)
    pytestconfig.pluginmanager.register(clerk, CLERK)
    return clerk


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End with the exit code of the verdicts that were told: none told, and all skipped, is nothing judged."""
    clerk = session.config.pluginmanager.get_plugin(CLERK)
    if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return
    if isinstance(clerk, Clerk):
        session.exitstatus = ending_of(clerk)
    else:
        session.exitstatus = NOTHING_JUDGED if exitstatus == pytest.ExitCode.OK else MALFUNCTION


def ending_of(clerk: Clerk) -> int:
    """The exit code of what was told; a test that failed and told no verdict is a malfunction."""
    if clerk.failures_seen > clerk.failures_told:
        return MALFUNCTION
    states = [(verdict.state, verdict.why) for verdict in clerk.gated]
    return exit_code(Outcome(mode=clerk.mode, gated=states, differs=clerk.differs, lock=clerk.lock))
