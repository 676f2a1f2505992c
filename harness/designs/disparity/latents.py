"""Stored token activations as aligned arrays: one value per selected (layer, latent, phrase), whatever the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.statistics.metrics import group_means, pooled
from harness.store.tables import read_column, read_ragged, read_table
from harness.words.records import Selection, Text, TextLength, TokenActivation
from harness.words.study import Pooling

Values = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Selections:
    """Every selected (layer, latent, phrase), sorted; the rows that all runs are aligned to."""

    layer: Indices
    latent: Indices
    text_id: Indices
    held_out: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of selections."""
        return len(self.layer)

    @property
    def layers(self) -> list[int]:
        """Layers of which some latent is selected, ascending."""
        return [int(layer) for layer in np.unique(self.layer)]

    @cached_property
    def untrained(self) -> NDArray[np.bool_]:
        """True for selections of latents that no adapter was trained on, since every phrase of theirs is held out."""
        pairs = _packed(self.layer, self.latent, np.zeros_like(self.layer))
        return np.isin(pairs, pairs[~self.held_out], invert=True)

    def within(self, layer: int, *, held_out_only: bool = False) -> NDArray[np.bool_]:
        """True for the selections of one layer, or for those of its phrases that no adapter has seen."""
        mask: NDArray[np.bool_] = self.layer == layer
        return mask & self.held_out if held_out_only else mask


@dataclass(frozen=True, kw_only=True, eq=False)
class LatentMeans:
    """Means per latent of some selections, in ascending order of the latent."""

    latents: tuple[str, ...]
    values: Values


def read_selections(phrases: Path) -> Selections:
    """The selections of a phrases artifact."""
    held_out = {text.text_id: text.held_out for text in read_table(phrases, Text)}
    rows = sorted((row.layer, row.latent, row.text_id) for row in read_table(phrases, Selection))
    layer, latent, text_id = (np.asarray(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Selections(
        layer=layer,
        latent=latent,
        text_id=text_id,
        held_out=np.asarray([held_out[text] for text in text_id.tolist()]),
    )


def phrase_values(
    activations: Path, selections: Selections, pooling: Pooling, asked: NDArray[np.bool_] | None = None
) -> Values:
    """The values of `pooled_values` under one pooling."""
    return pooled_values(activations, selections, (pooling,), asked)[pooling]


def pooled_values(
    activations: Path,
    selections: Selections,
    poolings: Sequence[Pooling],
    asked: NDArray[np.bool_] | None = None,
) -> Mapping[Pooling, Values]:
    """One pooled value per selection; NaN where none was asked for or the language has no token for the phrase, and nowhere else.

    Args:
        activations: The artifact.
        selections: What values are aligned to.
        poolings: How values of tokens become one, each in turn.
        asked: True for the selections that the artifact was made for; all of them if left out.

    Raises:
        ValueError: If the artifact holds a row that was never selected or one twice, lacks one, or holds no number.
    """
    keys = [read_column(activations, TokenActivation, name) for name in ("layer", "latent", "text_id")]
    tokens = read_ragged(activations, TokenActivation, "values")
    order = np.lexsort((keys[2], keys[1], keys[0]))
    places = _places(selections, [key[order] for key in keys])
    asked = np.ones(len(selections), dtype=np.bool_) if asked is None else asked
    found: dict[Pooling, Values] = {}
    for pooling in poolings:
        aligned = np.full(len(selections), np.nan)
        aligned[places] = pooled(*tokens, pooling)[order]
        aligned[~asked] = np.nan
        _require_whole(selections, aligned, asked, activations)
        found[pooling] = aligned
    return found


def latent_means(selections: Selections, values: Values, mask: NDArray[np.bool_]) -> LatentMeans:
    """Mean over phrases of each latent among the masked selections; phrases weigh alike."""
    latents, groups = np.unique(selections.latent[mask], return_inverse=True)
    return LatentMeans(
        latents=tuple(str(latent) for latent in latents.tolist()),
        values=group_means(values[mask], groups, len(latents)),
    )


def complete(columns: Sequence[Values]) -> NDArray[np.bool_]:
    """True where every language has a value, so that all are compared on the same phrases."""
    return np.asarray(~np.isnan(np.stack(columns)).any(axis=0))


def _require_whole(
    selections: Selections, aligned: Values, asked: NDArray[np.bool_], activations: Path
) -> None:
    lengths = read_column(activations, TextLength, "tokens")
    empty = read_column(activations, TextLength, "text_id")[lengths == 0]
    lost = asked & np.isnan(aligned) & ~np.isin(selections.text_id, empty)
    if lost.any():
        raise ValueError(
            f"{int(lost.sum())} of {len(selections)} selections have no value, though their texts have tokens; "
            "the activations are incomplete or broken: run the activations stage again"
        )


def _places(selections: Selections, keys: Sequence[Indices]) -> Indices:
    wanted = _packed(selections.layer, selections.latent, selections.text_id)
    found = _packed(*keys)
    places = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
    if len(np.unique(found)) != len(found) or not (wanted[places] == found).all():
        raise ValueError(
            f"{len(found)} stored rows do not match the {len(wanted)} selections one to one; "
            "activations and phrases are of different runs: run the activations stage again"
        )
    return places


def _packed(layer: Indices, latent: Indices, text_id: Indices) -> Indices:
    # Room for a million latents and a billion texts, in one sortable number.
    return (layer.astype(np.int64) << 50) | (latent.astype(np.int64) << 30) | text_id.astype(np.int64)
