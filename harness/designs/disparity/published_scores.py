"""Estimates of the authors' own tuned models: named apart from ours, without training seeds, and part of no claim.

One that cannot be put onto the base model has none, and is named instead.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.quantities import PREFIX, scope_of
from harness.designs.disparity.scores import read_answers, require_same_items
from harness.designs.disparity.tuning import COMPUTE, TunedRun, because_silent, is_silent
from harness.models.failed_adapters import unusable_models
from harness.statistics.measured import Measured, Sides, measured
from harness.words.estimate import BrokenEstimate, Formula, Scope
from harness.words.records import UnusableModel, published_name
from harness.words.study import Benchmark, Group


def published_scores(base: BaseRun) -> Iterator[Measured]:
    """Gain, retention and changes of accuracy through every published model that can be used."""
    english = base.codes(Group.REFERENCE)[0]
    refused = {(row.language, row.name) for row in refused_models(base)}
    for language, name in base.published:
        if (language, name) in refused:
            continue
        for read_in in (language, english):
            if not is_silent(base, read_in, base.specification.gain_layer):
                yield _of_latents(base, language, name, read_in)
        for benchmark in base.benchmarks:
            for asked_in in (language, english):
                if benchmark in base.asked(asked_in):
                    yield from _of_answers(base, language, name, asked_in, benchmark)


def silent_models(base: BaseRun) -> Iterator[BrokenEstimate]:
    """Gains and retentions that are missing of published models since nothing fires before."""
    for language, name in base.published:
        for read_in in (language, base.codes(Group.REFERENCE)[0]):
            scope = _scope(base, language, name, read_in)
            yield from because_silent(base, read_in, scope, (base.specification.gain_layer,))


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
    sides = [replace(part, seed=None) for part in run.sides(base.specification.gain_layer)]
    formula = Formula.CHANGE if read_in == language else Formula.RATIO
    value = COMPUTE[formula](sides[0].observed, sides[0].reference)
    return measured(_scope(base, language, name, read_in), value, formula, "latent", sides)


def _scope(base: BaseRun, language: str, name: str, read_in: str) -> Scope:
    quantity = f"{PREFIX}{'gain' if read_in == language else 'retention'}"
    return scope_of(quantity, layer=base.specification.gain_layer, language=language, reading=name)


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
