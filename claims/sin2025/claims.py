"""Everything that the paper claims, atom by atom, in the order of the paper; nothing here was measured."""

from claims.sin2025 import (
    benchmarks,
    correlation,
    gains,
    gaps,
    printed_numbers,
    retention,
    sources,
)
from harness.words.claim import Claim, Kind, Rule, Tier, Unit

KEY_FACTOR = Claim(
    id="factor",
    says="Activation alignment is a key factor in multilingual performance",
    inventory=("C21",),
    conflicts=("K8", "K13"),
    sentence=sources.KEY_FACTOR,
    kind=Kind.QUALITATIVE,
    rule=Rule.NONE,
    tier=Tier.EXPLORATORY,
    unit=Unit.NONE,
    beside="A causal reading without an operational definition; summaries disagree on how sure the paper is of it.",
)

CLAIMS = (
    *gaps.CLAIMS,
    *correlation.CLAIMS,
    *gains.CLAIMS,
    *retention.CLAIMS,
    *benchmarks.CLAIMS,
    KEY_FACTOR,
    *printed_numbers.CLAIMS,
)
