"""A run's pace and what it says of another world, by pencil; and a real small run, from its folder to the last line."""

import json
from pathlib import Path

import pytest

from claims.sin2025.study import STUDY
from harness import cli
from harness.designs.design import plan
from harness.designs.disparity.costs import phrases_at_most
from harness.pace import Pace, lines_of, pace_of
from harness.run.forecast import StageForecast, layer_parameters, matmul_flops_per_second, projection
from harness.sources.studies import load_profile
from harness.store.provenance import machine
from harness.words.errors import UsageError
from harness.words.plan import Plan
from harness.words.records import PromptTotal, Translated
from tests.pencil_run import PencilRun, lengths, losses, moments, texts
from tests.spied_run import SpiedRun

ENGLISH, SPANISH = (9, 14, 0), (19, 24, 29)
READ_TEXTS, READ_TOKENS = 5, 10 + 15 + 20 + 25 + 30
"""With a BOS each, but for the text that holds nothing."""


@pytest.fixture
def pencil(tmp_path: Path) -> PencilRun:
    """A rehearsal that read a hundred tokens where its sizes allow four million."""
    run = PencilRun(root=tmp_path)
    run.keep("activations", "en", *lengths(*ENGLISH))
    run.keep("activations", "es", *lengths(*SPANISH))
    return run


def paced(pencil: PencilRun, seconds: dict[str, float], profile: str = "paper", **changes: object) -> Pace:
    return pace_of(pencil.end(seconds, **changes), profile, pencil.root / "store")


def drawn(profile: str) -> Plan:
    return plan(STUDY, load_profile(STUDY, profile), "cpu")


def told(pace: Pace, name: str) -> StageForecast:
    return next(stage for stage in pace.other.stages if stage.stage == name)


def translated(text_id: int) -> Translated:
    return Translated(text_id=text_id, text="a", is_truncated=False)


def test_pace_is_what_was_read_over_the_time_it_took(pencil: PencilRun) -> None:
    (stage,) = paced(pencil, {"activations": 50.0}).stages
    assert (stage.work.texts, stage.work.tokens) == (READ_TEXTS, READ_TOKENS)
    assert stage.texts_per_second == pytest.approx(0.1)
    assert stage.tokens_per_second == pytest.approx(2.0)
    assert stage.flops_per_second == pytest.approx(2 * layer_parameters(STUDY.shapes) * 26 * 2.0)


def test_time_grows_from_counted_to_assumed_work(pencil: PencilRun) -> None:
    """10 languages of 98,280 phrases of 32 tokens, from 100 tokens in 50 seconds."""
    found = told(paced(pencil, {"activations": 50.0}), "activations")
    assert found.texts == 10 * 98_280
    assert found.tokens == 10 * 98_280 * 32
    assert found.seconds == pytest.approx(50 * 10 * 98_280 * 32 / 100)
    assert (found.tokens_per_text, found.counted_tokens_per_text) == (32, 20)


def test_real_texts_say_how_long_others_are(pencil: PencilRun) -> None:
    """20 tokens each, and not the 32 that are stated for want of any."""
    pace = paced(pencil, {"activations": 50.0}, mode="full", profile="paper-full")
    found = told(pace, "activations")
    assert pace.other.lengths_are_counted
    assert (found.tokens, found.tokens_per_text) == (10 * 98_280 * 20, 20)
    assert found.seconds == pytest.approx(50 * 10 * 98_280 * 20 / 100)


def test_the_whole_forecast_of_a_rehearsal_is_not_its_own_time(pencil: PencilRun) -> None:
    """What it read is not what its sizes allow, and the one is never taken for the other."""
    found = told(paced(pencil, {"activations": 50.0}, profile="rehearsal"), "activations")
    assert found.texts == 10 * phrases_at_most(drawn("rehearsal")) == 29_950
    assert found.seconds == pytest.approx(50 * 29_950 * 32 / 100)


def test_training_reaches_the_layers_of_its_loss(tmp_path: Path) -> None:
    """A pair of 2 and 3 tokens on each side and step, held-out ones of 4 and 5: see the counting of adapters."""
    pencil = PencilRun(root=tmp_path)
    pencil.keep("phrases", "all", *texts(False, False, True, True))
    pencil.keep("activations", "en", *lengths(1, 1, 3, 3))
    pencil.keep("activations", "ml", *lengths(2, 2, 4, 4))
    pencil.keep("adapters", "ml/seed-1", *losses(2, 2), *moments([0, 2]))
    pace = paced(pencil, {"adapters": 10.0})
    learnt_en, learnt_ml, held_en, held_ml = 4 * 2, 4 * 3, 4 * 4, 4 * 5
    to_the_loss = 2 * (learnt_en + learnt_ml) + learnt_en + 2 * held_en + held_ml
    passed = 21 * to_the_loss + 26 * (held_en + held_ml)
    (stage,) = pace.stages
    assert stage.flops_per_second == pytest.approx(2 * layer_parameters(STUDY.shapes) * passed / 10)
    paper = 18 * 32 * (21 * 5 * 8_000 + (3 * 21 + 2 * 26) * 3 * 64)
    assert told(pace, "adapters").texts == 18 * (3 * 8_000 + 5 * 3 * 64)
    assert told(pace, "adapters").seconds == pytest.approx(10 * paper / passed)


def test_prompts_are_counted_and_those_of_the_other_world_assumed(pencil: PencilRun) -> None:
    pencil.keep("benchmarks", "en", PromptTotal(prompts=50, tokens=10_000))
    found = told(paced(pencil, {"benchmarks": 5.0}), "benchmarks")
    assert found.texts == 10 * 3 * 6_000
    assert found.counted_tokens_per_text == 200
    # Ten examples, the question and four options of 30 tokens twice; one question with letters, its examples once for all.
    assert found.tokens_per_text == (2 * (11 * 90 + 120) + 90) // 3 == 770
    assert found.seconds == pytest.approx(5 * found.texts * 770 / 10_000)


def test_translators_are_paced_by_texts(pencil: PencilRun) -> None:
    pencil.keep("translation-shards", "es/0", translated(0), translated(1))
    pace = paced(pencil, {"translation-shards": 8.0})
    (stage,) = pace.stages
    assert (stage.texts_per_second, stage.tokens_per_second, stage.flops_per_second) == (0.25, None, None)
    assert told(pace, "translation-shards").seconds == pytest.approx(9 * 98_280 * 4)
    assert told(pace, "translation-shards").tokens_per_text is None


def test_what_cannot_be_counted_has_no_pace_and_no_forecast(pencil: PencilRun) -> None:
    pencil.keep("benchmarks", "en")
    pencil.folder.event_log("phrases").note("made", "all")
    pace = paced(pencil, {"phrases": 1.0, "activations": 50.0, "benchmarks": 5.0})
    assert [stage.stage for stage in pace.other.stages] == ["activations"]
    by_name = {stage.work.stage: stage for stage in pace.stages}
    assert by_name["benchmarks"].tokens_per_second is None
    assert "holds no readable PromptTotal" in by_name["benchmarks"].work.not_counted
    assert pace.other.left_out["phrases"] == "not counted, since no network runs in it"
    assert "PromptTotal" in pace.other.left_out["benchmarks"]
    assert pace.other.left_out["adapters"] == "the run did not time it"
    lines = "\n".join(lines_of(pace, 0.0))
    assert "not counted: no network runs in it" in lines
    assert "adapters           not in the sum: the run did not time it" in lines


def test_another_store_counts_nothing(pencil: PencilRun, tmp_path: Path) -> None:
    pace = pace_of(pencil.end({"activations": 50.0}), "paper", tmp_path / "elsewhere")
    assert pace.other.stages == ()
    assert "--store names another" in pace.stages[0].work.not_counted


def test_people_read_machine_assumptions_time_and_price(pencil: PencilRun) -> None:
    lines = list(lines_of(paced(pencil, {"activations": 3600 / 10 / 98_280 * 100 / 32}), 2.5))
    assert lines[0] == "run (rehearsal world) on Card, 80 GiB, counted in what it stored:"
    assert "5 texts" in lines[1]
    assert "100 tokens" in lines[1]
    assert any("98,280 phrases, the most that its sizes allow; 6,000 items" in line for line in lines)
    assert "  lengths of texts: stated ones, since the run's texts are made up" in lines
    assert any(line.endswith("1.0 h  32.0 tokens a text (the run: 20.0)") for line in lines)
    assert lines[-1] == "at 2.5 an hour: 2"


def test_memory_and_the_share_of_the_peak_stand_beside_the_pace(pencil: PencilRun) -> None:
    row = {"stage": "activations", "wall_seconds": 50.0}
    row |= {"peak_memory_bytes": 3 * 2**30, "peak_accelerator_bytes": 2**29}
    found = paced(pencil, {}, attempts=[{"machine": dict(machine())}], stages=[row])
    assert found.matmul_flops_per_second is not None
    flops = 2 * layer_parameters(STUDY.shapes) * 26 * READ_TOKENS / 50
    share = 100 * flops / found.matmul_flops_per_second
    line = list(lines_of(found, 0.0))[1]
    assert "3.0 GiB + 0.5 GiB of the accelerator" in line
    assert f"{share:.1f} % of peak" in line


def test_another_machine_has_no_share_of_this_ones_peak(pencil: PencilRun) -> None:
    found = paced(pencil, {"activations": 100.0})
    assert found.matmul_flops_per_second is None
    assert any(line.startswith("this is another machine") for line in lines_of(found, 0.0))


def test_a_product_takes_as_long_as_its_operations() -> None:
    """Useful work of a model cannot pass it, and no processor thread does a hundred tera-operations a second."""
    assert 1e8 < matmul_flops_per_second("cpu", "float32", 1) < 1e14


def test_a_miniature_has_no_pace(pencil: PencilRun) -> None:
    with pytest.raises(UsageError, match="says nothing about theirs"):
        paced(pencil, {"activations": 1.0}, mode="fixture")


@pytest.mark.parametrize("content", [None, "{", "{}"], ids=["no record", "no JSON", "another file"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "execution.json").write_text(content)
    with pytest.raises(UsageError, match=r"execution\.json"):
        pace_of(tmp_path, "paper", tmp_path)


def test_a_real_small_run_is_paced_from_its_folder(
    spied_run: SpiedRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its clock, its diaries, its indexes and its store; only the mode is put in, since a miniature has no pace."""
    run, spy = spied_run.run, spied_run.spy
    monkeypatch.setattr("harness.pace.load_study", lambda name: run.plan.study)
    monkeypatch.setattr("harness.pace.load_profile", lambda study, name: run.plan.profile)
    (run.folder.root / "report.json").write_text(json.dumps({"mode": "rehearsal"}))
    words = ["pace", str(run.folder.root), "--store", str(run.store.root), "--profile", "tiny"]
    assert cli.exit_code_of([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    stages = {stage["work"]["stage"]: stage for stage in answer["stages"]}
    costs = {row["stage"]: row for row in json.loads(run.folder.execution.read_text())["stages"]}
    for name, tokens in spy.tokens.items():
        took = costs[name]["wall_seconds"]
        assert stages[name]["tokens_per_second"] == pytest.approx(tokens / took)
        assert 0 < stages[name]["flops_per_second"] < answer["matmul_flops_per_second"]
    others = {stage["stage"]: stage for stage in answer["other"]["stages"]}
    assumed = {stage.stage: stage for stage in projection(run.plan)}
    assert others.keys() == {*spy.tokens, "translation-shards"}
    assert others["activations"]["seconds"] == pytest.approx(
        costs["activations"]["wall_seconds"] * assumed["activations"].tokens / spy.tokens["activations"]
    )
    assert cli.exit_code_of(words) == 0
    told = capsys.readouterr().out
    assert f"{spy.tokens['activations']:,} tokens" in told
    assert "% of peak" in told
