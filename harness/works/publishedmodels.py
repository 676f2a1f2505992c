"""The stage of the authors' own tuned models: fetched as they are, to stand where an adapter of ours would."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.supply.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from harness.supply.sources import locate
from harness.supply.tables import write_table
from harness.supply.wholeweights import WHOLE_WEIGHTS
from harness.words.failures import MissingSourceError
from harness.words.record import PublishedOrigin
from harness.words.tasks import PublishedModelTask


def produce(task: PublishedModelTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Copy the adapter of a published model, or where there is none the weights of the whole model; and note whose it is.

    Raises:
        MissingSourceError: If it cannot be had, or is neither.
    """
    del inputs
    folder = locate(task.source)
    adapter = [folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS]
    files = adapter if all(path.is_file() for path in adapter) else sorted(folder.glob(WHOLE_WEIGHTS))
    if not files:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise MissingSourceError(
            f"{task.source} holds neither an adapter ({ADAPTER_CONFIG} and {ADAPTER_WEIGHTS}) nor whole weights "
            f"({WHOLE_WEIGHTS}), but {found}; leave it out of the profile"
        )
    for path in files:
        # A name in the hub's cache is a link to its content, and an artifact must hold the content itself.
        shutil.copyfile(path, out / path.name)
    write_table(out, PublishedOrigin, [PublishedOrigin(name=task.name)])
