"""Estimates of one specification that took another extraction or training: as the primary ones are computed, under its own name."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.designs.disparity.estimates import estimates as estimates_stage
from harness.designs.disparity.specified_estimates import specified_estimates
from harness.store.tables import read_table, write_table
from harness.words.estimate import Estimate, SpecifiedEstimate, SpecifiedSides
from harness.words.records import AdapterFailure
from tests.designs.test_estimates import inputs, task_of

__all__ = ["inputs"]

NAME = "cut=window"
EVERY_KIND = ("gap", "gain", "delta")
GAP, GAIN, RETENTION, DELTA = (
    "gap/layer=0/high/primary",
    "gain/layer=0/lang=ml/primary/primary",
    "retention/layer=0/lang=en/activation/primary",
    "delta/lang=ml/bench=arc/primary/primary",
)


def found_in(
    folder: Path, inputs: Mapping[str, Path], kinds: tuple[str, ...] = EVERY_KIND, because: str = ""
) -> dict[str, SpecifiedEstimate]:
    """By estimate under the primary specification: what the stage wrote of it."""
    told = {
        name: value
        for name, value in task_of().items()
        if name in {"languages", "benchmarks", "specification", "adapter_seeds"}
    }
    folder.mkdir()
    specified_estimates(inputs, out=folder, name=NAME, kinds=kinds, because=because, layers=(0, 1), **told)
    rows = read_table(folder, SpecifiedEstimate)
    assert {row.specification for row in rows} == {NAME}
    return {row.primary_id: row for row in rows}


def test_what_reads_the_same_gives_the_same_by_another_way(
    inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    """Two ways: the estimates stage, and a specification whose artifacts happen to be those of the primary one."""
    (tmp_path / "primary").mkdir()
    estimates_stage(inputs, out=tmp_path / "primary", **task_of())
    primary = {row.estimate_id: row.value for row in read_table(tmp_path / "primary", Estimate)}
    found = found_in(tmp_path / "further", inputs)
    assert {GAP, GAIN, RETENTION, DELTA} <= set(found)
    for estimate_id, row in found.items():
        assert row.estimate_id == estimate_id.replace("/primary", "/" + NAME).replace(
            f"/{NAME}/{NAME}", f"/primary/{NAME}"
        )
        assert row.value == pytest.approx(primary[estimate_id], rel=1e-6, abs=1e-6)
    sides = {(row.primary_id, row.sides) for row in read_table(tmp_path / "further", SpecifiedSides)}
    assert {(row.primary_id, row.sides) for row in found.values()} == sides


def test_only_what_a_specification_moves_is_estimated(inputs: Mapping[str, Path], tmp_path: Path) -> None:
    quantities = {name.split("/")[0] for name in found_in(tmp_path / "further", inputs, ("delta",))}
    assert quantities == {"delta", "delta-english"}


def test_a_specification_that_no_run_has_leaves_holes_with_its_reason(tmp_path: Path) -> None:
    found = found_in(tmp_path / "further", {}, because="nobody built it")
    assert {GAP, GAIN, RETENTION, DELTA} <= set(found)
    assert {(row.value, row.because) for row in found.values()} == {(None, "nobody built it")}


def test_an_adapter_that_was_not_trained_leaves_holes_that_say_so(
    inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    """A rate may be too high under one specification alone: its curve shows a hole, and no shorter mean."""
    role = next(role for role in inputs if role.startswith("adapters/ml/seed"))
    failure = AdapterFailure(language="ml", seed=1, step=3, what="loss", value=float("nan"))
    write_table(inputs[role], AdapterFailure, [failure])
    found = found_in(tmp_path / "further", inputs)
    assert found[GAP].value is not None
    for broken in (GAIN, RETENTION, DELTA):
        assert found[broken].value is None
        assert str(failure) in found[broken].because
