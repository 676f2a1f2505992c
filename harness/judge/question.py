"""What is asked of the rules: one claim under one reading, held against one target, and how its answer is put together."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.judge.sample import Noise, Sample
from harness.statistics.stats import ALPHA
from harness.words.claim import Claim, InferenceTarget, Reading, Target
from harness.words.verdict import CaseVerdict, Closeness, Flag, Interval, Member, Numbers, State, Why

LEVEL = 1 - 2 * ALPHA
"""Level of the two-sided interval each of whose ends errs at `ALPHA`."""

Adjust = Callable[[float], float]
"""What the family makes of a raw p-value."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One claim under one reading against one target; None where the rule holds no printed number."""

    claim: Claim
    reading: Reading
    target: Target | None

    @property
    def band(self) -> Interval | None:
        """What counts as agreement: printed number, its rounding, and the margin."""
        margin = self.claim.margin_of(self.reading)
        if self.target is None or margin is None:
            return None
        reach = self.target.rounding + margin
        return self.target.value - reach, self.target.value + reach


def questions(claim: Claim) -> Iterator[Question]:
    """Every case of a claim, the primary one first: each target under its reading, each reading without a target."""
    for reading in claim.readings:
        targets: tuple[Target | None, ...] = tuple(t for t in claim.targets if t.reading == reading.name)
        for target in targets or ((None,) if not claim.targets else ()):
            yield Question(claim=claim, reading=reading, target=target)


def answer(
    question: Question,
    state: State,
    why: Why,
    says: str,
    *,
    numbers: Numbers | None = None,
    flags: tuple[Flag, ...] = (),
    members: tuple[Member, ...] = (),
    notes: tuple[str, ...] = (),
    rests_on: tuple[Sample, ...] = (),
) -> CaseVerdict:
    """One case, judged; a verdict that rests on a broken assumption is none.

    Args:
        question: What was asked.
        state: What the rule finds.
        why: Its reason.
        says: The sentence that says so.
        numbers: What it rests on.
        flags: What a reader must know beside the word.
        members: Every quantity of a claim about several.
        notes: Figures beside it.
        rests_on: The quantities that decided; what their errors take for granted stands beside the verdict.
    """
    assumptions = dict.fromkeys(each for sample in rests_on for each in sample.assumptions)
    notes = (*notes, *(each.says for each in assumptions))
    if state in {State.PASS, State.DEVIATION} and any(each.is_broken for each in assumptions):
        state, why, flags = State.INCONCLUSIVE, Why.ASSUMPTION_BROKEN, ()
        says = f"What its error takes for granted does not hold, so nothing is shown. {says}"
    target, claim = question.target, question.claim
    source = (target.source, target.tier) if target else (claim.sentence.source, claim.sentence.tier)
    return CaseVerdict(
        reading=question.reading.name,
        unit=claim.unit_of(question.reading),
        printed=target.printed.text if target else "",
        stands_for=target.stands_for if target else "",
        source=source[0],
        source_tier=source[1],
        state=state,
        why=why,
        flags=flags,
        band=question.band,
        numbers=numbers,
        closeness=_closeness(question, numbers),
        members=members,
        notes=notes,
        says=says,
    )


def numbers_of(
    sample: Sample, adjust: Adjust, p_equiv: float | None, p_dev: float | None, noise: Noise | None = None
) -> Numbers:
    """What a verdict on this sample rests on; intervals only where there is a spread."""
    has_spread = not sample.is_without_spread
    half = noise.half_width if noise else None
    return Numbers(
        estimate=sample.value,
        se=sample.spread.se,
        df=sample.spread.df,
        ci90=finite(sample.interval(LEVEL)) if has_spread else None,
        ci95=finite(sample.interval(0.95)) if has_spread else None,
        pi95=(sample.value - half, sample.value + half) if half and has_spread else None,
        one_run_sd=noise.one_run_sd if noise else None,
        num_units=sample.num_units,
        num_seeds=sample.num_seeds,
        method=sample.method,
        p_equiv=p_equiv if has_spread else None,
        p_dev=p_dev if has_spread else None,
        p_dev_holm=adjust(p_dev) if p_dev is not None and has_spread else None,
    )


def finite(interval: Interval) -> Interval | None:
    """The interval; None where an end lies beyond every number."""
    return interval if all(map(math.isfinite, interval)) else None


def shown(value: float) -> str:
    """A number as sentences print it."""
    return f"{value:.2f}"


def range_text(interval: Interval | None) -> str:
    """An interval as sentences print it."""
    return f"{shown(interval[0])} to {shown(interval[1])}" if interval else "none"


def unmet_minimum(
    question: Question, samples: tuple[Sample, ...], *, needs_spread: bool = True
) -> tuple[Why, str] | None:
    """The first minimum that a measurement misses, with the sentence that says so."""
    minima = question.claim.minima
    # Where training seeds are all that varies, the minimum of seeds says how many there must be.
    units = min((sample.num_units for sample in samples if sample.unit_kind != "seed"), default=minima.units)
    seeds = min(sample.num_seeds for sample in samples)
    if units < minima.units:
        return Why.TOO_FEW_UNITS, f"It rests on {units} units; a verdict on this claim needs {minima.units}."
    if seeds < minima.seeds:
        return Why.TOO_FEW_SEEDS, f"It rests on {seeds} seeds; a verdict on this claim needs {minima.seeds}."
    if needs_spread and any(sample.is_without_spread for sample in samples):
        varied = "seeds" if question.claim.inference is InferenceTarget.FIXED_ITEMS else "units"
        return Why.ZERO_VARIANCE, f"All {varied} gave the same value, so its error is unknown."
    return None


def _closeness(question: Question, numbers: Numbers | None) -> Closeness | None:
    if question.target is None or numbers is None:
        return None
    printed, margin = question.target.value, question.claim.margin_of(question.reading)
    difference = numbers.estimate - printed
    return Closeness(
        difference=difference,
        margins=abs(difference) / margin if margin else None,
        ratio=numbers.estimate / printed if printed else None,
    )
