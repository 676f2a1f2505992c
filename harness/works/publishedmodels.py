"""The stage of the authors' own tuned models: fetched as they are, to stand where an adapter of ours would."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.supply.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, attached
from harness.supply.loading import load_language_model
from harness.supply.sources import locate
from harness.supply.tables import write_table
from harness.supply.wholeweights import WHOLE_WEIGHTS
from harness.words.adapter import PublishedOrigin, UnusableModel
from harness.words.failures import MissingSourceError, UnusableWeightsError
from harness.words.tasks import PublishedModelTask

log = logging.getLogger(__name__)


def produce(task: PublishedModelTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Copy the adapter of a published model, or where there is none the weights of the whole model; and note whose it is.

    It is put onto the base model once: what cannot be, is not kept, and an `UnusableModel` stands in its place.

    Raises:
        MissingSourceError: If it cannot be had, or is neither.
    """
    del inputs
    for path in _files(task):
        # A name in the hub's cache is a link to its content, and an artifact must hold the content itself.
        shutil.copyfile(path, out / path.name)
    write_table(out, PublishedOrigin, [PublishedOrigin(name=task.name)])
    why = _refusal(task, out)
    if why:
        log.warning("the published model %s in %s is left out: %s", task.name, task.language, why)
        for path in out.iterdir():
            path.unlink()
        write_table(out, UnusableModel, [UnusableModel(language=task.language, name=task.name, why=why)])


def _files(task: PublishedModelTask) -> list[Path]:
    folder = locate(task.source)
    adapter = [folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS]
    files = adapter if all(path.is_file() for path in adapter) else sorted(folder.glob(WHOLE_WEIGHTS))
    if not files:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise MissingSourceError(
            f"{task.source} holds neither an adapter ({ADAPTER_CONFIG} and {ADAPTER_WEIGHTS}) nor whole weights "
            f"({WHOLE_WEIGHTS}), but {found}; leave it out of the profile"
        )
    return files


def _refusal(task: PublishedModelTask, folder: Path) -> str:
    """Why the weights of a folder cannot be put onto the base model; nothing where they can."""
    model = load_language_model(task.model, task.numerics).model
    try:
        with attached(model, folder):
            return ""
    except UnusableWeightsError as error:
        return error.why
