"""A stored run brought before the judge again, from its report and its artifacts alone."""

from dataclasses import dataclass
from pathlib import Path

from harness.judge.docket import Docket
from harness.judge.ledger import LedgerFile
from harness.judge.lock import lock_state
from harness.report import REPORT_FILE, load_report
from harness.run.evidence import heard_in
from harness.run.verdicts import Brought, paper_docket, self_check_docket
from harness.sources.studies import load_profile, load_study
from harness.store.store import Store
from harness.words.errors import NotJudgedError, Reason
from harness.words.judgement import LockStatus


@dataclass(frozen=True, kw_only=True)
class JudgedRun:
    """What can be judged of one stored run."""

    mode: str
    lock: LockStatus
    """How its study stands to its pre-registration now."""
    dockets: tuple[Docket, ...]


def judged_run(run: Path | None, reports: Path, store: Path) -> JudgedRun:
    """A run's studies with its measurements.

    Args:
        run: Folder of the run; None takes the newest below `reports`.
        reports: Folder of all runs.
        store: Folder of all artifacts.

    Raises:
        NotJudgedError: If there is no run.
        HarnessError: If its report or its artifacts cannot be used.
    """
    folder = run or _newest(reports)
    if folder is None or not (folder / REPORT_FILE).is_file():
        raise NotJudgedError(
            f"there is no finished run at {folder or reports}, so there is nothing to check the claims on; make one with "
            "'harness reproduce', or name one with --run",
            reason=Reason.UPSTREAM_NOT_RUN,
        )
    report = load_report(folder)
    study = load_study(report.run.study)
    found = {entry.stage: entry.key for entry in report.run.artifacts}
    shelf = Store(store)
    replay = found.get("replay")
    brought = Brought(
        study=study,
        profile=load_profile(study, report.run.profile),
        run_id=report.run.id,
        mode=report.mode,
        estimates=shelf.get("estimates", found["estimates"]).folder if "estimates" in found else None,
        replays=heard_in(shelf.get("replay", replay).folder).layers if replay else (),
        not_run=report.not_run,
    )
    dockets = (paper_docket(brought), self_check_docket(brought))
    locks = LedgerFile(folder=reports).locks_of(study.name)
    return JudgedRun(
        mode=report.mode,
        lock=lock_state(study.name, locks).lock.status,
        dockets=tuple(each for each in dockets if each),
    )


def _newest(reports: Path) -> Path | None:
    # A report that was copied here has no stages, and its artifacts lie elsewhere.
    runs = [path for path in reports.glob(f"*/{REPORT_FILE}") if (path.parent / "stages").is_dir()]
    return max(runs, key=lambda path: path.stat().st_mtime).parent if runs else None
