"""Claims, questions and samples for the judge's tests: one line each, everything unsaid is harmless."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.judge.measurements import Measurement, Values
from harness.judge.rules import Case, cases_of
from harness.statistics.stats import Spread
from harness.words.claim import Claim, Kind, Printed, Reading, Rule, Sentence, SourceTier, Target, Tier, Unit
from harness.words.verdict import CaseVerdict

SENTENCE = Sentence(source="paper", tier=SourceTier.PAPER, where="table 1", sense="as printed")
KINDS = {
    Rule.WITHIN_MARGIN: Kind.VALUE,
    Rule.MAXIMUM_AT_MOST: Kind.BOUND,
    Rule.POOLED_AT_MOST: Kind.BOUND,
    Rule.MAXIMUM_AT_LEAST: Kind.ATTAINED,
    Rule.LARGEST_AT: Kind.ARGMAX,
    Rule.LARGEST_WITHIN: Kind.REGION,
    Rule.SIGN: Kind.DIRECTION,
    Rule.EVERY_SIGN: Kind.DIRECTION,
    Rule.AT_LEAST: Kind.FLOOR,
    Rule.POOLED_SIGN: Kind.CONSISTENCY,
    Rule.CORRELATION_SIGN: Kind.CORRELATION,
    Rule.NONE: Kind.QUALITATIVE,
}

Decide = Callable[[Case, tuple[Measurement, ...], Callable[[float], float]], CaseVerdict]


def reading(*estimates: str, name: str = "primary") -> Reading:
    return Reading(name=name, says=name, supported_by=("paper",), estimates=estimates or ("quantity",))


def target(printed: str, name: str = "primary") -> Target:
    return Target(printed=Printed(printed), source="paper", tier=SourceTier.PAPER, reading=name)


def claim(rule: Rule, *printed: str, **changes: Any) -> Claim:
    """A claim of the rule, held against what is printed under its primary reading."""
    given: dict[str, Any] = {
        "id": "a.claim",
        "says": "so it is",
        "inventory": ("C01",),
        "sentence": SENTENCE,
        "kind": KINDS[rule],
        "rule": rule,
        "tier": Tier.PRIMARY,
        "unit": Unit.PERCENT,
        "readings": (reading(),),
        "targets": tuple(map(target, printed)),
    }
    return Claim(**(given | changes))


def value_claim(printed: str = "26.27", margin: float = 2.5, **changes: Any) -> Claim:
    return claim(Rule.WITHIN_MARGIN, printed, **({"margin": margin} | changes))


def asking(asked: Claim) -> Case:
    """The claim's primary case."""
    return next(cases_of(asked))


def sample(value: float, se: float, df: float | None = 199.0, **changes: Any) -> Measurement:
    given: dict[str, Any] = {
        "estimate_id": "quantity",
        "num_units": 200 if df is None else int(df) + 1,
        "num_seeds": 0,
        "method": "by hand",
    }
    return Measurement(value=value, spread=Spread(se, df), **(given | changes))


def members(values: Sequence[float], se: float = 1.0, df: float | None = None) -> tuple[Measurement, ...]:
    """One sample per value, named m0, m1, ..., without draws."""
    return tuple(sample(value, se, df, estimate_id=f"m{place}") for place, value in enumerate(values))


def drawn(value: float, se: float, draws: Values, **changes: Any) -> Measurement:
    """A sample with one table of bootstrap values."""
    return sample(value, se, None, draws=draws, **changes)


def at_alpha(value: float, **changes: Any) -> Measurement:
    """A precise value with nineteen draws: its p-value at any edge that it clears is 1 / 20, which is .05 exactly."""
    return sample(value, 0.01, None, draws=np.full(19, value), **changes)


def normal(key: int, num_draws: int = 9_999) -> Values:
    """Standard normal numbers that stand in for draws."""
    return np.random.default_rng(key).standard_normal(num_draws)


def unadjusted(p_value: float) -> float:
    """The adjustment of a family of one."""
    return p_value


def times(count: int) -> Callable[[float], float]:
    """The adjustment of the smallest p-value in a family of that size."""
    return lambda p_value: min(1.0, count * p_value)
