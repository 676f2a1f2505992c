"""The worlds in which this study can run: the same code, other sources and sizes."""

from collections.abc import Mapping
from dataclasses import replace

from claims.bilingual import rehearsal, true_sizes
from claims.inaba2025 import pins
from claims.inaba2025.study import MODEL, PRIMARY, PROTOCOL, SEPTEMBER, STUDY
from harness.words.dictionaries import CorpusText
from harness.words.emergence import (
    FINAL,
    Demonstration,
    EmergenceSizes,
    EmergenceSources,
    ModelCell,
    Replayed,
)
from harness.words.study import Home, ModelPin, Pin, Profile, Shapes, Weights

MINIATURE_SIZES = {"150m": (48, 128), "440m": (64, 176)}
"""Width and width of the MLP of the two miniature models, which stand for the two smallest."""
MINIATURE_STEPS = {"initial": 0, "early": 10, "mid": 40, "late": 100, FINAL: 220}
MINIATURE_TOKENS_A_STEP = 1_024
MINIATURE_LAYERS = 6


def miniature(name: str, below: str) -> Pin:
    """A folder of the committed miniature world."""
    return Pin(
        name=f"miniature {name}",
        home=Home.FOLDER,
        address=f"fixtures/emergence/{below}",
        licence="Apache-2.0; CLDR: Unicode-3.0",
    )


def _miniature_cell(size: str, phase: str, step: int) -> ModelCell:
    width, mlp = MINIATURE_SIZES[size]
    return ModelCell(
        size=size,
        phase=phase,
        step=step,
        tokens=float(step * MINIATURE_TOKENS_A_STEP),
        pin=ModelPin.of(miniature(f"model {size} at step {step}", f"models/{size}/{phase}"), pins.LLM_JP),
        shapes=Shapes(
            num_layers=MINIATURE_LAYERS,
            d_model=width,
            d_sae=8 * width,
            vocab_size=1_024,
            weights=Weights(heads=4, kv_heads=4, head_width=width // 4, mlp=mlp, norms=2, is_tied=False),
        ),
    )


def fixture() -> Profile:
    """The miniature world: anywhere, on a CPU, without a network."""
    cells = tuple(
        _miniature_cell(size, phase, step)
        for size in MINIATURE_SIZES
        for phase, step in MINIATURE_STEPS.items()
    )
    return Profile(
        name="fixture",
        summary="two miniature models at five checkpoints, trained on CLDR phrases; says nothing about the paper",
        # Half of the run is the training of dictionaries, for which everything behind it waits.
        shards=2,
        sources=EmergenceSources(
            model=cells[-1].pin,
            cells=cells,
            texts=tuple(
                CorpusText(language=code, pin=miniature("corpus", "corpus"), files=(f"{code}.jsonl",))
                for code in ("en", "ja")
            ),
            demonstration=Demonstration(
                pin=miniature("demonstration", "demonstration"),
                folder="data",
                steps={phase: step for phase, step in MINIATURE_STEPS.items() if step},
            ),
        ),
        sizes=EmergenceSizes(
            sae_seeds=(1,),
            repeated_seeds=(2, 3),
            spliced_windows=64,
            integration_windows=200,
            check_windows=64,
            batch_tokens=4_096,
            dtype="float32",
            threads=1,
            windows=replace(PRIMARY.windows, tokens=24, per_document=None, per_language=1_250),
            recipe=replace(
                PRIMARY.recipe,
                latents=256,
                k=8,
                tokens=50_000,
                batch_tokens=512,
                buffer_tokens=48_000,
                learning_rate=3e-3,
                warmup_steps=20,
                dtype="float32",
            ),
        ),
        levels=(
            # It computes in float32 either way, and has as many latents for a multiple of its larger model's width.
            ("recipe=september", SEPTEMBER),
            ("width=by-model", (("study.primary.recipe.expansion", 4),)),
        ),
    )


def paper() -> Profile:
    """The real thing, as far as it was released: the finished models of every size."""
    cells = tuple(
        ModelCell(
            size=name,
            phase=FINAL,
            step=pins.FINAL_STEP,
            tokens=pins.FINAL_TOKENS,
            pin=pins.FINAL_MODELS[name],
            shapes=shapes,
        )
        for name, shapes in pins.SHAPES.items()
    )
    return Profile(
        name="paper",
        summary="the finished LLM-jp-3 models, and what was released of their features; earlier checkpoints were not",
        # A size of the model to a job.
        shards=5,
        sources=EmergenceSources(
            model=pins.FINAL_MODELS[MODEL],
            cells=cells,
            texts=tuple(
                CorpusText(language=code, pin=pin, files=pin.files) for code, pin in pins.WIKIPEDIA.items()
            ),
            demonstration=Demonstration(
                pin=pins.DEMONSTRATION,
                folder="docs/data",
                steps=pins.DEMONSTRATED_STEPS,
                replayed=Replayed(pin=pins.RELEASED, cell=f"{MODEL}-{FINAL}", layer=pins.RELEASED_LAYER),
            ),
        ),
        sizes=true_sizes(PROTOCOL.adapter_seeds),
    )


PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (fixture(), rehearsal(STUDY, paper(), MODEL), paper())
}
