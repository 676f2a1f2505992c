"""Reports as artifacts: what has been judged and written is not judged again while nothing that it rests on has changed.

A report's key holds all that decides its bytes: every artifact of the run by digest, the claims, the registration, the libraries,
and each byte of the code and of the studies. Runs that are evidence are judged each time, and reports are never shared:
whoever tells a verdict has reached it.
"""

import logging
import platform
import shutil
import sys
from pathlib import Path

from harness.judge.ledger import LedgerFile
from harness.judge.preregistration import LockBrokenError
from harness.judge.validate import load_claims
from harness.run.verdicts import Inputs
from harness.sources.studies import CLAIMS
from harness.store.code_digest import HERE, folders_digest, package_of
from harness.store.files import may_write, write_whole
from harness.store.run_folder import JUNIT_FILE, PAGE_FILE, REPORT_FILE, SUMMARY_FILE, RunFolder
from harness.store.store import REPORT, Recipe, Store
from harness.words.canonical import canonical_json
from harness.words.errors import DamagedArtifactError, MissingArtifactError, StoreError
from harness.words.mode import Mode
from harness.words.runfacts import RunFacts

log = logging.getLogger(__name__)

FILES = (REPORT_FILE, PAGE_FILE, SUMMARY_FILE, JUNIT_FILE)


def report_recipe(
    facts: RunFacts, inputs: Inputs, reports: Path, folders: tuple[Path, ...] = (HERE, CLAIMS)
) -> Recipe | None:
    """All that decides the bytes of a run's report; None where it has to be judged each time.

    Args:
        facts: What the report says about the run itself, its artifacts among it.
        inputs: What the judge must know of the run.
        reports: Folder of all runs, which keeps the ledger.
        folders: The code and the studies; a design that lies elsewhere is looked at there.
    """
    # A full run has its line in the ledger, and one without numbers says why they are missing today.
    if facts.mode == Mode.FULL or facts.not_run:
        return None
    try:
        known_locks = LedgerFile(folder=reports).locks_of(inputs.study.name)
    except LockBrokenError:
        return None
    checking = inputs.profile.self_check_study
    content = {
        "stage": REPORT,
        "facts": facts,
        "study": inputs.study,
        "profile": inputs.profile,
        "claims": inputs.claims,
        "self_check_claims": load_claims(checking) if checking else (),
        "asked": inputs.asked,
        "locks_of_full_runs": sorted(known_locks),
        "code": folders_digest(*folders, *{package_of(inputs.study.design)} - {HERE}),
        "libraries": _installed(),
        "python": platform.python_version(),
    }
    return Recipe(stage=REPORT, item=facts.run.id, parameters=canonical_json(content))


def take_report(store: Store, recipe: Recipe, run: RunFolder) -> bool:
    """Put the report that stands under a recipe into a run's folder; False where none does, or it is damaged."""
    try:
        artifact = store.get(recipe.stage, recipe.key)
    except (MissingArtifactError, DamagedArtifactError):
        return False  # who keeps the new one says that it replaces a damaged one
    for name in FILES:
        write_whole(run.root / name, (artifact.folder / name).read_bytes().decode())
    return True


def keep_report(store: Store, recipe: Recipe, run: RunFolder) -> None:
    """Keep the report in a run's folder under its recipe; a disk that refuses costs the next run its time, and this one nothing."""

    def copy(draft: Path) -> None:
        for name in FILES:
            shutil.copyfile(run.root / name, draft / name)

    if may_write(store.root):
        try:
            store.produce(recipe, copy)
        except StoreError as error:
            log.warning("this report is not kept for the next run: %s", error)


def _installed() -> list[str]:
    """Name and version of every installed distribution, as pip calls their records: any of them may draw or spell something."""
    return sorted(path.name for place in sys.path for path in Path(place).glob("*.dist-info"))
