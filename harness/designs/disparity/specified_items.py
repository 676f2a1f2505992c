"""Items of the specifications that stored values do not give; what they have in common with others is made once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.words.canonical import digest_of
from harness.words.plan import Item
from harness.words.specification import PRIMARY, AxisKind
from harness.words.study import ALREADY_TAKEN, Group, Profile, SpecifiedWorld, Study

SPECIFIED_ESTIMATES = "harness.designs.disparity.specified_estimates:specified_estimates"

MADE_FROM: Mapping[str, tuple[str, ...]] = {
    "gap": ("phrases", "translations", "activations"),
    "gain": ("phrases", "translations", "activations", "adapters", "activations-tuned"),
    "delta": ("adapters", "benchmarks", "benchmarks-tuned"),
}
"""By kind of estimate: the stages that it reads. Retention is of the kind of gains."""


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
    primary: Iterable[Item],
    worlds: Iterable[SpecifiedWorld],
    estimates_of: Callable[[Study, Profile], Item],
) -> Iterator[Item]:
    """Everything that further specifications make which the primary one does not, and the estimates of each.

    Args:
        primary: Items of the primary specification.
        worlds: Study and profile under each of the others.
        estimates_of: Draws the estimates of a study in a profile, as of a primary specification.
    """
    shared, others = SharedItems(), tuple(worlds)
    for item in primary if others else ():
        shared.taken(item, PRIMARY)
    for world in others:
        needs = {} if world.missing else _read(shared, world, estimates_of(world.study, world.profile))
        yield from shared.of(world.specification)
        yield _estimates(world, needs)


def _read(shared: SharedItems, world: SpecifiedWorld, estimates: Item) -> dict[str, Item]:
    """What the estimates of a specification read, by role: of kinds of estimates that are made from something new."""
    codes = {language.code for language in world.study.languages}
    answering = {code for code in codes if _is_compared(world, code)}
    found = {
        role: shared.taken(need, world.specification)
        for role, need in estimates.needs
        if any(need.stage in stages for stages in MADE_FROM.values())
        and (need.stage != "benchmarks" or need.name in answering)
        # What is read once more, in Latin letters or of a parallel text, is a rival's, and no specification's.
        and (need.stage != "activations" or need.name in codes)
    }
    new = {item.stage for item in found.values() if item.specification != PRIMARY}
    read = {stage for stages in MADE_FROM.values() if new & set(stages) for stage in stages}
    return {role: item for role, item in found.items() if item.stage in read}


def _is_compared(world: SpecifiedWorld, code: str) -> bool:
    """Whether some adapter is asked questions in a language."""
    return any(
        language.code == code and (language.tuned or language.group is Group.REFERENCE)
        for language in world.study.languages
    )


def _estimates(world: SpecifiedWorld, needs: Mapping[str, Item]) -> Item:
    new = {item.stage for item in needs.values() if item.specification != PRIMARY}
    because = world.missing or ("" if new else ALREADY_TAKEN)
    kinds = (kind for kind, stages in MADE_FROM.items() if _is_moved(world, new, stages))
    return Item(
        function=SPECIFIED_ESTIMATES,
        name=world.specification,
        parameters={
            "name": world.specification,
            "kinds": tuple(kinds),
            "because": because,
            "languages": world.study.languages,
            "benchmarks": world.study.benchmarks,
            "layers": world.study.shapes.layers,
            "specification": world.study.specification,
            "adapter_seeds": world.profile.sizes.adapter_seeds,
        },
        needs=tuple(needs.items()),
        specification=world.specification,
    )


def _is_moved(world: SpecifiedWorld, new: set[str], stages: tuple[str, ...]) -> bool:
    """Whether estimates from some stages are others under a specification; of one that is not run, whether they would be."""
    if new:
        return bool(new & set(stages))
    return any(axis.kind is AxisKind.EXTRACTION or axis.stage in stages for axis in world.axes)
