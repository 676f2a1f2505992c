"""What a run is made of: items, the stages that make them, and the plan that orders the stages."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.words.study import Profile, Study
from harness.words.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Item:
    """One artifact to be made, all or nothing."""

    stage: str
    name: str
    task: Task
    needs: tuple[tuple[str, "Item"], ...] = ()
    """Role and item of everything it reads."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Items that one process makes, so that a model is loaded once for all of them."""

    name: str
    says: str
    module: str
    """Where the work is done; its import closure is the stage's code."""
    items: tuple[Item, ...]
    uses_model: bool
    """True when the stage wants the accelerator."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the stages it reads from, once each."""
        return tuple(dict.fromkeys(need.stage for item in self.items for _, need in item.needs))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything one run will make, in an order in which it can be made."""

    study: Study
    profile: Profile
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """The stage of that name.

        Raises:
            ValueError: If the plan has no such stage.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(stage.name for stage in self.stages)
        raise ValueError(f"unknown stage {name!r}; this plan has {known}")

    def items(self) -> Iterator[Item]:
        """Every item of every stage, in the order of the plan."""
        for stage in self.stages:
            yield from stage.items
