"""The stage of the authors' own tuned models: fetched as they are, to stand where an adapter of ours would."""

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.models.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, attached, base_named
from harness.models.loading import load_language_model
from harness.models.weights import INDEX, WHOLE_WEIGHTS
from harness.sources.pins import locate
from harness.store.tables import write_table
from harness.words.errors import MissingSourceError, UnusableWeightsError
from harness.words.plan import PublishedModelTask
from harness.words.records import PublishedOrigin, UnusableModel
from harness.words.study import Home

log = logging.getLogger(__name__)

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
"""What names a model of the hub; anything else is a path on the machine that an adapter was trained on."""


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
    return [*files, *folder.glob(INDEX)] if files != adapter else files


def _refusal(task: PublishedModelTask, folder: Path) -> str:
    """Why the weights of a folder cannot be put onto the base model; nothing where they can."""
    if other := _other_base(task, folder):
        return f"it was trained on {other}, but the base model is {task.model.address}; expected an adapter of that one"
    model = load_language_model(task.model, task.numerics).model
    try:
        with attached(model, folder):
            return ""
    except UnusableWeightsError as error:
        return error.why


def _other_base(task: PublishedModelTask, folder: Path) -> str:
    """The model that an adapter says it was trained on, where that is not the base model.

    Adapters of a model's relatives fit it to the shape. A base model that is no repository of the hub, such as a miniature
    of it, has no name that could be compared; of a path, its last word can.
    """
    named, ours = base_named(folder), task.model.address
    if not named or task.model.home is not Home.HUB_MODEL:
        return ""
    if REPOSITORY.fullmatch(named):
        return "" if named.casefold() == ours.casefold() else named
    return "" if Path(named).name.casefold() == Path(ours).name.casefold() else named
