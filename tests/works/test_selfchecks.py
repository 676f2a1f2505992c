"""The self-checks check: agreement at the edge, and nothing missing on either side passes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.works.selfchecks import Figure, Kind, checks, pencil_figures, recorded_numbers


def figure(value: float, kind: Kind) -> Iterator[Figure]:
    return iter((Figure(check_id="a.number", says="a number", value=value, kind=kind),))


@pytest.mark.parametrize(
    ("kind", "recorded", "found", "differs"),
    [
        pytest.param(Kind.EXACT, 5.0, 5.0, False, id="an exact figure agrees"),
        pytest.param(Kind.EXACT, 5.0, 6.0, True, id="an exact figure has no room"),
        pytest.param(Kind.COUNT, 18.0, 17.0, False, id="a count may lose one item"),
        pytest.param(Kind.COUNT, 18.0, 16.0, True, id="but not two"),
        pytest.param(Kind.MEAN, 2.0, 2.00019, False, id="a mean within 1e-4 of itself"),
        pytest.param(Kind.MEAN, 2.0, 2.00021, True, id="a mean beyond it"),
        pytest.param(Kind.MEAN, 2.0, float("nan"), True, id="what is no number differs"),
    ],
)
def test_a_figure_is_held_against_its_record(
    kind: Kind, recorded: float, found: float, *, differs: bool
) -> None:
    (check,) = checks(figure(found, kind), {"a.number": recorded})
    assert check.differs is differs
    assert check.because


def test_a_figure_without_a_record_differs() -> None:
    (check,) = checks(figure(1.0, Kind.EXACT), {})
    assert check.differs


def test_a_record_without_a_figure_differs() -> None:
    rows = list(checks(figure(1.0, Kind.EXACT), {"a.number": 1.0, "lost": 2.0}))
    assert [(row.check_id, row.differs) for row in rows] == [("a.number", False), ("lost", True)]


def test_the_pencil_agrees() -> None:
    # Low 1 and 2, high 2 and 3: 100 * (1 - 3/5) = 40, and 100 * (1 - (1/2 + 2/3) / 2) = 41.67.
    found = {each.check_id: each.value for each in pencil_figures()}
    assert found["estimates.ratio-of-means"] == pytest.approx(40.0)
    assert found["estimates.mean-of-ratios"] == pytest.approx(41 + 2 / 3)


@pytest.mark.parametrize("content", [[1, 2], {"a": "one"}], ids=["a list", "a word for a number"])
def test_records_are_numbers_by_name(tmp_path: Path, content: object) -> None:
    (tmp_path / "numbers.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="must map check ids to numbers"):
        recorded_numbers(tmp_path)
