"""The baseline gate on whole cells: ten questions a table, answers counted by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.judge.baselines import Gate, baseline_checks, differing_estimates, remarks
from harness.sources.studies import load_profile, load_study
from harness.store.tables import write_table
from harness.words.judgement import BaselineCheck, BaselineOutcome, PublishedBaseline
from harness.words.records import ItemOutcome

STUDY = load_study("sin2025")
PAPER = load_profile(STUDY, "paper")
ACC = PublishedBaseline(
    benchmark="hellaswag", language="id", metric="acc", accuracy=0.9, items=1000, questions="richmondsin/m_hellaswag",
    address="somebody/results", commit="1234567", run="2024",
)  # fmt: skip
AGREES, DIFFERS, AT_CHANCE = BaselineOutcome.AGREES, BaselineOutcome.DIFFERS, BaselineOutcome.AT_CHANCE
UNCHECKED = BaselineOutcome.UNCHECKED


def answers(folder: Path, right: int, asked: int = 1000, *, right_by_norm: int = 0) -> Path:
    """Answers of one language to HellaSwag: the first so many are right."""
    rows = [
        ItemOutcome(
            benchmark="hellaswag", language="id", document_id=f"{place:04}", document_hash=f"h{place}", prompt_hash="p",
            target_hash="t", acc=float(place < right), acc_norm=float(place < right_by_norm), shots=10,
        )
        for place in range(asked)
    ]  # fmt: skip
    write_table(folder, ItemOutcome, [*rows, replace(rows[0], benchmark="arc", acc=1.0)])
    return folder


def gate(folder: Path | None, *known: PublishedBaseline) -> Gate:
    return Gate(study=STUDY, profile=PAPER, known=known, answers={"id": folder} if folder else {})


def checked(asked: Gate) -> list[BaselineCheck]:
    return [each for each in baseline_checks(asked) if each.metric]


@pytest.mark.parametrize(
    ("right", "expected"),
    [(905, AGREES), (906, DIFFERS), (895, AGREES), (894, DIFFERS)],
    ids=["five of a thousand more", "six more", "five fewer", "six fewer"],
)
def test_half_a_point_is_allowed(tmp_path: Path, right: int, expected: BaselineOutcome) -> None:
    (check,) = checked(gate(answers(tmp_path, right), ACC))
    assert check.outcome is expected
    assert (check.ours, check.theirs, check.items) == (pytest.approx(right / 10), 90.0, 1000)


def test_each_metric_is_held_against_its_own(tmp_path: Path) -> None:
    folder = answers(tmp_path, 900, right_by_norm=700)
    found = checked(gate(folder, ACC, replace(ACC, metric="acc_norm", accuracy=0.8)))
    assert [(each.metric, each.outcome) for each in found] == [("acc", AGREES), ("acc_norm", DIFFERS)]
    assert found[1].says.startswith(
        "In hellaswag in id our untouched model has 70.00 % of 1,000 questions right (acc_norm), the authors' 80.00 % of "
        "1,000: 10.00 points apart, where 0.5 are allowed. No tuned score there may be believed."
    )


def test_a_number_in_another_metric_is_shown_and_breaks_nothing(tmp_path: Path) -> None:
    """The study rests on acc_norm in HellaSwag."""
    (check,) = checks = checked(gate(answers(tmp_path, 800), ACC))
    assert (check.outcome, check.metric) == (DIFFERS, "acc")
    assert check.says.endswith(
        "10.00 points apart, where 0.5 are allowed. Claims there rest on acc_norm, so this breaks none."
    )
    assert differing_estimates(STUDY, checks) == remarks(STUDY, checks) == {}


def test_a_remark_in_another_metric_says_what_was_not_seen() -> None:
    low = BaselineCheck(
        benchmark="hellaswag", language="ml", metric="acc", outcome=AT_CHANCE, says="They guess."
    )
    own = replace(low, metric="acc_norm")
    told = set(remarks(STUDY, [low]).values())
    assert told == {"They guess. That is acc; acc_norm, on which this rests, was not compared."}
    assert set(remarks(STUDY, [low, own]).values()) == {"They guess."}
    assert remarks(STUDY, [low, replace(own, outcome=AGREES)]) == {}
    for other in (replace(own, language="hi", outcome=AGREES), replace(own, outcome=UNCHECKED)):
        assert set(remarks(STUDY, [low, other]).values()) == told


def test_another_number_of_questions_is_another_set(tmp_path: Path) -> None:
    (check,) = checked(gate(answers(tmp_path, 900, asked=999), ACC))
    assert check.outcome is DIFFERS
    assert "of 999 questions right (acc), the authors' 90.00 % of 1,000: these are not the same" in check.says


NAMED = replace(ACC, outcomes="outcomes/some.csv", outcomes_sha256="0")


@pytest.mark.parametrize(
    ("flipped", "expected"),
    [(30, AGREES), (31, DIFFERS)],
    ids=["970 of a thousand alike", "969"],
)
def test_question_by_question_three_in_a_hundred_may_differ(
    tmp_path: Path, flipped: int, expected: BaselineOutcome
) -> None:
    """Right answers are 880, two points below the authors' 900: where questions are at hand, they alone decide."""
    theirs = {f"h{place}": (place < 880) != (place < flipped) for place in range(1000)}
    asked = replace(gate(answers(tmp_path, 880), NAMED), outcomes={NAMED.outcomes: theirs})
    (check,) = checked(asked)
    assert check.outcome is expected
    assert check.item_agreement == pytest.approx(1 - flipped / 1000)
    assert (
        f"{100 - flipped / 10:.2f} % of the questions have the same outcome, where 97 % are asked"
        in check.says
    )


def test_outcomes_of_other_questions_leave_the_shares_to_decide(tmp_path: Path) -> None:
    asked = replace(gate(answers(tmp_path, 906), NAMED), outcomes={NAMED.outcomes: {"elsewhere": True}})
    (check,) = checked(asked)
    assert (check.outcome, check.item_agreement) == (DIFFERS, None)
    assert "0.60 points apart, where 0.5 are allowed (their outcomes are of other questions)." in check.says


def test_where_both_stand_at_chance_their_shares_tell_nothing(tmp_path: Path) -> None:
    """291 of 1,000 stand 2.85 standard errors above a quarter, 294 stand 3.05 above; 280 and 240 are nearer, 600 is far."""
    low, clear = replace(ACC, accuracy=0.291), replace(ACC, accuracy=0.294)
    found = {
        right: [each.outcome for each in checked(gate(answers(tmp_path / str(right), right), low, clear))]
        for right in (280, 240, 600, 294)
    }
    assert found == {
        280: [AT_CHANCE, DIFFERS],
        240: [AT_CHANCE, DIFFERS],
        600: [DIFFERS, DIFFERS],
        294: [AGREES, AGREES],
    }
    (says,) = {each.says for each in checked(gate(tmp_path / "280", low))}
    assert says == (
        "In hellaswag in id the authors' own untouched model stands at chance (29.10 % of 1,000, acc, 2.9 standard errors above "
        "guessing), and so does ours (28.00 %): their shares tell nothing of each other."
    )


@pytest.mark.parametrize(("flipped", "expected"), [(30, AGREES), (31, DIFFERS), (600, DIFFERS)])
def test_single_questions_tell_at_chance_as_well(
    tmp_path: Path, flipped: int, expected: BaselineOutcome
) -> None:
    theirs = {f"h{place}": (place < 252) != (place < flipped) for place in range(1000)}
    named = replace(NAMED, accuracy=0.25)
    asked = replace(gate(answers(tmp_path, 252), named), outcomes={NAMED.outcomes: theirs})
    assert [each.outcome for each in checked(asked)] == [expected]


def test_another_number_of_questions_is_told_at_chance_as_well(tmp_path: Path) -> None:
    (check,) = checked(gate(answers(tmp_path, 250, asked=999), replace(ACC, accuracy=0.25)))
    assert check.outcome is DIFFERS
    assert "these are not the same questions" in check.says


def test_cells_that_nothing_can_be_held_against_say_why(tmp_path: Path) -> None:
    folder = answers(tmp_path, 900)
    full = load_profile(STUDY, "paper-full")
    some = replace(PAPER, sizes=replace(PAPER.sizes, items_per_cell=1000))
    reasons = [
        checked(replace(gate(folder, ACC), profile=full))[0],
        checked(replace(gate(folder, ACC), profile=some))[0],
        checked(gate(None, ACC))[0],
        baseline_checks(gate(folder, ACC))[0],
    ]
    assert {each.outcome for each in reasons} == {UNCHECKED}
    assert [each.says for each in reasons] == [
        "the published number is of richmondsin/m_hellaswag, and this run asks alexandrainst/m_hellaswag",
        "only some of the questions were asked",
        "the untouched model was not asked in this run",
        "no number of the untouched model is committed",
    ]


def test_every_cell_is_told_once(tmp_path: Path) -> None:
    cells = [(each.benchmark, each.language) for each in baseline_checks(gate(answers(tmp_path, 900), ACC))]
    assert len(cells) == len(set(cells)) == len(STUDY.benchmarks) * len(STUDY.languages)


def test_a_study_without_published_baselines_has_no_gate(tmp_path: Path) -> None:
    assert baseline_checks(gate(answers(tmp_path, 900))) == ()


def test_what_rests_on_a_cell_is_broken_or_remarked_with_it() -> None:
    check = BaselineCheck(
        benchmark="arc", language="ml", metric="acc_norm", outcome=DIFFERS, says="They differ."
    )
    broken = differing_estimates(STUDY, [check, replace(check, language="hi", outcome=AGREES)])
    assert broken == dict.fromkeys(
        (
            "delta/lang=ml/bench=arc/primary/primary",
            "relative-delta/lang=ml/bench=arc/relative/primary",
            "correlation/bench=arc/primary/primary",
            "accuracy/lang=ml/bench=arc/primary/primary",
            "correlation/primary/primary",
        ),
        "They differ.",
    )
    assert remarks(STUDY, [check]) == {}
    assert remarks(STUDY, [replace(check, outcome=AT_CHANCE)]) == broken
