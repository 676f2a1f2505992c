"""The gain over latents that no adapter was trained on, in worlds where a gain is learnt by heart, and where it is not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.tuning import gains, missing_untrained_gains, untrained_gains
from harness.store.tables import write_table
from harness.words.records import Selection, Text, TextLength, TokenActivation
from harness.words.study import Group, Language
from tests.small_study import SPECIFICATION

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM", tuned=True),
)
SPOKEN = ((1, 0), (1, 1), (2, 1))
"""Latent and text: latent 1 speaks on text 0, which adapters are trained on, and both do on text 1, which is held out."""
BEFORE = {(1, 0): 9.0, (1, 1): 4.0, (2, 1): 2.0}


def written(folder: Path, values: Mapping[tuple[int, int], float]) -> Path:
    rows = [
        TokenActivation(layer=0, latent=latent, text_id=text, values=(value, value))
        for (latent, text), value in values.items()
    ]
    write_table(folder, TokenActivation, rows)
    write_table(folder, TextLength, [TextLength(text_id=text, tokens=2) for text in (0, 1)])
    return folder


def run_of(
    root: Path,
    after: Mapping[tuple[int, int], float],
    *,
    before: Mapping[tuple[int, int], float] = BEFORE,
    trained_on: int = 0,
) -> BaseRun:
    texts = [Text(text_id=text, text=str(text), held_out=text != trained_on) for text in (0, 1)]
    write_table(root / "phrases", Text, texts)
    selections = [Selection(layer=0, latent=latent, text_id=text, stored_peak=1.0) for latent, text in SPOKEN]
    write_table(root / "phrases", Selection, selections)
    (root / "adapter").mkdir()
    return BaseRun(
        inputs={
            "phrases/all": root / "phrases",
            "adapters/ml/seed-1": root / "adapter",
            "activations/en": written(root / "en", BEFORE),
            "activations/ml": written(root / "ml", before),
            "activations-tuned/ml/seed-1/ml": written(root / "tuned", after),
        },
        languages=LANGUAGES,
        benchmarks=(),
        layers=(0,),
        specification=replace(
            SPECIFICATION, gain_layer=0, alignment=replace(SPECIFICATION.alignment, layers=(0,))
        ),
        adapter_seeds=(1,),
    )


@pytest.mark.parametrize(
    ("after", "gain", "remaining"),
    [
        pytest.param({(1, 1): 8.0, (2, 1): 2.0}, 200 / 3, 0.0, id="learnt by heart: 10/6 and 2/2"),
        pytest.param({(1, 1): 8.0, (2, 1): 4.0}, 100.0, 100.0, id="of every latent: 12/6 and 4/2"),
        pytest.param(
            {(1, 1): 4.0, (2, 1): 3.0}, 100 / 6, 50.0, id="of those not trained on alone: 7/6 and 3/2"
        ),
    ],
)
def test_what_remains_of_a_gain(
    tmp_path: Path, after: Mapping[tuple[int, int], float], gain: float, remaining: float
) -> None:
    run = run_of(tmp_path, after)
    whole = next(gains(run))
    assert whole.estimate.value == pytest.approx(gain)
    (left,) = untrained_gains(run)
    assert left.estimate.estimate_id == "gain-remaining/layer=0/lang=ml/untrained-latents/primary"
    assert left.estimate.value == pytest.approx(remaining)
    assert [(row.unit, row.observed, row.reference) for row in left.units] == [("2", after[2, 1], 2.0)]
    assert {(row.unit, row.text_id) for row in left.phrases} == {("2", 1)}
    assert not list(missing_untrained_gains(run))


def test_where_training_saw_every_latent_nothing_is_asked_of_others(tmp_path: Path) -> None:
    run = run_of(tmp_path, {(1, 0): 9.0}, trained_on=1)
    assert not list(untrained_gains(run))
    assert not list(missing_untrained_gains(run))


def test_where_none_of_them_fires_the_reason_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, {(2, 1): 2.0}, before={(1, 0): 9.0, (1, 1): 4.0, (2, 1): 0.0})
    assert not list(untrained_gains(run))
    (row,) = missing_untrained_gains(run)
    assert (
        row.because == "No latent of layer 0 that has all its phrases held out fires in ml before training."
    )
