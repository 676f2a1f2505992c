"""What each stage of this design reads at most, and about what it stores, from sizes and stated figures alone.

Nothing measured ever rests on them.
"""

from collections.abc import Iterator
from dataclasses import replace

from harness.designs.costs import WITH_GRADIENTS, Costs, Reading
from harness.designs.disparity.plan import REPLAYED_ROWS, most_phrases, num_shards
from harness.stages.evaluation_tasks import FAMILIES
from harness.words.plan import Plan
from harness.words.study import Profile

TOKENS_PER_PHRASE = 32
"""Mean tokens of a phrase with its BOS, over languages: sentences are short, and Indic scripts take many pieces."""

TOKENS_PER_SHOT = 90
"""Mean tokens of one benchmark example with its question, over languages."""

TOKENS_PER_OPTION = 30
"""Mean tokens of an answer that is spelled out, over languages; where letters are asked for, none is read."""

OPTIONS = 4
"""Continuations that are scored per item."""

UNKNOWN_ITEMS = 6_000
"""Items of one (benchmark, language) where a profile takes all: about what the aligned subsets hold on average."""

TOKENS_PER_ROW = 128
"""Tokens of a stored row of the export."""

HELD_OUT_PAIRS = 64
"""Held-out pairs that training measures at each moment, at most."""

MOMENTS = 3
"""Moments at which it does."""

SHARE_OF_DISTINCT = 0.9
"""Phrases that are left when those that speak for several latents are counted once."""

FLOAT_BYTES = 4

BYTES_PER_TEXT = 150
"""A stored text, its ids and flags, packed."""

BYTES_PER_ANSWER = 150
"""A stored answer with its digests, packed."""

ACTIVE_SHARE = 0.15
"""Share of texts on which a latent of the panel is active at all: what some 80 active latents of 16,384 a token make of 32 tokens."""

BYTES_PER_ACTIVE = 10
"""Mean, maximum and active share of one such latent, packed; 9.4 in the miniature world, where 42 % are active."""


def costs(plan: Plan) -> Costs:
    """What every stage of a plan reads at most."""
    return Costs(
        phrases=phrases_at_most(plan), items_per_cell=items_at_most(plan), readings=dict(_readings(plan))
    )


def phrases_at_most(plan: Plan) -> int:
    """Distinct phrases that a profile's sizes allow; an export may hold fewer."""
    return int(SHARE_OF_DISTINCT * most_phrases(plan.study, plan.profile))


def items_at_most(plan: Plan) -> int:
    """Items of one benchmark in one language: those that the profile's sizes name, or about as many as there are."""
    return plan.profile.sizes.items_per_cell or UNKNOWN_ITEMS


def _readings(plan: Plan) -> Iterator[tuple[str, Reading]]:
    """What one item of each stage reads, and about what it leaves."""
    sizes, shapes = plan.profile.sizes, plan.study.shapes
    phrases, layers = phrases_at_most(plan), shapes.num_layers
    answers = len(plan.study.benchmarks) * items_at_most(plan)
    panel = int(phrases * layers * sizes.panel_latents * ACTIVE_SHARE * BYTES_PER_ACTIVE)
    # Most values of a latent's own tokens are zero: about a byte each, packed.
    tokens = int(phrases / SHARE_OF_DISTINCT) * TOKENS_PER_PHRASE
    residuals = sizes.similarity_texts * layers * shapes.d_model * FLOAT_BYTES
    texts = phrases * BYTES_PER_TEXT
    # With BOS and without, each row as far as its own layer.
    rows = Reading(texts=2 * REPLAYED_ROWS * layers, tokens_per_text=TOKENS_PER_ROW, layers=(layers + 1) / 2)
    yield "replay", rows
    shard = phrases // num_shards(plan.study, plan.profile)
    yield "phrases", Reading(texts=0, stored_bytes=texts)
    yield "translation-shards", Reading(texts=shard, is_translated=True, stored_bytes=shard * BYTES_PER_TEXT)
    yield "translations", Reading(texts=0, stored_bytes=texts)
    yield "translation-scores", Reading(texts=sizes.parallel_texts, is_translated=True)
    whole = Reading(texts=phrases, tokens_per_text=TOKENS_PER_PHRASE, layers=layers)
    yield "activations", replace(whole, stored_bytes=panel + tokens + residuals)
    yield "activations-tuned", replace(whole, stored_bytes=panel + tokens)
    yield "dictionary-error", replace(whole, texts=sizes.dictionary_texts)
    yield "adapters", _training(plan)
    asked = replace(_asked(plan), layers=layers, stored_bytes=answers * BYTES_PER_ANSWER)
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
    # Two factors of each target, in float32.
    weights = 2 * choice.rank * plan.study.shapes.d_model * len(choice.target_modules) * len(choice.layers)
    return Reading(
        texts=texts,
        tokens_per_text=TOKENS_PER_PHRASE,
        layers=layers / texts,
        stored_bytes=weights * FLOAT_BYTES,
    )


def _asked(plan: Plan) -> Reading:
    """Every prompt once, with its options behind it; examples that all questions share once for all of them."""
    items, tokens = items_at_most(plan), 0
    for benchmark in plan.study.benchmarks:
        family, examples = (
            FAMILIES[benchmark.template],
            TOKENS_PER_SHOT * _shots(plan.profile, benchmark.shots),
        )
        tokens += examples * (1 if family.shares_examples else items)
        tokens += items * (TOKENS_PER_SHOT + (0 if family.asks_letters else OPTIONS * TOKENS_PER_OPTION))
    prompts = items * len(plan.study.benchmarks)
    return Reading(texts=prompts, tokens_per_text=tokens // max(1, prompts))  # a study may ask no benchmark


def _shots(profile: Profile, shots: int) -> int:
    return shots if profile.sizes.max_shots is None else min(shots, profile.sizes.max_shots)
