"""Whose an adapter is, why there is none, and how that is passed on to what would be read through it."""

from pathlib import Path
from typing import TypeVar

from harness.store.tables import read_table, table_path, write_table
from harness.words.records import AdapterFailure, PublishedOrigin, UnusableModel

Row = TypeVar("Row")


def published_origin(folder: Path) -> PublishedOrigin | None:
    """Which published model the weights of a folder are; None where they are ours."""
    return next(iter(_rows(folder, PublishedOrigin)), None)


def adapter_failures(folder: Path) -> tuple[AdapterFailure, ...]:
    """Why an artifact holds no adapter, or nothing that was read through one; empty where nothing is amiss."""
    return _rows(folder, AdapterFailure)


def unusable_models(folder: Path) -> tuple[UnusableModel, ...]:
    """Why an artifact holds no published model, or nothing that was read through one; empty where nothing is amiss."""
    return _rows(folder, UnusableModel)


def passes_on_failure(adapter: Path, out: Path) -> bool:
    """Whether there is nothing to read through, untrained or unusable; the reason then stands in `out` too."""
    return any(_passed_on(adapter, out, kind) for kind in (AdapterFailure, UnusableModel))


def _passed_on(folder: Path, out: Path, kind: type[Row]) -> bool:
    found = _rows(folder, kind)
    if found:
        write_table(out, kind, found)
    return bool(found)


def _rows(folder: Path, kind: type[Row]) -> tuple[Row, ...]:
    return tuple(read_table(folder, kind)) if table_path(folder, kind).exists() else ()
