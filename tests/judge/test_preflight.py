"""Before a run: how many units a margin needs, how wide intervals will be, and what cannot be decided at all."""

from dataclasses import replace

import numpy as np
import pytest

from harness.judge.preflight import expected_spread, prospects, units_needed
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.sources.studies import load_profile, load_study
from harness.statistics.stats import t_quantile
from harness.words.claim import (  # fmt: skip
    Claim,
    InferenceTarget,
    Kind,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Target,
    Tier,
    Unit,
)
from harness.words.emergence import EmergenceSizes
from harness.words.judgement import Prospect, prospects_say
from harness.words.study import Sizes

SIZES = Sizes(
    latents_per_layer=2_000,
    panel_latents=4,
    held_out_fraction=0.3,
    similarity_texts=50,
    dictionary_texts=10,
    adapter_seeds=(1, 2, 3, 4, 5),
    max_alignment_steps=None,
    alignment_batch=None,
    items_per_cell=None,
    max_shots=None,
    batch_tokens=1_000,
    dtype="float32",
    threads=1,
)
ESTIMANDS = estimate_scopes(load_study("sin2025"))
GAP = "gap/layer=6/high/primary"


def claim(
    *estimates: str, margin: float | None = 2.5, unit_sd: float = 30.0, seed_sd: float = 0.0, **more: object
) -> Claim:
    settled: dict[str, object] = {
        "id": "one",
        "says": "one thing",
        "inventory": (),
        "sentence": Sentence(source="abstract", tier=SourceTier.ABSTRACT, where="sentence 1"),
        "kind": Kind.VALUE,
        "rule": Rule.WITHIN_MARGIN,
        "tier": Tier.PRIMARY,
        "unit": Unit.PERCENT,
        "readings": (Reading(name="a", says="a", supported_by=("abstract",), estimates=estimates or (GAP,)),),
        "targets": (Target(printed=Printed("20"), source="abstract", tier=SourceTier.ABSTRACT, reading="a"),),
        "margin": margin,
        "pilot": Pilot(unit_sd=unit_sd, seed_sd=seed_sd, because="assumed"),
    }
    return Claim(**(settled | more))  # type: ignore[arg-type]


def prospect(asked: Claim, **sizes: object) -> Prospect:
    (found,) = prospects((asked,), replace(SIZES, **sizes), ESTIMANDS, 9)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(("margin", "units"), [(2.5, 1_234), (2.0, 1_927)])
def test_units_needed_are_known_answers(margin: float, units: int) -> None:
    assert units_needed(claim(margin=margin), seeds=0) == units
    assert prospect(claim(margin=margin)).units_needed == units


@pytest.mark.parametrize(("latents", "decidable"), [(1_233, False), (1_234, True)])
def test_a_claim_is_decidable_from_the_last_unit_on(latents: int, *, decidable: bool) -> None:
    assert prospect(claim(), latents_per_layer=latents).decidable is decidable


def test_the_example_of_arc() -> None:
    """Five percent of the answers flip, and the margin is half a point."""
    flips = Pilot(unit_sd=100 * 0.05**0.5, because="5 % of the answers flip")
    assert expected_spread(flips, 1_169, 0).half_width(0.90) == pytest.approx(1.08, abs=0.005)
    widths = [expected_spread(flips, units, 0).half_width(0.90) for units in (5_410, 5_412)]
    assert widths[0] > 0.5 >= widths[1]
    asked = claim("delta/lang=ml/bench=arc/primary/primary", margin=0.5, unit_sd=flips.unit_sd)
    assert units_needed(asked, 0) == 17_128
    told = prospect(asked, items_per_cell=1_169)
    assert (told.units_needed, told.units_planned, told.decidable) == (17_128, 1_169, False)
    assert told.says == (
        "With 1,169 questions the 90 % interval will reach about 1.08 to either side. "
        "A margin of 0.5 with a power of 80 % needs 17,128 questions. "
        "Only some of the test questions are planned, and a part of a test earns no verdict."
    )


@pytest.mark.parametrize(
    "estimate", ["accuracy/lang=ml/bench=arc/primary/primary", "delta/lang=ml/bench=arc/primary/primary", GAP]
)
def test_a_part_of_a_test_decides_nothing_about_its_questions(estimate: str) -> None:
    """As the judge has it, however many they are."""
    asked = claim(estimate, unit_sd=1.0, minima=Minima(units=100))
    assert prospect(asked, items_per_cell=None).decidable
    assert prospect(asked, items_per_cell=100_000).decidable is (estimate == GAP)


def test_seeds_use_up_part_of_the_margin() -> None:
    quantiles = t_quantile(0.95, None) + t_quantile(0.90, None)
    needed = units_needed(claim(margin=6.0, unit_sd=60.0, seed_sd=1.2), seeds=5)
    assert needed is not None
    error = (60.0**2 / needed + 1.2**2 / 5) ** 0.5
    assert quantiles * error == pytest.approx(6.0, rel=1e-3)
    assert quantiles * error <= 6.0


def test_training_that_varies_too_much_is_cured_by_no_number_of_units() -> None:
    told = prospect(claim(margin=0.5, seed_sd=1.0), latents_per_layer=10**9)
    assert (told.units_needed, told.decidable) == (None, False)
    assert "no number of latents is enough" in told.says


@pytest.mark.parametrize(("seed_sd", "decidable"), [(0.30, True), (0.31, False)])
def test_fixed_questions_are_decided_by_seeds_alone(seed_sd: float, *, decidable: bool) -> None:
    asked = claim(
        "delta/lang=ml/bench=arc/primary/primary",
        margin=0.5,
        unit_sd=0.0,
        seed_sd=seed_sd,
        inference=InferenceTarget.FIXED_ITEMS,
    )
    told = prospect(asked)
    assert (told.units_needed, told.decidable) == (None, decidable)
    assert told.says.startswith("With 5 training seeds the 90 % interval will reach about 0.")


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_what_is_called_decidable_by_seeds_is_shown_four_times_in_five(seeds: int) -> None:
    edge = (t_quantile(0.95, seeds - 1) + t_quantile(0.90, seeds - 1)) / seeds**0.5
    runs = np.random.default_rng(7).standard_normal((50_000, seeds))
    reach = np.abs(runs.mean(1)) + t_quantile(0.95, seeds - 1) * runs.std(1, ddof=1) / seeds**0.5
    assert 0.80 <= (reach <= edge).mean() <= 0.84


def test_one_seed_shows_no_spread() -> None:
    asked = claim(unit_sd=0.0, seed_sd=0.3, inference=InferenceTarget.FIXED_ITEMS)
    told = prospect(asked, adapter_seeds=(1,))
    assert not told.decidable
    assert "fewer than 2 seeds show no spread" in told.says


def test_a_minimum_that_the_plan_misses_leaves_nothing_to_decide() -> None:
    asked = claim(margin=50.0, minima=Minima(units=100, seeds=3))
    assert prospect(asked).decidable
    assert not prospect(asked, latents_per_layer=80).decidable
    assert "needs 100 latents, and 80 are planned" in prospect(asked, latents_per_layer=80).says
    assert "needs 3 training seeds, and 2 are planned" in prospect(asked, adapter_seeds=(1, 2)).says


@pytest.mark.parametrize(
    ("kind", "rule", "at_once"),
    [(Kind.ATTAINED, Rule.MAXIMUM_AT_LEAST, 26), (Kind.BOUND, Rule.MAXIMUM_AT_MOST, 1)],
)
def test_a_member_that_must_be_found_needs_more_than_members_that_all_agree(
    kind: Kind, rule: Rule, at_once: int
) -> None:
    layers = [f"gap/layer={layer}/high/primary" for layer in range(26)]
    asked = claim(*layers, kind=kind, rule=rule)
    quantiles = t_quantile(1 - 0.05 / at_once, None) + t_quantile(0.8, None)
    needed = units_needed(asked, 0)
    assert needed is not None
    assert quantiles * 30 / (needed - 1) ** 0.5 > 2.5 >= quantiles * 30 / needed**0.5


def test_without_a_margin_the_smallest_effect_is_told() -> None:
    told = prospect(claim(margin=None, kind=Kind.DIRECTION, rule=Rule.SIGN, sign=1), latents_per_layer=900)
    assert (told.units_needed, told.decidable) == (None, True)
    assert "A truth 2.49 or more beyond the limit would be shown with a power of 80 %." in told.says


def test_a_correlation_of_nine_languages_must_be_strong() -> None:
    asked = claim("correlation/bench=arc/primary/primary", kind=Kind.CORRELATION, rule=Rule.CORRELATION_SIGN, margin=None, pilot=None, sign=-1)  # fmt: skip
    assert prospect(asked).says == (
        "With 9 languages a correlation is told from none where it is beyond 0.586; for a power of 80 % the true one must be "
        "0.768."
    )
    assert prospects((asked,), SIZES, ESTIMANDS) == ()


@pytest.mark.parametrize("study", ["sin2025", "inaba2025"])
def test_every_measured_claim_of_a_paper_has_a_prospect(study: str) -> None:
    claims = load_claims(study)
    sizes = load_profile(load_study(study), "paper").sizes
    told = prospects(claims, sizes, estimate_scopes(load_study(study)), 9)
    assert [each.claim_id for each in told] == [each.id for each in claims if each.readings]
    assert all(each.says for each in told)


def test_few_phrases_of_a_latent_are_counted_in_and_said() -> None:
    told, few = prospect(claim()), prospect(claim(), phrases_per_latent=2)
    assert "design effect" not in told.says
    assert told.units_needed is not None
    assert few.units_needed == pytest.approx(told.units_needed * 1.2404, abs=1)
    assert (
        "Of each latent 2 phrases are read, a design effect of 1.61: latents spread 11 % wider than with 10, which is counted in."
    ) in few.says
    answers = claim(next(name for name, scope in ESTIMANDS.items() if scope.counted_in == "questions"))
    assert "design effect" not in prospect(answers, phrases_per_latent=2).says


def test_of_units_that_are_counted_when_measured_the_seeds_alone_can_be_too_few() -> None:
    study = load_study("inaba2025")
    (asked,) = (each for each in load_claims("inaba2025") if each.id == "apart.first")
    three = load_profile(study, "paper").sizes
    assert (asked.minima, len(three.seeds)) == (Minima(units=100, seeds=3), 3)
    assert isinstance(three, EmergenceSizes)
    one = replace(three, repeated_seeds=())
    enough, few = (prospects((asked,), sizes, estimate_scopes(study), 1)[0] for sizes in (three, one))
    counted = "How many features it would rest on is known when they are counted. A verdict needs 100."
    assert (enough.decidable, enough.is_foreseen, enough.says) == (True, False, counted)
    assert (few.decidable, few.is_foreseen) == (False, True)
    assert few.says == f"{counted} A verdict needs 3 training seeds, and 1 is planned."
    assert enough.units_planned is few.units_planned is None


def test_nobody_foresees_a_claim_without_an_assumed_spread() -> None:
    asked = claim(
        margin=None, pilot=None, kind=Kind.DIRECTION, rule=Rule.SIGN, sign=1, minima=Minima(units=100)
    )
    told, small = prospect(asked), prospect(asked, latents_per_layer=80)
    assert (told.decidable, told.is_foreseen) == (True, False)
    assert (small.decidable, small.is_foreseen) == (False, True)
    assert prospect(claim()).is_foreseen


def test_of_thirteen_claims_of_the_paper_nothing_is_foreseen() -> None:
    """Nor of any claim about ablations, whose spread nobody has told."""
    sizes = load_profile(load_study("sin2025"), "paper").sizes
    told = prospects(load_claims("sin2025"), sizes, ESTIMANDS, 9)
    assert all(each.decidable for each in told)
    ablations = [each for each in told if each.claim_id.startswith("ablation.")]
    assert (sum(not each.is_foreseen for each in ablations), len(ablations)) == (12, 12)
    others = [each for each in told if each not in ablations]
    unforeseen = [each.claim_id for each in others if not each.is_foreseen]
    assert (len(unforeseen), len(others)) == (13, 42)
    assert {"gap.argmax", "corr.gap_acc.mean", "bench.base.arc.best"} <= set(unforeseen)


@pytest.mark.parametrize(
    ("unforeseen", "says"),
    [
        (
            13,
            "29 of the 42 claims that a measurement decides could be decided at this size; of 13 it cannot be foreseen",
        ),
        (0, "29 of the 42 claims that a measurement decides could be decided at this size"),
    ],
)
def test_what_cannot_be_foreseen_is_counted_apart(unforeseen: int, says: str) -> None:
    assert prospects_say(29, unforeseen, 42) == says
