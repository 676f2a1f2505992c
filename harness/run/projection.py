"""What a run would take: texts, tokens, bytes and time of every stage, from sizes and stated rates alone.

Upper bounds and orders of magnitude for whoever plans a run; nothing measured ever rests on them. What a finished
run did is counted from its artifacts instead, and its pace takes the place of the stated rates.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.designs.disparity.plan import REPLAYED_ROWS
from harness.words.plan import Plan
from harness.words.study import Home, Profile, Shapes

TOKENS_PER_PHRASE = 32
"""Mean tokens of a phrase with its BOS, over languages: sentences are short, and Indic scripts take many pieces."""

TOKENS_PER_SHOT = 90
"""Mean tokens of one benchmark example with its question, over languages."""

OPTIONS = 4
"""Continuations that are scored per item."""

UNKNOWN_ITEMS = 6_000
"""Items of one (benchmark, language) where a profile takes all: about what the aligned subsets hold on average."""

TOKENS_PER_ROW = 128
"""Tokens of a stored row of the export."""

WITH_GRADIENTS = 2
"""A pass and its way back, in passes: the weights are frozen, so that the way back makes gradients of activations alone."""

HELD_OUT_PAIRS = 64
"""Held-out pairs that training measures at each moment, at most."""

MOMENTS = 3
"""Moments at which it does."""

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
    says: str


STATED = Rates(
    model_flops_per_second=150e12,
    translations_per_second=150.0,
    says="150 TFLOP/s of useful bfloat16 work (15 % of an H100's peak), 150 beam translations/s",
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
    """Useful operations of the language model's layers on them; 0 where it does not run."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one item of a stage reads at most."""

    texts: int
    tokens_per_text: int = 0
    """With BOS; 0 where the language model does not read them."""
    layers: float = 0.0
    """Layers that a text passes, in the mean; those that it passes with gradients count as `WITH_GRADIENTS`."""


def projection(plan: Plan, rates: Rates = STATED) -> tuple[StageProjection, ...]:
    """Every stage of a plan, in order."""
    return tuple(_projected(plan, stage.name, len(stage.items), rates) for stage in plan.stages)


def layer_parameters(shapes: Shapes) -> int:
    """About how many parameters one layer of a decoder of these shapes has: attention and a gated MLP."""
    attention = 3 * shapes.d_model**2
    mlp = 3 * OVER_WIDTH * shapes.d_model**2
    return int(attention + mlp)


def model_parameters(shapes: Shapes) -> int:
    """About how many parameters such a decoder has: its layers, and the embedding once."""
    return shapes.vocab_size * shapes.d_model + shapes.num_layers * layer_parameters(shapes)


def layers_flops(shapes: Shapes, token_layers: float) -> float:
    """Useful operations of layers; embedding and head, which few positions need, are left out.

    Args:
        shapes: Of the model.
        token_layers: Layers that each token passes, summed over tokens.
    """
    return 2 * layer_parameters(shapes) * token_layers


def accelerator_bytes(shapes: Shapes, aligned_layers: int) -> int:
    """Memory that the largest stage needs: weights in bfloat16, encoders of the aligned layers, and room to work."""
    weights = 2 * model_parameters(shapes)
    encoders = aligned_layers * 4 * shapes.d_model * shapes.d_sae
    return weights + encoders + 8 * 2**30


def _projected(plan: Plan, stage: str, items: int, rates: Rates) -> StageProjection:
    reading = dict(_readings(plan)).get(stage, Reading(texts=0))
    texts = reading.texts * items
    tokens = texts * reading.tokens_per_text
    flops = layers_flops(plan.study.shapes, tokens * reading.layers)
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


def items_at_most(plan: Plan) -> int:
    """Items of one benchmark in one language: those that the profile's sizes name, or about as many as there are."""
    return plan.profile.sizes.items_per_cell or UNKNOWN_ITEMS


def _readings(plan: Plan) -> Iterator[tuple[str, Reading]]:
    """What one item of each stage reads; phrases and estimates pass no network."""
    sizes, layers = plan.profile.sizes, plan.study.shapes.num_layers
    phrases = phrases_at_most(plan)
    cells = len(plan.study.benchmarks) * items_at_most(plan) * OPTIONS
    # With BOS and without, each row as far as its own layer.
    rows = Reading(texts=2 * REPLAYED_ROWS * layers, tokens_per_text=TOKENS_PER_ROW, layers=(layers + 1) / 2)
    yield "replay", rows
    yield "translations", Reading(texts=phrases)
    yield "translation-scores", Reading(texts=sizes.parallel_texts)
    whole = Reading(texts=phrases, tokens_per_text=TOKENS_PER_PHRASE, layers=layers)
    yield from ((stage, whole) for stage in ("activations", "activations-tuned"))
    yield "dictionary-error", replace(whole, texts=sizes.dictionary_texts)
    yield "adapters", _training(plan)
    asked = Reading(texts=cells, tokens_per_text=_tokens_per_prompt(plan), layers=layers)
    yield from ((stage, asked) for stage in ("benchmarks", "benchmarks-tuned"))


def _training(plan: Plan) -> Reading:
    """Training of one adapter; layers above the deepest one that its loss reads are never reached."""
    sizes, choice = plan.profile.sizes, plan.study.primary.alignment
    batch = sizes.alignment_batch or choice.batch_size
    pairs = choice.pairs * choice.epochs
    pairs = min(pairs, sizes.max_alignment_steps * batch if sizes.max_alignment_steps else pairs)
    held_out = MOMENTS * HELD_OUT_PAIRS
    reached, whole = max(choice.layers) + 1, plan.study.shapes.num_layers
    # Two sides with the adapter, and the English one without it; held-out pairs also as language, to the very end.
    texts = 3 * pairs + (3 + 2) * held_out
    layers = (2 * WITH_GRADIENTS + 1) * reached * pairs + (3 * reached + 2 * whole) * held_out
    return Reading(texts=texts, tokens_per_text=TOKENS_PER_PHRASE, layers=layers / texts)


def _tokens_per_prompt(plan: Plan) -> int:
    shots = [_shots(plan.profile, benchmark.shots) + 1 for benchmark in plan.study.benchmarks]
    return TOKENS_PER_SHOT * sum(shots) // max(1, len(shots))  # a study may ask no benchmark


def _shots(profile: Profile, shots: int) -> int:
    return shots if profile.sizes.max_shots is None else min(shots, profile.sizes.max_shots)


def spoken(plan: Plan, rates: Rates = STATED) -> Iterator[str]:
    """The projection for people; nothing for a world of committed folders, whose time is known in minutes."""
    if all(pin.home is Home.FOLDER for pin in plan.profile.sources.pins()):
        return
    yield f"projected, at most {phrases_at_most(plan):,} phrases, at {rates.says}:"
    stages = [stage for stage in projection(plan, rates) if stage.texts]
    for stage in stages:
        tokens = f"{stage.tokens / 1e6:,.0f} M tokens" if stage.tokens else "-"
        yield f"{stage.stage:<18} {stage.texts:>12,} texts {tokens:>16} {stage.seconds / 3600:>8.1f} h"
    yield f"{'together':<18} {'':>35} {sum(stage.seconds for stage in stages) / 3600:>8.1f} h"
