"""What every estimate is made from: the layers whose activations it needs, and the cells whose answers."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.designs.disparity.quantities import cells_of, layers_of
from harness.judge.quantities import estimate_scopes, of_questions, said_of_estimates
from harness.sources.studies import load_study
from harness.words.estimate import Scope

STUDY = load_study("sin2025")
ALIGNED, EVERY = tuple(range(21)), tuple(range(26))
ALL = tuple(each.name for each in STUDY.benchmarks)


@pytest.mark.parametrize(
    ("scope", "cells"),
    [
        pytest.param(Scope(quantity="accuracy", unit="percent", language="zh", benchmark="arc"), [("arc", "zh")],
                     id="accuracy"),
        pytest.param(Scope(quantity="delta", unit="points", language="ml", benchmark="arc"), [("arc", "ml")], id="change"),
        pytest.param(Scope(quantity="relative-delta", unit="percent", language="ml", benchmark="arc", reading="relative"),
                     [("arc", "ml")], id="change in percent"),
        pytest.param(Scope(quantity="delta-english", unit="points", language="ml", benchmark="mmlu"), [("mmlu", "en")],
                     id="English change under an adapter"),
        pytest.param(Scope(quantity="retention", unit="percent", language="en", reading="accuracy"),
                     [(name, "en") for name in ALL], id="retained accuracy"),
        pytest.param(Scope(quantity="retention", unit="percent", language="en", reading="activation", layer=20), [],
                     id="retained activation"),
        pytest.param(Scope(quantity="correlation", unit="r", benchmark="arc"), [("arc", each.code) for each in STUDY.targets],
                     id="correlation over languages"),
        pytest.param(Scope(quantity="correlation", unit="r"), [(name, each.code) for name in ALL for each in STUDY.targets],
                     id="correlation with the mean score"),
        pytest.param(Scope(quantity="gap", unit="percent", layer=6, language="ml", reading="high"), [], id="a gap"),
    ],
)  # fmt: skip
def test_the_cells_behind_an_estimate(scope: Scope, cells: Sequence[tuple[str, str]]) -> None:
    assert list(cells_of(STUDY, scope)) == cells


@pytest.mark.parametrize(
    ("scope", "layers"),
    [
        pytest.param(Scope(quantity="gap", unit="percent", layer=6, language="ml", reading="high"), (6,), id="a gap"),
        pytest.param(Scope(quantity="similarity", unit="cosine", layer=3, language="ml", reading="raw"), (3,),
                     id="a similarity"),
        pytest.param(Scope(quantity="correlation", unit="r", benchmark="arc"), EVERY, id="a correlation, over all gaps"),
        pytest.param(Scope(quantity="gain", unit="percent", layer=20, language="ml"), ALIGNED,
                     id="a gain, and what its adapters were trained on"),
        pytest.param(Scope(quantity="gain", unit="percent", layer=25, language="ml"), (*ALIGNED, 25),
                     id="a gain beyond the aligned layers"),
        pytest.param(Scope(quantity="gain-ablated", unit="percent", layer=6, language="ml", specification="layers=25"), (6, 25),
                     id="a gain under adapters of another layer"),
        pytest.param(Scope(quantity="gain-difference", unit="points", layer=6, language="ml",
                           specification="layers=20-minus-layers=25"), (6, 20, 25), id="a difference, and both its adapters'"),
        pytest.param(Scope(quantity="retention", unit="percent", language="en", reading="accuracy"), ALIGNED,
                     id="answers through adapters"),
        pytest.param(Scope(quantity="accuracy", unit="percent", language="zh", benchmark="arc"), (),
                     id="answers of the untouched model"),
        pytest.param(Scope(quantity="selections-kept", unit="percent", language="zh"), (), id="texts"),
    ],
)  # fmt: skip
def test_the_layers_behind_an_estimate(scope: Scope, layers: Sequence[int]) -> None:
    assert layers_of(STUDY, scope) == layers


def test_estimates_of_questions_are_those_that_rest_on_cells() -> None:
    quantities = {estimate_scopes(STUDY)[name].quantity for name in of_questions(STUDY)}
    assert quantities == {"accuracy", "correlation", "delta", "delta-english", "relative-delta", "retention"}
    assert "retention/layer=20/lang=en/activation/primary" not in of_questions(STUDY)


def test_a_broken_layer_is_told_of_all_that_rests_on_it_and_of_nothing_else() -> None:
    told = said_of_estimates(STUDY, {22: "Layer 22 is broken.", 25: "Layer 25 is broken."})
    scopes = [estimate_scopes(STUDY)[name] for name in told]
    of_ablations = [each for each in scopes if each.quantity.endswith(("-ablated", "-difference"))]
    assert {each.quantity for each in scopes if each not in of_ablations} == {
        "gap",
        "similarity",
        "correlation",
    }
    assert {each.quantity for each in of_ablations} == {
        "gain-ablated", "retention-ablated", "gain-difference", "retention-difference",
    }  # fmt: skip
    assert all(each.layer == 25 or "layers=25" in each.specification for each in of_ablations)
    assert "gain-ablated/layer=20/lang=ml/primary/layers=6" not in told
    assert told["gap/layer=25/high/primary"] == "Layer 25 is broken."
    assert told["correlation/primary/primary"] == "Layer 22 is broken."
    assert "gap/layer=2/high/primary" not in told
    shallow = said_of_estimates(STUDY, {3: "Layer 3 is broken."})
    assert shallow["gain/layer=20/lang=ml/primary/primary"] == "Layer 3 is broken."
    assert shallow["delta/lang=ml/bench=arc/primary/primary"] == "Layer 3 is broken."


def test_a_study_that_aligns_other_layers_rests_on_those() -> None:
    alignment = replace(STUDY.primary.alignment, layers=(20,))
    alone = replace(STUDY, primary=replace(STUDY.primary, alignment=alignment))
    assert layers_of(alone, Scope(quantity="delta", unit="points", language="ml", benchmark="arc")) == (20,)
