"""What figures draw and tables print of an estimate: the judge's interval and every seed, by pencil."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness.judge.measurements import measurements_of, precisions
from harness.judge.unit_values import read_stored
from harness.sources.studies import load_study
from harness.store.tables import write_table
from harness.words.estimate import Estimate, Formula, PhraseValue, UnitValue
from harness.words.judgement import Precision

SIDES = ((8.0, 10.0), (9.0, 12.0), (6.0, 8.0), (7.0, 10.0))
"""Four latents, low and high: the gap is 25, its standard error 2.041241 (the judge's own known answer)."""


def estimate(name: str, formula: Formula, value: float, **more: object) -> Estimate:
    quantity = name.partition("/")[0]
    settled: dict[str, object] = {
        "estimate_id": name, "quantity": quantity, "reading": "high", "specification": "primary",
        "formula": formula, "unit": "percent", "value": value, "layer": 6, "language": None, "benchmark": None,
        "unit_kind": "latent", "num_units": 4, "num_seeds": 0,
    }  # fmt: skip
    return Estimate(**(settled | more))  # type: ignore[arg-type]


def units(name: str, seed: int | None, scale: float = 1.0) -> list[UnitValue]:
    return [
        UnitValue(estimate_id=name, unit=str(place), seed=seed, observed=scale * low, reference=high)
        for place, (low, high) in enumerate(SIDES)
    ]


def found(folder: Path, rows: Sequence[Estimate], values: Sequence[UnitValue]) -> Mapping[str, Precision]:
    write_table(folder, Estimate, rows)
    write_table(folder, UnitValue, values)
    write_table(
        folder,
        PhraseValue,
        [PhraseValue(estimate_id="other", unit="0", text_id=0, observed=1.0, reference=1.0)],
    )
    samples = measurements_of(load_study("sin2025"), read_stored(folder), ())
    return precisions(samples)


def test_a_gap_has_the_judges_interval_and_no_seed(tmp_path: Path) -> None:
    known = found(tmp_path, [estimate("gap/a", Formula.GAP, 25.0)], units("gap/a", None))["gap/a"]
    assert known.se == pytest.approx(2.041241, abs=1e-6)
    assert known.df == 3
    # Two of the four latents lie on the ratio itself: one draw in sixteen has no error, and the interval no end.
    assert known.ci90 is None
    assert known.seeds == ()


def test_every_seed_of_a_gain_stands_with_both_sides(tmp_path: Path) -> None:
    row = estimate("gain/a", Formula.CHANGE, 12.5, language="ml", num_seeds=2)
    known = found(tmp_path, [row], [*units("gain/a", 0, 1.4), *units("gain/a", 1, 1.6)])["gain/a"]
    # Before, the latents sum to 40; after, to 42 and to 48: changes of 5 % and 20 %, means of 10.5 and 12.
    assert [(seed.seed, seed.value) for seed in known.seeds] == [
        (0, pytest.approx(5)),
        (1, pytest.approx(20)),
    ]
    assert [(seed.before, seed.after) for seed in known.seeds] == [
        (10, pytest.approx(10.5)),
        (10, pytest.approx(12)),
    ]


def test_a_figure_of_one_seed_each_has_no_sides(tmp_path: Path) -> None:
    row = estimate("retention/a", Formula.DIFFERENCE, 95.0, unit_kind="seed", num_units=1, num_seeds=2)
    values = [
        UnitValue(estimate_id="retention/a", unit="adapter", seed=seed, observed=observed, reference=0.0)
        for seed, observed in ((0, 94.0), (1, 96.0))
    ]
    seeds = found(tmp_path, [row], values)["retention/a"].seeds
    assert [(seed.value, seed.before, seed.after) for seed in seeds] == [
        (94.0, None, None),
        (96.0, None, None),
    ]


def test_every_number_over_units_has_an_interval_and_a_single_figure_none(tmp_path: Path) -> None:
    rows = [
        estimate("tokens/a", Formula.DIFFERENCE, -2.5, unit_kind="text"),
        estimate("dictionary-l0/a", Formula.NO_UNITS, 12.0, unit_kind="token"),
        estimate("correlation/a", Formula.PEARSON, 0.9, unit_kind="language", num_units=5),
    ]
    pairs = [
        UnitValue(estimate_id="correlation/a", unit=unit, seed=None, observed=y, reference=x)
        for unit, x, y in zip(("ml", "hi", "mr", "id", "ca"), (1.0, 2.0, 3.0, 4.0, 5.0), (1.0, 2.0, 3.0, 5.0, 4.0), strict=True)
    ]  # fmt: skip
    known = found(tmp_path, rows, [*units("tokens/a", None), *pairs])
    assert list(known) == ["tokens/a", "correlation/a"]
    # Differences of -2, -3, -2 and -3: a standard error of 0.288675, and 2.353363 of it to either side.
    assert known["tokens/a"].ci90 == (
        pytest.approx(-3.179358, abs=1e-6),
        pytest.approx(-1.820642, abs=1e-6),
    )
    # Fisher's z of 0.9 is 1.472219; with five units its error is 0.707107, and 1.644854 of it to either side.
    assert known["correlation/a"].ci90 == (
        pytest.approx(0.299647, abs=1e-5),
        pytest.approx(0.989772, abs=1e-5),
    )


def test_an_estimate_that_its_units_contradict_has_none(tmp_path: Path) -> None:
    rows = [estimate("gap/a", Formula.GAP, 26.0), estimate("gap/b", Formula.GAP, 25.0)]
    assert list(found(tmp_path, rows, [*units("gap/a", None), *units("gap/b", None)])) == ["gap/b"]
