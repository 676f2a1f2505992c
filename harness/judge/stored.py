"""A run's stored tables as the judge's measurements: samples, what stands beside them, and what they start from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Protocol

import numpy as np

from harness.judge.pooled import pooled_estimates
from harness.judge.resampled import Resampled
from harness.judge.sample import Assumption, Sample
from harness.judge.unit_values import Stored, read_stored
from harness.statistics.assumptions import clustered
from harness.statistics.resampling import NUM_DRAWS
from harness.words.claim import Claim, InferenceTarget
from harness.words.estimate import Estimate, Formula
from harness.words.study import Group, Study

ERRORS_ABOVE_CHANCE = 3.0
"""Standard errors by which an accuracy must exceed guessing before it counts as more than that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSamples:
    """The measurements of one run under one stream of draws."""

    study: Study
    stored: Stored
    wanted: tuple[str, ...]
    """Every estimate that some claim names: their draws are made together."""
    paper_units: Mapping[str, int] = field(default_factory=dict)
    stream_number: int = 1
    num_draws: int = NUM_DRAWS

    @cached_property
    def _resampled(self) -> Resampled:
        return Resampled(self.stored, self.stream_number, self.num_draws, self.paper_units, self.wanted)

    def has(self, estimate_id: str) -> bool:
        """Whether the run measured it."""
        return estimate_id in self.stored.estimates

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """One quantity with its error, and what that takes for granted."""
        sample = self._resampled.sample(estimate_id, inference)
        if sample.pairs is None:
            return sample
        return replace(sample, assumptions=(*sample.assumptions, *_about_languages(sample, self.study)))

    def pooled(self, estimate_ids: Sequence[str]) -> Sample:
        """The mean of several, each weighing alike."""
        return pooled_estimates(self._resampled, estimate_ids)

    def another(self, stream_number: int, num_draws: int) -> "StoredSamples":
        """The same measurements with other bootstrap draws."""
        return replace(self, stream_number=stream_number, num_draws=num_draws)

    def notes(self, estimate_id: str) -> tuple[str, ...]:
        """How unusual a group gap is among all ways to share the languages out."""
        estimate = self.stored.estimates[estimate_id]
        if estimate.quantity != "gap" or estimate.language is not None or estimate.formula != Formula.GAP:
            return ()
        means = self._language_means(estimate)
        return (_relabelled(means, self.study),) if means else ()

    def is_at_chance(self, estimate_id: str) -> bool:
        """Whether a change in accuracy starts from what guessing reaches."""
        return starts_at_chance(self.study, self.stored.estimates[estimate_id], self)

    def _language_means(self, group: Estimate) -> dict[str, float]:
        """Mean activation of every language at the gap's layer, over the same latents."""
        means = {}
        for language in self.study.targets:
            scope = f"gap/layer={group.layer}/lang={language.code}/{group.reading}/{group.specification}"
            rows = self.stored.unit_rows(scope)
            if rows is None:
                return {}
            means[language.code] = float(rows.mean_observed.mean())
        return means


def stored_samples(study: Study, estimates: Path, claims: Iterable[Claim]) -> StoredSamples:
    """The measurements of an estimates artifact, for the claims that will ask."""
    return samples_of(study, read_stored(estimates), claims)


def samples_of(study: Study, stored: Stored, claims: Iterable[Claim]) -> StoredSamples:
    """The same, of tables that are read already."""
    asked = tuple(claims)
    wanted = dict.fromkeys(
        each for claim in asked for reading in claim.readings for each in reading.estimates
    )
    units = {
        each: claim.paper_units for claim in asked if claim.paper_units for each in claim.primary.estimates
    }
    return StoredSamples(study=study, stored=stored, wanted=tuple(wanted), paper_units=units)


class Accuracies(Protocol):
    """Where the accuracy of the untouched model may be found."""

    def has(self, estimate_id: str) -> bool:
        """Whether it was measured."""

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """One accuracy with its error."""


def starts_at_chance(study: Study, change: Estimate, accuracies: Accuracies) -> bool:
    """Whether a change in accuracy starts from what guessing reaches, where the accuracy before is known."""
    benchmark = next((each for each in study.benchmarks if each.name == change.benchmark), None)
    asked_in = study.reference.code if change.quantity == "delta-english" else change.language
    base_id = f"accuracy/lang={asked_in}/bench={change.benchmark}/primary/primary"
    if benchmark is None or "delta" not in change.quantity or not accuracies.has(base_id):
        return False
    base = accuracies.sample(base_id, InferenceTarget.POPULATION)
    return base.value - 100 * benchmark.chance <= ERRORS_ABOVE_CHANCE * base.spread.se


def _about_languages(sample: Sample, study: Study) -> Iterator[Assumption]:
    """Languages count as units that vary by themselves; they do not where their two groups alone make a correlation."""
    assert sample.pairs is not None
    groups = {language.code: language.group for language in study.languages}
    found = clustered(*sample.pairs, [groups.get(code, code) for code in sample.units])
    if found is None:
        yield Assumption(
            says="Languages are taken as units that vary by themselves, which so few cannot show."
        )
        return
    outcome = (
        "so its two groups alone may make it"
        if found.rests_on_clusters
        else "so it is not the groups' doing alone"
    )
    yield Assumption(
        says=f"Languages are taken as units that vary by themselves: within high- and low-resource languages the correlation is "
        f"{found.within:+.3f}, {outcome}. Families of languages are not told apart.",
        is_broken=found.rests_on_clusters,
    )


def _relabelled(means: Mapping[str, float], study: Study) -> str:
    codes, low = list(means), study.codes(Group.LOW)
    gaps = [_gap(means, chosen) for chosen in combinations(codes, len(low))]
    share = np.mean([gap >= _gap(means, low) - 1e-12 for gap in gaps])
    return (
        f"Of the {len(gaps)} ways to share {len(codes)} languages out, {share:.2%} give a gap as large: a statement about "
        f"languages rests on {len(codes)} units, and its p-value cannot fall below {1 / len(gaps):.4f}."
    )


def _gap(means: Mapping[str, float], low: Sequence[str]) -> float:
    above = [value for code, value in means.items() if code not in low]
    return 100 * (1 - float(np.mean([means[code] for code in low])) / float(np.mean(above)))
