"""What a run shows for itself: which networks were loaded, and whether stored activations are found again in them.

One dataclass is one stored table, as in `harness.words.record`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """The language model as it was loaded (`loaded_models`)."""

    num_layers: int
    d_model: int
    vocab_size: int
    attention: str
    """Implementation that computes attention, such as "eager"."""
    dtype: str


@dataclass(frozen=True, kw_only=True)
class LoadedFile:
    """One file that the networks were loaded from (`loaded_files`)."""

    source: str
    """Name of the pin."""
    path: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ReplayedRow:
    """One stored row, computed anew (`replayed_rows`)."""

    layer: int
    latent: int
    tokens: int
    correlation: float
    """Of recomputed with stored values over the row's tokens; 0 where nothing fires any more."""
    scale: float
    """Recomputed over stored values, by least squares through the origin."""
    same_peak: bool
    """True when the strongest token is the same."""
    passes: bool


@dataclass(frozen=True, kw_only=True)
class LayerReplay:
    """Whether a layer's stored activations were found again (`layer_replays`)."""

    layer: int
    d_model: int
    d_sae: int
    """Shapes of the layer's dictionary as loaded."""
    rows: int
    rows_passing: int
    rows_passing_without_bos: int
    """The same rows with no BOS in front, which is wrong on purpose: how well the gate tells the two apart here."""
    rows_same_peak: int
    median_correlation: float
    median_scale: float
    median_scale_without_bos: float
    passes: bool
