"""The baseline gate over a whole judgement: what one planted difference breaks, what it leaves alone, and how the run ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import claims.sin2025.study as paper_study
from harness.judge.baselines import keyed, write_outcomes
from harness.judge.quantities import estimate_scopes
from harness.report.writer import write_report
from harness.run.verdicts import Inputs, judgement_of
from harness.sources.studies import load_profile, load_study
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import write_table
from harness.words.estimate import Formula
from harness.words.judgement import BaselineOutcome, Judgement, PublishedBaseline
from harness.words.records import ItemOutcome
from harness.words.verdict import State, Why
from tests.judge.tables import named, write
from tests.report import worlds

STUDY = load_study("sin2025")
KNOWN = PublishedBaseline(
    benchmark="hellaswag", language="en", metric="acc_norm", accuracy=0.6, items=1000, questions="richmondsin/m_hellaswag",
    address="somebody/results", commit="1234567", run="2024",
)  # fmt: skip
BASELINES = (KNOWN, replace(KNOWN, language="ml"), replace(KNOWN, language="hi", accuracy=0.25))
"""English, Malayalam, and Hindi at chance."""


def measurements() -> Iterator[Measured]:
    """Changes and accuracies of every cell over eight questions, and what is left of English."""
    before, after = np.array([100.0, 0.0] * 4), np.array([100.0] * 3 + [0.0] * 5)
    for scope in estimate_scopes(STUDY).values():
        if scope.quantity in {"delta", "delta-english"}:
            sides = [Sides(units=named(8), observed=after, reference=before, seed=seed) for seed in range(5)]
            yield measured(scope, -12.5, Formula.DIFFERENCE, "document", sides)
        elif scope.quantity == "relative-delta":
            sides = [Sides(units=named(8), observed=after, reference=before, seed=seed) for seed in range(5)]
            yield measured(scope, -25.0, Formula.CHANGE, "document", sides)
        elif scope.quantity == "accuracy":
            sides = [Sides(units=named(8), observed=before, reference=np.zeros(8))]
            yield measured(scope, 50.0, Formula.DIFFERENCE, "document", sides)
        elif scope.quantity == "retention" and scope.reading == "accuracy":
            sides = [Sides(units=named(8), observed=after, reference=before, seed=seed) for seed in range(5)]
            yield measured(scope, 75.0, Formula.RATIO, "document", sides)
        elif scope.quantity == "retention" and scope.reading == "activation":
            sides = [
                Sides(units=named(8), observed=after + 9, reference=before + 10, seed=seed)
                for seed in range(5)
            ]
            yield measured(scope, 100 * 372 / 480, Formula.RATIO, "latent", sides)


def answered(folder: Path, right: int) -> Path:
    """HellaSwag answers of one language, of which so many in a thousand are right."""
    rows = (
        ItemOutcome(
            benchmark="hellaswag", language="", document_id=f"{place:04}", document_hash="", prompt_hash="", target_hash="",
            acc=0.0, acc_norm=float(place < right), shots=10,
        )
        for place in range(1000)
    )  # fmt: skip
    write_table(folder, ItemOutcome, rows)
    return folder


def judged(folder: Path, mode: str, english_right: int) -> Judgement:
    """A run whose untouched model has so many of a thousand right in English, 600 in Malayalam and 270 in Hindi."""
    right = {"en": english_right, "ml": 600, "hi": 270}
    inputs = Inputs(
        study=STUDY,
        profile=load_profile(STUDY, "paper"),
        run_id="0123456789abcdef",
        mode=mode,
        estimates=write(folder / "estimates", *measurements()),
        answers={code: answered(folder / code, number) for code, number in right.items()},
    )
    found = judgement_of(inputs, folder / "reports")
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_study, "PROTOCOL", replace(paper_study.PROTOCOL, baselines=BASELINES))


def ending_in(judgement: Judgement, state: State) -> set[str]:
    return {each.claim_id for each in judgement.paper.verdicts if each.state is state}


def test_six_tenths_of_a_point_break_every_claim_on_the_cell_and_no_other(tmp_path: Path) -> None:
    found = judged(tmp_path, "full", 606)
    errors = {each.claim_id: each for each in found.paper.verdicts if each.state is State.ERROR}
    english = {f"bench.en.{code}.hellaswag.stable" for code in ("ml", "hi", "mr")}
    assert set(errors) == {*english, "retention.en.value", "retention.en.floor"}
    assert {each.why for each in errors.values()} == {Why.BASELINE_DIFFERS}
    (says,) = {each.says for each in errors.values()}
    assert says.startswith(
        "In hellaswag in en our untouched model has 60.60 % of 1,000 questions right (acc_norm), the authors' 60.00 % of 1,000: "
        "0.60 points apart, where 0.5 are allowed. No tuned score there may be believed."
    )


def test_it_ends_the_run_with_exit_3_and_stands_in_every_file(tmp_path: Path) -> None:
    found = judged(tmp_path, "full", 606)
    facts, out = worlds.facts(mode="full"), tmp_path / "run"
    written = write_report(facts, tmp_path / "estimates", tmp_path / "none", out, found)
    assert written.summary.exit_code == 3
    summary, page = ((out / name).read_text() for name in ("summary.md", "report.html"))
    assert "<summary>Baseline gate</summary>" in summary
    assert (
        "| hellaswag | English (en) | acc\\_norm | ! differs | In hellaswag in en our untouched model"
        in summary
    )
    assert "| 60.60 | 60.00 | 1,000 |" in summary
    assert (
        "| arc | en, zh, ru, es, it, id, ca, mr, ml, hi | \u2013 | \u25cb unchecked | no number of the"
        in summary
    )
    assert "untouched model differs from the authors\u2019" in summary
    assert 'id="baselines"' in page


def test_committed_outcomes_of_single_questions_decide_where_they_are_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six tenths of a point apart, and 994 of a thousand questions alike; all documents of the table have one digest."""
    theirs = dict(keyed(("", float(place < 600)) for place in range(1000)))
    digest = write_outcomes(tmp_path / "theirs.csv", theirs)
    held = replace(KNOWN, outcomes=str(tmp_path / "theirs.csv"), outcomes_sha256=digest)
    protocol = replace(paper_study.PROTOCOL, baselines=(held,))
    monkeypatch.setattr(paper_study, "PROTOCOL", protocol)
    found = judged(tmp_path, "full", 606)
    assert ending_in(found, State.ERROR) == set()
    assert [each.item_agreement for each in found.baselines if each.metric] == [0.994]


def test_five_tenths_break_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, "full", 605)
    assert ending_in(found, State.ERROR) == set()
    out = tmp_path / "run"
    written = write_report(worlds.facts(mode="full"), tmp_path / "estimates", tmp_path / "none", out, found)
    assert written.summary.exit_code != 3


def test_a_baseline_at_chance_is_said_beside_every_claim_on_it(tmp_path: Path) -> None:
    found = judged(tmp_path, "full", 600)
    beside = {
        each.claim_id
        for each in found.paper.verdicts
        if each.cases
        and any(note.startswith("In hellaswag in hi the authors' own") for note in each.cases[0].notes)
    }
    assert beside == {"bench.base.hellaswag.best", "bench.consistency", "bench.modest"}


def test_the_gate_tells_every_cell_of_a_run_that_is_evidence(tmp_path: Path) -> None:
    outcomes = [each.outcome for each in judged(tmp_path, "full", 606).baselines]
    assert [outcomes.count(each) for each in BaselineOutcome] == [1, 1, 1, 27]


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
def test_no_other_run_shows_a_gate(tmp_path: Path, mode: str) -> None:
    found = judged(tmp_path, mode, 606)
    assert found.baselines == ()
    write_report(worlds.facts(mode=mode), tmp_path / "estimates", tmp_path / "none", tmp_path / "run", found)
    files = [(tmp_path / "run" / name).read_text() for name in ("report.json", "summary.md", "report.html")]
    assert not any("Baseline gate" in text or '"baselines"' in text for text in files)
