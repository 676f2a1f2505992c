"""What a run would take: texts, tokens, bytes and time of every stage, from sizes and stated rates alone.

Upper bounds and orders of magnitude for whoever plans a run; nothing measured ever rests on them. A rehearsal
replaces the stated rates by measured ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.words.items import Plan
from harness.words.pins import Home
from harness.words.study import Profile, Shapes

TOKENS_PER_PHRASE = 32
"""Mean tokens of a phrase with its BOS, over languages: sentences are short, and Indic scripts take many pieces."""

TOKENS_PER_SHOT = 90
"""Mean tokens of one benchmark example with its question, over languages."""

OPTIONS = 4
"""Continuations that are scored per item."""

UNKNOWN_ITEMS = 6_000
"""Items of one (benchmark, language) where a profile takes all: about what the aligned subsets hold on average."""

BACKWARD = 3.0
"""Forward and backward of a pass, in forward passes."""

SHARE_OF_DISTINCT = 0.9
"""Phrases that are left when those that speak for several latents are counted once."""

TRANSLATING = ("translations", "translation-scores")
"""Stages whose texts pass a translator."""

OVER_WIDTH = 4.0
"""Width of an MLP over that of the residual stream."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What a machine does, as stated or as measured."""

    model_flops_per_second: float
    """Useful floating-point operations of the language model, all passes."""
    translations_per_second: float
    bytes_per_second: float
    """Of the line."""
    says: str


STATED = Rates(
    model_flops_per_second=150e12,
    translations_per_second=150.0,
    bytes_per_second=50e6,
    says="150 TFLOP/s of useful bfloat16 work (15 % of an H100's peak), 150 beam translations/s, 50 MB/s of line",
)


@dataclass(frozen=True, kw_only=True)
class StageProjection:
    """What one stage would take at most."""

    stage: str
    items: int
    texts: int
    tokens: int
    """Positions that the language model passes, all items together."""
    flops: float
    """Useful operations of the language model on them; 0 where it does not run."""
    seconds: float


def projection(plan: Plan, rates: Rates = STATED) -> tuple[StageProjection, ...]:
    """Every stage of a plan, in order."""
    return tuple(_projected(plan, stage.name, len(stage.items), rates) for stage in plan.stages)


def model_parameters(shapes: Shapes) -> int:
    """About how many parameters a decoder of these shapes has: embedding once, attention and a gated MLP per layer."""
    attention = 3 * shapes.d_model**2
    mlp = 3 * OVER_WIDTH * shapes.d_model**2
    return int(shapes.vocab_size * shapes.d_model + shapes.num_layers * (attention + mlp))


def accelerator_bytes(shapes: Shapes, aligned_layers: int) -> int:
    """Memory that the largest stage needs: weights in bfloat16, encoders of the aligned layers, and room to work."""
    weights = 2 * model_parameters(shapes)
    encoders = aligned_layers * 4 * shapes.d_model * shapes.d_sae
    return weights + encoders + 8 * 2**30


def _projected(plan: Plan, stage: str, items: int, rates: Rates) -> StageProjection:
    texts = dict(_texts(plan)).get(stage, 0) * items
    tokens = texts * dict(_tokens_per_text(plan)).get(stage, 0)
    passes = BACKWARD if stage == "adapters" else 1.0
    flops = 2 * model_parameters(plan.study.shapes) * tokens * passes
    seconds = (
        texts / rates.translations_per_second
        if stage in TRANSLATING
        else flops / rates.model_flops_per_second
    )
    return StageProjection(stage=stage, items=items, texts=texts, tokens=tokens, flops=flops, seconds=seconds)


def phrases_at_most(plan: Plan) -> int:
    """Distinct phrases that a profile's sizes allow; an export may hold fewer."""
    sizes, choice = plan.profile.sizes, plan.study.primary.phrases
    drawn = plan.study.shapes.num_layers * sizes.latents_per_layer * choice.max_examples
    return int(SHARE_OF_DISTINCT * drawn)


def _texts(plan: Plan) -> Iterator[tuple[str, int]]:
    """Texts of one item of each stage; phrases and estimates pass no model."""
    sizes, choice = plan.profile.sizes, plan.study.primary.alignment
    phrases = phrases_at_most(plan)
    steps = choice.pairs * choice.epochs // (sizes.alignment_batch or choice.batch_size)
    steps = min(steps, sizes.max_alignment_steps or steps)
    cells = len(plan.study.benchmarks) * (sizes.items_per_cell or UNKNOWN_ITEMS) * OPTIONS
    yield "replay", 2 * 50 * plan.study.shapes.num_layers
    yield "translations", phrases
    yield "translation-scores", sizes.parallel_texts
    yield from ((stage, phrases) for stage in ("activations", "activations-tuned"))
    yield "dictionary-error", sizes.dictionary_texts
    # Two sides with the adapter, and the English one without it.
    yield "adapters", 3 * steps * (sizes.alignment_batch or choice.batch_size)
    yield from ((stage, cells) for stage in ("benchmarks", "benchmarks-tuned"))


def _tokens_per_text(plan: Plan) -> Iterator[tuple[str, int]]:
    shots = [_shots(plan.profile, benchmark.shots) + 1 for benchmark in plan.study.benchmarks]
    prompt = TOKENS_PER_SHOT * sum(shots) // max(1, len(shots))  # a study may ask no benchmark
    yield "replay", 128
    yield from (
        (stage, TOKENS_PER_PHRASE)
        for stage in ("activations", "activations-tuned", "dictionary-error", "adapters")
    )
    yield from ((stage, prompt) for stage in ("benchmarks", "benchmarks-tuned"))


def _shots(profile: Profile, shots: int) -> int:
    return shots if profile.sizes.max_shots is None else min(shots, profile.sizes.max_shots)


def scaled(plan: Plan, measured: Plan, seconds: Mapping[str, float]) -> tuple[StageProjection, ...]:
    """Every stage of a plan, from what the stages of another one took on a machine: time in proportion to the work.

    Args:
        plan: What is asked about.
        measured: What was run, a rehearsal say.
        seconds: Wall seconds of each stage that was run.
    """
    done = {stage.stage: stage for stage in projection(measured)}
    return tuple(
        replace(stage, seconds=seconds[stage.stage] * _work(stage) / _work(done[stage.stage]))
        for stage in projection(plan)
        if seconds.get(stage.stage) and stage.stage in done and _work(done[stage.stage])
    )


def _work(stage: StageProjection) -> int:
    return stage.tokens or stage.texts


def spoken(plan: Plan, rates: Rates = STATED) -> Iterator[str]:
    """The projection for people; nothing for a world of committed folders, whose time is known in minutes."""
    if all(pin.home is Home.FOLDER for pin in plan.profile.sources.pins()):
        return
    yield f"projected, at most {phrases_at_most(plan):,} phrases, at {rates.says}:"
    yield from spoken_stages([stage for stage in projection(plan, rates) if stage.texts])


def spoken_stages(stages: Sequence[StageProjection]) -> Iterator[str]:
    """Stages and their sum, a line each."""
    for stage in stages:
        tokens = f"{stage.tokens / 1e6:,.0f} M tokens" if stage.tokens else "-"
        yield f"{stage.stage:<18} {stage.texts:>12,} texts {tokens:>16} {stage.seconds / 3600:>8.1f} h"
    yield f"{'together':<18} {'':>35} {sum(stage.seconds for stage in stages) / 3600:>8.1f} h"
