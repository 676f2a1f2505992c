"""Two runs of the miniature world: the fixture itself, and one with other seeds that the claims take targets from."""

from collections.abc import Mapping
from dataclasses import replace

from claims.sin2025 import profiles as paper
from harness.words.study import Profile

INDEPENDENT_SEED = 19_890_725
"""Draws other latents and holds out other texts than the fixture profile does."""


def independent() -> Profile:
    """The miniature world with every seed changed; the texts to draw from stay the same."""
    fixture = paper.fixture()
    sizes = replace(
        fixture.sizes, sampling_seed=INDEPENDENT_SEED, adapter_seeds=(11, 12, 13), control_seeds=()
    )
    return replace(
        fixture,
        name="independent",
        summary="the miniature world under other seeds",
        sizes=sizes,
        known_numbers=None,
        self_check_study=None,
    )


PROFILES: Mapping[str, Profile] = {
    # The known numbers are of the languages that the paper's study tunes.
    "fixture": replace(paper.fixture(), known_numbers=None),
    "independent": independent(),
}
