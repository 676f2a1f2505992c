"""Few phrases of many latents: what that costs in a gap's error, on the stored phrases of the miniature world."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from claims.sin2025.profiles import paper
from claims.sin2025.study import STUDY
from fixtures.recipe.world import ROOT, Layout
from harness.designs.disparity.plan import most_phrases
from harness.judge.preflight import PHRASE_CORRELATION, PILOT_PHRASES, design_effect, widening
from harness.store.tables import read_table
from harness.words.estimate import PhraseValue

Latents = Sequence[NDArray[np.float64]]
"""By latent: the low and the high side of each of its phrases, [phrase, side]."""

DRAWS = 50
BEFORE = 2_100
"""Latents of a layer that the paper profile took with up to ten phrases each."""


@cache
def layers() -> tuple[Latents, ...]:
    """The stored phrases of the gap of every layer."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in read_table(Layout(ROOT).independent_run, PhraseValue):
        if row.estimate_id.startswith("gap/") and row.estimate_id.endswith("/high/primary"):
            found[row.estimate_id][row.unit].append((row.observed, row.reference))
    return tuple([np.asarray(values) for values in latents.values()] for latents in found.values())


def deviations(latents: Latents) -> Latents:
    """What each phrase adds to its layer's gap, in percent, linearised: [phrase]."""
    low, high = np.stack([values.mean(axis=0) for values in latents]).mean(axis=0)
    return [100 * (values[:, 0] - low / high * values[:, 1]) / high for values in latents]


def standard_error(latents: Latents) -> float:
    means = np.asarray([each.mean() for each in deviations(latents)])
    return float(means.std(ddof=1) / sqrt(len(means)))


def correlation(latents: Latents) -> float:
    """Of two phrases of a latent: the share of variance that is between latents, by analysis of variance."""
    values = deviations(latents)
    sizes = np.asarray([len(each) for each in values])
    means, whole = np.asarray([each.mean() for each in values]), np.concatenate(values)
    within = sum(((each - each.mean()) ** 2).sum() for each in values) / (len(whole) - len(values))
    between = (sizes * (means - whole.mean()) ** 2).sum() / (len(values) - 1)
    typical = (len(whole) - (sizes**2).sum() / len(whole)) / (len(values) - 1)
    variance = max(0.0, (between - within) / typical)
    return float(variance / (variance + within))


def drawn(latents: Latents, phrases: int, rng: np.random.Generator) -> Latents:
    """A random sample of so many phrases of each latent."""
    return [values[rng.permutation(len(values))[:phrases]] for values in latents]


def test_the_correlation_of_phrases_is_that_of_the_stored_ones() -> None:
    found = [correlation(latents) for latents in layers()]
    assert len(found) == 26
    assert np.median(found) == pytest.approx(PHRASE_CORRELATION, abs=0.02)


def test_design_effects_by_pencil() -> None:
    assert design_effect(1) == 1.0
    assert design_effect(2) == pytest.approx(1.61)
    assert design_effect(PILOT_PHRASES) == pytest.approx(6.49)
    assert widening(PILOT_PHRASES) == 1.0
    assert widening(2) == pytest.approx(sqrt((1.61 / 2) / (6.49 / 10)))


def test_what_two_phrases_cost_is_found_by_drawing_them() -> None:
    """The error of a gap with two phrases of each latent over that with all of them, which are 5.8 in the mean."""
    rng = np.random.default_rng(1)
    ratios, foreseen = [], []
    for latents in layers():
        again = [standard_error(drawn(latents, 2, rng)) for _ in range(DRAWS)]
        ratios.append(sqrt(np.mean(np.square(again))) / standard_error(latents))
        rho, all_of_them = correlation(latents), np.mean([1 / len(values) for values in latents])
        foreseen.append(sqrt((rho + (1 - rho) / 2) / (rho + (1 - rho) * all_of_them)))
    assert 1.05 < np.median(ratios) < 1.15
    assert np.median(ratios) == pytest.approx(np.median(foreseen), abs=0.03)


def test_the_paper_profile_reads_a_quarter_of_the_texts_at_about_the_same_error() -> None:
    """Two phrases of ten alone would cost 11 % at once: the latents that take their place win that back."""
    sizes = paper().sizes
    assert sizes.phrases_per_latent == 2
    whole = replace(paper(), sizes=replace(sizes, phrases_per_latent=None, latents_per_layer=BEFORE))
    assert most_phrases(STUDY, paper()) < 0.3 * most_phrases(STUDY, whole)
    assert widening(2) > 1.1
    assert widening(2) * sqrt(BEFORE / sizes.latents_per_layer) < 1.1
    rng = np.random.default_rng(2)
    for latents in layers():
        again = [standard_error(drawn(latents, 2, rng)) for _ in range(DRAWS)]
        grown = sqrt(np.mean(np.square(again)) * BEFORE / sizes.latents_per_layer)
        assert grown < 1.1 * standard_error(latents)
