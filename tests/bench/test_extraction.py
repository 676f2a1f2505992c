"""Extraction against full encoding, sae-lens's own road and a bare forward pass, at middle size.

The ratios do not carry over to Gemma-2-2B: here 26 full encoders cost about four times the forward pass, there
about half of it. What carries over is memory, and that extraction costs little more than the pass itself.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import Ledger
from tests.bench.measuring import least_share

PHRASES, FEW_PHRASES, TURNS = 128, 16, 5
NARROW = 1_024
"""Latents of the dictionaries where only chosen columns are read, whatever the width."""

MOST_OF_A_BARE_FORWARD = 1.15
"""Promise of the design, for extraction with tables read and written."""

LEAST_OF_FULL_ENCODING = 5.0
"""Promise of the design, in tokens per CPU second."""

MOST_OF_ITS_MEMORY = 0.6
"""Chosen columns against whole dictionaries; 0.4 seen, of which most is the libraries' own code."""


@pytest.mark.smoke
def test_extraction_costs_little_more_than_a_bare_forward(
    benchmark: BenchmarkFixture, ledger: Ledger
) -> None:
    """Both take turns in one process, and the kindest turn is compared."""
    bare, ours = benchmark.pedantic(
        ledger.measured,
        args=("bare_forward", "harness_extraction"),
        kwargs={"amount": PHRASES, "repeats": TURNS},
    )
    benchmark.extra_info["times_bare_forward"] = ratio = least_share(ours, bare)
    assert ours.done == bare.done
    assert ratio <= MOST_OF_A_BARE_FORWARD


@pytest.mark.smoke
def test_extraction_outruns_full_encoding(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Tokens per CPU second."""
    _, ours = ledger.measured("bare_forward", "harness_extraction", amount=PHRASES, repeats=TURNS)
    (full,) = benchmark.pedantic(ledger.measured, args=("full_encoding",), kwargs={"amount": FEW_PHRASES})
    benchmark.extra_info["times_full_encoding"] = ratio = ours.rate / full.rate
    assert ratio >= LEAST_OF_FULL_ENCODING


def test_extraction_outruns_the_bridge(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Tokens per CPU second."""
    _, ours = ledger.measured("bare_forward", "harness_extraction", amount=PHRASES, repeats=TURNS)
    (bridge,) = benchmark.pedantic(
        ledger.measured, args=("bridge_with_saes",), kwargs={"amount": FEW_PHRASES}
    )
    benchmark.extra_info["times_bridge"] = ratio = ours.rate / bridge.rate
    assert ratio >= LEAST_OF_FULL_ENCODING


def test_extraction_needs_less_memory_than_full_encoding(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Peak resident memory, each in its own process."""
    (ours,) = benchmark.pedantic(
        ledger.measured, args=("harness_extraction",), kwargs={"amount": FEW_PHRASES}
    )
    (full,) = ledger.measured("full_encoding", amount=FEW_PHRASES)
    benchmark.extra_info["share_of_memory"] = ratio = ours.peak_mb / full.peak_mb
    assert ratio <= MOST_OF_ITS_MEMORY


MANY_PHRASES = 2_048
MOST_OF_WHOLE_DEPTH, MOST_OF_IT_TUNED = 0.6, 0.2
"""Promises for texts that speak for one latent each, of which a third is held out."""


def test_texts_that_stop_early_cost_less(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Against all of them through the whole depth, with their panels; the ways take turns in one process."""
    whole, early, tuned = benchmark.pedantic(
        ledger.measured,
        args=("whole_depth_extraction", "early_exit_extraction", "tuned_extraction"),
        kwargs={"amount": MANY_PHRASES, "d_sae": NARROW},
    )
    shares = early.cpu_s / whole.cpu_s, tuned.cpu_s / whole.cpu_s
    benchmark.extra_info["shares_of_whole_depth"] = shares
    assert whole.done == early.done == tuned.done
    assert shares[0] <= MOST_OF_WHOLE_DEPTH
    assert shares[1] <= MOST_OF_IT_TUNED
