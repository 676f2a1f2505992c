"""Benchmarks against lm-eval's own wrapper, which reads a prompt once for every option."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import Ledger
from tests.bench.measuring import least_share

ITEMS, TURNS = 16, 2
NARROW = 1_024
"""Latents of the dictionaries here, which nobody reads."""

MOST_OF_STOCK = 0.4
"""Promise for items of four options behind ten examples."""


@pytest.mark.smoke
def test_benchmarks_cost_less_than_those_of_stock_lm_eval(
    benchmark: BenchmarkFixture, ledger: Ledger
) -> None:
    """Both take turns in one process, and the kindest turn is compared."""
    stock, ours = benchmark.pedantic(
        ledger.measured,
        args=("stock_benchmarks", "harness_benchmarks"),
        kwargs={"amount": ITEMS, "repeats": TURNS, "d_sae": NARROW},
    )
    benchmark.extra_info["share_of_stock"] = ratio = least_share(ours, stock)
    assert ours.done == stock.done == ITEMS
    assert ratio <= MOST_OF_STOCK
