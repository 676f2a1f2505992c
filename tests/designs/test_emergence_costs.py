"""Hours and bytes of the second paper's runs, as a plan foresees them, against arithmetic that was done by hand for one H200.

By hand: 12 operations a token, width and latent of a dictionary's step, 2 a token and parameter of a pass, at 350 TFLOP/s; and 0.075 s for
the strongest of 32,768 latents at 32,768 tokens.
"""

from dataclasses import replace

import pytest

from claims.inaba2025.profiles import paper
from claims.inaba2025.study import STUDY
from claims.neo import study as neo
from claims.neo.profiles import PROFILES as NEO
from harness.designs.design import costs_of, plan
from harness.designs.emergence.availability import sources_of
from harness.designs.emergence.costs import CONTROLS, accelerator_bytes
from harness.run.forecast import Rates, projection
from harness.words.emergence import EmergenceSizes, EmergenceSources
from harness.words.plan import Plan
from harness.words.study import Profile

RATES = Rates(tflops=350, float32_tflops=350)
"""By hand there is one precision for all; in float32, in which dictionaries are read, an accelerator is slower."""

ALL = tuple(size.name for size in STUDY.sizes)
EVERY_LAYER = tuple(place / 1_000 for place in range(1_001))
WITHIN = 0.3


def world(sizes: tuple[str, ...], tokens: int) -> Profile:
    """Some finished models, each with one dictionary a layer, trained on some tokens."""
    ours = paper()
    assert isinstance(ours.sources, EmergenceSources)
    assert isinstance(ours.sizes, EmergenceSizes)
    cells = tuple(cell for cell in ours.sources.cells if cell.size in sizes)
    recipe = replace(STUDY.primary.recipe, tokens=tokens)
    return replace(
        ours,
        sources=replace(ours.sources, cells=cells, demonstration=None),
        sizes=replace(ours.sizes, repeated_seeds=(), recipe=recipe),
    )


def drawn(depths: tuple[float, ...], sizes: tuple[str, ...], tokens: int) -> Plan:
    return plan(replace(STUDY, depths=depths), world(sizes, tokens), "cpu")


@pytest.mark.parametrize(
    ("depths", "sizes", "tokens", "stages", "hours"),
    [
        pytest.param(EVERY_LAYER, ALL, 100_000_000, ("saes",), 12.0, id="100 layers of five sizes, one step"),
        pytest.param(STUDY.depths, ("150m", "440m", "1.8b"), 50_000_000, (), 1.5, id="three sizes, five layers"),
        pytest.param((0.5,), ("1.8b",), 132_000_000, (), 25 / 60, id="the first version's one dictionary"),
        pytest.param((0.5,), ("1.8b",), 132_000_000, ("examples",), 4 / 60, id="two passes over the test split"),
    ],
)  # fmt: skip
def test_hours_are_those_by_hand(
    depths: tuple[float, ...], sizes: tuple[str, ...], tokens: int, stages: tuple[str, ...], hours: float
) -> None:
    projected = projection(drawn(depths, sizes, tokens), RATES)
    seconds = sum(each.seconds for each in projected if not stages or each.stage in stages)
    assert seconds / 3600 == pytest.approx(hours, rel=WITHIN)


@pytest.mark.parametrize(
    ("size", "operations"),
    [("150m", 2.0e8), ("440m", 4.0e8), ("980m", 6.0e8), ("1.8b", 8.05e8), ("3.7b", 1.21e9)],
)
def test_operations_of_a_token_in_training_are_those_by_hand(size: str, operations: float) -> None:
    """What one more dictionary adds, less the search for its strongest latents; neither layer is deeper than the other."""
    tokens, layer = 64_000_000, STUDY.shapes.layer_parameters
    ours = world((size,), tokens)
    twice = replace(ours, sizes=replace(ours.sizes, sae_seeds=(1, 2)))  # type: ignore[type-var]
    one, two = (
        costs_of(plan(replace(STUDY, depths=(0.5,)), each, "cpu")).work["saes"].token_layers
        for each in (ours, twice)
    )
    searched = 12_224 * 32_768
    assert 2 * ((two - one) * layer / tokens - searched) == pytest.approx(operations, rel=0.01)


def test_a_dictionary_is_foreseen_without_the_passes_that_it_shares_with_others() -> None:
    """By hand 3.5 to 4.5 minutes of products and 3 to 5 of searches for 100 million tokens of the 1.8b model; what a second one adds."""
    ours = world(("1.8b",), 100_000_000)
    twice = replace(ours, sizes=replace(ours.sizes, sae_seeds=(1, 2)))  # type: ignore[type-var]
    one, two = (
        seconds_of(plan(replace(STUDY, depths=(0.5,)), each, "cpu"), "saes") for each in (ours, twice)
    )
    assert two - one == pytest.approx(8 * 60, rel=WITHIN)


def test_six_steps_of_all_layers_are_foreseen() -> None:
    """By hand 75 to 80 hours: 41 of products, 30 of searches, 6 of passes."""
    hours = 6 * seconds_of(drawn(EVERY_LAYER, ALL, 100_000_000), "saes") / 3_600
    assert hours == pytest.approx(77.5, rel=WITHIN)


def test_published_checkpoints_are_foreseen() -> None:
    """MAP-Neo: by hand 4 to 5 hours for 90 dictionaries, and 20 GB for 18 checkpoints.

    Its profile trains 18 dictionaries more, of other seeds where claims on change rest, and reads the test split three times, which that
    sum leaves out: 8 hours together.
    """
    whole = NEO["paper"]
    once = replace(whole, sizes=replace(whole.sizes, repeated_seeds=()))  # type: ignore[type-var]
    drawn_once, drawn_whole = (plan(neo.STUDY, each, "cpu") for each in (once, whole))
    assert [dictionaries(each) for each in (drawn_once, drawn_whole)] == [90, 108]
    assert seconds_of(drawn_once, "saes") / 3_600 == pytest.approx(4.5, rel=WITHIN)
    assert seconds_of(drawn_whole) / 3_600 == pytest.approx(8.0, rel=0.05)
    assert model_bytes(whole) == pytest.approx(20e9, rel=WITHIN)


def test_a_part_put_into_a_model_is_foreseen() -> None:
    """By hand 15 seconds for a million tokens of the 1.8b model, a layer and a part."""
    ours = world(("1.8b",), 50_000_000)
    (final,) = ours.sources.cells  # type: ignore[attr-defined]
    cells = (replace(final, phase=STUDY.mid, step=10_000), final)
    million = replace(ours.sizes, integration_windows=1_000_000 // STUDY.primary.windows.tokens)  # type: ignore[call-arg]
    both = replace(ours, sources=replace(ours.sources, cells=cells), sizes=million)  # type: ignore[call-arg]
    parts = (len(STUDY.classes) + CONTROLS) * len(STUDY.primary.integration)
    seconds = seconds_of(plan(replace(STUDY, depths=(0.5,)), both, "cpu"), "integration")
    assert seconds / parts == pytest.approx(15, rel=WITHIN)


def test_the_paper_profile_is_foreseen() -> None:
    """Finished models of five sizes, five layers, 132 million tokens: from the sums by hand for 100 layers and 100 million tokens.

    25 layers and ten dictionaries of other seeds, which are as wide as the mean of their layers; 14.5 GB of models.
    """
    ours = paper()
    places = dictionaries(plan(STUDY, ours, "cpu"))
    assert places == 35
    assert seconds_of(plan(STUDY, ours, "cpu"), "saes") / 3_600 == pytest.approx(
        12 * (places / 100) * (132 / 100), rel=WITHIN
    )
    assert model_bytes(ours) == pytest.approx(14.5e9, rel=0.02)


def seconds_of(drawn: Plan, stage: str = "") -> float:
    """What a plan foresees of one stage, or of all."""
    return sum(each.seconds for each in projection(drawn, RATES) if stage in {"", each.stage})


def dictionaries(drawn: Plan) -> int:
    """How many a plan trains."""
    return sum(len(item.parameters["places"]) for item in drawn.stage("saes").items)


def model_bytes(profile: Profile) -> float:
    """Of all checkpoints, in bfloat16."""
    return sum(2.0 * cell.shapes.parameters for cell in sources_of(profile).cells)


def test_bytes_are_those_by_hand() -> None:
    """Dictionaries of every layer of the five sizes, in bfloat16; and 24 of the 1.8b model in training at once."""
    every = drawn(EVERY_LAYER, ALL, 100_000_000)
    kept = costs_of(every).stored_bytes["saes"] * len(ALL)
    assert kept == pytest.approx(24.7e9, rel=0.1)
    needed = accelerator_bytes(replace(STUDY, depths=EVERY_LAYER), world(("1.8b",), 100_000_000))
    assert needed == pytest.approx(52e9 + 18.5e9 + 3.74e9, rel=WITHIN)
