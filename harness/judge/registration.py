"""What a pre-registration holds: everything that decides verdicts and could be bent after seeing numbers."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.designs.disparity.plan import REPLAYED_ROWS
from harness.judge.claimfaults import UNMEASURED
from harness.judge.declared import load_claims
from harness.judge.scoring import CLEAR_OF_CHANCE_SE, MAX_POINTS_APART, MIN_ITEM_AGREEMENT
from harness.sources.studies import load_profiles, load_protocol_of, load_study
from harness.statistics.replay_gate import MAX_SCALE, MIN_CORRELATION, MIN_PASSING_FRACTION, MIN_SCALE, STRONG
from harness.statistics.resampling import MANY_DRAWS, NUM_DRAWS
from harness.statistics.stats import ALPHA
from harness.store.code_digest import installed_code_digest
from harness.words.canonical import Json, canonical_json, digest_of, plain
from harness.words.claim import Claim, Tier
from harness.words.judgement import Protocol
from harness.words.study import Home, Profile, Sizes, Sources, Study

CODE: Mapping[str, tuple[str, ...]] = {
    "estimates": ("harness.designs.disparity.estimates",),
    "judge": ("harness.judge.judge", "harness.judge.baselines", "harness.judge.audit_input"),
}
"""Modules whose code is held, each with all it imports: stored tables to estimates, and these to verdicts."""

MANY_VALUES = 50
"""A part that holds more, and was not held before, is told by their number alone: they stand in the content."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """The content of a lock; its digest names it."""

    alpha: float
    draws: int
    draws_when_verdicts_differ: int
    baseline_gate: Mapping[str, float]
    """Its bounds; the published numbers that it holds ours against stand in the protocol."""
    replay_gate: Mapping[str, float]
    """Its bounds: how well how many of which stored rows must be found again."""
    code: Mapping[str, str]
    """Digest of the code that makes estimates of stored tables, and of that which judges them; comments do not count."""
    families: Mapping[str, int]
    """Measured claims of each tier: the size of the family that their p-values are adjusted in."""
    sizes: Mapping[str, Sizes]
    """How much each world takes whose numbers are about the paper: more after an INCONCLUSIVE is an amendment."""
    sources: Mapping[str, Sources]
    """Where each of these worlds takes everything from: pins, translators by language, dictionaries by layer."""
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
    worlds = _worlds(asked)
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
        replay_gate={
            "correlation_at_least": MIN_CORRELATION,
            "scale_at_least": MIN_SCALE,
            "scale_at_most": MAX_SCALE,
            "share_of_rows_at_least": MIN_PASSING_FRACTION,
            "peak_of_a_row_at_least": STRONG,
            "rows_of_a_layer": REPLAYED_ROWS,
        },
        code={part: digest_of(list(map(installed_code_digest, modules))) for part, modules in CODE.items()},
        families={tier.value: measured.count(tier) for tier in Tier},
        sizes={name: world.sizes for name, world in worlds.items()},
        sources={name: world.sources for name, world in worlds.items()},
        study=asked,
        protocol=load_protocol_of(study),
        claims={claim.id: claim for claim in claims},
    )


def _worlds(study: Study) -> Mapping[str, Profile]:
    """The worlds whose numbers can be about the paper: no miniature, whose files have certificates, and nothing made here."""
    return {
        name: profile
        for name, profile in load_profiles(study).items()
        if profile.self_check_study is None
        and not any(pin.home is Home.MADE for pin in profile.sources.pins())
    }


def content_of(study: str) -> Json:
    """What a study registers, as the lock file holds it."""
    return plain(registration(study))


def parts_that_differ(old: Json, new: Json) -> tuple[str, ...]:
    """Names of the parts in which two contents differ, in the order of the new one."""
    before, after = (content if isinstance(content, dict) else {} for content in (old, new))
    return tuple(
        name
        for name in dict.fromkeys((*after, *before))
        if (name in before, before.get(name)) != (name in after, after.get(name))
    )


def difference(old: Json, new: Json) -> str:
    """Lines taken out and put in, one value a line with the place where it stands."""
    before, after = list(_lines(old)), list(_lines(new))
    if isinstance(old, dict) and isinstance(new, dict):
        for part in new.keys() - old.keys():
            after = _counted(after, part)
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _counted(lines: Sequence[str], part: str) -> list[str]:
    own = [line for line in lines if line.startswith(f"/{part}/")]
    if len(own) <= MANY_VALUES:
        return list(lines)
    place = lines.index(own[0])
    return [*lines[:place], f"/{part}: {len(own)} values", *lines[place + len(own) :]]


def _lines(content: Json, place: str = "") -> Iterator[str]:
    if isinstance(content, dict) and content:
        for key in sorted(content):
            yield from _lines(content[key], f"{place}/{key}")
    elif isinstance(content, list) and content:
        for number, entry in enumerate(content):
            yield from _lines(entry, f"{place}/{number}")
    else:
        yield f"{place}: {canonical_json(content)}"
