"""Every estimate that a run of a study can hold, by id: its unit, what varies under it, the layers and questions behind it.

What a broken layer or a differing cell breaks is looked up here, and read off no name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.statistics.measured import Scope
from harness.words.estimate import Formula
from harness.words.study import Group, Study

MEAN_OVER_LAYERS, SHARE_CLOSED = "mean-over-aligned-layers", "share-of-gap-closed"
"""Specifications of the gain beside the primary one."""

OF_ADAPTERS = ("gain", "retention", "retention-by-adapter", "delta", "delta-english", "relative-delta")
"""Quantities that are read through the adapters that a run trains."""

Cell = tuple[str, str]
"""Benchmark and language."""


def estimate_units(study: Study) -> Mapping[str, str]:
    """Unit of every estimate that a claim of the study may be about, by id."""
    return {name: scope.unit for name, scope in estimate_scopes(study).items()}


def estimate_scopes(study: Study) -> Mapping[str, Scope]:
    """What every estimate is about that a claim of the study may name, by id."""
    scopes = (*_gaps(study), *_tuned(study), *_english(study), *_over_languages(study), *_texts(study))
    return {scope.estimate_id: scope for scope in scopes}


def layers_of(study: Study, scope: Scope) -> tuple[int, ...]:
    """The layers whose activations an estimate is made from, those that its adapters were trained on among them."""
    own = () if scope.layer is None else (scope.layer,)
    if scope.quantity == "correlation":
        return tuple(range(study.shapes.num_layers))
    return tuple(sorted({*own, *study.primary.alignment.layers})) if scope.quantity in OF_ADAPTERS else own


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


def said_of_estimates(study: Study, said: Mapping[int | Cell, str]) -> Mapping[str, str]:
    """What is said of the first of the layers and cells that an estimate is made from, by its id; most have nothing said.

    Args:
        study: Whose estimates.
        said: A sentence about a layer or a cell.
    """
    found = {}
    for estimate_id, scope in estimate_scopes(study).items():
        rests_on: tuple[int | Cell, ...] = (*layers_of(study, scope), *cells_of(study, scope))
        if sentences := [said[each] for each in rests_on if each in said]:
            found[estimate_id] = sentences[0]
    return found


def of_questions(study: Study) -> frozenset[str]:
    """The estimates that are made from answers to benchmark questions."""
    return frozenset(name for name, scope in estimate_scopes(study).items() if cells_of(study, scope))


def _gaps(study: Study) -> Iterator[Scope]:
    others = _codes(study)
    for reading in ("high", "english"):
        for layer in range(study.shapes.num_layers):
            for language in (None, *others):
                yield Scope(quantity="gap", unit="percent", layer=layer, language=language, reading=reading)


def _tuned(study: Study) -> Iterator[Scope]:
    for language in (language.code for language in study.tuned):
        layer = study.primary.gain_layer
        yield Scope(quantity="gain", unit="percent", layer=layer, language=language)
        yield Scope(quantity="gain", unit="percent", language=language, specification=MEAN_OVER_LAYERS)
        yield Scope(
            quantity="gain", unit="percent", layer=layer, language=language, specification=SHARE_CLOSED
        )
        yield Scope(
            quantity="retention-by-adapter",
            unit="percent",
            layer=layer,
            language=language,
            reading="activation",
        )
        for benchmark in _benchmarks(study):
            yield Scope(quantity="delta", unit="points", language=language, benchmark=benchmark)
            yield Scope(quantity="delta-english", unit="points", language=language, benchmark=benchmark)
            yield Scope(
                quantity="relative-delta",
                unit="percent",
                language=language,
                benchmark=benchmark,
                reading="relative",
            )


def _english(study: Study) -> Iterator[Scope]:
    if not study.tuned:
        return
    english = study.reference.code
    yield Scope(
        quantity="retention",
        unit="percent",
        layer=study.primary.gain_layer,
        language=english,
        reading="activation",
    )
    if study.benchmarks:
        yield Scope(quantity="retention", unit="percent", language=english, reading="accuracy")


def _over_languages(study: Study) -> Iterator[Scope]:
    for benchmark in _benchmarks(study):
        yield Scope(quantity="correlation", unit="r", benchmark=benchmark)
        for language in (study.reference.code, *_codes(study)):
            yield Scope(quantity="accuracy", unit="percent", language=language, benchmark=benchmark)
    if study.benchmarks:
        yield Scope(quantity="correlation", unit="r")


def _texts(study: Study) -> Iterator[Scope]:
    yield Scope(quantity="selections-kept", unit="percent", language=study.reference.code)
    for language in _codes(study):
        yield Scope(quantity="selections-kept", unit="percent", language=language)
        yield Scope(quantity="translations-unflagged", unit="percent", language=language)
        for layer in range(study.shapes.num_layers):
            for reading in ("raw", "centred"):
                yield Scope(
                    quantity="similarity", unit="cosine", layer=layer, language=language, reading=reading
                )


def _codes(study: Study) -> tuple[str, ...]:
    """Every language but the reference."""
    return (*study.codes(Group.HIGH), *study.codes(Group.LOW))


def _benchmarks(study: Study) -> Sequence[str]:
    return [benchmark.name for benchmark in study.benchmarks]


@dataclass(frozen=True)
class Basis:
    """The units behind one quantity."""

    unit_kind: str
    formulas: tuple[Formula, ...]
    """The usual one first."""


BASES = {
    "gap": Basis("latent", (Formula.GAP, Formula.MEAN_OF_GAPS)),
    "gain": Basis("latent", (Formula.CHANGE,)),
    "retention": Basis("latent", (Formula.RATIO,)),
    "retention-by-adapter": Basis("latent", (Formula.RATIO,)),
    "accuracy": Basis("document", (Formula.DIFFERENCE,)),
    "delta": Basis("document", (Formula.DIFFERENCE,)),
    "delta-english": Basis("document", (Formula.DIFFERENCE,)),
    "relative-delta": Basis("document", (Formula.CHANGE,)),
    "correlation": Basis("language", (Formula.PEARSON,)),
    "similarity": Basis("text", (Formula.DIFFERENCE,)),
    "selections-kept": Basis("text", (Formula.DIFFERENCE,)),
    "translations-unflagged": Basis("text", (Formula.DIFFERENCE,)),
}

PER_SEED = Basis("seed", (Formula.DIFFERENCE,))
"""One figure per training seed, made of several quantities."""


def basis_of(scope: Scope) -> Basis:
    """What one estimate rests on."""
    if scope.quantity == "retention" and scope.reading == "accuracy":
        return Basis("document", (Formula.RATIO,))
    if scope.quantity == "gain" and (scope.layer is None or scope.specification != "primary"):
        return PER_SEED
    return BASES[scope.quantity]
