"""The miniature world: the languages, benchmarks and layers of the paper, on networks small enough for any machine.

Indonesian counts as tuned here and not in the paper's study, so that one claim meets a run that lacks its numbers. Adapters are
trained as it takes to move this world: the languages rise, English falls a little, and the languages' own loss pays.
"""

from dataclasses import replace

from claims.sin2025 import profiles
from claims.sin2025 import study as paper
from harness.words.judgement import Protocol
from harness.words.study import Shapes, Weights, retrained

STUDY = replace(
    retrained(paper.STUDY, profiles.MOVING),
    name="miniature",
    paper_id="none",
    title="The miniature world, which checks the judge",
    design="harness.designs.disparity.design",
    shapes=Shapes(
        num_layers=26,
        d_model=64,
        d_sae=512,
        vocab_size=2_048,
        weights=Weights(heads=2, kv_heads=1, head_width=32, mlp=256, norms=4),
    ),
    languages=tuple(
        replace(language, tuned=language.tuned or language.code == "id") for language in paper.LANGUAGES
    ),
)

PROTOCOL = Protocol(choices=(), adapter_seeds=profiles.fixture().sizes.adapter_seeds, exclusions=())
"""Nothing is left open in a world of our own."""
