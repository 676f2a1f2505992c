"""Numbers as readers see them."""

import pytest

from harness.designs.disparity.quantities import QUANTITIES
from harness.report.figures import band_step
from harness.report.numbers import UNITS, amount, count, exact, size
from harness.words.claim import Unit


@pytest.mark.parametrize(
    ("value", "unit", "signed", "expected"),
    [
        (26.274, "percent", True, "+26.27\u202f%"),
        (-0.216, "points", True, "\u22120.22 points"),
        # A difference too small to print has no sign: neither "+0.00" nor a negative zero.
        (-0.004, "points", True, "0.00 points"),
        (0.0, "percent", True, "0.00\u202f%"),
        (91.0, "percent", False, "91.00\u202f%"),
        (-0.1, "cosine", False, "\u22120.100"),
        (3.14159, "nats", False, "3.142 nats"),
        (None, "percent", True, "not finite"),
    ],
)
def test_amount(value: float | None, unit: str, signed: bool, expected: str) -> None:  # noqa: FBT001 - parametrised
    assert amount(value, unit, signed=signed, with_unit=True) == expected


def test_every_unit_is_written_in_some_way_and_every_design_counts_in_one() -> None:
    assert set(UNITS) == set(Unit)
    assert {quantity.unit for quantity in QUANTITIES.values()} <= set(Unit)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (64.0, "64"),
        (0.123456789, "0.123457"),
        (-2.5e-9, "\u22122.5\u00d710^\u22129"),
        (None, "not finite"),
    ],
)
def test_exact(value: float | None, expected: str) -> None:
    assert exact(value) == expected


def test_counts_and_sizes() -> None:
    assert [count(1, "adapter"), count(1_200, "document")] == ["1 adapter", "1,200 documents"]
    assert [size(12), size(2_048), size(5 * 1024**3)] == ["12 B", "2.0 KiB", "5.0 GiB"]


@pytest.mark.parametrize(
    ("largest", "step"), [(26.3, 5.0), (0.9, 0.2), (5.5, 1.0), (0.0, 1.0), (137.0, 25.0)]
)
def test_bands_reach_the_largest_value(largest: float, step: float) -> None:
    assert band_step(largest) == pytest.approx(step)
    assert 5.5 * step >= largest
