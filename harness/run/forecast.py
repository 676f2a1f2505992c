"""What a run would take at stated rates, what it could decide, and which sizes fit into a time.

Upper bounds and orders of magnitude, for whoever plans it. Nothing measured ever rests on any of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from harness.designs.design import Unavailable, costs_of, design_of, unavailable_of
from harness.designs.design import plan as draw
from harness.designs.estimand import Estimand
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import claims_of, load_claims
from harness.run.artifacts import STAGE_WIDTH
from harness.sources.studies import require_resizable
from harness.store.files import write_json
from harness.words.canonical import plain
from harness.words.claim import Claim, Tier, inventory_says
from harness.words.errors import UsageError
from harness.words.judgement import Prospect, prospects_say
from harness.words.plan import Plan, Work
from harness.words.specification import AxisKind, of_kind, specification_name
from harness.words.study import Home, Profile, Shapes, Sizes, Study, specified_worlds

FLOAT_BYTES = 4

WORKING_ACTS = 4
"""Tensors of the activations of every latent that are at hand at once, where every latent is encoded."""

WORKING_BYTES = 456
"""What a batch takes per position and dimension, as stated: 8 GiB for 8,192 positions of a model that is 2,304 wide."""

GOAL_HOURS = 2.0
"""A plan says which rates would bring it down to this."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a machine does, as stated or as measured."""

    tflops: float = 150.0
    """Useful operations of the language model in a second, all passes, in units of 10^12; 15 % of an H100's peak."""
    float32_tflops: float = 20.0
    """The same in float32, in which SAEs encode whatever the model computes in; 0.3 of an H100's peak without tensor cores."""
    translations_per_second: float = 150.0

    def seconds(self, flops: float, float32_flops: float, translated: int = 0) -> float:
        """The time of so many operations, some of them in float32, and translations."""
        multiplied = (flops - float32_flops) / self.tflops + float32_flops / self.float32_tflops
        return multiplied / 1e12 + translated / self.translations_per_second

    def times(self, factor: float) -> "Rates":
        """A machine that does everything so many times as fast."""
        return Rates(
            tflops=factor * self.tflops,
            float32_tflops=factor * self.float32_tflops,
            translations_per_second=factor * self.translations_per_second,
        )

    def __str__(self) -> str:
        """The rates for people."""
        return (
            f"{self.tflops:,.0f} TFLOP/s of useful work, {self.float32_tflops:,.0f} in float32, "
            f"{self.translations_per_second:,.0f} translations/s"
        )


@dataclass(frozen=True, kw_only=True)
class StageProjection:
    """What one stage would take at most."""

    stage: str
    items: int
    work: Work
    """All items together."""
    flops: float
    """Useful operations of the language model's layers and of dictionaries; 0 where none runs."""
    float32_flops: float
    """Of these, those in float32."""
    seconds: float


def projection(plan: Plan, rates: Rates) -> tuple[StageProjection, ...]:
    """Every stage of a plan, in order."""
    declared, projected = costs_of(plan).work, []
    for stage in plan.stages:
        work = declared.get(stage.name, Work())
        shapes, dtype = plan.study.shapes, plan.profile.sizes.dtype
        flops, float32_flops = work_flops(shapes, work), work_float32_flops(shapes, work, dtype)
        projected.append(
            StageProjection(
                stage=stage.name,
                items=len(stage.items),
                work=work,
                flops=flops,
                float32_flops=float32_flops,
                seconds=rates.seconds(flops, float32_flops, work.translated),
            )
        )
    return tuple(projected)


def outlook(study: Study, profile: Profile) -> tuple[Prospect, ...]:
    """Which claims of a study could be decided at the size of a profile.

    Raises:
        UsageError: If its claims cannot be used.
    """
    claims = claims_of(study)
    told = prospects(claims, profile.sizes, estimate_scopes(study), len(study.targets))
    found = {each.claim_id: each for each in (*told, *_unavailable(claims, unavailable_of(study, profile)))}
    return tuple(found[claim.id] for claim in claims if claim.id in found)


def _unavailable(claims: Sequence[Claim], lacking: Mapping[str, Unavailable]) -> Iterator[Prospect]:
    """Claims that no size decides: what they rest on cannot be had."""
    for claim in claims:
        asked = claim.primary.estimates if claim.readings else ()
        if found := next((lacking[each] for each in asked if each in lacking), None):
            yield Prospect(
                claim_id=claim.id,
                units_needed=None,
                units_planned=None,
                decidable=False,
                is_foreseen=True,
                says=f"{found.lacking}: {found.says}",
            )


def outlook_lines(study: Study, found: Sequence[Prospect]) -> Iterator[tuple[str, str]]:
    """Prospects for people: the lead of each line, and its text."""
    claims = claims_of(study)
    if found:
        able = sum(each.decidable and each.is_foreseen for each in found)
        unknown = sum(not each.is_foreseen for each in found)
        yield "", f"{len(claims)} claims: {inventory_says(claim.kind for claim in claims)}"
        yield "", f"{prospects_say(able, unknown, len(found))}:"
    for each in found:
        decidable = "yes" if each.decidable else "no"
        yield f"{decidable if each.is_foreseen else 'not known':<10}{each.claim_id:<30} ", each.says


def work_flops(shapes: Shapes, work: Work) -> float:
    """Useful operations of layers and of dictionaries; embedding and head, which few positions need, are left out."""
    return 2 * (shapes.layer_parameters * work.token_layers + work.encoded)


def work_float32_flops(shapes: Shapes, work: Work, dtype: str) -> float:
    """Of these, those in float32: what dictionaries encode, and the model's own where that is its dtype."""
    return work_flops(shapes, work) if dtype == "float32" else 2 * work.encoded


def accelerator_bytes(study: Study, profile: Profile) -> int:
    """Memory that the largest stage needs: weights, the encoders that it holds whole in float32, and room to work.

    Whole encoders are those of the aligned layers, and of every layer where no latent of theirs can be told alone, as with a
    TopK, or all are harvested; then rows are held as well.
    """
    if told := design_of(study).accelerator_bytes:
        return told(study, profile)
    shapes, sizes, sources = study.shapes, profile.sizes, profile.sources
    how, is_top_k = sources.harvest, sources.dictionary_form.k is not None
    weights = (4 if sizes.dtype == "float32" else 2) * shapes.parameters
    layers = (
        shapes.layers
        if how is not None or is_top_k
        else shapes.read_among(study.specification.alignment.layers)
    )
    encoders = len(layers) * FLOAT_BYTES * shapes.d_model * shapes.d_sae
    working = WORKING_BYTES * sizes.batch_tokens * shapes.d_model
    if how is not None or is_top_k:
        working += WORKING_ACTS * FLOAT_BYTES * sizes.batch_tokens * shapes.d_sae
    rows = 0 if how is None else how.rows_per_latent * how.context_tokens
    return weights + encoders + working + FLOAT_BYTES * rows * shapes.d_sae * len(shapes.layers)


def projection_lines(plan: Plan, rates: Rates) -> Iterator[str]:
    """The projection for people; nothing for a world of committed folders, whose time is known in minutes."""
    if plan.profile.is_committed:
        return
    stages = [stage for stage in projection(plan, rates) if stage.work != Work()]
    yield f"projected, at most, at {rates}:"
    for sentence in costs_of(plan).assumed:
        yield f"  assumed: {sentence}"
    for stage in stages:
        yield work_line(stage.stage, stage.work, stage.seconds)
    hours = sum(stage.seconds for stage in stages) / 3600
    yield together_line(hours)
    if hours > GOAL_HOURS:
        yield _faster(stages, rates, hours / GOAL_HOURS)


def work_line(stage: str, work: Work, seconds: float) -> str:
    """What one stage reads and how long it takes."""
    tokens = f"{work.tokens / 1e6:,.0f} M tokens" if work.tokens else "-"
    return f"{stage:<{STAGE_WIDTH}} {work.texts + work.translated:>12,} texts {tokens:>16} {seconds / 3600:>8.1f} h"


def _faster(stages: list[StageProjection], rates: Rates, times: float) -> str:
    """Which rates would reach the goal: all alike, or the language model's alone where that is possible."""
    says = f"{GOAL_HOURS:g} hours would take {times:.1f} times these rates: {rates.times(times)}"
    in_float32 = sum(stage.float32_flops for stage in stages)
    others = rates.seconds(in_float32, in_float32, sum(stage.work.translated for stage in stages))
    left = GOAL_HOURS * 3600 - others
    if left <= 0:
        return f"{says}; no speed of the language model alone would do, since all else takes {others / 3600:.1f} h"
    flops = sum(stage.flops for stage in stages) - in_float32
    return f"{says}; or {flops / left / 1e12:,.0f} TFLOP/s at the same other rates"


def together_line(hours: float) -> str:
    """What all stages take, below their lines."""
    return f"{'together':<{STAGE_WIDTH}} {'':>35} {hours:>8.1f} h"


# What every specification of a grid takes beside the primary one


@dataclass(frozen=True, kw_only=True)
class LevelPrice:
    """One specification: what has to be made for it, and how long that takes at most."""

    specification: str
    stages: tuple[str, ...]
    """Stages with a model that make something for it first; none of what stored values give."""
    seconds: float
    missing: str
    """Why no run has it; empty where runs could."""


def level_prices(plan: Plan, rates: Rates) -> Iterator[LevelPrice]:
    """Every other specification that a plan computes, but for combinations of what stored values give, in the study's order.

    What several of them need is priced with the first.
    """
    for axis in of_kind(plan.study.computed_axes, AxisKind.ANALYSIS):
        for level in axis.others:
            name = specification_name(plan.study.axes, {axis.name: level.name})
            yield LevelPrice(specification=name, stages=(), seconds=0.0, missing=level.missing)
    named = design_of(plan.study).specified_estimates
    further = [item for stage in plan.stages if stage.name == named for item in stage.items]
    for world in specified_worlds(plan.study, plan.profile):
        own = (
            replace(
                stage,
                items=tuple(item for item in stage.items if item.specification == world.specification),
            )
            for stage in plan.stages
            if stage.uses_model
        )
        stages = tuple(stage for stage in own if stage.items)
        alone = Plan(study=world.study, profile=world.profile, stages=stages)
        (estimates,) = (item for item in further if item.name == world.specification)
        yield LevelPrice(
            specification=world.specification,
            stages=tuple(stage.name for stage in stages),
            seconds=sum(each.seconds for each in projection(alone, rates)),
            missing=estimates.parameters["because"],
        )


@dataclass(frozen=True, kw_only=True)
class AblationsPrice:
    """The ablations that claims ask for and a run does not train."""

    ablations: tuple[str, ...]
    """Their specifications, as a file of sizes takes them."""
    seconds: float
    """What all of them would take at most, beside the run."""


def ablations_price(plan: Plan, rates: Rates) -> AblationsPrice | None:
    """The price of what claims ask beyond the ablations that the sizes name; None where there is nothing more."""
    study, scopes, trained = plan.study, estimate_scopes(plan.study), plan.profile.sizes.ablations
    asked = {
        name
        for claim in claims_of(study)
        for estimate in claim.estimates
        for name in scopes[estimate].specification.split("-minus-")
    }
    if not (more := tuple(name for name in study.ablations if name in asked.difference(trained))):
        return None
    sizes = replace(plan.profile.sizes, ablations=(*trained, *more))
    # The plan's study is already trained as its world says.
    other = draw(study, replace(plan.profile, sizes=sizes, alignment=None), "cuda")
    ours, theirs = (sum(each.seconds for each in projection(drawn, rates)) for drawn in (plan, other))
    return AblationsPrice(ablations=more, seconds=theirs - ours)


def ablations_line(plan: Plan, price: AblationsPrice | None) -> Iterator[tuple[str, str]]:
    """That price for people; nothing for a world of committed folders, whose time is known in minutes."""
    if price and any(pin.home is not Home.FOLDER for pin in plan.profile.sources.pins()):
        names, hours = ", ".join(price.ablations), price.seconds / 3600
        lead = f"ablations that claims ask for, and these sizes do not train: {names}"
        yield "", f'{lead}; {hours:.1f} h more, with "ablations" in the file of --sizes'


def level_lines(prices: Sequence[LevelPrice]) -> Iterator[tuple[str, str]]:
    """Prices for people; those that stored values give in one line."""
    free = [each for each in prices if not each.stages and not each.missing]
    if free:
        yield (
            "",
            f"{len(free)} levels beside the primary one are computed from stored values, in every combination",
        )
    width = max((len(each.specification) for each in prices), default=0)
    for each in prices:
        if each.missing:
            yield f"{each.specification:<{width}} ", f"not run: {each.missing}"
        elif each.stages:
            yield (
                f"{each.specification:<{width}} ",
                f"{each.seconds / 3600:>8.1f} h more: {', '.join(each.stages)}",
            )


# Which sizes fit into a time: those that leave the most claims decidable, between what is registered as least and as planned.
# What a run gives up, it gives up before it is made: claims that its size cannot decide are told with the sizes.


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

    Of sizes that leave equally many, those that keep most: ablations, controls, seeds, latents, questions, in this order.

    Raises:
        UsageError: If the least sizes take longer, which is told, or the study has no smaller ones.
    """
    require_resizable(study, profile)
    claims, scopes = load_claims(study.name), estimate_scopes(study)
    tiers = {claim.id: claim.tier for claim in claims}

    def outlook(sizes: Sizes) -> dict[str, Prospect]:
        return {each.claim_id: each for each in prospects(claims, sizes, scopes, len(study.targets))}

    def worth(sizes: Sizes) -> tuple[int, ...]:
        able = [tiers[name] for name, each in outlook(sizes).items() if each.decidable]
        kept = (
            *map(len, (sizes.ablations, sizes.control_seeds, sizes.adapter_seeds)),
            sizes.latents_per_layer,
        )
        whole = sizes.items_per_cell == profile.sizes.items_per_cell
        return (able.count(Tier.PRIMARY), able.count(Tier.SECONDARY), *kept, whole)

    def takes(sizes: Sizes) -> float:
        drawn = draw(study, replace(profile, sizes=sizes), "cuda")
        return sum(stage.seconds for stage in projection(drawn, rates))

    times = {sizes: takes(sizes) for sizes in _candidates(claims, scopes, profile.sizes)}
    if not (fits := [sizes for sizes, needed in times.items() if needed <= seconds]):
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
    sizes = {name: getattr(fit.profile.sizes, name) for name in (*fit.profile.sizes.resizable, "ablations")}
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
    for count, (ablations, controls), items in product(
        range(fewest, len(most.adapter_seeds) + 1),
        # Claims ask for ablations, and none asks for controls: those go first.
        dict.fromkeys(((most.ablations, most.control_seeds), (most.ablations, ()), ((), ()))),
        dict.fromkeys((most.items_per_cell, min(most.items_per_cell or FEWEST_QUESTIONS, FEWEST_QUESTIONS))),
    ):
        thresholds = {most.latents_per_layer, *(claim.minima.units for claim in over_latents)}
        seeded = replace(most, adapter_seeds=most.adapter_seeds[:count], ablations=ablations)
        thresholds |= {each.units_needed or 0 for each in prospects(over_latents, seeded, scopes)}
        for latents in sorted(thresholds):
            if most.panel_latents <= latents <= most.latents_per_layer:
                yield replace(seeded, latents_per_layer=latents, control_seeds=controls, items_per_cell=items)
