"""What a report holds as flat rows: one record a table, whose columns say what they mean and in which unit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.document import JudgedClaim, Measurement, Report
from harness.words.verdict import Interval


@dataclass(frozen=True, kw_only=True)
class MeasuredEstimate:
    """One measured quantity with its intervals (`measured_estimates`)."""

    estimate_id: str
    quantity: str
    """Kind of number, such as "gap"."""
    layer: int | None
    language: str | None
    benchmark: str | None
    reading: str
    """What the number means, where sources differ."""
    specification: str
    """How one meaning was computed."""
    formula: str
    """How units become the value, as docs/audit.md writes the formulas out."""
    unit: str
    """Unit of every number of the row whose column ends with _in_unit."""
    value_in_unit: float | None
    """The number itself; empty where it is not finite."""
    se_in_unit: float | None
    """Standard error; empty of a single figure, and of a correlation."""
    df: float | None
    """Degrees of freedom of the error; empty where it counts as known."""
    ci90_low_in_unit: float | None
    """Lower end of the 90 % interval, which decides."""
    ci90_high_in_unit: float | None
    """Its upper end."""
    ci95_low_in_unit: float | None
    """Lower end of the 95 % interval."""
    ci95_high_in_unit: float | None
    """Its upper end."""
    unit_kind: str
    """What varies, such as "latent"."""
    num_units: int
    num_seeds: int
    """Training seeds; 0 where nothing was trained."""


@dataclass(frozen=True, kw_only=True)
class SeedEstimate:
    """One estimate as a single training seed gives it (`seed_estimates`)."""

    estimate_id: str
    seed: int
    unit: str
    """Unit of the value."""
    value_in_unit: float
    """The estimate under this seed."""


@dataclass(frozen=True, kw_only=True)
class JudgedNumber:
    """One printed number of a claim under one reading, judged (`judged_numbers`); a claim that names none has one row."""

    claim_id: str
    """The claim, as 'harness claims' lists it."""
    study: str
    """Study that the claim belongs to."""
    tier: str
    """Weight of the claim: primary claims decide the exit code."""
    kind: str
    """What the sentence asserts."""
    claim_verdict: str
    """The claim's own state, of all its readings together."""
    claim_reason: str
    """Why, in one word."""
    reading: str
    """What the sentence is taken to mean."""
    printed: str
    """The number as its source prints it."""
    source: str
    """Who prints it."""
    verdict: str
    """State under this reading alone."""
    reason: str
    """Why, in one word."""
    flags: str
    """What must be read beside it, parted by blanks."""
    unit: str
    """Unit of every number of the row whose column ends with _in_unit."""
    estimate_in_unit: float | None
    """What was measured."""
    se_in_unit: float | None
    """Standard error of it."""
    ci90_low_in_unit: float | None
    """Lower end of the 90 % interval, which decides."""
    ci90_high_in_unit: float | None
    """Its upper end."""
    band_low_in_unit: float | None
    """Lower end of the band around the printed number in which a truth agrees."""
    band_high_in_unit: float | None
    """Its upper end."""
    difference_in_unit: float | None
    """Measured less printed."""
    margins: float | None
    """Distance from the printed number in margins; 1 is the edge of the band."""
    p_equivalent: float | None
    """TOST: how well a truth outside of the band explains what was measured."""
    p_deviation_holm: float | None
    """How well a truth inside of the band explains it, after Holm."""
    says: str
    """Why, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One thing that was asked for or that the run met (`settings`)."""

    part: str
    """Group of settings: run, environment, or settings of profile and specification."""
    name: str
    """What it is called."""
    value: str
    """As the report prints it."""


FRAMES: tuple[type, ...] = (MeasuredEstimate, SeedEstimate, JudgedNumber, Setting)
"""Every table that a report gives by itself."""

Rows = Mapping[type, Sequence[Any]]
"""The rows of each table, by their record."""


def rows_of(report: Report) -> Rows:
    """Every table of a report."""
    return {
        MeasuredEstimate: [_estimate(each) for each in report.measurements],
        SeedEstimate: [
            SeedEstimate(estimate_id=row.id, seed=each.seed, unit=row.unit, value_in_unit=each.value)
            for row in report.measurements
            for each in row.seeds
        ],
        JudgedNumber: [row for study, claim in _claims(report) for row in _judged(study, claim)],
        Setting: list(_settings(report)),
    }


def _estimate(measured: Measurement) -> MeasuredEstimate:
    precision = measured.precision
    low90, high90 = _ends(precision.ci90 if precision else None)
    low95, high95 = _ends(precision.ci95 if precision else None)
    return MeasuredEstimate(
        estimate_id=measured.id,
        quantity=measured.quantity,
        layer=measured.layer,
        language=measured.language,
        benchmark=measured.benchmark,
        reading=measured.reading,
        specification=measured.specification,
        formula=measured.formula,
        unit=measured.unit,
        value_in_unit=measured.value,
        se_in_unit=precision.se if precision else None,
        df=precision.df if precision else None,
        ci90_low_in_unit=low90,
        ci90_high_in_unit=high90,
        ci95_low_in_unit=low95,
        ci95_high_in_unit=high95,
        unit_kind=measured.unit_kind,
        num_units=measured.num_units,
        num_seeds=measured.num_seeds,
    )


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return interval or (None, None)


def _claims(report: Report) -> Iterator[tuple[str, JudgedClaim]]:
    yield from ((report.run.study, claim) for claim in report.claims)
    if report.self_check_study:
        yield from ((report.self_check_study.study, claim) for claim in report.self_check_study.claims)


def _judged(study: str, claim: JudgedClaim) -> Iterator[JudgedNumber]:
    """A row for every case; of a claim that was judged without one, what it came to."""
    for case in claim.cases or (None,):
        numbers = (case or claim).numbers
        closeness = (case or claim).closeness
        low, high = _ends(numbers.ci90 if numbers else None)
        band_low, band_high = _ends(case.band if case else None)
        yield JudgedNumber(
            claim_id=claim.id,
            study=study,
            tier=claim.tier,
            kind=claim.kind,
            claim_verdict=claim.state,
            claim_reason=claim.why,
            reading=case.reading if case else "",
            printed=case.printed if case else "",
            source=case.source if case else claim.sentence.source,
            verdict=(case or claim).state,
            reason=(case or claim).why,
            flags=" ".join((case or claim).flags),
            unit=(case.unit if case else "") or claim.unit,
            estimate_in_unit=numbers.estimate if numbers else None,
            se_in_unit=numbers.se if numbers else None,
            ci90_low_in_unit=low,
            ci90_high_in_unit=high,
            band_low_in_unit=band_low,
            band_high_in_unit=band_high,
            difference_in_unit=closeness.difference if closeness else None,
            margins=closeness.margins if closeness else None,
            p_equivalent=numbers.p_equiv if numbers else None,
            p_deviation_holm=numbers.p_dev_holm if numbers else None,
            says=(case or claim).says,
        )


def _settings(report: Report) -> Iterator[Setting]:
    head = {
        "run": report.run.id, "mode": report.mode, "study": report.run.study, "profile": report.run.profile,
        "lock": report.lock.status, "lock sha256": report.lock.sha256 or "",
    }  # fmt: skip
    parts = {"run": head, "environment": report.run.environment, "settings": report.run.settings}
    for part, settings in parts.items():
        for name, value in settings.items():
            yield Setting(part=part, name=name, value=str(value))
