"""The axes along which specifications differ, each with its levels, and how a specification is named.

A specification is one answer to every open question. The primary one is registered and alone decides; every other one is named
by what it answers otherwise: `pooling=max`, `pooling=max+group=with-english`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product
from typing import Any

PRIMARY = "primary"
"""The specification that differs in nothing, which alone decides a headline."""

Differences = Mapping[str, str]
"""The level of every axis on which a specification is not the primary one."""


class Openness(StrEnum):
    """How far the alternatives of an open choice can be defended."""

    EQUIVALENT = "E"
    """Equally defensible: may be pooled."""
    NOT_EQUIVALENT = "N"
    """Another quantity, or plainly worse: never pooled."""
    UNSURE = "U"
    """Explored, never pooled."""


class Grid(StrEnum):
    """Which specifications a run takes beside the primary one."""

    NONE = "none"
    """The primary one alone."""
    ANALYSIS = "analysis"
    """All that stored values give: every combination of the axes that change nothing but estimates."""
    EXTRACTION = "extraction"
    """These, and every other level of what texts are read, and through what: one axis at a time, and a fraction of them together."""
    TRAINING = "training"
    """The analysis, and every other level of how adapters or dictionaries are trained and benchmarks asked; one axis at a time."""
    ALL = "all"


class AxisKind(StrEnum):
    """What a level of an axis makes anew, and so what the axis costs."""

    ANALYSIS = "analysis"
    """Nothing but estimates: combined freely."""
    EXTRACTION = "extraction"
    """What models that stand make of texts, such as phrases, translations, activations or examples: one at a time and in fractions; of adapters
    that are trained for it, one seed."""
    TRAINING = "training"
    """Adapters, dictionaries or answers to benchmarks: one at a time, one seed; of adapters, the tuned languages."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One answer to an open question."""

    name: str
    """What a specification's name calls it, such as "max"."""
    says: str
    """The same in words."""
    sets: tuple[tuple[str, Any], ...] = ()
    """Dotted paths from "study" or "profile", such as "study.primary.alignment.alpha", and the values that make it so."""
    missing: str = ""
    """Why no run has it, in a sentence; empty where runs do."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One open question, with its answers."""

    name: str
    """What a specification's name calls it, such as "pooling"."""
    says: str
    """The question in words."""
    levels: tuple[Level, ...]
    """The primary one first."""
    openness: Openness
    kind: AxisKind
    stage: str
    """First stage that an answer changes, such as "activations"; all that is made from it changes with it."""
    because: str = ""
    """Why it matters, or what speaks for the primary answer."""

    @property
    def others(self) -> tuple[Level, ...]:
        """Every level but the primary one."""
        return self.levels[1:]

    def level(self, name: str) -> Level:
        """The level of a name.

        Raises:
            ValueError: If the axis has none of that name.
        """
        found = next((level for level in self.levels if level.name == name), None)
        if found is None:
            raise ValueError(
                f"axis {self.name} has no level {name!r}; expected one of {[each.name for each in self.levels]}"
            )
        return found


def specification_name(axes: Sequence[Axis], differences: Differences) -> str:
    """What a specification is called: what it differs in from the primary one, in the order of the axes.

    Raises:
        ValueError: If it names an axis or a level that is not there.
    """
    known = {axis.name for axis in axes}
    if strangers := sorted(set(differences) - known):
        raise ValueError(f"no axis is called {strangers[0]!r}; expected one of {sorted(known)}")
    parts = [
        f"{axis.name}={axis.level(differences[axis.name]).name}"
        for axis in axes
        if differences.get(axis.name, axis.levels[0].name) != axis.levels[0].name
    ]
    return "+".join(parts) or PRIMARY


def differences_of(axes: Sequence[Axis], name: str) -> dict[str, str]:
    """What a specification of this name differs in: the way back of `specification_name`.

    Raises:
        ValueError: If it is no name of a specification along these axes.
    """
    if name == PRIMARY:
        return {}
    found = dict(part.partition("=")[::2] for part in name.split("+"))
    if specification_name(axes, found) != name:
        raise ValueError(
            f"{name!r} names no specification; the same one is {specification_name(axes, found)!r}"
        )
    return found


def combined(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Every combination of the axes' levels, the primary specification first: a full factorial."""
    for levels in product(*(axis.levels for axis in axes)):
        pairs = zip(axes, levels, strict=True)
        yield {axis.name: level.name for axis, level in pairs if level != axis.levels[0]}


def one_at_a_time(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Every other level of every axis by itself."""
    for axis in axes:
        for level in axis.others:
            yield {axis.name: level.name}


def fraction(axes: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """A two-level fraction of resolution IV: no axis is mixed up with a pair of others. Each takes its first two levels.

    Axes are columns of a full factorial of as few as will do: its own columns, then products of three and more of them, of an odd
    number each, so that no product of fewer than four axes is constant.

    Source: G. Box and J. Hunter, "The 2^(k-p) fractional factorial designs", Technometrics 3 (1961), 311-351.
    """
    if not axes:
        return
    num_base = 1
    while 2 ** (num_base - 1) < len(axes):
        num_base += 1
    odd = (of for size in range(1, num_base + 1, 2) for of in combinations(range(num_base), size))
    columns = [of for of, _ in zip(odd, axes, strict=False)]
    for run in product((0, 1), repeat=num_base):
        moved = [sum(run[place] for place in of) % 2 for of in columns]
        yield {axis.name: axis.levels[1].name for axis, is_other in zip(axes, moved, strict=True) if is_other}


def asked_axes(axes: Sequence[Axis], grid: Grid) -> tuple[Axis, ...]:
    """The axes of which a grid takes more than the primary level."""
    kinds = {
        Grid.NONE: (),
        Grid.ANALYSIS: (AxisKind.ANALYSIS,),
        Grid.EXTRACTION: (AxisKind.ANALYSIS, AxisKind.EXTRACTION),
        Grid.TRAINING: (AxisKind.ANALYSIS, AxisKind.TRAINING),
        Grid.ALL: tuple(AxisKind),
    }[grid]
    return tuple(axis for axis in axes if axis.kind in kinds)


def of_kind(axes: Sequence[Axis], kind: AxisKind) -> tuple[Axis, ...]:
    """The axes of one kind."""
    return tuple(axis for axis in axes if axis.kind is kind)
