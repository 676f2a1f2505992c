"""The name of every artifact of a plan: the digest of all that can move what it holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.sources.pins import revision_of
from harness.store.code_digest import installed_code_digest
from harness.store.provenance import library_versions, python_version
from harness.store.store import Artifact, Ingredient, Recipe
from harness.words.canonical import Json, Revision, canonical_json, digest_of, plain, text_digest
from harness.words.plan import Item, Plan, Stage


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
