"""Estimates of adapters that were trained otherwise in one thing: what became of their language and of English.

All of one language are trained under one seed, on the same pairs, and read on the same held-out phrases; so are those of the
primary specification that they are held against. A difference of two is taken latent by latent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.latents import latent_means
from harness.designs.disparity.quantities import ablated_scope, difference_scope
from harness.designs.disparity.tuning import COMPUTE, because_silent, is_silent, whole_codes
from harness.statistics.measured import Measured, Scope, Sides, measured
from harness.words.estimate import BrokenEstimate, Formula
from harness.words.plan import Ablation
from harness.words.specification import PRIMARY
from harness.words.study import AlignmentChoice, Group, Specification


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two ways to train that differ in one thing, and by whose difference something is said."""

    first: Ablation
    second: Ablation
    """What is taken away."""

    @property
    def specification(self) -> str:
        """What estimates of the difference are called."""
        return f"{self.first.specification}-minus-{self.second.specification}"


def ablation_estimates(base: BaseRun) -> Iterator[Measured]:
    """Gains and retention under every ablation, and the differences that claims are about."""
    for family in families(base):
        for ablation in family:
            yield from _gains(base, ablation)
            yield _retention(base, ablation)
        for step in alpha_steps(family, base.specification):
            yield _difference(base, step, "retention", base.specification.gain_layer)
        for contrast in early_against_deep(family, base.specification):
            for layer in sorted({*contrast.first.read_out} & {*contrast.second.read_out}):
                if not is_silent(base, contrast.first.language, layer):
                    yield _difference(base, contrast, "gain", layer)


def families(base: BaseRun) -> Iterator[tuple[Ablation, ...]]:
    """By language: every ablation that was trained, and the primary specification under the same seed; the least alpha first.

    Languages of which an adapter of the primary specification was not trained have none.
    """
    for code in whole_codes(base):
        of_language = (each for each in base.ablations if each.language == code)
        if found := tuple(each for each in of_language if not base.failures_of(each)):
            both = (_primary(base, found[0]), *found)
            yield tuple(sorted(both, key=lambda each: (each.choice.alpha, each.choice.layers)))


def broken_ablations(base: BaseRun) -> Iterator[BrokenEstimate]:
    """What is missing of an ablation that was never trained, or where nothing fires before it, and why."""
    for ablation in base.ablations:
        because = " ".join(map(str, base.failures_of(ablation)))
        scopes = [
            *(
                ablated_scope("gain", ablation.language, ablation.specification, layer)
                for layer in ablation.read_out
            )
        ]
        scopes.append(
            ablated_scope(
                "retention", ablation.language, ablation.specification, base.specification.gain_layer
            )
        )
        for scope in scopes if because else ():
            yield BrokenEstimate(estimate_id=scope.estimate_id, because=f"{ablation.name}: {because}")
    for ablation in (each for family in families(base) for each in family):
        for layer in ablation.read_out:
            scope = ablated_scope("gain", ablation.language, ablation.specification, layer)
            yield from because_silent(base, ablation.language, scope, (layer,))


def alpha_steps(family: Sequence[Ablation], primary: Specification) -> list[Contrast]:
    """Every step from one weight of the retention term to the next larger one, of adapters that differ in nothing else."""
    alike = [each for each in family if _differs_in(each.choice, primary, "alpha")]
    return [
        Contrast(first=larger, second=smaller)
        for smaller, larger in pairwise(sorted(alike, key=lambda each: each.choice.alpha))
    ]


def early_against_deep(family: Sequence[Ablation], primary: Specification) -> list[Contrast]:
    """Every layer that is tuned alone against each deeper one, and against all layers together."""
    alone = [
        each
        for each in family
        if each.specification != PRIMARY and _differs_in(each.choice, primary, "layers")
    ]
    ordered = sorted(alone, key=lambda each: each.choice.layers)
    whole = [each for each in family if each.specification == PRIMARY]
    return [Contrast(first=early, second=deep) for early, deep in combinations([*ordered, *whole], 2)]


def _differs_in(choice: AlignmentChoice, primary: Specification, field: str) -> bool:
    """Whether a choice is the primary one but for a field, or that very one."""
    ours = primary.alignment
    return choice == replace(ours, **{field: getattr(choice, field)})


def _primary(base: BaseRun, beside: Ablation) -> Ablation:
    return replace(
        beside,
        specification=PRIMARY,
        choice=base.specification.alignment,
        read_out=(base.specification.gain_layer,),
    )


def _gains(base: BaseRun, ablation: Ablation) -> Iterator[Measured]:
    for layer in ablation.read_out:
        if is_silent(base, ablation.language, layer):
            continue
        sides = _sides(base, ablation, ablation.language, layer)
        yield _measured(
            ablated_scope("gain", ablation.language, ablation.specification, layer), Formula.CHANGE, sides
        )


def _retention(base: BaseRun, ablation: Ablation) -> Measured:
    layer = base.specification.gain_layer
    sides = _sides(base, ablation, base.codes(Group.REFERENCE)[0], layer)
    return _measured(
        ablated_scope("retention", ablation.language, ablation.specification, layer), Formula.RATIO, sides
    )


def _difference(base: BaseRun, contrast: Contrast, quantity: str, layer: int) -> Measured:
    """Both are shares of the same values before, so that their difference is the share that the values differ by."""
    language = contrast.first.language if quantity == "gain" else base.codes(Group.REFERENCE)[0]
    first, second = (_sides(base, each, language, layer) for each in (contrast.first, contrast.second))
    apart = replace(first, observed=first.observed - second.observed)
    return _measured(
        difference_scope(quantity, contrast.first.language, contrast.specification, layer),
        Formula.RATIO,
        apart,
    )


def _sides(base: BaseRun, ablation: Ablation, language: str, layer: int) -> Sides:
    """Latent means before and after, on phrases that no adapter saw in training."""
    folder = f"activations-tuned/{ablation.name}/{language}"
    mask = base.kept & base.selections.within(layer, held_out_only=True)
    before = latent_means(base.selections, base.by_language[language], mask)
    after = latent_means(base.selections, base.tuned(folder, max(ablation.read_out)), mask)
    return Sides(units=before.latents, observed=after.values, reference=before.values, seed=ablation.seed)


def _measured(scope: Scope, formula: Formula, sides: Sides) -> Measured:
    return measured(scope, COMPUTE[formula](sides.observed, sides.reference), formula, "latent", (sides,))
