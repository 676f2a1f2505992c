"""Every declared measurement finds its claim, reading and estimate; what it means is judged as a run's would be."""

import re
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge.audit_input import UNSAID_SHARING, AuditInput, audit_input
from harness.judge.declaration import BySeed, Declaration, Entry, PhraseRow, Raw, Row, SeedRow, Summary
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.unit_values import read_stored, stored_in_memory
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.store.tables import read_table
from harness.words.claim import InferenceTarget
from harness.words.errors import UsageError
from harness.words.estimate import Estimate, Formula, PhraseValue, UnitValue
from harness.words.verdict import Flag, State, Verdict, Why

STUDY, CLAIMS = load_study("sin2025"), load_claims("sin2025")
GAP = "gap/layer=6/high/primary"


def summary(estimate: float = 25.1, se: float = 0.6, **more: object) -> Summary:
    settled: dict[str, object] = {"df": 199.0, "units": 2_000, "seeds": 0, "one_run_sd": 0.6}
    return Summary(estimate=estimate, se=se, **(settled | more))  # type: ignore[arg-type]


def raw(
    formula: str = "gap-percent", count: int = 4, seeds: tuple[int | None, ...] = (None,), **last: object
) -> Raw:
    rows = [
        Row(unit=f"u{place}", seed=seed, observed=float(3 + place), reference=float(5 + place))
        for seed in seeds
        for place in range(count)
    ]
    if last:
        rows[-1] = Row(**(vars(rows[-1]) | last))  # type: ignore[arg-type]
    return Raw(formula=Formula(formula), unit_values=tuple(rows))


def entry(claim: str = "gap.l6.value", measured: Summary | Raw | None = None, **more: object) -> Entry:
    settled: dict[str, object] = {
        "place": "measurements[0]",
        "reading": None,
        "estimate_id": None,
        "unit": "percent",
    }
    return Entry(claim=claim, measured=measured or summary(), **(settled | more))  # type: ignore[arg-type]


def placed(*entries: Entry) -> AuditInput:
    return audit_input(
        Declaration(study="sin2025", declared_by="a laboratory", text="", entries=entries), STUDY, CLAIMS
    )


def judged(*entries: Entry) -> Mapping[str, Verdict]:
    measured = placed(*entries).measurements
    verdicts = judge(CLAIMS, measured, Circumstances(why_missing=Why.NOT_DECLARED))
    return {each.claim_id: each for each in verdicts}


def test_a_summary_is_judged_as_told() -> None:
    both = [entry(reading=reading) for reading in ("high", "english")]
    verdict = judged(*both)["gap.l6.value"]
    assert (verdict.state, verdict.why) == (State.PASS, Why.INSIDE)
    assert verdict.primary is not None
    assert verdict.primary.numbers is not None
    assert verdict.primary.numbers.ci90 == pytest.approx((24.1085, 26.0915), abs=5e-4)
    assert verdict.primary.numbers.num_units == 2_000


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (
            summary(101.0, 1.0),
            "declares 101 for accuracy/lang=ml/bench=arc/primary/primary, which lies between 0 and 100",
        ),
        (summary(-0.5, 1.0), "declares -0.5 for"),
        (raw("mean-difference", count=4, observed=900.0, reference=0.0), "which lies between 0 and 100"),
    ],
    ids=["more than all", "less than none", "by its units"],
)
def test_what_no_truth_can_be_is_refused(measured: Summary | Raw, says: str) -> None:
    name = "accuracy/lang=ml/bench=arc/primary/primary"
    with pytest.raises(UsageError, match=re.escape(says)):
        placed(entry("bench.base.arc.best", measured, estimate_id=name))


def test_claims_that_nobody_declared_are_not_run() -> None:
    verdicts = judged(entry())
    told = {name for name, each in verdicts.items() if each.state not in {State.NOT_RUN, State.NOT_TESTABLE}}
    assert {name for name in told if not name.startswith("arith.")} == {"gap.l6.value"}
    assert verdicts["gap.l25.value"].why is Why.NOT_DECLARED


def test_a_reading_that_nobody_declared_leaves_its_claim_open() -> None:
    verdict = judged(entry())["gap.l6.value"]
    assert verdict.state is State.INCONCLUSIVE
    assert [case.state for case in verdict.cases] == [State.PASS, State.INCONCLUSIVE]


def test_a_measurement_answers_every_claim_on_its_quantity() -> None:
    verdicts = judged(entry("gain.ml.value", summary(85.0, 0.9, seeds=5)))
    assert verdicts["gain.ml.value"].state is State.PASS
    assert verdicts["gain.ml.direction"].state is State.PASS


def test_an_error_on_fixed_items_answers_no_question_on_items_like_these() -> None:
    declared = entry(
        "bench.ml.hellaswag.value",
        summary(0.4, 0.05, df=4.0, seeds=5, units=6_019, one_run_sd=0.27),
        unit="points",
    )
    verdicts = judged(declared)
    points = verdicts["bench.ml.hellaswag.value"].cases[0]
    assert (points.reading, points.state, points.why) == ("points", State.DEVIATION, Why.SMALLER)
    assert verdicts["bench.ml.hellaswag.direction"].why is Why.NOT_DECLARED


def test_both_questions_may_be_answered_side_by_side() -> None:
    verdicts = judged(
        entry(
            "bench.ml.hellaswag.value",
            summary(0.4, 0.05, df=4.0, seeds=5, units=6_019, one_run_sd=0.27),
            unit="points",
        ),
        entry("bench.ml.hellaswag.direction", summary(0.4, 0.2, seeds=5, units=6_019), unit="points"),
    )
    assert verdicts["bench.ml.hellaswag.value"].cases[0].state is State.DEVIATION
    assert verdicts["bench.ml.hellaswag.direction"].state is State.PASS


def test_points_against_percent_is_contested() -> None:
    name, told = "bench.ml.hellaswag.value", {"df": 4.0, "seeds": 5, "units": 6_019}
    verdict = judged(
        entry(name, summary(0.4, 0.05, one_run_sd=0.27, **told), unit="points"),
        entry(name, summary(1.6, 0.3, one_run_sd=0.5, **told), unit="percent", reading="relative"),
    )[name]
    assert [case.state for case in verdict.cases] == [State.DEVIATION, State.PASS]
    assert [case.unit for case in verdict.cases] == ["points", "percent"]
    assert verdict.state is State.CONTESTED


def test_leaving_claims_out_buys_nothing() -> None:
    alone = judged(entry("gain.hi.value", summary(79.0, 0.6, seeds=5)))["gain.hi.value"]
    assert alone.primary is not None
    numbers = alone.primary.numbers
    assert numbers is not None
    assert numbers.p_dev is not None
    assert numbers.p_dev_holm == pytest.approx(5 * numbers.p_dev)


def test_unit_values_give_the_estimate_by_pencil() -> None:
    (estimate,) = placed(entry(measured=raw())).estimates
    assert estimate.value == pytest.approx(100 * (1 - (3 + 4 + 5 + 6) / (5 + 6 + 7 + 8)))
    assert (estimate.num_units, estimate.num_seeds, estimate.unit_kind) == (4, 0, "latent")


def test_unit_values_of_several_seeds_give_the_mean_over_seeds() -> None:
    rows = tuple(
        Row(unit=unit, seed=seed, observed=after, reference=2.0)
        for seed, afters in ((2, (3.0, 5.0)), (1, (4.0, 4.0)))
        for unit, after in zip("ab", afters, strict=True)
    )
    found = placed(entry("gain.ml.value", Raw(formula=Formula("change-percent"), unit_values=rows)))
    assert found.estimates[0].value == pytest.approx(100.0)
    assert [(row.seed, row.unit) for row in found.units] == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]


def test_unit_values_are_resampled_like_those_of_a_run() -> None:
    """The same rows through the door of stored tables give the same sample to the last bit."""
    found = placed(entry(measured=raw(count=60)))
    ours = measurements_of(STUDY, stored_in_memory(found.estimates, found.units), CLAIMS)
    one, other = (samples[GAP, InferenceTarget.POPULATION] for samples in (found.measurements, ours))
    assert one.interval(0.90) == other.interval(0.90)
    assert np.array_equal(one.draws, other.draws, equal_nan=True)  # type: ignore[arg-type]
    assert one.method.startswith("envelope of linearised t and percentile-t bootstrap over 60 latents")


INDEPENDENT_RUN = Path(__file__).resolve().parents[2] / "fixtures" / "independent_run"
PHRASED = {
    "mini.gap.l6.value": "gap/layer=6/high/primary",
    "mini.gap.l25.value": "gap/layer=25/high/primary",
    "mini.gain.ml.value": "gain/layer=20/lang=ml/primary/primary",
    "mini.retention.value": "retention/layer=20/lang=en/activation/primary",
}
"""Claims of the miniature study on latents whose phrases are kept, each with its estimate."""


def written_down(phrases: bool) -> Declaration:  # noqa: FBT001
    """What the independent run stored of these, as somebody would declare it; phrases by name, in no order."""
    estimates = {row.estimate_id: row for row in read_table(INDEPENDENT_RUN, Estimate)}
    units, of_phrases = (read_table(INDEPENDENT_RUN, kind) for kind in (UnitValue, PhraseValue))
    entries = tuple(
        entry(
            claim,
            Raw(
                formula=Formula(estimates[name].formula),
                unit_values=tuple(
                    Row(unit=row.unit, seed=row.seed, observed=row.observed, reference=row.reference)
                    for row in units
                    if row.estimate_id == name
                ),
                phrase_values=tuple(
                    PhraseRow(
                        unit=row.unit, phrase=str(row.text_id), observed=row.observed, reference=row.reference
                    )
                    for row in reversed(of_phrases)
                    if row.estimate_id == name and phrases
                ),
            ),
        )
        for claim, name in PHRASED.items()
    )
    return Declaration(study="miniature", declared_by="a laboratory", text="", entries=entries)


def test_what_a_run_stored_and_what_is_handed_in_earn_the_very_same_verdict() -> None:
    study = load_study("miniature")
    claims = tuple(claim for claim in load_claims("miniature") if claim.id in PHRASED)
    stored = judge(claims, measurements_of(study, read_stored(INDEPENDENT_RUN), claims), Circumstances())
    handed = audit_input(written_down(phrases=True), study, claims)
    assert handed.remarks == {}
    verdicts = judge(claims, handed.measurements, Circumstances(remarks=handed.remarks))
    for ours, theirs in zip(stored, verdicts, strict=True):
        assert (ours.state, ours.why, ours.flags) == (theirs.state, theirs.why, theirs.flags)
        for one, other in zip(ours.cases, theirs.cases, strict=True):
            assert (one.says, one.flags) == (other.says, other.flags)
            assert one.numbers is not None
            assert other.numbers is not None
            for mine, yours in zip(astuple(one.numbers), astuple(other.numbers), strict=True):
                assert mine == (yours if isinstance(yours, str) else pytest.approx(yours, rel=1e-9))


def test_latents_without_their_phrases_are_surer_and_it_is_said() -> None:
    study = load_study("miniature")
    claims = tuple(claim for claim in load_claims("miniature") if claim.id in PHRASED)
    known, unknown = (audit_input(written_down(phrases=each), study, claims) for each in (True, False))
    assert list(unknown.measurements.tables.phrases.places) == []
    name = PHRASED["mini.gap.l6.value"]
    narrow, wide = (
        each.measurements[name, InferenceTarget.POPULATION].interval(0.9) for each in (unknown, known)
    )
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert set(unknown.remarks) == set(PHRASED.values())
    verdicts = judge(claims, unknown.measurements, Circumstances(remarks=unknown.remarks))
    assert all(verdict.cases[0].notes[-1] == UNSAID_SHARING for verdict in verdicts)


def with_phrases(measured: Raw, *, omit: str = "", **last: object) -> Raw:
    """Two phrases behind each unit, one of them half as strong and one half again as strong."""
    phrases = [
        PhraseRow(
            unit=row.unit, phrase=str(place), observed=row.observed * part, reference=row.reference * part
        )
        for row in measured.unit_values
        for place, part in enumerate((0.5, 1.5))
        if row.unit != omit
    ]
    phrases[-1] = PhraseRow(**(vars(phrases[-1]) | last))  # type: ignore[arg-type]
    return replace(measured, phrase_values=tuple(phrases))


def test_units_of_other_kinds_are_told_nothing_of_phrases() -> None:
    accuracy = raw("mean-difference", count=10, seeds=(1, 2, 3))
    found = placed(
        entry("bench.ml.hellaswag.value", accuracy, unit="points"), entry(measured=with_phrases(raw()))
    )
    assert found.remarks == {}
    assert found.measurements.tables.phrases.seed.tolist() == [0, 1] * 4


def test_unit_values_answer_both_questions() -> None:
    rows = tuple(
        Row(unit=f"q{place}", seed=seed, observed=100.0 * ((place + seed) % 3 > 0), reference=100.0 * (place % 3 > 0))
        for seed in (1, 2, 3)
        for place in range(7_000)
    )  # fmt: skip
    verdicts = judged(
        entry(
            "bench.ml.hellaswag.value",
            Raw(formula=Formula("mean-difference"), unit_values=rows),
            unit="points",
        )
    )
    assert verdicts["bench.ml.hellaswag.value"].why is not Why.NOT_DECLARED
    assert verdicts["bench.ml.hellaswag.direction"].why is not Why.NOT_DECLARED


def test_unit_values_answer_each_question_with_its_own_error() -> None:
    """On these very questions seeds alone vary: changes of 1, 2 and 3 percent of the questions, so 1 / sqrt(3) points."""
    rows = tuple(
        Row(unit=f"q{place}", seed=seed, observed=100.0 * (place % 100 < seed), reference=0.0)
        for seed in (1, 2, 3)
        for place in range(7_000)
    )
    verdicts = judged(
        entry(
            "bench.ml.hellaswag.value",
            Raw(formula=Formula("mean-difference"), unit_values=rows),
            unit="points",
        )
    )
    on_these = verdicts["bench.ml.hellaswag.value"].cases[0].numbers
    on_others = verdicts["bench.ml.hellaswag.direction"].cases[0].numbers
    assert on_these is not None
    assert on_others is not None
    assert (on_these.se, on_these.df) == (pytest.approx(3**-0.5), 2)
    assert on_others.se > on_these.se


def test_a_correlation_is_judged_from_its_languages() -> None:
    rows = tuple(
        Row(unit=code, seed=None, observed=40.0 - place + (place % 2), reference=float(place))
        for place, code in enumerate(["zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi"])
    )
    verdicts = judged(entry("corr.gap_acc.arc", Raw(formula=Formula("pearson"), unit_values=rows), unit="r"))
    assert verdicts["corr.gap_acc.arc"].state is State.PASS


@pytest.mark.parametrize("other", ["en", "ZH", "zh ", "Chinese", "xx", "", "q0"])
def test_a_unit_of_a_correlation_that_is_no_target_language_is_refused(other: str) -> None:
    rows = tuple(
        Row(unit=code, seed=None, observed=40.0 - place, reference=float(place % 4))
        for place, code in enumerate(["ru", "es", "it", "id", "ca", "mr", "ml", "hi", other])
    )
    with pytest.raises(UsageError) as refused:
        judged(entry("corr.gap_acc.arc", Raw(formula=Formula("pearson"), unit_values=rows), unit="r"))
    assert f"unknown language {other!r}; allowed: zh, ru, es, it, id, ca, mr, ml, hi" in str(refused.value)
    assert "(claim corr.gap_acc.arc, at measurements[0])" in str(refused.value)


def test_all_layers_of_a_maximum_may_be_declared_one_by_one() -> None:
    layers = [
        entry("gap.max.bound", summary(10.0 + layer / 2), reading=reading, estimate_id=f"gap/layer={layer}/{reading}/primary")
        for reading in ("high", "english")
        for layer in range(26)
    ]  # fmt: skip
    verdicts = judged(*layers)
    assert verdicts["gap.max.bound"].state is State.PASS
    assert verdicts["gap.argmax"].state is State.DEVIATION
    assert verdicts["gap.deep.direction"].state is State.PASS


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        pytest.param([entry("gap.l7.value")], "unknown claim 'gap.l7.value'", id="unknown claim"),
        pytest.param([entry("factor")], "about no measured quantity", id="a claim that nothing measures"),
        pytest.param([entry("arith.up-to")], "about no measured quantity", id="the paper's arithmetic"),
        pytest.param([entry(reading="low")], "unknown reading 'low'; allowed: high, english", id="unknown reading"),
        pytest.param([entry(estimate_id="gap/layer=7/high/primary")], "unknown estimate", id="another estimate"),
        pytest.param([entry("gap.max.bound")], "about 26 estimates under reading 'high'; name one", id="which of 26"),
        pytest.param([entry(unit="points")], "is in percent under reading high, found unit 'points'", id="wrong unit"),
        pytest.param([entry(), entry()], "declare it once", id="twice"),
        pytest.param(
            [entry(), entry("gap.early-over-deep", summary(24.0), estimate_id=GAP)],
            "declared with other numbers in measurements[0] (claim gap.l6.value)",
            id="one quantity with two values",
        ),
        pytest.param(
            [
                entry("bench.ml.hellaswag.value", summary(0.4), unit="points"),
                entry("bench.ml.hellaswag.direction", summary(0.5), unit="points"),
            ],
            "declared with other numbers",
            id="two values for two questions",
        ),
        pytest.param([entry("corr.gap_acc.arc", unit="r")], "declare unit_values with formula 'pearson'", id="a bare r"),
        pytest.param([entry(measured=raw("ratio-percent"))], "unknown formula 'ratio-percent'", id="another formula"),
        pytest.param([entry(measured=raw(unit="u0"))], "unit 'u0' stands twice under seed None", id="a unit twice"),
        pytest.param(
            [entry("gain.ml.value", raw("change-percent", seeds=(1, 2), unit="other"))], "is missing under some seed", id="units differ"
        ),
        pytest.param(
            [entry("gain.ml.value", raw("change-percent", seeds=(1, None)))], "some have none", id="seeds here and there"
        ),
        pytest.param([entry(measured=raw(reference=-1.0))], "has a reference below 0", id="a negative reference"),
        pytest.param([entry(measured=raw(count=1, reference=0.0))], "references sum to 0", id="nothing to divide by"),
        pytest.param(
            [entry(measured=raw("mean-of-gaps-percent", reference=0.0))], "one of them is not above 0", id="a unit without reference"
        ),
        pytest.param(
            [entry(measured=with_phrases(raw(), observed=9.1))], "the phrases of unit 'u3' have means 6.05 and 8, but its values, "
            "averaged over seeds, are 6 and 8", id="phrases that give another unit"
        ),
        pytest.param([entry(measured=with_phrases(raw(), omit="u1"))], "unit 'u1' has no phrase", id="a unit without phrases"),
        pytest.param([entry(measured=with_phrases(raw(), phrase="0"))], "phrase '0' stands twice under unit 'u3'", id="a phrase twice"),
        pytest.param([entry(measured=with_phrases(raw(), unit="x"))], "is of unit 'x', which unit_values lack", id="a phrase of no unit"),
        pytest.param([entry(measured=with_phrases(raw(), reference=-1.0))], "has a reference below 0", id="a negative phrase"),
        pytest.param(
            [entry("bench.ml.hellaswag.value", with_phrases(raw("mean-difference")), unit="points")],
            "phrase_values go with latents, and the units here are documents", id="phrases of questions"
        ),
        pytest.param(
            [entry("corr.gap_acc.arc", raw("pearson", count=1), unit="r")], "a correlation needs at least 4 units, found 1", id="one language"
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_study_is_refused(entries: list[Entry], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        placed(*entries)
    assert says in str(caught.value)
    assert "measurements[0]" in str(caught.value) or "unknown claim" in str(caught.value)


def test_the_same_numbers_may_be_told_for_several_claims() -> None:
    found = placed(entry(), entry("gap.early-over-deep", estimate_id=GAP))
    assert [each.estimate_id for each in found.estimates] == [GAP]


def test_a_summary_without_spread_earns_no_verdict() -> None:
    verdict = judged(entry("gain.ml.value", summary(85.0, 0.0, seeds=5)))["gain.ml.value"]
    assert (verdict.state, verdict.why) == (State.INCONCLUSIVE, Why.ZERO_VARIANCE)


def by_seed(*values: float, units: int = 1_115, seeds: tuple[int, ...] = ()) -> BySeed:
    named = seeds or tuple(range(1, len(values) + 1))
    rows = tuple(SeedRow(seed=seed, value=value) for seed, value in zip(named, values, strict=True))
    return BySeed(seed_values=rows, units=units)


def test_values_of_seeds_are_judged_as_unit_values_of_those_seeds_are() -> None:
    """Four questions under three seeds, and what the seeds came to: same value, same error, same degrees of freedom."""
    claim, rows = "bench.ml.arc.value", []
    right = {1: (100.0, 100.0, 0.0, 100.0), 2: (100.0, 0.0, 0.0, 100.0), 3: (0.0, 0.0, 0.0, 100.0)}
    for seed, after in right.items():
        rows += [
            Row(unit=str(place), seed=seed, observed=value, reference=0.0)
            for place, value in enumerate(after)
        ]
    full = placed(entry(claim, Raw(formula=Formula.DIFFERENCE, unit_values=tuple(rows)), unit="points"))
    short = placed(entry(claim, by_seed(75.0, 50.0, 25.0, units=4), unit="points"))
    quantity = ("delta/lang=ml/bench=arc/primary/primary", InferenceTarget.FIXED_ITEMS)
    one, other = full.measurements[quantity], short.measurements[quantity]
    assert (one.value, one.spread.se, one.spread.df, one.num_units, one.num_seeds) == pytest.approx(
        (other.value, other.spread.se, other.spread.df, other.num_units, other.num_seeds)
    )


@pytest.mark.parametrize(
    ("claim", "measured", "says"),
    [
        ("gap.l6.value", by_seed(25.0, 26.0), "seed_values say nothing of other latents"),
        ("bench.ml.arc.value", by_seed(1.0, 2.0, seeds=(1, 1)), "seed 1 stands twice"),
        # However many units there are: they are the same ones under every seed.
        (
            "bench.ml.arc.value",
            summary(1.0, 0.001, df=None, seeds=5, units=1_000_000),
            "at most 4 degrees of freedom",
        ),
        ("bench.ml.arc.value", summary(1.0, 0.001, df=199.0, seeds=3), "at most 2 degrees of freedom"),
    ],
)
def test_only_seeds_vary_on_the_very_same_questions(
    claim: str, measured: Summary | BySeed, says: str
) -> None:
    unit = "percent" if claim.startswith("gap") else "points"
    with pytest.raises(UsageError, match=says):
        placed(entry(claim, measured, unit=unit))


def test_one_reading_measured_on_purpose_is_judged_alone_and_says_so() -> None:
    """The same number leaves the claim open where the other reading is missing, and decides it where that is meant."""
    high = entry(reading="high")
    claims = {claim.id: claim for claim in placed(high).claims}
    assert (
        judged(high)["gap.l6.value"].state,
        Flag.READING_DEPENDENT in judged(high)["gap.l6.value"].flags,
    ) == (
        State.INCONCLUSIVE,
        True,
    )
    found = placed(replace(high, sole_reading=True))
    circumstances = Circumstances(why_missing=Why.NOT_DECLARED, sole_readings=found.sole_readings)
    verdict = next(
        each
        for each in judge(found.claims, found.measurements, circumstances)
        if each.claim_id == "gap.l6.value"
    )
    assert (verdict.state, verdict.why) == (State.PASS, Why.INSIDE)
    assert any(
        "under the reading 'high' alone" in note and "english" in note for note in verdict.cases[0].notes
    )
    narrowed = next(claim for claim in found.claims if claim.id == "gap.l6.value")
    assert [reading.name for reading in narrowed.readings] == ["high"]
    assert {target.reading for target in narrowed.targets} == {"high"}
    # Every other claim is as it was, those about the same estimate among them.
    assert all(claim == claims[claim.id] for claim in found.claims if claim.id != "gap.l6.value")
    assert not any(
        "alone" in note for note in found.remarks.values() if note != found.remarks["gap.l6.value"]
    )


def test_a_sole_reading_stands_beside_no_other() -> None:
    with pytest.raises(UsageError, match="'high' is the sole one"):
        placed(entry(reading="high", sole_reading=True), entry(reading="english"))


def test_entries_that_cannot_be_placed_are_all_named() -> None:
    with pytest.raises(UsageError) as told:
        placed(entry(unit="points"), entry("gap.l25.value"), entry("nothing", place="measurements[2]"))
    first, *each = str(told.value).split("\n")
    assert first == "2 of 3 cannot be used, so none is:"
    assert ["measurements[0]" in each[0], "nothing" in each[1]] == [True, True]
