"""What of a plan is done, and which claims it could decide; reads manifests only, and changes nothing."""

from dataclasses import dataclass

from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.run.cache_keys import Recipes
from harness.sources.pins import ForeignFileError
from harness.sources.studies import study_names
from harness.store.store import Store
from harness.words.errors import MissingSourceError, StoreError
from harness.words.judgement import Prospect
from harness.words.plan import Item, Stage
from harness.words.study import Profile, Study


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
    """Every stage of a plan, in order."""
    return tuple(_counted(stage, recipes, store) for stage in recipes.plan.stages)


def outlook(study: Study, profile: Profile) -> tuple[Prospect, ...]:
    """Which claims of a study could be decided at the size of a profile; none for a study without a folder.

    Raises:
        UsageError: If its claims cannot be used.
    """
    claims = load_claims(study.name) if study.name in study_names() else ()
    return prospects(claims, profile.sizes, estimate_scopes(study), len(study.targets))


def _counted(stage: Stage, recipes: Recipes, store: Store) -> StageInventory:
    try:
        sizes = [size for item in stage.items if (size := _size(item, recipes, store)) is not None]
    except (MissingSourceError, ForeignFileError, ValueError) as error:
        return _line(stage, None, 0, str(error))
    return _line(stage, len(sizes), sum(sizes), None)


def _line(stage: Stage, done: int | None, size_bytes: int, why_unknown: str | None) -> StageInventory:
    return StageInventory(
        stage=stage.name,
        says=stage.says,
        items=len(stage.items),
        done=done,
        size_bytes=size_bytes,
        why_unknown=why_unknown,
    )


def _size(item: Item, recipes: Recipes, store: Store) -> int | None:
    try:
        return store.peek(item.stage, recipes.key(item)).size_bytes
    except StoreError:
        return None
