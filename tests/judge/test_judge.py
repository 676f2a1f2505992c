"""All claims heard at once: states in their order of precedence, families, readings, streams and selection."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import Measurement, Measurements
from harness.sources.studies import load_study
from harness.statistics.assumptions import Assumption
from harness.words.claim import (
    Claim,
    InferenceTarget,
    Kind,
    Minima,
    Printed,
    Rule,
    Tier,
    TwoPrintings,
)
from harness.words.estimate import InconsistentError
from harness.words.study import Study
from harness.words.verdict import Finding, Flag, State, Verdict, Why
from tests.judge.asked import claim, reading, sample, target, value_claim

PASS, DEVIATION, INCONCLUSIVE, CONTESTED = State.PASS, State.DEVIATION, State.INCONCLUSIVE, State.CONTESTED
NOT_RUN, NOT_TESTABLE, ERROR = State.NOT_RUN, State.NOT_TESTABLE, State.ERROR

NEAR, FAR, OPEN = sample(26.0, 0.5), sample(18.0, 0.5), sample(23.765, 0.5)
"""Measurements that agree with 26.27 within 2.5, deviate from it, and cannot tell."""


@dataclass(frozen=True, eq=False)
class Held(Measurements):
    """Measurements by id, some of which raise; per stream and number of draws where they differ."""

    study: Study = field(default_factory=lambda: load_study("sin2025"))
    found: Mapping[str, Measurement | Exception] = field(default_factory=dict)
    by_stream: Mapping[tuple[int, int], Mapping[str, Measurement]] = field(default_factory=dict)
    chance: frozenset[str] = frozenset()
    asked: list[tuple[int, int]] = field(default_factory=list)
    inferences: set[tuple[str, InferenceTarget]] = field(default_factory=set)

    def __contains__(self, quantity: object) -> bool:
        return isinstance(quantity, tuple) and quantity[0] in self.found

    def __getitem__(self, quantity: tuple[str, InferenceTarget]) -> Measurement:
        self.inferences.add(quantity)
        found = self.found[quantity[0]]
        if isinstance(found, Exception):
            raise found
        notes, at_chance = (f"note on {quantity[0]}",), quantity[0] in self.chance
        return replace(found, notes=notes, starts_at_chance=at_chance)

    def redrawn(self, stream_number: int, num_draws: int) -> "Held":
        self.asked.append((stream_number, num_draws))
        return replace(self, found={**self.found, **self.by_stream.get((stream_number, num_draws), {})})


def value(name: str, estimate: str = "", **changes: Any) -> Claim:
    return value_claim(id=name, readings=(reading(estimate or name),), **changes)


def heard(claims: Sequence[Claim], found: Mapping[str, Any], **circumstances: Any) -> dict[str, Verdict]:
    told = judge(claims, Held(found=found), Circumstances(**circumstances))
    assert [each.claim_id for each in told] == [each.id for each in claims]
    return {each.claim_id: each for each in told}


def one(asked: Claim, found: Any = NEAR, **circumstances: Any) -> tuple[State | Finding, Why]:
    verdict = heard([asked], {"a": found}, **circumstances)[asked.id]
    return verdict.state, verdict.why


QUALITATIVE = claim(Rule.NONE, id="q", readings=())
ARITHMETIC = claim(
    Rule.NONE, id="n", readings=(), kind=Kind.ARITHMETIC,
    arithmetic=TwoPrintings(printed=(("A", Printed("5.47")), ("B", Printed("0.16")))),
)  # fmt: skip
ARITHMETIC = replace(ARITHMETIC, rule=Rule.TWO_PRINTINGS)
EXPLORED = value("a", tier=Tier.EXPLORATORY)


@pytest.mark.parametrize(
    ("asked", "found", "circumstances", "expected"),
    [
        pytest.param(value("a"), NEAR, {}, (PASS, Why.INSIDE), id="agreement"),
        pytest.param(value("a"), FAR, {}, (DEVIATION, Why.SMALLER), id="disagreement"),
        pytest.param(value("a"), OPEN, {}, (INCONCLUSIVE, Why.LEANING_PASS), id="neither"),
        pytest.param(value("a"), ZeroDivisionError("no"), {}, (ERROR, Why.CRASH), id="a crash"),
        pytest.param(value("a"), InconsistentError("no"), {}, (ERROR, Why.INCONSISTENT), id="units that contradict"),
        pytest.param(value("a"), sample(math.nan, 1), {}, (ERROR, Why.NOT_FINITE), id="no number"),
        pytest.param(value("a"), sample(1, math.inf), {}, (ERROR, Why.NOT_FINITE), id="an infinite error"),
        pytest.param(value("a", "b"), NEAR, {}, (NOT_RUN, Why.UPSTREAM_NOT_RUN), id="nothing measured"),
        pytest.param(value("a", "b"), NEAR, {"why_missing": Why.NOT_DECLARED}, (NOT_RUN, Why.NOT_DECLARED),
                     id="nothing declared"),
        pytest.param(value("a"), FAR, {"why_not_run": Why.FIXTURE_MODE}, (NOT_RUN, Why.FIXTURE_MODE), id="no evidence"),
        pytest.param(ARITHMETIC, NEAR, {}, (Finding.CANNOT_OCCUR, Why.INFEASIBLE), id="printed numbers that contradict"),
        pytest.param(ARITHMETIC, NEAR, {"why_not_run": Why.FIXTURE_MODE}, (NOT_RUN, Why.FIXTURE_MODE),
                     id="printed numbers in a fixture run"),
        pytest.param(QUALITATIVE, NEAR, {}, (NOT_TESTABLE, Why.NO_QUANTITY), id="nothing to measure"),
        pytest.param(QUALITATIVE, NEAR, {"why_not_run": Why.FIXTURE_MODE}, (NOT_TESTABLE, Why.NO_QUANTITY),
                     id="nothing to measure, not even in a fixture run"),
        pytest.param(QUALITATIVE, NEAR, {"deselected": frozenset("q")}, (NOT_TESTABLE, Why.NO_QUANTITY),
                     id="nothing to measure, asked for or not"),
        pytest.param(value("a"), FAR, {"deselected": frozenset("a")}, (NOT_RUN, Why.DESELECTED), id="not asked for"),
        pytest.param(value("a", "b"), FAR, {"deselected": frozenset("a")}, (NOT_RUN, Why.DESELECTED),
                     id="neither asked for nor measured"),
        pytest.param(ARITHMETIC, FAR, {"deselected": frozenset("n")}, (NOT_RUN, Why.DESELECTED),
                     id="printed numbers not asked for"),
        pytest.param(EXPLORED, NEAR, {}, (INCONCLUSIVE, Why.EXPLORATORY), id="explored, and near"),
        pytest.param(EXPLORED, FAR, {}, (INCONCLUSIVE, Why.EXPLORATORY), id="explored, and far"),
        pytest.param(EXPLORED, sample(math.nan, 1), {}, (ERROR, Why.NOT_FINITE), id="explored, and broken"),
        pytest.param(value("a"), OPEN, {"undecidable": frozenset("a")}, (INCONCLUSIVE, Why.UNDERPOWERED),
                     id="open, as was foreseen"),
        pytest.param(value("a"), NEAR, {"undecidable": frozenset("a")}, (PASS, Why.INSIDE), id="decided all the same"),
        pytest.param(value("a", minima=Minima(units=500)), NEAR, {"undecidable": frozenset("a")},
                     (INCONCLUSIVE, Why.TOO_FEW_UNITS), id="too few units go before a forecast"),
    ],
)  # fmt: skip
def test_one_claim_alone(asked: Claim, found: Any, circumstances: Any, expected: tuple[State, Why]) -> None:
    assert one(asked, found, **circumstances) == expected


@pytest.mark.parametrize(
    ("asked", "found", "circumstances", "says"),
    [
        pytest.param(QUALITATIVE, NEAR, {}, "The sentence names nothing that can be measured.", id="nothing to measure"),
        pytest.param(value("a"), NEAR, {"why_not_run": Why.FIXTURE_MODE}, "Nothing of it is judged in this run.",
                     id="no evidence"),
        pytest.param(value("a"), NEAR, {"deselected": frozenset("a")}, "Nobody asked for it in this run.",
                     id="not asked for"),
        pytest.param(claim(Rule.EVERY_SIGN, sign=1, readings=(reading("a", "b", "c"),)), NEAR, {},
                     "2 of 3 estimates are missing, such as b.", id="nothing measured"),
        pytest.param(value("a"), sample(math.nan, 1), {}, "A measured value is no finite number.", id="no number"),
        pytest.param(value("a"), InconsistentError("2 is not 3"), {}, "2 is not 3", id="units that contradict"),
        pytest.param(value("a"), ZeroDivisionError("by 0"), {}, "ZeroDivisionError: by 0", id="a crash"),
    ],
)  # fmt: skip
def test_what_has_no_verdict_says_why(asked: Claim, found: Any, circumstances: Any, says: str) -> None:
    assert heard([asked], {"a": found}, **circumstances)[asked.id].says == says


def test_every_claim_is_answered_under_its_own_inference_target() -> None:
    held = Held(found={"a": NEAR, "b": NEAR})
    claims = [value("a"), value("b", inference=InferenceTarget.FIXED_ITEMS)]
    judge(claims, held, Circumstances())
    assert held.inferences == {("a", InferenceTarget.POPULATION), ("b", InferenceTarget.FIXED_ITEMS)}


def test_what_rests_on_a_broken_layer_is_an_error_under_any_reading_and_the_rest_is_not() -> None:
    either = value_claim(id="either", readings=(reading("b"), reading("a", name="other")))
    told = heard([value("a"), value("b"), either], dict.fromkeys("ab", NEAR),
                 unreplayed_estimates={"a": "Layer 6 is not found again."})  # fmt: skip
    assert (told["a"].state, told["a"].why) == (ERROR, Why.REPLAY_FAILED)
    assert told["a"].says == told["either"].says == "Layer 6 is not found again."
    assert told["b"].state is PASS


@pytest.mark.parametrize("broken", ["a", "b", "c"])
def test_any_member_of_a_claim_may_break_it(broken: str) -> None:
    asked = claim(Rule.EVERY_SIGN, id="e", sign=1, readings=(reading("a", "b", "c"),))
    found = dict.fromkeys("abc", NEAR)
    verdict = heard([asked], found, unreplayed_estimates={broken: "It is not found again."})["e"]
    assert (verdict.state, verdict.why) == (ERROR, Why.REPLAY_FAILED)
    other = heard([asked], found, unreplayed_estimates={"d": "It is not found again."})["e"]
    assert other.state is PASS


RICH, POOR = ({"num_units": units, "num_seeds": seeds} for units, seeds in ((200, 5), (50, 2)))
ABOUT_SEVERAL = [
    pytest.param(claim(Rule.EVERY_SIGN, id="e", sign=1, readings=(reading("a", "b", "c"),)), id="every sign"),
    pytest.param(claim(Rule.LARGEST_AT, id="e", readings=(reading("a", "b", "c"),), named=("a",)), id="the largest"),
    pytest.param(claim(Rule.LARGEST_WITHIN, id="e", readings=(reading("a", "b", "c"),), named=("a", "b")), id="a region"),
    pytest.param(claim(Rule.MAXIMUM_AT_MOST, "26.27", id="e", margin=2.5, readings=(reading("a", "b", "c"),)), id="a bound"),
    pytest.param(claim(Rule.MAXIMUM_AT_LEAST, "26.27", id="e", margin=2.5, readings=(reading("a", "b", "c"),)), id="reached"),
    pytest.param(claim(Rule.POOLED_SIGN, id="e", sign=1, readings=(reading("a", "b", "c"),)), id="a mean's sign"),
    pytest.param(claim(Rule.POOLED_AT_MOST, "30", id="e", readings=(reading("a", "b", "c"),)), id="a mean's bound"),
]  # fmt: skip


@pytest.mark.parametrize("asked", ABOUT_SEVERAL)
@pytest.mark.parametrize("poor", ["a", "b", "c"])
@pytest.mark.parametrize(
    ("minima", "why"),
    [(Minima(seeds=3), Why.TOO_FEW_SEEDS), (Minima(units=100), Why.TOO_FEW_UNITS)],
    ids=["seeds", "units"],
)
def test_a_minimum_is_asked_of_the_poorest_member(asked: Claim, poor: str, minima: Minima, why: Why) -> None:
    found = {name: replace(NEAR, **(POOR if name == poor else RICH)) for name in "abc"}
    verdict = heard([replace(asked, minima=minima)], found)["e"]
    assert (verdict.state, verdict.why) == (INCONCLUSIVE, why)
    rich = {name: replace(NEAR, **RICH) for name in "abc"}
    assert heard([replace(asked, minima=minima)], rich)["e"].why is not why


def test_an_estimate_that_could_not_be_formed_is_an_error_and_never_a_deviation() -> None:
    told = heard([value("ml", "gain/ml"), value("hi", "gain/hi"), value("mr", "gain/mr")], {"gain/hi": NEAR},
                 broken_estimates={"gain/ml": "Training of the adapter ml/seed-2 stopped."})  # fmt: skip
    assert (told["ml"].state, told["ml"].why) == (ERROR, Why.ADAPTER_FAILED)
    assert told["ml"].says == "Training of the adapter ml/seed-2 stopped."
    assert told["hi"].state is PASS
    assert (told["mr"].state, told["mr"].why) == (NOT_RUN, Why.UPSTREAM_NOT_RUN)


def test_a_cell_that_differs_breaks_whatever_rests_on_it_under_any_reading() -> None:
    ids = ("delta/lang=ml/bench=arc/primary/primary", "delta/lang=hi/bench=arc/primary/primary")
    either = value_claim(id="either", readings=(reading(ids[1]), reading(ids[0], name="other")))
    told = heard([value("ml", ids[0]), value("hi", ids[1]), either], {**dict.fromkeys(ids, NEAR), ids[0]: RuntimeError("read")},
                 differing_estimates={ids[0]: "Ours is another."})  # fmt: skip
    assert (told["ml"].state, told["ml"].why, told["ml"].says) == (
        ERROR,
        Why.BASELINE_DIFFERS,
        "Ours is another.",
    )
    assert (told["either"].state, told["either"].why) == (ERROR, Why.BASELINE_DIFFERS)
    assert told["hi"].state is PASS


def test_a_remark_stands_beside_every_claim_that_rests_on_it_once() -> None:
    several = claim(Rule.EVERY_SIGN, id="e", sign=1, readings=(reading("a", "b"),))
    told = heard([value("a"), several, value("c")], {"a": NEAR, "b": NEAR, "c": NEAR},
                 remarks={"a": "Theirs guesses.", "b": "Theirs guesses."})  # fmt: skip
    notes = {name: verdict.cases[0].notes for name, verdict in told.items()}
    assert notes["a"] == ("note on a", "Theirs guesses.")
    assert notes["e"].count("Theirs guesses.") == 1
    assert notes["c"] == ("note on c",)
    assert told["a"].state is PASS


def test_what_is_explored_carries_no_verdict_word_anywhere() -> None:
    verdict = heard([EXPLORED], {"a": NEAR})["a"]
    assert [case.state for case in verdict.cases] == [INCONCLUSIVE]
    assert verdict.says == "This is explored and not judged. Measured 26.00, 90 % interval 25.17 to 26.83."
    assert verdict.primary is not None
    assert verdict.primary.numbers is not None


@pytest.mark.parametrize(
    ("estimate", "found", "expected"),
    [
        pytest.param("a", FAR, (INCONCLUSIVE, Why.SUBSET), id="a change in accuracy"),
        pytest.param("b", NEAR, (PASS, Why.INSIDE), id="what rests on no question"),
        pytest.param("a", sample(math.nan, 1), (ERROR, Why.NOT_FINITE), id="a broken change"),
        pytest.param("a", sample(26.0, 0.0), (INCONCLUSIVE, Why.ZERO_VARIANCE), id="a change without spread"),
    ],
)  # fmt: skip
def test_some_questions_are_no_benchmark(
    estimate: str, found: Measurement, expected: tuple[State, Why]
) -> None:
    verdict = heard([value("c", estimate)], {estimate: found}, subset_estimates=frozenset("a"))["c"]
    assert (verdict.state, verdict.why) == expected
    if verdict.why is Why.SUBSET:
        assert verdict.says.startswith("Only some of the test questions were asked. ")
        assert verdict.cases[0].state is INCONCLUSIVE


def test_some_questions_carry_no_flag_of_a_verdict() -> None:
    flags = [
        heard([value("a")], {"a": NEAR}, subset_estimates=frozenset(only))["a"].cases[0].flags
        for only in ("", "a")
    ]
    assert flags == [(Flag.ONE_RUN_NOISE_ASSUMED,), ()]


def two_readings(first: Measurement | None, second: Measurement | None, **changes: Any) -> Verdict:
    asked = value_claim(
        id="a",
        readings=(reading("x", name="primary"), reading("y", name="other")),
        targets=(target("26.27"), target("26.27", name="other")),
        **changes,
    )
    return heard([asked], {name: found for name, found in (("x", first), ("y", second)) if found})["a"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(NEAR, NEAR, (PASS, Why.INSIDE, (Flag.TARGET_DISPUTED,)), id="both agree"),
        pytest.param(FAR, FAR, (DEVIATION, Why.SMALLER, (Flag.TARGET_DISPUTED,)), id="both deviate"),
        pytest.param(NEAR, FAR, (CONTESTED, Why.READINGS_DIFFER, ()), id="one agrees and one deviates"),
        pytest.param(FAR, NEAR, (CONTESTED, Why.READINGS_DIFFER, ()), id="the other way round"),
        pytest.param(
            NEAR, OPEN, (INCONCLUSIVE, Why.LEANING_PASS, (Flag.READING_DEPENDENT,)), id="one stays open"
        ),
        pytest.param(
            OPEN, FAR, (INCONCLUSIVE, Why.LEANING_PASS, (Flag.READING_DEPENDENT,)), id="the primary one does"
        ),
        pytest.param(
            NEAR, None, (INCONCLUSIVE, Why.UPSTREAM_NOT_RUN, (Flag.READING_DEPENDENT,)), id="one is missing"
        ),
        pytest.param(
            OPEN,
            None,
            (INCONCLUSIVE, Why.LEANING_PASS, (Flag.READING_DEPENDENT,)),
            id="open, and one is missing",
        ),
        pytest.param(None, NEAR, (NOT_RUN, Why.UPSTREAM_NOT_RUN, ()), id="the primary one is missing"),
        pytest.param(NEAR, sample(math.nan, 1), (ERROR, Why.NOT_FINITE, ()), id="one is broken"),
    ],
)
def test_what_a_sentence_may_mean_is_never_averaged(
    first: Measurement, second: Measurement | None, expected: tuple[State, Why, tuple[Flag, ...]]
) -> None:
    known = [each and replace(each, one_run_sd=0.1) for each in (first, second)]
    verdict = two_readings(*known)
    assert (verdict.state, verdict.why, verdict.flags) == expected


def test_the_primary_reading_is_always_printed_first() -> None:
    verdict = two_readings(NEAR, FAR)
    assert [case.reading for case in verdict.cases] == ["primary", "other"]
    assert verdict.says == "What the sentence means decides: primary (26.27): PASS; other (26.27): DEVIATION."


def test_a_number_that_stands_for_a_word_is_not_called_printed() -> None:
    taken = (replace(target("26.27"), stands_for="so"), replace(target("18.00"), stands_for="so"))
    verdict = heard([value("a", targets=taken)], {"a": replace(NEAR, one_run_sd=0.1)})["a"]
    assert [case.stands_for for case in verdict.cases] == ["so", "so"]
    assert 'primary ("so", taken as 26.27 (ours)): PASS' in verdict.says
    assert verdict.cases[0].says.endswith('around "so", taken as 26.27 (ours).')


def test_a_reading_that_was_not_measured_is_named() -> None:
    assert two_readings(NEAR, None).cases[1].says == "This reading was not measured: y is missing."


def test_two_targets_of_one_reading_are_two_cases() -> None:
    asked = value("a", targets=(target("26.27"), target("18.00")))
    verdict = heard([asked], {"a": replace(NEAR, one_run_sd=0.1)})["a"]
    assert [(case.printed, case.state) for case in verdict.cases] == [("26.27", PASS), ("18.00", DEVIATION)]
    assert verdict.state is CONTESTED


BORDER = replace(sample(23.765 - 0.02 * 100, 1.0, None, one_run_sd=0.01), num_seeds=0)
"""Two standard errors below the band: p = .0228."""


def family_of(count: int, tier: Tier = Tier.PRIMARY) -> list[Claim]:
    return [value(f"c{place}", tier=tier) for place in range(count)]


@pytest.mark.parametrize(
    ("claims", "found", "state"),
    [
        pytest.param(family_of(2), {"c0": BORDER}, DEVIATION, id="among two claims"),
        pytest.param(family_of(3), {"c0": BORDER}, INCONCLUSIVE, id="not among three, measured or not"),
        pytest.param([*family_of(1), *family_of(3, Tier.SECONDARY)[1:]], {"c0": BORDER}, DEVIATION,
                     id="claims of another tier do not count"),
        pytest.param([*family_of(1), EXPLORED, QUALITATIVE, ARITHMETIC], {"c0": BORDER, "a": FAR}, DEVIATION,
                     id="nor what is explored, untestable or arithmetic"),
        pytest.param(family_of(3), {"c0": BORDER, "c1": BORDER, "c2": FAR}, DEVIATION, id="Holm steps down past surer ones"),
        pytest.param([*family_of(2), value("c2", minima=Minima(units=999))], {"c0": BORDER, "c2": FAR}, INCONCLUSIVE,
                     id="one that misses a minimum is no surer one"),
    ],
)  # fmt: skip
def test_a_deviation_pays_for_its_family(
    claims: list[Claim], found: dict[str, Measurement], state: State
) -> None:
    verdict = heard(claims, found)["c0"]
    assert verdict.state is state
    assert verdict.primary is not None
    assert verdict.primary.numbers is not None
    assert verdict.primary.numbers.p_dev == pytest.approx(0.02275, abs=1e-5)


def test_a_subset_brings_nothing_to_its_family() -> None:
    claims = family_of(3)
    found = {"c0": BORDER, "c1": NEAR, "c2": FAR}
    assert heard(claims, found)["c0"].state is DEVIATION
    assert heard(claims, found, subset_estimates=frozenset({"c2"}))["c0"].state is INCONCLUSIVE


def test_flags_and_notes_stand_beside_a_claim_about_one_estimate() -> None:
    told = judge([value("a")], Held(found={"a": NEAR}, chance=frozenset("a")), Circumstances())[0]
    assert Flag.AT_CHANCE in told.flags
    assert told.primary is not None
    assert told.primary.notes == ("note on a",)
    several = claim(Rule.EVERY_SIGN, id="e", sign=1, readings=(reading("a", "b"),))
    told = judge([several], Held(found={"a": NEAR, "b": NEAR}, chance=frozenset("ab")), Circumstances())[0]
    assert told.flags == ()
    assert "note on a" not in told.cases[0].notes


ODD = Assumption(says="Its tail is too heavy.", is_broken=True)
HELD = Assumption(says="Its tail is light.")


@pytest.mark.parametrize("found", [NEAR, FAR], ids=["agreement", "disagreement"])
def test_a_broken_assumption_earns_no_verdict(found: Measurement) -> None:
    verdict = heard([value("a")], {"a": replace(found, assumptions=(HELD, ODD))})["a"]
    assert (verdict.state, verdict.why, verdict.flags) == (INCONCLUSIVE, Why.ASSUMPTION_BROKEN, ())
    assert "so nothing is shown" in verdict.says
    assert verdict.primary is not None
    assert {ODD.says, HELD.says} <= set(verdict.primary.notes)


def test_what_is_not_shown_anyway_keeps_its_own_reason() -> None:
    assert one(value("a"), replace(OPEN, assumptions=(ODD,))) == (INCONCLUSIVE, Why.LEANING_PASS)


def test_an_assumption_that_holds_stands_beside_the_verdict() -> None:
    verdict = heard([value("a")], {"a": replace(NEAR, assumptions=(HELD,))})["a"]
    assert verdict.state is PASS
    assert verdict.primary is not None
    assert HELD.says in verdict.primary.notes


@pytest.mark.parametrize(("broken", "state"), [("a", INCONCLUSIVE), ("b", PASS)])
def test_a_claim_of_several_rests_on_the_member_that_decides(broken: str, state: State) -> None:
    asked = claim(Rule.EVERY_SIGN, id="a", readings=(reading("a", "b"),), sign=1)
    values = {"a": sample(1.0, 0.5), "b": NEAR}
    found = {
        name: replace(each, estimate_id=name, assumptions=(ODD if name == broken else HELD,))
        for name, each in values.items()
    }
    assert heard([asked], found)["a"].state is state


@pytest.mark.parametrize(("broken", "state"), [("mean", DEVIATION), ("b", INCONCLUSIVE)])
def test_inconsistency_rests_on_the_member_that_shows_it(broken: str, state: State) -> None:
    asked = claim(Rule.POOLED_SIGN, id="a", readings=(reading("mean", "a", "b"),), sign=1)
    values = {"mean": sample(9.0, 1.0), "a": sample(9.0, 1.0), "b": sample(-9.0, 1.0)}
    found = {
        name: replace(each, estimate_id=name, assumptions=(ODD if name == broken else HELD,))
        for name, each in values.items()
    }
    assert heard([asked], found)["a"].state is state


MAXIMA = {
    "no more than, by the one nearest the edge": (Rule.MAXIMUM_AT_MOST, "26", {"a": 26.0, "b": 5.0}, PASS),
    "more than, by the largest": (Rule.MAXIMUM_AT_MOST, "10", {"a": 26.0, "b": 5.0}, DEVIATION),
    "reaches, by the largest": (Rule.MAXIMUM_AT_LEAST, "20", {"a": 26.0, "b": 5.0}, PASS),
    "does not reach, by the one nearest the edge": (
        Rule.MAXIMUM_AT_LEAST,
        "40",
        {"a": 26.0, "b": 5.0},
        DEVIATION,
    ),
    "the largest, by the largest on either side": (
        Rule.LARGEST_AT,
        "",
        {"a": 26.0, "b": 15.0, "c": 5.0},
        PASS,
    ),
}


@pytest.mark.parametrize(("rule", "printed", "values", "state"), MAXIMA.values(), ids=MAXIMA)
def test_a_claim_about_a_maximum_rests_on_the_members_that_decide(
    rule: Rule, printed: str, values: dict[str, float], state: State
) -> None:
    changes = {"margin": 2.5} if printed else {"named": ("a",)}
    asked = claim(rule, *filter(None, [printed]), id="m", readings=(reading(*values),), **changes)

    def told(broken: str) -> State:
        found = {
            name: sample(value, 0.5, estimate_id=name, assumptions=(ODD if name == broken else HELD,))
            for name, value in values.items()
        }
        return heard([asked], found)["m"].state

    last = list(values)[-1]
    assert told("") is told(last) is state
    assert told("a") is INCONCLUSIVE


FEW, MANY = {"value": 26.0, "se": 0.5, "df": 3.0}, {"value": 25.0, "se": 0.5, "df": 199.0}
"""The first lies more errors above an edge of 12.5; with so few degrees of freedom it is the second that is shown better to."""
WIDE, NARROW = {"value": 30.0, "se": 5.0}, {"value": 26.0, "se": 0.5}
"""The first is larger; the second lies more errors above the edge."""


@pytest.mark.parametrize(
    ("rule", "printed", "state"),
    [
        pytest.param(Rule.MAXIMUM_AT_MOST, "10", DEVIATION, id="more than"),
        pytest.param(Rule.MAXIMUM_AT_LEAST, "15", PASS, id="reaches"),
    ],
)
@pytest.mark.parametrize(("deciding", "other"), [(FEW, MANY), (NARROW, WIDE)], ids=["few units", "narrow"])
def test_what_a_simultaneous_limit_shows_rests_on_the_member_with_the_largest_excess(
    rule: Rule, printed: str, state: State, deciding: dict[str, float], other: dict[str, float]
) -> None:
    asked = claim(rule, printed, id="m", readings=(reading("deciding", "other"),), margin=2.5)

    def told(broken: str) -> State:
        found = {
            name: sample(**numbers, estimate_id=name, assumptions=(ODD if name == broken else HELD,))
            for name, numbers in (("other", other), ("deciding", deciding))
        }
        return heard([asked], found)["m"].state

    assert (told("other"), told("deciding")) == (state, INCONCLUSIVE)


def test_a_broken_assumption_brings_nothing_to_its_family() -> None:
    """With the deviation of one claim withheld, its p-value makes no other claim's adjustment easier."""
    border = sample(23.765 - 0.5 * 1.9, 0.5)  # .03 alone, .06 among two
    two = [value("a"), value("b")]
    assert heard(two, {"a": border, "b": FAR})["a"].state is DEVIATION
    assert heard(two, {"a": border, "b": replace(FAR, assumptions=(ODD,))})["a"].why is Why.NOT_AFTER_HOLM
