"""What a pre-registration holds: everything that decides verdicts and could be bent after seeing numbers."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.judge.claimfaults import UNMEASURED
from harness.judge.declared import load_claims
from harness.supply.studies import load_profiles, load_protocol_of, load_study
from harness.tools.canonical import Json, canonical_json, plain
from harness.tools.resampling import MANY_DRAWS, NUM_DRAWS
from harness.tools.scoring import CLEAR_OF_CHANCE_SE, MAX_POINTS_APART, MIN_ITEM_AGREEMENT
from harness.tools.stats import ALPHA
from harness.words.claim import Claim, Tier
from harness.words.protocol import Protocol
from harness.words.study import Sizes, Study


@dataclass(frozen=True, kw_only=True)
class Registration:
    """The content of a lock; its digest names it."""

    alpha: float
    draws: int
    draws_when_verdicts_differ: int
    baseline_gate: Mapping[str, float]
    """Its bounds; the published numbers that it holds ours against stand in the protocol."""
    families: Mapping[str, int]
    """Measured claims of each tier: the size of the family that their p-values are adjusted in."""
    sizes: Mapping[str, Sizes]
    """How much each world takes whose numbers are about the paper: more after an INCONCLUSIVE is an amendment."""
    study: Study
    """Languages, benchmarks and the primary specification among it."""
    protocol: Protocol
    claims: Mapping[str, Claim]
    """By id: targets, readings, margins with their reasons, minima."""


def registration(study: str) -> Registration:
    """What a study registers as it stands now.

    Raises:
        UsageError: If there is no such study, or its claims or protocol cannot be used.
    """
    asked, claims = load_study(study), load_claims(study)
    measured = [claim.tier for claim in claims if claim.rule not in UNMEASURED]
    return Registration(
        alpha=ALPHA,
        draws=NUM_DRAWS,
        draws_when_verdicts_differ=MANY_DRAWS,
        baseline_gate={
            "errors_above_chance": CLEAR_OF_CHANCE_SE,
            "item_agreement_at_least": MIN_ITEM_AGREEMENT,
            "points_apart_at_most": MAX_POINTS_APART,
        },
        families={tier.value: measured.count(tier) for tier in Tier},
        sizes=_sizes(asked),
        study=asked,
        protocol=load_protocol_of(study),
        claims={claim.id: claim for claim in claims},
    )


def _sizes(study: Study) -> Mapping[str, Sizes]:
    """Sizes of the profiles without a self-check study; the others say nothing about a paper."""
    profiles = load_profiles(study)
    return {name: each.sizes for name, each in profiles.items() if each.self_check_study is None}


def content_of(study: str) -> Json:
    """What a study registers, as the lock file holds it."""
    return plain(registration(study))


def difference(old: Json, new: Json) -> str:
    """Lines taken out and put in, one value a line with the place where it stands."""
    lines = difflib.unified_diff(list(_lines(old)), list(_lines(new)), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _lines(content: Json, place: str = "") -> Iterator[str]:
    if isinstance(content, dict) and content:
        for key in sorted(content):
            yield from _lines(content[key], f"{place}/{key}")
    elif isinstance(content, list) and content:
        for number, entry in enumerate(content):
            yield from _lines(entry, f"{place}/{number}")
    else:
        yield f"{place}: {canonical_json(content)}"
