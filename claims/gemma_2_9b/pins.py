"""Every outside thing of Gemma-2-9B's world; what it shares with the paper's stands there."""

from harness.words.study import GEMMA_2, Home, ModelPin, Pin

CANONICAL_L0 = (
    129, 69, 67, 90, 91, 77, 93, 92, 99, 100, 113, 118, 130, 132, 67, 131, 75, 73, 71, 132, 68,
    129, 123, 120, 114, 114, 116, 118, 119, 119, 120, 114, 111, 114, 114, 120, 120, 124, 128, 131, 125, 113,
)  # fmt: skip
"""Mean active latents of the canonical 16k dictionary of layer 0, 1, ..., 41."""

MODEL = ModelPin(
    name="gemma-2-9b",
    home=Home.HUB_MODEL,
    address="google/gemma-2-9b",
    files=("*.json", "*.safetensors", "tokenizer*"),
    licence="Gemma Terms of Use",
    gated=True,
    facts=GEMMA_2,
)

DICTIONARY_FILES = tuple(
    f"layer_{layer}/width_16k/average_l0_{l0}/params.npz" for layer, l0 in enumerate(CANONICAL_L0)
)

DICTIONARIES = Pin(
    name="gemma-scope-9b-pt-res",
    home=Home.HUB_MODEL,
    address="google/gemma-scope-9b-pt-res",
    files=DICTIONARY_FILES,
    licence="CC-BY-4.0",
)

PHRASE_SOURCE_IDS = tuple(f"{layer}-gemmascope-res-16k" for layer in range(len(CANONICAL_L0)))

PHRASES = Pin(
    name="neuronpedia export",
    home=Home.BUCKET,
    address="https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1/gemma-2-9b",
    files=tuple(f"{source}/{kind}/" for source in PHRASE_SOURCE_IDS for kind in ("activations", "features")),
    licence="not stated; texts from The Pile (uncopyrighted)",
)
