"""What a page prints of one quantity against one measured number, as somebody types them."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.judge.judge import DECIDE
from harness.judge.measurements import Measurement
from harness.judge.rules import Case
from harness.statistics.stats import Spread
from harness.words.claim import (
    MINUSES,
    RULES,
    Claim,
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
from harness.words.estimate import ALPHA
from harness.words.verdict import CaseVerdict

NAME = "typed"
"""What the claim, its reading and its estimate are called; nobody sees it."""

NAMED = re.compile(r"[a-z]?\s*=\s*|[a-z]\s*(?=[<>≤≥])", re.IGNORECASE)
"""A letter such as the p of "p < .001", before what is printed of it."""

LIMITS: Mapping[Rule, re.Pattern[str]] = {
    Rule.POOLED_AT_MOST: re.compile(
        r"(?i)(?:<=?|≤|at most|up to|(?:no|not) more than|less than|below|under)\s*(.+)"
    ),
    Rule.AT_LEAST: re.compile(r"(?i)(?:>=?|≥|at least|(?:no|not) less than|more than|above|over)\s*(.+)"),
}
"""How pages print that a number is no larger, or no smaller; whether it may equal its limit, no measurement can tell."""

BETWEEN = re.compile(rf"(?i)\s*(?:[{MINUSES}]|\N{{EM DASH}}|\bto\b|\band\b|\.\.\.?|…)\s*")
"""What stands between the ends of a printed range."""


@dataclass(frozen=True, kw_only=True)
class Asserted:
    """What a page prints of one quantity: a number, a range of numbers, or a limit."""

    rule: Rule
    text: str
    """As typed."""
    number: Printed
    """The number, the limit, or the middle of the range."""
    reach: float | None = None
    """How far the ends of a range, with their rounding, lie from its middle; None for what is no range."""


def asserted(text: str) -> Asserted:
    """What was typed as the printed number.

    Raises:
        ValueError: If it is none of these; says what it is, or what is allowed.
    """
    bare = text.strip()
    bare = bare[named.end() :] if (named := NAMED.match(bare)) else bare
    for rule, form in LIMITS.items():
        if found := form.fullmatch(bare):
            return Asserted(rule=rule, text=text, number=Printed(found[1]).require())
    ends = next(filter(None, (_ends(bare, mark) for mark in BETWEEN.finditer(bare))), None)
    if ends is None:
        return Asserted(rule=Rule.WITHIN_MARGIN, text=text, number=Printed(bare).require())
    low, high = ends
    if low.value > high.value:
        raise ValueError(f"{text!r} is a range whose first end is the larger one; give the smaller one first")
    middle = (low.value + high.value) / 2
    reach = middle - low.value + max(low.half_width, high.half_width)
    return Asserted(rule=Rule.WITHIN_MARGIN, text=text, number=Printed(f"{middle:.15g}"), reach=reach)


def _ends(bare: str, mark: re.Match[str]) -> tuple[Printed, Printed] | None:
    """Both ends of a range, if that is what a mark parts."""
    first = re.sub(r"^(?:from|between)\s+", "", bare[: mark.start()], flags=re.IGNORECASE)
    try:
        return Printed(first).require(), Printed(bare[mark.end() :]).require()
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed; all numbers in the unit of the printed one."""

    printed: str
    """The number, range or limit as the page has it: trailing zeros and a leading "~" count."""
    margin: float | None = None
    """None beside a limit, which is where agreement ends."""
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
    """The verdict on one value, range or limit.

    Raises:
        UsageError: If a number is missing, impossible, or no number; names the first option that is at fault.
    """
    for fault in _faults(typed):
        raise UsageError(fault)
    reading = Reading(name=NAME, says="as typed", supported_by=(NAME,), estimates=(NAME,))
    page, target = asserted(typed.printed), _target(typed)
    claim = Claim(
        id=NAME,
        says=f"the value is {typed.printed}",
        inventory=(),
        sentence=Sentence(source=NAME, tier=SourceTier.PAPER, where="command line"),
        kind=next(kind for kind, rules in RULES.items() if page.rule in rules),
        rule=page.rule,
        tier=Tier.PRIMARY,
        unit=Unit.NONE,
        readings=(reading,),
        targets=(target,),
        margin=typed.margin if page.rule is Rule.WITHIN_MARGIN else None,
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
    verdict = DECIDE[page.rule](case, (measured,), lambda p: min(1.0, typed.holm * p))
    found = (each if isinstance(each, tuple) else (each,) for each in form_of(typed, verdict).values())
    if not all(math.isfinite(each) for part in found for each in part if isinstance(each, float)):
        raise UsageError(
            "these numbers are too far apart in size to be judged: an interval, band or distance is not finite; check "
            "--margin, --se and --df"
        )
    return verdict


def form_of(typed: Typed, verdict: CaseVerdict) -> Mapping[str, object]:
    """The verdict with everything that it rests on, for a machine; None where a number does not exist."""
    numbers, closeness = verdict.numbers, verdict.closeness
    assert numbers is not None
    assert closeness is not None
    return {
        "verdict": verdict.state.value,
        "reason": verdict.why.value,
        "flags": [flag.value for flag in verdict.flags],
        "says": verdict.says,
        "printed": typed.printed,
        "half_width": _target(typed).rounding if verdict.band else None,
        "margin": typed.margin,
        "band": _band(typed, verdict),
        "estimate": typed.estimate,
        "se": typed.se,
        "df": typed.df,
        "one_run_sd": numbers.one_run_sd,
        "units": typed.units,
        "seeds": typed.seeds,
        "ci90": numbers.ci90,
        "ci95": numbers.ci95,
        "pi95": numbers.pi95,
        "p_equiv": numbers.p_equiv,
        "p_dev": numbers.p_dev,
        "p_dev_holm": numbers.p_dev_holm,
        "difference": closeness.difference,
        "margins": closeness.margins,
        "ratio": closeness.ratio,
    }


def _band(typed: Typed, verdict: CaseVerdict) -> tuple[float | None, float | None]:
    """From where to where the truth would agree; None where there is no end."""
    if verdict.band:
        return verdict.band
    page = asserted(typed.printed)
    limit = page.number.value
    return (limit, None) if page.rule is Rule.AT_LEAST else (None, limit)


def lines_of(typed: Typed, verdict: CaseVerdict) -> Iterator[tuple[str, str]]:
    """A verdict and what it rests on, for people: label and text, in the order to read."""
    yield "", f"{verdict.state}. {verdict.says}"
    for label, text in _basis(typed, verdict):
        yield f"  {label:<20}", text


def _basis(typed: Typed, verdict: CaseVerdict) -> Iterator[tuple[str, str]]:
    from harness.report.wording import FLAGS, WHYS  # a machine does not wait for the report's libraries

    form = form_of(typed, verdict)
    yield "why", WHYS[verdict.why]
    for flag in verdict.flags:
        yield "know", FLAGS[flag]
    low, high = _band(typed, verdict)
    limit = f"at most {_shown(high)}" if low is None else f"at least {_shown(low)}"
    yield "agreement", limit if low is None or high is None else _shown((low, high))
    for name, label in INTERVALS.items():
        yield label, _shown(form[name])
    yield "p if it disagrees", f"{_shown(form['p_equiv'])} ({ALPHA:g} or less shows agreement)"
    decides = f"{ALPHA:g} or less shows deviation"
    if typed.holm == 1:
        yield "p if it agrees", f"{_shown(form['p_dev'])} ({decides})"
    else:
        yield "p if it agrees", _shown(form["p_dev"])
        by = f"times {typed.holm}, Holm's adjustment at its worst for {typed.holm} claims"
        yield "p after Holm", f"{_shown(form['p_dev_holm'])} ({by}; {decides})"
    for name, label in DISTANCES.items():
        yield label, _shown(form[name])


INTERVALS = {"ci90": "90 % interval", "ci95": "95 % interval", "pi95": "one run would land"}
DISTANCES = {"difference": "difference", "margins": "in margins", "ratio": "measured / printed"}


def _shown(value: object) -> str:
    """A figure, or an interval, as people read it."""
    if isinstance(value, tuple):
        return " to ".join(map(_shown, value))
    return f"{value:.6g}" if isinstance(value, int | float) else "none"


def _target(typed: Typed) -> Target:
    page = asserted(typed.printed)
    return Target(
        printed=page.number,
        stands_for="" if page.reach is None else page.text.strip(),
        source=NAME,
        tier=SourceTier.PAPER,
        reading=NAME,
        half_width=typed.half_width if page.reach is None else page.reach,
    )


def _faults(typed: Typed) -> Iterator[str]:
    """What is wrong with what was typed, one sentence each, in the order of the options."""
    try:
        page = asserted(typed.printed)
    except ValueError as error:
        yield f"--printed: {error}"
        return
    yield from _form_faults(typed, page)
    for option, value, least in (
        ("--printed", page.number.value, None),
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


def _form_faults(typed: Typed, page: Asserted) -> Iterator[str]:
    """What goes with one form of a printed number, and not with another."""
    is_limit = page.rule is not Rule.WITHIN_MARGIN
    if typed.margin is None and not is_limit:
        yield "--margin is missing: how far the truth may lie from the printed number and still agree"
    for option, value in (("--margin", typed.margin), ("--half-width", typed.half_width)):
        if value and is_limit:
            yield f"{option} goes with a number; {page.text!r} is a limit, which is where agreement ends"
    if typed.half_width is not None and page.reach is not None:
        yield f"--half-width goes with one number; the range {page.text!r} says itself how far it reaches"
