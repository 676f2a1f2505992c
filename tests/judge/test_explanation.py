"""One claim told to a person: everything that decides it is said, and nothing twice."""

from dataclasses import replace

import pytest

from harness.judge.explanation import explanation
from harness.judge.validate import load_claims
from harness.sources.studies import load_conflicts_of
from harness.words.claim import RULES_IN_WORDS, Claim, Printed, Rule, SourceTier, Target
from harness.words.judgement import Conflict
from tests.judge.test_declared import COUNTS, DIRECTION, FACTOR, GAIN, LARGEST, PRINTINGS, VALUE, WORDS


def told(claim: Claim, *conflicts: Conflict) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    label = ""
    for new, text in explanation(claim, conflicts, "harness reproduce"):
        label = new or label
        lines.setdefault(label, []).append(text)
    return lines


def test_a_value_claim_is_told_with_its_band_and_reason() -> None:
    lines = told(replace(VALUE, null=0.0, beside="Mind this."))
    assert lines["source"] == ['"a gap of 26.27 percent" (abstract, sentence 3; T2)']
    assert lines["printed"] == [
        "26.27 percent (abstract, T2; reading high, rounded within 0.005); agrees from 23.765 to 28.775"
    ]
    assert lines["margin"] == ["2.5 percent: a tenth"]
    assert lines["no effect"][0].startswith("0 percent")
    assert lines["know"] == ["Mind this."]
    assert lines["run again"] == ["harness reproduce --claim gap.first.value"]
    assert lines["weight"] == ["primary; gates the exit code"]


def test_a_number_that_nobody_printed_is_told_as_ours() -> None:
    taken = replace(VALUE.targets[0], printed=Printed("5"), stands_for="gap")
    assert told(replace(VALUE, targets=(taken,)))["printed"] == [
        '"gap", taken as 5 percent (ours) (the word: abstract, T2; reading high, rounded within 0.5); agrees from 2 to 8'
    ]


def test_our_words_stand_below_the_source() -> None:
    sentence = replace(VALUE.sentence, sense="so it is")
    assert told(replace(VALUE, sentence=sentence))["source"][1] == "in our words: so it is"
    alone = told(replace(VALUE, sentence=replace(sentence, quote="")))["source"]
    assert alone == ["abstract, sentence 3; T2", "in our words: so it is"]


def test_a_conflict_is_told_with_what_is_made_of_it() -> None:
    known = Conflict(id="K1", says="They differ.", treated="both are judged")
    lines = told(replace(VALUE, conflicts=("K1", "K2")), known)
    assert lines["conflict"] == ["K1: They differ. Here: both are judged.", "K2"]
    assert "conflict" not in told(VALUE)


def test_weaker_printings_stand_apart() -> None:
    other = Target(printed=Printed("5"), source="notes", tier=SourceTier.SUMMARY, reading="high")
    assert told(replace(VALUE, discrepancies=(other,)))["elsewhere"][0].startswith("5 percent (notes, T4")


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
        pytest.param(COUNTS, ["+0.16 points", "on 1,115 to 1,115 questions", "of 256 to 343 right answers before"], id="counts"),
        pytest.param(
            replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, item_counts=(), base_counts=None)),
            ["+0.16 points", "on an unknown number of questions"], id="unknown counts",
        ),
        pytest.param(WORDS, ['"consistent" of cell -0.22'], id="a word"),
        pytest.param(PRINTINGS, ["5.47 (A)", "0.16 (B)"], id="two printings"),
        pytest.param(GAIN, ["gain 87.69, gaps 26.27"], id="a gain"),
    ],
)  # fmt: skip
def test_printed_numbers_are_told(claim: Claim, printed: list[str]) -> None:
    assert told(claim)["printed"] == printed


def test_a_claim_without_a_measure_needs_nothing() -> None:
    lines = told(FACTOR)
    assert "NOT_TESTABLE" in lines["rule"][0]
    assert not {"reading", "minima", "margin", "question", "expected spread"} & set(lines)


def test_every_rule_has_its_words() -> None:
    assert set(RULES_IN_WORDS) == set(Rule)


def test_every_claim_of_the_paper_can_be_told() -> None:
    conflicts = load_conflicts_of("sin2025")
    for claim in load_claims("sin2025"):
        lines = list(explanation(claim, conflicts, "harness reproduce"))
        assert lines[-1] == ("run again", f"harness reproduce --claim {claim.id}")
        assert all(text.strip() for _, text in lines)
