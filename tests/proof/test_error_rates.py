"""Every rule at its edges, two thousand times: wrong verdicts are as rare as stated. About an hour and a half of one core."""

import pytest

from tests.judge.error_rates import NO_METHOD_HOLDS, WORLDS, World, rates
from tests.judge.test_error_rates import allowed

REPETITIONS = 2_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "world",
    [
        pytest.param(world, id=name)
        for name, world in WORLDS.items()
        if not any(law in name for law in NO_METHOD_HOLDS)
    ],
)
def test_at_the_edge_a_wrong_verdict_is_as_rare_as_stated(world: World) -> None:
    assert rates(world, REPETITIONS).wrong <= allowed(REPETITIONS)
