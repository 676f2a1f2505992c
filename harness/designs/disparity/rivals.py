"""Rival explanations of the gap: what remains of it once each is taken away.

Every rival is one reading of the quantity `gap-remaining`, at every layer: how far the low-resource languages still lie
below the high-resource ones, as a ratio of means over latents. A rival that is the whole gap leaves nothing of it; one that has
nothing to do with the gap leaves all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.base import BaseRun, with_phrases
from harness.designs.disparity.latents import latent_means, phrase_values
from harness.designs.disparity.quantities import scope_of
from harness.designs.disparity.tuning import tuned_codes
from harness.stages.texts import by_people
from harness.statistics.measured import Measured, Sides, measured, plain_mean
from harness.statistics.metrics import MIN_PAIRS, change_percent, gap_percent
from harness.store.tables import read_column, read_ragged, read_table
from harness.words.estimate import BrokenEstimate, Formula, Scope
from harness.words.records import (
    DictionaryError,
    MeanResidual,
    PanelActivation,
    PanelLatent,
    RandomReading,
    TextLength,
    parallel_name,
    romanised_name,
)
from harness.words.study import Aggregation, Group, PhraseChoice, Pooling

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

Contrast = tuple[Values, Values]
"""The low-resource and the high-resource side of every selection; NaN where a rival leaves a selection out."""

ALIKE_WITHIN = 0.2
"""Relative difference up to which two phrases have about as many tokens."""

SAME_READING = 1e-5
"""Relative difference that batches may make between two readings of one token."""


def rivals(base: BaseRun) -> Iterator[Measured]:
    """The gap that remains at every layer without each rival, the gap on chosen texts, and what more tokens go with."""
    spoken, panel = Spoken(base), LatentPanel(base)
    contrasts = dict(spoken.contrasts())
    for layer in base.layers:
        for name, contrast in contrasts.items():
            yield from _of_own_latents(base, name, layer, contrast)
        yield from panel.gaps(layer)
        yield from spoken.over_languages(layer)
        yield from spoken.slopes(layer)
    yield from residual_streams(base)
    yield from random_dictionaries(base)
    yield from translators(base)


def silent_slopes(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Slopes on tokens that are missing since a language is silent."""
    spoken = Spoken(base)
    for layer in base.selections.layers:
        if silent := spoken.silent_at(layer):
            yield BrokenEstimate(
                estimate_id=scope_of("slope-on-tokens", layer=layer).estimate_id,
                because=f"At layer {layer} no phrase fires both in {', '.join(silent)} and in the high-resource languages.",
            )


def residual_streams(base: BaseRun) -> Iterator[Measured]:
    """The gap without any dictionary: how much shorter the stream itself is, over the texts that every language has."""
    lengths: dict[str, dict[tuple[int, int], float]] = {}
    for language in base.languages:
        folder = base.inputs[f"activations/{language.code}"]
        columns = (
            read_column(folder, MeanResidual, name).tolist() for name in ("layer", "text_id", "length")
        )
        lengths[language.code] = {(layer, text): length for layer, text, length in zip(*columns, strict=True)}
    shared = sorted(set.intersection(*(set(found) for found in lengths.values())))
    for layer in dict.fromkeys(layer for layer, _ in shared):
        texts = [text for own, text in shared if own == layer]
        low, high = (
            np.mean([[lengths[code][layer, text] for text in texts] for code in base.codes(group)], axis=0)
            for group in (Group.LOW, Group.HIGH)
        )
        scope = scope_of("gap-remaining", layer=layer, reading="residual-stream")
        yield from _ratio_of_means(scope, "text", [str(text) for text in texts], low, high)


def random_dictionaries(base: BaseRun) -> Iterator[Measured]:
    """The gap that random directions show by themselves, each as sparse in English as the dictionary's latents are on average.

    A direction fires where it reads more than on all but that share of the English tokens; texts that every language has count.
    """
    (english,) = base.codes(Group.REFERENCE)
    sparsity = {
        row.layer: row.l0 / row.latents
        for row in read_table(base.inputs[f"dictionary-error/{english}"], DictionaryError)
    }
    read = {language.code: _random_readings(base, language.code) for language in base.languages}
    for layer, share in sparsity.items():
        texts = sorted(
            set.intersection(*({text for own, text in found if own == layer} for found in read.values()))
        )
        if not texts:
            continue
        tokens = np.concatenate([read[english][layer, text] for text in texts])
        fires_on = max(1, round(share * len(tokens)))
        threshold = np.sort(tokens, axis=0)[-fires_on]
        # One token in one context reads alike wherever it stands, but for rounding.
        threshold -= SAME_READING * np.abs(threshold)
        means = {
            code: np.mean([_fired(found[layer, text], threshold) for text in texts], axis=0)
            for code, found in read.items()
        }
        low, high = (_mean_of(means, base.codes(group)) for group in (Group.LOW, Group.HIGH))
        scope = scope_of("gap-remaining", layer=layer, reading="random-dictionary")
        directions = [str(place) for place in range(len(threshold))]
        yield from _ratio_of_means(scope, "direction", directions, low, high)


def translators(base: BaseRun) -> Iterator[Measured]:
    """The gap on sentences as translators say them and as people do, and the points of it that go with the translators.

    The panel's latents are what varies, over the sentences that every language has; none where there is no parallel text, or it was
    not had. The difference is linearised, so that it is a mean over latents of which each holds all four sides at once.
    """
    folders = {
        code: base.inputs.get(f"activations/{parallel_name(code)}")
        for code in (*base.codes(Group.LOW), *base.codes(Group.HIGH))
    }
    read = {code: _sentences(folder) for code, folder in folders.items() if folder}
    if len(read) < len(folders):
        return
    latents = LatentPanel(base).latents
    for layer in base.layers:
        shared = set.intersection(
            *({sentence for own, sentence in found if own == layer} for found in read.values())
        )
        if not shared:
            continue
        # A row of each language is the machine's, and the other one people's.
        means = {
            code: np.mean([found[layer, sentence] for sentence in sorted(shared)], axis=0)
            for code, found in read.items()
        }
        low, high = (_mean_of(means, base.codes(group)) for group in (Group.LOW, Group.HIGH))
        for name, below, above in zip(("by-machine", "by-people"), low, high, strict=True):
            scope = scope_of("gap-on-parallel-text", layer=layer, reading=name)
            yield from _ratio_of_means(scope, "latent", latents[layer], below, above)
        totals = high.sum(axis=1, keepdims=True)
        if (totals > 0).all():
            ratios = low.sum(axis=1, keepdims=True) / totals
            machine, people = ratios + len(latents[layer]) * (low - ratios * high) / totals
            scope = scope_of("gap-of-translators", layer=layer)
            yield plain_mean(scope, "latent", latents[layer], 100 * (people - machine))


def _sentences(folder: Path) -> dict[tuple[int, int], Values]:
    """By layer and sentence: the panel's means over the machine's tokens, and over people's; those that have both."""
    layers, texts = (read_column(folder, PanelActivation, name) for name in ("layer", "text_id"))
    people, sentences = by_people(texts)
    means = read_column(folder, PanelActivation, "mean")
    ours, theirs = (
        dict(zip(zip(layers[side].tolist(), sentences[side].tolist(), strict=True), means[side], strict=True))
        for side in (~people, people)
    )
    return {key: np.stack([ours[key], theirs[key]]).astype(np.float64) for key in ours.keys() & theirs.keys()}


def _random_readings(base: BaseRun, code: str) -> dict[tuple[int, int], Values]:
    """By layer and text: what every direction reads of every token; [token, direction]."""
    folder = base.inputs[f"dictionary-error/{code}"]
    values, offsets = read_ragged(folder, RandomReading, "values")
    keys = (read_column(folder, RandomReading, name).tolist() for name in ("layer", "text_id", "directions"))
    return {
        (layer, text): values[start:end].reshape(-1, directions).astype(np.float64)
        for layer, text, directions, start, end in zip(*keys, offsets[:-1], offsets[1:], strict=True)
    }


def _fired(values: Values, threshold: Values) -> Values:
    """Mean over tokens of what lies at the threshold or above it, and above zero."""
    mean: Values = np.where((values >= threshold) & (values > 0), values, 0.0).mean(axis=0)
    return mean


def decoupling(gained: Sequence[Measured], changed: Sequence[Measured]) -> Iterator[Measured]:
    """What a point of activation buys: slope of the change of accuracy on the change of activation, over adapters.

    Every seed of every language is one adapter; both changes are centred over all of them. Controls were asked no question, so
    they are none of them.

    Args:
        gained: Gains of the adapters.
        changed: Changes of accuracy under the same adapters.
    """
    activation = {
        adapter: change_percent(after, before)
        for part in gained
        if part.estimate.unit_kind == "latent"
        for adapter, (after, before) in _by_adapter(part).items()
    }
    accuracy: dict[str, dict[str, float]] = {}
    for part in changed:
        if part.estimate.quantity == "delta" and part.estimate.benchmark:
            for adapter, (after, before) in _by_adapter(part).items():
                accuracy.setdefault(adapter, {})[part.estimate.benchmark] = float(np.mean(after - before))
    for name in (*dict.fromkeys(each for asked in accuracy.values() for each in asked), None):
        # The mean over benchmarks needs all of them, or adapters would differ in what they were asked.
        most = max(map(len, accuracy.values()), default=0)
        chosen = [
            adapter
            for adapter, asked in accuracy.items()
            if adapter in activation and (name in asked if name else len(asked) == most)
        ]
        x = np.asarray([activation[adapter] for adapter in chosen])
        y = np.asarray(
            [
                accuracy[each][name] if name else float(np.mean(list(accuracy[each].values())))
                for each in chosen
            ]
        )
        if len(chosen) >= MIN_PAIRS and np.ptp(x) > 0:
            away, beyond = x - x.mean(), y - y.mean()
            sides = Sides(units=chosen, observed=away * beyond, reference=away**2)
            scope = scope_of("accuracy-on-activation", benchmark=name)
            yield measured(scope, (away * beyond).sum() / (away**2).sum(), Formula.SLOPE, "adapter", (sides,))


def decoupling_scopes(base: BaseRun) -> Iterator[Scope]:
    """What slopes over all adapters are about: every benchmark and their mean; none where adapters are too few."""
    if base.benchmarks and len(tuned_codes(base)) * len(base.adapter_seeds) >= MIN_PAIRS:
        for name in (*(benchmark.name for benchmark in base.benchmarks), None):
            yield scope_of("accuracy-on-activation", benchmark=name)


def _by_adapter(part: Measured) -> dict[str, Contrast]:
    """Both sides of an estimate of one language, after and before, under each seed by itself."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for row in part.units:
        rows.setdefault(f"{part.estimate.language}/seed-{row.seed}", []).append((row.observed, row.reference))
    sides = {adapter: np.asarray(pairs) for adapter, pairs in rows.items()}
    return {adapter: (pairs[:, 0], pairs[:, 1]) for adapter, pairs in sides.items()}


def _of_own_latents(base: BaseRun, name: str, layer: int, contrast: Contrast) -> Iterator[Measured]:
    low, high = contrast
    counted = base.kept & base.selections.within(layer) & ~np.isnan(low + high)
    below, above = (latent_means(base.selections, side, counted) for side in contrast)
    scope = scope_of("gap-remaining", layer=layer, reading=name)
    for gap in _ratio_of_means(scope, "latent", below.latents, below.values, above.values):
        yield with_phrases(base, low, high, gap)


def _ratio_of_means(
    scope: Scope, unit_kind: str, units: Sequence[str], low: Values, high: Values
) -> Iterator[Measured]:
    """A gap over units; nothing where none is left, or all are silent on the reference side."""
    if high.sum() > 0:
        value = gap_percent(low, high, Aggregation.RATIO_OF_MEANS)
        yield measured(
            scope, value, Formula.GAP, unit_kind, (Sides(units=units, observed=low, reference=high),)
        )


@dataclass(frozen=True, eq=False)
class Spoken:
    """What phrases show of their own latents in every language, beyond the one value that the specification pools."""

    base: BaseRun

    def contrasts(self) -> Iterator[tuple[str, Contrast]]:
        """Every rival that is another view of the same token values."""
        low, high = self.base.codes(Group.LOW), self.base.codes(Group.HIGH)
        yield from zip(("equal-firing", "equal-strength"), self._factors(low, high), strict=True)
        yield "equal-tokens", self._of_equal_length(low, high)
        yield "maximum", self._means(self.pooled(Pooling.MAX), low, high)
        sums = {code: values * self.tokens[code] for code, values in self.mean.items()}
        yield "sum", self._means(sums, low, high)
        if latin := self._in_latin_letters():
            yield "romanised", self._means(latin, low, high)
        low, high = (self._in_script_of_reference(codes) for codes in (low, high))
        if low and high:
            yield "same-script", self._means(self.base.by_language, low, high)

    def over_languages(self, layer: int) -> Iterator[Measured]:
        """The gap with languages as what varies: the mean of every low-resource language's own, in all scripts and in one."""
        low, high = self.base.codes(Group.LOW), self.base.codes(Group.HIGH)
        alike = tuple(self._in_script_of_reference(codes) for codes in (low, high))
        for name, (below, above) in (("languages", (low, high)), ("same-script-languages", alike)):
            if not below or not above:
                continue
            values = {code: self._of_layer(self.base.by_language[code], layer) for code in (*below, *above)}
            reference = _mean_of(values, above)
            if reference.sum() > 0:
                gaps = [gap_percent(values[code], reference, Aggregation.RATIO_OF_MEANS) for code in below]
                scope = scope_of("gap-remaining", layer=layer, reading=name)
                yield plain_mean(scope, "language", below, np.asarray(gaps))

    def slopes(self, layer: int) -> Iterator[Measured]:
        """By how much the logarithm of a phrase's ratio to the high-resource side changes with that of its tokens' ratio.

        Both are centred in every low-resource language, so that what tells languages apart does not enter. A phrase that is
        silent on either side has no logarithm, and is left out there. Of a layer at which some language has no phrase left there is
        no slope, since one over the others would be another quantity; `silent_slopes` says so.
        """
        if self.silent_at(layer):
            return
        rows = self.base.kept & self.base.selections.within(layer)
        latents, owner = np.unique(self.base.selections.latent[rows], return_inverse=True)
        high = self.base.codes(Group.HIGH)
        reference, tokens = (_mean_of(values, high)[rows] for values in (self.mean, self.tokens))
        products, squares = np.zeros(len(latents)), np.zeros(len(latents))
        for code in self.base.codes(Group.LOW):
            y, x = _log_ratio(self.mean[code][rows], reference), _log_ratio(self.tokens[code][rows], tokens)
            has_both = np.isfinite(x + y)
            away, beyond = (values[has_both] - values[has_both].mean() for values in (x, y))
            products += np.bincount(owner[has_both], weights=away * beyond, minlength=len(latents))
            squares += np.bincount(owner[has_both], weights=away**2, minlength=len(latents))
        if squares.sum() > 0:
            scope = scope_of("slope-on-tokens", layer=layer)
            sides = Sides(
                units=[str(latent) for latent in latents.tolist()], observed=products, reference=squares
            )
            yield measured(scope, products.sum() / squares.sum(), Formula.SLOPE, "latent", (sides,))

    def silent_at(self, layer: int) -> list[str]:
        """Low-resource languages of which no phrase of a layer speaks where the high-resource side does."""
        rows = self.base.kept & self.base.selections.within(layer)
        reference = _mean_of(self.mean, self.base.codes(Group.HIGH))[rows]
        both = {code: (self.mean[code][rows] > 0) & (reference > 0) for code in self.base.codes(Group.LOW)}
        return [code for code, speaks in both.items() if not speaks.any()]

    @cached_property
    def mean(self) -> Mapping[str, Values]:
        """Mean over tokens of every selection, in every language."""
        is_pooled_so = self.base.specification.pooling is Pooling.MEAN
        return self.base.by_language if is_pooled_so else self.pooled(Pooling.MEAN)

    def pooled(self, pooling: Pooling) -> Mapping[str, Values]:
        """One value per selection in every language; NaN where a language has no token for the phrase."""
        base = self.base
        return {
            language.code: phrase_values(
                base.inputs[f"activations/{language.code}"], base.selections, pooling
            )
            for language in base.languages
        }

    @cached_property
    def tokens(self) -> Mapping[str, Values]:
        """Tokens of every selection's phrase, in every language."""
        found = {}
        for language in self.base.languages:
            folder = self.base.inputs[f"activations/{language.code}"]
            texts, lengths = (read_column(folder, TextLength, name) for name in ("text_id", "tokens"))
            order = np.argsort(texts)
            places = order[np.searchsorted(texts, self.base.selections.text_id, sorter=order)]
            found[language.code] = lengths[places].astype(np.float64)
        return found

    def _factors(self, low: Sequence[str], high: Sequence[str]) -> tuple[Contrast, Contrast]:
        """The gap if latents fired on as many tokens on both sides, and if they were as strong where they fire.

        A mean is the share of tokens on which a latent fires times how strong it is there. Where one side is silent, nothing is
        known of its strength: all of that gap is one of firing.

        Source: E. Kitagawa, Components of a difference between two rates, JASA 50 (1955), 1168-1194.
        """
        strength = self.pooled(Pooling.MEAN_ACTIVE)
        share = {code: _divided(values, strength[code]) for code, values in self.mean.items()}
        means, fires = self._means(self.mean, low, high), self._means(share, low, high)
        below, above = (_divided(side, often) for side, often in zip(means, fires, strict=True))
        strong = np.where(fires[0] == 0, above, below), np.where(fires[1] == 0, below, above)
        return (strong[0] * fires[1], strong[1] * fires[1]), (strong[1] * fires[0], strong[1] * fires[1])

    def _of_equal_length(self, low: Sequence[str], high: Sequence[str]) -> Contrast:
        """The low-resource languages whose phrase has about as many tokens as the high-resource ones have in the mean."""
        reference = _mean_of(self.tokens, high)
        alike = {code: np.abs(self.tokens[code] - reference) <= ALIKE_WITHIN * reference for code in low}
        values = self.base.by_language
        total = np.sum([np.where(alike[code], values[code], 0.0) for code in low], axis=0)
        counted = np.sum([alike[code] for code in low], axis=0)
        return np.where(counted > 0, _divided(total, counted), np.nan), _mean_of(values, high)

    def _in_latin_letters(self) -> Mapping[str, Values]:
        """What every language shows where those in other scripts are romanised; nothing where none is, or none was read so."""
        base = self.base
        folders = {code: base.inputs.get(f"activations/{romanised_name(code)}") for code in base.by_language}
        if not any(folders.values()):
            return {}
        return {
            code: phrase_values(folder, base.selections, base.specification.pooling)
            if folder
            else base.by_language[code]
            for code, folder in folders.items()
        }

    def _means(self, values: Mapping[str, Values], low: Sequence[str], high: Sequence[str]) -> Contrast:
        return _mean_of(values, low), _mean_of(values, high)

    def _of_layer(self, values: Values, layer: int) -> Values:
        """Latent means of one layer over the phrases that every language has."""
        return self.base.means(values, layer).values

    def _in_script_of_reference(self, codes: Sequence[str]) -> list[str]:
        script = {language.code: language.script for language in self.base.languages}
        (reference,) = self.base.codes(Group.REFERENCE)
        return [code for code in codes if script[code] == script[reference]]


@dataclass(frozen=True, eq=False)
class LatentPanel:
    """Every latent of the panel on texts that were not selected for it, in every language.

    Latents are what varies; that they share their texts is not in the error.
    """

    base: BaseRun

    def gaps(self, layer: int) -> Iterator[Measured]:
        """The gap on texts that nobody selected, and to English on texts that either side would have selected."""
        if layer not in self.latents:
            return
        mean = {code: self._of(code, layer, "mean") for code in self._places}
        low, high = (_mean_of(mean, self.base.codes(group)) for group in (Group.LOW, Group.HIGH))
        (english,) = self.base.codes(Group.REFERENCE)
        unselected = self._unselected(layer)
        for name, asked in (
            ("unselected", unselected),
            ("active-in-english", unselected & (mean[english] > 0)),
        ):
            yield from self._gap("gap-remaining", name, layer, [(low, high, asked)])
        selected = {
            code: strongest(self._of(code, layer, "maximum"), unselected, self.base.specification.phrases)
            for code in (english, *self.base.codes(Group.LOW))
        }
        for name, chooses in (("chosen-in-english", True), ("chosen-in-the-language", False)):
            pairs = [
                (mean[code], mean[english], selected[english if chooses else code])
                for code in self.base.codes(Group.LOW)
            ]
            yield from self._gap("gap-on-chosen-texts", name, layer, pairs)

    def _gap(
        self, quantity: str, name: str, layer: int, pairs: Sequence[tuple[Values, Values, Mask]]
    ) -> Iterator[Measured]:
        """Each latent's means over the texts that it is asked about, summed over pairs of sides; [text, latent] each."""
        asked = np.stack([mask for *_, mask in pairs])
        sides = [np.stack([pair[side] for pair in pairs]) for side in (0, 1)]
        counts = asked.sum(axis=1)
        low, high = (_divided((side * asked).sum(axis=1), counts).sum(axis=0) for side in sides)
        spoken = counts.any(axis=0)
        latents = [name for name, is_asked in zip(self.latents[layer], spoken, strict=True) if is_asked]
        scope = scope_of(quantity, layer=layer, reading=name)
        yield from _ratio_of_means(scope, "latent", latents, low[spoken], high[spoken])

    @cached_property
    def latents(self) -> Mapping[int, tuple[str, ...]]:
        """By layer: the panel in the order of its stored values."""
        found: dict[int, list[tuple[int, str]]] = {}
        for row in read_table(self.base.inputs["phrases/all"], PanelLatent):
            found.setdefault(row.layer, []).append((row.position, str(row.latent)))
        return {layer: tuple(name for _, name in sorted(members)) for layer, members in found.items()}

    @cached_property
    def texts(self) -> NDArray[np.int64]:
        """Texts whose panel every language has."""
        first, *others = (np.unique(column) for column, _ in self._places.values())
        for column in others:
            first = np.intersect1d(first, column)
        return first

    @cached_property
    def _places(self) -> Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Text and layer of every stored row."""
        found = {}
        for language in self.base.languages:
            folder = self.base.inputs[f"activations/{language.code}"]
            texts, layers = (read_column(folder, PanelActivation, name) for name in ("text_id", "layer"))
            found[language.code] = texts, layers
        return found

    @cached_property
    def _stored(self) -> Mapping[tuple[str, str], NDArray[np.float32]]:
        """By language and way of pooling: every stored row, [row, latent]."""
        return {
            (code, name): read_column(self.base.inputs[f"activations/{code}"], PanelActivation, name)
            for code in self._places
            for name in ("mean", "maximum")
        }

    def _of(self, code: str, layer: int, name: str) -> Values:
        """One pooled value per text and latent, in one language."""
        texts, layers = self._places[code]
        rows = np.flatnonzero((layers == layer) & np.isin(texts, self.texts))
        return self._stored[code, name][rows[np.argsort(texts[rows])]].astype(np.float64)

    def _unselected(self, layer: int) -> Mask:
        """True where a text was not selected for a latent; [text, latent]."""
        own, here = self.base.selections, self.base.selections.within(layer)
        latents = np.asarray([int(latent) for latent in self.latents[layer]])
        pairs = np.stack(np.broadcast_arrays(self.texts[:, None], latents), axis=-1)
        selected = np.stack([own.text_id[here], own.latent[here]], axis=-1)
        room = 1 + max(int(latents.max()), int(selected[:, 1].max(initial=0)))
        return np.isin(pairs @ (room, 1), selected @ (room, 1), invert=True)


def _mean_of(values: Mapping[str, Values], codes: Sequence[str]) -> Values:
    """Mean over languages, which weigh alike."""
    mean: Values = np.mean([values[code] for code in codes], axis=0)
    return mean


def strongest(maxima: Values, asked: Mask, choice: PhraseChoice) -> Mask:
    """The texts that would be selected for each latent by its activation in one language, as phrases are in English.

    Texts that begin alike have one maximum, whose last digits are the processor's: of these the first are taken, anywhere.

    Args:
        maxima: Largest activation of a text; [text, latent].
        asked: True where a text is there to be selected; [text, latent].
        choice: How strong a phrase must be, of the strongest, and how many there are at most.
    """
    among = np.where(asked, maxima, 0.0)
    share = _divided(among, among.max(axis=0, initial=0.0))
    steps, fewest = (np.round(each / SAME_READING) for each in (share, choice.min_fraction_of_maximum))
    ranks = np.argsort(np.argsort(-steps, axis=0, kind="stable"), axis=0)
    strong: Mask = (steps > 0) & (steps >= fewest)
    return strong & (ranks < choice.max_examples)


def _divided(values: Values, by: NDArray[np.float64] | NDArray[np.int64]) -> Values:
    """A quotient; 0 where there is nothing to divide by."""
    quotient: Values = np.divide(values, by, out=np.zeros(np.shape(values)), where=np.asarray(by) != 0)
    return quotient


def _log_ratio(values: Values, reference: Values) -> Values:
    """Logarithm of a ratio; NaN where a side is nothing."""
    has_both = (values > 0) & (reference > 0)
    logarithm: Values = np.log(np.divide(values, reference, out=np.full(len(values), np.nan), where=has_both))
    return logarithm
