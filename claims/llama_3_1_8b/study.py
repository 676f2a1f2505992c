"""What is asked of Llama-3.1-8B with Llama Scope 8x: the paper's questions, at the depths of its layers."""

from claims import elsewhere
from harness.words.study import Shapes, Weights

CALLED = "Llama-3.1-8B with Llama Scope 8x"

STUDY = elsewhere.study(
    "llama_3_1_8b",
    CALLED,
    Shapes(
        num_layers=32,
        d_model=4096,
        d_sae=32_768,
        vocab_size=128_256,
        weights=Weights(heads=32, kv_heads=8, head_width=128, mlp=14_336, norms=2, is_tied=False),
    ),
)

PROTOCOL = elsewhere.PROTOCOL
