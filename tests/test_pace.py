"""A run's pace and what it says of another world, by pencil."""

import json
from pathlib import Path
from typing import Any

import pytest

from claims.sin2025.study import STUDY
from harness.pace import lines_of, pace_of
from harness.run.projection import model_parameters, projection
from harness.supply.provenance import machine
from harness.supply.speed import matmul_flops_per_second
from harness.supply.studies import load_profile
from harness.words.failures import UsageError
from harness.works.pipeline import plan

MACHINE = {"host": "h", "accelerator": "Card, 80 GiB", "processor": "P", "cores": 4}


def stored(folder: Path, seconds: dict[str, float], **changes: Any) -> Path:
    content = {
        "study": "sin2025",
        "profile": "rehearsal",
        "attempts": [{"machine": MACHINE}],
        "stages": [{"stage": stage, "wall_seconds": took} for stage, took in seconds.items()],
        **changes,
    }
    (folder / "execution.json").write_text(json.dumps(content))
    (folder / "report.json").write_text(json.dumps({"mode": "rehearsal"}))
    return folder


def tokens(profile: str, stage: str) -> int:
    drawn = plan(STUDY, load_profile(STUDY, profile), "cpu")
    return next(each.tokens for each in projection(drawn) if each.stage == stage)


def test_tokens_and_useful_work_a_second(tmp_path: Path) -> None:
    (stage,) = pace_of(stored(tmp_path, {"activations": 100.0}), "paper").stages
    per_second = tokens("rehearsal", "activations") / 100
    assert stage.tokens_per_second == pytest.approx(per_second)
    assert stage.flops_per_second == pytest.approx(2 * model_parameters(STUDY.shapes) * per_second)


def test_training_counts_its_way_back(tmp_path: Path) -> None:
    """Forward and backward are three times the work of a forward pass."""
    (stage,) = pace_of(stored(tmp_path, {"adapters": 100.0}), "paper").stages
    per_second = tokens("rehearsal", "adapters") / 100
    assert stage.flops_per_second == pytest.approx(3 * 2 * model_parameters(STUDY.shapes) * per_second)


def test_time_grows_with_the_work(tmp_path: Path) -> None:
    (stage,) = pace_of(stored(tmp_path, {"activations": 100.0}), "paper").other
    assert stage.seconds == pytest.approx(
        100 * tokens("paper", "activations") / tokens("rehearsal", "activations")
    )


def test_the_same_world_takes_the_same_time(tmp_path: Path) -> None:
    found = pace_of(stored(tmp_path, {"activations": 100.0, "translations": 7.0}), "rehearsal")
    assert {stage.stage: stage.seconds for stage in found.other} == pytest.approx(
        {"translations": 7.0, "activations": 100.0}
    )


def test_what_was_not_timed_is_left_out(tmp_path: Path) -> None:
    found = pace_of(stored(tmp_path, {"activations": 100.0, "adapters": 0.0}), "paper")
    assert [stage.stage for stage in found.other] == ["activations"]


def test_people_read_machine_time_and_price(tmp_path: Path) -> None:
    found = pace_of(stored(tmp_path, {"activations": 3600.0}), "rehearsal")
    lines = list(lines_of(found, 2.5))
    assert lines[0].endswith("(rehearsal world) on Card, 80 GiB:")
    assert lines[-1] == "at 2.5 an hour: 2"


def test_memory_and_the_share_of_the_peak_stand_beside_the_pace(tmp_path: Path) -> None:
    stored(tmp_path, {"activations": 100.0}, attempts=[{"machine": dict(machine())}])
    record = json.loads((tmp_path / "execution.json").read_text())
    record["stages"][0] |= {"peak_memory_bytes": 3 * 2**30, "peak_accelerator_bytes": 2**29}
    (tmp_path / "execution.json").write_text(json.dumps(record))
    found = pace_of(tmp_path, "paper")
    assert found.matmul_flops_per_second is not None
    share = 100 * found.stages[0].flops_per_second / found.matmul_flops_per_second
    line = list(lines_of(found, 0.0))[1]
    assert "3.0 GiB + 0.5 GiB of the accelerator" in line
    assert f"{share:.1f} % of peak" in line


def test_another_machine_has_no_share_of_this_ones_peak(tmp_path: Path) -> None:
    found = pace_of(stored(tmp_path, {"activations": 100.0}), "paper")
    assert found.matmul_flops_per_second is None
    assert any(line.startswith("this is another machine") for line in lines_of(found, 0.0))


def test_a_product_takes_as_long_as_its_operations() -> None:
    """Useful work of a model cannot pass it, and no processor thread does a hundred tera-operations a second."""
    assert 1e8 < matmul_flops_per_second("cpu", "float32", 1) < 1e14


def test_a_miniature_has_no_pace(tmp_path: Path) -> None:
    stored(tmp_path, {"activations": 1.0})
    (tmp_path / "report.json").write_text(json.dumps({"mode": "fixture"}))
    with pytest.raises(UsageError, match="says nothing about theirs"):
        pace_of(tmp_path, "paper")


@pytest.mark.parametrize("content", [None, "{", "{}"], ids=["no record", "no JSON", "another file"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "execution.json").write_text(content)
    with pytest.raises(UsageError, match=r"execution\.json"):
        pace_of(tmp_path, "paper")
