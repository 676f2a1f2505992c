"""The forms of a claim: which rule decides, what becomes a target under which reading, and who is named as the largest."""

import pytest

from harness.words.claim import (
    Granularity,
    InferenceTarget,
    Kind,
    Minima,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Tier,
    Unit,
)
from harness.words.claim_forms import Basis, arithmetic, bound, order, sign, untestable, value

SENTENCE = Sentence(source="the page", tier=SourceTier.PAPER, where="table 1", quote="12.5")


def reading(*estimates: str, name: str = "plain") -> Reading:
    return Reading(name=name, says="as it stands", supported_by=("the page",), estimates=estimates)


def test_a_printed_number_is_a_target_under_every_reading_from_its_sentence() -> None:
    readings = (reading("a"), reading("b", name="other"))
    claim = value("x.value", "x", SENTENCE, readings, "12.5", margin=1.0, because="a tenth", null=0.0)
    assert (claim.kind, claim.rule, claim.margin, claim.margin_because) == (
        Kind.VALUE, Rule.WITHIN_MARGIN, 1.0, "a tenth",
    )  # fmt: skip
    assert [(each.printed.text, each.source, each.tier, each.reading) for each in claim.targets] == [
        ("12.5", "the page", SourceTier.PAPER, "plain"),
        ("12.5", "the page", SourceTier.PAPER, "other"),
    ]
    assert [each.rounding for each in claim.targets] == [0.05, 0.05]


def test_a_number_that_stands_for_a_word_is_exact() -> None:
    claim = bound(
        "x.bound", "x", SENTENCE, (reading("a", "b"),), "5", rule=Rule.POOLED_AT_MOST, stands_for="modest"
    )
    (target,) = claim.targets
    assert (target.stands_for, target.rounding, claim.kind) == ("modest", 0.0, Kind.BOUND)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule.MAXIMUM_AT_MOST, Kind.BOUND),
        (Rule.MAXIMUM_AT_LEAST, Kind.ATTAINED),
        (Rule.POOLED_AT_MOST, Kind.BOUND),
        (Rule.AT_LEAST, Kind.FLOOR),
    ],
)
def test_the_rule_of_a_bound_fixes_its_kind(rule: Rule, kind: Kind) -> None:
    assert bound("x", "x", SENTENCE, (reading("a"),), "90", rule=rule).kind is kind


@pytest.mark.parametrize(
    ("estimates", "rule", "decided"),
    [
        pytest.param(["a"], None, Rule.SIGN, id="of one"),
        pytest.param(["a", "b"], None, Rule.EVERY_SIGN, id="of each"),
        pytest.param(["a", "b"], Rule.POOLED_SIGN, Rule.POOLED_SIGN, id="of the mean"),
        pytest.param(["a"], Rule.CORRELATION_SIGN, Rule.CORRELATION_SIGN, id="of a correlation"),
    ],
)
def test_a_sign_is_that_of_one_of_each_or_as_the_rule_says(
    estimates: list[str], rule: Rule | None, decided: Rule
) -> None:
    claim = sign("x", "x", SENTENCE, (reading(*estimates),), -1, rule=rule)
    assert (claim.rule, claim.sign, claim.targets) == (decided, -1, ())


def test_one_named_is_the_largest_and_several_hold_it() -> None:
    members = (reading("a", "b", "c"), reading("d", "e", "f", name="other"))
    one = order("x", "x", SENTENCE, members, largest=(reading("a"), reading("d", name="other")))
    several = order("x", "x", SENTENCE, members, largest=(reading("a", "b"),))
    assert (one.rule, one.kind, one.named) == (Rule.LARGEST_AT, Kind.ARGMAX, ("a", "d"))
    assert (several.rule, several.kind, several.named) == (Rule.LARGEST_WITHIN, Kind.REGION, ("a", "b"))


def test_arithmetic_is_decided_by_what_it_is_about() -> None:
    payload = Granularity(printed=Printed("+0.16"), item_counts=((1_115, "subset"),))
    claim = arithmetic("x", "x", SENTENCE, payload, basis=Basis(unit=Unit.POINTS))
    assert (claim.rule, claim.kind, claim.arithmetic) == (Rule.GRANULARITY, Kind.ARITHMETIC, payload)
    assert claim.unit is Unit.POINTS


def test_what_names_nothing_measurable_has_no_rule_and_no_unit() -> None:
    claim = untestable("x", "x", SENTENCE, tier=Tier.EXPLORATORY)
    assert (claim.kind, claim.rule, claim.unit) == (Kind.QUALITATIVE, Rule.NONE, Unit.NONE)


def test_details_are_those_of_the_claim() -> None:
    basis = Basis(unit=Unit.POINTS, minima=Minima(units=100), inference=InferenceTarget.FIXED_ITEMS)
    claim = value(
        "x", "x", SENTENCE, (reading("a"),), "1",
        margin=1.0, because="one", inventory="C01 C03", conflicts="K1", basis=basis, beside="beside", expected="PASS",
    )  # fmt: skip
    assert (claim.inventory, claim.conflicts, claim.tier) == (("C01", "C03"), ("K1",), Tier.SECONDARY)
    assert (claim.unit, claim.minima, claim.inference) == (basis.unit, basis.minima, basis.inference)
    assert (claim.beside, claim.expected) == ("beside", "PASS")
