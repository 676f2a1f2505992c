"""Every specification by pencil from hand-made tables; the primary estimates are the same bytes whatever is computed beside them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from claims.sin2025.study import AXES
from harness.designs.disparity.estimates import estimates as estimates_stage
from harness.designs.disparity.specifications import (
    NO_LAST,
    NO_PANEL,
    NO_PANELS,
    NOTHING_LEFT,
    Kept,
    SpecifiedTables,
    specified,
    widening_of,
)
from harness.store.tables import read_table, write_table
from harness.words.estimate import SpecifiedEstimate, SpecifiedSides
from harness.words.records import PanelActivation, Selection
from harness.words.specification import PRIMARY, Axis, Level
from tests.designs.test_estimates import BASE, inputs, run_of, task_of

__all__ = ["inputs"]

GAP, GAIN, RETENTION = (
    "gap/layer=0/high/primary",
    "gain/layer=0/lang=ml/primary/primary",
    "retention/layer=0/lang=en/activation/primary",
)


def axes_of(*names: str) -> tuple[Axis, ...]:
    """The study's axes of these names, all of analysis if none; gains stand at layer 0 here."""
    renamed = {"20": Level(name="0", says="0")}
    found = (axis for axis in AXES if axis.stage == "specifications" and (not names or axis.name in names))
    return tuple(
        Axis(**{**vars(axis), "levels": tuple(renamed.get(level.name, level) for level in axis.levels)})
        if axis.name == "gain-layer"
        else axis
        for axis in found
    )


def values_of(tables: SpecifiedTables, primary_id: str) -> dict[str, float | str]:
    """By specification: its value, or why there is none."""
    return {
        row.specification: row.because if row.value is None else row.value
        for row in tables.estimates
        if row.primary_id == primary_id
    }


def with_panel(inputs: Mapping[str, Path]) -> None:
    """Two latents of layer 0 on two texts: mean and maximum of each; layer 1 the same."""
    means = {
        "en": ((2.0, 0.0), (4.0, 2.0)),
        "zh": ((1.0, 1.0), (3.0, 1.0)),
        "es": ((1.0, 1.0), (3.0, 1.0)),
        "ml": ((1.0, 3.0), (1.0, 1.0)),
    }
    for code, rows in means.items():
        write_table(
            inputs[f"activations/{code}"],
            PanelActivation,
            [
                PanelActivation(
                    layer=layer,
                    text_id=text,
                    mean=mean,
                    maximum=tuple(2 * value for value in mean),
                    active_fraction=tuple(0.5 if value else 0.0 for value in mean),
                )
                for layer in (0, 1)
                for text, mean in enumerate(rows)
            ],
        )


@pytest.mark.parametrize(
    ("specification", "value"),
    [
        pytest.param("pooling=max", 35.0, id="both sides half again as high"),
        pytest.param("aggregation=mean-of-ratios", 100 / 3, id="mean of 1/2, 0, 1/2"),
        pytest.param("aggregation=median-of-ratios", 50.0, id="median of 1/2, 0, 1/2"),
        pytest.param("group=with-english", 100 * (1 - 6.5 / 11), id="(12+8)/3, (6+4)/3 and (2+1)/3 are 11"),
        pytest.param("translations=same-unflagged", 100 / 3, id="text 0 alone: 2, 3, 1 to 5, 3, 1"),
        pytest.param("translations=unflagged", 100 / 3, id="every language lost the same text"),
        pytest.param(
            "translations=unflagged+group=with-english",
            100 * (1 - 18 / 31),
            id="English keeps both texts: 6, 10/3 and 1 are 31/3",
        ),
        pytest.param(
            "translations=same-unflagged+group=with-english",
            100 * (1 - 18 / 31),
            id="English is the same on text 0",
        ),
        pytest.param("strength=0.9", 35.0, id="all phrases are as strong"),
        pytest.param("speaker=panel", 0.0, id="1 and 2 to 2 and 1"),
        pytest.param("speaker=panel-active", 100 / 3, id="the second latent speaks for text 1 alone"),
        pytest.param("pooling=mean-active+speaker=panel", 0.0, id="half the tokens are active everywhere"),
        pytest.param("pooling=last+speaker=panel", NO_LAST, id="a hole"),
    ],
)
def test_a_gap_under_every_specification_by_pencil(
    inputs: Mapping[str, Path], specification: str, value: float | str
) -> None:
    with_panel(inputs)
    found = values_of(specified(run_of(inputs), axes_of()), GAP)
    assert len(found) == 647
    assert found[specification] == (
        value if isinstance(value, str) else pytest.approx(value, rel=1e-6, abs=1e-6)
    )


@pytest.mark.parametrize(
    ("primary_id", "specification", "value"),
    [
        pytest.param(GAIN, "pooling=max", 37.5, id="both sides half again as high"),
        pytest.param(GAIN, "gain-layer=mean", 31.25, id="mean over layers: (50+100)/2 and (25-50)/2"),
        pytest.param(GAIN, "translations=unflagged", NOTHING_LEFT, id="the one held-out text is flagged"),
        pytest.param(GAIN, "speaker=panel", NO_PANEL, id="no panel through an adapter"),
        pytest.param(RETENTION, "translations=unflagged", 87.5, id="English is never flagged"),
        pytest.param(RETENTION, "translations=same-unflagged", NOTHING_LEFT, id="but in other languages"),
        pytest.param(RETENTION, "gain-layer=mean", 93.75, id="100 and 75 at layer 0, 100 at layer 1"),
        pytest.param("delta/lang=ml/bench=arc/primary/primary", "metric=acc", -12.5, id="the contrary"),
    ],
)
def test_adapters_under_every_specification_by_pencil(
    inputs: Mapping[str, Path], primary_id: str, specification: str, value: float | str
) -> None:
    found = values_of(specified(run_of(inputs), axes_of()), primary_id)
    assert found[specification] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6))


def test_strength_is_a_share_of_the_latents_strongest_drawn_phrase(inputs: Mapping[str, Path]) -> None:
    """Text 1 reaches 0.85 of text 0 for latent 1, and 0.95 for the others; of one as strong both are the strongest."""
    peaks = {1: 8.5, 2: 9.5, 3: 9.5, 9: 10.0}
    rows = [
        Selection(layer=layer, latent=latent, text_id=text, stored_peak=peaks[latent] if text else 10.0)
        for layer, latent in BASE["en"]
        for text in (1, 0)
    ]
    write_table(inputs["phrases/all"], Selection, rows)
    run = run_of(inputs)
    found = values_of(specified(run, axes_of("strength")), GAP)
    assert found["strength=0.9"] == pytest.approx(100 * (1 - 5.5 / 9), rel=1e-6)  # 2, 3, 1/2 to 5, 3, 1
    assert found["strength=strongest"] == pytest.approx(100 / 3, rel=1e-6)
    assert Kept(base=run).strong["strongest"].sum() == 5


def test_a_world_without_panels_shows_holes(inputs: Mapping[str, Path]) -> None:
    for code in BASE:
        write_table(inputs[f"activations/{code}"], PanelActivation, [])
    found = values_of(specified(run_of(inputs), axes_of("speaker")), GAP)
    assert found == {"speaker=panel": NO_PANELS, "speaker=panel-active": NO_PANELS}


def test_two_way_clusters_by_pencil() -> None:
    """Residuals -0.75, 0.25, -0.75, 1.25: squares of sums by unit 0.5, by text 4.5, by pair 2.75, so (0.5 + 4.5 - 2.75) / 0.5."""
    unit, text = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    low, high = np.array([1.0, 3.0, 1.0, 5.0]), np.full(4, 2.0)
    assert widening_of(unit, text, low, high) == pytest.approx(np.sqrt(4.5))
    assert widening_of(unit, np.arange(4), low, high) == 1.0


def test_the_primary_tables_are_the_same_bytes_whatever_the_grid(
    inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    """No grid can move a headline: what claims rest on is written before, and apart."""
    folders = {name: tmp_path / name for name in ("none", "analysis")}
    for name, folder in folders.items():
        folder.mkdir()
        estimates_stage(inputs, out=folder, **task_of(), grid=axes_of() if name == "analysis" else ())
    none, analysis = ({path.name: path.read_bytes() for path in each.iterdir()} for each in folders.values())
    assert {name: analysis[name] for name in none} == none
    assert set(analysis) - set(none) == {
        "specified_estimates.parquet",
        "specified_sides.parquet",
        "specified_totals.parquet",
    }
    owners = {(row.primary_id, row.sides) for row in read_table(folders["analysis"], SpecifiedSides)}
    for row in read_table(folders["analysis"], SpecifiedEstimate):
        assert (row.value is None) is bool(row.because)
        assert row.value is None or (row.primary_id, row.sides) in owners


def test_what_is_known_of_each_language_gives_the_gap_of_the_groups(inputs: Mapping[str, Path]) -> None:
    """Two ways: latent by latent from both sides, and from one total a language: en, zh, es and ml."""
    with_panel(inputs)
    tables = specified(run_of(inputs), axes_of())
    values = {row.specification: row for row in tables.estimates if row.primary_id == GAP}
    of_gap = {row.specification: np.array(row.totals) for row in tables.totals if row.primary_id == GAP}
    assert set(of_gap) == {PRIMARY} | {
        name for name, row in values.items() if row.value is not None and row.formula == "gap-percent"
    }
    for name in set(of_gap) - {PRIMARY}:
        english, chinese, spanish, malayalam = of_gap[name]
        high = [chinese, spanish] if np.isnan(english) else [english, chinese, spanish]
        assert 100 * (1 - malayalam / np.mean(high)) == pytest.approx(values[name].value, rel=1e-5, abs=1e-5)
