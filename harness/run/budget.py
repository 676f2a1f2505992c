"""Which sizes fit into a time: those that leave the most claims decidable, between what is registered as least and as planned.

What a run gives up, it gives up before it is made: claims that its size cannot decide are told with the sizes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from harness.designs.design import plan
from harness.designs.estimand import Estimand
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import load_claims
from harness.run.forecast import Rates, projection
from harness.sources.studies import RESIZABLE
from harness.store.files import write_json
from harness.words.canonical import plain
from harness.words.claim import Claim, Tier
from harness.words.errors import UsageError
from harness.words.judgement import Prospect
from harness.words.study import Profile, Sizes, Study

FEWEST_QUESTIONS = 50
"""Of a benchmark that is asked in part: a part decides nothing, and shows that the benchmark ran."""

SECONDS_IN = {"h": 3600, "m": 60, "min": 60, "s": 1}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Sizes that fit into a time, and what they cost in claims."""

    profile: Profile
    """With these sizes."""
    seconds: float
    given_up: tuple[Prospect, ...]
    """Claims that the registered sizes could decide and these cannot, each with the reason."""


def seconds_of(text: str) -> float:
    """A time as people write it, such as 2h, 90m or 1.5h.

    Raises:
        UsageError: If it is none.
    """
    found = re.fullmatch(rf"([0-9]+(?:\.[0-9]+)?) ?({'|'.join(SECONDS_IN)})", text.strip())
    if found is None or float(found[1]) == 0:
        raise UsageError(f"{text!r} is no time; expected hours, minutes or seconds, such as 2h, 90m or 1.5h")
    return float(found[1]) * SECONDS_IN[found[2]]


def fitting(study: Study, profile: Profile, seconds: float, rates: Rates) -> Fit:
    """The sizes that leave the most primary, then the most secondary claims decidable in a time.

    Of sizes that leave equally many, those that keep most: controls, seeds, latents, questions, in this order.

    Raises:
        UsageError: If the least sizes take longer; says how long.
    """
    claims, scopes = load_claims(study.name), estimate_scopes(study)
    tiers = {claim.id: claim.tier for claim in claims}

    def outlook(sizes: Sizes) -> dict[str, Prospect]:
        return {each.claim_id: each for each in prospects(claims, sizes, scopes, len(study.targets))}

    def worth(sizes: Sizes) -> tuple[int, ...]:
        able = [tiers[name] for name, each in outlook(sizes).items() if each.decidable]
        kept = (len(sizes.control_seeds), len(sizes.adapter_seeds), sizes.latents_per_layer)
        whole = sizes.items_per_cell == profile.sizes.items_per_cell
        return (able.count(Tier.PRIMARY), able.count(Tier.SECONDARY), *kept, whole)

    times = {
        sizes: _seconds(study, profile, sizes, rates) for sizes in _candidates(claims, scopes, profile.sizes)
    }
    if not (fits := [sizes for sizes, takes in times.items() if takes <= seconds]):
        raise UsageError(
            f"the least sizes at which a claim of {study.name} could be decided take {min(times.values()) / 3600:.1f} h at "
            f"{rates}; allow more time, or use a faster machine"
        )
    best = max(fits, key=worth)
    registered, found = outlook(profile.sizes), outlook(best)
    return Fit(
        profile=replace(profile, sizes=best, registered_sizes=profile.sizes),
        seconds=times[best],
        given_up=tuple(
            each for name, each in found.items() if registered[name].decidable and not each.decidable
        ),
    )


def size_lines(profile: Profile, fit: Fit | None) -> Iterator[tuple[str, str]]:
    """Sizes that are not the registered ones, and what was given up where they were found for a time: leads and texts."""
    if profile.resized:
        yield "", f"not at its registered sizes: {'; '.join(profile.resized)}"
    if fit:
        yield "", f"given up for the time: {len(fit.given_up)} claims that the registered sizes could decide"
        yield from ((f"given up  {each.claim_id:<30} ", each.says) for each in fit.given_up)


def write_sizes(path: Path, study: Study, fit: Fit, rates: Rates) -> None:
    """Write what `harness reproduce --sizes` takes, with what was given up for it."""
    sizes = {name: getattr(fit.profile.sizes, name) for name in RESIZABLE}
    content = {
        "study": study.name,
        "profile": fit.profile.name,
        "sizes": sizes,
        "projected_seconds": fit.seconds,
        "rates": rates,
        "given_up": {each.claim_id: each.says for each in fit.given_up},
    }
    write_json(path, plain(content))


def _candidates(claims: Sequence[Claim], scopes: Mapping[str, Estimand], most: Sizes) -> Iterator[Sizes]:
    """Sizes at which some claim begins to be decidable, up to the registered ones."""
    over_latents = [
        claim
        for claim in claims
        if claim.readings and scopes[claim.primary.estimates[0]].counted_in == "latents"
    ]
    seeds = [claim.minima.seeds for claim in claims if claim.minima.seeds]
    fewest = min([*seeds, len(most.adapter_seeds)])
    for count, controls, items in product(
        range(fewest, len(most.adapter_seeds) + 1),
        dict.fromkeys((most.control_seeds, ())),
        dict.fromkeys((most.items_per_cell, min(most.items_per_cell or FEWEST_QUESTIONS, FEWEST_QUESTIONS))),
    ):
        thresholds = {most.latents_per_layer, *(claim.minima.units for claim in over_latents)}
        seeded = replace(most, adapter_seeds=most.adapter_seeds[:count])
        thresholds |= {each.units_needed or 0 for each in prospects(over_latents, seeded, scopes)}
        for latents in sorted(thresholds):
            if most.panel_latents <= latents <= most.latents_per_layer:
                yield replace(seeded, latents_per_layer=latents, control_seeds=controls, items_per_cell=items)


def _seconds(study: Study, profile: Profile, sizes: Sizes, rates: Rates) -> float:
    drawn = plan(study, replace(profile, sizes=sizes), "cuda")
    return sum(stage.seconds for stage in projection(drawn, rates))
