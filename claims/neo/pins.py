"""Every outside thing of MAP-Neo's world, and what is known of it.

Nobody has looked at these repositories from here. Their layout (a folder for each checkpoint, named for the tokens that it
has read; no tokenizer in it), the licence and the steps are those of the models' cards and of another project that reads
them; depth, width and vocabulary of the smallest model are that project's. The depth and width of the others follow
from their numbers of parameters, which no other round figures give. `harness doctor` says whether every file is there before anything is
spent, and `model-checks` holds every shape against the weights.
"""

from claims.bilingual import wikipedia
from harness.words.study import Home, ModelFacts, ModelPin, Pieces, Pin, Shapes, Weights

FACTS = ModelFacts(
    architecture="llama",
    attention="sdpa",
    front=("<s>",),
    pad="<unk>",
    soft_cap=None,
    pieces=Pieces.WORD_MARKS,
    document_marks=("<s>", "</s>"),
)
"""The tokenizer's configuration puts nothing in front. Here a token stands there all the same, since the first one of a
text has a stream like no other; what that costs, `model-checks` says."""

LATENTS = 32_768
"""Of every dictionary, as in the paper."""

_SIZES = {"250m": (8, 1_024, 4_096), "460m": (22, 1_024, 4_096), "980m": (12, 2_048, 8_192)}
"""Layers, width and width of the MLP of each size, smallest first: 250.8, 460.1 and 979.9 million parameters."""

HEADS = 8
"""Queries of every size; keys and values are of one head."""

SHAPES = {
    name: Shapes(
        num_layers=layers,
        d_model=width,
        d_sae=LATENTS,
        vocab_size=64_128,
        weights=Weights(heads=HEADS, kv_heads=1, head_width=width // HEADS, mlp=mlp, norms=2, is_tied=False),
    )
    for name, (layers, width, mlp) in _SIZES.items()
}

TOKENIZER = Pin(
    name="tokenizer of MAP-Neo",
    home=Home.HUB_MODEL,
    address="m-a-p/neo_7b",
    files=("tokenizer.model", "tokenizer_config.json"),
    licence="Apache-2.0",
)
"""Published with the largest model alone. The configuration names a class of the repository's own, which is not run."""

TOKENS_A_STEP = 8_388_608
"""So that folders, which hold every 2,000th step, are named for multiples of 16.78 billion."""

CHECKPOINTS = {
    "first": ("16.78B", 2_000),
    "early": ("33.55B", 4_000),
    "between": ("100.66B", 12_000),
    "mid": ("201.33B", 24_000),
    "late": ("402.65B", 48_000),
    "final": ("1002.65B", 119_525),
}
"""Folder and step that speak for each phase: of those that are known of the smallest model, in each third of the logarithm of tokens."""


def checkpoint(size: str, phase: str) -> ModelPin:
    """One checkpoint of one model; the revision of first use is recorded, and held to."""
    folder = f"hf_ckpt/{CHECKPOINTS[phase][0]}"
    return ModelPin(
        name=f"neo {size} after {CHECKPOINTS[phase][0]} tokens",
        home=Home.HUB_MODEL,
        address=f"m-a-p/neo_scalinglaw_{size.upper()}",
        files=(f"{folder}/*.json", f"{folder}/*.safetensors"),
        licence="Apache-2.0",
        facts=FACTS,
        folder=folder,
        tokenizer=TOKENIZER,
    )


WIKIPEDIA_FILES = {
    "en": tuple(f"20231101.en/train-{part:05}-of-00041.parquet" for part in range(4)),
    "zh": tuple(f"20231101.zh/train-{part:05}-of-00006.parquet" for part in range(3)),
}
"""As many as hold a window for every document that is asked for: some 150,000 and 220,000 documents are in one."""

WIKIPEDIA = wikipedia({"en": "English", "zh": "Chinese"}, WIKIPEDIA_FILES)
"""Text of the kind that the paper's code reads, in this pair of languages."""
