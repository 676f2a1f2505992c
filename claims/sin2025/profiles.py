"""The worlds in which this study can run: the same code, other sources and sizes."""

from collections.abc import Mapping
from dataclasses import replace

from claims.sin2025 import pins
from claims.sin2025.study import PRIMARY, PROTOCOL
from harness.words.study import (
    GEMMA_2,
    Home,
    ModelPin,
    Parallel,
    Pin,
    Profile,
    Sizes,
    Sources,
    Translator,
)

FIXTURES = "fixtures"
MINIATURE = "gemma-2-2b-miniature"
MINIATURE_L0 = (15, 15, 15, 15, 14, 14, 14, 14, 14, 14, 14, 13, 13, 14, 14, 13, 13, 13, 12, 13, 12, 12, 12, 12, 11, 11)  # fmt: skip
"""Mean active latents of the miniature dictionary of layer 0, 1, ..., 25, as measured when it was made."""


def miniature(name: str, below: str) -> Pin:
    """A folder of the committed miniature world."""
    return Pin(
        name=f"miniature {name}",
        home=Home.FOLDER,
        address=f"{FIXTURES}/{below}",
        licence="Apache-2.0; CLDR: Unicode-3.0",
    )


MOVING = replace(PRIMARY.alignment, learning_rate=1e-2, straight_through=True)
"""How adapters of the miniature world are trained: a dozen steps of the study's own choice move nothing in it.

Most own latents are silent in a low-resource language there, and have no gradient unless it passes straight through.
"""


def fixture() -> Profile:
    """The miniature world: anywhere, on a CPU, without a network."""
    return Profile(
        name="fixture",
        summary="a miniature world, trained on CLDR phrases; says nothing about the paper",
        sources=Sources(
            model=ModelPin.of(miniature("model", "model"), GEMMA_2),
            dictionaries=miniature("dictionaries", "saes"),
            dictionary_files=tuple(
                f"layer_{layer}/width_512/average_l0_{l0}/params.npz" for layer, l0 in enumerate(MINIATURE_L0)
            ),
            phrases=miniature("export", f"neuronpedia/v1/{MINIATURE}"),
            phrase_source_ids=tuple(f"{layer}-miniature-res-512" for layer in range(26)),
            translators={
                code: Translator(
                    pin=miniature(f"translator en-{code}", f"translators/opus-mt-en-{code}"),
                    target_token=pins.CHINESE_TAG if code == "zh" else None,
                )
                for code in pins.TRANSLATORS
            },
            benchmarks={name: miniature(name, f"okapi/{name}") for name in pins.BENCHMARKS},
            parallel=Parallel(
                pin=miniature("parallel text", "parallel"),
                split="devtest",
                configs={code: code for code in pins.FLORES_CONFIGS},
            ),
        ),
        sizes=Sizes(
            latents_per_layer=80,
            panel_latents=64,
            held_out_fraction=1 / 3,
            similarity_texts=128,
            dictionary_texts=48,
            adapter_seeds=(1, 2, 3),
            control_seeds=(1,),
            # One alpha, and an early and a deep layer alone, in one language: what they say is the paper's to ask.
            ablations=("alpha=10", "layers=6", "layers=25"),
            ablated_languages=("ml",),
            max_alignment_steps=12,
            alignment_batch=8,
            items_per_cell=20,
            max_shots=1,
            parallel_texts=48,
            batch_tokens=1_024,
            dtype="float32",
            threads=1,
        ),
        known_numbers=miniature("known numbers", "known_numbers"),
        self_check_study="miniature",
        alignment=MOVING,
    )


def paper() -> Profile:
    """The real thing: needs a GPU, a network and access to the gated model."""
    return Profile(
        name="paper",
        summary="Gemma-2-2B and Gemma Scope, by pinned revision",
        # A handful of trainings, or of cells of benchmarks, to a job.
        shards=6,
        sources=Sources(
            model=pins.MODEL,
            dictionaries=pins.DICTIONARIES,
            dictionary_files=pins.DICTIONARY_FILES,
            phrases=pins.PHRASES,
            phrase_source_ids=pins.PHRASE_SOURCE_IDS,
            phrase_service=pins.PHRASE_SERVICE,
            translators={
                code: Translator(pin=pin, target_token=pins.CHINESE_TAG if code == "zh" else None)
                for code, pin in pins.TRANSLATORS.items()
            },
            benchmarks=pins.BENCHMARKS,
            parallel=Parallel(pin=pins.FLORES, split="devtest", configs=pins.FLORES_CONFIGS),
        ),
        sizes=Sizes(
            # What the pre-flight asks for, with two phrases of each: 1,531 at layer 6, 2,391 at layer 25, 2,488 for a maximum
            # over all layers.
            latents_per_layer=2_500,
            # Two of ten phrases tell nearly as much about a latent, and many latents more than many phrases of few.
            phrases_per_latent=2,
            panel_latents=64,
            held_out_fraction=1 / 3,
            similarity_texts=512,
            dictionary_texts=512,
            adapter_seeds=PROTOCOL.adapter_seeds,
            control_seeds=PROTOCOL.adapter_seeds[:1],
            # What claims ask of the method: does alpha matter, and do early layers?
            ablations=("alpha=0", "alpha=0.1", "alpha=10", "layers=6", "layers=25"),
            max_alignment_steps=None,
            alignment_batch=None,
            items_per_cell=None,
            max_shots=None,
            parallel_texts=256,
            batch_tokens=8_192,
            dtype="bfloat16",
            # The accelerator does the work; more threads on the host would only make its sums depend on the machine.
            threads=1,
        ),
    )


def paper_full() -> Profile:
    """The real thing on the full benchmark sets: the second choice, as the authors' own runs took both."""
    ours = paper()
    return replace(
        ours,
        name="paper-full",
        summary="the paper's world, on the full benchmark sets",
        sources=replace(ours.sources, benchmarks=pins.FULL_BENCHMARKS),
    )


def paper_authors() -> Profile:
    """The real thing, with the authors' own tuned models measured beside the adapters that are trained here."""
    ours = paper()
    return replace(
        ours,
        name="paper-authors",
        summary="the paper's world, and the tuned models that the authors published",
        sources=replace(ours.sources, published_models=pins.PUBLISHED_MODELS),
    )


def made(name: str, recipe: str) -> Pin:
    """Something drawn at random on this machine."""
    return Pin(name=f"made {name}", home=Home.MADE, address=recipe, licence="Apache-2.0")


def rehearsal() -> Profile:
    """True shapes, random weights made on the spot: what a machine can do, before anything is fetched."""
    ours = paper()
    marian = "translator?vocabulary=62000&width=512&layers=6&heads=8&mlp=2048"
    return replace(
        ours,
        name="rehearsal",
        summary="true shapes with random weights made on this machine; throughput, and no claim",
        sources=Sources(
            model=ModelPin.of(
                made(
                    "model",
                    "model?vocabulary=256000&width=2304&layers=26&heads=8&kv_heads=4&head_width=256&mlp=9216",
                ),
                GEMMA_2,
            ),
            dictionaries=made("dictionaries", "dictionaries?width=2304&latents=16384&layers=26"),
            dictionary_files=tuple(f"layer_{layer}/params.npz" for layer in range(26)),
            phrases=made("export", "export?layers=26&latents=66&tokens=64"),
            phrase_source_ids=tuple(str(layer) for layer in range(26)),
            translators=dict.fromkeys(
                pins.TRANSLATORS,
                Translator(
                    pin=made("translator", marian), named_otherwise="random weights speak no language"
                ),
            ),
            benchmarks=dict.fromkeys(pins.BENCHMARKS, made("items", "items?items=12")),
        ),
        sizes=replace(
            ours.sizes,
            latents_per_layer=64,
            adapter_seeds=(1,),
            control_seeds=(1,),
            ablations=(),
            max_alignment_steps=20,
            items_per_cell=8,
        ),
    )


PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (fixture(), rehearsal(), paper(), paper_full(), paper_authors())
}
