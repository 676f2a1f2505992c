"""One claim told to a person: everything that decides it is said, and nothing twice."""

import re
from dataclasses import replace

import pytest

from harness.judge.explanation import LookedUp, command_for, explanation, look_up
from harness.judge.validate import load_claims
from harness.sources.studies import study_names
from harness.words.claim import RULES_IN_WORDS, Claim, Printed, Rule, SourceTier, Target
from harness.words.errors import UsageError
from harness.words.judgement import Conflict
from tests.judge.test_declared import (
    COUNTS,
    DIRECTION,
    FACTOR,
    GAIN,
    LARGEST,
    PRINTINGS,
    SOURCES,
    VALUE,
    WORDS,
)


def held(claim: Claim, *conflicts: Conflict) -> LookedUp:
    return LookedUp(
        study="small", known=(claim,), claims=(claim,), sources=SOURCES, conflicts=conflicts, named=None
    )


def told(claim: Claim, *conflicts: Conflict) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    label = ""
    for new, text in explanation(claim, held(claim, *conflicts), "harness reproduce"):
        label = new or label
        lines.setdefault(label, []).append(text)
    return lines


def test_a_value_claim_is_told_with_its_band_and_reason() -> None:
    lines = told(replace(VALUE, null=0.0, beside="Mind this."))
    assert lines["source"] == ['"a gap of 26.27 percent" (abstract, sentence 3; its abstract)']
    assert lines["printed"] == [
        "26.27 percent (abstract; reading high, rounded within 0.005); agrees from 23.765 to 28.775"
    ]
    assert lines["margin"] == ["2.5 percent: a tenth"]
    assert lines["no effect"][0].startswith("0 percent")
    assert lines["know"] == ["Mind this."]
    assert lines["run again"] == ["harness reproduce"]
    assert lines["weight"] == ["primary; gates the exit code"]


def test_where_a_number_can_be_read_is_told() -> None:
    (text,) = told(VALUE)["read in"]
    assert (
        text == f"abstract: the abstract; https://papers.example/1; read on 2026-11-19, SHA-256 {'ab' * 32}"
    )
    hidden = replace(SOURCES[0], address="", sha256="")
    assert (
        str(hidden)
        == "the abstract; no public address is known; read on 2026-11-19, no digest of its text was kept"
    )


def test_what_only_a_summary_reports_is_marked() -> None:
    assert "mind" not in told(VALUE)
    assert told(replace(VALUE, part_by_summary="layer 6"))["mind"] == [
        "layer 6: reported by a summary, not by the paper"
    ]
    sentence = replace(VALUE.sentence, tier=SourceTier.SUMMARY)
    assert told(replace(VALUE, sentence=sentence))["mind"] == [
        "all of it: reported by a summary, not by the paper"
    ]


def test_a_number_that_nobody_printed_is_told_as_ours() -> None:
    taken = replace(VALUE.targets[0], printed=Printed("5"), stands_for="gap")
    assert told(replace(VALUE, targets=(taken,)))["printed"] == [
        '"gap", taken as 5 percent (ours) (the word: abstract; reading high, rounded within 0.5); agrees from 2 to 8'
    ]


def test_our_words_stand_below_the_source() -> None:
    sentence = replace(VALUE.sentence, sense="so it is")
    assert told(replace(VALUE, sentence=sentence))["source"][1] == "in our words: so it is"
    alone = told(replace(VALUE, sentence=replace(sentence, quote="")))["source"]
    assert alone == ["abstract, sentence 3; its abstract", "in our words: so it is"]


def test_a_conflict_is_told_with_what_is_made_of_it() -> None:
    known = Conflict(id="K1", says="They differ.", treated="both are judged")
    lines = told(replace(VALUE, conflicts=("K1", "K2")), known)
    assert lines["conflict"] == ["K1: They differ. Here: both are judged.", "K2"]
    assert "conflict" not in told(VALUE)


def test_weaker_printings_stand_apart() -> None:
    other = Target(printed=Printed("5"), source="notes", tier=SourceTier.SUMMARY, reading="high")
    assert told(replace(VALUE, discrepancies=(other,)))["elsewhere"][0].startswith("5 percent (notes;")


def test_many_estimates_are_counted() -> None:
    lines = told(
        replace(LARGEST, readings=(replace(LARGEST.primary, estimates=tuple("abcde")),), named=("b",))
    )
    assert lines["reading"][1:] == ["  measured as a, b, c and 2 more", "  singled out: b"]


@pytest.mark.parametrize(("sign", "word"), [(1, "positive"), (-1, "negative")])
def test_a_sign_is_told_in_a_word(sign: int, word: str) -> None:
    assert told(replace(DIRECTION, sign=sign))["sign"] == [word]


@pytest.mark.parametrize(
    ("claim", "printed"),
    [
        pytest.param(COUNTS, ["+0.16 points", "questions: 1,115 (subset)", "of 256 to 343 right answers before"], id="counts"),
        pytest.param(
            replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, item_counts=(), base_counts=None)),
            ["+0.16 points", "questions: no source says how many"], id="unknown counts",
        ),
        pytest.param(WORDS, ['"consistent" of cell -0.22'], id="a word"),
        pytest.param(PRINTINGS, ["5.47 (A)", "0.16 (B)"], id="two printings"),
        pytest.param(GAIN, ["gain 87.69, gaps 26.27"], id="a gain"),
    ],
)  # fmt: skip
def test_printed_numbers_are_told(claim: Claim, printed: list[str]) -> None:
    assert told(claim)["printed"] == printed


def test_what_comes_of_printed_numbers_is_told_without_a_run() -> None:
    lines = told(COUNTS)
    assert lines["found"][0].startswith(
        "Cannot occur as reported by the abstract: no whole number of questions gives +0.16"
    )
    assert lines["run"] == [
        "none is needed: this follows from the printed numbers, and is no verdict on the paper"
    ]
    assert not {"run again", "weight"} & set(lines)
    note = told(GAIN)["found"]
    assert note[0].startswith("A language may start farther below the reference")
    assert note[1].startswith("From a gap of 26.27 percent")


def test_a_claim_without_a_measure_needs_nothing() -> None:
    lines = told(FACTOR)
    assert "NOT_TESTABLE" in lines["rule"][0]
    assert not {"reading", "minima", "margin", "question", "expected spread"} & set(lines)


def test_every_rule_has_its_words() -> None:
    assert set(RULES_IN_WORDS) == set(Rule)


def test_every_claim_of_every_study_can_be_told_without_codes() -> None:
    for study in study_names():
        for claim in load_claims(study):
            found = look_up(claim.id, study)
            lines = list(explanation(claim, found, command_for(study, claim)))
            told = " ".join(text for _, text in lines)
            assert lines[-1][0] == ("run again" if claim.arithmetic is None else "run")
            assert all(f"{name}: " in told for name in claim.source_names)
            assert all(text.strip() for _, text in lines)
            assert not re.search(r"\bT[1-4]\b|percent percent|points points", told)
            assert all(re.search(rf"\b{name}(: |; )", told) for name in (*claim.inventory, *claim.conflicts))


def test_a_unit_that_is_printed_with_the_number_is_told_once() -> None:
    hedged = replace(VALUE.targets[0], printed=Printed("approximately 91 percent"))
    assert told(replace(VALUE, targets=(hedged,)))["printed"][0].startswith(
        "approximately 91 percent (abstract;"
    )


def test_what_else_a_statement_claims_stands_beside_it() -> None:
    found = look_up("gap.l25.value", "sin2025")
    (claim,) = found.claims
    texts = dict(explanation(claim, found, "harness reproduce"))
    assert texts["statement"].startswith(f"{claim.inventory[0]}; other claims from it: ")


@pytest.mark.parametrize(
    ("name", "study", "ids"),
    [
        pytest.param("gap.l6.value", "sin2025", ["gap.l6.value"], id="a claim"),
        pytest.param("GAP.L6.Value", "sin2025", ["gap.l6.value"], id="in another case"),
        pytest.param("mini.gap.l6.value", "miniature", ["mini.gap.l6.value"], id="of another study"),
        pytest.param("gain.ml", "sin2025", ["gain.ml.value", "gain.ml.direction"], id="a family"),
        pytest.param("gain.ml.*", "sin2025", ["gain.ml.value", "gain.ml.direction"], id="a family with its mark"),
        pytest.param("c05", "sin2025", [f"corr.gap_acc.{name}" for name in ("arc", "hellaswag", "mmlu", "mean")], id="a statement"),
        pytest.param("K8", "sin2025", ["factor"], id="a conflict"),
        pytest.param("retention/layer=20/lang=en/activation/primary", "sin2025", ["retention.en.value"], id="an estimate"),
    ],
)  # fmt: skip
def test_a_claim_is_known_by_each_of_its_names(name: str, study: str, ids: list[str]) -> None:
    found = look_up(name, "sin2025")
    assert (found.study, [claim.id for claim in found.claims]) == (study, ids)


def test_a_reading_is_told_without_the_others() -> None:
    (claim,) = look_up("gap.l6.value/english", "sin2025").claims
    assert [reading.name for reading in claim.readings] == ["english"]
    assert {target.reading for target in claim.targets} == {"english"}


def test_what_nobody_claims_is_refused_with_what_is_near() -> None:
    with pytest.raises(UsageError, match=r"unknown claim 'gap\.l6\.valu'; did you mean gap\.l6\.value"):
        look_up("gap.l6.valu", "sin2025")


def test_a_study_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.judge.explanation.study_names", lambda: ("broken", "miniature", "sin2025"))
    assert look_up("mini.gap.l6.value", "sin2025").study == "miniature"


def test_a_claim_is_judged_again_by_the_run_that_judges_its_study() -> None:
    assert [command_for(study, load_claims(study)[0]) for study in ("miniature", "sin2025")] == [
        "harness reproduce --study sin2025 --profile fixture",
        "harness reproduce --study sin2025 --profile paper --claim gap.l6.value",
    ]
