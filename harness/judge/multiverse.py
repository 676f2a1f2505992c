"""One claim under every specification: how far its verdict depends on what the paper leaves open.

The primary specification alone decides; what is found here is a grade beside the verdict. Classes of choices are kept apart:
only equally defensible alternatives (E) are pooled into a share, unsure ones (U) are explored, and other quantities (N) are
shown and part of no figure.

Source: U. Simonsohn and others, "Specification curve analysis", Nature Human Behaviour 4 (2020), 1208-1214; M. Del Giudice and
S. Gangestad, "A traveler's guide to the multiverse", AMPPS 4 (2021), for the classes E, N and U.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.designs.design import design_of
from harness.judge.judge import Circumstances, adjusted_in_family, case_verdict, p_dev_of
from harness.judge.measurements import Measurements
from harness.judge.rules import Case, cases_of
from harness.judge.specifications import Specifications
from harness.words.claim import Claim, Rule, Tier
from harness.words.estimate import SpecifiedEstimate
from harness.words.judgement import (
    AxisShare,
    BestMatch,
    Explored,
    Grade,
    Judged,
    Move,
    Multiverse,
    SignTest,
    SpecificationVerdict,
    VariedAxis,
)
from harness.words.specification import PRIMARY, Axis, AxisKind, Grid, Openness, asked_axes, differences_of
from harness.words.study import Group, Study
from harness.words.verdict import JUDGED, CaseVerdict, State, Why

Values = NDArray[np.float64]

ABOUT_ONE = (Rule.WITHIN_MARGIN, Rule.SIGN, Rule.AT_LEAST)
"""Rules about one estimate, which specifications give as they give the primary one."""

ABOUT_SEVERAL = (Rule.EVERY_SIGN, Rule.LARGEST_AT, Rule.LARGEST_WITHIN)

ENOUGH = 8
"""Specifications below which no grade is given."""

ROBUST_FROM = 0.9
"""Share of equally defensible specifications with the primary verdict from which on a grade can be ROBUST."""

FRAGILE_BELOW = 0.5


TINY = 1e-9
"""Sums in another order are the same number."""


@dataclass(frozen=True, kw_only=True)
class Specified:
    """One specification with the level that it takes on every axis."""

    verdict: SpecificationVerdict
    levels: tuple[str, ...]
    differs: tuple[Axis, ...]
    """Axes on which it is not the primary one."""

    @property
    def is_measured(self) -> bool:
        """False of a hole."""
        return self.verdict.estimate is not None

    @property
    def keeps_the_quantity(self) -> bool:
        """False where some choice makes it another quantity."""
        return all(axis.openness is not Openness.NOT_EQUIVALENT for axis in self.differs)

    @property
    def is_equivalent(self) -> bool:
        """Whether it differs in equally defensible choices alone."""
        return all(axis.openness is Openness.EQUIVALENT for axis in self.differs)

    @property
    def is_analysis(self) -> bool:
        """Whether stored values give it, so that every combination is there."""
        return all(axis.kind is AxisKind.ANALYSIS for axis in self.differs)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """All specifications of one claim, the primary one first."""

    claim_id: str
    axes: tuple[Axis, ...]
    registered: tuple[Axis, ...]
    """Axes whose levels count in every figure but those of further specifications."""
    specifications: tuple[SpecificationVerdict, ...]

    @cached_property
    def every(self) -> tuple[Specified, ...]:
        """Each specification with its levels."""
        return tuple(map(self._specified, self.specifications))

    @cached_property
    def measured(self) -> tuple[Specified, ...]:
        """Registered ones that were computed and are the same quantity; the primary one first."""
        return tuple(each for each in self._same_quantity if set(each.differs) <= set(self.registered))

    @cached_property
    def further(self) -> tuple[Specified, ...]:
        """The same of those that are not registered."""
        return tuple(each for each in self._same_quantity if not set(each.differs) <= set(self.registered))

    @property
    def _same_quantity(self) -> Iterator[Specified]:
        return (each for each in self.every if each.is_measured and each.keeps_the_quantity)

    def _specified(self, verdict: SpecificationVerdict) -> Specified:
        differences = differences_of(self.axes, verdict.specification)
        return Specified(
            verdict=verdict,
            levels=tuple(differences.get(axis.name, axis.levels[0].name) for axis in self.axes),
            differs=tuple(axis for axis in self.axes if axis.name in differences),
        )

    def same_verdict_share(self, among: Callable[[Specified], bool]) -> float | None:
        """Balanced share with the primary verdict; None where nothing but the primary one is among them."""
        return self._same_share([each for each in self.measured if among(each)])

    def _same_share(self, some: Sequence[Specified]) -> float | None:
        if len(some) < 2:  # noqa: PLR2004  the primary one agrees with itself
            return None
        same = np.array([each.verdict.state is self.primary.state for each in some])
        return float(balanced_weights(some) @ same)

    @property
    def primary(self) -> SpecificationVerdict:
        """The specification that decides."""
        return self.specifications[0]

    @cached_property
    def flipped(self) -> tuple[Specified, ...]:
        """Those with another verdict than the primary one, by how many choices lead there."""
        moved = (each for each in self.measured if each.verdict.state is not self.primary.state)
        return tuple(sorted(moved, key=lambda each: len(each.differs)))

    @cached_property
    def single_flips(self) -> tuple[Specified, ...]:
        """Single choices that move the verdict."""
        return tuple(each for each in self.flipped if len(each.differs) == 1)

    def has_other_sign(self, some: Sequence[Specified]) -> bool:
        """Whether one of some specifications has another sign than the primary one."""
        first = self.primary.estimate or 0.0
        return any((each.verdict.estimate or 0.0) * first < 0 for each in some)

    def explored(self) -> Explored | None:
        """What the further ones say; None where none was computed, or the primary one has no estimate."""
        first = self.primary.estimate
        if not self.further or first is None:
            return None
        moved = ((each.verdict.specification, each.verdict.estimate) for each in self.further)
        moves = [
            Move(specification=name, by=estimate - first) for name, estimate in moved if estimate is not None
        ]
        return Explored(
            same_verdict_share=self._same_share(
                [self.every[0], *(each for each in self.further if each.is_equivalent)]
            ),
            flips=tuple(
                each.verdict.specification
                for each in self.further
                # What is trained for a level takes one seed; that it is too few for the claim is no answer of the level's.
                if each.verdict.state is not self.primary.state and each.verdict.why is not Why.TOO_FEW_SEEDS
            ),
            changes_sign=self.has_other_sign(self.further),
            moves=tuple(sorted(moves, key=lambda move: -abs(move.by))),
        )


def multiverses(
    judged: Judged,
    study: Study,
    measurements: Measurements,
    specifications: Specifications,
    circumstances: Circumstances,
) -> Iterator[Multiverse]:
    """Claims of the design's rules under every specification that a run computed, each by its own rule, margin and family.

    Args:
        judged: The claims with their verdicts under the primary specification.
        study: Whose axes the specifications differ along.
        measurements: What the primary specification measured.
        specifications: What the others did.
        circumstances: What else decides.
    """
    graded = ABOUT_ONE + ABOUT_SEVERAL * design_of(study).grades_several
    p_values = {verdict.claim_id: p_dev_of(verdict.cases[0]) for verdict in judged.verdicts if verdict.cases}
    for claim, verdict in zip(judged.claims, judged.verdicts, strict=True):
        if claim.rule not in graded or verdict.primary is None or claim.tier is Tier.EXPLORATORY:
            continue
        estimates = [measurements.tables.estimates.get(each) for each in claim.primary.estimates]
        there = tuple(each for each in estimates if each is not None)
        beside = specifications.of_all([each.estimate_id for each in there])
        if len(there) < len(estimates) or not beside:
            continue
        found = Judging(
            claim=claim,
            measured=specifications.measured(study, there, claim.inference),
            adjust=adjusted_in_family(claim, judged.claims, p_values),
            circumstances=circumstances,
        )
        verdicts = [
            _told(PRIMARY, verdict.primary),
            *(found.verdict(name, rows) for name, rows in beside.items()),
        ]
        differing = {axis for name in beside for axis in differences_of(study.axes, name)}
        axes = [axis for axis in study.axes if axis.name in differing]
        target = found.case.target
        printed = target.value if target else None
        curve = multiverse_of(claim.id, axes, verdicts, printed, study.grid)
        totals = specifications.totals.get(claim.primary.estimates[0], {})
        sign = claim.sign or int(np.sign(printed or 0.0))
        yield replace(curve, sign_test=sign_test(study, totals.values(), sign)) if totals and sign else curve


@dataclass(frozen=True, kw_only=True, eq=False)
class Judging:
    """One claim, to be judged under other specifications."""

    claim: Claim
    measured: Measurements
    adjust: Callable[[float], float]
    circumstances: Circumstances

    @cached_property
    def case(self) -> Case:
        """The case that decides under the primary specification."""
        return next(cases_of(self.claim))

    def verdict(self, specification: str, rows: Sequence[SpecifiedEstimate]) -> SpecificationVerdict:
        """What the claim's rule says of other estimates in place of the primary ones; a hole where one of them is."""
        if holes := [row for row in rows if row.value is None]:
            return SpecificationVerdict(
                specification=specification,
                state=State.NOT_RUN,
                why=Why.UPSTREAM_NOT_RUN,
                estimate=None,
                ci90=None,
                hole=holes[0].because,
            )
        others = {row.primary_id: row.estimate_id for row in rows}
        reading, named = self.case.reading, self.claim.named
        case = replace(
            self.case,
            claim=replace(self.claim, named=tuple(others.get(each, each) for each in named)),
            reading=replace(reading, estimates=tuple(others[each] for each in reading.estimates)),
        )
        circumstances = self.circumstances
        if not circumstances.subset_estimates.isdisjoint(others):
            circumstances = replace(circumstances, subset_estimates=frozenset(others.values()))
        return _told(specification, case_verdict(case, self.measured, self.adjust, circumstances))


def _told(specification: str, case: CaseVerdict) -> SpecificationVerdict:
    numbers = case.numbers
    return SpecificationVerdict(
        specification=specification,
        # A claim that a measurement decides has no finding of arithmetic.
        state=State(case.state),
        why=case.why,
        estimate=numbers.estimate if numbers else None,
        ci90=numbers.ci90 if numbers else None,
        hole="" if numbers else case.says,
    )


def multiverse_of(
    claim_id: str,
    axes: Sequence[Axis],
    specifications: Sequence[SpecificationVerdict],
    printed: float | None,
    registered: Grid = Grid.ANALYSIS,
) -> Multiverse:
    """What all specifications of a claim say together.

    Args:
        claim_id: The claim.
        axes: Along which they differ, in the study's order.
        specifications: Each with its verdict, the primary one first.
        printed: The number that the claim is held against; None where there is none.
        registered: Which of them give the grade and all figures beside it; the others are explored.
    """
    curve = Curve(
        claim_id=claim_id,
        axes=tuple(axes),
        registered=asked_axes(axes, registered),
        specifications=tuple(specifications),
    )
    same = curve.same_verdict_share(lambda each: each.is_equivalent)
    return Multiverse(
        claim_id=claim_id,
        axes=tuple(
            VariedAxis(
                name=axis.name,
                says=axis.says,
                openness=axis.openness,
                levels=tuple(level.name for level in axis.levels),
            )
            for axis in axes
        ),
        specifications=curve.specifications,
        grade=grade_of(curve, same),
        same_verdict_share=same,
        explored_share=curve.same_verdict_share(lambda each: each.is_analysis),
        flip_distance=len(curve.flipped[0].differs) if curve.flipped else None,
        flips=tuple(each.verdict.specification for each in curve.single_flips),
        changes_sign=curve.has_other_sign(curve.measured),
        deciding=tuple(sorted(main_effects(curve), key=lambda each: (-each.share, each.axis))),
        best_match=None if printed is None else best_match(curve, printed),
        explored=curve.explored(),
    )


def grade_of(curve: Curve, same: float | None) -> Grade:
    """The grade of a curve, given the share of equally defensible specifications with the primary verdict."""
    if curve.primary.state not in JUDGED or len(curve.measured) < ENOUGH:
        return Grade.NOT_ASSESSED
    if (same is not None and same < FRAGILE_BELOW) or any(each.is_equivalent for each in curve.single_flips):
        return Grade.FRAGILE
    if (
        (same is None or same >= ROBUST_FROM)
        and not curve.has_other_sign(curve.measured)
        and not curve.single_flips
    ):
        return Grade.ROBUST
    return Grade.MIXED


def balanced_weights(some: Sequence[Specified]) -> Values:
    """Weights with which each choice's levels weigh the same; levels that give the same everywhere count once."""
    weights = np.ones(len(some))
    for place in range(len(some[0].levels)):
        alike = _alike_levels(some, place)
        sizes = [list(alike.values()).count(alike[each.levels[place]]) for each in some]
        weights /= np.array(sizes) * len(set(alike.values()))
    balanced: Values = weights / weights.sum()
    return balanced


def _alike_levels(some: Sequence[Specified], place: int) -> Mapping[str, str]:
    """By level of one axis: the first level with the same estimates and verdicts, whatever the other choices."""
    found: dict[str, dict[tuple[str, ...], tuple[float | None, str]]] = {}
    for each in some:
        others = (*each.levels[:place], *each.levels[place + 1 :])
        found.setdefault(each.levels[place], {})[others] = (each.verdict.estimate, each.verdict.state)
    firsts: dict[str, str] = {}
    for level, shown in found.items():
        firsts[level] = next((first for first in firsts.values() if found[first] == shown), level)
    return firsts


def main_effects(curve: Curve) -> Iterator[AxisShare]:
    """By axis: the variance of its levels' means over that of all estimates, where every combination was asked for."""
    some = [each for each in curve.measured if each.is_analysis]
    weights = balanced_weights(some)
    estimates = np.array([each.verdict.estimate for each in some], dtype=np.float64)
    mean = weights @ estimates
    total = weights @ (estimates - mean) ** 2
    if not total > 0:
        return
    for place, axis in enumerate(curve.axes):
        names = np.array([each.levels[place] for each in some])
        levels = [names == name for name in dict.fromkeys(names.tolist())]
        if len(levels) > 1:
            between = sum(
                weights[own].sum() * (np.average(estimates[own], weights=weights[own]) - mean) ** 2
                for own in levels
            )
            yield AxisShare(axis=axis.name, share=float(between / total))


def sign_test(study: Study, totals: Iterable[Sequence[float]], sign: int) -> SignTest | None:
    """The sign of a gap over specifications, against every way to share the languages out; None where a group is empty.

    Each way moves all specifications at once, so that how alike they are is part of the test.

    Args:
        study: Whose languages are shared out; its reference language never is.
        totals: By specification, what every language's latents amount to; NaN of a reference language that is on neither side.
        sign: The claimed one.
    """
    groups = np.array([language.group for language in study.languages])
    shared, found = groups != Group.REFERENCE, np.array(list(totals), dtype=np.float64)
    own = groups[shared] == Group.LOW
    if not 0 < own.sum() < len(own):
        return None
    ways = np.array(list(combinations(range(len(own)), int(own.sum()))))
    low = np.zeros((len(ways), len(own)))
    np.put_along_axis(low, ways, 1.0, axis=1)
    beside = found[:, ~shared].sum(axis=1)  # an observed language that stays, or no number

    def gaps(low: Values) -> Values:
        """[way, specification]."""
        sums, count = low @ found[:, shared].T, (~own).sum()
        high = found[:, shared].sum(axis=1) - sums
        reference = np.where(np.isnan(beside), high / count, (high + np.nan_to_num(beside)) / (count + 1))
        shares: Values = sign * 100 * (1 - sums / own.sum() / reference)
        return shares

    true, every = gaps(own[None, :].astype(np.float64)), gaps(low)
    share, shares = float(np.mean(true > 0)), np.mean(every > 0, axis=1)
    median, medians = float(np.median(true)), np.median(every, axis=1)
    return SignTest(
        specifications=len(found),
        ways=len(ways),
        share=share,
        p_share=float(np.mean(shares >= share - TINY)),
        median=sign * median,
        p_median=float(np.mean(medians >= median - TINY * max(1.0, abs(median)))),
    )


def best_match(curve: Curve, printed: float) -> BestMatch | None:
    """The specification that lands nearest to the printed number, with its price; None where fewer than two were computed."""
    estimates = [each.verdict.estimate for each in curve.measured if each.verdict.estimate is not None]
    if len(estimates) < 2:  # noqa: PLR2004  one number has no range
        return None
    nearest = min(curve.measured, key=lambda each: abs((each.verdict.estimate or 0.0) - printed))
    distance = abs((nearest.verdict.estimate or 0.0) - printed)
    width = max(estimates) - min(estimates)
    return BestMatch(
        specification=nearest.verdict.specification,
        distance=distance,
        by_chance=match_by_chance(len(estimates), width),
        chance=chance_of_match(len(estimates), width, distance),
    )


def match_by_chance(specifications: int, width: float) -> float:
    """How near so many specifications over a range come on average to any number in it."""
    return width / (2 * (specifications + 1))


def chance_of_match(specifications: int, width: float, distance: float) -> float:
    """How often one of so many specifications over a range lies within a distance of a number drawn from it."""
    if width <= 2 * distance:
        return 1.0
    return float(1 - (1 - 2 * distance / width) ** specifications)
