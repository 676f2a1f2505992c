"""One printed number against one measured number, as somebody types them: the rule of value claims and nothing else."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.judge.measurements import Measurement
from harness.judge.rules import Case, judge_value
from harness.statistics.stats import Spread
from harness.words.canonical import Json
from harness.words.claim import (
    Claim,
    Kind,
    Minima,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Target,
    Tier,
    Unit,
)
from harness.words.errors import UsageError
from harness.words.verdict import CaseVerdict

NAME = "typed"
"""What the claim, its reading and its estimate are called; nobody sees it."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed; all numbers in the unit of the printed one."""

    printed: str
    """The number as the page has it: trailing zeros and a leading "~" count."""
    margin: float
    half_width: float | None = None
    """How far rounding lets the truth lie from the printed number; None reads it off the string."""
    estimate: float
    se: float
    df: float | None = None
    """None where the standard error counts as known."""
    one_run_sd: float | None = None
    """Standard error of one run of the paper's design; None where nobody can say."""
    seeds: int = 0
    """Training seeds behind the estimate; 0 when nothing was trained."""
    units: int | None = None
    """Latents, questions or languages behind the estimate; None where nobody says."""
    min_units: int = 0
    holm: int = 1
    """Claims that share the error rate, taken as the worst case: the raw p-value is multiplied by it."""
    null: float = 0.0
    """The value that means "no effect"."""


def judged_by_hand(typed: Typed) -> CaseVerdict:
    """The verdict on one value claim.

    Raises:
        UsageError: If a number is missing, impossible, or no number; names the first option that is at fault.
    """
    for fault in _faults(typed):
        raise UsageError(fault)
    reading = Reading(name=NAME, says="as typed", supported_by=(NAME,), estimates=(NAME,))
    target = _target(typed)
    claim = Claim(
        id=NAME,
        says=f"the value is {typed.printed}",
        inventory=(),
        sentence=Sentence(source=NAME, tier=SourceTier.PAPER, where="command line"),
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.PRIMARY,
        unit=Unit.NONE,
        readings=(reading,),
        targets=(target,),
        margin=typed.margin,
        null=typed.null,
        minima=Minima(units=typed.min_units),
    )
    measured = Measurement(
        estimate_id=NAME,
        value=typed.estimate,
        spread=Spread(typed.se, typed.df),
        num_units=typed.units or 0,
        num_seeds=typed.seeds,
        method="as typed",
        one_run_sd=typed.one_run_sd,
    )
    case = Case(claim=claim, reading=reading, target=target)
    verdict = judge_value(case, (measured,), lambda p: min(1.0, typed.holm * p))
    if not all(map(math.isfinite, _figures(verdict))):
        raise UsageError(
            "these numbers are too far apart in size to be judged: an interval, band or distance is not finite; check "
            "--margin, --se and --df"
        )
    return verdict


def form_of(typed: Typed, verdict: CaseVerdict) -> dict[str, Json]:
    """The verdict with everything that it rests on, for a machine; None where a number does not exist."""
    numbers, closeness, band = verdict.numbers, verdict.closeness, verdict.band
    assert numbers is not None
    assert closeness is not None
    assert band is not None
    return {
        "verdict": verdict.state.value,
        "reason": verdict.why.value,
        "flags": [flag.value for flag in verdict.flags],
        "says": verdict.says,
        "printed": typed.printed,
        "half_width": _target(typed).rounding,
        "margin": typed.margin,
        "band": list(band),
        "estimate": typed.estimate,
        "se": typed.se,
        "df": typed.df,
        "one_run_sd": numbers.one_run_sd,
        "units": typed.units,
        "seeds": typed.seeds,
        "ci90": _listed(numbers.ci90),
        "ci95": _listed(numbers.ci95),
        "pi95": _listed(numbers.pi95),
        "p_equiv": numbers.p_equiv,
        "p_dev": numbers.p_dev,
        "p_dev_holm": numbers.p_dev_holm,
        "difference": closeness.difference,
        "margins": closeness.margins,
        "ratio": closeness.ratio,
    }


def _target(typed: Typed) -> Target:
    return Target(
        printed=Printed(typed.printed),
        source=NAME,
        tier=SourceTier.PAPER,
        reading=NAME,
        half_width=typed.half_width,
    )


def _faults(typed: Typed) -> Iterator[str]:
    """What is wrong with what was typed, one sentence each, in the order of the options."""
    try:
        printed = Printed(typed.printed).require().value
    except ValueError as error:
        yield f"--printed: {error}"
        return
    for option, value, least in (
        ("--printed", printed, None),
        ("--margin", typed.margin, 0.0),
        ("--half-width", typed.half_width, 0.0),
        ("--estimate", typed.estimate, None),
        ("--se", typed.se, 0.0),
        ("--df", typed.df, None),
        ("--one-run-sd", typed.one_run_sd, 0.0),
        ("--seeds", typed.seeds, 0.0),
        ("--units", typed.units, 0.0),
        ("--min-units", typed.min_units, 0.0),
        ("--holm", typed.holm, 1.0),
        ("--null", typed.null, None),
    ):
        if value is not None and not math.isfinite(value):
            yield f"{option} must be a finite number, found {value}"
        elif value is not None and least is not None and value < least:
            yield f"{option} must be {least:g} or more, found {value:g}"
    if typed.df is not None and typed.df <= 0:
        yield f"--df must be above 0, found {typed.df:g}; leave it out where the standard error counts as known"
    if typed.min_units and typed.units is None:
        yield f"--min-units {typed.min_units} needs --units: how many units the estimate rests on"


def _figures(verdict: CaseVerdict) -> Iterator[float]:
    """Every number that stands in the verdict."""
    numbers, closeness = verdict.numbers, verdict.closeness
    assert numbers is not None
    assert closeness is not None
    for interval in (verdict.band, numbers.ci90, numbers.ci95, numbers.pi95):
        yield from interval or ()
    for value in (numbers.p_equiv, numbers.p_dev, closeness.difference, closeness.margins, closeness.ratio):
        if value is not None:
            yield value


def _listed(interval: tuple[float, float] | None) -> Json:
    return list(interval) if interval else None
