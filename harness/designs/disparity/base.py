"""Estimates of the untouched model: gaps by layer and language, similarity, length, dictionary error, flags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.latents import (
    LatentMeans,
    Selections,
    complete,
    latent_means,
    phrase_values,
    read_selections,
)
from harness.designs.disparity.quantities import scope_of
from harness.models.failed_adapters import adapter_failures
from harness.statistics.measured import Measured, Sides, measured, plain_mean
from harness.statistics.metrics import centred, cosines, gap_percent
from harness.store.tables import read_column, read_optional, read_table
from harness.words.estimate import Estimate, Formula, PhraseValue, Scope
from harness.words.plan import Ablation
from harness.words.records import (
    AdapterFailure,
    DictionaryError,
    MeanResidual,
    ParallelTranslation,
    SplicedLoss,
    TextLength,
    Translation,
    UnaskedBenchmark,
    UnscoredTranslator,
)
from harness.words.study import Aggregation, Benchmark, Group, Language, Specification

Values = NDArray[np.float64]

GAP_FORMULAS: Mapping[str, Formula] = {
    Aggregation.RATIO_OF_MEANS: Formula.GAP,
    Aggregation.MEAN_OF_RATIOS: Formula.MEAN_OF_GAPS,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class BaseRun:
    """What the stages of a run stored, with the values of the untouched model aligned in every language."""

    inputs: Mapping[str, Path]
    """Folder of every artifact, by stage and item."""
    languages: tuple[Language, ...]
    benchmarks: tuple[Benchmark, ...]
    layers: tuple[int, ...]
    """Those that have a dictionary, ascending."""
    specification: Specification
    adapter_seeds: tuple[int, ...]
    control_seeds: tuple[int, ...] = ()
    published: tuple[tuple[str, str], ...] = ()
    """Language and name of every published model."""
    ablations: tuple[Ablation, ...] = ()
    """Adapters that were trained otherwise than the primary ones."""
    control_languages: tuple[str, ...] = ()
    """Tuned languages that controls were trained in; every one where empty."""

    @property
    def aligned_layers(self) -> tuple[int, ...]:
        """The layers that adapters change and the loss reads."""
        return tuple(layer for layer in self.specification.alignment.layers if layer in self.layers)

    @cached_property
    def selections(self) -> Selections:
        """What every value is aligned to."""
        return read_selections(self.inputs["phrases/all"])

    @cached_property
    def by_language(self) -> Mapping[str, Values]:
        """One pooled value per selection, as the specification pools."""
        return {
            language.code: phrase_values(
                self.inputs[f"activations/{language.code}"], self.selections, self.specification.pooling
            )
            for language in self.languages
        }

    def tuned(self, artifact: str, deepest: int | None = None) -> Values:
        """One pooled value per selection of a held-out phrase of what a tuned model showed of one language; NaN of others.

        Layers beyond the deepest one that is asked about, by default of primary adapters, are NaN, too.
        """
        deepest = self.specification.deepest_tuned_layer if deepest is None else deepest
        asked = self.selections.held_out & (self.selections.layer <= deepest)
        return phrase_values(self.inputs[artifact], self.selections, self.specification.pooling, asked)

    @cached_property
    def failures(self) -> tuple[AdapterFailure, ...]:
        """Adapters that were never trained, controls among them; ablations are none of them."""
        ablated = {f"adapters/{each.name}" for each in self.ablations}
        return tuple(
            failure
            for role, folder in self.inputs.items()
            if role.startswith("adapters/") and role not in ablated
            for failure in adapter_failures(folder)
        )

    def failures_of(self, ablation: Ablation) -> tuple[AdapterFailure, ...]:
        """Why an ablation was never trained; empty where it was."""
        return adapter_failures(self.inputs[f"adapters/{ablation.name}"])

    @property
    def failures_of_seeds(self) -> tuple[AdapterFailure, ...]:
        """Those of them that claims rest on."""
        return tuple(failure for failure in self.failures if not failure.is_control)

    def asked(self, code: str) -> tuple[Benchmark, ...]:
        """The benchmarks that have questions in a language."""
        unasked = {
            row.benchmark for row in read_optional(self.inputs[f"benchmarks/{code}"], UnaskedBenchmark)
        }
        return tuple(benchmark for benchmark in self.benchmarks if benchmark.name not in unasked)

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """Selections whose phrase has tokens in every language."""
        return complete(list(self.by_language.values()))

    def codes(self, group: Group) -> list[str]:
        """Languages of one group."""
        return [language.code for language in self.languages if language.group is group]

    def group_values(self, codes: list[str]) -> Values:
        """Mean over languages of the value of each selection; languages weigh alike."""
        means: Values = np.mean([self.by_language[code] for code in codes], axis=0)
        return means

    def references(self) -> dict[str, Values]:
        """By reading: what gaps are measured against (high-resource languages, or English)."""
        return {
            "high": self.group_values(self.codes(Group.HIGH)),
            "english": self.group_values(self.codes(Group.REFERENCE)),
        }

    def means(self, values: Values, layer: int) -> LatentMeans:
        """Latent means of one layer over the kept phrases."""
        return latent_means(self.selections, values, self.kept & self.selections.within(layer))


def gaps(run: BaseRun) -> Iterator[Measured]:
    """Group gap and every language's gap, per layer and reading."""
    low = run.group_values(run.codes(Group.LOW))
    for reading, reference in run.references().items():
        for layer in run.selections.layers:
            group = scope_of("gap", layer=layer, reading=reading)
            yield with_phrases(run, low, reference, gap_of_latents(run, group, low, reference))
            for code in (*run.codes(Group.HIGH), *run.codes(Group.LOW)):
                scope = replace(group, language=code)
                yield gap_of_latents(run, scope, run.by_language[code], reference)


def language_gap(run: BaseRun, code: str) -> float:
    """Mean over the layers that have a dictionary of a language's gap to the high-resource languages, in percent."""
    reference = run.references()["high"]
    own = run.by_language[code]
    aggregation = run.specification.aggregation
    return float(
        np.mean(
            [
                gap_percent(run.means(own, layer).values, run.means(reference, layer).values, aggregation)
                for layer in run.layers
            ]
        )
    )


def kept_selections(run: BaseRun) -> Iterator[Measured]:
    """Share of selections for which a language has tokens at all; the others are left out everywhere."""
    for code, values in run.by_language.items():
        scope = scope_of("selections-kept", language=code)
        found = measured(scope, float(100 * np.mean(~np.isnan(values))), Formula.NO_UNITS, "selection", ())
        yield replace(found, estimate=replace(found.estimate, num_units=len(values)))


def similarities(run: BaseRun) -> Iterator[Measured]:
    """Cosine of each text's mean residual stream with that of its English phrase, raw and centred."""
    english = _residuals(run.inputs["activations/" + run.codes(Group.REFERENCE)[0]])
    for language in run.languages:
        if language.group is Group.REFERENCE:
            continue
        own = _residuals(run.inputs[f"activations/{language.code}"])
        for layer in own:
            texts, values, partners = _shared(own[layer], english[layer])
            pairs = {"raw": (values, partners), "centred": (centred(values), centred(partners))}
            for reading, (left, right) in pairs.items():
                scope = scope_of("similarity", layer=layer, language=language.code, reading=reading)
                yield plain_mean(scope, "text", texts, cosines(left, right))


def text_lengths(run: BaseRun) -> Iterator[Measured]:
    """Tokens per phrase of every language; what pooling by mean divides by."""
    for language in run.languages:
        folder = run.inputs[f"activations/{language.code}"]
        texts = [str(text) for text in read_column(folder, TextLength, "text_id").tolist()]
        tokens = read_column(folder, TextLength, "tokens").astype(np.float64)
        yield plain_mean(scope_of("tokens-per-phrase", language=language.code), "text", texts, tokens)


def dictionary_errors(run: BaseRun) -> Iterator[Measured]:
    """Fraction of variance that the dictionaries leave unexplained, and active latents per token."""
    for language in run.languages:
        for row in read_table(run.inputs[f"dictionary-error/{language.code}"], DictionaryError):
            figures = (
                ("dictionary-error", row.fraction_variance_unexplained),
                ("dictionary-l0", row.l0),
            )
            for quantity, value in figures:
                scope = scope_of(quantity, layer=row.layer, language=language.code)
                pooled = measured(scope, value, Formula.NO_UNITS, "token", ())
                yield replace(pooled, estimate=replace(pooled.estimate, num_units=row.tokens))


def recovered_losses(run: BaseRun) -> Iterator[Measured]:
    """Share of the loss without a layer's stream that its dictionary's reconstruction wins back, over texts of some tokens.

    Tokens weigh alike, and not texts: both sides are sums over all of them.

    Source: Gao et al., Scaling and evaluating sparse autoencoders (2024); as SAEBench computes it, 0 for a stream of zeros.
    """
    for language in run.languages:
        folder = run.inputs[f"dictionary-error/{language.code}"]
        layers, texts, tokens = (
            read_column(folder, SplicedLoss, name) for name in ("layer", "text_id", "tokens")
        )
        clean, spliced, zeroed = (
            read_column(folder, SplicedLoss, name) for name in ("clean", "spliced", "zeroed")
        )
        for layer in np.unique(layers).tolist():
            own = (layers == layer) & (tokens > 0)
            recovered, lost = (zeroed - spliced)[own], (zeroed - clean)[own]
            sides = Sides(
                units=[str(text) for text in texts[own].tolist()], observed=recovered, reference=lost
            )
            scope = scope_of("loss-recovered", layer=layer, language=language.code)
            if lost.sum():
                yield measured(scope, 100 * recovered.sum() / lost.sum(), Formula.RATIO, "text", (sides,))


def translation_flags(run: BaseRun) -> Iterator[Measured]:
    """Share of translations that nothing speaks against, per language."""
    for language in run.languages:
        if language.group is Group.REFERENCE:
            continue
        rows = read_table(run.inputs[f"translations/{language.code}"], Translation)
        scope = scope_of("translations-unflagged", language=language.code)
        shares = np.asarray([0.0 if row.is_flagged else 100.0 for row in rows])
        yield plain_mean(scope, "text", [str(row.text_id) for row in rows], shares)


def translation_scores(run: BaseRun) -> Iterator[Measured]:
    """How each translator does on the parallel text; nothing where a world has no such text, or it was not had."""
    for language in run.languages:
        folder = run.inputs.get(f"translation-scores/{language.code}")
        if folder is None or not (rows := read_optional(folder, ParallelTranslation)):
            continue
        value = corpus_chrf([row.text for row in rows], [row.reference for row in rows])
        scope = scope_of("translation-chrf", language=language.code)
        pooled = measured(scope, value, Formula.NO_UNITS, "sentence", ())
        yield replace(pooled, estimate=replace(pooled.estimate, num_units=len(rows)))


def corpus_chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """chrF2 of all sentences together, 0 to 100; n-grams of up to six characters, white space out, recall counts twice.

    Args:
        translations: What a machine said, sentence by sentence.
        references: What people said, in the same order.

    Raises:
        ValueError: If there is no sentence, or not as many on both sides.

    Source: Popovic, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; as sacreBLEU computes it.
    """
    from sacrebleu.metrics.chrf import CHRF

    if not translations or len(translations) != len(references):
        raise ValueError(
            f"{len(translations)} translations and {len(references)} references; chrF needs as many of both, and some"
        )
    return float(CHRF().corpus_score(list(translations), [list(references)]).score)


def unscored_translators(run: BaseRun) -> list[UnscoredTranslator]:
    """Translators for which the parallel text could not be had, and why."""
    return [
        row
        for role, folder in run.inputs.items()
        if role.startswith("translation-scores/")
        for row in read_optional(folder, UnscoredTranslator)
    ]


def gap_of_latents(run: BaseRun, scope: Scope, low: Values, reference: Values) -> Measured:
    """How far one side lies below the other at one layer, over latents; kept selections with both values count."""
    rows = _contrasted(run, scope, low, reference)
    below, above = (latent_means(run.selections, side, rows) for side in (low, reference))
    value = gap_percent(below.values, above.values, run.specification.aggregation)
    sides = Sides(units=below.latents, observed=below.values, reference=above.values)
    return measured(scope, value, GAP_FORMULAS[run.specification.aggregation], "latent", (sides,))


def with_phrases(run: BaseRun, low: Values, reference: Values, gap: Measured) -> Measured:
    """A gap with what each phrase contributed to it, so that latents and phrases can be resampled together."""
    rows = np.flatnonzero(_contrasted(run, gap.estimate, low, reference)).tolist()
    return replace(
        gap,
        phrases=tuple(
            PhraseValue(
                estimate_id=gap.estimate.estimate_id,
                unit=str(run.selections.latent[row]),
                text_id=int(run.selections.text_id[row]),
                observed=float(low[row]),
                reference=float(reference[row]),
            )
            for row in rows
        ),
    )


def _contrasted(run: BaseRun, scope: Scope | Estimate, low: Values, reference: Values) -> NDArray[np.bool_]:
    assert scope.layer is not None
    return run.kept & run.selections.within(scope.layer) & ~np.isnan(low + reference)


def _residuals(folder: Path) -> dict[int, tuple[NDArray[np.int64], Values]]:
    layer = read_column(folder, MeanResidual, "layer")
    text_id = read_column(folder, MeanResidual, "text_id")
    values = read_column(folder, MeanResidual, "values").astype(np.float64)
    return {
        number: (text_id[layer == number], values[layer == number]) for number in np.unique(layer).tolist()
    }


def _shared(
    own: tuple[NDArray[np.int64], Values], english: tuple[NDArray[np.int64], Values]
) -> tuple[list[str], Values, Values]:
    texts, left, right = np.intersect1d(own[0], english[0], return_indices=True)
    return [str(text) for text in texts.tolist()], own[1][left], english[1][right]
