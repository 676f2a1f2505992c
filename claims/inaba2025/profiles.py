"""The worlds in which this study can run: the same code, other sources and sizes."""

from collections.abc import Mapping
from dataclasses import replace

from claims.inaba2025 import pins
from claims.inaba2025.study import PRIMARY, PROTOCOL
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
            model=pins.FINAL_MODELS["1.8b"],
            cells=cells,
            texts=tuple(
                CorpusText(language=code, pin=pin, files=pins.WIKIPEDIA_FILES[code])
                for code, pin in pins.WIKIPEDIA.items()
            ),
            demonstration=Demonstration(
                pin=pins.DEMONSTRATION,
                folder="docs/data",
                steps=pins.DEMONSTRATED_STEPS,
                replayed=Replayed(pin=pins.RELEASED, cell=f"1.8b-{FINAL}", layer=pins.RELEASED_LAYER),
            ),
        ),
        sizes=EmergenceSizes(
            sae_seeds=PROTOCOL.adapter_seeds[:1],
            repeated_seeds=PROTOCOL.adapter_seeds[1:],
            spliced_windows=1_024,
            integration_windows=4_096,
            check_windows=1_024,
            batch_tokens=32_768,
            dtype="bfloat16",
            threads=1,
        ),
    )


def rehearsal() -> Profile:
    """True shapes, random weights made on the spot: what a machine can do, before anything is fetched."""
    ours = paper()
    assert isinstance(ours.sources, EmergenceSources)
    assert isinstance(ours.sizes, EmergenceSizes)
    cells = tuple(replace(cell, pin=_made(cell)) for cell in ours.sources.cells)
    corpus = Pin(
        name="made corpus", home=Home.MADE, address="corpus?documents=512&sentences=40", licence="Apache-2.0"
    )
    return replace(
        ours,
        name="rehearsal",
        summary="true shapes with random weights made on this machine; throughput, and no claim",
        sources=replace(
            ours.sources,
            model=cells[3].pin,
            cells=cells,
            demonstration=None,
            # Made texts are of no language: one text stands for both.
            texts=tuple(replace(text, pin=corpus, files=("texts.jsonl",)) for text in ours.sources.texts),
        ),
        sizes=replace(
            ours.sizes,
            repeated_seeds=(),
            windows=replace(PRIMARY.windows, per_document=None, per_language=2_048),
            recipe=replace(PRIMARY.recipe, tokens=1_000_000),
        ),
    )


def _made(cell: ModelCell) -> ModelPin:
    weights = cell.shapes.weights
    assert weights is not None
    return ModelPin.of(
        Pin(
            name=f"made model {cell.size}",
            home=Home.MADE,
            address=f"llama?vocabulary={cell.shapes.vocab_size}&width={cell.shapes.d_model}&layers={cell.shapes.num_layers}"
            f"&heads={weights.heads}&kv_heads={weights.kv_heads}&head_width={weights.head_width}&mlp={weights.mlp}&tied=0",
            licence="Apache-2.0",
        ),
        replace(pins.LLM_JP, front=("<bos>",), pad="<pad>", document_marks=("<bos>", "<eos>", "<pad>")),
    )


PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (fixture(), rehearsal(), paper())}
