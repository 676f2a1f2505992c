"""What is asked of Mistral-7B: the paper's questions, at the three of its layers that have a dictionary."""

from claims import elsewhere
from harness.words.study import Shapes, Weights

CALLED = "Mistral-7B-v0.1 with SAEs at three layers"

STUDY = elsewhere.study(
    "mistral_7b",
    CALLED,
    Shapes(
        num_layers=32,
        d_model=4096,
        d_sae=65_536,
        vocab_size=32_000,
        weights=Weights(heads=32, kv_heads=8, head_width=128, mlp=14_336, norms=2, is_tied=False),
        # They were trained on the stream before layers 8, 16 and 24.
        dictionary_layers=(7, 15, 23),
    ),
)

PROTOCOL = elsewhere.PROTOCOL
