"""What is asked of Gemma-2-9B with Gemma Scope 9B: the paper's questions, at the depths of its layers."""

from claims import elsewhere
from harness.words.study import Shapes, Weights

CALLED = "Gemma-2-9B with Gemma Scope 9B"

STUDY = elsewhere.study(
    "gemma_2_9b",
    CALLED,
    Shapes(
        num_layers=42,
        d_model=3584,
        d_sae=16_384,
        vocab_size=256_000,
        weights=Weights(heads=16, kv_heads=8, head_width=256, mlp=14_336, norms=4),
    ),
)

PROTOCOL = elsewhere.PROTOCOL
