"""Each constant that a claim rests on, read back from the sentence it is about, from the reason it gives, or by pencil."""

import math
import re
from collections.abc import Iterable, Mapping

import pytest

from claims.sin2025.claims import (
    ARC_BASE,
    ARC_SETS,
    AT_CHANCE,
    HELLASWAG_BASE,
    HELLASWAG_SETS,
    ITEMS,
    MMLU_SETS,
    SCRIPT,
)
from claims.sin2025.study import LANGUAGES
from harness.judge.validate import load_claims
from harness.sources.studies import load_table
from harness.words.claim import Claim, Rule
from harness.words.judgement import Conflict
from harness.words.study import Group

SIN = {claim.id: claim for claim in load_claims("sin2025")}
MINIATURE = {claim.id: claim for claim in load_claims("miniature")}
CONFLICTS = {conflict.id: conflict.says for conflict in load_table("sin2025", Conflict)}
MEASURED = [claim for claim in (*SIN.values(), *MINIATURE.values()) if claim.readings]

HIGH, LOW, TUNED = ("zh", "ru", "es", "it"), ("id", "ca", "mr", "ml", "hi"), ("mr", "ml", "hi")
NAMES = {"Malayalam": "ml", "Hindi": "hi", "Marathi": "mr", "Indonesian": "id", "Chinese": "zh"}


def layers(estimates: Iterable[str]) -> list[int]:
    """Layers of estimates, as their ids name them."""
    return sorted({int(found[1]) for each in estimates if (found := re.search(r"/layer=(\d+)", each))})


def languages(estimates: Iterable[str]) -> list[str]:
    """Languages of estimates, in their order."""
    return list(dict.fromkeys(found[1] for each in estimates if (found := re.search(r"/lang=(\w+)", each))))


def named_layers(text: str) -> list[list[int]]:
    """Layers that a text names, mention by mention: "layers 6, 19 and 25"."""
    mentions = re.findall(r"layers? ((?:\d+(?:, | and )?)+)", text)
    return [[int(number) for number in re.findall(r"\d+", mention)] for mention in mentions]


def decimals(text: str) -> list[float]:
    """Numbers with a point that a text prints."""
    return [float(number) for number in re.findall(r"[+-]?\d+\.\d+", text)]


def ranges(text: str) -> list[tuple[float, float]]:
    """Ranges that a text prints: "23.8 to 28.8"."""
    return [
        (float(low), float(high)) for low, high in re.findall(r"(\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)", text)
    ]


def band(claim: Claim) -> tuple[float, float]:
    """What counts as agreement with the first target, to one decimal."""
    assert claim.margin is not None
    reach = claim.targets[0].rounding + claim.margin
    return round(claim.targets[0].value - reach, 1), round(claim.targets[0].value + reach, 1)


@pytest.mark.parametrize(
    "claim", [each for each in MEASURED if named_layers(each.says)], ids=lambda each: each.id
)
def test_a_layer_in_the_sentence_is_the_layer_of_the_estimates(claim: Claim) -> None:
    mentioned = named_layers(claim.says)
    everywhere = sorted(layer for mention in mentioned for layer in mention)
    for reading in claim.readings:
        if claim.rule is Rule.LARGEST_AT:
            assert layers(claim.named) == mentioned[0]
            assert set(everywhere) <= set(layers(reading.estimates))
        elif trained := {
            int(layer) for each in reading.estimates for layer in re.findall(r"layers=(\d+)", each)
        }:
            # A sentence about tuned layers says which; the layers at which they are read stand beside it.
            assert set(everywhere) <= trained | set(layers(reading.estimates))
        else:
            assert layers(reading.estimates) == everywhere


def test_there_are_sentences_with_layers_in_both_studies() -> None:
    named = {claim.id for claim in MEASURED if named_layers(claim.says)}
    assert {"gap.l6.value", "gap.l25.value", "gap.argmax", "gap.early-over-deep"} <= named
    assert {"mini.gap.l6.value", "mini.gap.argmax", "mini.gap.direction", "mini.similarity.ml"} <= named
    assert layers(SIN["gap.early-over-deep"].primary.estimates) == [6, 25]


@pytest.mark.parametrize(
    ("name", "first", "last"), [("gap.argmax.region", 0, 8), ("gap.deep.direction", 17, 25)]
)
def test_a_third_of_the_layers_is_the_one_that_is_told(name: str, first: int, last: int) -> None:
    """Nine of twenty-six layers, counted from 0, are the third to the nearest layer."""
    claim = SIN[name]
    about = layers(claim.named or claim.primary.estimates)
    assert ranges(claim.beside) == [(first, last)]
    assert about == list(range(first, last + 1))
    assert len(about) == round(26 / 3)


@pytest.mark.parametrize(
    "name",
    ["gap.max.bound", "gap.max.attained", "gap.argmax", "gap.argmax.region", "gap.systematic.direction"],
)
def test_a_sentence_about_every_layer_looks_at_all_26(name: str) -> None:
    for reading in SIN[name].readings:
        assert layers(reading.estimates) == list(range(26))


def test_a_claim_on_every_layer_and_language_counts_them_as_it_says() -> None:
    claim = SIN["gap.systematic.direction"]
    assert "130 of them" in claim.beside
    for reading in claim.readings:
        assert len(set(reading.estimates)) == 130 == 26 * len(LOW)
        assert languages(reading.estimates) == list(LOW)


OF_NINE = [each for each in MEASURED if "nine layers" in each.says]


@pytest.mark.parametrize("claim", OF_NINE, ids=lambda each: each.id)
def test_nine_layers_in_the_sentence_are_nine_estimates(claim: Claim) -> None:
    assert len(layers(claim.primary.estimates)) == len(claim.primary.estimates) == 9
    assert set(claim.named) <= set(claim.primary.estimates)


def test_groups_are_those_of_the_paper() -> None:
    found = {group: tuple(each.code for each in LANGUAGES if each.group is group) for group in Group}
    assert found == {Group.REFERENCE: ("en",), Group.HIGH: HIGH, Group.LOW: LOW}
    assert tuple(each.code for each in LANGUAGES if each.tuned) == TUNED
    assert languages(SIN["embed.similarity.direction"].primary.estimates) == list(LOW)
    for name in ("arc", "hellaswag", "mmlu"):
        best = SIN[f"bench.base.{name}.best"]
        assert languages(best.primary.estimates) == [*HIGH, *LOW]
        assert languages(best.named) == list(HIGH)
    for name in ("bench.consistency", "bench.modest"):
        assert len(SIN[name].primary.estimates) == 9
        assert languages(SIN[name].primary.estimates) == list(TUNED)


def said_in(claim: Claim) -> set[str]:
    """Languages that a claim names."""
    return {code for name, code in NAMES.items() if name in claim.says}


@pytest.mark.parametrize("claim", list(filter(said_in, MEASURED)), ids=lambda each: each.id)
def test_a_language_in_the_sentence_is_the_language_of_the_estimates(claim: Claim) -> None:
    for reading in claim.readings:
        assert set(languages(reading.estimates)) == said_in(claim)


SIGNED = {Rule.SIGN, Rule.EVERY_SIGN, Rule.POOLED_SIGN, Rule.CORRELATION_SIGN}


@pytest.mark.parametrize(
    "claim", [each for each in SIN.values() if each.rule in SIGNED], ids=lambda each: each.id
)
def test_a_sign_is_that_of_the_words(claim: Claim) -> None:
    """A gap is what is lower on the low side; "improves" and "rises" go up, "drops" goes down."""
    words = {
        "rise": 1, "improves": 1, "drops": -1, "lower activations": 1, "larger gap": -1, "resemble": 1,
        "does not fall": 1, "lifts": 1,
    }  # fmt: skip
    assert {sign for word, sign in words.items() if word in claim.says} == {claim.sign}


@pytest.mark.parametrize("claim", [each for each in SIN.values() if each.targets], ids=lambda each: each.id)
def test_a_printed_number_or_its_word_stands_in_the_sentence_or_in_a_conflict_that_is_named(
    claim: Claim,
) -> None:
    told = " ".join(
        (claim.sentence.quote, claim.sentence.sense, *(CONFLICTS[each] for each in claim.conflicts))
    )
    for target in claim.targets:
        word = target.stands_for or target.printed.text
        assert re.search(rf"(?<![\d.]){re.escape(word)}(?![\d]|\.\d)", told), (word, told)


WITH_DECIMALS = [each for each in MEASURED if each.targets and decimals(each.says)]


@pytest.mark.parametrize("claim", WITH_DECIMALS, ids=lambda each: each.id)
def test_the_decimals_of_what_a_claim_says_are_its_targets(claim: Claim) -> None:
    assert set(decimals(claim.says)) == {target.value for target in claim.targets}


CHANGED = {"arc": ("+0.16", "+5.47"), "hellaswag": ("+1.62",), "mmlu": ("-0.22",)}


def test_the_printed_changes_and_their_directions_are_those_of_the_summaries() -> None:
    for name, numbers in CHANGED.items():
        targets = SIN[f"bench.ml.{name}.value"].targets
        assert [(each.reading, each.printed.text) for each in targets] == [
            (reading, number) for reading in ("points", "relative") for number in numbers
        ]
        sign = SIN[f"bench.ml.{name}.direction"].sign
        assert all(float(number) * sign > 0 for number in numbers)
        assert ("rises" if sign > 0 else "drops") in SIN[f"bench.ml.{name}.direction"].says


MARGINS: Mapping[str, tuple[float, float]] = {
    "gap.l6.value": (26.27, 2.5),
    "gap.max.bound": (26.27, 2.5),
    "gap.max.attained": (26.27, 2.5),
    "gap.l25.value": (19.89, 2.0),
    "gain.ml.value": (87.69, 6.0),
    "gain.hi.value": (86.32, 6.0),
    "gain.mr.value": (75.49, 6.0),
    "retention.en.value": (91.0, 2.0),
    "bench.ml.arc.value": (0.16, 0.5),
    "bench.ml.hellaswag.value": (1.62, 0.5),
    "bench.ml.mmlu.value": (-0.22, 0.5),
    **dict.fromkeys((f"ablation.alpha.{code}.kept" for code in ("mr", "ml", "hi")), (90.0, 2.0)),
    **{
        f"bench.en.{code}.{name}.stable": (0.0, 1.0)
        for code in TUNED
        for name in ("arc", "hellaswag", "mmlu")
    },
}
"""First printed number and margin of every claim that has a margin."""


def test_margins_are_those_of_the_protocol() -> None:
    assert {
        name: (each.targets[0].value, each.margin) for name, each in SIN.items() if each.margin
    } == MARGINS


@pytest.mark.parametrize(
    ("name", "told", "of"),
    [
        ("gap.l6.value", 0, "gap.l6.value"),
        ("gap.l25.value", 0, "gap.l25.value"),
        ("gain.ml.value", 0, "gain.mr.value"),
        ("gain.mr.value", 0, "gain.ml.value"),
        ("retention.en.value", 0, "retention.en.value"),
    ],
)
def test_a_band_in_a_margins_reason_is_the_band(name: str, told: int, of: str) -> None:
    assert ranges(SIN[name].margin_because)[told] == band(SIN[of])


def test_a_share_in_a_margins_reason_is_the_margins() -> None:
    """A tenth of 26.27 and of 19.89, seven percent of a gain; 2 percent of a quarter are half a point."""
    for name, share in (
        ("gap.l6.value", 0.1),
        ("gap.l25.value", 0.1),
        ("gain.ml.value", 0.07),
        ("gain.hi.value", 0.07),
    ):
        assert SIN[name].margin == pytest.approx(share * SIN[name].targets[0].value, rel=0.05)
    relative = SIN["bench.ml.arc.value"].readings[1]
    assert relative.margin_because.startswith("of an accuracy of one in four")
    assert relative.margin is not None
    assert relative.margin / 4 == SIN["bench.ml.arc.value"].margin == 0.5
    # A tenth of 91 on either side.
    assert ranges(SIN["retention.en.value"].margin_because)[1] == (round(91 * 0.9), round(91 * 1.1))


def test_an_unchanged_accuracy_is_told_to_less_than_its_error() -> None:
    claim = SIN["bench.en.ml.arc.stable"]
    error = 100 * math.sqrt(0.25 * 0.75 / ITEMS["arc"])
    assert decimals(claim.margin_because) == [round(error, 1)]
    assert claim.margin is not None
    assert claim.margin < error


@pytest.mark.parametrize("claim", [each for each in SIN.values() if each.pilot], ids=lambda each: each.id)
def test_an_assumed_spread_is_the_one_that_is_told(claim: Claim) -> None:
    assert claim.pilot is not None
    told = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", claim.pilot.because)}
    assert {claim.pilot.unit_sd, claim.pilot.seed_sd} - {0.0} <= told


def test_one_flip_in_twenty_is_as_much_as_is_assumed() -> None:
    pilot = SIN["bench.consistency"].pilot
    assert pilot is not None
    assert "one answer in twenty" in pilot.because
    assert pilot.unit_sd == round(100 * math.sqrt(1 / 20), 1)


def test_the_questions_are_as_many_as_the_pages_allow() -> None:
    fewest = {"arc": ARC_SETS[0][0], "hellaswag": HELLASWAG_SETS[0][0], "mmlu": MMLU_SETS[0][0]}
    assert fewest == ITEMS == {"arc": 1_115, "hellaswag": 6_019, "mmlu": 11_025}
    for name, items in ITEMS.items():
        for kind in ("value", "direction"):
            assert SIN[f"bench.ml.{name}.{kind}"].minima.units == items
        for code in TUNED:
            assert SIN[f"bench.en.{code}.{name}.stable"].minima.units == items
    assert SIN["bench.consistency"].minima.units == SIN["bench.modest"].minima.units == 1_115


def test_malayalam_hellaswag_stands_where_it_is_said_to() -> None:
    """1,515 of 6,019 is .25170; a quarter has an error of .00558."""
    right, asked = HELLASWAG_BASE[0], HELLASWAG_SETS[0][0]
    assert f"{right:,} of {asked:,} right" in AT_CHANCE
    above = (right / asked - 0.25) / math.sqrt(0.25 * 0.75 / asked)
    assert decimals(AT_CHANCE) == [round(above, 1)] == [0.3]


def test_the_least_correlation_is_that_of_nine_languages() -> None:
    """On Fisher's scale: a one-sided 5 percent point of 1.645, over the root of nine less three."""
    assert decimals(SCRIPT) == [-round(math.tanh(1.6449 / math.sqrt(9 - 3)), 2)] == [-0.59]
    assert SIN["corr.gap_acc.mean"].minima.units == 8


def test_the_arithmetic_of_the_remarks_holds() -> None:
    """607 and 645 right answers are the fewest and the most of which one is printed as 0.16 percent."""
    beside = SIN["arith.ml.arc.low.relative"].beside
    assert ranges(beside)[0] == (math.floor(1 / 0.001_65) + 1, math.floor(1 / 0.001_55))
    # Right answers at 23 percent of the fewest questions, and at 30 of the most.
    assert ranges(beside)[1] == (round(100 * ARC_BASE[0] / 1_115), round(100 * ARC_BASE[1] / 1_142))
    assert decimals(SIN["arith.ml.arc.two-printings"].beside) == [round(100 * 0.16 / 5.47, 1)]


def test_gain_and_retention_are_measured_at_the_layer_that_is_told() -> None:
    for name, claim in SIN.items():
        if name.startswith("gain.") and claim.readings:
            assert layers(claim.primary.estimates) == [20]
    assert all(named_layers(SIN[f"gain.{code}.value"].beside) == [[20]] for code in TUNED)
    assert layers(SIN["retention.en.value"].primary.estimates) == [20]
    assert "layers 0 to 20" in CONFLICTS["K9"]
