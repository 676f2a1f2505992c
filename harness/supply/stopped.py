"""Adapters that could not be trained: where it is written, and how it is passed on to what would be read through them."""

from collections.abc import Mapping
from pathlib import Path

from harness.supply.tables import read_table, table_path, write_table
from harness.words.record import AdapterFailure


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
