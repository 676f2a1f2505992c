"""Whose an adapter is, why there is none, and how that is passed on to what would be read through it."""

from collections.abc import Mapping
from pathlib import Path

from harness.supply.tables import read_table, table_path, write_table
from harness.words.record import AdapterFailure, PublishedOrigin


def published_origin(folder: Path) -> PublishedOrigin | None:
    """Which published model the weights of a folder are; None where they are ours."""
    if not table_path(folder, PublishedOrigin).exists():
        return None
    (origin,) = read_table(folder, PublishedOrigin)
    return origin


def adapter_failures(folder: Path) -> tuple[AdapterFailure, ...]:
    """Why an artifact holds no adapter, or nothing that was read through one; empty where nothing is amiss."""
    if not table_path(folder, AdapterFailure).exists():
        return ()
    return tuple(read_table(folder, AdapterFailure))


def passes_on_failure(inputs: Mapping[str, Path], out: Path) -> bool:
    """Whether the adapter that a stage would read through was never trained; its failure then stands in `out` too."""
    found = adapter_failures(inputs["adapter"]) if "adapter" in inputs else ()
    if found:
        write_table(out, AdapterFailure, found)
    return bool(found)
