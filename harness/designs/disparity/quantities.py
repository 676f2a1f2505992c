"""Every quantity of this design, once: what it is called and counted in, and each estimate of it that claims may be about.

What a broken layer or a differing question breaks is looked up here, and read off no name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from math import inf

from harness.designs.estimand import Cell, Estimand, Quantity
from harness.words.estimate import Formula, Scope
from harness.words.specification import PRIMARY
from harness.words.study import Group, Study

MEAN_OVER_LAYERS, SHARE_CLOSED = "mean-over-aligned-layers", "share-of-gap-closed"
"""Specifications of the gain beside the primary one: figures of a training seed, each made of several quantities."""

LATENTS, QUESTIONS, TEXTS, SEEDS = (
    ("latent", "latents"),
    ("document", "questions"),
    ("text", "texts"),
    ("seed", "training seeds"),
)
"""What varies: the kind of unit that is stored, and what people call so many of them."""

GAPS, CHANGE, RATIO = (Formula.GAP, Formula.MEAN_OF_GAPS), (Formula.CHANGE,), (Formula.RATIO,)
APART = (Formula.RATIO_DIFFERENCE,)
MEAN, SINGLE = (Formula.DIFFERENCE,), (Formula.NO_UNITS,)

SHARE = (0.0, 100.0)
"""Between which a share of anything lies, in percent."""

QUANTITIES: Mapping[str, Quantity] = {
    "gap": Quantity("gap", "percent", LATENTS, GAPS, signed=True, within=(-inf, 100.0)),
    "gap-remaining": Quantity("gap that remains", "percent", LATENTS, GAPS, signed=True, within=(-inf, 100.0)),
    "gap-on-chosen-texts": Quantity("gap on chosen texts", "percent", LATENTS, GAPS, signed=True, within=(-inf, 100.0)),
    "gap-on-parallel-text": Quantity("gap on a parallel text", "percent", LATENTS, GAPS, signed=True, within=(-inf, 100.0)),
    "gap-of-translators": Quantity("gap that people\u2019s translations close", "points", LATENTS, MEAN, signed=True),
    "slope-on-tokens": Quantity("slope of log ratio on log token ratio", "none", LATENTS, (Formula.SLOPE,), signed=True),
    "gain": Quantity("gain", "percent", LATENTS, CHANGE, signed=True),
    "gain-remaining": Quantity("gain that remains", "percent", LATENTS, CHANGE, signed=True),
    "retention": Quantity("retention", "percent", LATENTS, RATIO, within=(0.0, inf)),
    "retention-by-adapter": Quantity("retention, adapter by adapter", "percent", LATENTS, RATIO, within=(0.0, inf)),
    "gain-ablated": Quantity("gain, trained otherwise", "percent", LATENTS, CHANGE, signed=True),
    "retention-ablated": Quantity("retention, trained otherwise", "percent", LATENTS, RATIO, within=(0.0, inf)),
    "gain-difference": Quantity("difference of two gains", "points", LATENTS, APART, signed=True),
    "retention-difference": Quantity("difference of two retentions", "points", LATENTS, APART, signed=True),
    "accuracy": Quantity("accuracy", "percent", QUESTIONS, MEAN, within=SHARE),
    "delta": Quantity("adapter's own language", "points", QUESTIONS, MEAN, signed=True, within=(-100.0, 100.0)),
    "delta-english": Quantity("English under the adapter", "points", QUESTIONS, MEAN, signed=True, within=(-100.0, 100.0)),
    "relative-delta": Quantity("adapter's own language, relative", "percent", QUESTIONS, CHANGE, signed=True, within=(-100.0, inf)),
    "correlation": Quantity("correlation", "r", ("language", "languages"), (Formula.PEARSON,), signed=True, within=(-1.0, 1.0)),
    "accuracy-on-activation": Quantity("points of accuracy for a percent of activation", "none", ("adapter", "adapters"), (Formula.SLOPE,), signed=True),
    "similarity": Quantity("similarity", "cosine", TEXTS, MEAN, within=(-1.0, 1.0)),
    "tokens-per-phrase": Quantity("tokens per phrase", "tokens", ("text", "units"), MEAN),
    "selections-kept": Quantity("selections with tokens", "percent", ("selection", "selections"), SINGLE, within=SHARE),
    "dictionary-error": Quantity("variance unexplained", "fraction", ("token", "tokens"), SINGLE),
    "loss-recovered": Quantity("loss recovered", "percent", TEXTS, RATIO),
    "dictionary-l0": Quantity("active latents", "latents", ("token", "tokens"), SINGLE),
    "translation-chrf": Quantity("chrF of the translator", "chrF", ("sentence", "sentences"), SINGLE, within=SHARE),
    "translations-unflagged": Quantity("translations without a flag", "percent", ("text", "units"), MEAN, within=SHARE),
    "alignment-gap": Quantity("distance to own translation", "activation", SEEDS, MEAN),
    "alignment-gap-shuffled": Quantity("distance to another translation", "activation", SEEDS, MEAN),
    "alignment-drift": Quantity("drift of English, squared", "activation squared", SEEDS, MEAN),
    "alignment-english-mean": Quantity("mean activation, English", "activation", SEEDS, MEAN),
    "alignment-target-mean": Quantity("mean activation, target", "activation", SEEDS, MEAN),
    "english-nats": Quantity("nats per token, English", "nats", SEEDS, MEAN),
    "target-nats": Quantity("nats per token, target", "nats", SEEDS, MEAN),
    "pairs-at-once": Quantity("pairs in memory at once, where a batch did not fit", "pairs", ("pair", "pairs"), SINGLE),
}  # fmt: skip
"""By name. Figures of the controls and of published models are those of the adapters, under other names."""

OF_ADAPTERS = ("gain", "retention", "retention-by-adapter", "delta", "delta-english", "relative-delta")
"""Quantities that are read through the adapters that a run trains."""

ABLATED, DIFFERENCE = "-ablated", "-difference"
"""Tell a quantity of adapters that are trained otherwise in one thing, and the difference of two of them."""

SUFFIX = "-control"
"""Tells a quantity of the controls from that of the adapters."""

PREFIX = "published-"
"""Tells a quantity of the authors' models from that of our adapters; the reading names the model."""


def scope_of(quantity: str, **about: int | str | None) -> Scope:
    """What an estimate is about: a quantity in its unit, and whatever it is of."""
    unit = QUANTITIES[quantity.removesuffix(SUFFIX).removeprefix(PREFIX)].unit
    return Scope(quantity=quantity, unit=unit, **about)  # type: ignore[arg-type]


def estimands(study: Study) -> Mapping[str, Estimand]:
    """Every estimate that a claim of the study may be about, by id."""
    scopes = (
        *_gaps(study),
        *_tuned(study),
        *_ablated(study),
        *_english(study),
        *_over_languages(study),
        *_texts(study),
    )
    return {scope.estimate_id: _estimand(study, scope) for scope in scopes}


def _estimand(study: Study, scope: Scope) -> Estimand:
    quantity = QUANTITIES[scope.quantity]
    match scope.quantity, scope.reading:
        case "retention", "accuracy":
            # Each question was asked through every adapter; training seeds are all that varies between runs of it.
            quantity = replace(quantity, varying=(QUESTIONS[0], SEEDS[1]))
        case "gain", _ if scope.layer is None or scope.specification != "primary":
            quantity = replace(quantity, varying=(SEEDS[0], LATENTS[1]), formulas=MEAN)
        case ("selections-kept", _):
            quantity = replace(quantity, varying=("text", "units"), formulas=MEAN)
    return quantity.estimand(scope, layers=layers_of(study, scope), cells=cells_of(study, scope))


def layers_of(study: Study, scope: Scope) -> tuple[int, ...]:
    """The layers whose activations an estimate is made from, those that its adapters were trained on among them."""
    own = () if scope.layer is None else (scope.layer,)
    if scope.quantity == "correlation":
        return study.shapes.layers
    if scope.quantity.endswith((ABLATED, DIFFERENCE)):
        trained = {
            layer
            for name in scope.specification.split("-minus-")
            for layer in study.shapes.read_among(study.alignment(name).layers)
        }
        return tuple(sorted({*own, *trained}))
    if scope.quantity in OF_ADAPTERS:
        return tuple(sorted({*own, *study.shapes.read_among(study.specification.alignment.layers)}))
    return own


def cells_of(study: Study, scope: Scope) -> tuple[Cell, ...]:
    """The cells whose answers an estimate is made from; none where it rests on no question."""
    every = tuple(benchmark.name for benchmark in study.benchmarks)
    asked = (scope.benchmark,) if scope.benchmark else every
    match scope.quantity, scope.reading:
        case "correlation", _:
            languages: tuple[str, ...] = tuple(language.code for language in study.targets)
        case ("delta-english", _) | ("retention", "accuracy"):
            languages = (study.reference.code,)
        case (("accuracy" | "delta" | "relative-delta"), _):
            languages = (scope.language,) if scope.language else ()
        case _:
            return ()
    return tuple((name, language) for name in asked for language in languages)


def _gaps(study: Study) -> Iterator[Scope]:
    for reading in ("high", "english"):
        for layer in study.shapes.layers:
            for language in (None, *_others(study)):
                yield scope_of("gap", layer=layer, language=language, reading=reading)


def _tuned(study: Study) -> Iterator[Scope]:
    layer = study.specification.gain_layer
    for language in (language.code for language in study.tuned):
        yield scope_of("gain", layer=layer, language=language)
        yield scope_of("gain", language=language, specification=MEAN_OVER_LAYERS)
        yield scope_of("gain", layer=layer, language=language, specification=SHARE_CLOSED)
        yield scope_of("retention-by-adapter", layer=layer, language=language, reading="activation")
        for benchmark in (benchmark.name for benchmark in study.benchmarks):
            yield scope_of("delta", language=language, benchmark=benchmark)
            yield scope_of("delta-english", language=language, benchmark=benchmark)
            yield scope_of("relative-delta", language=language, benchmark=benchmark, reading="relative")


def _ablated(study: Study) -> Iterator[Scope]:
    """Every ablation by itself, and the difference of any two that differ from the primary specification in the same thing."""
    for language in (language.code for language in study.tuned):
        for name in (PRIMARY, *study.ablations):
            yield from (ablated_scope("gain", language, name, layer) for layer in study.read_out(name))
            yield ablated_scope("retention", language, name, study.specification.gain_layer)
        for axis in ("alpha", "layers"):
            names = [name for name in study.ablations if name.startswith(f"{axis}=")]
            for first, second in permutations((PRIMARY, *names), 2):
                both = f"{first}-minus-{second}"
                layers = {*study.read_out(first)} & {*study.read_out(second)}
                yield from (difference_scope("gain", language, both, layer) for layer in sorted(layers))
                yield difference_scope("retention", language, both, study.specification.gain_layer)


def ablated_scope(quantity: str, language: str, specification: str, layer: int) -> Scope:
    """What an estimate of one adapter that was trained otherwise is about; retention is that of English under it."""
    return _of_ablation(f"{quantity}{ABLATED}", language, specification, layer)


def difference_scope(quantity: str, language: str, specification: str, layer: int) -> Scope:
    """What the difference of two of them is about."""
    return _of_ablation(f"{quantity}{DIFFERENCE}", language, specification, layer)


def _of_ablation(quantity: str, language: str, specification: str, layer: int) -> Scope:
    reading = "activation" if quantity.startswith("retention") else PRIMARY
    return scope_of(quantity, layer=layer, language=language, reading=reading, specification=specification)


def _english(study: Study) -> Iterator[Scope]:
    if study.tuned:
        english = study.reference.code
        yield scope_of(
            "retention", layer=study.specification.gain_layer, language=english, reading="activation"
        )
        if study.benchmarks:
            yield scope_of("retention", language=english, reading="accuracy")


def _over_languages(study: Study) -> Iterator[Scope]:
    for benchmark in (benchmark.name for benchmark in study.benchmarks):
        yield scope_of("correlation", benchmark=benchmark)
        for language in (study.reference.code, *_others(study)):
            yield scope_of("accuracy", language=language, benchmark=benchmark)
    if study.benchmarks:
        yield scope_of("correlation")


def _texts(study: Study) -> Iterator[Scope]:
    yield scope_of("selections-kept", language=study.reference.code)
    for language in _others(study):
        yield scope_of("selections-kept", language=language)
        yield scope_of("translations-unflagged", language=language)
        for layer in study.shapes.layers:
            for reading in ("raw", "centred"):
                yield scope_of("similarity", layer=layer, language=language, reading=reading)


def _others(study: Study) -> tuple[str, ...]:
    """Every language but the reference."""
    return (*study.codes(Group.HIGH), *study.codes(Group.LOW))
