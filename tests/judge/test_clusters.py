"""Units that vary together are resampled by their cluster: an error known beforehand, and none that moves without reason."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.judge.audit_input import UNSAID_SHARING
from harness.judge.declaration import Entry, PhraseRow, Raw, Row
from harness.judge.measurements import Measurement
from harness.words.claim import InferenceTarget
from harness.words.errors import UsageError
from harness.words.estimate import Formula
from tests.judge.test_audit_input import GAP, entry, placed

ADDRESSES: dict[str, tuple[str, str, str]] = {
    "gap-percent": ("gap.l6.value", GAP, "percent"),
    "mean-of-gaps-percent": ("gap.l6.value", GAP, "percent"),
    "mean-difference": (
        "bench.ml.hellaswag.value",
        "delta/lang=ml/bench=hellaswag/primary/primary",
        "points",
    ),
}
"""By formula: a claim, its estimate and unit."""
BETWEEN = InferenceTarget.POPULATION

FORMULAS = pytest.mark.parametrize("formula", ADDRESSES)


def rows(num_clusters: int, size: int, cluster: Callable[[int, int], str | None]) -> tuple[Row, ...]:
    """Clusters of identical units; outcomes are right or wrong, so that steps are paired, and none is 0 on both sides."""
    return tuple(
        Row(
            unit=f"u{place}-{member}",
            cluster=cluster(place, member),
            observed=100.0 * (place % 3 > 0),
            reference=100.0 * (place % 4 > 0) or 100.0 * (place % 3 == 0),
        )
        for place in range(num_clusters)
        for member in range(size)
    )


def positive(values: tuple[Row, ...]) -> tuple[Row, ...]:
    """The same as activations: a reference above 0 throughout."""
    return tuple(
        replace(row, observed=row.observed + 40 + len(row.unit), reference=row.reference + 80)
        for row in values
    )


def entry_of(formula: str, values: tuple[Row, ...]) -> Entry:
    claim, _, unit = ADDRESSES[formula]
    of_latents = positive(values) if formula != "mean-difference" else values
    return entry(claim, Raw(formula=Formula(formula), unit_values=of_latents), unit=unit)


def measured(formula: str, values: tuple[Row, ...]) -> Measurement:
    return placed(entry_of(formula, values)).measurements[ADDRESSES[formula][1], BETWEEN]


@FORMULAS
def test_clusters_of_identical_units_have_the_error_of_their_number(formula: str) -> None:
    many = measured(formula, rows(24, 5, lambda place, _: f"c{place}"))
    one_each = measured(formula, rows(24, 1, lambda *_: None))
    as_if_alone = measured(formula, rows(24, 5, lambda *_: None))
    assert many.value == pytest.approx(one_each.value)
    assert many.spread.se == pytest.approx(one_each.spread.se)
    assert (many.spread.df, one_each.spread.df) == pytest.approx((23, 23))
    assert many.interval(0.90) == pytest.approx(one_each.interval(0.90))
    assert as_if_alone.spread.se < many.spread.se / 2
    assert (many.num_units, one_each.num_units) == (120, 24)
    assert "over 24 clusters of 120" in many.method


@FORMULAS
def test_a_cluster_for_each_unit_changes_nothing(formula: str) -> None:
    alone = measured(formula, rows(24, 1, lambda *_: None))
    declared = measured(formula, rows(24, 1, lambda place, _: f"c{place}"))
    assert (declared.value, declared.spread, declared.method) == (alone.value, alone.spread, alone.method)
    assert declared.interval(0.95) == alone.interval(0.95)
    assert declared.flip_tails == alone.flip_tails


def test_an_unequal_cluster_weighs_by_its_units() -> None:
    """Differences 0 0 0 | 100 | 0: a mean of 20 with residuals -60, 80 and -20 by hand, over a mean size of 5 / 3."""
    values = [("a", 0.0)] * 3 + [("b", 100.0), ("c", 0.0)]
    found = measured(
        "mean-difference",
        tuple(
            Row(unit=f"u{place}", cluster=name, observed=value, reference=0.0)
            for place, (name, value) in enumerate(values)
        ),
    )
    assert found.value == pytest.approx(20.0)
    by_hand = np.sqrt((60**2 + 80**2 + 20**2) / (3 * 2)) / (5 / 3)
    assert found.spread.se == pytest.approx(by_hand)


def test_clusters_of_outcomes_flip_as_one() -> None:
    alone = measured("mean-difference", rows(8, 1, lambda *_: None))
    together = measured("mean-difference", rows(8, 6, lambda place, _: f"c{place}"))
    assert together.flip_tails == pytest.approx(alone.flip_tails)


def test_whoever_says_what_varies_together_is_not_told_that_nobody_did() -> None:
    for cluster, said in ((lambda *_: None, [UNSAID_SHARING]), (lambda place, _: f"c{place}", [])):
        assert list(placed(entry_of("gap-percent", rows(6, 2, cluster))).remarks.values()) == said


@pytest.mark.parametrize(
    ("bent", "says"),
    [
        (lambda raw: replace(raw, unit_values=(replace(raw.unit_values[0], cluster=None), *raw.unit_values[1:])),
            "has no cluster"),
        (lambda raw: replace(raw, unit_values=(
            *(replace(row, seed=1) for row in raw.unit_values),
            *(replace(row, seed=2, cluster="other") for row in raw.unit_values))),
            "is in the clusters 'other' and 'c0'|is in the clusters 'c0' and 'other'"),
        (lambda raw: replace(raw, phrase_values=tuple(
            PhraseRow(unit=row.unit, phrase="p", observed=row.observed, reference=row.reference) for row in raw.unit_values)),
            "units have clusters and phrases"),
    ],
    ids=["a unit without one", "another one under another seed", "with phrases"],
)  # fmt: skip
def test_clusters_that_do_not_hold_together_are_refused(bent: Callable[[Raw], Raw], says: str) -> None:
    good = entry_of("gap-percent", rows(6, 2, lambda place, _: f"c{place}"))
    assert isinstance(good.measured, Raw)
    with pytest.raises(UsageError, match=says):
        placed(replace(good, measured=bent(good.measured)))


def test_a_correlation_knows_no_clusters() -> None:
    codes = ("zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi")
    values = tuple(
        Row(unit=code, cluster=code[0], observed=float(place % 4), reference=float(place))
        for place, code in enumerate(codes)
    )
    with pytest.raises(UsageError, match="knows no clusters"):
        placed(entry("corr.gap_acc.arc", Raw(formula=Formula.PEARSON, unit_values=values), unit="r"))
