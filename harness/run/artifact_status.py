"""What of a plan stands in the store, verified to the byte; what does not is cleared out of the way."""

from dataclasses import dataclass, field

from harness.run.cache_keys import Recipes
from harness.run.stageprocess import record_of
from harness.store.run_folder import RunFolder
from harness.store.store import Artifact, Store
from harness.words.errors import DamagedArtifactError, MissingArtifactError
from harness.words.plan import Item, Stage
from harness.words.runfacts import ArtifactRecord


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
