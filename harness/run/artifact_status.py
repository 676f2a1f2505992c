"""What of a plan stands in the store, verified to the byte; what does not is cleared out of the way."""

from dataclasses import dataclass, field

from harness.run.cache_keys import Recipes
from harness.run.progress import Say
from harness.run.stageprocess import record_of
from harness.store.run_folder import RunFolder
from harness.store.store import Artifact, Store
from harness.words.errors import DamagedArtifactError, MissingArtifactError
from harness.words.plan import Item, Plan, Stage
from harness.words.runfacts import ArtifactRecord


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Looks for every artifact of a plan, in the order in which they are made."""

    recipes: Recipes
    store: Store
    found: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    """Standing artifacts by stage and item."""
    damaged: list[str] = field(default_factory=list)
    """What was found wrong, a sentence each."""

    @property
    def plan(self) -> Plan:
        """The plan that is looked for."""
        return self.recipes.plan

    def look(self) -> "Survey":
        """Find and verify everything that stands."""
        for item in self.plan.items():
            if artifact := self._standing(item):
                self.found[item.stage, item.name] = artifact
        return self

    def records(self, stage: Stage) -> tuple[ArtifactRecord, ...] | None:
        """The index of a stage; None unless all of it stands."""
        places = [(item.stage, item.name) for item in stage.items]
        if not all(place in self.found for place in places):
            return None
        return tuple(record_of(self.found[place]) for place in places)

    def missing(self) -> tuple[Stage, ...]:
        """Stages of which something has to be made."""
        return tuple(stage for stage in self.plan.stages if self.records(stage) is None)

    def settle(self, run: RunFolder, say: Say) -> None:
        """Publish the stages that stand, withdraw the others, and remove what is damaged."""
        for sentence in self.damaged:
            say(sentence)
        for stage in self.plan.stages:
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
        return artifact if self._stands_on_what_is_there(item, artifact) else None

    def _stands_on_what_is_there(self, item: Item, artifact: Artifact) -> bool:
        """False when something it was made from is gone, or has been made anew with other bytes."""
        needs = {role: self.found.get((need.stage, need.name)) for role, need in item.needs}
        present = {role: need.digest for role, need in needs.items() if need}
        return present == {entry.role: entry.digest for entry in artifact.recipe.ingredients}
