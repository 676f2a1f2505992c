"""Every outside thing of the paper's world: the one place where addresses, files and known revisions stand."""

from claims.bilingual import wikipedia
from harness.words.emergence import FINAL
from harness.words.study import Home, ModelFacts, ModelPin, Pieces, Pin, Shapes, Weights

LLM_JP = ModelFacts(
    architecture="llama",
    attention="sdpa",
    front=("<s>",),
    pad="<PAD|LLM-jp>",
    soft_cap=None,
    pieces=Pieces.WORD_MARKS,
    document_marks=("<s>", "</s>"),
)
"""The card's own example switches special tokens off; the models were trained with one in front of every document."""

FINAL_STEP, FINAL_TOKENS = 988_240, 2.1e12
"""The last step as configurations name it, and the tokens that the cards state."""

LATENTS = 32_768
"""Of every dictionary, whatever the width of the model: stated for all sizes."""

_SIZES = {
    "150m": (12, 512, 8, 2_048),
    "440m": (16, 1_024, 8, 3_584),
    "980m": (20, 1_536, 8, 5_376),
    "1.8b": (24, 2_048, 16, 7_168),
    "3.7b": (28, 3_072, 24, 8_192),
}
"""Layers, width, heads and width of the MLP of each size, smallest first."""

SHAPES = {
    name: Shapes(
        num_layers=layers,
        d_model=width,
        d_sae=LATENTS,
        vocab_size=99_584,
        weights=Weights(
            heads=heads, kv_heads=heads, head_width=width // heads, mlp=mlp, norms=2, is_tied=False
        ),
    )
    for name, (layers, width, heads, mlp) in _SIZES.items()
}

REVISIONS = {
    "440m": "0bfbf24efdcc5e4c57327e9c52e8cd832637adc2",
    "1.8b": "60acda32e07c72b82ce5a73d60b21b3d65e0c810",
}
"""Known in full; of the others, that of first use is recorded and held to."""

FINAL_MODELS = {
    name: ModelPin(
        name=f"llm-jp-3-{name}",
        home=Home.HUB_MODEL,
        address=f"llm-jp/llm-jp-3-{name}",
        revision=REVISIONS.get(name),
        files=("*.json", "*.safetensors", "tokenizer*"),
        licence="Apache-2.0",
        facts=LLM_JP,
    )
    for name in SHAPES
}
"""The finished models. No checkpoint of an earlier step was found on the hub: the authors' own were never released."""

RELEASED_LAYER = 11
"""Of the released dictionaries, counted from 0; their names count it as layer 12."""

RELEASED = Pin(
    name="released dictionary of llm-jp-3-1.8b",
    home=Home.HUB_MODEL,
    address=f"llm-jp/llm-jp-3-1.8b-sae-l12-k32-16x-c{FINAL_STEP}",
    files=("*.safetensors", "*.pth", "*.pt", "*.bin"),
    licence="Apache-2.0",
)
"""That of the finished model, in a file whose name nobody has seen: it is known by the arrays that it holds. Those of five earlier
checkpoints were released as well, and the checkpoints were not."""

DEMONSTRATED_STEPS = {"early": 100, "mid": 10_000, "late": 100_000, FINAL: FINAL_STEP}
"""The step of the demonstration that speaks for each phase, of thirds of the logarithm of tokens that end at 1.0 and 45 billion."""

DEMONSTRATION = Pin(
    name="demonstration of features",
    home=Home.CODE,
    address="https://github.com/llm-jp/llm-jp-sae",
    revision="d9eb8c67ba53af508b5e646e4549becb60350343",
    files=tuple(f"docs/data/{step}/*.json" for step in DEMONSTRATED_STEPS.values()),
    licence="none named; text of Wikipedia: CC-BY-SA-3.0",
)
"""A hundred features a step, with examples and the authors' labels: read where it lies, and handed on by nobody."""

WIKIPEDIA_FILES = {
    "en": ("20231101.en/train-00000-of-00041.parquet",),
    "ja": ("20231101.ja/train-00000-of-00015.parquet",),
}
"""The first file of each language. The names were not looked up: `harness doctor` says whether they are there before anything is spent."""

WIKIPEDIA = wikipedia({"en": "English", "ja": "Japanese"}, WIKIPEDIA_FILES)
"""Stands in for the authors' own text, of which no revision is known: Wikipedia of both languages, as their corpus has it."""
