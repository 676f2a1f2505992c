"""Items of the specifications that stored values do not give; what they have in common with others is made once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.words.canonical import digest_of
from harness.words.plan import Item, Parameters
from harness.words.specification import PRIMARY, Axis
from harness.words.study import ALREADY_TAKEN, Profile, SpecifiedWorld, Study

NOTHING_RESTS = "nothing that this world makes rests on it"
"""Why a level moves nothing in a world that has nothing to make by its stage."""


@dataclass(frozen=True, kw_only=True)
class Specifying:
    """How a design makes the estimates of a specification that stored values do not give."""

    function: str
    """The stage that makes them."""
    made_from: Mapping[str, tuple[str, ...]]
    """By kind of estimate: the stages that it reads."""
    estimates_of: Callable[[Study, Profile], Item]
    """Draws the estimates of a study in a profile, as of a primary specification."""
    told: Callable[[SpecifiedWorld], Parameters]
    """What the stage is told beside the name, the kinds, and the reason of a specification that no run has."""
    moves: Callable[[Axis], Iterable[str]]
    """Kinds of estimates that an axis moves, of a specification that no run has."""
    is_read: Callable[[SpecifiedWorld, Item], bool] = lambda _world, _item: True
    """Whether the estimates of a specification read an item of those stages."""
    beside: tuple[str, ...] = ()
    """Stages whose items under the primary specification every other one reads as well."""


@dataclass(frozen=True, kw_only=True)
class SharedItems:
    """Items by what they hold: of two that hold the same, the one that came first stands for both."""

    by_content: dict[str, Item] = field(default_factory=dict)
    looked_at: dict[int, tuple[Item, str, Item]] = field(default_factory=dict)
    """By identity: an item, which is kept so that its identity stays its own, its content, and the item that stands for it."""

    def taken(self, item: Item, specification: str) -> Item:
        """The item that holds the same, with all that it needs; a new one is named by the specification that asks first."""
        if id(item) not in self.looked_at:
            needs = tuple((role, self.taken(need, specification)) for role, need in item.needs)
            content = digest_of(
                {
                    "function": item.function,
                    "parameters": item.parameters,
                    "needs": [[role, self._content(need)] for role, need in item.needs],
                }
            )
            name = item.name if specification == PRIMARY else f"{specification}/{item.name}"
            new = replace(item, name=name, needs=needs, specification=specification)
            self.looked_at[id(item)] = item, content, self.by_content.setdefault(content, new)
        return self.looked_at[id(item)][2]

    def _content(self, item: Item) -> str:
        return self.looked_at[id(item)][1]

    def of(self, specification: str) -> Iterator[Item]:
        """What was new when a specification asked for it, after what it needs."""
        return (item for item in self.by_content.values() if item.specification == specification)


def specified_items(
    primary: Iterable[Item], worlds: Iterable[SpecifiedWorld], specifying: Specifying
) -> Iterator[Item]:
    """Everything that further specifications make which the primary one does not, and the estimates of each.

    Args:
        primary: Items of the primary specification.
        worlds: Study and profile under each of the others.
        specifying: How their estimates are made.
    """
    shared, others, own = SharedItems(), tuple(worlds), tuple(primary)
    for item in own if others else ():
        shared.taken(item, PRIMARY)
    beside = {f"{item.stage}/{item.name}": item for item in own if item.stage in specifying.beside}
    for world in others:
        needs = {} if world.missing else _read(shared, world, specifying)
        yield from shared.of(world.specification)
        is_made = bool({axis.stage for axis in world.axes} & {item.stage for item in own})
        unmoved = ALREADY_TAKEN if is_made else NOTHING_RESTS
        because = world.missing or ("" if _new(needs) else unmoved)
        yield _estimates(world, because, {**beside, **needs}, specifying)


def _read(shared: SharedItems, world: SpecifiedWorld, specifying: Specifying) -> dict[str, Item]:
    """What the estimates of a specification read, by role: of kinds of estimates that are made from something new."""
    made_from = specifying.made_from.values()
    found = {
        role: shared.taken(need, world.specification)
        for role, need in specifying.estimates_of(world.study, world.profile).needs
        if any(need.stage in stages for stages in made_from) and specifying.is_read(world, need)
    }
    new = _new(found)
    read = {stage for stages in made_from if new & set(stages) for stage in stages}
    return {role: item for role, item in found.items() if item.stage in read}


def _new(needs: Mapping[str, Item]) -> set[str]:
    """Stages of which a specification needs something that the primary one has not."""
    return {item.stage for item in needs.values() if item.specification != PRIMARY}


def _estimates(
    world: SpecifiedWorld, because: str, needs: Mapping[str, Item], specifying: Specifying
) -> Item:
    new = _new(needs)
    moved = {kind for axis in world.axes for kind in specifying.moves(axis)}
    kinds = (
        kind for kind, stages in specifying.made_from.items() if (new & set(stages) if new else kind in moved)
    )
    return Item(
        function=specifying.function,
        name=world.specification,
        parameters={
            "name": world.specification,
            "kinds": tuple(kinds),
            "because": because,
            **specifying.told(world),
        },
        needs=tuple(needs.items()),
        specification=world.specification,
    )
