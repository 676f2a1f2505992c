"""Every outside thing of Qwen3-1.7B's world; what it shares with the paper's stands there."""

from harness.words.study import Home, ModelFacts, ModelPin, Pieces, Pin, SAEForm, SAEKind

NUM_LAYERS = 28

MODEL = ModelPin(
    name="qwen3-1.7b-base",
    home=Home.HUB_MODEL,
    address="Qwen/Qwen3-1.7B-Base",
    files=("*.json", "model*.safetensors"),
    licence="Apache-2.0",
    facts=ModelFacts(
        architecture="qwen3",
        attention="sdpa",
        # Its tokenizer puts nothing there, and whatever comes first becomes a sink of attention, many times as long as the rest:
        # what ends its documents stands in front, so that the sink is no token of a text.
        front=("<|endoftext|>",),
        pad="<|endoftext|>",
        soft_cap=None,
        pieces=Pieces.BYTES,
        document_marks=("<|endoftext|>",),
    ),
)

DICTIONARY_FILES = tuple(f"layer{layer}.sae.pt" for layer in range(NUM_LAYERS))

FORM = SAEForm(kind=SAEKind.QWEN_SCOPE, k=50)

DICTIONARIES = Pin(
    name="qwen-scope-1.7b-w32k-l50",
    home=Home.HUB_MODEL,
    address="Qwen/SAE-Res-Qwen3-1.7B-Base-W32K-L0_50",
    files=DICTIONARY_FILES,
    licence="other (called qwen)",
)
