"""Two runs of one study side by side: verdicts that moved, whether beyond noise, and what the runs rest on."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.report.document import JudgedClaim, Measurement, Report
from harness.report.numbers import NONE, amount, count, printable, short
from harness.report.render import markdown_text
from harness.report.vocabulary import STATES
from harness.words.errors import UsageError
from harness.words.verdict import Interval, State

ABSENT = "absent"
SHOWN = 20
"""Numbers and facts of one kind that text and Markdown show; JSON holds all."""
DIGEST_LENGTH = 40
"""Texts at least this long are digests or revisions, of which the head is shown."""


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
    if before.run.study != after.run.study:
        raise UsageError(
            f"the runs are of different studies, {before.run.study!r} and {after.run.study!r}; compare two runs of one study"
        )
    moves = list(_numbers(before.measurements, after.measurements))
    changed = [move for move in moves if move.noise is not Noise.SAME]
    order = (Noise.BEYOND, Noise.UNKNOWN, Noise.WITHIN)
    old, new = (_facts(report) for report in (before, after))
    return Comparison(
        study=after.run.study,
        run_before=before.run.id,
        run_after=after.run.id,
        claims=(
            *_claims("claim", before.claims, after.claims),
            *_claims("self-check", before.checking_claims, after.checking_claims),
        ),
        numbers=tuple(sorted(changed, key=lambda move: order.index(move.noise))),
        num_equal=len(moves) - len(changed),
        facts=tuple(
            FactMove(what=what, before=old.get(what, ABSENT), after=new.get(what, ABSENT))
            for what in dict.fromkeys((*new, *old))
            if old.get(what, ABSENT) != new.get(what, ABSENT)
        ),
    )


def noise(
    before: float | None,
    after: float | None,
    interval_before: Interval | None,
    interval_after: Interval | None,
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


def _claims(part: str, before: Sequence[JudgedClaim], after: Sequence[JudgedClaim]) -> Iterator[ClaimMove]:
    sides = [{claim.id: claim for claim in claims} for claims in (before, after)]
    for name in dict.fromkeys((*sides[1], *sides[0])):
        old, new = (side.get(name) for side in sides)
        known = new or old
        assert known is not None
        measured = [claim.measured if claim else None for claim in (old, new)]
        estimates = [numbers.estimate if numbers else None for numbers in measured]
        intervals = [numbers.ci95 if numbers else None for numbers in measured]
        yield ClaimMove(
            id=name,
            part=part,
            before=old.verdict if old else ABSENT,
            after=new.verdict if new else ABSENT,
            estimate_before=estimates[0],
            estimate_after=estimates[1],
            unit=known.unit,
            noise=noise(estimates[0], estimates[1], intervals[0], intervals[1]),
            rule_changed=bool(old and new and old.judged_by != new.judged_by),
        )


def _numbers(before: Sequence[Measurement], after: Sequence[Measurement]) -> Iterator[NumberMove]:
    sides = [{row.id: row for row in rows} for rows in (before, after)]
    for name in dict.fromkeys((*sides[1], *sides[0])):
        rows = [side.get(name) for side in sides]
        known = rows[1] or rows[0]
        assert known is not None
        values = [row.value if row else None for row in rows]
        intervals = [row.precision.ci95 if row and row.precision else None for row in rows]
        # Two numbers that are both not finite are no change.
        both_lost = None not in rows and values == [None, None]
        yield NumberMove(
            id=name,
            before=values[0],
            after=values[1],
            unit=known.unit,
            noise=Noise.SAME if both_lost else noise(values[0], values[1], intervals[0], intervals[1]),
        )


def _facts(report: Report) -> Mapping[str, str]:
    """What a run rests on, by name."""
    run, lock = report.run, report.lock
    named: Mapping[str, Iterable[tuple[str, str]]] = {
        "environment": run.environment.items(),
        "source": ((source.name, source.revision) for source in run.sources),
        "artifact": ((f"{row.stage}/{row.item}", row.digest) for row in run.artifacts),
        "self-check": ((row.id, "differs" if row.differs else "agrees") for row in report.self_checks),
    }
    return {
        "mode": report.mode,
        "profile": run.profile,
        "lock": lock.sha256,
        "state of the lock": lock.status,
        "exit code": str(report.summary.exit_code),
        **{f"{kind} {name}": value for kind, pairs in named.items() for name, value in pairs},
    }


# As text and as Markdown


def as_text(comparison: Comparison) -> Iterator[str]:
    """What a terminal shows, line by line."""
    yield f"{comparison.study}: {short(comparison.run_before)} -> {short(comparison.run_after)}"
    for heading, rows in _parts(comparison):
        yield ""
        yield heading
        yield from ("  " + "  ".join(printable(cell) for cell in row) for row in rows)


def as_markdown(comparison: Comparison) -> Iterator[str]:
    """The same as tables."""
    yield f"### Comparison of two runs of {markdown_text(comparison.study)}"
    yield ""
    yield f"`{short(comparison.run_before)}` \u2192 `{short(comparison.run_after)}`"
    for heading, rows in _parts(comparison):
        yield ""
        yield f"**{markdown_text(heading)}**"
        if rows:
            yield ""
            yield "|" + " |" * len(rows[0])
            yield "|" + " :-- |" * len(rows[0])
            yield from (f"| {' | '.join(markdown_text(cell) for cell in row)} |" for row in rows)


def _parts(comparison: Comparison) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Headings with the rows that stand below them."""
    claims, numbers, facts = comparison.claims, comparison.numbers, comparison.facts
    moved = [_claim_row(move) for move in comparison.moved]
    yield f"{len(moved)} of {count(len(claims), 'verdict')} moved", moved
    still = [_claim_row(move) for move in claims if not move.has_moved and move.noise is Noise.BEYOND]
    if still:
        yield f"{count(len(still), 'verdict')} stayed though the number moved beyond noise", still
    beyond = sum(move.noise is Noise.BEYOND for move in numbers)
    yield (
        f"{len(numbers):,} of {len(numbers) + comparison.num_equal:,} numbers differ, {beyond:,} beyond noise",
        _first([(move.id, _values(move.before, move.after, move.unit), str(move.noise)) for move in numbers]),
    )
    yield (
        f"{count(len(facts), 'difference')} in what they rest on",
        _first([(fact.what, f"{_head(fact.before)} \u2192 {_head(fact.after)}") for fact in facts]),
    )


def _first(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The head of a long list, and how much follows."""
    if len(rows) <= SHOWN:
        return list(rows)
    rest = ("\u2026", f"and {len(rows) - SHOWN:,} more, with --json", *[""] * (len(rows[0]) - 2))
    return [*rows[:SHOWN], rest]


def _claim_row(move: ClaimMove) -> tuple[str, ...]:
    states = (move.before, move.after) if move.has_moved else (move.after,)
    words = (
        state if state == ABSENT else f"{STATES[State(state)].glyph} {STATES[State(state)].word}"
        for state in states
    )
    return (
        f"{move.id} (self-check)" if move.part == "self-check" else move.id,
        " \u2192 ".join(words),
        _values(move.estimate_before, move.estimate_after, move.unit),
        str(move.noise),
        "judged by another rule" if move.rule_changed else "",
    )


def _values(before: float | None, after: float | None, unit: str) -> str:
    sides = (NONE if value is None else amount(value, unit, signed=False) for value in (before, after))
    return " \u2192 ".join(sides)


def _head(text: str) -> str:
    return short(text) if len(text) >= DIGEST_LENGTH and " " not in text else text
