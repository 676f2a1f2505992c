"""A run's pace and what it says of another world, by pencil; and a real small run, from its folder to the last line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claims.sin2025.study import STUDY
from harness import cli
from harness.designs.design import plan
from harness.designs.disparity.costs import stated
from harness.run.forecast import Rates, projection
from harness.run.pace import Pace, StageForecast, lines_of, matmul_flops_per_second, pace_of
from harness.run.progress import StageCost
from harness.sources.studies import load_profile
from harness.store.provenance import machine
from harness.words.canonical import plain
from harness.words.errors import UsageError
from harness.words.plan import Plan, Work
from tests.spied_run import SpiedRun

MACHINE = {"host": "h", "accelerator": "Card, 80 GiB", "processor": "P", "cores": 4}

READ = Work(texts=5, tokens=100, token_layers=26 * 100)
"""A hundred tokens where the sizes of a rehearsal allow four million."""

Pencil = Callable[..., Pace]


def cost(stage: str, seconds: float, work: Work, memory: int = 0, accelerator: int = 0) -> StageCost:
    return StageCost(
        stage=stage,
        attempts=1,
        items_made=1,
        items_found=0,
        wall_seconds=seconds,
        cpu_seconds=seconds,
        peak_memory_bytes=memory,
        peak_accelerator_bytes=accelerator,
        work=work,
        ran_on=(),
    )


@pytest.fixture
def paced(tmp_path: Path) -> Pencil:
    """The pace of a run whose record is written by hand, a rehearsal unless something else is said."""

    def paced(*stages: StageCost, mode: str = "rehearsal", other: str = "paper", **changes: Any) -> Pace:
        record = {"study": "sin2025", "profile": "rehearsal", "attempts": [{"machine": MACHINE}]}
        record |= {"stages": plain(stages)} | changes
        run = tmp_path / "run"
        run.mkdir()
        (run / "execution.json").write_text(json.dumps(record))
        (run / "report.json").write_text(json.dumps({"mode": mode}))
        return pace_of(run, other)

    return paced


def drawn(profile: str) -> Plan:
    return plan(STUDY, load_profile(STUDY, profile), "cpu")


def told(pace: Pace, name: str) -> StageForecast:
    return next(stage for stage in pace.other.stages if stage.stage == name)


def asked(profile: str, stage: str) -> Work:
    return next(each.work for each in projection(drawn(profile), Rates()) if each.stage == stage)


def test_pace_is_what_was_read_over_the_time_it_took(paced: Pencil) -> None:
    pace = paced(cost("activations", 50.0, READ))
    (stage,) = pace.stages
    assert stage.flops == 2 * STUDY.shapes.layer_parameters * 26 * 100
    assert "5 texts (0.1/s)  100 tokens (2/s)" in list(lines_of(pace, 0.0))[1]


def test_time_grows_from_counted_to_assumed_work(paced: Pencil) -> None:
    """The paper's texts of 32 tokens, from 100 tokens in 50 seconds."""
    work = asked("paper", "activations")
    assert work.tokens == 32 * work.texts
    found = told(paced(cost("activations", 50.0, READ)), "activations")
    assert found.work == work
    assert found.seconds == pytest.approx(50 * work.token_layers / READ.token_layers)
    assert (found.tokens_per_text, found.counted_tokens_per_text) == (32, 20)


def test_real_texts_say_how_long_others_are(paced: Pencil) -> None:
    """20 tokens each, and not the 32 that are stated for want of any."""
    work = asked("paper", "activations")
    pace = paced(cost("activations", 50.0, READ), mode="full", profile="paper-full")
    found = told(pace, "activations")
    assert pace.other.lengths_are_counted
    assert (found.work.tokens, found.tokens_per_text) == (20 * work.texts, 20)
    assert found.seconds == pytest.approx(50 * work.token_layers * 20 / 32 / READ.token_layers)


def test_the_whole_forecast_of_a_rehearsal_is_not_its_own_time(paced: Pencil) -> None:
    """What it read is not what its sizes allow, and the one is never taken for the other."""
    found = told(paced(cost("activations", 50.0, READ), other="rehearsal"), "activations")
    assert found.work.texts == 15 * stated(drawn("rehearsal")).phrases
    assert found.seconds > 50


def test_training_is_paced_by_its_operations(paced: Pencil) -> None:
    """A token that is learnt from passes a layer more dearly than one that is read."""
    work = asked("paper", "adapters")
    assert 21 < work.token_layers / work.tokens < 2 * 21
    found = told(paced(cost("adapters", 10.0, Work(texts=9, tokens=50, token_layers=1_500))), "adapters")
    assert found.seconds == pytest.approx(10 * work.token_layers / 1_500)


def test_what_is_encoded_is_paced_by_the_slower_operations(paced: Pencil) -> None:
    """As long for the model as for its dictionaries, whose operations are fewer in proportion to their rate."""
    layers = 2 * STUDY.shapes.layer_parameters * READ.token_layers
    encoded = round(layers * Rates().float32_tflops / Rates().tflops / 2)
    work = asked("paper", "activations")
    of_layers = 2 * STUDY.shapes.layer_parameters * work.token_layers
    expected = 25 * of_layers / layers + 25 * work.encoded / encoded
    found = told(paced(cost("activations", 50.0, replace(READ, encoded=encoded))), "activations")
    assert found.seconds == pytest.approx(expected)


def test_translators_are_paced_by_texts(paced: Pencil) -> None:
    pace = paced(cost("translation-shards", 8.0, Work(translated=2)))
    assert "2 texts translated (0.2/s)" in list(lines_of(pace, 0.0))[1]
    assert told(pace, "translation-shards").seconds == pytest.approx(
        4 * asked("paper", "translation-shards").translated
    )
    assert told(pace, "translation-shards").tokens_per_text is None


def test_what_read_nothing_has_no_pace_and_no_forecast(paced: Pencil) -> None:
    pace = paced(
        cost("phrases", 1.0, Work()), cost("activations", 50.0, READ), cost("benchmarks", 0.0, Work())
    )
    assert [stage.stage for stage in pace.other.stages] == ["activations"]
    assert pace.other.left_out["phrases"] == "no network read anything in it"
    assert pace.other.left_out["benchmarks"] == "the run did not time it"
    lines = "\n".join(lines_of(pace, 0.0))
    assert "adapters              not in the sum: the run did not time it" in lines


def test_people_read_machine_assumptions_time_and_price(paced: Pencil) -> None:
    an_hour = 3600 * READ.token_layers / asked("paper", "activations").token_layers
    lines = list(lines_of(paced(cost("activations", an_hour, READ)), 3.0))
    assert lines[0] == "run (rehearsal world) on Card, 80 GiB, counted while it ran:"
    assert "100 tokens" in lines[1]
    assert any("phrases, the most that the sizes allow" in line for line in lines)
    assert "  lengths of texts: stated ones, since the run's texts are made up" in lines
    assert any(line.endswith("1.0 h  32.0 tokens a text (the run: 20.0)") for line in lines)
    assert lines[-1] == "at 3 an hour: 3"


def test_memory_and_the_share_of_the_peak_stand_beside_the_pace(paced: Pencil) -> None:
    row = cost("activations", 50.0, READ, memory=3 * 2**30, accelerator=2**29)
    found = paced(row, attempts=[{"machine": dict(machine())}])
    assert found.matmul_flops_per_second is not None
    flops = 2 * STUDY.shapes.layer_parameters * READ.token_layers / 50
    share = 100 * flops / found.matmul_flops_per_second
    line = list(lines_of(found, 0.0))[1]
    assert "3.0 GiB + 0.5 GiB of the accelerator" in line
    assert f"{share:.1f} % of peak" in line


def test_another_machine_has_no_share_of_this_ones_peak(paced: Pencil) -> None:
    found = paced(cost("activations", 100.0, READ))
    assert found.matmul_flops_per_second is None
    assert any(line.startswith("this is another machine") for line in lines_of(found, 0.0))


def test_a_product_takes_as_long_as_its_operations() -> None:
    """Useful work of a model cannot pass it, and no processor thread does a hundred tera-operations a second."""
    assert 1e8 < matmul_flops_per_second("cpu", "float32", 1) < 1e14


def test_a_miniature_has_no_pace(paced: Pencil) -> None:
    with pytest.raises(UsageError, match="says nothing about theirs"):
        paced(cost("activations", 1.0, READ), mode="fixture")


@pytest.mark.parametrize("content", [None, "{", "{}"], ids=["no record", "no JSON", "another file"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "execution.json").write_text(content)
    with pytest.raises(UsageError, match=r"execution\.json"):
        pace_of(tmp_path, "paper")


def test_a_record_that_counted_no_work_is_refused(paced: Pencil) -> None:
    """As versions before this one left it."""
    row = plain(cost("activations", 1.0, READ))
    del row["work"]
    with pytest.raises(UsageError, match="counts no work"):
        paced(stages=[row])


def test_a_real_small_run_is_paced_from_its_folder(
    spied_run: SpiedRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its clock and its events; only the mode is put in, since a miniature has no pace."""
    spy = spied_run.spy
    monkeypatch.setattr("harness.run.pace.load_study", lambda name: spied_run.plan.study)
    monkeypatch.setattr("harness.run.pace.load_profile", lambda study, name: spied_run.plan.profile)
    (spied_run.folder.root / "report.json").write_text(json.dumps({"mode": "rehearsal"}))
    words = ["pace", str(spied_run.folder.root), "--profile", "tiny"]
    assert cli.exit_code_of([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    stages = {stage["stage"]: stage for stage in answer["stages"]}
    for name, tokens in spy.tokens.items():
        assert stages[name]["work"]["tokens"] == tokens
        assert 0 < stages[name]["flops"] / stages[name]["wall_seconds"] < answer["matmul_flops_per_second"]
    others = {stage["stage"]: stage for stage in answer["other"]["stages"]}
    assumed = {stage.stage: stage for stage in projection(spied_run.plan, Rates())}
    counted = stages["activations"]["work"]
    layers = spied_run.plan.study.shapes.layer_parameters * spy.token_layers["activations"]
    assert stages["activations"]["flops"] == 2 * (layers + counted["encoded"])
    assert counted["encoded"] > 0
    assert others.keys() == {*spy.tokens, "translation-shards"}
    assert others["activations"]["seconds"] == pytest.approx(
        stages["activations"]["wall_seconds"] * assumed["activations"].flops / stages["activations"]["flops"]
    )
    assert cli.exit_code_of(words) == 0
    said = capsys.readouterr().out
    assert f"{spy.tokens['activations']:,} tokens" in said
    assert "% of peak" in said
