"""Every outside thing of Llama-3.1-8B's world; what it shares with the paper's stands there."""

from harness.words.study import Home, ModelFacts, ModelPin, Pieces, Pin, SAEForm, SAEInput, SAEKind

NUM_LAYERS = 32

MODEL = ModelPin(
    name="llama-3.1-8b",
    home=Home.HUB_MODEL,
    address="meta-llama/Llama-3.1-8B",
    # Below original/ the same weights stand once more, in another form.
    files=("config.json", "generation_config.json", "model*", "special_tokens_map.json", "tokenizer*"),
    licence="Llama 3.1 Community License",
    gated=True,
    facts=ModelFacts(
        architecture="llama",
        attention="sdpa",
        front=("<|begin_of_text|>",),
        # Its tokenizer names none.
        pad="<|end_of_text|>",
        soft_cap=None,
        pieces=Pieces.BYTES,
        document_marks=("<|begin_of_text|>", "<|end_of_text|>"),
    ),
)

DICTIONARY_FILES = tuple(
    f"Llama3_1-8B-Base-L{layer}R-8x/checkpoints/final.safetensors" for layer in range(NUM_LAYERS)
)

FORM = SAEForm(kind=SAEKind.LLAMA_SCOPE, reads=SAEInput.SCALED)

DICTIONARIES = Pin(
    name="llama-scope-8x",
    home=Home.HUB_MODEL,
    address="fnlp/Llama3_1-8B-Base-LXR-8x",
    files=(
        *DICTIONARY_FILES,
        *(f"Llama3_1-8B-Base-L{layer}R-8x/hyperparams.json" for layer in range(NUM_LAYERS)),
    ),
    licence="Apache-2.0",
)

PHRASE_SOURCE_IDS = tuple(f"{layer}-llamascope-res-32k" for layer in range(NUM_LAYERS))

PHRASES = Pin(
    name="neuronpedia export",
    home=Home.BUCKET,
    address="https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1/llama3.1-8b",
    files=tuple(f"{source}/{kind}/" for source in PHRASE_SOURCE_IDS for kind in ("activations", "features")),
    licence="not stated; texts from The Pile (uncopyrighted)",
)
