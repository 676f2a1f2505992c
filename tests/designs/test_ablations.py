"""Adapters that were trained otherwise: gains, retention and their differences by pencil, and what a plan makes of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.designs.design import plan
from harness.designs.disparity.ablations import ablation_estimates, broken_ablations
from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.published_scores import published_scores, silent_models
from harness.designs.disparity.quantities import estimands
from harness.designs.disparity.tuning import gains, retentions, silent_gains, silent_retentions
from harness.judge.validate import load_claims
from harness.sources.studies import load_profile, load_study
from harness.statistics.measured import Measured
from harness.store.tables import write_table
from harness.words.estimate import Formula
from harness.words.plan import Ablation, Item
from harness.words.records import AdapterFailure
from harness.words.study import AlignmentChoice
from tests.designs.test_estimates import BASE, Pairs, inputs, run_of, token_rows, write_tokens

__all__ = ["inputs"]

SEEN = 1000.0
"""What the text that adapters saw in training is after tuning; it must reach nothing."""

AFTER: Mapping[tuple[str, str], Pairs] = {
    ("alpha=10", "ml"): {(0, 1): (SEEN, 5), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0.75), (1, 9): (SEEN, 2)},
    ("alpha=10", "en"): {(0, 1): (SEEN, 6), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0.75), (1, 9): (SEEN, 4)},
    ("layers=0", "ml"): {(0, 1): (SEEN, 5), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0.75), (1, 9): (SEEN, 2)},
    ("layers=0", "en"): {(0, 1): (SEEN, 8), (0, 2): (SEEN, 4), (0, 3): (SEEN, 1), (1, 9): (SEEN, 4)},
    ("layers=1", "ml"): {(0, 1): (SEEN, 4), (0, 2): (SEEN, 3), (0, 3): (SEEN, 0), (1, 9): (SEEN, 1.5)},
    ("layers=1", "en"): {(0, 1): (SEEN, 8), (0, 2): (SEEN, 4), (0, 3): (SEEN, 1), (1, 9): (SEEN, 4)},
}
"""Before, Malayalam is 4, 3, 0 at layer 0 and 1 at layer 1, English 8, 4, 1; the primary adapter of seed 1 leaves 6, 3, 1.5 and
8, 4, 1."""


def ablation(base: BaseRun, specification: str) -> Ablation:
    primary = base.specification.alignment
    changes: Mapping[str, AlignmentChoice] = {
        "alpha=10": replace(primary, alpha=10.0),
        "layers=0": replace(primary, layers=(0,)),
        "layers=1": replace(primary, layers=(1,)),
    }
    read_out = (0,) if specification == "alpha=10" else (0, 1)
    return Ablation(
        specification=specification, choice=changes[specification], language="ml", seed=1, read_out=read_out
    )


@pytest.fixture
def ablated(inputs: dict[str, Path], tmp_path: Path) -> BaseRun:
    base = run_of(inputs)
    for number, ((name, code), values) in enumerate(AFTER.items()):
        write_tokens(tmp_path / f"ablated-{number}", token_rows(values))
        inputs[f"activations-tuned/ml/{name}/seed-1/{code}"] = tmp_path / f"ablated-{number}"
        inputs[f"adapters/ml/{name}/seed-1"] = tmp_path / f"adapter-of-{name}"
        (tmp_path / f"adapter-of-{name}").mkdir(exist_ok=True)
    return replace(
        base, ablations=tuple(ablation(base, name) for name in ("layers=1", "alpha=10", "layers=0"))
    )


def by_id(base: BaseRun) -> dict[str, Measured]:
    return {part.estimate.estimate_id: part for part in ablation_estimates(base)}


@pytest.mark.parametrize(
    ("estimate_id", "value"),
    [
        pytest.param(
            "gain-ablated/layer=0/lang=ml/primary/primary", 50.0, id="primary, seed 1 alone: 10.5/7"
        ),
        pytest.param("gain-ablated/layer=0/lang=ml/primary/alpha=10", 25.0, id="ten times alpha: 8.75/7"),
        pytest.param("retention-ablated/layer=0/lang=ml/activation/primary", 100.0, id="13/13"),
        pytest.param("retention-ablated/layer=0/lang=ml/activation/alpha=10", 75.0, id="9.75/13"),
        pytest.param(
            "retention-difference/layer=0/lang=ml/activation/alpha=10-minus-primary", -25.0, id="75 less 100"
        ),
        pytest.param("gain-ablated/layer=1/lang=ml/primary/layers=0", 100.0, id="one layer, read below: 2/1"),
        pytest.param(
            "gain-ablated/layer=1/lang=ml/primary/layers=1", 50.0, id="one layer, read at itself: 1.5/1"
        ),
        pytest.param(
            "gain-difference/layer=0/lang=ml/primary/layers=0-minus-layers=1",
            25.0,
            id="early against deep, above",
        ),
        pytest.param(
            "gain-difference/layer=1/lang=ml/primary/layers=0-minus-layers=1",
            50.0,
            id="early against deep, below",
        ),
        pytest.param(
            "gain-difference/layer=0/lang=ml/primary/layers=0-minus-primary",
            -25.0,
            id="one layer against all",
        ),
    ],
)
def test_ablations_by_pencil(ablated: BaseRun, estimate_id: str, value: float) -> None:
    assert by_id(ablated)[estimate_id].estimate.value == pytest.approx(value)


def test_a_difference_rests_on_what_every_latent_differs_by(ablated: BaseRun) -> None:
    found = by_id(ablated)["retention-difference/layer=0/lang=ml/activation/alpha=10-minus-primary"]
    assert [(row.seed, row.unit, row.observed, row.reference) for row in found.units] == [
        (1, "1", -2.0, 8.0),
        (1, "2", -1.0, 4.0),
        (1, "3", -0.25, 1.0),
    ]
    assert [(row.unit, row.observed, row.reference) for row in found.phrases] == [
        (row.unit, row.observed, row.reference) for row in found.units
    ]
    assert found.estimate.formula == Formula.RATIO_DIFFERENCE


def test_no_two_ablations_that_differ_in_two_things_are_held_against_each_other(ablated: BaseRun) -> None:
    names = {part.estimate.specification for part in by_id(ablated).values()}
    assert {name for name in names if "-minus-" in name} == {
        "alpha=10-minus-primary",
        "layers=0-minus-layers=1",
        "layers=0-minus-primary",
        "layers=1-minus-primary",
    }


def test_an_ablation_that_was_never_trained_is_named_and_spoils_no_other(ablated: BaseRun) -> None:
    failure = AdapterFailure(language="ml", seed=1, step=3, what="loss", value=np.inf)
    write_table(ablated.inputs["adapters/ml/alpha=10/seed-1"], AdapterFailure, [failure])
    assert ablated.failures == ()
    assert "gain-ablated/layer=0/lang=ml/primary/layers=0" in by_id(ablated)
    assert not [name for name in by_id(ablated) if "alpha=10" in name]
    broken = {row.estimate_id: row.because for row in broken_ablations(ablated)}
    assert set(broken) == {
        "gain-ablated/layer=0/lang=ml/primary/alpha=10",
        "retention-ablated/layer=0/lang=ml/activation/alpha=10",
        "retention-difference/layer=0/lang=ml/activation/alpha=10-minus-primary",
    }
    assert all(said.startswith("ml/alpha=10/seed-1: ") for said in broken.values())


def test_where_nothing_fires_before_no_gain_exists_and_all_else_is_measured(
    ablated: BaseRun, tmp_path: Path
) -> None:
    whole, silent = by_id(ablated), "Before training no latent fires on held-out phrases in ml at layer 1."
    write_tokens(tmp_path / "silent", token_rows({**BASE["ml"], (1, 9): (1, 0)}))
    base = replace(ablated, inputs={**ablated.inputs, "activations/ml": tmp_path / "silent"})
    left = by_id(base)
    assert set(whole) - set(left) == {
        name for name in whole if name.startswith("gain") and "/layer=1/" in name
    }
    missing = set(whole) - set(left)
    assert {row.estimate_id: row.because for row in broken_ablations(base)} == dict.fromkeys(missing, silent)
    assert all(left[name].estimate.value == whole[name].estimate.value for name in left)
    assert [each.estimate.specification for each in gains(base)] == ["primary", "share-of-gap-closed"]
    (row,) = silent_gains(base)
    assert row.because == silent
    assert "mean-over-aligned-layers" in row.estimate_id


def test_of_a_silent_english_no_retention_exists_whoever_tuned_it(ablated: BaseRun, tmp_path: Path) -> None:
    english = token_rows({**BASE["en"], (0, 1): (9, 0), (0, 2): (4, 0), (0, 3): (1, 0)})
    write_tokens(tmp_path / "silent", english)
    tuned = {f"activations-tuned/ml/published-4k-2/{code}": tmp_path / "silent" for code in ("ml", "en")}
    base = replace(
        ablated,
        inputs={**ablated.inputs, **tuned, "activations/en": tmp_path / "silent"},
        published=(("ml", "4k-2"),),
        benchmarks=(),
    )
    silent = "Before training no latent fires on held-out phrases in en at layer 0."
    assert not list(retentions(base))
    assert [each.estimate.quantity for each in published_scores(base)] == ["published-gain"]
    assert not [name for name in by_id(base) if name.startswith("retention")]
    because = {row.estimate_id: row.because for row in (*silent_retentions(base), *silent_models(base))}
    assert because == dict.fromkeys(
        (
            "retention-by-adapter/layer=0/lang=ml/activation/primary",
            "retention/layer=0/lang=en/activation/primary",
            "published-retention/layer=0/lang=ml/4k-2/primary",
        ),
        silent,
    )


STUDY = load_study("sin2025")


def planned(**sizes: tuple[str, ...] | tuple[int, ...]) -> dict[str, Item]:
    """Adapters of the paper's profile at other sizes, and what reads them."""
    profile = load_profile(STUDY, "paper")
    made = plan(STUDY, replace(profile, sizes=replace(profile.sizes, **sizes)), "cuda")  # type: ignore[arg-type]
    stages = ("adapters", "activations-tuned", "benchmarks-tuned")
    return {f"{name}/{item.name}": item for name in stages for item in made.stage(name).items}


def test_an_ablation_is_one_adapter_a_language_of_the_first_seed_and_asks_no_benchmark() -> None:
    new = planned(ablations=("alpha=0.1", "layers=25")).keys() - planned(ablations=()).keys()
    assert new == {
        f"{stage}/{code}/{name}/seed-1{read}"
        for code in ("mr", "ml", "hi")
        for name in ("alpha=0.1", "layers=25")
        for stage, read in (
            ("adapters", ""),
            ("activations-tuned", f"/{code}"),
            ("activations-tuned", "/en"),
        )
    }


def test_an_ablation_differs_from_the_primary_adapter_in_what_it_is_named_by() -> None:
    items = planned(ablations=("alpha=0.1", "layers=25"), ablated_languages=("ml",))
    ours = items["adapters/ml/seed-1"].parameters
    for name, choice in (
        ("alpha=0.1", replace(ours["choice"], alpha=0.1)),
        ("layers=25", replace(ours["choice"], layers=(25,))),
    ):
        assert items[f"adapters/ml/{name}/seed-1"].parameters == {**ours, "choice": choice}
    deepest = {name: items[f"activations-tuned/ml/{name}/ml"].parameters["deepest"] for name in (
        "seed-1", "alpha=0.1/seed-1", "layers=25/seed-1",
    )}  # fmt: skip
    assert deepest == {"seed-1": 20, "alpha=0.1/seed-1": 20, "layers=25/seed-1": 25}


def test_controls_and_ablations_keep_to_the_languages_that_are_asked_for() -> None:
    items = planned(ablations=("alpha=0.1",), ablated_languages=("ml",), control_seeds=(1,))
    odd = {name for name in items if "control" in name or "alpha" in name}
    assert {name.split("/")[1] for name in odd} == {"ml"}


def test_the_paper_trains_every_ablation_that_claims_ask_for() -> None:
    asked = {
        name
        for claim in load_claims("sin2025")
        for reading in claim.readings
        for estimate in reading.estimates
        for name in estimands(STUDY)[estimate].specification.split("-minus-")
        if name in STUDY.ablations
    }
    trained = {name.split("/")[2] for name in planned() if "=" in name}
    assert trained == asked == {"alpha=0", "alpha=0.1", "alpha=10", "layers=6", "layers=25"}


def test_every_estimate_of_an_ablation_may_be_claimed(ablated: BaseRun) -> None:
    """What a claim may name holds every name that a run gives, with the layers of the study's own ablations."""
    known = estimands(STUDY)
    for name in (
        "retention-difference/layer=20/lang=ml/activation/alpha=0.1-minus-alpha=0",
        "gain-difference/layer=25/lang=ml/primary/layers=6-minus-layers=25",
        "gain-ablated/layer=20/lang=hi/primary/rate=3e-4",
    ):
        assert name in known
    assert known["gain-difference/layer=25/lang=ml/primary/layers=6-minus-layers=25"].layers == (6, 25)
