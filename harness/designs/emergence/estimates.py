"""The estimates stage: stored tables in, every quantity of the study out; no model, no printed number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.designs.emergence.quantities import (
    ACTIVITY,
    CONCEPTS,
    QUANTITIES,
    TOKENS,
    UNINTERPRETED,
    change_scope,
    gain_scope,
    lead_scope,
    scope_of,
    share_scope,
)
from harness.designs.specified_tables import SpecifiedTables
from harness.stages.stage import stage
from harness.statistics.language_classes import class_counts
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import read_codes, read_column, read_table, write_table
from harness.words.dictionaries import (
    BILINGUAL,
    DEAD,
    ClassChoice,
    ClassedLatent,
    ClassShare,
    DemoFeature,
    IntegratedText,
    LabelledBy,
    PartAgreement,
    ProbedLanguage,
    Reconstruction,
    SplicedText,
)
from harness.words.emergence import FINAL, SpecifiedClasses, is_middle
from harness.words.estimate import (
    AxisValue,
    BrokenEstimate,
    Estimate,
    Formula,
    PhraseValue,
    Scope,
    UnitValue,
)
from harness.words.specification import PRIMARY

Counts = NDArray[np.int64]

OF_CLASSES = ("class-share", "share-change", "lateness", "middle-lead", "size-trend")
"""Quantities that rest on how many latents are of each class."""

OF_PARTS = ("integration-gain", "integration-lead")
"""Quantities of what parts bring that claims are about."""

NO_LATENT = "no latent has examples enough"
OTHER_PARTS = "what other parts bring takes another pass of the models"

SAMPLED_LATENTS = 8
"""Bilingual latents of each finished model that are shown by number, with what their examples are of: the first ones."""

Seed = TypeVar("Seed", int, None)
"""Of a dictionary; None of what nothing was trained for."""

LABELS = {1: UNINTERPRETED, 2: CONCEPTS, 3: CONCEPTS, 4: TOKENS}
"""What the authors' code for what a latent stands for means: nothing, a meaning, synonyms, a token."""


@dataclass(frozen=True)
class Counted:
    """How many of how many independent units are of a kind, or the share that is subtracted."""

    name: str
    count: int
    of: int

    @property
    def subtracted(self) -> "Counted":
        """The same on the other side of a difference."""
        return replace(self, of=-self.of)


@stage(on="processor")
def estimates(
    inputs: Mapping[str, Path],
    *,
    out: Path,
    cells: tuple[tuple[str, str, int], ...],
    languages: tuple[str, str],
    early: str,
    mid: str,
    demonstrated: Mapping[str, int],
    labelled_by: LabelledBy,
    specified: tuple[SpecifiedClasses, ...],
) -> None:
    """Every quantity of the study.

    Writes estimates with what units contributed, where they stand on the design's axes, and which could not be formed; and what other
    ways to tell classes make of them.
    """
    run = Run(
        inputs=inputs,
        cells=cells,
        languages=languages,
        early=early,
        mid=mid,
        demonstrated=demonstrated,
        labelled_by=labelled_by,
    )
    found = list(run.measured())
    ids = [part.estimate.estimate_id for part in found]
    assert len(ids) == len(set(ids)), "two estimates share a name"
    write_table(out, Estimate, (part.estimate for part in found))
    write_table(out, UnitValue, (row for part in found for row in part.units))
    write_table(out, PhraseValue, ())
    write_table(out, AxisValue, (row for part in found for row in part.axes))
    if broken := tuple(run.broken()):
        write_table(out, BrokenEstimate, broken)
    if specified:
        specified_classes(run, found, specified).write(out)


def specified_classes(
    run: "Run", primary: Iterable[Measured], specified: Iterable[SpecifiedClasses]
) -> SpecifiedTables:
    """What other ways to tell classes make of every estimate that rests on them.

    What parts bring was measured with the parts that the primary classes make, so that of single choices holes are left.

    Args:
        run: The run.
        primary: Every estimate under the primary specification.
        specified: How classes are told under the others.
    """
    tables = SpecifiedTables(nothing_left=NO_LATENT)
    moved = [each for each in primary if each.estimate.specification == PRIMARY]
    for each in specified:
        found = {}
        if not each.missing:
            other = replace(run, choice=each.choice)
            found = {part.estimate.estimate_id: part for part in other.of_classes()}
        for part in moved:
            if part.estimate.estimate_id in found:
                tables.measured(each.specification, found[part.estimate.estimate_id])
            elif part.estimate.quantity in OF_CLASSES:
                because = each.missing or NO_LATENT
                tables.hole(part.scope, each.specification, part.estimate.unit_kind, because)
            elif part.estimate.quantity in OF_PARTS and "+" not in each.specification:
                tables.hole(
                    part.scope, each.specification, part.estimate.unit_kind, each.missing or OTHER_PARTS
                )
    return tables


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the stages of a run stored."""

    inputs: Mapping[str, Path]
    """Folder of every artifact, by stage and item."""
    cells: tuple[tuple[str, str, int], ...]
    """Size, phase and number of layers of every checkpoint, smallest size and first phase first."""
    languages: tuple[str, str]
    early: str
    mid: str
    demonstrated: Mapping[str, int]
    """Step of the authors' demonstration that speaks for a phase."""
    labelled_by: LabelledBy
    """What says of which language an example is where latents were classed."""
    choice: ClassChoice | None = None
    """How classes are told anew from the counts of examples; None takes them as they were told."""
    latents: dict[str, "CountedLatents"] = field(default_factory=dict)
    """Of every checkpoint whose classes were told anew: read once for every choice."""

    @property
    def sizes(self) -> tuple[str, ...]:
        """Sizes that are there, smallest first."""
        return tuple(dict.fromkeys(size for size, _, _ in self.cells))

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases that are there."""
        return tuple(dict.fromkeys(phase for _, phase, _ in self.cells))

    @cached_property
    def shares(self) -> Mapping[tuple[str, str, int, int], Mapping[str, ClassShare]]:
        """Shares of the classes by size, phase, layer and seed."""
        found: dict[tuple[str, str, int, int], dict[str, ClassShare]] = defaultdict(dict)
        for size, phase, _ in self.cells:
            for row in read_table(self.inputs[f"classes/{size}-{phase}"], ClassShare):
                found[size, phase, row.layer, row.seed][row.label] = row
        return found

    @cached_property
    def counts(self) -> Mapping[tuple[str, str, int, int], Mapping[str, int]]:
        """How many latents of each class a dictionary has, by size, phase, layer and seed."""
        if self.choice is None:
            return {
                place: {label: row.latents for label, row in rows.items()}
                for place, rows in self.shares.items()
            }
        found = {}
        for size, phase, _ in self.cells:
            role = f"classes/{size}-{phase}"
            if role not in self.latents:
                self.latents[role] = CountedLatents.read(self.inputs[role])
            is_otherwise = self.choice.labelled_by is not self.labelled_by
            for (layer, seed), counts in (
                self.latents[role].classed(self.languages, self.choice, is_otherwise=is_otherwise).items()
            ):
                found[size, phase, layer, seed] = counts
        return found

    @cached_property
    def labelled_seeds(self) -> Mapping[tuple[str, str, int], frozenset[int]]:
        """Seeds of the dictionaries of every layer of a checkpoint in which some latent is labelled."""
        found: dict[tuple[str, str, int], set[int]] = {}
        for size, phase, layer, seed in self.counts:
            seeds = found.setdefault((size, phase, layer), set())
            if self.counted(size, phase, layer, seed, BILINGUAL).of:
                seeds.add(seed)
        return {place: frozenset(seeds) for place, seeds in found.items()}

    def layers(self, size: str, phase: str) -> tuple[int, ...]:
        """Layers of which a checkpoint has dictionaries."""
        return tuple(sorted(layer for *cell, layer in self.labelled_seeds if cell == [size, phase]))

    def seeds(self, size: str, phases: Iterable[str], layer: int) -> tuple[int, ...]:
        """Seeds of which every one of some phases has a dictionary with labelled latents."""
        return tuple(
            sorted(frozenset.intersection(*(self.labelled_seeds[size, phase, layer] for phase in phases)))
        )

    def counted(self, size: str, phase: str, layer: int, seed: int, label: str) -> Counted:
        """How many of the labelled latents of one dictionary are of a class."""
        by_label = self.counts[size, phase, layer, seed]
        return Counted(f"{size}/{phase}/layer {layer}", by_label[label], sum(by_label.values()))

    def measured(self) -> Iterator[Measured]:
        """Every quantity, in the order in which a report shows them."""
        for part in self._classes():
            yield part
            yield from self._by_activity(part.scope)
        yield from self._changes()
        yield from self._trends()
        yield from self._gains()
        yield from self._sampled()
        yield from self._demonstrated()
        yield from self._quality()

    def of_classes(self) -> Iterator[Measured]:
        """What rests on how many latents are of each class, and on nothing else."""
        yield from self._classes()
        yield from self._changes()
        yield from self._trends()

    def of_parts(self) -> Iterator[Measured]:
        """What putting parts of one model into another brings, with claims about it."""
        return (part for part in self._gains() if part.estimate.quantity in OF_PARTS)

    def broken(self) -> Iterator[BrokenEstimate]:
        """Estimates of dictionaries in which no latent has examples enough."""
        for size, phase, _ in self.cells:
            for layer in self.layers(size, phase):
                if not self.seeds(size, (phase,), layer):
                    for label in (*self.languages, BILINGUAL):
                        yield BrokenEstimate(
                            estimate_id=share_scope(size, phase, label, layer).estimate_id,
                            because=f"No latent of {size} at {phase}, layer {layer}, has examples enough to be labelled.",
                        )

    def _classes(self) -> Iterator[Measured]:
        for size, phase, _ in self.cells:
            for layer in self.layers(size, phase):
                if seeds := self.seeds(size, (phase,), layer):
                    for label in (*self.languages, BILINGUAL):
                        groups = {seed: [self.counted(size, phase, layer, seed, label)] for seed in seeds}
                        yield of_counts(share_scope(size, phase, label, layer), groups)

    def _by_activity(self, scope: Scope) -> Iterator[Measured]:
        """The same share, latents weighing by their activity."""
        assert scope.layer is not None
        axes = dict(scope.axes)
        size, phase, label = axes["model"], axes["step"], axes["class"]
        seeds = self.seeds(size, (phase,), scope.layer)
        values = [self.shares[size, phase, scope.layer, seed][label].activity_share for seed in seeds]
        yield of_seeds(replace(scope, specification=ACTIVITY), seeds, values)

    def _changes(self) -> Iterator[Measured]:
        spans = [*pairwise(self.phases), (self.early, self.mid), (self.mid, FINAL), (self.early, FINAL)]
        for size in self.sizes:
            at_hand = {phase for one, phase, _ in self.cells if one == size}
            for before, after in dict.fromkeys(spans):
                if {before, after} <= at_hand:
                    for layer in self.layers(size, after):
                        scope = change_scope(size, before, after, layer)
                        yield from self._contrast(scope, size, layer, (after,), (before,))
            if {self.early, self.mid, FINAL} <= at_hand:
                for layer in self.layers(size, FINAL):
                    scope = scope_of("lateness", {"model": size}, layer=layer)
                    yield from self._contrast(scope, size, layer, (self.early, FINAL), (self.mid,))

    def _contrast(
        self, scope: Scope, size: str, layer: int, above: Sequence[str], below: Sequence[str]
    ) -> Iterator[Measured]:
        """The mean bilingual share of some phases less that of others, in one layer."""
        groups = {
            seed: [
                *(self.counted(size, phase, layer, seed, BILINGUAL) for phase in above),
                *(self.counted(size, phase, layer, seed, BILINGUAL).subtracted for phase in below),
            ]
            for seed in self.seeds(size, (*above, *below), layer)
        }
        if groups:
            yield of_counts(scope, groups)

    def _over_layers(self, size: str, phase: str) -> Mapping[int, Counted]:
        """The bilingual share by layer, of the first seed; layers without a labelled latent are left out."""
        return {
            layer: self.counted(size, phase, layer, seeds[0], BILINGUAL)
            for layer in self.layers(size, phase)
            if (seeds := self.seeds(size, (phase,), layer))
        }

    def _trends(self) -> Iterator[Measured]:
        for size, phase, num_layers in self.cells:
            found = self._over_layers(size, phase)
            inside = [each for layer, each in found.items() if is_middle(layer, num_layers)]
            outside = [each.subtracted for layer, each in found.items() if not is_middle(layer, num_layers)]
            if inside and outside:
                yield of_counts(
                    scope_of("middle-lead", {"model": size, "step": phase}), {None: inside + outside}
                )
        at_hand = {(size, phase) for size, phase, _ in self.cells}
        for phase in self.phases:
            for smaller, larger in pairwise(self.sizes):
                if {(smaller, phase), (larger, phase)} <= at_hand:
                    above = list(self._over_layers(larger, phase).values())
                    below = [each.subtracted for each in self._over_layers(smaller, phase).values()]
                    if above and below:
                        scope = scope_of("size-trend", {"step": phase, "from": smaller, "to": larger})
                        yield of_counts(scope, {None: above + below})

    def _gains(self) -> Iterator[Measured]:
        for size in self.sizes:
            folder = self.inputs.get(f"integration/{size}")
            if folder is None:
                continue
            by_place: dict[tuple[str, str], dict[str, list[IntegratedText]]] = defaultdict(
                lambda: defaultdict(list)
            )
            for row in read_table(folder, IntegratedText):
                by_place[row.reading, row.language][row.part].append(row)
            for (reading, language), parts in by_place.items():
                for part, rows in parts.items():
                    scope = gain_scope(size, part, rows[0].layer, language, reading)
                    yield paired(scope, rows, [row.before for row in rows], [row.after for row in rows])
                for other in self.languages:
                    ours, theirs = parts[BILINGUAL], parts[other]
                    assert [row.text_id for row in ours] == [row.text_id for row in theirs]
                    yield paired(
                        lead_scope(size, other, ours[0].layer, language, reading),
                        ours,
                        [row.after for row in theirs],
                        [row.after for row in ours],
                    )
            for agreement in read_table(folder, PartAgreement):
                scope = scope_of(
                    "part-cosine", {"model": size, "part": agreement.part}, layer=agreement.layer
                )
                yield single(scope, agreement.cosine, agreement.donor_latents)

    def _sampled(self) -> Iterator[Measured]:
        """Some bilingual latents by number, with how many of their examples are of each language: numbers, and no text."""
        for size in self.sizes:
            if f"classes/{size}-{FINAL}" not in self.inputs:
                continue
            rows = read_table(self.inputs[f"classes/{size}-{FINAL}"], ClassedLatent)
            layers = self.layers(size, FINAL)
            middle, seed = layers[len(layers) // 2], min(row.seed for row in rows)
            own = [row for row in rows if (row.layer, row.seed, row.label) == (middle, seed, BILINGUAL)]
            for row in own[:SAMPLED_LATENTS]:
                for language, count in zip(
                    self.languages, (row.first_examples, row.second_examples), strict=True
                ):
                    scope = scope_of(
                        "sampled-examples",
                        {"model": size, "step": FINAL, "latent": str(row.latent)},
                        layer=middle,
                        language=language,
                    )
                    yield single(scope, float(count), row.first_examples + row.second_examples)

    def _demonstrated(self) -> Iterator[Measured]:
        by_phase = {
            phase: read_table(self.inputs[f"demo-replay/{step}"], DemoFeature)
            for phase, step in self.demonstrated.items()
        }
        for label in (BILINGUAL, CONCEPTS, TOKENS, UNINTERPRETED):
            counted = {
                phase: Counted(f"step {rows[0].step}", sum(_is(row, label) for row in rows), len(rows))
                for phase, rows in by_phase.items()
            }
            for phase, found in counted.items():
                scope = scope_of("demonstrated-share", {"step": phase, "class": label})
                yield of_counts(scope, {None: [found]})
            spans = [*pairwise(counted), (self.early, self.mid), (self.mid, FINAL), (self.early, FINAL)]
            for before, after in dict.fromkeys(spans):
                if {before, after} <= set(counted):
                    scope = scope_of("demonstrated-change", {"from": before, "to": after, "class": label})
                    yield of_counts(scope, {None: [counted[after], counted[before].subtracted]})

    def _quality(self) -> Iterator[Measured]:
        for size, phase, _ in self.cells:
            about = {"model": size, "step": phase}
            for probed in read_table(self.inputs[f"model-checks/{size}-{phase}"], ProbedLanguage):
                scope = scope_of("model-nats", about, language=probed.language)
                yield single(scope, probed.nats_per_token, probed.texts)
            folder = self.inputs[f"sae-quality/{size}-{phase}"]
            by_layer: dict[int, list[Reconstruction]] = defaultdict(list)
            for row in read_table(folder, Reconstruction):
                by_layer[row.layer].append(row)
            for layer, rows in by_layer.items():
                error = float(np.mean([row.fraction_variance_unexplained for row in rows]))
                yield single(scope_of("unexplained", about, layer=layer), error, rows[0].tokens)
                dead = {
                    row.seed: [Counted("latents", round(row.dead_fraction * row.latents), row.latents)]
                    for row in rows
                }
                yield of_counts(scope_of("dead-share", about, layer=layer), dead)
            yield from self._unlabelled(size, phase)
            spliced: dict[int, list[SplicedText]] = defaultdict(list)
            for text in read_table(folder, SplicedText):
                if text.seed == rows_first_seed(by_layer[text.layer]):
                    spliced[text.layer].append(text)
            for layer, texts in spliced.items():
                scope = scope_of("splicing-loss", about, layer=layer)
                yield paired(scope, texts, [each.spliced for each in texts], [each.clean for each in texts])

    def _unlabelled(self, size: str, phase: str) -> Iterator[Measured]:
        for layer in self.layers(size, phase):
            groups = {}
            for one, at, where, seed in self.shares:
                if (one, at, where) == (size, phase, layer):
                    few = self.shares[size, phase, layer, seed][BILINGUAL].unlabelled
                    labelled = self.counted(size, phase, layer, seed, BILINGUAL).of
                    groups[seed] = [Counted("latents that fire", few, few + labelled)]
            if all(group[0].of for group in groups.values()):
                yield of_counts(
                    scope_of("unlabelled-share", {"model": size, "step": phase}, layer=layer), groups
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class CountedLatents:
    """The latents of every dictionary of a checkpoint, with how many of their examples are of each language; all are [latent]."""

    layer: Counts
    seed: Counts
    fires: NDArray[np.bool_]
    told: tuple[Counts, Counts]
    """Examples of both languages, as classes were told."""
    otherwise: tuple[Counts, Counts]
    """The same by the other of script and document."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The latents of one checkpoint."""
        code, labels = read_codes(folder, ClassedLatent, "label")

        def column(name: str) -> Counts:
            return read_column(folder, ClassedLatent, name).astype(np.int64)

        return cls(
            layer=column("layer"),
            seed=column("seed"),
            fires=np.array([label != DEAD for label in labels])[code],
            told=(column("first_examples"), column("second_examples")),
            otherwise=(column("first_otherwise"), column("second_otherwise")),
        )

    def classed(
        self, languages: tuple[str, str], choice: ClassChoice, *, is_otherwise: bool
    ) -> Mapping[tuple[int, int], Mapping[str, int]]:
        """How many latents are of each class, by layer and seed."""
        first, second = self.otherwise if is_otherwise else self.told
        places = np.unique(np.stack([self.layer, self.seed]), axis=1).T.tolist()
        found = {}
        for layer, seed in places:
            own = (self.layer == layer) & (self.seed == seed)
            found[layer, seed] = class_counts(first[own], second[own], self.fires[own], languages, choice)
        return found


def rows_first_seed(rows: Sequence[Reconstruction]) -> int:
    """The first seed of the dictionaries of a layer."""
    return min(row.seed for row in rows)


def _is(row: DemoFeature, label: str) -> bool:
    return row.label == label if label == BILINGUAL else LABELS.get(row.granularity) == label


def of_counts(scope: Scope, groups: Mapping[Seed, Sequence[Counted]]) -> Measured:
    """A share, or a difference of shares, from counts of every seed."""
    sides = [
        Sides(
            units=[group.name for group in counted],
            observed=np.array([float(group.count) for group in counted]),
            reference=np.array([float(group.of) for group in counted]),
            seed=seed,
        )
        for seed, counted in groups.items()
    ]
    is_difference = any(group.of < 0 for counted in groups.values() for group in counted)
    values = [
        100 * (np.mean([g.count / g.of for g in counted if g.of > 0]))
        + (100 * np.mean([g.count / g.of for g in counted if g.of < 0]) if is_difference else 0.0)
        for counted in groups.values()
    ]
    formula = Formula.SHARE_DIFFERENCE if is_difference else Formula.SHARE
    found = measured(scope, float(np.mean(values)), formula, "feature", sides)
    units = min(sum(abs(group.of) for group in counted) for counted in groups.values())
    return replace(found, estimate=replace(found.estimate, num_units=units))


def of_seeds(scope: Scope, seeds: Sequence[int], values: Sequence[float]) -> Measured:
    """The mean of one figure a seed."""
    sides = [
        Sides(units=["dictionary"], observed=np.array([value]), reference=np.zeros(1), seed=seed)
        for seed, value in zip(seeds, values, strict=True)
    ]
    return measured(scope, float(np.mean(values)), Formula.DIFFERENCE, "seed", sides)


def paired(
    scope: Scope,
    rows: Sequence[IntegratedText] | Sequence[SplicedText],
    observed: Sequence[float],
    reference: Sequence[float],
) -> Measured:
    """The mean over texts of a difference of two losses on each."""
    names = [str(row.text_id) for row in rows]
    sides = Sides(units=names, observed=np.array(observed), reference=np.array(reference))
    value = float(np.mean(sides.observed - sides.reference))
    return measured(scope, value, Formula.DIFFERENCE, "text", (sides,))


def single(scope: Scope, value: float, units: int) -> Measured:
    """A figure that is stored without what it was made from; only how many units there were is known."""
    found = measured(scope, value, Formula.NO_UNITS, QUANTITIES[scope.quantity].varying[0], ())
    return replace(found, estimate=replace(found.estimate, num_units=units))
