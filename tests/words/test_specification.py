"""Axes and names: what a specification differs in is its name, and the name says what it differs in."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.sin2025.study import AXES
from harness.words.specification import (
    PRIMARY,
    Axis,
    AxisKind,
    Grid,
    Level,
    Openness,
    asked_axes,
    combined,
    differences_of,
    fraction,
    of_kind,
    one_at_a_time,
    specification_name,
)

ANY = st.fixed_dictionaries(
    {axis.name: st.sampled_from([level.name for level in axis.levels]) for axis in AXES}
)


def test_a_specification_is_named_by_its_differences_in_the_order_of_the_axes() -> None:
    assert specification_name(AXES, {}) == PRIMARY
    assert specification_name(AXES, {"pooling": "mean"}) == PRIMARY
    assert specification_name(AXES, {"pooling": "max"}) == "pooling=max"
    both = {"group": "with-english", "pooling": "max"}
    assert specification_name(AXES, both) == "pooling=max+group=with-english"


@given(ANY)
def test_a_name_leads_back_to_its_differences(levels: dict[str, str]) -> None:
    name = specification_name(AXES, levels)
    differences = differences_of(AXES, name)
    assert specification_name(AXES, differences) == name
    assert {**{axis.name: axis.levels[0].name for axis in AXES}, **differences} == levels


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("poling=max", "no axis is called 'poling'"),
        ("pooling=most", "axis pooling has no level 'most'; expected one of"),
        ("pooling=mean", "the same one is 'primary'"),
        ("group=with-english+pooling=max", "the same one is 'pooling=max\\+group=with-english'"),
        ("pooling", "axis pooling has no level ''"),
    ],
)
def test_a_name_that_names_nothing_is_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        differences_of(AXES, name)


def test_names_can_stand_in_an_estimates_id() -> None:
    """An id is split at "/", a name at "+", a difference at "="."""
    words = [word for axis in AXES for word in (axis.name, *(level.name for level in axis.levels))]
    assert not [word for word in words if set(word) & set("/+= ")]
    assert len({axis.name for axis in AXES}) == len(AXES)
    assert all(len({level.name for level in axis.levels}) == len(axis.levels) > 1 for axis in AXES)


def test_the_grids_take_their_axes() -> None:
    analysis = of_kind(AXES, AxisKind.ANALYSIS)
    assert asked_axes(AXES, Grid.NONE) == ()
    assert asked_axes(AXES, Grid.ANALYSIS) == analysis
    assert asked_axes(AXES, Grid.ALL) == AXES
    assert set(asked_axes(AXES, Grid.EXTRACTION)) & set(asked_axes(AXES, Grid.TRAINING)) == set(analysis)


def test_combinations_and_single_changes_are_counted_by_hand() -> None:
    """Gaps: 4 poolings, 3 speakers, 3 strengths, 3 translations, 2 groups and 3 formulas are 648; 12 single changes."""
    of_gaps = AXES[:6]
    every = list(combined(of_gaps))
    assert len(every) == 648
    assert every[0] == {}
    assert len({specification_name(AXES, each) for each in every}) == 648
    assert len(list(one_at_a_time(of_gaps))) == 3 + 2 + 2 + 2 + 1 + 2


def test_a_level_says_how_it_is_made_or_why_it_is_not() -> None:
    """Every other level of a costly axis changes a field, or says why no run has it."""
    for axis in AXES:
        assert not axis.levels[0].sets
        assert not axis.levels[0].missing
        for level in axis.others:
            assert axis.kind is AxisKind.ANALYSIS or bool(level.sets) is not bool(level.missing), (
                axis,
                level,
            )


def bare(count: int) -> list[Axis]:
    """Axes of two levels each."""
    levels = (Level(name="0", says="0"), Level(name="1", says="1"))
    return [
        Axis(
            name=f"a{place}",
            says="a",
            levels=levels,
            openness=Openness.UNSURE,
            kind=AxisKind.EXTRACTION,
            stage="activations",
        )
        for place in range(count)
    ]


def test_four_axes_take_eight_runs_whose_words_have_four_letters() -> None:
    """The half fraction of Box and Hunter: D = ABC, so that of all four the number moved is even."""
    runs = [set(run) for run in fraction(bare(4))]
    assert len(runs) == 8
    assert all(len(run) % 2 == 0 for run in runs)
    assert {"a0", "a1"} in runs


@pytest.mark.parametrize(("axes", "runs"), [(1, 2), (2, 4), (3, 8), (5, 16), (8, 16), (9, 32)])
def test_no_axis_of_a_fraction_is_mixed_up_with_another_or_with_a_pair(axes: int, runs: int) -> None:
    """Another way: the products of signs, column by column."""
    columns = [[1 if f"a{place}" in run else -1 for run in fraction(bare(axes))] for place in range(axes)]
    assert {len(column) for column in columns} == {runs}
    for one in range(axes):
        for two, three in combinations(range(axes), 2):
            words = zip(columns[one], columns[two], columns[three], strict=True)
            assert not sum(a * b * c for a, b, c in words)
        assert not any(
            sum(a * b for a, b in zip(columns[one], columns[two], strict=True))
            for two in range(axes)
            if two != one
        )


def test_no_axis_has_no_fraction() -> None:
    assert list(fraction([])) == []
