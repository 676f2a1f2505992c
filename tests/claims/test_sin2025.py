"""The paper's claims: complete, sound, and as the protocol has them."""

import json
from pathlib import Path

import pytest

from claims.sin2025.claims import NAMES
from claims.sin2025.profiles import PROFILES
from claims.sin2025.published import PUBLISHED
from claims.sin2025.sources import SOURCES
from claims.sin2025.study import PROTOCOL
from harness.judge.arithmetic import judge_arithmetic
from harness.judge.quantities import estimate_units
from harness.judge.validate import load_claims
from harness.sources.studies import load_study, load_table
from harness.words.claim import ALL_OF_IT, Claim, InferenceTarget, Kind, SourceTier, Tier
from harness.words.judgement import Conflict
from harness.words.specification import Openness
from harness.words.verdict import Finding

CLAIMS = {claim.id: claim for claim in load_claims("sin2025")}
EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "report.json"

PRIMARY = {
    "gap.l6.value": ("26.27", 23.765, 28.775, 0.0),
    "gap.l25.value": ("19.89", 17.885, 21.895, 0.0),
    "gain.ml.value": ("87.69", 81.685, 93.695, 0.0),
    "gain.hi.value": ("86.32", 80.315, 92.325, 0.0),
    "retention.en.value": ("approximately 91 percent", 88, 94, 100.0),
}
"""Claims that gate the exit code, whose numbers the abstract prints: printed number, band, and the value of no effect."""

BY_SUMMARY_ALONE = {
    "gain.mr.value": ("75.49", 69.485, 81.495, 0.0),
    "bench.ml.hellaswag.value": ("+1.62", 1.11, 2.13, 0.0),
}
"""Numbers that a summary alone reports: as judged, and gating nothing."""
BANDS = PRIMARY | BY_SUMMARY_ALONE


def band(claim: Claim) -> tuple[float, float]:
    target = claim.targets[0]
    assert claim.margin is not None
    reach = target.rounding + claim.margin
    return target.value - reach, target.value + reach


def test_the_primary_family_is_the_protocols() -> None:
    assert {name for name, claim in CLAIMS.items() if claim.tier is Tier.PRIMARY} == set(PRIMARY)


def test_what_a_summary_alone_reports_is_secondary() -> None:
    assert {CLAIMS[name].tier for name in BY_SUMMARY_ALONE} == {Tier.SECONDARY}


@pytest.mark.parametrize("name", BANDS)
def test_a_claim_has_the_band_of_the_protocol(name: str) -> None:
    printed, low, high, null = BANDS[name]
    claim = CLAIMS[name]
    assert {target.printed.text for target in claim.targets} == {printed}
    assert band(claim) == pytest.approx((low, high))
    assert claim.null == null
    assert claim.pilot is not None


def test_every_number_that_stands_for_a_word_is_named_as_ours() -> None:
    words = {
        (name, each.printed.text, each.stands_for) for name, claim in CLAIMS.items() for each in claim.targets
    }
    stable = {(name, "0", "stable") for name in CLAIMS if name.endswith(".stable")}
    assert len(stable) == 9
    assert {each for each in words if each[2]} == {*stable, ("bench.modest", "5", "modest")}


def test_claims_that_the_paper_tells_apart_have_bands_apart() -> None:
    for one, other in (("gap.l25.value", "gap.l6.value"), ("gain.mr.value", "gain.ml.value")):
        assert band(CLAIMS[one])[1] < band(CLAIMS[other])[0]


@pytest.mark.parametrize(
    ("name", "expected"), [("arc", (-0.35, 0.67)), ("hellaswag", (1.11, 2.13)), ("mmlu", (-0.73, 0.29))]
)
def test_a_change_in_points_has_the_band_of_the_protocol(name: str, expected: tuple[float, float]) -> None:
    claim = CLAIMS[f"bench.ml.{name}.value"]
    assert band(claim) == pytest.approx(expected)
    assert claim.inference is InferenceTarget.FIXED_ITEMS
    assert CLAIMS[f"bench.ml.{name}.direction"].inference is InferenceTarget.POPULATION


def test_every_statement_of_the_paper_is_broken_into_claims() -> None:
    named = {statement for claim in CLAIMS.values() for statement in claim.inventory}
    assert named == {f"C{number:02}" for number in range(1, 22)}


def test_every_conflict_is_told_and_those_that_touch_a_number_are_named_by_a_claim() -> None:
    told = [conflict.id for conflict in load_table("sin2025", Conflict)]
    named = {conflict for claim in CLAIMS.values() for conflict in claim.conflicts}
    assert told == [f"K{number}" for number in range(1, 14)]
    assert set(told) - named == {"K12"}  # dates on two sites


def test_disputed_and_unverified_numbers_are_in() -> None:
    printed = {target.printed.text: name for name, claim in CLAIMS.items() for target in claim.targets}
    assert {"75.49", "86.32", "+0.16", "+5.47", "-0.95"} <= set(printed)
    arc = [(target.printed.text, target.reading) for target in CLAIMS["bench.ml.arc.value"].targets]
    assert arc == [(number, name) for name in ("points", "relative") for number in ("+0.16", "+5.47")]
    assert CLAIMS["corr.gap_acc.mean"].tier is Tier.EXPLORATORY
    assert CLAIMS["embed.similarity.direction"].tier is Tier.SECONDARY


def test_only_conflicts_of_meaning_have_two_readings() -> None:
    several = {claim.conflicts for claim in CLAIMS.values() if len(claim.readings) > 1}
    assert all({"K1", "K5", "K6"} & set(conflicts) for conflicts in several)
    assert [reading.name for reading in CLAIMS["gap.l6.value"].readings] == ["high", "english"]
    assert [reading.name for reading in CLAIMS["retention.en.value"].readings] == ["activation", "accuracy"]
    assert [reading.name for reading in CLAIMS["retention.en.floor"].readings] == ["accuracy"]
    change = CLAIMS["bench.ml.hellaswag.value"]
    assert [change.unit_of(reading) for reading in change.readings] == ["points", "percent"]
    assert [change.margin_of(reading) for reading in change.readings] == [0.5, 2.0]


def test_what_only_a_summary_says_is_never_quoted() -> None:
    sentences = {claim.sentence for claim in CLAIMS.values()}
    assert {sentence.tier for sentence in sentences if sentence.quote} == {SourceTier.ABSTRACT}
    assert all(sentence.sense for sentence in sentences if sentence.tier is SourceTier.SUMMARY)


def test_what_only_a_summary_reports_is_marked() -> None:
    """The layers, that Marathi is tuned, and whatever no abstract says: by pencil, family by family."""
    marked = {name: claim.by_summary for name, claim in CLAIMS.items() if claim.by_summary}
    parts = {name: part for name, part in marked.items() if part != ALL_OF_IT}
    assert parts == {
        "gap.l6.value": "layer 6",
        "gap.l25.value": "layer 25",
        "bench.consistency": "that Marathi is tuned",
        "bench.modest": "that Marathi is tuned",
    }
    unmarked = set(CLAIMS) - set(marked)
    assert {name for name in unmarked if not name.startswith("arith.")} == {
        "gap.max.bound", "gap.max.attained", "gap.argmax.region", "gap.deep.direction", "gap.systematic.direction",
        "gain.ml.value", "gain.hi.value", "gain.ml.direction", "gain.hi.direction", "retention.en.value",
        "bench.base.arc.best", "bench.base.hellaswag.best", "bench.base.mmlu.best", "factor",
    }  # fmt: skip


def test_every_source_has_an_address_or_says_that_none_is_known() -> None:
    """Addresses, days and digests as they were written down when the texts were read."""
    assert {source.name: (source.address[:36], source.read, source.sha256[:8]) for source in SOURCES} == {
        "abstract": ("https://arxivlens.com/PaperView/Deta", "2026-11-19", "ca988b6b"),
        "news-style summary": ("https://blogs.edgentiq.com/?p=36806", "2026-11-19", "3a166d90"),
        "structured summary": ("", "2026-11-19", "18f11dd6"),
        "paper feed summary": ("https://www.scholarfeed.org/paper/25", "2026-11-29", ""),
        "third-party notes": ("", "2026-11-29", ""),
    }


def test_chance_is_told_beside_every_claim_on_malayalam_hellaswag() -> None:
    def is_touched(claim: Claim) -> bool:
        estimates = {name for reading in claim.readings for name in reading.estimates}
        return claim.id.startswith("arith.ml.hellaswag") or any(
            "lang=ml/bench=hellaswag" in name and not name.startswith("delta-english") for name in estimates
        )

    about = [claim for claim in CLAIMS.values() if is_touched(claim)]
    assert {claim.id for claim in about} == {
        "bench.ml.hellaswag.value",
        "bench.ml.hellaswag.direction",
        "bench.base.hellaswag.best",
        "bench.consistency",
        "bench.modest",
        "arith.ml.hellaswag.points",
        "arith.ml.hellaswag.relative",
    }
    assert all("at chance" in claim.beside for claim in about)


@pytest.mark.parametrize(
    ("word", "claims"),
    [
        ("malayalam", {"gain.ml.value", "bench.ml.arc.value"}),
        ("hindi", {"gain.hi.value"}),
        ("english", {"retention.en.value"}),
    ],
)
def test_claims_are_found_by_the_name_of_their_language(word: str, claims: set[str]) -> None:
    assert claims <= {name for name, claim in CLAIMS.items() if word in claim.says.lower()}
    for name, claim in CLAIMS.items():
        for code, language in NAMES.items():
            assert f".{code}." not in name or language in claim.says, name


def test_a_part_of_a_test_set_or_one_seed_is_never_enough() -> None:
    for name, claim in CLAIMS.items():
        estimates = str([reading.estimates for reading in claim.readings])
        if "gain/" in estimates or "delta" in estimates or "retention/" in estimates:
            assert claim.minima.seeds == 3, name
        if "gap/" in estimates:
            assert claim.minima.units == 100, name
        if "delta" in estimates:
            assert claim.minima.units >= 1115, name
        if "correlation/" in estimates:
            assert claim.minima.units == 8, name


def test_estimates_are_those_that_a_run_holds() -> None:
    measured = json.loads(EXAMPLE.read_text(encoding="utf-8"))["measurements"]
    units = {
        row["id"]: row["unit"] for row in measured if row["unit"] in {"percent", "points", "r", "cosine"}
    }
    named = estimate_units(load_study("sin2025"))
    # Rivals, losses and controls stand beside what claims name; of ablations a fixture run trains a few.
    beside = {
        "gap-remaining",
        "gap-on-chosen-texts",
        "gap-on-parallel-text",
        "gap-of-translators",
        "loss-recovered",
        "gain-control",
    }
    ablated = {
        f"{quantity}-{kind}" for quantity in ("gain", "retention") for kind in ("ablated", "difference")
    }
    assert {each.partition("/")[0] for each in units.keys() - named.keys()} == beside
    assert {each.partition("/")[0] for each in named.keys() - units.keys()} == ablated
    assert {each: unit for each, unit in units.items() if each in named} == {
        each: unit for each, unit in named.items() if each in units
    }


def test_the_seeds_of_the_protocol_are_those_of_a_full_run() -> None:
    assert PROFILES["paper"].sizes.adapter_seeds == PROTOCOL.adapter_seeds
    assert len(PROTOCOL.adapter_seeds) >= 3


def test_the_grid_has_every_class_and_no_choice_without_a_choice() -> None:
    assert {choice.openness for choice in PROTOCOL.choices} == set(Openness)
    assert all(len(choice.alternatives) > 1 for choice in PROTOCOL.choices)
    assert len({choice.name for choice in PROTOCOL.choices}) == len(PROTOCOL.choices)


FOUND = {
    "arith.ml.arc.low.points": Finding.CANNOT_OCCUR,
    "arith.ml.arc.low.relative": Finding.CANNOT_OCCUR,
    "arith.ml.arc.high.points": Finding.CONSISTENT,
    "arith.ml.arc.high.relative": Finding.CANNOT_TELL,
    "arith.ml.hellaswag.points": Finding.CANNOT_TELL,
    "arith.ml.hellaswag.relative": Finding.CANNOT_OCCUR,
    "arith.ml.mmlu.points": Finding.CANNOT_TELL,
    "arith.consistent": Finding.CANNOT_OCCUR,
    "arith.up-to": Finding.CONSISTENT,
    "arith.ml.arc.two-printings": Finding.CANNOT_OCCUR,
    "arith.gain-gap.ml": Finding.NOTE,
    "arith.gain-gap.hi": Finding.NOTE,
    "arith.gain-gap.mr": Finding.NOTE,
}
"""What the printed numbers say of each other, worked out by hand from the sizes of the authors' data sets."""


def test_the_papers_arithmetic_comes_out_as_by_hand() -> None:
    arithmetic = [claim for claim in CLAIMS.values() if claim.kind is Kind.ARITHMETIC]
    assert {claim.id: judge_arithmetic(claim).state for claim in arithmetic} == FOUND


def test_nothing_that_a_summary_prints_is_held_against_the_paper() -> None:
    """Whatever cannot occur is printed by a summary; the abstract's own numbers are consistent."""
    arithmetic = {claim.id: claim for claim in CLAIMS.values() if claim.kind is Kind.ARITHMETIC}
    summaries = {source.name for source in SOURCES if source.tier is SourceTier.SUMMARY}
    for name, found in FOUND.items():
        if found is Finding.CANNOT_OCCUR:
            assert set(arithmetic[name].reported_by) <= summaries, name
            assert judge_arithmetic(arithmetic[name]).says.startswith("Cannot occur as reported by the "), (
                name
            )
    assert arithmetic["arith.consistent"].reported_by == ("structured summary",)
    assert arithmetic["arith.up-to"].reported_by == ("abstract",)


def test_the_committed_baselines_are_the_published_ones() -> None:
    """Right answers by pencil: each printed accuracy is a whole number of 6,019 questions."""
    assert [
        (each.benchmark, each.language, each.metric, each.items, round(each.accuracy * each.items, 6))
        for each in PROTOCOL.baselines
    ] == [
        ("hellaswag", "id", "acc", 6019, 2498),
        ("hellaswag", "id", "acc_norm", 6019, 3366),
        ("hellaswag", "ml", "acc", 6019, 1515),
    ]
    asked = {pin.address for pin in PROFILES["paper"].sources.benchmarks.values()}
    assert {each.questions for each in PROTOCOL.baselines} <= asked


def test_every_published_set_of_the_two_accounts_is_listed_once_with_the_commits_seen() -> None:
    listed = {each.address: each for each in PUBLISHED}
    assert len(listed) == len(PUBLISHED)
    assert sum(address.startswith("JalilH/") for address in listed) == 18
    seen = {address.partition("/")[2]: each.seen_revision for address, each in listed.items() if each.tuned}
    assert {name: commit for name, commit in seen.items() if commit} == {
        "finetuned_arc_ml_output_layer_20_results_2": "4fe73cb",
        "finetuned_arc_ml_output_layer_20_results_3": "f932681",
    }
