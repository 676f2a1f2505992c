"""The pipeline on planted numbers: every estimate is what a pencil finds."""

import numpy as np
import pytest

from tests.planted.checks import CHECKS, ESTIMATES, Subject
from tests.planted.expected import LOW
from tests.planted.lexicon import AWKWARD, phrases, sentence
from tests.planted.network import NUM_LAYERS


@pytest.mark.parametrize("name", CHECKS)
def test_a_sound_pipeline_finds_what_was_planted(sound: Subject, name: str) -> None:
    CHECKS[name](sound)


def test_every_estimate_has_an_answer_by_pencil_and_every_answer_an_estimate(sound: Subject) -> None:
    assert sound.estimates.keys() == sound.expected.values.keys()


def test_every_estimate_is_held_to_its_answer_by_some_check(sound: Subject) -> None:
    held = {quantity for quantities in ESTIMATES.values() for quantity in quantities}
    assert {name.split("/")[0] for name in sound.estimates} == held


@pytest.mark.parametrize(("layer", "gap"), [(1, 26.27), (3, 19.89)])
def test_two_gaps_were_chosen_and_are_found(sound: Subject, layer: int, gap: float) -> None:
    assert sound.estimates[f"gap/layer={layer}/high/primary"] == pytest.approx(gap, rel=1e-4)


def test_gaps_differ_by_layer_and_by_language(sound: Subject) -> None:
    gaps = [
        sound.estimates[f"gap/layer={layer}/lang={code}/high/primary"]
        for layer in range(NUM_LAYERS)
        for code in LOW
    ]
    apart = np.abs(np.subtract.outer(gaps, gaps))[~np.eye(len(gaps), dtype=bool)]
    assert apart.min() > 0.5


def test_activations_vary_within_a_phrase(sound: Subject) -> None:
    acts = sound.expected.acts("ml")
    spreads = [layer.std(axis=0).max() for text in acts.values() for layer in text]
    assert np.median(spreads) > 0.5


def test_every_phrase_that_translators_stumble_over_speaks_for_a_latent(sound: Subject) -> None:
    assert {sentence(phrase) for phrase in phrases()[-AWKWARD:]} <= {*sound.expected.spoken}


def test_token_counts_differ_by_language(sound: Subject) -> None:
    counts = {
        sound.estimates[f"tokens-per-phrase/lang={code}/primary/primary"] for code in ("en", "it", "ml")
    }
    assert len(counts) == 3
