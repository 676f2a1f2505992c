"""The artifacts of a plan: the name of each, a digest of all that can move what it holds, and which of them stand in the store.

Before a run they are verified to the byte; for whoever only asks they are counted by their manifests.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from harness.sources.pins import ForeignFileError, revision_of
from harness.store.code_digest import installed_code_digest
from harness.store.provenance import library_versions, python_version
from harness.store.run_folder import RunFolder
from harness.store.store import Artifact, Ingredient, Recipe, Store, megabytes
from harness.words.canonical import Json, Revision, canonical_json, digest_of, plain, text_digest
from harness.words.errors import DamagedArtifactError, MissingArtifactError, MissingSourceError, StoreError
from harness.words.plan import Item, Plan, Stage
from harness.words.runfacts import ArtifactRecord


@dataclass(frozen=True, kw_only=True)
class Recipes:
    """What every artifact of one plan is made from."""

    plan: Plan
    revision: Revision = revision_of
    code: Callable[[str], str] = installed_code_digest
    """Digest of a stage's module with all it imports."""
    versions: Mapping[str, str] = field(default_factory=lambda: dict(library_versions()))
    known: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    """Parameters already spelled, by stage and item: one item may be needed by hundreds."""

    def parameters(self, item: Item) -> str:
        """Canonical JSON of everything that decides what the item holds."""
        place = (item.stage, item.name)
        if place not in self.known:
            self.known[place] = canonical_json(self._content(item))
        return self.known[place]

    def key(self, item: Item) -> str:
        """Name of the item's artifact."""
        return text_digest(self.parameters(item))

    def stage_key(self, stage: Stage) -> str:
        """What stands for all items of a stage."""
        return digest_of([[item.name, self.key(item)] for item in stage.items])

    def run_id(self) -> str:
        """What stands for a whole run: its study, its profile and every artifact; 16 hexadecimal digits."""
        stages = {stage.name: self.stage_key(stage) for stage in self.plan.stages}
        content = {"study": self.plan.study.name, "profile": self.plan.profile.name, "stages": stages}
        return digest_of(content)[:16]

    def recipe(self, item: Item, inputs: Mapping[str, Artifact]) -> Recipe:
        """The item's recipe, with the artifacts that it is made from by role."""
        ingredients = tuple(
            Ingredient(role=role, key=artifact.key, digest=artifact.digest)
            for role, artifact in inputs.items()
        )
        parameters = self.parameters(item)
        return Recipe(stage=item.stage, item=item.name, parameters=parameters, ingredients=ingredients)

    def _content(self, item: Item) -> dict[str, Json]:
        return {
            "stage": item.stage,
            "task": plain(item.parameters, self.revision),
            "needs": [[role, self.key(need)] for role, need in item.needs],
            "code": self.code(self.plan.stage(item.stage).module),
            "libraries": dict(self.versions),
            "python": python_version(),
        }


def record_of(artifact: Artifact) -> ArtifactRecord:
    """The line that an index and a report keep of an artifact."""
    recipe = artifact.recipe
    return ArtifactRecord(
        stage=recipe.stage,
        item=recipe.item,
        key=artifact.key,
        digest=artifact.digest,
        size_bytes=artifact.size_bytes,
    )


def record_lines(records: Collection[ArtifactRecord]) -> Iterator[str]:
    """Artifacts for people, one a line, and how many they are."""
    for each in records:
        yield f"{each.stage:<18} {each.item:<16} {each.key[:12]} {megabytes(each.size_bytes):>9}"
    yield total_of(records)


def total_of(found: Collection[Artifact | ArtifactRecord]) -> str:
    """How many artifacts these are, and how large together."""
    return f"{len(found)} artifacts, {megabytes(sum(each.size_bytes for each in found))}"


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
        done, size = "?" if each.done is None else each.done, megabytes(each.size_bytes)
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
