"""Training of a TopK SAE against a bare torch loop of the same steps."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import Ledger
from tests.bench.measuring import least_share

STEPS, TURNS = 200, 8

MOST_OF_A_BARE_LOOP = 1.2
"""Promise of the second study, where most of a run's time is training; 1.0 seen."""


@pytest.mark.smoke
def test_training_costs_little_more_than_a_bare_loop(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Both take turns in one process, and the kindest turn is compared."""
    bare, ours = benchmark.pedantic(
        ledger.measured,
        args=("bare_topk_training", "harness_topk_training"),
        kwargs={"amount": STEPS, "repeats": TURNS},
    )
    benchmark.extra_info["times_bare_loop"] = ratio = least_share(ours, bare)
    assert ours.done == bare.done == STEPS
    assert ratio <= MOST_OF_A_BARE_LOOP
