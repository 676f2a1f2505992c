"""A study small enough for one process: the tiny world's four layers, three languages, one adapter."""

from collections.abc import Mapping
from pathlib import Path

from claims.sin2025.study import BENCHMARKS
from harness.designs.design import plan
from harness.stages.stage import perform
from harness.words.plan import Item, Plan
from harness.words.study import (
    Aggregation,
    AlignedLatents,
    AlignmentChoice,
    Group,
    Language,
    PhraseChoice,
    PhraseCut,
    Pooling,
    Profile,
    Shapes,
    Sizes,
    Specification,
    Study,
    Weights,
)
from tests.worlds import World

SPECIFICATION = Specification(
    name="primary",
    phrases=PhraseChoice(min_fraction_of_maximum=0.8, cut=PhraseCut.SENTENCE, min_examples=1, max_examples=3),
    pooling=Pooling.MEAN,
    aggregation=Aggregation.RATIO_OF_MEANS,
    alignment=AlignmentChoice(
        latents=AlignedLatents.OWN,
        alpha=1.0,
        detach_english=False,
        layers=(0, 1, 2),
        rank=4,
        lora_alpha=8,
        target_modules=("q_proj", "v_proj"),
        learning_rate=1e-3,
        batch_size=8,
        epochs=1,
        pairs=100,
        weight_decay=0.01,
    ),
    gain_layer=2,
    num_beams=1,
)

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="zh", name="Chinese", group=Group.HIGH, script="CJK"),
    Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM", tuned=True),
)


def small_study(world: World) -> Study:
    """A study of the tiny world."""
    return Study(
        name="small",
        paper_id="none",
        title="A study of a random world",
        design="harness.designs.disparity.design",
        shapes=Shapes(
            num_layers=world.num_layers,
            d_model=32,
            d_sae=64,
            vocab_size=600,
            weights=Weights(heads=2, kv_heads=1, head_width=16, mlp=64, norms=4),
        ),
        languages=LANGUAGES,
        benchmarks=BENCHMARKS[:1],
        primary=SPECIFICATION,
    )


def small_profile(world: World) -> Profile:
    """The tiny world as a profile."""
    return Profile(
        name="tiny",
        summary="random weights",
        sources=world.sources,
        sizes=Sizes(
            latents_per_layer=6,
            panel_latents=4,
            held_out_fraction=1 / 3,
            similarity_texts=8,
            dictionary_texts=6,
            adapter_seeds=(1, 2),
            max_alignment_steps=2,
            alignment_batch=4,
            items_per_cell=4,
            max_shots=0,
            batch_tokens=512,
            dtype="float32",
            threads=1,
        ),
    )


def small_plan(world: World) -> Plan:
    """What a run of the small study makes."""
    return plan(small_study(world), small_profile(world), "cpu")


def make(item: Item, store: Path, made: dict[str, Path]) -> Path:
    """Make an item and everything it needs, each once, in this process and without an engine."""
    name = f"{item.stage}/{item.name}"
    if name not in made:
        inputs: Mapping[str, Path] = {role: make(need, store, made) for role, need in item.needs}
        out = store / name
        out.mkdir(parents=True)
        perform(item, inputs, out)
        made[name] = out
    return made[name]
