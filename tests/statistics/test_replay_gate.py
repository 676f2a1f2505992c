"""The replay gate by pencil: what correlation sees, what only scale sees, and how many rows a layer needs."""

import pytest

from harness.statistics.replay_gate import Agreement, agreement, layer_passes

STORED = (0.0, 1.0, 2.0, 3.0)
GOOD, BAD = (
    Agreement(correlation=1.0, scale=scale, same_peak=True) for scale in (1.0, 0.6)
)  # fmt: skip


def test_a_row_found_again_has_correlation_and_scale_one() -> None:
    assert agreement(STORED, STORED) == Agreement(correlation=1.0, scale=1.0, same_peak=True)


def test_what_a_missing_bos_does_is_seen_by_scale_alone() -> None:
    found = agreement(STORED, [0.65 * value for value in STORED])
    assert (found.correlation, found.same_peak, found.passes) == (pytest.approx(1.0), True, False)
    assert found.scale == pytest.approx(0.65)


def test_the_scale_is_the_slope_through_the_origin() -> None:
    """Products 0 + 2 + 2 + 3 over squares 0 + 1 + 4 + 9."""
    assert agreement(STORED, (5.0, 2.0, 1.0, 1.0)).scale == pytest.approx(7 / 14)


def test_another_peak_is_seen() -> None:
    assert not agreement(STORED, (0.0, 1.0, 3.0, 2.0)).same_peak


@pytest.mark.parametrize(
    ("scale", "passes"),
    [(0.949, False), (0.951, True), (1.019, True), (1.021, False)],
    ids=["just below", "just above the lower bound", "just below the upper bound", "just above"],
)
def test_the_bounds_of_the_scale(scale: float, *, passes: bool) -> None:
    assert agreement(STORED, [scale * value for value in STORED]).passes is passes


def test_a_latent_that_fires_no_more_has_no_correlation() -> None:
    found = agreement(STORED, (0.0, 0.0, 0.0, 0.0))
    assert (found.correlation, found.scale, found.passes) == (0.0, 0.0, False)


def test_a_row_that_does_not_vary_agrees_with_its_like() -> None:
    assert agreement((2.0, 2.0), (2.0, 2.0)).passes
    assert not agreement((2.0, 2.0), (2.0, 1.9)).passes


@pytest.mark.parametrize("stored", [(0.0, 0.0), (1.0,)], ids=["zero everywhere", "another length"])
def test_what_cannot_be_compared_is_refused(stored: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        agreement(stored, (1.0, 1.0))


@pytest.mark.parametrize(
    ("rows", "passes"),
    [
        pytest.param([GOOD] * 45 + [BAD] * 5, True, id="nine tenths"),
        pytest.param([GOOD] * 44 + [BAD] * 6, False, id="one row fewer"),
        pytest.param([], False, id="no row"),
    ],
)
def test_a_layer_needs_nine_tenths_of_its_rows(rows: list[Agreement], *, passes: bool) -> None:
    assert layer_passes(rows) is passes
