"""What is asked of Qwen3-1.7B with Qwen-Scope: the paper's questions, at the depths of its layers."""

from claims import elsewhere
from harness.words.study import Shapes, Weights

CALLED = "Qwen3-1.7B with Qwen-Scope"

STUDY = elsewhere.study(
    "qwen3_1_7b",
    CALLED,
    Shapes(
        num_layers=28,
        d_model=2048,
        d_sae=32_768,
        vocab_size=151_936,
        weights=Weights(heads=16, kv_heads=8, head_width=128, mlp=6144, norms=2, head_norms=2),
    ),
)

PROTOCOL = elsewhere.PROTOCOL
