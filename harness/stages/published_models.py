"""The stage of the authors' own tuned models: fetched as they are, to stand where an adapter of ours would."""

import logging
import re
import shutil
from pathlib import Path

from harness.models.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, attached, base_named
from harness.models.loading import load_language_model
from harness.models.weights import INDEX, WHOLE_WEIGHTS
from harness.sources.pins import locate
from harness.stages.stage import stage
from harness.store.tables import write_table
from harness.words.errors import MissingSourceError, UnusableWeightsError
from harness.words.plan import Numerics
from harness.words.records import PublishedOrigin, UnusableModel
from harness.words.study import Home, ModelPin, Pin

log = logging.getLogger(__name__)

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
"""What names a model of the hub; anything else is a path on the machine that an adapter was trained on."""


@stage(on="accelerator")
def published_models(
    *, out: Path, language: str, name: str, source: Pin, model: ModelPin, numerics: Numerics
) -> None:
    """Tuned models that the authors published.

    Copies the adapter of one, or where there is none the weights of the whole model, and notes whose it is. It is put onto the
    base model once: what cannot be, is not kept, and an `UnusableModel` stands in its place.

    Raises:
        MissingSourceError: If it cannot be had, or is neither.
    """
    for path in _files(source):
        # A name in the hub's cache is a link to its content, and an artifact must hold the content itself.
        shutil.copyfile(path, out / path.name)
    write_table(out, PublishedOrigin, [PublishedOrigin(name=name)])
    why = _refusal(model, numerics, out)
    if why:
        log.warning("the published model %s in %s is left out: %s", name, language, why)
        for path in out.iterdir():
            path.unlink()
        write_table(out, UnusableModel, [UnusableModel(language=language, name=name, why=why)])


def _files(source: Pin) -> list[Path]:
    folder = locate(source)
    adapter = [folder / ADAPTER_CONFIG, folder / ADAPTER_WEIGHTS]
    files = adapter if all(path.is_file() for path in adapter) else sorted(folder.glob(WHOLE_WEIGHTS))
    if not files:
        found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise MissingSourceError(
            f"{source} holds neither an adapter ({ADAPTER_CONFIG} and {ADAPTER_WEIGHTS}) nor whole weights "
            f"({WHOLE_WEIGHTS}), but {found}; leave it out of the profile"
        )
    return [*files, *folder.glob(INDEX)] if files != adapter else files


def _refusal(base: ModelPin, numerics: Numerics, folder: Path) -> str:
    """Why the weights of a folder cannot be put onto the base model; nothing where they can."""
    if other := _other_base(base, folder):
        return f"it was trained on {other}, but the base model is {base.address}; expected an adapter of that one"
    try:
        with attached(load_language_model(base, numerics).model, folder):
            return ""
    except UnusableWeightsError as error:
        return error.why


def _other_base(base: Pin, folder: Path) -> str:
    """The model that an adapter says it was trained on, where that is not the base model.

    Adapters of a model's relatives fit it to the shape. A base model that is no repository of the hub, such as a miniature
    of it, has no name that could be compared; of a path, its last word can.
    """
    named, ours = base_named(folder), base.address
    if not named or base.home is not Home.HUB_MODEL:
        return ""
    if REPOSITORY.fullmatch(named):
        return "" if named.casefold() == ours.casefold() else named
    return "" if Path(named).name.casefold() == Path(ours).name.casefold() else named
