"""What stages cost: what a plan would read at most, and what a finished run read, as a design tells both of its stages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.words.errors import StoreError
from harness.words.plan import Item, Plan

WITH_GRADIENTS = 2
"""A pass and its way back, in passes: the weights are frozen, so that the way back makes gradients of activations alone."""

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one item of a stage reads at most."""

    texts: int
    tokens_per_text: int = 0
    """With BOS; 0 where the language model does not read them."""
    layers: float = 0.0
    """Layers that a text passes, in the mean; those that it passes with gradients count as `WITH_GRADIENTS`."""
    is_translated: bool = False
    """True where texts pass a translator, whose time is told by texts alone."""
    stored_bytes: int = 0
    """What one item leaves in the store, about."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a plan reads at most, from the sizes of its profile alone."""

    phrases: int = 0
    """Distinct phrases that the sizes allow; an export may hold fewer."""
    items_per_cell: int = 0
    """Items of one benchmark in one language."""
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """By stage; those that are not there pass no network."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was read."""

    texts: int
    tokens: int | None = None
    """None where the language model did not read them."""
    token_layers: int | None = None
    """Layers that each token passed, summed; with gradients they count as two passes."""

    def __add__(self, other: "Work") -> "Work":
        """Both together."""
        return Work(
            texts=self.texts + other.texts,
            tokens=_sum(self.tokens, other.tokens),
            token_layers=_sum(self.token_layers, other.token_layers),
        )


def _sum(ours: int | None, theirs: int | None) -> int | None:
    return None if ours is None or theirs is None else ours + theirs


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
        from harness.store.tables import read_table

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
        from harness.store.tables import read_column

        folder = self.artifact(stage, name)
        try:
            return read_column(folder, row_type, column)
        except (OSError, ValueError) as error:
            raise _unreadable(stage, name, row_type) from error

    def was_passed_over(self, stage: str, name: str) -> bool:
        """True where there was no adapter to read through, so that nothing was read."""
        from harness.models.failed_adapters import adapter_failures, unusable_models

        folder = self.artifact(stage, name)
        return bool(adapter_failures(folder) or unusable_models(folder))


def _unreadable(stage: str, name: str, row_type: type) -> NotCountedError:
    return NotCountedError(f"what the run stored of {stage} {name} holds no readable {row_type.__name__}")


Counter = Callable[[FinishedRun, str], Work]
"""What one item of a stage read, by its name, counted in what the run stored."""
