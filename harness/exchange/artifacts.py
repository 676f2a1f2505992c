"""The very artifacts that a report rests on, found in a store."""

from pathlib import Path

from harness.report.document import Report
from harness.store.store import Store
from harness.words.errors import UsageError


def artifact_of(report: Report, store: Path, stage: str, item: str) -> Path:
    """The folder of an artifact that a report rests on, every byte of it verified.

    Raises:
        UsageError: If the report names none, or the store holds another under its name.
        HarnessError: If it is not in the store, or is damaged.
    """
    named = next((each for each in report.run.artifacts if (each.stage, each.item) == (stage, item)), None)
    if named is None:
        raise UsageError(f"this run has no {stage} {item} among its artifacts")
    found = Store(store).get(stage, named.key)
    if found.digest != named.digest:
        raise UsageError(f"the artifact {found} of {store} is not the one that the report rests on")
    return found.folder
