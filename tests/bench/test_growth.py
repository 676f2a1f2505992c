"""How extraction grows: time with the work and no faster, memory not at all."""

from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import Ledger
from tests.bench.mid_world import NUM_LAYERS

PHRASES = (32, 128, 512)
LAYERS = (7, 13, NUM_LAYERS)
NARROW = 1_024
"""Latents of the dictionaries here: only chosen columns are read, whatever the width."""

MOST_EXTRA_MB = 128
"""Memory may wander by this much: at most 4,096 rows of a table wait to be written, and the heap keeps holes.

Memory that grew with the phrases would grow sixteenfold, by some 550 MB; 84 MB were seen.
"""

LEAST_OF_THE_FIRST_RATE = 0.75
"""Tokens per CPU second of the largest work against the smallest; more texts fill batches better."""

MOST_OVER_PROPORTION = 1.35
"""Time per layer of the deep model against the shallow one; noise of a shared core included."""


def test_time_and_memory_over_phrases(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Sixteen times the phrases: the same rate, the same memory."""

    def over_phrases() -> list[float]:
        runs = [ledger.measured("harness_extraction", amount=count, d_sae=NARROW)[0] for count in PHRASES]
        benchmark.extra_info["rates"] = [run.rate for run in runs]
        benchmark.extra_info["working_mb"] = [run.working_mb for run in runs]
        assert runs[-1].rate >= LEAST_OF_THE_FIRST_RATE * runs[0].rate
        return [run.working_mb for run in runs]

    working = benchmark.pedantic(over_phrases)
    assert working[-1] - working[0] <= MOST_EXTRA_MB


def test_time_and_memory_over_layers(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Nearly four times the layers: time in proportion, the same working memory."""

    def over_layers() -> list[float]:
        runs = [
            ledger.measured("harness_extraction", amount=PHRASES[1], num_layers=depth, d_sae=NARROW)[0]
            for depth in LAYERS
        ]
        benchmark.extra_info["seconds_per_layer"] = [run.cpu_s / run.num_layers for run in runs]
        benchmark.extra_info["working_mb"] = [run.working_mb for run in runs]
        assert runs[-1].cpu_s / NUM_LAYERS <= MOST_OVER_PROPORTION * runs[0].cpu_s / LAYERS[0]
        return [run.working_mb for run in runs]

    working = benchmark.pedantic(over_layers)
    assert working[-1] - working[0] <= MOST_EXTRA_MB
