"""One study brought before the judge: its claims, the measurements, and the circumstances of the run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.judge.hearing import Circumstances, Samples, judge
from harness.judge.sample import Sample
from harness.judge.stored import samples_of
from harness.judge.unit_values import Stored
from harness.words.claim import Claim, InferenceTarget
from harness.words.mode import Mode
from harness.words.study import Study
from harness.words.verdict import Verdict, Why

WHY_NO_CLAIM: Mapping[str, Why] = {Mode.FIXTURE: Why.FIXTURE_MODE, Mode.REHEARSAL: Why.REHEARSAL_MODE}
"""Modes in which no claim of a paper is judged, whatever was measured."""


@dataclass(frozen=True, kw_only=True)
class Docket:
    """Everything that the verdicts on one study follow from."""

    study: str
    """Name of its folder below `claims/`."""
    claims: tuple[Claim, ...]
    samples: Samples
    circumstances: Circumstances


Hear = Callable[[Docket], tuple[Verdict, ...]]
"""Answers every claim of a docket, in its order."""


def hear(docket: Docket) -> tuple[Verdict, ...]:
    """The verdicts themselves."""
    return judge(docket.claims, docket.samples, docket.circumstances)


class Unmeasured:
    """The measurements of a run that has none."""

    def has(self, estimate_id: str) -> bool:
        """Never."""
        del estimate_id
        return False

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """Nothing to give; the judge asks `has` first."""
        raise KeyError(f"{estimate_id} under {inference} was not measured")

    def pooled(self, estimate_ids: Sequence[str]) -> Sample:
        """Nothing to give."""
        raise KeyError(f"{len(estimate_ids)} estimates were not measured")

    def another(self, stream_number: int, num_draws: int) -> "Unmeasured":
        """The same nothing."""
        del stream_number, num_draws
        return self

    def notes(self, estimate_id: str) -> tuple[str, ...]:
        """None."""
        del estimate_id
        return ()

    def is_at_chance(self, estimate_id: str) -> bool:
        """Unknown, so no."""
        del estimate_id
        return False


def docket_of(
    study: Study,
    claims: tuple[Claim, ...],
    stored: Stored | None,
    circumstances: Circumstances,
) -> Docket:
    """A study with the tables of a run; without them it has no measurement."""
    samples = samples_of(study, stored, claims) if stored else Unmeasured()
    return Docket(study=study.name, claims=claims, samples=samples, circumstances=circumstances)
