"""Every outside thing of the paper's world: the one place where addresses, files and known revisions stand."""

from harness.words.study import GEMMA_2, Home, ModelPin, Pin, PublishedModel

CANONICAL_L0 = (
    105, 102, 141, 59, 124, 68, 70, 69, 71, 73, 77, 80, 82,
    84, 84, 78, 78, 77, 74, 73, 71, 70, 72, 75, 73, 116,
)  # fmt: skip
"""Mean active latents of the canonical 16k dictionary of layer 0, 1, ..., 25: the one nearest to 100 each."""

MODEL = ModelPin(
    name="gemma-2-2b",
    home=Home.HUB_MODEL,
    address="google/gemma-2-2b",
    files=("*.json", "*.safetensors", "tokenizer*"),
    licence="Gemma Terms of Use",
    gated=True,
    facts=GEMMA_2,
)

DICTIONARY_FILES = tuple(
    f"layer_{layer}/width_16k/average_l0_{l0}/params.npz" for layer, l0 in enumerate(CANONICAL_L0)
)

DICTIONARIES = Pin(
    name="gemma-scope-2b-pt-res",
    home=Home.HUB_MODEL,
    address="google/gemma-scope-2b-pt-res",
    files=DICTIONARY_FILES,
    licence="CC-BY-4.0",
)

PHRASE_SOURCE_IDS = tuple(f"{layer}-gemmascope-res-16k" for layer in range(26))

PHRASES = Pin(
    name="neuronpedia export",
    home=Home.BUCKET,
    address="https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1/gemma-2-2b",
    files=tuple(f"{source}/{kind}/" for source in PHRASE_SOURCE_IDS for kind in ("activations", "features")),
    licence="not stated; texts from The Pile (uncopyrighted)",
)

PHRASE_SERVICE = Pin(
    name="neuronpedia service",
    home=Home.SERVICE,
    address="https://www.neuronpedia.org/api/feature/gemma-2-2b",
    licence="not stated",
)
"""Tells single latents; for spot checks of the export, since it allows some thousand questions an hour."""

TRANSLATORS = {
    code: Pin(
        name=f"opus-mt-en-{code}",
        home=Home.HUB_MODEL,
        address=f"Helsinki-NLP/opus-mt-en-{code}",
        files=("*.json", "*.spm", "pytorch_model.bin", "*.safetensors"),
        licence="Apache-2.0",
    )
    for code in ("zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi")
}

CHINESE_TAG = ">>cmn_Hans<<"
"""The Chinese translator serves many targets; without a token it picks one by itself."""

FLORES_CONFIGS = {
    "en": "eng_Latn", "zh": "cmn_Hans", "ru": "rus_Cyrl", "es": "spa_Latn", "it": "ita_Latn",
    "id": "ind_Latn", "ca": "cat_Latn", "mr": "mar_Deva", "ml": "mal_Mlym", "hi": "hin_Deva",
}  # fmt: skip

FLORES = Pin(
    name="flores_plus",
    home=Home.HUB_DATASET,
    address="openlanguagedata/flores_plus",
    files=tuple(f"*{config}*" for config in FLORES_CONFIGS.values()),
    licence="CC-BY-SA-4.0",
    gated=True,
    is_optional=True,
)
"""Human translations of one text into all ten languages: what the translators are scored on."""

FULL_BENCHMARKS = {
    "m_arc": Pin(
        name="m_arc, full set",
        home=Home.HUB_DATASET,
        address="alexandrainst/m_arc",
        revision="69b0991ee606079105c4f9e271bcc1fef0014e03",
        licence="CC-BY-NC-4.0",
    ),
    "m_hellaswag": Pin(
        name="m_hellaswag, full set",
        home=Home.HUB_DATASET,
        address="alexandrainst/m_hellaswag",
        revision="9d31dc982bd6285e081e3e3136332a38b9c1d7b7",
        licence="CC-BY-NC-4.0",
    ),
    "m_mmlu": Pin(
        name="m_mmlu, full set",
        home=Home.HUB_DATASET,
        address="alexandrainst/m_mmlu",
        licence="CC-BY-NC-4.0",
    ),
}
"""The sets that the aligned subsets were cut from; their items differ by language, and so do their numbers."""

PUBLISHED_MODELS = tuple(
    PublishedModel(
        name=name,
        language="ml",
        pin=Pin(
            name=f"the authors' tuned model {name}",
            home=Home.HUB_MODEL,
            address=f"richmondsin/finetuned-gemma-2-2b-output-layer-20-{name}",
            files=("adapter_config.json", "adapter_model.safetensors", "model*.safetensors"),
            licence="not stated",
        ),
    )
    for name in ("4k-0", "16k-4", "4k-7", "4k-3")
)
"""What the first author published; nobody has seen whether they are adapters or whole weights, or how they were trained."""

BENCHMARKS = {
    "m_arc": Pin(
        name="m_arc, aligned subset",
        home=Home.HUB_DATASET,
        address="richmondsin/m_arc",
        licence="CC-BY-NC-4.0",
    ),
    "m_hellaswag": Pin(
        name="m_hellaswag, aligned subset",
        home=Home.HUB_DATASET,
        address="richmondsin/m_hellaswag",
        revision="8d9642f16ae3031f7eddc3e3531b6ae58686d81a",
        licence="CC-BY-NC-4.0",
    ),
    "m_mmlu": Pin(
        name="m_mmlu, aligned subset",
        home=Home.HUB_DATASET,
        address="richmondsin/m_mmlu",
        licence="CC-BY-NC-4.0",
    ),
}
