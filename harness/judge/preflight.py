"""Before anything is measured: which claims could be decided at the planned size, from the spread that pilots expect.

A run may go ahead all the same; it just cannot be surprised afterwards.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.designs.estimand import Estimand
from harness.statistics.stats import Spread, combined, t_quantile, units_for_equivalence
from harness.words.claim import Claim, InferenceTarget, Pilot, Rule
from harness.words.estimate import ALPHA, LEVEL
from harness.words.judgement import Prospect
from harness.words.study import Sizes

POWER = 0.8
"""How often a claim that holds exactly should be shown to hold."""

FISHER_UNITS = 3
"""So many units are used up by a correlation on Fisher's scale."""

MIN_SEEDS = 2
"""Fewer show no spread."""

PILOT_PHRASES = 10
"""Phrases of each latent behind an assumed spread between latents."""

PHRASE_CORRELATION = 0.61
"""Correlation between two phrases of one latent, in what each says about a gap.

Source: the stored phrases of the miniature world's independent run, median over its 26 layers (0.41 to 0.76).
"""


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """How much of everything one claim would rest on."""

    claim: Claim
    unit: str
    units: int
    seeds: int
    is_part: bool
    """True where only some of the test questions behind it would be asked."""
    phrases: int | None = None
    """Of each latent, at most; None where the specification's own limit is all there is."""

    @property
    def is_fixed(self) -> bool:
        """True where seeds alone vary."""
        pilot = self.claim.pilot
        return self.claim.inference is InferenceTarget.FIXED_ITEMS or (
            pilot is not None and not pilot.unit_sd
        )

    @property
    def members(self) -> int:
        """Estimates that the claim is about."""
        return len(self.claim.primary.estimates)


def prospects(
    claims: Sequence[Claim],
    sizes: Sizes,
    estimands: Mapping[str, Estimand],
    num_languages: int | None = None,
) -> tuple[Prospect, ...]:
    """Whether each claim that a measurement decides could be decided at all, in their order.

    Args:
        claims: The claims of a study; those without an estimate have no prospect.
        sizes: The planned sizes.
        estimands: What the study's design says of every estimate, by id.
        num_languages: Languages besides the reference; without them, claims over languages have no prospect.
    """
    found = (_prospect_of(claim, sizes, estimands, num_languages) for claim in claims if claim.readings)
    return tuple(prospect for prospect in found if prospect is not None)


def expected_spread(pilot: Pilot, units: int, seeds: int) -> Spread:
    """The standard error that the pilot's spreads lead one to expect."""
    over_units = Spread(pilot.unit_sd / math.sqrt(units), None) if units else Spread(0.0, None)
    over_seeds = Spread(pilot.seed_sd / math.sqrt(seeds), seeds - 1.0) if seeds > 1 else Spread(0.0, None)
    return combined((over_units, over_seeds))


def design_effect(phrases: int) -> float:
    """Variance of the mean of so many phrases of one latent, over that of phrases of as many latents.

    Source: Kish, "Survey Sampling" (1965), chapter 5: 1 + (m - 1) rho.
    """
    return 1 + (phrases - 1) * PHRASE_CORRELATION


def widening(phrases: int) -> float:
    """How much wider latents spread when each is a mean over so many phrases, and not over `PILOT_PHRASES`."""
    fewer, more = (design_effect(count) / count for count in (phrases, PILOT_PHRASES))
    return math.sqrt(fewer / more)


def units_needed(claim: Claim, seeds: int) -> int | None:
    """Units with which a claim that holds exactly would be shown with a power of `POWER`.

    None where there is no margin or no pilot, where only seeds vary, and where no number of units is enough because
    training varies too much.
    """
    pilot, margin = claim.pilot, claim.margin
    if pilot is None or margin is None or not pilot.unit_sd:
        return None
    quantiles = _quantiles(claim, None)
    seed_error = pilot.seed_sd / math.sqrt(seeds) if seeds else 0.0
    left = margin**2 - (quantiles * seed_error) ** 2
    if left <= 0:
        return None
    if claim.rule is Rule.WITHIN_MARGIN:
        return units_for_equivalence(pilot.unit_sd, math.sqrt(left), POWER)
    return math.ceil((quantiles * pilot.unit_sd) ** 2 / left)


def _prospect_of(
    claim: Claim, sizes: Sizes, estimands: Mapping[str, Estimand], num_languages: int | None
) -> Prospect | None:
    first = estimands[claim.primary.estimates[0]]
    unit = first.counted_in
    # Without a limit all questions are asked; how many there are is what a full test is held to.
    counts = {"languages": num_languages, **sizes.planned}
    if counts.get("questions", 0) is None:
        counts["questions"] = claim.minima.units
    if unit not in counts:
        return _uncounted(claim, first.unit_kind, len(sizes.seeds))
    units, phrases = counts[unit], sizes.phrases_per_latent
    if units is None:
        return None
    if claim.pilot is not None and phrases is not None and unit == "latents":
        wider = replace(claim.pilot, unit_sd=claim.pilot.unit_sd * widening(phrases))
        claim = replace(claim, pilot=wider)
    is_part = bool(first.cells) and sizes.items_per_cell is not None
    return _prospect(
        _Planned(
            claim=claim,
            unit=unit,
            units=units,
            seeds=len(sizes.seeds),
            is_part=is_part,
            phrases=phrases,
        )
    )


def _uncounted(claim: Claim, unit_kind: str, seeds: int) -> Prospect:
    """A claim on units that are counted when they are measured: beforehand, the seeds alone can be too few."""
    minima = claim.minima
    asked = f" A verdict needs {minima.units:,}." if minima.units else ""
    too_few = _too_few_seeds(minima.seeds, seeds)
    return Prospect(
        claim_id=claim.id,
        units_needed=None,
        units_planned=None,
        decidable=not too_few,
        is_foreseen=bool(too_few),
        says=f"How many {unit_kind}s it would rest on is known when they are counted.{asked}{' ' * bool(too_few)}{too_few}",
    )


def _prospect(planned: _Planned) -> Prospect:
    claim = planned.claim
    needed = None if planned.is_fixed else units_needed(claim, planned.seeds)
    unmet = _unmet_minimum(planned)
    return Prospect(
        claim_id=claim.id,
        units_needed=needed,
        units_planned=planned.units,
        decidable=unmet is None and _has_power(planned, needed),
        is_foreseen=unmet is not None or claim.pilot is not None,
        says=" ".join(
            part
            for part in (_expected(planned), _phrases_say(planned), _power_says(planned, needed), unmet)
            if part
        ),
    )


def _unmet_minimum(planned: _Planned) -> str | None:
    minima = planned.claim.minima
    if planned.units < minima.units:
        return f"A verdict needs {minima.units:,} {planned.unit}, and {planned.units:,} are planned."
    if too_few := _too_few_seeds(minima.seeds, planned.seeds):
        return too_few
    if planned.is_fixed and planned.seeds < MIN_SEEDS:
        return f"Training alone varies, and fewer than {MIN_SEEDS} seeds show no spread."
    if planned.is_part:
        return "Only some of the test questions are planned, and a part of a test earns no verdict."
    return None


def _too_few_seeds(needed: int, planned: int) -> str:
    """That so few cannot earn a verdict, in a sentence; empty where they can."""
    if planned >= needed:
        return ""
    return f"A verdict needs {needed} training seeds, and {'1 is' if planned == 1 else f'{planned} are'} planned."


def _has_power(planned: _Planned, needed: int | None) -> bool:
    """False where the assumed spread forbids a verdict; without one, or without a margin, nothing forbids it."""
    claim = planned.claim
    if claim.pilot is None or claim.margin is None:
        return True
    if planned.is_fixed:
        return _reach(planned) <= claim.margin
    return needed is not None and planned.units >= needed


def _expected(planned: _Planned) -> str:
    """How wide the deciding interval will be."""
    claim, of_each = planned.claim, f" of each of {planned.members}" if planned.members > 1 else ""
    if claim.rule is Rule.CORRELATION_SIGN:
        return _correlation_says(planned.units)
    if claim.pilot is None:
        return f"It would rest on {planned.units:,} {planned.unit}; no spread is assumed beforehand."
    half = _spread(planned).half_width(LEVEL)
    if planned.is_fixed:
        return (
            f"With {_seeds(planned)} the 90 % interval{of_each} will reach about {half:.2f} to either side."
        )
    trained = f" and {_seeds(planned)}" if claim.pilot.seed_sd else ""
    return f"With {planned.units:,} {planned.unit}{trained} the 90 % interval{of_each} will reach about {half:.2f} to either side."


def _seeds(planned: _Planned) -> str:
    return "1 training seed" if planned.seeds == 1 else f"{planned.seeds} training seeds"


def _phrases_say(planned: _Planned) -> str:
    """What it costs that each latent speaks through a few phrases."""
    phrases = planned.phrases
    if phrases is None or planned.unit != "latents" or planned.claim.pilot is None:
        return ""
    return (
        f"Of each latent {phrases} phrases are read, a design effect of {design_effect(phrases):.2f}: latents spread "
        f"{100 * (widening(phrases) - 1):.0f} % wider than with {PILOT_PHRASES}, which is counted in."
    )


def _correlation_says(languages: int) -> str:
    """What Fisher's scale can tell at so few units, whatever is measured."""
    if languages <= FISHER_UNITS:
        return f"{languages} languages have no interval at all."
    error = 1 / math.sqrt(languages - FISHER_UNITS)
    shown = math.tanh(t_quantile(1 - ALPHA, None) * error)
    needed = math.tanh((t_quantile(1 - ALPHA, None) + t_quantile(POWER, None)) * error)
    return (
        f"With {languages} languages a correlation is told from none where it is beyond {shown:.3f}; for a power of 80 % the "
        f"true one must be {needed:.3f}."
    )


def _power_says(planned: _Planned, needed: int | None) -> str:
    claim = planned.claim
    if claim.pilot is None:
        return ""
    if claim.margin is None:
        return f"A truth {_reach(planned):.2f} or more beyond the limit would be shown with a power of 80 %."
    if planned.is_fixed:
        verb = "is" if _reach(planned) <= claim.margin else "is not"
        return f"That {verb} enough for a margin of {claim.margin:g} with a power of 80 %."
    if needed is None:
        return f"Training varies too much for a margin of {claim.margin:g}: no number of {planned.unit} is enough."
    return f"A margin of {claim.margin:g} with a power of 80 % needs {needed:,} {planned.unit}."


def _reach(planned: _Planned) -> float:
    """How far the truth must lie inside the edge that it is tested against."""
    spread = _spread(planned)
    return _quantiles(planned.claim, spread.df) * spread.se


def _spread(planned: _Planned) -> Spread:
    assert planned.claim.pilot is not None
    return expected_spread(planned.claim.pilot, 0 if planned.is_fixed else planned.units, planned.seeds)


def _quantiles(claim: Claim, df: float | None) -> float:
    """Standard errors between an edge and a truth that is shown to lie on its other side, at the power asked for."""
    if claim.rule is Rule.WITHIN_MARGIN:
        return t_quantile(1 - ALPHA, df) + t_quantile((1 + POWER) / 2, df)
    at_once = len(claim.primary.estimates) if claim.rule is Rule.MAXIMUM_AT_LEAST else 1
    return t_quantile(1 - ALPHA / at_once, df) + t_quantile(POWER, df)
