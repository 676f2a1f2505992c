"""Two runs of one study side by side: verdicts that moved, whether beyond noise, and what the runs rest on."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.report.document import JudgedClaim, Measurement, Report
from harness.words.errors import UsageError
from harness.words.verdict import Interval, Numbers

ABSENT = "absent"


class Noise(StrEnum):
    """Whether the noise of both runs explains the distance between their numbers."""

    SAME = "the same number"
    WITHIN = "within noise"
    BEYOND = "beyond noise"
    UNKNOWN = "noise unknown"
    """At least one of the numbers has no interval, or is missing."""


@dataclass(frozen=True, kw_only=True)
class ClaimMove:
    """One claim in both runs."""

    id: str
    part: str
    """"claim", or "self-check" for a study that checks the judge."""
    before: str
    """Its state; "absent" where a run does not have it."""
    after: str
    estimate_before: float | None
    estimate_after: float | None
    unit: str
    noise: Noise
    rule_changed: bool
    """True where targets, margin, rule or minima are not the same: then states cannot be compared alone."""

    @property
    def has_moved(self) -> bool:
        """True when the verdict is another."""
        return self.before != self.after


@dataclass(frozen=True, kw_only=True)
class NumberMove:
    """One measured number that differs between the runs."""

    id: str
    before: float | None
    after: float | None
    unit: str
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class FactMove:
    """One thing that the runs rest on and that is not the same."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is not the same in two runs."""

    study: str
    run_before: str
    run_after: str
    claims: tuple[ClaimMove, ...]
    """Every claim of either run, in the order of the second."""
    numbers: tuple[NumberMove, ...]
    """Measured numbers that differ, those beyond noise first."""
    num_equal: int
    """Measured numbers that are the same to the last digit."""
    facts: tuple[FactMove, ...]

    @property
    def moved(self) -> tuple[ClaimMove, ...]:
        """The claims whose verdict is another."""
        return tuple(claim for claim in self.claims if claim.has_moved)


def compare(before: Report, after: Report) -> Comparison:
    """What changed from one run to another.

    Noise is the root of the sum of squares of both 95 % half-widths. Runs that share latents, phrases or questions share
    noise too, so this errs on the side of calling a change noise.

    Raises:
        UsageError: If they are not runs of one study.
    """
    studies = (before.run.study, after.run.study)
    if studies[0] != studies[1]:
        raise UsageError(
            f"the runs are of different studies, {studies[0]!r} and {studies[1]!r}; compare two runs of one study"
        )
    numbers, num_equal = _numbers(before.measurements, after.measurements)
    return Comparison(
        study=studies[1],
        run_before=before.run.id,
        run_after=after.run.id,
        claims=(*_claims("claim", before.claims, after.claims), *_self_checks(before, after)),
        numbers=tuple(numbers),
        num_equal=num_equal,
        facts=tuple(_facts(before, after)),
    )


def _self_checks(before: Report, after: Report) -> Iterator[ClaimMove]:
    old, new = before.self_check_study, after.self_check_study
    return _claims("self-check", old.claims if old else [], new.claims if new else [])


def _claims(part: str, before: Sequence[JudgedClaim], after: Sequence[JudgedClaim]) -> Iterator[ClaimMove]:
    old, new = ({claim.id: claim for claim in claims} for claims in (before, after))
    for name in dict.fromkeys((*new, *old)):
        yield _claim(name, part, old.get(name), new.get(name))


def _claim(name: str, part: str, old: JudgedClaim | None, new: JudgedClaim | None) -> ClaimMove:
    known = new or old
    assert known is not None
    numbers = [claim.measured if claim else None for claim in (old, new)]
    estimates = [found.estimate if found else None for found in numbers]
    return ClaimMove(
        id=name,
        part=part,
        before=old.verdict if old else ABSENT,
        after=new.verdict if new else ABSENT,
        estimate_before=estimates[0],
        estimate_after=estimates[1],
        unit=known.unit,
        noise=noise(estimates[0], estimates[1], _interval(numbers[0]), _interval(numbers[1])),
        rule_changed=old is not None and new is not None and old.judged_by != new.judged_by,
    )


def _interval(measured: Numbers | None) -> Interval | None:
    return measured.ci95 if measured else None


def noise(
    before: float | None,
    after: float | None,
    interval_before: Sequence[float] | None,
    interval_after: Sequence[float] | None,
) -> Noise:
    """What the intervals of two numbers say about their distance."""
    if before is None or after is None:
        return Noise.UNKNOWN
    if before == after:
        return Noise.SAME
    if interval_before is None or interval_after is None:
        return Noise.UNKNOWN
    halves = [(high - low) / 2 for low, high in (interval_before, interval_after)]
    return Noise.BEYOND if abs(after - before) > math.hypot(*halves) else Noise.WITHIN


def _numbers(before: Sequence[Measurement], after: Sequence[Measurement]) -> tuple[list[NumberMove], int]:
    """Numbers that differ, and how many do not."""
    old, new = ({row.id: row for row in rows} for rows in (before, after))
    moves = [_number(name, old.get(name), new.get(name)) for name in dict.fromkeys((*new, *old))]
    changed = [move for move in moves if move.noise is not Noise.SAME]
    order = (Noise.BEYOND, Noise.UNKNOWN, Noise.WITHIN)
    return sorted(changed, key=lambda move: order.index(move.noise)), len(moves) - len(changed)


def _number(name: str, old: Measurement | None, new: Measurement | None) -> NumberMove:
    values = [row.value if row else None for row in (old, new)]
    intervals = [row.precision.ci95 if row and row.precision else None for row in (old, new)]
    known = new or old
    assert known is not None
    said = noise(values[0], values[1], intervals[0], intervals[1])
    # Two numbers that are both not finite are no change.
    both_lost = old is not None and new is not None and values == [None, None]
    return NumberMove(
        id=name,
        before=values[0],
        after=values[1],
        unit=known.unit,
        noise=Noise.SAME if both_lost else said,
    )


def _facts(before: Report, after: Report) -> Iterator[FactMove]:
    """What the runs rest on, where it differs; a thing that one of them lacks is "absent" there."""
    old, new = (_facts_of(report) for report in (before, after))
    for what in dict.fromkeys((*new, *old)):
        pair = (old.get(what, ABSENT), new.get(what, ABSENT))
        if pair[0] != pair[1]:
            yield FactMove(what=what, before=pair[0], after=pair[1])


def _facts_of(report: Report) -> Mapping[str, str]:
    run, lock = report.run, report.lock
    return {
        "mode": report.mode,
        "profile": run.profile,
        "lock": lock.sha256,
        "state of the lock": lock.status,
        "exit code": str(report.summary.exit_code),
        **_named("environment", run.environment.items()),
        **_named("source", ((source.name, source.revision) for source in run.sources)),
        **_named("artifact", ((f"{row.stage}/{row.item}", row.digest) for row in run.artifacts)),
        **_named("self-check", ((row.id, _check_words(row.differs)) for row in report.self_checks)),
    }


def _named(kind: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {f"{kind} {name}": value for name, value in pairs}


def _check_words(differs: bool) -> str:  # noqa: FBT001 - a field of the record
    return "differs" if differs else "agrees"
