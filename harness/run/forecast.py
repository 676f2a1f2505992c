"""What a run would take, at stated rates or at the pace of another run, what it could decide, and which sizes fit into a time.

Upper bounds and orders of magnitude, for whoever plans it. Nothing measured ever rests on any of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from harness.designs.design import Unavailable, costs_of, design_of, unavailable_of
from harness.designs.design import plan as draw
from harness.designs.estimand import Estimand
from harness.judge.preflight import prospects
from harness.judge.quantities import estimate_scopes
from harness.judge.validate import claims_of, load_claims
from harness.run.artifacts import STAGE_WIDTH
from harness.sources.studies import load_profile, load_study, require_resizable
from harness.store.files import write_json
from harness.store.provenance import machine
from harness.store.run_folder import EXECUTION_FILE, REPORT_FILE, read_record
from harness.words.canonical import plain
from harness.words.claim import Claim, Tier, inventory_says
from harness.words.errors import UsageError
from harness.words.judgement import Prospect, prospects_say
from harness.words.mode import Mode
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


# How fast a run was on its machine, by the work counted in it, and how long another world would take there


SIDES = {"cuda": 8_192, "cpu": 1_536}
"""Rows and columns of the factors: large enough to fill the device, small enough for a second or two."""

SECONDS = 3.0
"""Products are repeated for so long, and the fastest counts, since whatever else the machine does only slows it down.

On a shared machine the best of the first five was anywhere from half the speed to all of it; the best of three seconds
stayed within a tenth.
"""


@dataclass(frozen=True, kw_only=True)
class StagePace:
    """What one stage of a run did in its time."""

    stage: str
    work: Work
    """As counted in its networks while it ran; what the run found in the store took it none."""
    flops: float
    """Useful operations of the language model's layers and of dictionaries; its head is left out."""
    float32_flops: float
    """Of these, those in float32."""
    wall_seconds: float
    peak_memory_bytes: int
    """The most memory that its process held."""
    peak_accelerator_bytes: int
    """The most accelerator memory that it set aside; 0 without one."""


@dataclass(frozen=True, kw_only=True)
class StageForecast:
    """What one stage of another world would take at a run's pace."""

    stage: str
    work: Work
    tokens_per_text: float | None = None
    """As assumed; None where the language model does not read."""
    counted_tokens_per_text: float | None = None
    """Of the run."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What another world would take at a run's pace, and what the answer leaves out."""

    profile: str
    assumed: tuple[str, ...]
    lengths_are_counted: bool
    """True where texts are assumed to be as long as the run's own, False where their length is a stated one."""
    stages: tuple[StageForecast, ...]
    left_out: Mapping[str, str]
    """Stages that cannot be told, and why."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """A run's pace, and what follows for another world."""

    run: str
    profile: str
    machine: Mapping[str, str | int | None]
    stages: tuple[StagePace, ...]
    matmul_flops_per_second: float | None
    """A large product of the run's own dtype on this machine, now; None where the run was made on another."""
    other: Forecast


def pace_of(run: Path, profile: str) -> Pace:
    """The pace of a stored run, and the time that another profile of its study would take.

    Args:
        run: Folder of the run.
        profile: World whose time is asked for.

    Raises:
        UsageError: If the folder holds no finished run, one of miniature networks, or the profile is unknown.
    """
    record = _record(run, EXECUTION_FILE, {"study", "profile", "stages", "attempts"})
    mode = _record(run, REPORT_FILE, {"mode"})["mode"]
    if mode == Mode.FIXTURE:
        raise UsageError(
            f"{run} is a {mode} run: its networks are not of the study's shapes, and its pace says nothing about theirs; "
            "name a run of the rehearsal profile"
        )
    if not all("work" in row for row in record["stages"]):
        raise UsageError(
            f"{run / EXECUTION_FILE} counts no work, as those of earlier versions do; run it again"
        )
    study = load_study(str(record["study"]))
    ours, other = (load_profile(study, name) for name in (str(record["profile"]), profile))
    dtype = ours.sizes.dtype
    stages = tuple(
        _stage_pace(study.shapes, row, dtype) for row in record["stages"] if row["wall_seconds"] > 0
    )
    places = [place for row in record["stages"] for place in row.get("ran_on", ())]
    # On a cluster, the machine of the command is not that of the stages.
    seen = {
        name: next((each[name] for each in places if each[name]), None) for name in ("host", "accelerator")
    }
    where = record["attempts"][-1]["machine"]
    if seen["host"] not in {None, where["host"]}:
        where = {**where, **seen}
    return Pace(
        run=run.name,
        profile=ours.name,
        machine=where,
        stages=stages,
        matmul_flops_per_second=_matmul(ours, where),
        other=forecast(
            draw(study, other, "cuda"),
            _as_foreseen(draw(study, ours, "cuda"), stages),
            real_texts=mode == Mode.FULL,
        ),
    )


def _as_foreseen(own: Plan, stages: Sequence[StagePace]) -> tuple[StagePace, ...]:
    """What each stage did, in layers as its plan counts them: one world is held against another in the same units."""
    foreseen = costs_of(own)
    if not foreseen.layers_stand_for_more:
        return tuple(stages)
    return tuple(_in_layers_of(own, stage, foreseen.work.get(stage.stage, Work())) for stage in stages)


def _in_layers_of(own: Plan, stage: StagePace, foreseen: Work) -> StagePace:
    per_token = foreseen.token_layers / foreseen.tokens if foreseen.tokens else 0.0
    work = replace(stage.work, token_layers=round(per_token * stage.work.tokens))
    shapes, dtype = own.study.shapes, own.profile.sizes.dtype
    return replace(
        stage,
        work=work,
        flops=work_flops(shapes, work),
        float32_flops=work_float32_flops(shapes, work, dtype),
    )


def _stage_pace(shapes: Shapes, row: Mapping[str, Any], dtype: str) -> StagePace:
    work = Work(**row["work"])
    return StagePace(
        stage=row["stage"],
        work=work,
        flops=work_flops(shapes, work),
        float32_flops=work_float32_flops(shapes, work, dtype),
        wall_seconds=row["wall_seconds"],
        peak_memory_bytes=row["peak_memory_bytes"],
        peak_accelerator_bytes=row["peak_accelerator_bytes"],
    )


def forecast(asked: Plan, stages: Sequence[StagePace], *, real_texts: bool) -> Forecast:
    """Time in proportion to what the model computes; where it does not run, in proportion to texts.

    Args:
        asked: The other world.
        stages: What each stage of the run did in its time.
        real_texts: True where the run's texts are real ones, whose lengths say what others' will be.
    """
    ours = {stage.stage: stage for stage in stages}
    left_out, foreseen = {}, []
    for stage in projection(asked, Rates()):
        if (done := ours.get(stage.stage)) is None:
            left_out[stage.stage] = "the run did not time it"
        elif done.work == Work():
            left_out[stage.stage] = "no network read anything in it"
        elif stage.work == Work():
            left_out[stage.stage] = "what it would read is not known beforehand"
        else:
            foreseen.append(_at_the_pace(stage, done, real_texts=real_texts))
    return Forecast(
        profile=asked.profile.name,
        assumed=costs_of(asked).assumed,
        lengths_are_counted=real_texts,
        stages=tuple(foreseen),
        left_out=left_out,
    )


def _at_the_pace(stage: StageProjection, done: StagePace, *, real_texts: bool) -> StageForecast:
    if not (stage.work.tokens and done.work.tokens):
        seconds = done.wall_seconds * stage.work.translated / done.work.translated
        return StageForecast(stage=stage.stage, work=stage.work, seconds=seconds)
    stated, own = stage.work.tokens / stage.work.texts, done.work.tokens / done.work.texts
    assumed = own if real_texts else stated
    # Runs of earlier versions counted nothing of dictionaries.
    uncounted = 0 if done.work.encoded else 2 * stage.work.encoded
    ours = Rates().seconds(done.flops, done.float32_flops)
    other = Rates().seconds(stage.flops - uncounted, stage.float32_flops - uncounted)
    return StageForecast(
        stage=stage.stage,
        work=replace(stage.work, tokens=round(stage.work.texts * assumed)),
        tokens_per_text=assumed,
        counted_tokens_per_text=own,
        # Operations, since training passes a token more dearly than reading does, and those in float32 are slower.
        seconds=done.wall_seconds * (other / ours) * (assumed / stated),
    )


def lines_of(pace: Pace, price_per_hour: float) -> Iterator[str]:
    """A pace for people."""
    where = pace.machine.get("accelerator") or pace.machine.get("processor")
    yield f"{pace.run} ({pace.profile} world) on {where}, counted while it ran:"
    for stage in pace.stages:
        yield _stage_line(stage, pace.matmul_flops_per_second)
    if pace.matmul_flops_per_second:
        yield f"a large matrix product of the same dtype reaches {pace.matmul_flops_per_second / 1e12:.2f} TFLOP/s here"
    else:
        yield "this is another machine: the share of its matrix products' peak is not known here"
    yield from forecast_lines(pace.other, price_per_hour)


def _stage_line(stage: StagePace, matmul: float | None) -> str:
    work, took = stage.work, stage.wall_seconds
    line = f"{stage.stage:<{STAGE_WIDTH}} {took:>9.1f} s  {stage.peak_memory_bytes / 2**30:.1f} GiB"
    if stage.peak_accelerator_bytes:
        line += f" + {stage.peak_accelerator_bytes / 2**30:.1f} GiB of the accelerator"
    if work.translated:
        line += f"  {work.translated:,} texts translated ({work.translated / took:,.1f}/s)"
    if work.tokens:
        share = f", {100 * stage.flops / took / matmul:.1f} % of peak" if matmul else ""
        line += f"  {work.texts:,} texts ({work.texts / took:,.1f}/s)  {work.tokens:,} tokens ({work.tokens / took:,.0f}/s)"
        line += f"  {stage.flops / took / 1e12:.2f} TFLOP/s useful{share}"
    return line


def forecast_lines(told: Forecast, price_per_hour: float) -> Iterator[str]:
    """A forecast for people, its assumptions first."""
    yield f"the {told.profile} world at this pace, what a stage spends on loading scaled as well; assumed, not counted:"
    for sentence in told.assumed:
        yield f"  {sentence}"
    whose = "the run's own" if told.lengths_are_counted else "stated ones, since the run's texts are made up"
    yield f"  lengths of texts: {whose}"
    for stage in told.stages:
        line = work_line(stage.stage, stage.work, stage.seconds)
        if stage.tokens_per_text is not None:
            line += f"  {stage.tokens_per_text:,.1f} tokens a text (the run: {stage.counted_tokens_per_text:,.1f})"
        yield line
    hours = sum(stage.seconds for stage in told.stages) / 3600
    yield together_line(hours)
    for name, why in told.left_out.items():
        yield f"{name:<{STAGE_WIDTH}} not in the sum: {why}"
    if price_per_hour:
        yield f"at {price_per_hour:g} an hour: {hours * price_per_hour:,.0f}"


def _matmul(profile: Profile, where: Mapping[str, str | int | None]) -> float | None:
    """The peak of this machine, if it is the one that the run was made on."""
    here = machine()
    if any(here[name] != where.get(name) for name in ("host", "processor", "accelerator")):
        return None
    device = "cuda" if where.get("accelerator") else "cpu"
    return matmul_flops_per_second(device, profile.sizes.dtype, profile.sizes.threads)


def matmul_flops_per_second(device: str, dtype: str, threads: int) -> float:
    """Floating-point operations a second of a square product at its best, without TF32.

    Args:
        device: "cpu" or "cuda".
        dtype: Name of torch's dtype, as a profile's sizes spell it.
        threads: Processor threads; a run is held to as many as it had.
    """
    import torch
    from torch.utils.benchmark import Timer

    torch.backends.cuda.matmul.allow_tf32 = False
    side = SIDES[device]
    factor = torch.ones(side, side, dtype=getattr(torch, dtype), device=device)
    timer = Timer("mm(factor, factor)", globals={"mm": torch.mm, "factor": factor}, num_threads=threads)
    return 2 * side**3 / min(timer.blocked_autorange(min_run_time=SECONDS).times)


def _record(run: Path, name: str, needed: set[str]) -> Mapping[str, Any]:
    content = read_record(run, name)
    if not isinstance(content, dict) or not needed <= content.keys():
        raise UsageError(f"{run / name} is no record of a run")
    return content
