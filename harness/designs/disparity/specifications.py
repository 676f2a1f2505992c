"""Gaps, gains, retention and changes of accuracy under every specification that stored values give, beside the primary one.

Nothing passes a model: poolings from token values of own latents, other speakers from the panel, phrases and translations by
leaving some out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.base import GAP_FORMULAS, BaseRun
from harness.designs.disparity.latents import pooled_values
from harness.designs.disparity.quantities import scope_of
from harness.designs.disparity.scores import arms_of, delta_scope
from harness.designs.disparity.tuning import gain_scopes, retention_scope, whole_codes
from harness.designs.specified_tables import Made, Sides, SpecifiedTables, Values
from harness.statistics.metrics import group_means
from harness.store.tables import read_column, read_table, table_path
from harness.words.estimate import MEDIAN_OF_GAPS, Formula, Scope
from harness.words.records import PanelActivation, Selection, Translation, adapter_name
from harness.words.specification import (
    PRIMARY,
    Axis,
    Differences,
    combined,
    one_at_a_time,
    specification_name,
)
from harness.words.study import Group, Pooling

Mask = NDArray[np.bool_]

OF_GAPS = ("pooling", "speaker", "strength", "translations", "group", "aggregation")
OF_ADAPTERS = ("pooling", "strength", "translations", "gain-layer")
OF_ANSWERS = ("metric",)
"""Axes that an estimate of the kind can differ along."""

NO_PANEL = "through an adapter own latents are read alone, and no panel"
NO_LAST = "of the panel no value of a last token is stored"
NO_PANELS = "no text has a panel in every language"
NOTHING_LEFT = "no phrase is left"

SPECIFIED_GAPS: Mapping[str, str] = {**GAP_FORMULAS, "median-of-ratios": MEDIAN_OF_GAPS}
"""How a gap is formed of unit values, by level."""

STRONG = {"0.8": 0.0, "0.9": 0.9, "strongest": 1.0}
"""Share of the latent's strongest drawn phrase that a phrase must reach; all that were drawn reach 0.8 of the latent's maximum."""


def specified(base: BaseRun, axes: Sequence[Axis]) -> SpecifiedTables:
    """Every estimate that a claim may be about alone, under every other specification along some axes."""
    tables, kept = SpecifiedTables(nothing_left=NOTHING_LEFT), Kept(base=base)
    of_gaps, of_adapters, of_answers = (
        tuple(axis for axis in axes if axis.name in names) for names in (OF_GAPS, OF_ADAPTERS, OF_ANSWERS)
    )
    if of_gaps:
        specified_gaps(kept, of_gaps, _combined(of_gaps), tables)
    if of_adapters:
        specified_adapters(kept, of_adapters, _combined(of_adapters), tables)
        _without_panel(base, axes, tables)
    for axis in of_answers:
        for level in axis.others:
            specified_deltas(base, specification_name(axes, {axis.name: level.name}), level.name, tables)
    return tables


Named = Sequence[tuple[str, Differences]]
"""Specifications by name, each with the levels of analysis that are not the primary ones."""


def _combined(axes: Sequence[Axis]) -> Named:
    return [(specification_name(axes, each), each) for each in combined(axes) if each]


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """Which (latent, phrase) pairs a specification leaves."""

    base: BaseRun

    @cached_property
    def primary(self) -> Mapping[str, str]:
        """The level of every axis under the primary specification."""
        return {
            "speaker": "own",
            "strength": "0.8",
            "translations": "all",
            "group": "without-english",
            **self.base.specification.analysis_levels,
        }

    @cached_property
    def strong(self) -> Mapping[str, Mask]:
        """By level of strength: selections of phrases that are strong enough."""
        selections = self.base.selections
        rows = read_table(self.base.inputs["phrases/all"], Selection)
        peaks = {(row.layer, row.latent, row.text_id): row.stored_peak for row in rows}
        keys = zip(
            *(part.tolist() for part in (selections.layer, selections.latent, selections.text_id)),
            strict=True,
        )
        peak = np.array([peaks[key] for key in keys])
        strongest = np.zeros(len(self.layers))
        np.maximum.at(strongest, self.groups, peak)
        share = peak / strongest[self.groups]
        return {level: share >= asked for level, asked in STRONG.items()}

    @cached_property
    def layers(self) -> NDArray[np.int64]:
        """Layer of every latent, layer by layer in ascending order of the latent."""
        return np.unique(self._keys) >> 32

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Place of each selection's latent."""
        return np.unique(self._keys, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def _texts(self) -> NDArray[np.int64]:
        return np.unique(self.base.selections.text_id, return_inverse=True)[1].astype(np.int64)

    @property
    def _keys(self) -> NDArray[np.int64]:
        return (self.base.selections.layer << 32) | self.base.selections.latent

    def means(self, values: Values, mask: Mask) -> Values:
        """Mean of every latent over the selections of a mask; NaN where none is left."""
        return group_means(values[mask], self.groups[mask], len(self.layers))

    def widening(self, mask: Mask, low: Values, high: Values) -> float:
        """The widening over the selections of a mask."""
        return widening_of(self.groups[mask], self._texts[mask], low, high)

    @cached_property
    def flagged(self) -> Mapping[str, NDArray[np.int64]]:
        """Texts whose translation looks wrong, by language; none of the reference language."""
        return {
            language.code: np.array(
                [
                    row.text_id
                    for row in read_table(self.base.inputs[f"translations/{language.code}"], Translation)
                    if row.is_flagged
                ],
                dtype=np.int64,
            )
            for language in self.base.languages
            if language.group is not Group.REFERENCE
        }

    def unflagged(self, level: str, code: str, texts: NDArray[np.int64]) -> Mask:
        """The texts of which a level of `translations` takes a language's."""
        if level == "all":
            return np.ones(len(texts), dtype=np.bool_)
        if level == "same-unflagged":
            return ~np.isin(texts, np.concatenate(list(self.flagged.values())))
        return ~np.isin(texts, self.flagged.get(code, ()))


Cell = tuple[str, str, str, str]
"""Levels of speaker, pooling, strength and translations."""


def _cells(kept: Kept, axes: Sequence[Axis]) -> Iterator[Cell]:
    """Every combination of what makes sides, without the groups."""
    by_name = {axis.name: [level.name for level in axis.levels] for axis in axes}
    of_cells = ("speaker", "pooling", "strength", "translations")
    speakers, *rest = (by_name.get(name, [kept.primary[name]]) for name in of_cells)
    yield from product(speakers, *rest)


SidesOfGap = Mapping[tuple[int, str], Sides]
"""By layer, and by level of `group`."""


def specified_gaps(kept: Kept, axes: Sequence[Axis], named: Named, tables: SpecifiedTables) -> None:
    """Gaps between the groups at every layer, under specifications along some axes."""
    base = kept.base
    by_cell = dict(chain(_of_own_latents(kept, axes), _of_panel(kept, axes)))
    for layer in base.layers:
        scope = scope_of("gap", layer=layer, reading="high")
        own = ("speaker", "pooling", "strength", "translations")
        speaker, pooling, strength, translations = (kept.primary[name] for name in own)
        of_primary = by_cell[speaker, pooling, strength, translations][layer, kept.primary["group"]]
        tables.shared_out(scope, PRIMARY, of_primary)
        for name, differences in named:
            level = {**kept.primary, **differences}
            cell = (level["speaker"], level["pooling"], level["strength"], level["translations"])
            if cell not in by_cell:
                tables.hole(scope, name, "latent", NO_LAST if level["pooling"] == Pooling.LAST else NO_PANELS)
                continue
            made_of = {axis: each for axis, each in differences.items() if axis != "aggregation"}
            made = Made(
                name=specification_name(axes, made_of) if "aggregation" in differences else name,
                formula=SPECIFIED_GAPS[level["aggregation"]],
                unit_kind="latent",
                sides=by_cell[cell][layer, level["group"]],
            )
            tables.found(scope, name, made)


def _reference(base: BaseRun, by_group: Mapping[Group, Values], level: str) -> Values:
    """The side that gaps are held against: the mean over the high-resource languages, or over these and English."""
    if level == "without-english":
        return by_group[Group.HIGH]
    count = len(base.codes(Group.HIGH))
    return (count * by_group[Group.HIGH] + by_group[Group.REFERENCE]) / (count + 1)


def _totals(base: BaseRun, by_language: Sequence[Values], level: str) -> tuple[float, ...]:
    """Sums over the latents that every language of either side has, in the order of languages; NaN of one on neither side."""
    counts = [language.group is not Group.REFERENCE or level == "with-english" for language in base.languages]
    values = np.stack(by_language)
    there = ~np.isnan(values[counts]).any(axis=0)
    return tuple(np.where(counts, values[:, there].sum(axis=1), np.nan).tolist())


def _groups(axes: Sequence[Axis]) -> list[str]:
    return [level.name for axis in axes if axis.name == "group" for level in axis.levels] or [
        "without-english"
    ]


def _of_own_latents(kept: Kept, axes: Sequence[Axis]) -> Iterator[tuple[Cell, SidesOfGap]]:
    """Sides over the phrases' own latents, for every cell."""
    base, texts = kept.base, kept.base.selections.text_id
    cells = [cell for cell in _cells(kept, axes) if cell[0] == "own"]
    poolings = [Pooling(name) for name in dict.fromkeys(cell[1] for cell in cells)]
    values = {
        code: pooled_values(base.inputs[f"activations/{code}"], base.selections, poolings)
        for code in base.by_language
    }
    for cell in cells:
        _, pooling, strength, translations = cell
        strong = base.kept & kept.strong[strength]
        masks = {code: strong & kept.unflagged(translations, code, texts) for code in values}
        by_language = {code: kept.means(values[code][Pooling(pooling)], masks[code]) for code in values}
        means = {group: np.mean([by_language[code] for code in base.codes(group)], axis=0) for group in Group}
        pairs = {
            group: np.mean([values[code][Pooling(pooling)] for code in base.codes(group)], axis=0)
            for group in Group
        }
        # Where languages keep different texts, errors are widened as where all keep all.
        shared = strong if translations == "unflagged" else masks[base.codes(Group.REFERENCE)[0]]
        found: dict[tuple[int, str], Sides] = {}
        for layer in base.layers:
            units, own = kept.layers == layer, shared & base.selections.within(layer)
            for level in _groups(axes):
                against = _reference(base, pairs, level)[own]
                found[layer, level] = Sides(
                    observed={None: means[Group.LOW][units]},
                    reference=_reference(base, means, level)[units],
                    widening=kept.widening(own, pairs[Group.LOW][own], against),
                    totals=_totals(base, [by_language[each.code][units] for each in base.languages], level),
                )
        yield cell, found


def widening_of(unit: NDArray[np.int64], text: NDArray[np.int64], low: Values, high: Values) -> float:
    """Error of a ratio of means over units and texts, both drawn, over that with units drawn alone; at least 1.

    Source: A. C. Cameron, J. Gelbach and D. Miller, "Robust inference with multiway clustering", JBES 29 (2011), 238-249:
    the variances by unit and by text, less the one by pair that both count.

    Args:
        unit: Of every pair, from 0.
        text: Of every pair, from 0.
        low: Observed values.
        high: The values that they are held against.
    """
    counts = np.bincount(unit)[unit] if len(unit) else np.ones(0)
    observed, reference = low / counts, high / counts
    if not reference.sum() > 0 or np.bincount(text).max() < 2:  # noqa: PLR2004  no text serves two units
        return 1.0
    residuals = observed - observed.sum() / reference.sum() * reference
    by_unit, by_text = (float((np.bincount(each, weights=residuals) ** 2).sum()) for each in (unit, text))
    return _widened(by_unit, by_text, float((residuals**2).sum()))


def _widened(by_unit: float, by_text: float, by_pair: float) -> float:
    return float(np.sqrt(max(1.0, (by_unit + by_text - by_pair) / by_unit))) if by_unit > 0 else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Pooled values of the panel in one language, on the texts that every language has."""

    mean: NDArray[np.float32]
    """[layer, text, latent]."""
    maximum: NDArray[np.float32]
    active: NDArray[np.float32]
    """Share of active tokens."""

    def pooled(self, pooling: str) -> NDArray[np.float32]:
        """Values under one pooling."""
        if pooling == Pooling.MAX:
            return self.maximum
        if pooling == Pooling.MEAN:
            return self.mean
        return np.divide(self.mean, self.active, out=np.zeros_like(self.mean), where=self.active > 0)


def _of_panel(kept: Kept, axes: Sequence[Axis]) -> Iterator[tuple[Cell, SidesOfGap]]:
    """Sides over the panel's latents, on every text or where they are active in English, for every cell but the last token's."""
    base, english = kept.base, kept.base.codes(Group.REFERENCE)[0]
    cells = [cell for cell in _cells(kept, axes) if cell[0] != "own" and cell[1] != Pooling.LAST]
    folders = {code: base.inputs[f"activations/{code}"] for code in base.by_language}
    texts = _panel_texts(folders) if cells else np.zeros(0, dtype=np.int64)
    if not len(texts):
        return
    panel_of = {level: np.isin(texts, base.selections.text_id[mask]) for level, mask in kept.strong.items()}
    active = _read_panel(folders[english], texts).maximum > 0
    means: dict[Cell, dict[Group, list[Values]]] = {cell: {group: [] for group in Group} for cell in cells}
    pairs: dict[tuple[str, Group], Values] = {}
    for language in base.languages:
        panel = _read_panel(folders[language.code], texts)
        rows = {cell[2:]: panel_of[cell[2]] & kept.unflagged(cell[3], language.code, texts) for cell in cells}
        for pooling in dict.fromkeys(cell[1] for cell in cells):
            values = panel.pooled(pooling).astype(np.float64)
            so_far, share = (
                pairs.get((pooling, language.group), 0.0),
                values / len(base.codes(language.group)),
            )
            pairs[pooling, language.group] = so_far + share
            for speaker in dict.fromkeys(cell[0] for cell in cells):
                found = _means_over_texts(values, _counted(speaker, active), np.stack(list(rows.values())))
                for place, kept_texts in enumerate(rows):
                    means[speaker, pooling, *kept_texts][language.group].append(found[:, place])
    for cell, by_group in means.items():
        speaker, pooling, strength, translations = cell
        of_sides = {group: np.mean(each, axis=0) for group, each in by_group.items()}
        shared = "all" if translations == "unflagged" else translations
        own_texts = panel_of[strength] & kept.unflagged(shared, english, texts)
        counted = _counted(speaker, active)[:, own_texts]
        of_pairs = {group: pairs[pooling, group][:, own_texts] for group in Group}
        by_layer: dict[tuple[int, str], Sides] = {}
        left = {group: iter(each) for group, each in by_group.items()}
        by_language = [next(left[language.group]) for language in base.languages]
        for level in _groups(axes):
            reference, against = _reference(base, of_sides, level), _reference(base, of_pairs, level)
            for place, layer in enumerate(base.layers):
                by_layer[layer, level] = Sides(
                    observed={None: of_sides[Group.LOW][place]},
                    reference=reference[place],
                    widening=_panel_widening(of_pairs[Group.LOW][place], against[place], counted[place]),
                    totals=_totals(base, [values[place] for values in by_language], level),
                )
        yield cell, by_layer


def _counted(speaker: str, active: Mask) -> Mask:
    """Which [layer, text, latent] speak."""
    return active if speaker == "panel-active" else np.ones_like(active)


def _panel_widening(low: Values, high: Values, counted: Mask) -> float:
    """The widening over [text, latent] pairs of which some count: the sums of `widening_of` along either side of a matrix."""
    shares = counted / np.maximum(counted.sum(axis=0), 1)
    observed, reference = low * shares, high * shares
    if not reference.sum() > 0:
        return 1.0
    residuals = observed - observed.sum() / reference.sum() * reference
    by_unit, by_text = (float((residuals.sum(axis=axis) ** 2).sum()) for axis in (0, 1))
    return _widened(by_unit, by_text, float((residuals**2).sum()))


def _means_over_texts(values: Values, counted: Mask, rows: Mask) -> Values:
    """Means over several sets of texts of what counts, [layer, text, latent] and [set, text] to [layer, set, latent]; NaN of none."""
    sets = rows.astype(np.float64)
    totals, counts = sets @ np.where(counted, values, 0.0), sets @ counted.astype(np.float64)
    means: Values = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return means


def _panel_texts(folders: Mapping[str, Path]) -> NDArray[np.int64]:
    """Texts whose panel every language has."""
    shared: NDArray[np.int64] | None = None
    if not all(table_path(folder, PanelActivation).is_file() for folder in folders.values()):
        return np.zeros(0, dtype=np.int64)
    for folder in folders.values():
        own = np.unique(read_column(folder, PanelActivation, "text_id"))
        shared = own if shared is None else np.intersect1d(shared, own)
    return np.zeros(0, dtype=np.int64) if shared is None else shared


def _read_panel(folder: Path, texts: NDArray[np.int64]) -> Panel:
    layer, text = (read_column(folder, PanelActivation, name) for name in ("layer", "text_id"))
    order = np.lexsort((text, layer))
    order = order[np.isin(text[order], texts)]
    shape = (-1, len(texts))

    def column(name: str) -> NDArray[np.float32]:
        values = read_column(folder, PanelActivation, name)[order]
        return values.reshape(*shape, values.shape[1]).astype(np.float32)

    return Panel(mean=column("mean"), maximum=column("maximum"), active=column("active_fraction"))


def specified_adapters(kept: Kept, axes: Sequence[Axis], named: Named, tables: SpecifiedTables) -> None:
    """Gains of the tuned languages and retention of English, on phrases that no adapter saw."""
    base, english = kept.base, kept.base.codes(Group.REFERENCE)[0]
    poolings = [Pooling(name) for name in dict.fromkeys(cell[1] for cell in _cells(kept, axes))]
    for scope, formula, adapters in of_adapters_scopes(base):
        runs = [
            TunedValues.read(base, code, code if scope.quantity == "gain" else english, poolings)
            for code in adapters
        ]
        for name, differences in named:
            level = {**kept.primary, **differences}
            _add_tuned(tables, scope, name, formula, [run.sides(kept, level) for run in runs])


def of_adapters_scopes(base: BaseRun) -> Iterator[tuple[Scope, Formula, tuple[str, ...]]]:
    """What is estimated of adapters that were trained, each with the languages whose adapters it is about."""
    codes = tuple(whole_codes(base))
    for code in codes:
        yield gain_scopes(base, code)[0], Formula.CHANGE, (code,)
    if codes and not base.failures_of_seeds:
        yield retention_scope(base, None), Formula.RATIO, codes


def _without_panel(base: BaseRun, axes: Sequence[Axis], tables: SpecifiedTables) -> None:
    speakers = [axis for axis in axes if axis.name == "speaker"]
    for scope, _, _ in of_adapters_scopes(base):
        for differences in one_at_a_time(speakers):
            tables.hole(scope, specification_name(axes, differences), "latent", NO_PANEL)


@dataclass(frozen=True, kw_only=True, eq=False)
class TunedValues:
    """Pooled values of one language's selections before and after, by seed and pooling."""

    language: str
    before: Mapping[Pooling, Values]
    after: Mapping[int, Mapping[Pooling, Values]]

    @classmethod
    def read(cls, base: BaseRun, adapter: str, language: str, poolings: Sequence[Pooling]) -> "TunedValues":
        """The activations of a language through every seed of an adapter."""
        asked = base.selections.held_out & (base.selections.layer <= base.specification.deepest_tuned_layer)
        return cls(
            language=language,
            before=pooled_values(base.inputs[f"activations/{language}"], base.selections, poolings),
            after={
                seed: pooled_values(
                    base.inputs[f"activations-tuned/{adapter_name(adapter, seed)}/{language}"],
                    base.selections,
                    poolings,
                    asked,
                )
                for seed in base.adapter_seeds
            },
        )

    def sides(self, kept: Kept, level: Mapping[str, str]) -> dict[int, Sides]:
        """Latent means after and before, by layer that is asked for."""
        base, pooling = kept.base, Pooling(level["pooling"])
        asked = base.kept & base.selections.held_out & kept.strong[level["strength"]]
        mask = asked & kept.unflagged(level["translations"], self.language, base.selections.text_id)
        before = kept.means(self.before[pooling], mask)
        after = {seed: kept.means(values[pooling], mask) for seed, values in self.after.items()}
        pairs = np.mean([values[pooling] for values in self.after.values()], axis=0)
        layers = base.aligned_layers if level["gain-layer"] == "mean" else (base.specification.gain_layer,)
        found = {}
        for layer in layers:
            units, own = kept.layers == layer, mask & base.selections.within(layer)
            found[layer] = Sides(
                observed={seed: values[units] for seed, values in after.items()},
                reference=before[units],
                widening=kept.widening(own, pairs[own], self.before[pooling][own]),
            )
        return found


def _mean_of(several: Sequence[Sides]) -> Sides:
    """The mean over adapters, which all start from the same values."""
    first = several[0]
    return replace(
        first,
        observed={
            seed: np.mean([each.observed[seed] for each in several], axis=0) for seed in first.observed
        },
    )


def _add_tuned(
    tables: SpecifiedTables, scope: Scope, name: str, formula: Formula, runs: Sequence[Mapping[int, Sides]]
) -> None:
    """An estimate at one layer, or the mean of several layers' as one figure a seed."""
    by_layer = [_mean_of([run[layer] for run in runs]) for layer in runs[0]]
    if len(by_layer) == 1:
        tables.found(scope, name, Made(name=name, formula=formula, unit_kind="latent", sides=by_layer[0]))
        return
    figures = {
        seed: [replace(sides, observed={seed: sides.observed[seed]}).value(formula) for sides in by_layer]
        for seed in by_layer[0].observed
    }
    if any(None in found for found in figures.values()):
        tables.hole(scope, name, "seed", NOTHING_LEFT)
        return
    means = {seed: np.array([np.mean(np.array(found, dtype=np.float64))]) for seed, found in figures.items()}
    sides = Sides(observed=means, reference=np.zeros(1))
    tables.found(scope, name, Made(name=name, formula=Formula.DIFFERENCE, unit_kind="seed", sides=sides))


def specified_deltas(base: BaseRun, name: str, metric: str | None, tables: SpecifiedTables) -> None:
    """Changes of accuracy under each language's adapters, under one specification.

    Args:
        base: The run.
        name: Of the specification.
        metric: What counts as right; benchmarks that take it already are left out. None leaves every benchmark its own.
        tables: Where they go.
    """
    english = base.codes(Group.REFERENCE)[0]
    for adapter in whole_codes(base):
        for quantity, language in (("delta", adapter), ("delta-english", english)):
            for benchmark in base.asked(language):
                if benchmark.metric == metric:
                    continue
                counted = replace(benchmark, metric=metric or benchmark.metric)
                before, after = arms_of(base, adapter, language, counted)
                sides = Sides(
                    observed={seed: 100 * answers.correct for seed, answers in after.items()},
                    reference=100 * before.correct,
                )
                made = Made(name=name, formula=Formula.DIFFERENCE, unit_kind="document", sides=sides)
                tables.found(delta_scope(quantity, adapter, benchmark), name, made)
