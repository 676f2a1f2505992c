"""A training step against the same step as usually written: peft over the whole causal model."""

from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import Ledger
from tests.bench.measuring import least_share

STEPS, TURNS = 2, 2
"""Two steps with the same pairs: two epochs, as the paper's study has them."""

NARROW = 1_024
"""Latents of the dictionaries here: encoding is the same arithmetic on both sides, and would hide the rest."""

MOST_OF_THE_USUAL_STEP = 0.75
"""Ours skips the head, the layers above the last one read, and latents that nobody speaks for; untouched English passes once."""


def test_alignment_step_costs_less_than_the_usual_one(benchmark: BenchmarkFixture, ledger: Ledger) -> None:
    """Both take turns in one process, and the kindest turn is compared."""
    usual, ours = benchmark.pedantic(
        ledger.measured,
        args=("peft_alignment", "harness_alignment"),
        kwargs={"amount": STEPS, "repeats": TURNS, "d_sae": NARROW},
    )
    benchmark.extra_info["share_of_usual_step"] = ratio = least_share(ours, usual)
    assert ratio <= MOST_OF_THE_USUAL_STEP
