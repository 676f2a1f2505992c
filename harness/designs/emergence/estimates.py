"""The estimates stage: stored tables in, every quantity of the study out; no model, no printed number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

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
from harness.stages.stage import stage
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import read_table, write_table
from harness.words.dictionaries import (
    BILINGUAL,
    ClassedLatent,
    ClassShare,
    DemoFeature,
    IntegratedText,
    PartAgreement,
    ProbedLanguage,
    Reconstruction,
    SplicedText,
)
from harness.words.emergence import FINAL, is_middle
from harness.words.estimate import (
    AxisValue,
    BrokenEstimate,
    Estimate,
    Formula,
    PhraseValue,
    Scope,
    UnitValue,
)

SAMPLED_LATENTS = 8
"""Bilingual latents of each finished model that are shown by number, with what their examples are of: the first ones."""

Seed = TypeVar("Seed", int, None)
"""Of a dictionary; None of what nothing was trained for."""

LABELS = {0: TOKENS, 1: CONCEPTS, 2: CONCEPTS, 3: UNINTERPRETED}
"""What the authors' code for what a latent stands for means: a token, synonyms, a meaning, nothing."""


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
) -> None:
    """Every quantity of the study.

    Writes estimates with what units contributed, where they stand on the design's axes, and which could not be formed.
    """
    run = Run(
        inputs=inputs, cells=cells, languages=languages, early=early, mid=mid, demonstrated=demonstrated
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
    def labelled_seeds(self) -> Mapping[tuple[str, str, int], frozenset[int]]:
        """Seeds of the dictionaries of every layer of a checkpoint in which some latent is labelled."""
        found: dict[tuple[str, str, int], set[int]] = {}
        for size, phase, layer, seed in self.shares:
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
        by_label = self.shares[size, phase, layer, seed]
        labelled = sum(row.latents for row in by_label.values())
        return Counted(f"{size}/{phase}/layer {layer}", by_label[label].latents, labelled)

    def measured(self) -> Iterator[Measured]:
        """Every quantity, in the order in which a report shows them."""
        yield from self._classes()
        yield from self._changes()
        yield from self._trends()
        yield from self._gains()
        yield from self._sampled()
        yield from self._demonstrated()
        yield from self._quality()

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
                        values = [
                            self.shares[size, phase, layer, seed][label].activity_share for seed in seeds
                        ]
                        yield of_seeds(share_scope(size, phase, label, layer, ACTIVITY), seeds, values)

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
