"""The multiverse by pencil: shares, flips, deciding choice, grade and the price of a match; and what must never move them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.multiverse import chance_of_match, match_by_chance, multiverse_of, sign_test
from harness.words.judgement import Explored, Grade, Move, Multiverse, SpecificationVerdict
from harness.words.specification import (
    Axis,
    AxisKind,
    Grid,
    Level,
    Openness,
    combined,
    specification_name,
)
from harness.words.study import Group, Language, Study
from harness.words.verdict import State, Why
from tests.small_plan import small_study

PASS, DEVIATION = State.PASS, State.DEVIATION

Found = tuple[float | None, State]


def axis(
    name: str, levels: int, openness: Openness = Openness.UNSURE, kind: AxisKind = AxisKind.ANALYSIS
) -> Axis:
    return Axis(
        name=name,
        says=name,
        levels=tuple(Level(name=str(number), says=str(number)) for number in range(levels)),
        openness=openness,
        kind=kind,
        stage="specifications",
    )


def judged(
    axes: Sequence[Axis], find: Callable[[Mapping[str, int]], Found], printed: float = 20.0
) -> Multiverse:
    """A curve over every combination, whose estimates and states a function of the levels gives."""
    verdicts = []
    for differences in combined(axes):
        estimate, state = find({each.name: int(differences.get(each.name, "0")) for each in axes})
        verdicts.append(
            SpecificationVerdict(
                specification=specification_name(axes, differences),
                estimate=estimate,
                state=state if estimate is not None else State.NOT_RUN,
                ci90=None,
                why=Why.INSIDE if estimate is not None else Why.UPSTREAM_NOT_RUN,
            )
        )
    return multiverse_of("claim", axes, verdicts, printed)


def test_the_deciding_choice_by_pencil() -> None:
    """[[20, 24], [10, 14]]: means 22 and 12 by A, 15 and 19 by B, variances 25 and 4 of 29."""
    table = [[20.0, 24.0], [10.0, 14.0]]
    found = judged((axis("a", 2), axis("b", 2)), lambda at: (table[at["a"]][at["b"]], PASS))
    assert [each.axis for each in found.deciding] == ["a", "b"]
    assert [each.share for each in found.deciding] == pytest.approx([25 / 29, 4 / 29])
    assert [each.share for each in found.deciding] == pytest.approx([0.862069, 0.137931], abs=1e-6)


def test_the_price_of_a_match_by_pencil() -> None:
    assert match_by_chance(96, 30.0) == pytest.approx(0.155, abs=5e-4)
    assert chance_of_match(96, 30.0, 0.5) == pytest.approx(0.96, abs=5e-3)
    assert chance_of_match(96, 30.0, 15.0) == 1.0


def test_a_match_is_named_with_its_price() -> None:
    found = judged(
        (axis("a", 4), axis("b", 2)), lambda at: (20.0 + at["a"] + 10 * at["b"], PASS), printed=31.5
    )
    assert found.best_match is not None
    assert found.best_match.specification == "a=1+b=1"
    assert found.best_match.distance == pytest.approx(0.5)
    assert found.best_match.by_chance == pytest.approx(13 / 18)
    assert found.best_match.chance == pytest.approx(1 - (12 / 13) ** 8)


def test_one_planted_choice_flips_the_verdict_and_is_named_first() -> None:
    """Of three choices, the second one moves the number out of the band whatever the others; the others add noise."""
    axes = (axis("pooling", 4), axis("group", 2), axis("strength", 3))

    def planted(at: Mapping[str, int]) -> Found:
        estimate = 20.0 - 30.0 * at["group"] + 0.3 * at["pooling"] - 0.2 * at["strength"]
        return estimate, DEVIATION if at["group"] else PASS

    found = judged(axes, planted)
    assert found.flips == ("group=1",)
    assert found.flip_distance == 1
    assert found.deciding[0].axis == "group"
    assert found.deciding[0].share > 0.99
    assert found.changes_sign
    assert found.explored_share == pytest.approx(0.5)
    assert found.same_verdict_share is None
    assert found.grade is Grade.MIXED


@pytest.mark.parametrize(
    ("openness", "flips_at", "grade"),
    [
        (Openness.EQUIVALENT, {}, Grade.ROBUST),
        (Openness.EQUIVALENT, {"a": 1}, Grade.FRAGILE),
        (Openness.UNSURE, {"a": 1}, Grade.MIXED),
        (Openness.UNSURE, {"a": 1, "b": 1}, Grade.ROBUST),
        (Openness.NOT_EQUIVALENT, {"a": 1}, Grade.NOT_ASSESSED),
    ],
    ids=["nothing-flips", "equivalent-flips", "unsure-flips", "only-two-together-flip", "another-quantity"],
)
def test_the_grade(openness: Openness, flips_at: Mapping[str, int], grade: Grade) -> None:
    """Eight specifications; of those that are another quantity none counts, so four are too few."""
    axes = (axis("a", 2, openness), axis("b", 2), axis("c", 2))

    def planted(at: Mapping[str, int]) -> Found:
        moves = bool(flips_at) and all(at[name] == level for name, level in flips_at.items())
        return 20.0, DEVIATION if moves else PASS

    found = judged(axes, planted)
    assert found.grade is grade
    if openness is Openness.NOT_EQUIVALENT:
        assert found.flips == ()


def test_an_equivalent_share_below_one_half_is_fragile_without_any_single_flip() -> None:
    """Of 3 x 3 x 3, whatever changes two choices flips: 7 of 27 agree."""
    axes = tuple(axis(name, 3, Openness.EQUIVALENT) for name in "abc")
    found = judged(
        axes, lambda at: (20.0 + sum(at.values()), DEVIATION if sum(map(bool, at.values())) > 1 else PASS)
    )
    assert found.same_verdict_share == pytest.approx(7 / 27)
    assert (found.flip_distance, found.flips) == (2, ())
    assert found.grade is Grade.FRAGILE


def test_seven_specifications_earn_no_grade_and_eight_do() -> None:
    axes = (axis("a", 2), axis("b", 4))
    assert judged(axes, lambda _: (20.0, PASS)).grade is Grade.ROBUST
    holed = judged(axes, lambda at: (None if at == {"a": 1, "b": 3} else 20.0, PASS))
    assert holed.grade is Grade.NOT_ASSESSED
    assert [each.specification for each in holed.specifications if each.estimate is None] == ["a=1+b=3"]


def test_an_unjudged_primary_earns_no_grade() -> None:
    axes = (axis("a", 2), axis("b", 4))
    assert judged(axes, lambda _: (20.0, State.ERROR)).grade is Grade.NOT_ASSESSED


ESTIMATES = st.integers(0, 40).map(float)
STATES = st.sampled_from([PASS, DEVIATION, State.INCONCLUSIVE])
SIZES = (3, 2, 2)
TABLES = st.lists(st.tuples(ESTIMATES, STATES), min_size=12, max_size=12)


def looked_up(table: Sequence[tuple[float, State]], sizes: Sequence[int]) -> dict[tuple[int, ...], Found]:
    return dict(zip(product(*map(range, sizes)), table, strict=True))


@given(TABLES, st.sampled_from(list(Openness)), st.integers(0, 2))
def test_a_duplicated_level_changes_no_share(
    table: Sequence[tuple[float, State]], openness: Openness, twice: int
) -> None:
    found = looked_up(table, SIZES)
    others = (axis("b", 2), axis("c", 2))
    once = judged((axis("a", 3, openness), *others), lambda at: found[at["a"], at["b"], at["c"]])
    again = judged(
        (axis("a", 4, openness), *others),
        lambda at: found[at["a"] if at["a"] < 3 else twice, at["b"], at["c"]],
    )
    assert again.same_verdict_share == pytest.approx(once.same_verdict_share)
    assert again.explored_share == pytest.approx(once.explored_share)
    shares = ({each.axis: each.share for each in some.deciding} for some in (once, again))
    assert next(shares) == pytest.approx(next(shares))
    assert again.flip_distance == once.flip_distance


@given(TABLES, st.permutations(range(3)), st.permutations(list(Openness)))
def test_the_order_of_axes_changes_nothing(
    table: Sequence[tuple[float, State]], order: Sequence[int], openness: Sequence[Openness]
) -> None:
    found = looked_up(table, SIZES)
    axes = [axis(name, size, each) for name, size, each in zip("abc", SIZES, openness, strict=True)]

    def at_levels(at: Mapping[str, int]) -> Found:
        return found[at["a"], at["b"], at["c"]]

    one, other = judged(axes, at_levels), judged([axes[place] for place in order], at_levels)
    assert (one.grade, one.flip_distance, one.changes_sign) == (
        other.grade,
        other.flip_distance,
        other.changes_sign,
    )
    assert sorted(one.flips) == sorted(other.flips)
    assert one.same_verdict_share == pytest.approx(other.same_verdict_share)
    assert one.explored_share == pytest.approx(other.explored_share)
    shares = ({each.axis: each.share for each in some.deciding} for some in (one, other))
    assert next(shares) == pytest.approx(next(shares))


def test_what_is_not_registered_moves_no_figure_but_its_own() -> None:
    """Three free choices of two levels, and beside them two trainings: one flips verdict and sign, one lacks seeds for any."""
    free, trained = [axis(name, 2) for name in "abc"], axis("t", 3, kind=AxisKind.TRAINING)
    registered = judged(free, lambda at: (20.0 + at["a"], PASS))

    def told(name: str, estimate: float, state: State, why: Why = Why.INSIDE) -> SpecificationVerdict:
        return SpecificationVerdict(specification=name, estimate=estimate, state=state, ci90=None, why=why)

    further = (
        told("t=1", 20.0, State.INCONCLUSIVE, Why.TOO_FEW_SEEDS),
        told("t=2", -5.0, DEVIATION),
    )
    found = multiverse_of("claim", [*free, trained], (*registered.specifications, *further), 20.0)
    same = replace(
        found, axes=registered.axes, specifications=registered.specifications, deciding=(), explored=None
    )
    assert same == replace(registered, deciding=())
    assert found.grade is Grade.ROBUST
    assert found.explored == Explored(
        same_verdict_share=None,
        flips=("t=2",),
        changes_sign=True,
        moves=(Move(specification="t=2", by=-25.0), Move(specification="t=1", by=0.0)),
    )
    whole = multiverse_of("claim", [*free, trained], (*registered.specifications, *further), 20.0, Grid.ALL)
    assert (whole.grade, whole.explored) == (Grade.MIXED, None)


def test_equally_defensible_extractions_have_a_share_of_their_own() -> None:
    """Two of them, of which one flips: each weighs as much as the primary one, 2 of 3."""
    read = axis("e", 3, Openness.EQUIVALENT, AxisKind.EXTRACTION)
    found = judged([read], lambda at: (20.0 + at["e"], DEVIATION if at["e"] == 2 else PASS))
    assert found.same_verdict_share is None
    assert found.explored is not None
    assert found.explored.same_verdict_share == pytest.approx(2 / 3)


def of_groups(*groups: Group) -> Study:
    languages = (
        Language(code=f"l{place}", name="a language", group=group, script="LATIN")
        for place, group in enumerate(groups)
    )
    return small_study(languages=tuple(languages))


THREE = of_groups(Group.REFERENCE, Group.HIGH, Group.HIGH, Group.LOW)
NOT_READ = float("nan")


def test_the_sign_over_specifications_by_pencil() -> None:
    """50 % below (10 + 10) / 2, and 20 % below (10 + 10 + 10) / 3; with another language low, both lie above."""
    found = sign_test(THREE, [(NOT_READ, 10.0, 10.0, 5.0), (10.0, 10.0, 10.0, 8.0)], +1)
    assert found is not None
    assert (found.specifications, found.ways, found.share) == (2, 3, 1.0)
    assert (found.median, found.p_share, found.p_median) == pytest.approx((35.0, 1 / 3, 1 / 3))


def test_a_sign_that_any_grouping_has_is_no_finding() -> None:
    """All alike but for one high language far above: whichever of the others is low, the gap is as large."""
    found = sign_test(THREE, [(NOT_READ, 30.0, 10.0, 10.0)], +1)
    assert found is not None
    assert (found.share, found.p_share) == pytest.approx((1.0, 2 / 3))
    assert found.p_median == pytest.approx(2 / 3)


def test_the_contrary_sign_is_tested_as_claimed() -> None:
    found = sign_test(THREE, [(NOT_READ, 10.0, 10.0, 15.0)], -1)
    assert found is not None
    assert (found.share, found.median, found.p_share) == pytest.approx((1.0, -50.0, 1 / 3))


def test_one_group_alone_has_nothing_to_share_out() -> None:
    assert sign_test(of_groups(Group.REFERENCE, Group.LOW), [(1.0, 1.0)], +1) is None


def test_nine_languages_are_shared_out_in_as_many_ways_as_the_paper_has() -> None:
    study = of_groups(Group.REFERENCE, *[Group.HIGH] * 4, *[Group.LOW] * 5)
    found = sign_test(study, [(NOT_READ, *range(90, 0, -10))], +1)
    assert found is not None
    assert found.ways == 126
    assert found.p_share <= found.share
    assert found.p_median == pytest.approx(1 / 126)
