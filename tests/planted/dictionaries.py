"""Dictionaries set by hand, each with a dial per language: turned until the gap is the one that was drawn for it."""

from dataclasses import dataclass

import numpy as np

from tests.planted.lexicon import TARGETS, phrases, pieces_of, sentence, text_in
from tests.planted.network import (
    ADAPTED,
    CONSTANT_PLACE,
    CONTENT,
    CONTEXT_OUT,
    D_MODEL,
    EDGE,
    MARKERS,
    NUM_LAYERS,
    WRITTEN,
    Facts,
    Values,
)
from tests.planted.pencil import Dictionary, selected, stored_rows, streams

D_SAE = 16
EDGED = (12, 13)
"""Latents whose threshold is exactly what many tokens give."""
SELDOM, DEAD = 14, 15
"""Fires in English too rarely to be drawn; never fires."""

MARKER_WEIGHTS = 0.75 + 0.5 * np.arange(D_SAE) / D_SAE
"""How strongly each latent follows the dials; those on the edge follow none."""
MARKER_WEIGHTS[list(EDGED)] = 0

MARGIN = 1e-3
"""No token is nearer to a threshold than this, but for those that are exactly on it."""

MIN_EXAMPLES, MAX_EXAMPLES = 2, 4

Selected = list[dict[int, dict[str, float]]]
"""By layer and latent: the texts that speak for it, with their stored peaks."""

GAPS = {1: 26.27, 3: 19.89}
"""Group gaps, in percent of the high-resource side; those of the other layers are drawn."""


def dictionaries(facts: Facts) -> list[Dictionary]:
    """One per layer; every array is what float32 makes of it."""
    rng = np.random.default_rng(5)
    english = [streams(facts, facts.ids_of(pieces_of(sentence(phrase)))) for phrase in phrases()]
    made = []
    for layer in range(NUM_LAYERS):
        tokens = np.concatenate([found[layer][1:] for found in english])
        made.append(_drawn(tokens, rng))
    chosen = [
        selected(stored_rows(facts, made, layer), MIN_EXAMPLES, MAX_EXAMPLES) for layer in range(NUM_LAYERS)
    ]
    for layer in range(NUM_LAYERS):
        made[layer] = _dialled(facts, made[layer], chosen, layer, rng)
    return made


def _drawn(tokens: Values, rng: np.random.Generator) -> Dictionary:
    W_enc = np.zeros((D_MODEL, D_SAE))
    # The final norm takes the constant away: read so weakly, latents still fire behind it, and a wrong number is measured.
    W_enc[CONSTANT_PLACE] = rng.uniform(1, 2, D_SAE) / 16
    W_enc[CONTENT] = rng.uniform(0.3, 1, (20, D_SAE)) * (rng.random((20, D_SAE)) < 0.25)
    W_enc[WRITTEN] += rng.uniform(-0.4, 0.4, (36, D_SAE)) * (rng.random((36, D_SAE)) < 0.1)
    W_enc[CONTEXT_OUT] = rng.uniform(0.1, 0.3, D_SAE)
    W_enc[ADAPTED] = rng.uniform(0.1, 0.5, D_SAE)
    W_enc = W_enc.astype(np.float32).astype(np.float64)
    pre_acts = tokens @ W_enc
    b_enc = -np.quantile(pre_acts, 0.3, axis=0)
    threshold = np.asarray([_midway(np.sort(column)) for column in (pre_acts + b_enc).T])
    for place, latent in enumerate(EDGED):
        W_enc[:, latent] = 0
        W_enc[EDGE.start + place, latent] = 1
        b_enc[latent], threshold[latent] = 0, 1
    threshold[SELDOM] = _midway(np.sort((pre_acts + b_enc)[:, SELDOM]), 0.97)
    threshold[DEAD] = 1e4
    W_dec = rng.normal(size=(D_SAE, D_MODEL))
    b_dec = rng.normal(size=D_MODEL) / 2
    return rounded(W_enc, W_dec, b_enc, b_dec, threshold)


def _midway(ascending: Values, share: float = 0.5) -> float:
    """Between two tokens, above that share of them, far enough from both for any rounding."""
    places = range(int(share * len(ascending)), len(ascending))
    place = next(n for n in places if ascending[n + 1] - ascending[n] > 4 * MARGIN)
    return float(ascending[place : place + 2].mean())


def rounded(*arrays: Values) -> Dictionary:
    """What float32 makes of them."""
    return Dictionary(*(array.astype(np.float32).astype(np.float64) for array in arrays))


@dataclass(frozen=True)
class Side:
    """One language's tokens under every selected latent of a layer, as flat arrays: what the dial is turned on."""

    pre_acts: Values
    """Without the marker."""
    markers: Values
    """What one unit of the dial adds to each."""
    thresholds: Values
    shares: Values
    """What each token weighs in the sum over latents of means over phrases of means over tokens."""

    def total(self, dial: float) -> float:
        """Sum over latents of mean activations."""
        pre_acts = self.pre_acts + dial * self.markers
        return float((np.where(pre_acts > self.thresholds, pre_acts, 0) * self.shares).sum())

    def margin(self, dial: float) -> float:
        """How far the token nearest to its threshold is from it; on-edge latents, which no dial moves, apart."""
        distances = np.abs(self.pre_acts + dial * self.markers - self.thresholds)
        return float(distances[self.markers != 0].min())


def with_marker(dictionary: Dictionary, code: str, dial: float) -> Dictionary:
    """The dictionary with every latent but those on the edge reading a language's marker that much."""
    W_enc = dictionary.W_enc.copy()
    W_enc[MARKERS[code]] = dial * MARKER_WEIGHTS
    return rounded(W_enc, dictionary.W_dec, dictionary.b_enc, dictionary.b_dec, dictionary.threshold)


def _dialled(
    facts: Facts, dictionary: Dictionary, chosen: Selected, layer: int, rng: np.random.Generator
) -> Dictionary:
    """The layer's dictionary with every marker set, so that each language's level is what was asked of it."""
    english = _side(facts, dictionary, chosen, layer, "en")
    sides = {code: _side(facts, dictionary, chosen, layer, code) for code in TARGETS}
    for _ in range(1_000):
        levels = dict(zip(TARGETS, rng.uniform([0.85, 0.7, 0.45, 0.4], [1.1, 0.95, 0.8, 0.75]), strict=True))
        if layer in GAPS:
            levels["ml"] = (levels["es"] + levels["it"]) * (1 - GAPS[layer] / 100) - levels["hi"]
        dials = {code: _solved(sides[code], levels[code] * english.total(0)) for code in TARGETS}
        if all(
            side.margin(dials[code]) > MARGIN
            and abs(side.total(dials[code]) / english.total(0) - levels[code]) < 1e-6
            for code, side in sides.items()
        ):
            for code, dial in dials.items():
                dictionary = with_marker(dictionary, code, dial)
            return dictionary
    raise AssertionError(f"no dial gives layer {layer} its gap; draw other numbers")


def _side(facts: Facts, dictionary: Dictionary, chosen: Selected, layer: int, code: str) -> Side:
    columns: list[tuple[Values, Values, Values, Values]] = []
    spoken = {sentence(phrase): phrase for phrase in phrases()}
    for latent, texts in chosen[layer].items():
        kept = [text for text in texts if text_in("ml", spoken[text])]
        for text in kept:
            ids = facts.ids_of(pieces_of(text_in(code, spoken[text])))
            tokens = streams(facts, ids)[layer][1:]
            pre_acts = tokens @ dictionary.W_enc[:, latent] + dictionary.b_enc[latent]
            ones = np.ones(len(ids))
            columns.append(
                (
                    pre_acts,
                    tokens[:, MARKERS[code]] * MARKER_WEIGHTS[latent] if code != "en" else 0 * ones,
                    ones * dictionary.threshold[latent],
                    ones / len(ids) / len(kept),
                )
            )
    return Side(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def _solved(side: Side, wanted: float) -> float:
    """The dial that gives the wanted total; totals rise with it."""
    low, high = -4.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if side.total(middle) < wanted else (low, middle)
    return low
