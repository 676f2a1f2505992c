"""What an interval takes for granted, read off the units: their tail, how many of them count, an odd one out, clusters.

A diagnostic can show that an assumption is broken, never that it holds; each is told in one sentence beside the verdict.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.statistics.metrics import pearson
from harness.statistics.stats import BELOW_ROUNDING, f_tail, ratio_residuals, t_quantile, t_tail
from harness.words.estimate import ALPHA

Values = NDArray[np.float64]

LEAST_TAIL_INDEX = 1.35
"""Tail index under which an interval for a ratio of means errs more often than stated, whatever the method.

Source: our simulation, docs/decisions/0008; at 100 units and this index the one-sided rate of the studentised
bootstrap is .064 where .05 is stated, and .09 to .12 for all samples of laws with heavier tails.
"""

TAIL_PART = 4
"""The tail index is read off the largest of so many parts of the residuals."""

LEAST_LATENTS = 20
"""Fewer cannot show their tail: a wrong verdict was given in up to one of seven."""

LEAST_TO_COMPARE = 5
"""Of fewer values none can be told to be the odd one out: of three, one always lies as far off as it can."""


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """Something that an error takes for granted, and what the units show of it."""

    says: str
    """One sentence, with the figure that speaks for or against it."""
    is_broken: bool = False
    """True where the units show that it does not hold: then no verdict is earned."""


def about_tail(
    names: Sequence[str], observed: Values, reference: Values, value: Callable[[Values, Values], float]
) -> Assumption:
    """That the latents behind a ratio of sums have no heavy tail.

    Args:
        names: The latents.
        observed: One side, latent by latent.
        reference: The other side.
        value: The estimate from both sides, to be told without its most influential latent.
    """
    index, place = tail_index(observed, reference), most_influential(observed, reference)
    kept, count = np.arange(len(observed)) != place, len(observed)
    shown = (
        f"their tail index is {index:.2f}, and under {LEAST_TAIL_INDEX} no interval errs as rarely as stated"
        if count >= LEAST_LATENTS
        else f"fewer than {LEAST_LATENTS} cannot show their tail"
    )
    return Assumption(
        says=f"The {count} latents weigh as much as {effective_units(reference):.1f} of equal size; {shown}; without latent "
        f"{names[place]}, which moves it most, it would be {value(observed[kept], reference[kept]):.2f}.",
        is_broken=count < LEAST_LATENTS or index < LEAST_TAIL_INDEX,
    )


def about_seeds(values: Values) -> Assumption:
    """That training seeds vary as a normal law has it."""
    is_broken = has_odd_one_out(values)
    found = "one lies further off than a normal law allows" if is_broken else "none lies off"
    return Assumption(
        says=f"Training seeds are taken as normal, which {len(values)} cannot show: {found} (Grubbs); were they skewed like "
        "logarithmic normal ones, a verdict would err about four times as often as stated.",
        is_broken=is_broken,
    )


def about_languages(x: Values, y: Values, groups: Sequence[str]) -> Assumption:
    """That languages vary by themselves; they do not where their groups alone make a correlation."""
    found = clustered(x, y, groups)
    if found is None:
        says = "Languages are taken as units that vary by themselves, which so few cannot show."
        return Assumption(says=says)
    outcome = (
        "so its two groups alone may make it"
        if found.rests_on_clusters
        else "so it is not the groups' doing alone"
    )
    return Assumption(
        says=f"Languages are taken as units that vary by themselves: within high- and low-resource languages the correlation is "
        f"{found.within:+.3f}, {outcome}. Families of languages are not told apart.",
        is_broken=found.rests_on_clusters,
    )


def tail_index(observed: Values, reference: Values) -> float:
    """Hill's estimate of how fast the residuals of a ratio of sums thin out: 2 and less has no finite variance.

    0 where most units carry nothing at all, infinite where the largest are all of one size.

    Source: B. Hill, Annals of Statistics 3 (1975), 1163-1174; over the largest quarter.
    """
    sizes = np.sort(np.abs(ratio_residuals(observed, reference)))[::-1]
    threshold = float(sizes[len(sizes) // TAIL_PART])
    if threshold <= 0:
        return 0.0
    mean = (
        float(np.mean(np.log(sizes[: len(sizes) // TAIL_PART] / threshold)))
        if len(sizes) >= TAIL_PART
        else 0.0
    )
    return 1 / mean if mean else math.inf


def effective_units(weights: Values) -> float:
    """How many units of equal weight would make a mean as sure as these do.

    Source: L. Kish, Survey Sampling (1965), section 11.7.
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def most_influential(observed: Values, reference: Values) -> int:
    """Place of the unit without which a ratio of sums would move most."""
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (observed.sum() - observed) / (reference.sum() - reference)
        moved = np.abs(without - observed.sum() / reference.sum())
    return int(np.argmax(np.nan_to_num(moved, nan=np.inf)))


def has_odd_one_out(values: Values) -> bool:
    """Whether one value lies further from the others than those of a normal law do once in twenty samples.

    Source: F. Grubbs, Annals of Mathematical Statistics 21 (1950), 27-58; two-sided.
    """
    count = len(values)
    # Whole counts fall on each other, and what stands beside a tie looks odd.
    if len(np.unique(values)) < LEAST_TO_COMPARE - 1 or count < LEAST_TO_COMPARE:
        return False
    deviation = float(np.std(values, ddof=1))
    if deviation <= BELOW_ROUNDING * float(np.abs(values).max()):
        return False
    quantile = t_quantile(1 - ALPHA / (2 * count), count - 2.0)
    critical = (count - 1) / math.sqrt(count) * math.sqrt(quantile**2 / (count - 2 + quantile**2))
    return float(np.abs(values - values.mean()).max()) / deviation > critical


@dataclass(frozen=True)
class Clustered:
    """A correlation whose units go together in clusters."""

    within: float
    """The correlation of what lies within clusters."""
    rests_on_clusters: bool
    """True where the clusters' means alone may have made it: they tell both sides apart, and nothing is shown within."""


def clustered(x: Values, y: Values, clusters: Sequence[str]) -> Clustered | None:
    """How much of a correlation is the clusters' doing; None where they leave too little within.

    Source: analysis of variance at `ALPHA` for either side; Fisher's interval of the partial correlation given the
    clusters. With it the rate of a wrong sign stays at .055 for nine units in two clusters of any effect, else .05 to .28.
    """
    names = list(dict.fromkeys(clusters))
    left = len(x) - len(names)
    if len(names) < 2 or left <= 2:  # noqa: PLR2004  one cluster tells nothing apart, and two units are used up within
        return None
    code = np.array([names.index(each) for each in clusters])
    sides = [each - (np.bincount(code, each) / np.bincount(code))[code] for each in (x, y)]
    if not all(side.any() for side in sides):
        return Clustered(0.0, rests_on_clusters=True)
    within, seen = pearson(*sides), pearson(x, y)
    told_apart = all(_differ(each, side, len(names)) for each, side in zip((x, y), sides, strict=True))
    shown = math.copysign(1, seen) * math.atanh(np.clip(within, -1 + 1e-12, 1 - 1e-12)) * math.sqrt(left - 2)
    is_shown = t_tail(shown, None) <= ALPHA
    return Clustered(within, rests_on_clusters=within * seen <= 0 or (told_apart and not is_shown))


def _differ(values: Values, within: Values, count: int) -> bool:
    """Whether the means of clusters are shown to differ."""
    inner = float((within**2).sum())
    outer = float(((values - values.mean()) ** 2).sum()) - inner
    left = len(values) - count
    return f_tail((outer / (count - 1)) / (inner / left), count - 1, left) <= ALPHA
