"""What a run brings before the judge: mode, selection, failed layers, lock and ledger each decide what may be said."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from claims.sin2025.study import PROTOCOL
from harness.designs.disparity.design import lowered
from harness.judge.judge import judge
from harness.judge.ledger import LedgerFile
from harness.judge.unit_values import Stored, read_stored
from harness.run.verdicts import (
    Asked,
    Inputs,
    judged_self_check,
    judgement_of,
    paper_circumstances,
    require_judgeable,
    self_check_circumstances,
)
from harness.sources.studies import load_profile, load_study
from harness.words.errors import FailOn, UsageError
from harness.words.judgement import Judgement, LockStatus
from harness.words.records import LayerReplay
from harness.words.runfacts import NotRun
from harness.words.verdict import State, Verdict, Why

INDEPENDENT_RUN = Path(__file__).resolve().parents[2] / "fixtures" / "independent_run"
STUDY = load_study("miniature")
RETENTION = "retention/layer=20/lang=en/activation/primary"
INPUTS = Inputs(
    study=STUDY,
    profile=load_profile(STUDY, "independent"),
    run_id="0123456789abcdef",
    mode="full",
    estimates=INDEPENDENT_RUN,
)
"""The miniature study as if it were a paper, so that its claims are judged."""


def replay(layer: int, *, passes: bool) -> LayerReplay:
    return LayerReplay(
        layer=layer,
        d_model=64,
        d_sae=512,
        rows=50,
        rows_passing=50 if passes else 12,
        rows_passing_without_bos=0,
        rows_same_peak=50,
        median_correlation=0.71,
        median_scale=0.5,
        median_scale_without_bos=0.5,
        passes=passes,
    )


def verdicts(inputs: Inputs) -> dict[str, Verdict]:
    found = judge(inputs.claims, inputs.measurements, paper_circumstances(inputs))
    return {verdict.claim_id: verdict for verdict in found}


def judged(inputs: Inputs, reports: Path) -> Judgement:
    judgement = judgement_of(inputs, reports)
    assert judgement is not None
    return judgement


@pytest.mark.parametrize(
    ("mode", "why"),
    [("fixture", Why.FIXTURE_MODE), ("rehearsal", Why.REHEARSAL_MODE)],
    ids=["fixture", "rehearsal"],
)
def test_no_claim_is_judged_in_a_mode_without_evidence(mode: str, why: Why) -> None:
    found = verdicts(replace(INPUTS, mode=mode))
    assert {verdict.state for verdict in found.values()} == {State.NOT_RUN, State.NOT_TESTABLE}
    assert found["mini.gap.l6.value"].why == found["mini.printings"].why == why


def test_a_run_without_measurements_says_why() -> None:
    lost = (NotRun(stage="phrases", reason="no-network", message="no network"),)
    found = verdicts(replace(INPUTS, estimates=None, not_run=lost))
    assert found["mini.gap.l6.value"].why == Why.NO_NETWORK


def test_claims_on_a_layer_that_failed_its_replay_are_errors() -> None:
    found = verdicts(replace(INPUTS, replays=[replay(6, passes=False), replay(25, passes=True)]))
    assert (found["mini.gap.l6.value"].state, found["mini.gap.l6.value"].why) == (
        State.ERROR,
        Why.REPLAY_FAILED,
    )
    assert "only 12 of 50 stored rows were found again" in found["mini.gap.l6.value"].says
    assert found["mini.gap.max.bound"].state == State.ERROR
    assert found["mini.gap.l25.value"].state == State.PASS


@pytest.mark.parametrize(
    ("layer", "spared"),
    [
        pytest.param(3, {"mini.gap.l25.value", "mini.accuracy.zh.arc"}, id="adapters were trained on it"),
        pytest.param(
            22,
            {"mini.gap.l25.value", "mini.gain.ml.value", "mini.accuracy.zh.arc", "mini.delta.ml.arc.fixed"},
            id="they were not",
        ),
    ],
)
def test_a_layer_that_failed_breaks_whatever_was_made_from_it(layer: int, spared: set[str]) -> None:
    """Its number stands in no name of a correlation over all layers, of a gain elsewhere, or of a tuned score."""
    found = verdicts(replace(INPUTS, replays=[replay(layer, passes=False)]))
    asked = (
        "mini.gap.l25.value",
        "mini.gain.ml.value",
        "mini.correlation.arc",
        "mini.accuracy.zh.arc",
        "mini.delta.ml.arc.fixed",
    )
    assert {name for name in asked if found[name].why is not Why.REPLAY_FAILED} == spared


def test_a_self_check_on_a_layer_that_failed_is_an_error_too() -> None:
    world = replace(INPUTS.profile, self_check_study="miniature")
    checked = judged_self_check(replace(INPUTS, profile=world, replays=[replay(6, passes=False)]))
    assert checked is not None
    told = {verdict.claim_id: verdict for verdict in checked.verdicts}
    assert told["mini.gap.l6.value"].why is Why.REPLAY_FAILED
    assert told["mini.gap.l25.value"].why is not Why.REPLAY_FAILED


def test_claims_that_nobody_asked_for_are_deselected_and_move_no_other(tmp_path: Path) -> None:
    alone = judged(replace(INPUTS, asked=Asked(claims=("mini.gap.l25.value",))), tmp_path)
    whole = {verdict.claim_id: verdict for verdict in judged(INPUTS, tmp_path).paper.verdicts}
    told = {verdict.claim_id: verdict for verdict in alone.paper.verdicts}
    assert told["mini.gap.l25.value"] == whole["mini.gap.l25.value"]
    assert told["mini.gap.l6.value"].why == Why.DESELECTED
    assert len(alone.deselected) == len(told) - 1


def test_a_claim_that_is_not_there_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown claim 'mini.gap.l6'; did you mean mini.gap.l6.value"):
        require_judgeable(STUDY, INPUTS.profile, Asked(claims=("mini.gap.l6",)), tmp_path)


def test_what_judging_would_read_is_read_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes that a baseline names, and the study that checks the judge: hours later there would be no report."""
    require_judgeable(STUDY, INPUTS.profile, Asked(), tmp_path)
    with pytest.raises(UsageError, match="unknown study 'miniatur'"):
        require_judgeable(STUDY, replace(INPUTS.profile, self_check_study="miniatur"), Asked(), tmp_path)
    baseline = replace(PROTOCOL.baselines[0], outcomes="lost.csv", outcomes_sha256="0" * 64)
    monkeypatch.setattr("claims.miniature.study.PROTOCOL", replace(PROTOCOL, baselines=(baseline,)))
    with pytest.raises(UsageError, match=r"claims/miniature/lost.csv cannot be read .*commit it"):
        require_judgeable(STUDY, INPUTS.profile, Asked(), tmp_path)


def test_limited_benchmarks_speak_of_no_full_test() -> None:
    assert verdicts(INPUTS)["mini.accuracy.zh.arc"].why == Why.SUBSET
    sizes = replace(INPUTS.profile.sizes, items_per_cell=None)
    whole = replace(INPUTS, profile=replace(INPUTS.profile, sizes=sizes))
    assert verdicts(whole)["mini.accuracy.zh.arc"].state == State.PASS


def with_gains(values: Mapping[str, float]) -> Stored:
    """The independent run with other gains in some languages."""
    stored = read_stored(INDEPENDENT_RUN)
    changed = {
        name: replace(row, value=values[row.language])
        for name, row in stored.estimates.items()
        if row.quantity == "gain" and row.language in values
    }
    return replace(stored, estimates={**stored.estimates, **changed})


def test_where_own_latents_fell_retention_is_told_to_be_no_success() -> None:
    # By pencil: ml -41, id +20, so -10.5 on average.
    told = lowered(STUDY, with_gains({"ml": -41.0, "id": 20.0}).estimates)
    assert set(told) == {RETENTION}
    (said,) = told.values()
    assert said.startswith("No success by itself: at layer 20 the same adapters")
    assert "by -10.50 % on average" in said
    assert "ml -41.00 %" in said
    assert "id +20.00 %" in said


def test_where_own_latents_rose_on_average_nothing_is_said() -> None:
    assert lowered(STUDY, with_gains({"ml": -20.0, "id": 20.0}).estimates) == {}
    assert lowered(STUDY, {}) == {}


def test_the_remark_stands_beside_every_claim_on_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = load_study("sin2025")
    self_checked = replace(INPUTS, study=paper, profile=load_profile(paper, "fixture"))
    fallen = with_gains({"ml": -41.0, "id": 20.0})
    monkeypatch.setattr(Inputs, "tables", fallen)
    paper_inputs = replace(INPUTS)
    for said in (paper_circumstances(paper_inputs), self_check_circumstances(self_checked)):
        claims = [each for each in paper_inputs.claims if each.id == "mini.retention.value"]
        (verdict,) = judge(claims, paper_inputs.measurements, said)
        assert verdict.state is State.PASS
        assert said.remarks[RETENTION] in verdict.cases[0].notes


@pytest.fixture
def _judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts of `INPUTS`, reached once, for what depends on none of them."""
    monkeypatch.setattr("harness.run.verdicts.judge", lambda *_: verdicts_once())


@cache
def verdicts_once() -> tuple[Verdict, ...]:
    return tuple(verdicts(INPUTS).values())


@pytest.mark.usefixtures("_judged_once")
def test_only_full_runs_stand_in_the_ledger(tmp_path: Path) -> None:
    judged(replace(INPUTS, mode="fixture"), tmp_path)
    assert not (tmp_path / "ledger.jsonl").exists()
    first = judged(INPUTS, tmp_path)
    again = judged(INPUTS, tmp_path)
    second = judged(replace(INPUTS, run_id="fedcba9876543210"), tmp_path)
    assert [each.ledger.ordinal for each in (first, again, second)] == [1, 1, 2]
    assert second.ledger.runs_under_lock == 2


@pytest.mark.usefixtures("_judged_once")
def test_a_ledger_that_was_tampered_with_breaks_the_lock(tmp_path: Path) -> None:
    judged(INPUTS, tmp_path)
    path = LedgerFile(folder=tmp_path).path
    path.write_text(path.read_text().replace("0123456789abcdef", "aaaaaaaaaaaaaaaa"))
    assert judged(INPUTS, tmp_path).lock.status is LockStatus.BROKEN


def test_the_self_check_study_is_the_worlds_own() -> None:
    paper = load_study("sin2025")
    fixture = load_profile(paper, "fixture")
    checked = judged_self_check(replace(INPUTS, study=paper, profile=fixture, mode="fixture"))
    assert checked is not None
    assert checked.study == "miniature"
    assert {verdict.why for verdict in checked.verdicts} > {Why.INSIDE}
    assert judged_self_check(INPUTS) is None


def test_what_was_asked_reaches_the_judgement(tmp_path: Path) -> None:
    asked = Asked(fail_on=FailOn.DEVIATION)
    found = judged(replace(INPUTS, asked=asked), tmp_path)
    assert found.fail_on is FailOn.DEVIATION
    assert {each.claim_id for each in found.prospects} <= {claim.id for claim in found.paper.claims}
    assert found.choices == ()


@pytest.mark.usefixtures("_judged_once")
def test_other_sizes_than_the_registered_stand_in_the_lock(tmp_path: Path) -> None:
    assert judged(INPUTS, tmp_path).lock.resized == ()
    sizes = INPUTS.profile.sizes
    smaller = replace(sizes, latents_per_layer=sizes.latents_per_layer - 1)
    profile = replace(INPUTS.profile, sizes=smaller, registered_sizes=sizes)
    said = f"latents_per_layer {sizes.latents_per_layer - 1:,} instead of {sizes.latents_per_layer:,}"
    assert judged(replace(INPUTS, profile=profile), tmp_path).lock.resized == (said,)
