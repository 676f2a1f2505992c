"""What is asked of Gemma-3-1B with Gemma Scope 2: the paper's questions, at the depths of its layers."""

from claims import elsewhere
from harness.words.study import Shapes, Weights

CALLED = "Gemma-3-1B with Gemma Scope 2"

STUDY = elsewhere.study(
    "gemma_3_1b",
    CALLED,
    Shapes(
        num_layers=26,
        d_model=1152,
        d_sae=16_384,
        vocab_size=262_144,
        weights=Weights(heads=4, kv_heads=1, head_width=256, mlp=6912, norms=4, head_norms=2),
    ),
)

PROTOCOL = elsewhere.PROTOCOL
