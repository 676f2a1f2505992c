"""Every quantity of this design, once: what it is called and counted in, and each estimate of it that claims may be about."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from math import inf

from harness.designs.estimand import Estimand, Quantity
from harness.words.dictionaries import BILINGUAL, Integration
from harness.words.emergence import FINAL, EmergenceStudy
from harness.words.estimate import Formula, Scope
from harness.words.study import Study

FEATURES, TEXTS, SEEDS = ("feature", "units"), ("text", "texts"), ("seed", "training seeds")
"""What varies: the kind of unit that is stored, and what says beforehand how many there will be."""

SHARE, DIFFERENCE, MEAN = (Formula.SHARE,), (Formula.SHARE_DIFFERENCE,), (Formula.DIFFERENCE,)
PERCENT, POINTS = (0.0, 100.0), (-100.0, 100.0)

ACTIVITY = "activity"
"""Specification: latents weigh by their squared activations, so that spare ones hardly count."""

CONCEPTS, TOKENS, UNINTERPRETED = "concept-level", "token-level", "uninterpretable"
"""What people say that a latent stands for: the authors' codes 1 and 2, 0, and 3."""

QUANTITIES: Mapping[str, Quantity] = {
    "class-share": Quantity("share of the labelled latents", "percent", FEATURES, SHARE, within=PERCENT),
    "share-change": Quantity("change of the bilingual share", "points", FEATURES, DIFFERENCE, signed=True, within=POINTS),
    "lateness": Quantity("early and final bilingual share over the one between", "points", FEATURES, DIFFERENCE, signed=True, within=POINTS),
    "middle-lead": Quantity("bilingual share of the middle third over the others", "points", FEATURES, DIFFERENCE, signed=True, within=POINTS),
    "size-trend": Quantity("bilingual share over that of the next smaller size", "points", FEATURES, DIFFERENCE, signed=True, within=POINTS),
    "integration-gain": Quantity("gain by a part of the final model", "nats", TEXTS, MEAN, signed=True),
    "integration-lead": Quantity("gain by the bilingual part over another one", "nats", TEXTS, MEAN, signed=True),
    "demonstrated-share": Quantity("share of the authors' sample", "percent", FEATURES, SHARE, within=PERCENT),
    "demonstrated-change": Quantity("change in the authors' sample", "points", FEATURES, DIFFERENCE, signed=True, within=POINTS),
    "model-nats": Quantity("loss of the model", "nats", ("text", "units"), (Formula.NO_UNITS,), within=(0.0, inf)),
    "unexplained": Quantity("variance unexplained", "fraction", ("token", "tokens"), (Formula.NO_UNITS,)),
    "dead-share": Quantity("latents that never fire", "percent", FEATURES, SHARE, within=PERCENT),
    "unlabelled-share": Quantity("latents with too few examples, of those that fire", "percent", FEATURES, SHARE, within=PERCENT),
    "splicing-loss": Quantity("loss added by the rebuilt stream", "nats", ("text", "units"), MEAN, signed=True),
    "sampled-examples": Quantity("examples of single bilingual latents", "count", ("example", "examples"), (Formula.NO_UNITS,), within=(0.0, inf)),
    "part-cosine": Quantity("cosine of a part in both models", "cosine", FEATURES, (Formula.NO_UNITS,), within=(-1.0, 1.0)),
}  # fmt: skip
"""By name."""

AXES = ("model", "step", "from", "to", "class", "part", "over", "latent")
"""Axes that ids name, in this order: a size, a phase, what is compared, and which latents."""


def scope_of(
    quantity: str,
    axes: Mapping[str, str],
    *,
    layer: int | None = None,
    language: str | None = None,
    reading: str = "primary",
    specification: str = "primary",
) -> Scope:
    """What an estimate is about: a quantity in its unit, where it stands on the design's axes, and whatever else it is of."""
    assert set(axes) <= set(AXES), axes
    return Scope(
        quantity=quantity,
        unit=QUANTITIES[quantity].unit,
        axes=tuple((axis, axes[axis]) for axis in AXES if axis in axes),
        layer=layer,
        language=language,
        reading=reading,
        specification=specification,
    )


def emergence(study: Study) -> EmergenceStudy:
    """The study as one of this design.

    Raises:
        TypeError: If it is one of another.
    """
    if not isinstance(study, EmergenceStudy):
        raise TypeError(f"{study.name} is no study of emergence; its STUDY must be an EmergenceStudy")
    return study


def estimands(study: Study) -> Mapping[str, Estimand]:
    """Every estimate that a claim of the study may be about, by id."""
    asked = emergence(study)
    scopes = (*_shares(asked), *_changes(asked), *_integration(asked), *_demonstrated(asked))
    return {scope.estimate_id: _estimand(scope) for scope in scopes}


def _estimand(scope: Scope) -> Estimand:
    quantity = QUANTITIES[scope.quantity]
    if scope.specification == ACTIVITY:
        quantity = replace(quantity, varying=SEEDS, formulas=MEAN)
    return quantity.estimand(scope)


def _shares(study: EmergenceStudy) -> Iterator[Scope]:
    for size, phase, layer in study.places():
        for label in study.classes:
            for specification in ("primary", ACTIVITY):
                yield share_scope(size.name, phase.name, label, layer, specification)


def share_scope(model: str, step: str, label: str, layer: int, specification: str = "primary") -> Scope:
    """What the share of one class is about."""
    about = {"model": model, "step": step, "class": label}
    return scope_of("class-share", about, layer=layer, specification=specification)


def _changes(study: EmergenceStudy) -> Iterator[Scope]:
    spans = ((study.early, study.mid), (study.mid, FINAL), (study.early, FINAL))
    for size in study.sizes:
        for layer in study.layers(size):
            yield from (change_scope(size.name, before, after, layer) for before, after in spans)
            yield scope_of("lateness", {"model": size.name}, layer=layer)
        yield scope_of("middle-lead", {"model": size.name, "step": FINAL})
    for smaller, larger in pairwise(study.sizes):
        yield scope_of("size-trend", {"step": FINAL, "from": smaller.name, "to": larger.name})


def change_scope(model: str, before: str, after: str, layer: int) -> Scope:
    """What the change of the bilingual share between two phases is about."""
    return scope_of("share-change", {"model": model, "from": before, "to": after}, layer=layer)


def _integration(study: EmergenceStudy) -> Iterator[Scope]:
    languages = [language.code for language in study.languages]
    for size in study.sizes:
        for reading in study.primary.integration:
            for language in languages:
                for part in study.classes:
                    yield gain_scope(size.name, part, study.middle(size), language, reading)
                for other in languages:
                    yield lead_scope(size.name, other, study.middle(size), language, reading)


def gain_scope(model: str, part: str, layer: int, language: str, reading: Integration | str) -> Scope:
    """What the gain by one part is about: the language is that of the text."""
    return scope_of(
        "integration-gain",
        {"model": model, "part": part},
        layer=layer,
        language=language,
        reading=str(reading),
    )


def lead_scope(model: str, over: str, layer: int, language: str, reading: Integration | str) -> Scope:
    """What the lead of the bilingual part over another one is about."""
    return scope_of(
        "integration-lead",
        {"model": model, "over": over},
        layer=layer,
        language=language,
        reading=str(reading),
    )


def _demonstrated(study: EmergenceStudy) -> Iterator[Scope]:
    for label in (BILINGUAL, CONCEPTS, TOKENS, UNINTERPRETED):
        for before, after in ((study.early, study.mid), (study.mid, FINAL), (study.early, FINAL)):
            yield scope_of("demonstrated-change", {"from": before, "to": after, "class": label})
        for phase in study.phases:
            yield scope_of("demonstrated-share", {"step": phase.name, "class": label})
