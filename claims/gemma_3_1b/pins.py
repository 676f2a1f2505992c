"""Every outside thing of Gemma-3-1B's world; what it shares with the paper's stands there."""

from dataclasses import replace

from harness.words.study import GEMMA_2, Home, ModelPin, Pin, SAEForm, SAEKind

NUM_LAYERS = 26

MODEL = ModelPin(
    name="gemma-3-1b-pt",
    home=Home.HUB_MODEL,
    address="google/gemma-3-1b-pt",
    files=("*.json", "*.safetensors", "tokenizer*"),
    licence="Gemma Terms of Use",
    gated=True,
    # As the paper's model, but that nothing is capped.
    facts=replace(GEMMA_2, architecture="gemma3_text", attention="sdpa", soft_cap=None),
)

DICTIONARY_FILES = tuple(
    f"resid_post_all/layer_{layer}_width_16k_l0_big/params.safetensors" for layer in range(NUM_LAYERS)
)
"""Of the two sparsities those with 60 to 120 active latents, which the paper's have too."""

FORM = SAEForm(kind=SAEKind.GEMMA_SCOPE_2)

DICTIONARIES = Pin(
    name="gemma-scope-2-1b-pt",
    home=Home.HUB_MODEL,
    address="google/gemma-scope-2-1b-pt",
    files=DICTIONARY_FILES,
    licence="not stated; that of the first suite is CC-BY-4.0",
)
