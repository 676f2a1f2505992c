"""Measurements that somebody declared as the judge's samples: summaries as told, unit values resampled like a run's.

A declared error answers one question: on items like these, or on these very items. Estimates are therefore asked for by
`key_of`, and a claim on fixed items finds nothing where only the other error was declared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.judge.pooled import pooled_samples
from harness.judge.precision import precisions
from harness.judge.sample import Sample
from harness.judge.stored import StoredSamples, starts_at_chance
from harness.words.claim import Claim, InferenceTarget
from harness.words.estimate import Estimate
from harness.words.judgement import Precision
from harness.words.study import Study

ON_FIXED_ITEMS = " on fixed items"


def key_of(estimate_id: str, inference: InferenceTarget) -> str:
    """Under which name an estimate is asked for."""
    return estimate_id + ON_FIXED_ITEMS if inference is InferenceTarget.FIXED_ITEMS else estimate_id


def asking_by_key(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims, asking for estimates under the names that declared samples have."""
    return tuple(
        replace(
            claim,
            readings=tuple(
                replace(reading, estimates=_keys(reading.estimates, claim)) for reading in claim.readings
            ),
            named=_keys(claim.named, claim),
        )
        for claim in claims
    )


def _keys(estimate_ids: Iterable[str], claim: Claim) -> tuple[str, ...]:
    return tuple(key_of(each, claim.inference) for each in estimate_ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeclaredSamples:
    """The measurements of one file under one stream of draws."""

    study: Study
    estimates: Mapping[str, Estimate]
    """Every declared estimate by its own id."""
    told: Mapping[str, Sample]
    """Summaries by key."""
    resampled: StoredSamples
    """Estimates that came with their unit values."""

    def has(self, estimate_id: str) -> bool:
        """Whether it was declared, with an error that answers the question."""
        return estimate_id in self.told or self.resampled.has(_bare(estimate_id))

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """One quantity with its error."""
        if estimate_id in self.told:
            return self.told[estimate_id]
        return replace(self.resampled.sample(_bare(estimate_id), inference), estimate_id=estimate_id)

    def pooled(self, estimate_ids: Sequence[str]) -> Sample:
        """The mean of several; where any of them came as a summary, all may depend on each other."""
        if not any(each in self.told for each in estimate_ids):
            return self.resampled.pooled([_bare(each) for each in estimate_ids])
        return pooled_samples([self.sample(each, InferenceTarget.POPULATION) for each in estimate_ids])

    def another(self, stream_number: int, num_draws: int) -> "DeclaredSamples":
        """The same with other bootstrap draws; those that stand in for a summary's come from the same stream."""
        told = {key: replace(each, stream_number=stream_number) for key, each in self.told.items()}
        return replace(self, told=told, resampled=self.resampled.another(stream_number, num_draws))

    def notes(self, estimate_id: str) -> tuple[str, ...]:
        """What is shown beside one quantity."""
        bare = _bare(estimate_id)
        return self.resampled.notes(bare) if self.resampled.has(bare) else ()

    def is_at_chance(self, estimate_id: str) -> bool:
        """Whether it starts from an accuracy that cannot be told from guessing, where that accuracy was declared."""
        return starts_at_chance(self.study, self.estimates[_bare(estimate_id)], self)

    def precisions(self) -> tuple[Precision, ...]:
        """How sure every declared estimate is, for figures."""
        of_told = (_precision(_bare(key), sample) for key, sample in self.told.items())
        return (*{each.estimate_id: each for each in of_told}.values(), *precisions(self.resampled))


def _bare(key: str) -> str:
    return key.removesuffix(ON_FIXED_ITEMS)


def _precision(estimate_id: str, sample: Sample) -> Precision:
    known = not sample.is_without_spread
    return Precision(
        estimate_id=estimate_id,
        se=sample.spread.se,
        df=sample.spread.df,
        ci90=sample.interval(0.90) if known else None,
        ci95=sample.interval(0.95) if known else None,
    )
