"""A finished run as something to count in: which items it made itself, and what it stored of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from harness.models.failed_adapters import adapter_failures, unusable_models
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.store.tables import read_column, read_table
from harness.words.errors import StoreError
from harness.words.plan import Item, Plan

Row = TypeVar("Row")


class NotCountedError(Exception):
    """Why the work of a stage cannot be counted; no figure is put in its place."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """The records of one run, and the artifacts that they name."""

    plan: Plan
    folder: RunFolder
    store: Store

    def made(self, stage: str) -> tuple[str, ...]:
        """Names of the items that this run made, as often as it did; those that it found took it no time."""
        return tuple(event.item for event in self.folder.events(stage) if event.what == "made")

    def item(self, stage: str, name: str) -> Item:
        """An item as the plan has it.

        Raises:
            NotCountedError: If the plan is no longer that of the run.
        """
        for each in self.plan.items():
            if (each.stage, each.name) == (stage, name):
                return each
        raise NotCountedError(f"the study and its profile no longer have an item {stage} {name}")

    def artifact(self, stage: str, name: str) -> Path:
        """Folder of what the run stored of an item; bytes are not verified.

        Raises:
            NotCountedError: If the run names none, or it is not in the store.
        """
        records = self.folder.read_index(stage) or ()
        key = next((record.key for record in records if record.item == name), None)
        if key is None:
            raise NotCountedError(f"{self.folder.index(stage)} names no {stage} {name}")
        try:
            return self.store.peek(stage, key).folder
        except StoreError as error:
            raise NotCountedError(
                f"{stage} {name} is not in {self.store.root}; --store names another"
            ) from error

    def rows(self, stage: str, name: str, row_type: type[Row]) -> list[Row]:
        """A stored table of an item.

        Raises:
            NotCountedError: If it cannot be read.
        """
        folder = self.artifact(stage, name)
        try:
            return read_table(folder, row_type)
        except (OSError, ValueError) as error:
            raise _unreadable(stage, name, row_type) from error

    def column(self, stage: str, name: str, row_type: type, column: str) -> NDArray[Any]:
        """One column of a stored table of an item: [row].

        Raises:
            NotCountedError: If it cannot be read.
        """
        folder = self.artifact(stage, name)
        try:
            return read_column(folder, row_type, column)
        except (OSError, ValueError) as error:
            raise _unreadable(stage, name, row_type) from error

    def was_passed_over(self, stage: str, name: str) -> bool:
        """True where there was no adapter to read through, so that nothing was read."""
        folder = self.artifact(stage, name)
        return bool(adapter_failures(folder) or unusable_models(folder))


def _unreadable(stage: str, name: str, row_type: type) -> NotCountedError:
    return NotCountedError(f"what the run stored of {stage} {name} holds no readable {row_type.__name__}")
