"""Estimates of adapters that were trained otherwise in one thing: what became of their language and of English.

All of one language are trained under one seed, on the same pairs, and read on the same held-out phrases; so are those of the
primary specification that they are held against. A difference of two is taken latent by latent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.quantities import ablated_scope, difference_scope
from harness.designs.disparity.tuning import TunedRun, of_latents, silence, tuned_codes
from harness.statistics.measured import Measured
from harness.words.estimate import BrokenEstimate, Formula, Scope
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


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One estimate of an ablation, or of the difference of two, and what it rests on."""

    scope: Scope
    formula: Formula
    language: str
    """Language whose texts are read."""
    ablation: Ablation
    less: Ablation | None = None
    """What is taken away of it."""

    @property
    def layer(self) -> int:
        """The layer that is read."""
        assert self.scope.layer is not None
        return self.scope.layer

    def because(self, base: BaseRun) -> str:
        """Why there is no such estimate: an adapter was never trained, or nothing fires before; empty where there is one."""
        both = [each for each in (self.ablation, self.less) if each]
        failed = [f"{each.name}: {failure}" for each in both for failure in base.failures_of(each)]
        return " ".join(failed) or silence(base, self.language, (self.layer,))

    def measured(self, base: BaseRun) -> Measured:
        """The estimate; both of a difference are shares of the same values before, so that it is one of what they differ by."""
        run = _tuned_run(base, self.ablation, self.language)
        if self.less:
            (seed, other), *_ = _tuned_run(base, self.less, self.language).after.items()
            run = replace(run, after={seed: run.after[seed] - other})
        return of_latents(run, self.scope, self.formula)


def ablation_estimates(base: BaseRun) -> Iterator[Measured]:
    """Gains and retention under every ablation, and the differences that claims are about."""
    yield from (each.measured(base) for each in asked(base) if not each.because(base))


def broken_ablations(base: BaseRun) -> Iterator[BrokenEstimate]:
    """What is missing of them, and why."""
    for each in asked(base):
        if because := each.because(base):
            yield BrokenEstimate(estimate_id=each.scope.estimate_id, because=because)


def asked(base: BaseRun) -> Iterator[Asked]:
    """Everything that is asked of ablations, whether or not each could be trained."""
    english, layer = base.codes(Group.REFERENCE)[0], base.specification.gain_layer
    for family in families(base):
        for ablation in family:
            language, name = ablation.language, ablation.specification
            for read in ablation.read_out:
                yield Asked(
                    scope=ablated_scope("gain", language, name, read),
                    formula=Formula.CHANGE,
                    language=language,
                    ablation=ablation,
                )
            yield Asked(
                scope=ablated_scope("retention", language, name, layer),
                formula=Formula.RATIO,
                language=english,
                ablation=ablation,
            )
        for step in alpha_steps(family, base.specification):
            yield _difference(step, "retention", english, layer)
        for contrast in early_against_deep(family, base.specification):
            for read in sorted({*contrast.first.read_out} & {*contrast.second.read_out}):
                yield _difference(contrast, "gain", contrast.first.language, read)


def _difference(contrast: Contrast, quantity: str, language: str, layer: int) -> Asked:
    return Asked(
        scope=difference_scope(quantity, contrast.first.language, contrast.specification, layer),
        formula=Formula.RATIO_DIFFERENCE,
        language=language,
        ablation=contrast.first,
        less=contrast.second,
    )


def families(base: BaseRun) -> Iterator[tuple[Ablation, ...]]:
    """By language: every ablation, and the primary specification under the same seed; the least alpha first."""
    for code in tuned_codes(base):
        if found := tuple(each for each in base.ablations if each.language == code):
            both = (_primary(base, found[0]), *found)
            yield tuple(sorted(both, key=lambda each: (each.choice.alpha, each.choice.layers)))


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


def _tuned_run(base: BaseRun, ablation: Ablation, language: str) -> TunedRun:
    after = base.tuned(f"activations-tuned/{ablation.name}/{language}", max(ablation.read_out))
    return TunedRun(base=base, adapter=ablation.language, language=language, after={ablation.seed: after})
