"""Whose an adapter is, why there is none, and how that is passed on to what would be read through it."""

from pathlib import Path

from harness.store.tables import read_optional, write_table
from harness.words.records import AdapterFailure, PublishedOrigin, UnusableModel


def published_origin(folder: Path) -> PublishedOrigin | None:
    """Which published model the weights of a folder are; None where they are ours."""
    return next(iter(read_optional(folder, PublishedOrigin)), None)


def adapter_failures(folder: Path) -> tuple[AdapterFailure, ...]:
    """Why an artifact holds no adapter, or nothing that was read through one; empty where nothing is amiss."""
    return tuple(read_optional(folder, AdapterFailure))


def unusable_models(folder: Path) -> tuple[UnusableModel, ...]:
    """Why an artifact holds no published model, or nothing that was read through one; empty where nothing is amiss."""
    return tuple(read_optional(folder, UnusableModel))


def passes_on_failure(adapter: Path, out: Path) -> bool:
    """Whether there is nothing to read through, untrained or unusable; the reason then stands in `out` too."""
    failures, unusable = adapter_failures(adapter), unusable_models(adapter)
    if failures:
        write_table(out, AdapterFailure, failures)
    elif unusable:
        write_table(out, UnusableModel, unusable)
    return bool(failures or unusable)
