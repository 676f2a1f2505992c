"""What of a plan stands in the store: verified to the byte before a run, or counted by its manifests for whoever asks."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from harness.run.cache_keys import Recipes
from harness.run.stageprocess import record_of
from harness.sources.pins import ForeignFileError
from harness.store.run_folder import RunFolder
from harness.store.store import Artifact, Store
from harness.words.errors import DamagedArtifactError, MissingArtifactError, MissingSourceError, StoreError
from harness.words.plan import Item, Stage
from harness.words.runfacts import ArtifactRecord

STAGE_WIDTH = 21
"""Columns of a stage's name wherever stages are listed: as many as the longest has."""


@dataclass(frozen=True, kw_only=True)
class ArtifactStatus:
    """Every artifact of a plan that stands, looked for in the order in which they are made."""

    recipes: Recipes
    store: Store
    found: dict[tuple[str, str], Artifact] = field(default_factory=dict, init=False)
    """Standing artifacts by stage and item."""
    damaged: list[str] = field(default_factory=list, init=False)
    """What was found damaged, and is removed; a sentence each."""

    def __post_init__(self) -> None:
        """Find and verify everything that stands."""
        for item in self.recipes.plan.items():
            if artifact := self._standing(item):
                self.found[item.stage, item.name] = artifact

    def records(self, stage: Stage) -> tuple[ArtifactRecord, ...] | None:
        """The index of a stage; None unless all of it stands."""
        artifacts = [self.found.get((item.stage, item.name)) for item in stage.items]
        return tuple(map(record_of, filter(None, artifacts))) if all(artifacts) else None

    def missing(self) -> tuple[Stage, ...]:
        """Stages of which something has to be made."""
        return tuple(stage for stage in self.recipes.plan.stages if self.records(stage) is None)

    def publish(self, run: RunFolder) -> None:
        """Write the index of every stage that stands to a run's folder, and withdraw the others."""
        self.store.note_run(run.root)
        for stage in self.recipes.plan.stages:
            records = self.records(stage)
            if records is None:
                run.index(stage.name).unlink(missing_ok=True)
            elif run.read_index(stage.name) != records:
                run.write_index(stage.name, records)

    def _standing(self, item: Item) -> Artifact | None:
        key = self.recipes.key(item)
        try:
            artifact = self.store.get(item.stage, key)
        except MissingArtifactError:
            return None
        except DamagedArtifactError as error:
            self.damaged.append(f"{error} Removed: {item.stage} {item.name} ({key[:12]}).")
            self.store.discard(item.stage, key)
            return None
        # It does not stand when something it was made from is gone, or has been made anew with other bytes.
        needs = {role: self.found.get((need.stage, need.name)) for role, need in item.needs}
        present = {role: need.digest for role, need in needs.items() if need}
        used = {entry.role: entry.digest for entry in artifact.recipe.ingredients}
        return artifact if present == used else None


@dataclass(frozen=True, kw_only=True)
class StageInventory:
    """One stage of a plan and how much of it is in the store."""

    stage: str
    says: str
    items: int
    done: int | None
    """None where a source is missing, so that no name can be computed."""
    size_bytes: int
    why_unknown: str | None


def inventory(recipes: Recipes, store: Store) -> tuple[StageInventory, ...]:
    """Every stage of a plan, in order; reads manifests only, and changes nothing."""
    return tuple(_counted(stage, recipes, store) for stage in recipes.plan.stages)


def inventory_lines(stages: Iterable[StageInventory]) -> Iterator[tuple[str, str]]:
    """An inventory for people: the lead of each line, and its text."""
    reason = None
    for each in stages:
        done, size = "?" if each.done is None else each.done, f"{each.size_bytes / 1e6:.1f} MB"
        yield f"{each.stage:<{STAGE_WIDTH}} {done:>4} of {each.items:<4} {size:>9}  ", each.says
        reason = reason or each.why_unknown
    if reason:
        yield "", f"? not known: {reason}"


def _counted(stage: Stage, recipes: Recipes, store: Store) -> StageInventory:
    sizes: list[int] = []
    why_unknown = None
    try:
        for item in stage.items:
            with suppress(StoreError):
                sizes.append(store.peek(item.stage, recipes.key(item)).size_bytes)
    except (MissingSourceError, ForeignFileError, ValueError) as error:
        sizes, why_unknown = [], str(error)
    return StageInventory(
        stage=stage.name,
        says=stage.says,
        items=len(stage.items),
        done=None if why_unknown else len(sizes),
        size_bytes=sum(sizes),
        why_unknown=why_unknown,
    )
