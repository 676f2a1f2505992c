"""Estimates of the authors' own tuned models: named apart from ours, without training seeds, and part of no claim.

One that cannot be put onto the base model has none, and is named instead.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.quantities import PREFIX, scope_of
from harness.designs.disparity.scores import read_answers, require_same_items
from harness.designs.disparity.tuning import TunedRun
from harness.models.failed_adapters import unusable_models
from harness.statistics.measured import Measured, Sides, measured
from harness.statistics.metrics import change_percent, ratio_percent
from harness.words.estimate import Formula
from harness.words.records import UnusableModel, published_name
from harness.words.study import Benchmark, Group


def published_scores(base: BaseRun) -> Iterator[Measured]:
    """Gain, retention and changes of accuracy through every published model that can be used."""
    english = base.codes(Group.REFERENCE)[0]
    refused = {(row.language, row.name) for row in refused_models(base)}
    for language, name in base.published:
        if (language, name) in refused:
            continue
        yield _of_latents(base, language, name, language)
        yield _of_latents(base, language, name, english)
        for benchmark in base.benchmarks:
            for asked_in in (language, english):
                if benchmark in base.asked(asked_in):
                    yield from _of_answers(base, language, name, asked_in, benchmark)


def refused_models(base: BaseRun) -> tuple[UnusableModel, ...]:
    """The published models that cannot be used, and why: what the stages passed on that would have read through them."""
    return tuple(
        row
        for language, name in base.published
        for row in unusable_models(base.inputs[_activations(language, name, language)])
    )


def _activations(language: str, name: str, read_in: str) -> str:
    return f"activations-tuned/{published_name(language, name)}/{read_in}"


def _of_latents(base: BaseRun, language: str, name: str, read_in: str) -> Measured:
    """Change of the tuned language, or what is left of English: at the layer of gains, on the phrases held out from ours."""
    after = base.tuned(_activations(language, name, read_in))
    run = TunedRun(base=base, adapter=language, language=read_in, after={0: after})
    layer = base.specification.gain_layer
    sides = [replace(part, seed=None) for part in run.sides(layer)]
    is_gain = read_in == language
    quantity = f"{PREFIX}{'gain' if is_gain else 'retention'}"
    scope = scope_of(quantity, layer=layer, language=language, reading=name)
    compute, formula = (change_percent, Formula.CHANGE) if is_gain else (ratio_percent, Formula.RATIO)
    return measured(scope, compute(sides[0].observed, sides[0].reference), formula, "latent", sides)


def _of_answers(
    base: BaseRun, language: str, name: str, asked_in: str, benchmark: Benchmark
) -> Iterator[Measured]:
    """Change of accuracy in points, paired; in the tuned language in percent of the accuracy before as well."""
    model = published_name(language, name)
    before = read_answers(base.inputs[f"benchmarks/{asked_in}"], benchmark)
    after = read_answers(base.inputs[f"benchmarks-tuned/{model}/{asked_in}"], benchmark)
    require_same_items(before, after, f"{benchmark.name} in {asked_in}: the published model {model}")
    sides = Sides(units=before.documents, observed=100 * after.correct, reference=100 * before.correct)
    is_own = asked_in == language
    quantity = f"{PREFIX}{'delta' if is_own else 'delta-english'}"
    about = {"language": language, "benchmark": benchmark.name, "reading": name}
    scope = scope_of(quantity, **about)
    points = float(np.mean(sides.observed - sides.reference))
    yield measured(scope, points, Formula.DIFFERENCE, "document", [sides])
    if is_own and before.accuracy_percent > 0:
        relative = scope_of(f"{PREFIX}relative-delta", **about)
        yield measured(relative, 100 * points / before.accuracy_percent, Formula.CHANGE, "document", [sides])
