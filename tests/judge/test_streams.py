"""Two streams of draws must agree, and choosing or ordering claims moves no verdict."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge import judge as judging
from harness.judge.judge import Circumstances, judge
from harness.words.claim import Rule, Tier
from harness.words.estimate import MANY_DRAWS, NUM_DRAWS
from harness.words.verdict import State, Why
from tests.judge.asked import claim, reading, sample
from tests.judge.test_judge import FAR, NEAR, OPEN, Held, family_of, heard, value

PASS, INCONCLUSIVE = State.PASS, State.INCONCLUSIVE


def told(held: Held) -> tuple[State, Why]:
    found = judge([value("a"), value("b")], held, Circumstances())[0]
    return found.state, found.why


def test_streams_that_agree_are_enough() -> None:
    held = Held(found={"a": NEAR, "b": FAR})
    assert told(held) == (PASS, Why.INSIDE)
    assert held.asked == [(2, NUM_DRAWS)]


def test_streams_that_differ_are_drawn_tenfold_and_then_agree() -> None:
    many = {(number, MANY_DRAWS): {"a": NEAR} for number in (1, 2)}
    held = Held(found={"a": OPEN, "b": FAR}, by_stream={(2, NUM_DRAWS): {"a": NEAR}, **many})
    assert told(held) == (PASS, Why.INSIDE)
    assert held.asked == [(2, NUM_DRAWS), (1, MANY_DRAWS), (2, MANY_DRAWS)]


def test_streams_that_differ_still_are_unstable() -> None:
    held = Held(
        found={"a": OPEN, "b": FAR}, by_stream={(2, NUM_DRAWS): {"a": NEAR}, (1, MANY_DRAWS): {"a": NEAR}}
    )
    assert told(held) == (INCONCLUSIVE, Why.UNSTABLE)
    (verdict, _) = judge([value("a"), value("b")], held, Circumstances())
    assert verdict.says.startswith("Two streams of 99999 draws reach different verdicts. Measured 26.00")


def test_only_claims_on_which_streams_differ_are_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []
    decide = judging.DECIDE[Rule.WITHIN_MARGIN]

    def counting(question, samples, adjust):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        judged.append(question.claim.id)
        return decide(question, samples, adjust)

    monkeypatch.setattr(judging, "DECIDE", {Rule.WITHIN_MARGIN: counting})
    told(Held(found={"a": OPEN, "b": FAR}, by_stream={(2, NUM_DRAWS): {"a": NEAR}}))
    assert (judged.count("a"), judged.count("b")) == (8, 4)


def test_judging_anew_still_pays_for_the_whole_family() -> None:
    border = sample(21.765, 1.0, None, one_run_sd=0.01)
    held = Held(found={"a": OPEN, "b": FAR}, by_stream={(2, NUM_DRAWS): {"a": FAR}, (1, MANY_DRAWS): {"a": border},
                                        (2, MANY_DRAWS): {"a": border}})  # fmt: skip
    two = [value("a"), value("b")]
    assert judge(two, held, Circumstances())[0].state is State.DEVIATION
    assert judge([*two, value("c")], held, Circumstances())[0].state is State.DEVIATION
    held = replace(held, found={"a": OPEN})
    assert judge([*two, value("c")], held, Circumstances())[0].why is Why.NOT_AFTER_HOLM


def tenth(place: int) -> float:
    return 18.0 + 1.1 * place


@settings(max_examples=40)
@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_neither_order_nor_selection_moves_another_claim(order: list[int], unasked: set[int]) -> None:
    claims = [replace(each, tier=Tier.SECONDARY if place % 3 == 0 else Tier.PRIMARY)
              for place, each in enumerate(family_of(8))]  # fmt: skip
    found = {f"c{place}": sample(tenth(place), 0.6, one_run_sd=0.4) for place in range(8)}
    whole = heard(claims, found)
    assert len({each.state for each in whole.values()}) == 3
    some = heard([claims[place] for place in order], found, deselected=frozenset(f"c{n}" for n in unasked))
    for place in range(8):
        verdict = some[f"c{place}"]
        if place in unasked:
            assert verdict.why is Why.DESELECTED
        else:
            assert verdict == whole[f"c{place}"]


MEMBERS = tuple(f"m{place}" for place in range(3))


@pytest.mark.parametrize(
    ("rule", "changes", "printed"),
    [
        (Rule.WITHIN_MARGIN, {"margin": 2.5}, "26.27"),
        (Rule.MAXIMUM_AT_MOST, {"margin": 2.5, "readings": (reading(*MEMBERS),)}, "26.27"),
        (Rule.MAXIMUM_AT_LEAST, {"margin": 2.5, "readings": (reading(*MEMBERS),)}, "26.27"),
        (Rule.POOLED_AT_MOST, {"readings": (reading(*MEMBERS),)}, "30"),
        (Rule.LARGEST_AT, {"named": ("m2",), "readings": (reading(*MEMBERS),)}, None),
        (Rule.LARGEST_WITHIN, {"named": ("m1", "m2"), "readings": (reading(*MEMBERS),)}, None),
        (Rule.SIGN, {"sign": 1}, None),
        (Rule.EVERY_SIGN, {"sign": 1, "readings": (reading(*MEMBERS),)}, None),
        (Rule.POOLED_SIGN, {"sign": 1, "readings": (reading(*MEMBERS),)}, None),
        (Rule.AT_LEAST, {}, "20"),
    ],
    ids=lambda each: str(each) if isinstance(each, Rule) else "",
)
def test_every_rule_is_reached_and_can_pass(
    rule: Rule, changes: dict[str, object], printed: str | None
) -> None:
    asked = claim(rule, *([printed] if printed else []), id="a", **changes)
    found = {"quantity": sample(26.0, 0.5)}
    found |= {
        name: sample(value, 0.5, estimate_id=name) for name, value in zip(MEMBERS, (20, 22, 26), strict=True)
    }
    verdict = heard([asked], found)["a"]
    assert verdict.state is PASS, verdict.says
