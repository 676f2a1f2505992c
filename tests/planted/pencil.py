"""What a pencil makes of the planted numbers: streams, activations, selections. Slow, text by text, in float64.

Nothing here comes from `harness/`: it is the second way, by which the pipeline is judged.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.planted.lexicon import THUNDER, pieces_of, sentence_around, windows
from tests.planted.network import (
    ADAPTED,
    ADAPTED_GAIN,
    BOS,
    CONTEXT_GAIN,
    CONTEXT_IN,
    CONTEXT_OUT,
    D_MODEL,
    NUM_LAYERS,
    SOFT_CAP,
    WINDOW,
    Facts,
    Strengths,
    Values,
)

NORM_EPS = 1e-6
UNTOUCHED = (0.0,) * NUM_LAYERS
BOS_PIECE = "<bos>"
TENTHS, ROUNDING = 0.8, 5e-4
"""A row speaks for a latent from 0.8 of its maximum on; stored values have three decimals."""


@dataclass(frozen=True)
class Dictionary:
    """One layer's planted dictionary, in the names of `params.npz`."""

    W_enc: Values
    W_dec: Values
    b_enc: Values
    b_dec: Values
    threshold: Values

    def encoded(self, stream: Values) -> Values:
        """Pre-activations where they pass the threshold and zero, else 0."""
        pre_acts = stream @ self.W_enc + self.b_enc
        return np.where((pre_acts > self.threshold) & (pre_acts > 0), pre_acts, 0.0)


@dataclass(frozen=True)
class Row:
    """One stored window of the export."""

    latent: int
    pieces: tuple[str, ...]
    values: tuple[float, ...]


def streams(facts: Facts, ids: Sequence[int], strengths: Strengths = UNTOUCHED) -> list[Values]:
    """The residual stream after each layer, [position, d_model], BOS in front."""
    stream = facts.vectors[[BOS, *ids]].copy()
    after = []
    for layer in range(NUM_LAYERS):
        sizes = np.sqrt((stream**2).mean(axis=1) + NORM_EPS)
        constant = heard(stream[:, 0] / sizes, layer)
        adapted = strengths[layer] * constant
        context = heard(stream[:, CONTEXT_IN] / sizes, layer) if layer == 0 else np.zeros(len(stream))
        size = np.sqrt((constant**2 + adapted**2 + context**2) / D_MODEL)
        stream[:, ADAPTED] += ADAPTED_GAIN * adapted / size
        stream[:, CONTEXT_OUT] += CONTEXT_GAIN * context / size
        stream += facts.layers[layer]
        after.append(stream.copy())
    return after


def heard(values: Values, layer: int) -> Values:
    """At every position, the sum of the values that it sees: all so far, or the last `WINDOW` in every other layer."""
    sums = np.cumsum(values)
    if layer % 2 == 0:
        sums[WINDOW:] -= sums[:-WINDOW].copy()
    return sums


def log_likelihood(facts: Facts, prompt: Sequence[str], option: Sequence[str], strengths: Strengths) -> float:
    """Natural logarithm of the probability of an option's tokens after a prompt."""
    ids = facts.ids_of([*prompt, *option])
    last = streams(facts, ids, strengths)[-1]
    normed = last / np.sqrt((last**2).mean(axis=1, keepdims=True) + NORM_EPS) * facts.final_norm
    logits = SOFT_CAP * np.tanh(normed @ facts.vectors.T / D_MODEL**0.5 / SOFT_CAP)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    # Position n holds BOS and n tokens, so it speaks about token n.
    return float(sum(log_probs[place, ids[place]] for place in range(len(prompt), len(ids))))


def token_acts(
    facts: Facts, dictionaries: Sequence[Dictionary], text: str, strengths: Strengths = UNTOUCHED
) -> list[Values]:
    """Activations of every layer over the tokens of a text, [token, latent], BOS out."""
    ids = facts.ids_of(pieces_of(text))
    found = streams(facts, ids, strengths)
    return [one.encoded(stream[1:]) for one, stream in zip(dictionaries, found, strict=True)]


def stored_rows(facts: Facts, dictionaries: Sequence[Dictionary], layer: int) -> list[Row]:
    """The export of one layer: every window in which a latent fires anywhere, in the order of the latents."""
    found = defaultdict(list)
    for pieces in windows():
        ids = [BOS if piece == BOS_PIECE else facts.ids[piece] for piece in pieces]
        acts = dictionaries[layer].encoded(streams(facts, ids)[layer][1:])
        for latent in np.flatnonzero(acts.max(axis=0) > 0).tolist():
            values = tuple(round(value, 3) for value in acts[:, latent].tolist())
            found[latent].append(Row(latent=latent, pieces=tuple(pieces), values=values))
    return [row for latent in sorted(found) for row in found[latent]]


def selected(rows: Sequence[Row], min_examples: int, max_examples: int) -> dict[int, dict[str, float]]:
    """By latent: the texts that speak for it, with the peaks they were stored with."""
    chosen = {}
    for latent in sorted({row.latent for row in rows}):
        peaks: dict[str, float] = {}
        strongest = 0.0
        for row in rows:
            peak = max(row.values)
            place = row.values.index(peak)
            if row.latent != latent or row.pieces[place] == BOS_PIECE:
                continue
            strongest = max(strongest, peak)
            if BOS_PIECE in row.pieces or THUNDER in row.pieces:
                continue
            text = sentence_around(row.pieces, place)
            peaks[text] = max(peak, peaks.get(text, 0.0))
        strong = {text: peak for text, peak in peaks.items() if peak >= TENTHS * strongest - ROUNDING}
        ranked = sorted(strong, key=lambda text: (-strong[text], text))[:max_examples]
        if len(ranked) >= min_examples:
            chosen[latent] = {text: strong[text] for text in ranked}
    return chosen
