"""Estimates of the adapters: gains, retention of English, and what held-out pairs showed during training.

Those of the controls, adapters trained on wrong partners, are shown beside the others and are part of no claim: what such an
adapter does as well is no alignment of meanings, it moves the mean of a language.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.latents import latent_means
from harness.designs.disparity.quantities import MEAN_OVER_LAYERS, SHARE_CLOSED, SUFFIX, scope_of
from harness.statistics.measured import Measured, Sides, measured
from harness.statistics.metrics import change_percent, ratio_percent
from harness.store.tables import read_table
from harness.words.estimate import BrokenEstimate, Formula, PhraseValue, Scope
from harness.words.records import AlignmentStep, TrainingLoss, adapter_name
from harness.words.study import Group

Values = NDArray[np.float64]

Compute = Callable[[Values, Values], float]
"""What becomes of latent means after and before."""

COMPUTE: Mapping[Formula, Compute] = {
    Formula.CHANGE: change_percent,
    Formula.RATIO: ratio_percent,
    Formula.RATIO_DIFFERENCE: ratio_percent,
}

MOMENT_FIGURES = (
    ("alignment-gap", "gap"),
    ("alignment-gap-shuffled", "shuffled_gap"),
    ("alignment-drift", "retention"),
    ("alignment-english-mean", "english_mean"),
    ("alignment-target-mean", "target_mean"),
    ("english-nats", "english_nats_per_token"),
    ("target-nats", "target_nats_per_token"),
)
"""What is shown of each logged moment: quantity and field of the log."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TunedRun:
    """One language's selections before and after, over every seed of the adapters trained for `adapter`."""

    base: BaseRun
    adapter: str
    """Language that the adapters were trained for."""
    language: str
    """Language whose texts were read through them."""
    after: Mapping[int, Values]
    """By seed: one pooled value per selection."""
    among: NDArray[np.bool_] | None = None
    """True for the selections that are asked about; all of them if left out."""

    def rows(self, layer: int) -> NDArray[np.bool_]:
        """True for the selections of a layer, of phrases that no adapter saw in training."""
        mask = self.base.kept & self.base.selections.within(layer, held_out_only=True)
        return mask if self.among is None else mask & self.among

    @cached_property
    def before(self) -> Values:
        """The untouched model on the same texts."""
        return self.base.by_language[self.language]

    def sides(self, layer: int) -> tuple[Sides, ...]:
        """Latent means before and after, on phrases that no adapter saw in training, for every seed."""
        mask = self.rows(layer)
        before = latent_means(self.base.selections, self.before, mask)
        return tuple(
            Sides(
                units=before.latents,
                observed=latent_means(self.base.selections, values, mask).values,
                reference=before.values,
                seed=seed,
            )
            for seed, values in self.after.items()
        )


def read_tuned_run(base: BaseRun, adapter: str, language: str, *, controls: bool = False) -> TunedRun:
    """The activations of one language through every seed of one language's adapters, or of its controls."""
    after = {
        seed: base.tuned(f"activations-tuned/{adapter_name(adapter, seed, is_control=controls)}/{language}")
        for seed in (base.control_seeds if controls else base.adapter_seeds)
    }
    return TunedRun(base=base, adapter=adapter, language=language, after=after)


def gains(base: BaseRun) -> Iterator[Measured]:
    """How much the tuned languages' latents rose, at the layer that speaks for gains and over all aligned ones.

    What is a share of values that are all zero is left out; `silent_gains` says so.
    """
    for code in whole_codes(base):
        run = read_tuned_run(base, code, code)
        change, over_layers, share = gain_scopes(base, code)
        if not is_silent(base, code, base.specification.gain_layer):
            yield of_latents(run, change, Formula.CHANGE)
        if not any(is_silent(base, code, layer) for layer in base.aligned_layers):
            yield _over_aligned_layers(run, over_layers)
        yield from _share_of_gap_closed(run, share)


def untrained_gains(base: BaseRun) -> Iterator[Measured]:
    """The gain that remains over latents that no adapter was trained on: nothing, if adapters learnt those that they saw by heart."""
    for code in whole_codes(base):
        if not _is_untrained_missing(base, code):
            run = replace(read_tuned_run(base, code, code), among=base.selections.untrained)
            yield of_latents(run, _untrained_scope(base, code), Formula.CHANGE)


def missing_untrained_gains(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Languages in which none of those latents fires, and why; where there are none, nothing is asked of them."""
    layer = base.specification.gain_layer
    has_any = bool((base.selections.within(layer) & base.selections.untrained).any())
    for code in whole_codes(base):
        if has_any and _is_untrained_missing(base, code):
            yield BrokenEstimate(
                estimate_id=_untrained_scope(base, code).estimate_id,
                because=f"No latent of layer {layer} that has all its phrases held out fires in {code} before training.",
            )


def _is_untrained_missing(base: BaseRun, code: str) -> bool:
    layer = base.specification.gain_layer
    mask = base.kept & base.selections.within(layer) & base.selections.untrained
    return not base.by_language[code][mask].sum() > 0


def _untrained_scope(base: BaseRun, code: str) -> Scope:
    layer = base.specification.gain_layer
    return scope_of("gain-remaining", layer=layer, language=code, reading="untrained-latents")


def is_silent(base: BaseRun, code: str, layer: int) -> bool:
    """Whether no latent of a layer fires in a language on phrases that no adapter saw, so that nothing is a share of that."""
    mask = base.kept & base.selections.within(layer, held_out_only=True)
    return not base.by_language[code][mask].sum() > 0


def silent_gains(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Gains that are missing since nothing fires before training, through adapters and controls."""
    for code in whole_codes(base):
        change, over_layers, _ = gain_scopes(base, code)
        yield from because_silent(base, code, change, (base.specification.gain_layer,))
        yield from because_silent(base, code, over_layers, base.aligned_layers)
    for code in _controlled(base):
        yield from because_silent(base, code, gain_scope(base, code), (base.specification.gain_layer,))


def silent_retentions(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Retentions that are missing since no latent fires in English before training."""
    english, layers = base.codes(Group.REFERENCE)[0], (base.specification.gain_layer,)
    codes = whole_codes(base)
    for adapter in (*codes, *([] if base.failures_of_seeds or not codes else [None])):
        yield from because_silent(base, english, retention_scope(base, adapter), layers)


def because_silent(base: BaseRun, code: str, scope: Scope, layers: Sequence[int]) -> Iterator[BrokenEstimate]:
    """An estimate that is missing since some of its layers are silent; none where all speak."""
    if because := silence(base, code, layers):
        yield BrokenEstimate(estimate_id=scope.estimate_id, because=because)


def silence(base: BaseRun, code: str, layers: Sequence[int]) -> str:
    """Which of some layers are silent, in a sentence; empty where all speak."""
    silent = ", ".join(str(layer) for layer in layers if is_silent(base, code, layer))
    return (
        f"Before training no latent fires on held-out phrases in {code} at layer {silent}." if silent else ""
    )


def gain_scopes(base: BaseRun, code: str) -> tuple[Scope, Scope, Scope]:
    """What a language's gains are about: the layer that speaks for them, all aligned ones, the share of its gap."""
    scope = scope_of("gain", layer=base.specification.gain_layer, language=code)
    return (
        scope,
        replace(scope, layer=None, specification=MEAN_OVER_LAYERS),
        replace(scope, specification=SHARE_CLOSED),
    )


def retentions(base: BaseRun) -> Iterator[Measured]:
    """What is left of English activations under the adapters: each language's, and the mean over languages.

    None where English is silent at the layer that speaks for it; `silent_retentions` says so.
    """
    english = base.codes(Group.REFERENCE)[0]
    if is_silent(base, english, base.specification.gain_layer):
        return
    runs = [read_tuned_run(base, code, english) for code in whole_codes(base)]
    for run in runs:
        yield of_latents(run, retention_scope(base, run.adapter), Formula.RATIO)
    if runs and not base.failures_of_seeds:
        yield _with_phrases(runs, _mean_over_adapters(retention_scope(base, None), runs))


def retention_scope(base: BaseRun, adapter: str | None) -> Scope:
    """What is left of English under one language's adapters, or under all of them, is about."""
    return scope_of(
        "retention-by-adapter" if adapter else "retention",
        layer=base.specification.gain_layer,
        language=adapter or base.codes(Group.REFERENCE)[0],
        reading="activation",
    )


def alignment_moments(base: BaseRun) -> Iterator[Measured]:
    """Held-out pairs before and after training: distance, shuffled control, both sides, language loss."""
    for code in whole_codes(base):
        logs = {
            seed: read_table(base.inputs[f"adapters/{adapter_name(code, seed)}"], AlignmentStep)
            for seed in base.adapter_seeds
        }
        yield from moments_of(code, logs)


def moments_of(
    code: str, logs: Mapping[int, Sequence[AlignmentStep]], suffix: str = ""
) -> Iterator[Measured]:
    """The first and the last logged moment of a language's adapters, by seed."""
    for scope, field, place in moment_scopes(code, suffix):
        yield _over_seeds(scope, {seed: float(getattr(log[place], field)) for seed, log in logs.items()})


def smaller_portions(base: BaseRun) -> Iterator[Measured]:
    """The fewest pairs held in memory at once, for languages of which some batch did not fit; says nothing otherwise."""
    for code in whole_codes(base):
        logs = [
            read_table(base.inputs[f"adapters/{adapter_name(code, seed)}"], TrainingLoss)
            for seed in base.adapter_seeds
        ]
        short = [row.micro_batch for log in logs for row in log if row.micro_batch < row.pairs]
        if short:
            scope = scope_of("pairs-at-once", language=code)
            yield measured(scope, min(short), Formula.NO_UNITS, "pair", ())


def moment_scopes(code: str, suffix: str = "") -> Iterator[tuple[Scope, str, int]]:
    """What held-out pairs show of a language's adapters, with the field of the log and the place in it."""
    for quantity, field in MOMENT_FIGURES:
        for reading, place in (("before", 0), ("after", -1)):
            scope = scope_of(f"{quantity}{suffix}", language=code, reading=reading)
            yield scope, field, place


def tuned_codes(base: BaseRun) -> list[str]:
    """Languages with adapters."""
    return [language.code for language in base.languages if language.tuned]


def whole_codes(base: BaseRun) -> list[str]:
    """Languages of which every adapter was trained; a mean over fewer seeds would be another quantity."""
    broken = {failure.language for failure in base.failures_of_seeds}
    return [code for code in tuned_codes(base) if code not in broken]


def of_latents(run: TunedRun, scope: Scope, formula: Formula) -> Measured:
    """What became of the latents of one layer, the mean over seeds, with its phrases."""
    assert scope.layer is not None
    sides = run.sides(scope.layer)
    value = np.mean([COMPUTE[formula](part.observed, part.reference) for part in sides])
    return _with_phrases((run,), measured(scope, float(value), formula, "latent", sides))


def _over_aligned_layers(run: TunedRun, scope: Scope) -> Measured:
    by_seed: dict[int, list[float]] = {seed: [] for seed in run.after}
    for layer in run.base.aligned_layers:
        for part in run.sides(layer):
            assert part.seed is not None
            by_seed[part.seed].append(change_percent(part.observed, part.reference))
    return _over_seeds(scope, {seed: float(np.mean(values)) for seed, values in by_seed.items()})


def _share_of_gap_closed(run: TunedRun, scope: Scope) -> Iterator[Measured]:
    assert scope.layer is not None
    base = run.base
    mask = base.kept & base.selections.within(scope.layer, held_out_only=True)
    english = latent_means(base.selections, base.by_language[base.codes(Group.REFERENCE)[0]], mask).values
    sides = run.sides(scope.layer)
    if english.sum() == sides[0].reference.sum():
        return  # no gap was open, so no share of it can be closed
    shares = {
        part.seed: float(100 * (part.observed - part.reference).sum() / (english - part.reference).sum())
        for part in sides
        if part.seed is not None
    }
    yield _over_seeds(scope, shares)


def _over_seeds(scope: Scope, values: Mapping[int, float]) -> Measured:
    sides = tuple(
        Sides(units=("adapter",), observed=np.asarray([value]), reference=np.zeros(1), seed=seed)
        for seed, value in values.items()
    )
    return measured(scope, float(np.mean(list(values.values()))), Formula.DIFFERENCE, "seed", sides)


def _mean_over_adapters(scope: Scope, runs: Sequence[TunedRun]) -> Measured:
    # All adapters start from the same English values, so the mean of their ratios is the ratio of the mean.
    assert scope.layer is not None
    by_adapter = [run.sides(scope.layer) for run in runs]
    sides = tuple(
        replace(parts[0], observed=np.mean([part.observed for part in parts], axis=0))
        for parts in zip(*by_adapter, strict=True)
    )
    value = float(np.mean([ratio_percent(part.observed, part.reference) for part in sides]))
    return measured(scope, value, Formula.RATIO, "latent", sides)


def _with_phrases(runs: Sequence[TunedRun], estimate: Measured) -> Measured:
    """The estimate with its phrases: after, averaged over adapters and seeds, and before."""
    base, layer = runs[0].base, estimate.estimate.layer
    assert layer is not None
    after = np.mean([values for run in runs for values in run.after.values()], axis=0)
    rows = np.flatnonzero(runs[0].rows(layer)).tolist()
    return replace(
        estimate,
        phrases=tuple(
            PhraseValue(
                estimate_id=estimate.estimate.estimate_id,
                unit=str(base.selections.latent[row]),
                text_id=int(base.selections.text_id[row]),
                observed=float(after[row]),
                reference=float(runs[0].before[row]),
            )
            for row in rows
        ),
    )


def controls(base: BaseRun) -> Iterator[Measured]:
    """Gain of every tuned language through its controls, and what held-out pairs showed of them."""
    for code in _controlled(base):
        if not is_silent(base, code, base.specification.gain_layer):
            run = read_tuned_run(base, code, code, controls=True)
            yield of_latents(run, gain_scope(base, code), Formula.CHANGE)
        logs = {
            seed: read_table(
                base.inputs[f"adapters/{adapter_name(code, seed, is_control=True)}"], AlignmentStep
            )
            for seed in base.control_seeds
        }
        yield from moments_of(code, logs, SUFFIX)


def _controlled(base: BaseRun) -> list[str]:
    """Languages of which every control was trained."""
    broken = {failure.language for failure in base.failures if failure.is_control}
    asked = base.control_languages or tuned_codes(base)
    return [code for code in asked if code not in broken] if base.control_seeds else []


def gain_scope(base: BaseRun, code: str) -> Scope:
    """What the gain of a language through its controls is about."""
    gain, _, _ = gain_scopes(base, code)
    return replace(gain, quantity=f"{gain.quantity}{SUFFIX}")


def control_scopes(base: BaseRun, code: str) -> Iterator[Scope]:
    """Everything that is estimated of a language's controls."""
    yield gain_scope(base, code)
    yield from (scope for scope, _, _ in moment_scopes(code, SUFFIX))
