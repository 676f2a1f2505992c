"""The rows of what was measured: estimates, the units that they rest on, and known numbers measured again.

One dataclass is one stored table, as in `harness.words.records`; the judge and the report read them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ALPHA = 0.05
"""Error rate at which every PASS and every DEVIATION is earned, and at which an assumption counts as broken."""

LEVEL = 1 - 2 * ALPHA
"""Level of the two-sided interval each of whose ends errs at `ALPHA`."""

NUM_DRAWS = 9_999
"""Bootstrap draws of one stream; with the estimate itself as one more, 5 % of them is a whole number."""

MANY_DRAWS = 99_999
"""Draws where two streams of the usual number lead to different verdicts."""


class Formula(StrEnum):
    """What is computed from the two sides of every unit; estimates of several seeds are the mean over seeds."""

    GAP = "gap-percent"
    """100 * (1 - sum(observed) / sum(reference))."""
    MEAN_OF_GAPS = "mean-of-gaps-percent"
    """100 * mean(1 - observed / reference)."""
    CHANGE = "change-percent"
    """100 * (sum(observed) / sum(reference) - 1)."""
    RATIO = "ratio-percent"
    """100 * sum(observed) / sum(reference)."""
    RATIO_DIFFERENCE = "ratio-difference-percent"
    """100 * sum(observed) / sum(reference): two ratios to one reference less each other, so that observed has either sign."""
    DIFFERENCE = "mean-difference"
    """mean(observed - reference); a plain mean has reference 0."""
    SLOPE = "slope"
    """sum(observed) / sum(reference): a least-squares slope, whose units are products of what was centred: x * y, and x * x."""
    SHARE = "share-percent"
    """100 * mean(observed / reference): of each group of so many independent units, how many are of a kind; groups weigh alike."""
    SHARE_DIFFERENCE = "share-difference-points"
    """The same of the groups whose reference is above zero, less that of those where it is below: no unit stands on both sides."""
    PEARSON = "pearson"
    """Correlation of observed with reference."""
    NO_UNITS = "no-units"
    """A single figure, stored without what it was made from."""


class InconsistentError(ValueError):
    """The units of an estimate do not give its value, or do not belong together."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What an estimate is about; None where a quantity has no such side."""

    quantity: str
    unit: str
    axes: tuple[tuple[str, str], ...] = ()
    """Names and values of whatever else it is of, such as a model's size; always in the order of the design."""
    layer: int | None = None
    language: str | None = None
    benchmark: str | None = None
    reading: str = "primary"
    specification: str = "primary"

    @property
    def estimate_id(self) -> str:
        """Quantity, scope, reading and specification in one unique name."""
        known = (("layer", self.layer), ("lang", self.language), ("bench", self.benchmark))
        scoped = (f"{name}={value}" for name, value in (*self.axes, *known) if value is not None)
        return "/".join((self.quantity, *scoped, self.reading, self.specification))


@dataclass(frozen=True, kw_only=True)
class BrokenEstimate:
    """One estimate that could not be formed: an adapter was not trained, or nothing fires before it (`broken_estimates`)."""

    estimate_id: str
    because: str


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One measured quantity under one specification and one reading (`estimates`)."""

    estimate_id: str
    """Unique: quantity, scope, reading and specification, such as "gap/layer=6/primary"."""
    quantity: str
    """Kind of number, such as "gap", "gain", "retention", "accuracy", "delta"."""
    reading: str
    """What the number means, where sources differ; "primary" otherwise."""
    specification: str
    """How one meaning was computed."""
    formula: str
    """How units become the value, one of `harness.words.estimate.Formula`."""
    unit: str
    """"percent", "points", "r", "cosine", "chrF", "fraction", "tokens", "nats" or "activation"."""
    value: float
    layer: int | None
    language: str | None
    benchmark: str | None
    unit_kind: str
    """What varies: "latent", "document", "language", "text", "seed"."""
    num_units: int
    num_seeds: int
    """0 when nothing was trained."""


@dataclass(frozen=True, kw_only=True)
class AxisValue:
    """Where one estimate stands on an axis that its design names, such as a model's size or a training step (`axis_values`).

    Kept of designs that name some; layer, language and benchmark are columns of the estimate itself.
    """

    estimate_id: str
    axis: str
    """What the id calls it, such as "model"."""
    value: str


def axes_of(rows: Iterable[AxisValue]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Axes of every estimate that stands on some, each with the value on it, in the design's order."""
    axes: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        axes.setdefault(row.estimate_id, []).append((row.axis, row.value))
    return axes


@dataclass(frozen=True, kw_only=True)
class UnitValue:
    """What one unit contributed to one estimate (`unit_values`).

    `observed` and `reference` are the two sides of the comparison: low and high group, after and before,
    tuned and base outcome, y and x of a correlation. A plain mean has reference 0.
    """

    estimate_id: str
    unit: str
    seed: int | None
    """None when nothing was trained."""
    observed: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class PhraseValue:
    """What one phrase contributed to one latent of one estimate (`phrase_values`).

    Kept where phrases serve several latents, so that latents and phrases can be resampled together.
    """

    estimate_id: str
    unit: str
    text_id: int
    observed: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class SpecifiedSides:
    """Both sides of an estimate under one specification, in the order of its units (`specified_sides`).

    NaN where the specification leaves nothing of a unit.
    """

    primary_id: str
    """The estimate under the primary specification."""
    sides: str
    """Name of the specification, without what only puts the sides together otherwise."""
    seed: int | None
    observed: tuple[float, ...]
    reference: tuple[float, ...]
    widening: float
    """How much wider the error is where texts serve several units: two-way clusters over one-way, linearised; at least 1."""


@dataclass(frozen=True, kw_only=True)
class SpecifiedTotals:
    """What each language's latents amount to together under one specification of a gap between groups (`specified_totals`).

    Over the units that both sides have. With them a gap is known however languages are shared out.
    """

    primary_id: str
    """The estimate under the primary specification."""
    specification: str
    """The primary one among them."""
    totals: tuple[float, ...]
    """Of every language in the study's order; NaN of one that is on neither side."""


@dataclass(frozen=True, kw_only=True)
class SpecifiedEstimate:
    """An estimate under one specification that is not the primary one (`specified_estimates`)."""

    estimate_id: str
    """That of the primary one, with this specification's name at its end."""
    primary_id: str
    specification: str
    sides: str
    """Which sides it is made of; empty of a hole."""
    formula: str
    """As an estimate's, or `MEDIAN_OF_GAPS`; empty of a hole."""
    unit_kind: str
    value: float | None
    """None of a hole."""
    because: str
    """Why there is no value; empty where there is one."""


MEDIAN_OF_GAPS = "median-of-gaps-percent"
"""100 * median(1 - observed / reference): a reading of a gap that no primary specification takes."""


@dataclass(frozen=True, kw_only=True)
class ItemOverlap:
    """How many of one benchmark's questions a language shares with all others (`item_overlaps`).

    Kept of benchmarks alone whose questions are not the same in every language.
    """

    benchmark: str
    language: str
    asked: int
    """Questions in this language."""
    shared: int
    """Of those, questions that every language was asked, by document id."""


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """One known number of the instrument, recomputed (`self_checks`)."""

    check_id: str
    says: str
    """What the number is, in a sentence."""
    expected: float
    measured: float
    tolerance: float
    """Largest allowed absolute difference."""
    because: str
    """Why this tolerance."""
    differs: bool
