"""Every outside thing of Mistral-7B's world; what it shares with the paper's stands there."""

from harness.words.study import Home, ModelFacts, ModelPin, Pieces, Pin, SAEForm, SAEInput, SAEKind

BEFORE = (8, 16, 24)
"""The layers before which the dictionaries read the stream, and for which they are named."""

MODEL = ModelPin(
    name="mistral-7b-v0.1",
    home=Home.HUB_MODEL,
    address="mistralai/Mistral-7B-v0.1",
    # The same weights stand once more, in another form.
    files=("config.json", "generation_config.json", "model*", "special_tokens_map.json", "tokenizer*"),
    licence="Apache-2.0",
    facts=ModelFacts(
        architecture="mistral",
        attention="sdpa",
        front=("<s>",),
        # Its tokenizer names none.
        pad="</s>",
        soft_cap=None,
        pieces=Pieces.WORD_MARKS,
        document_marks=("<s>", "</s>"),
    ),
)

DICTIONARY_FILES = tuple(f"mistral_7b_layer_{layer}/sae_weights.safetensors" for layer in BEFORE)

FORM = SAEForm(kind=SAEKind.SAE_LENS, reads=SAEInput.LENGTH, is_before=True)
"""What stands beside them does not say that each token's stream is brought to one length; sae-lens's registry does."""

DICTIONARIES = Pin(
    name="mistral-7b-res-wg",
    home=Home.HUB_MODEL,
    address="JoshEngels/Mistral-7B-Residual-Stream-SAEs",
    files=(*DICTIONARY_FILES, *(f"mistral_7b_layer_{layer}/cfg.json" for layer in BEFORE)),
    licence="MIT",
)
