"""Two runs of one study side by side: settings that differ, verdicts that moved, numbers by the size of their change."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from harness.report.document import JudgedClaim, Measurement, Report
from harness.report.numbers import NONE, amount, count, printable, short, unit_form
from harness.report.render import markdown_text
from harness.report.wording import VERDICTS
from harness.words.errors import UsageError
from harness.words.verdict import Interval, State

ROUNDING = 1e-4
"""Share of a number, or of the whole that it is a share of, by which processors and libraries may differ; of a number that a page
prints as zero, share of the last digit."""
ERRORS_OF_90 = 1.6448536
"""Standard errors from the middle of a 90 % interval to its end."""
ERRORS_BEYOND = 1.959964
"""Standard errors of their difference beyond which two numbers differ by more than noise, in 95 of 100 cases."""
Row = TypeVar("Row", JudgedClaim, Measurement)

ABSENT = "absent"
MORE_DIGITS = 8
"""Digits beyond those of a page with which two numbers may be told apart."""
SHOWN = 20
"""Numbers and facts of one kind that text and Markdown show; JSON holds all."""
DIGEST_LENGTH = 40
"""Texts at least this long are digests or revisions, of which the head is shown."""


class Noise(StrEnum):
    """What explains the distance between the numbers of two runs."""

    SAME = "the same number"
    ROUNDING = "rounding"
    WITHIN = "within noise"
    BEYOND = "beyond noise"
    UNKNOWN = "noise unknown"
    """At least one of the numbers has no interval, or is missing."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One number in both runs."""

    before: float | None
    after: float | None
    unit: str
    size: float | None
    """In standard errors of the difference; None where no error is known."""
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class ClaimMove:
    """One claim in both runs."""

    id: str
    part: str
    """"claim", or "self-check" for a study that checks the judge."""
    before: str
    """Its state; "absent" where a run does not have it."""
    after: str
    estimate: Change
    rule_changed: bool
    """True where targets, margin, rule or minima are not the same: then states cannot be compared alone."""

    @property
    def has_moved(self) -> bool:
        """True when the verdict is another."""
        return self.before != self.after

    @property
    def is_beyond_noise(self) -> bool:
        """True of a verdict that moved though both runs judged the claim by one rule, and noise does not explain it."""
        judged = {self.before, self.after}.isdisjoint({ABSENT, State.NOT_RUN})
        explained = self.estimate.noise not in {Noise.BEYOND, Noise.UNKNOWN}
        return self.has_moved and judged and not self.rule_changed and not explained


@dataclass(frozen=True, kw_only=True)
class NumberMove:
    """One measured number that differs between the runs by more than rounding."""

    id: str
    change: Change


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
    tolerance: float
    settings: tuple[FactMove, ...]
    """What was asked for and where it ran."""
    claims: tuple[ClaimMove, ...]
    """Every claim of either run, in the order of the second."""
    numbers: tuple[NumberMove, ...]
    """Measured numbers that differ by more than rounding, the largest change in standard errors first."""
    num_equal: int
    """Measured numbers that are the same to the last digit."""
    num_rounding: int
    """Measured numbers that differ by rounding alone."""
    facts: tuple[FactMove, ...]
    """Things made and fetched."""

    @property
    def moved(self) -> tuple[ClaimMove, ...]:
        """The claims whose verdict is another."""
        return tuple(claim for claim in self.claims if claim.has_moved)

    @property
    def is_beyond_noise(self) -> bool:
        """Whether a verdict moved beyond noise."""
        return any(claim.is_beyond_noise for claim in self.claims)


def compare(before: Report, after: Report, tolerance: float = ROUNDING) -> Comparison:
    """What changed from one run to another.

    Runs that share latents, phrases or questions share noise too, so taking their errors for independent errs on the side of
    calling a change noise.

    Args:
        before: One run.
        after: The other.
        tolerance: Share of a number, or of the whole that it is a share of, that counts as rounding.

    Raises:
        UsageError: If they are not runs of one study.
    """
    if before.run.study != after.run.study:
        raise UsageError(
            f"the runs are of different studies, {before.run.study!r} and {after.run.study!r}; compare two runs of one study"
        )
    moves = list(_numbers(before.measurements, after.measurements, tolerance))
    found = [move.change.noise for move in moves]
    changed = [move for move in moves if move.change.noise not in {Noise.SAME, Noise.ROUNDING}]
    return Comparison(
        study=after.run.study,
        run_before=before.run.id,
        run_after=after.run.id,
        tolerance=tolerance,
        settings=_differing(_settings(before), _settings(after)),
        claims=(
            *_claims("claim", before.claims, after.claims, tolerance),
            *_claims("self-check", before.checking_claims, after.checking_claims, tolerance),
        ),
        numbers=tuple(sorted(changed, key=lambda move: -(move.change.size or 0.0))),
        num_equal=found.count(Noise.SAME),
        num_rounding=found.count(Noise.ROUNDING),
        facts=_differing(_facts(before), _facts(after)),
    )


def change(
    before: float | None,
    after: float | None,
    unit: str,
    intervals: Sequence[Interval | None],
    tolerance: float = ROUNDING,
) -> Change:
    """What the 90 % intervals of two numbers say about their distance."""
    size = None
    if before is None or after is None:
        noise = Noise.UNKNOWN
    elif before == after:
        size, noise = 0.0, Noise.SAME
    else:
        distance = abs(after - before)
        errors = [(high - low) / 2 / ERRORS_OF_90 for low, high in filter(None, intervals)]
        joint = math.hypot(*errors) if len(errors) == len(intervals) else 0.0
        size = distance / joint if joint else None
        form = unit_form(unit)
        if distance <= tolerance * max(abs(before), abs(after), form.whole or 10.0**-form.decimals):
            noise = Noise.ROUNDING
        elif size is None:
            noise = Noise.UNKNOWN
        else:
            noise = Noise.BEYOND if size > ERRORS_BEYOND else Noise.WITHIN
    return Change(before=before, after=after, unit=unit, size=size, noise=noise)


def _claims(
    part: str, before: Sequence[JudgedClaim], after: Sequence[JudgedClaim], tolerance: float
) -> Iterator[ClaimMove]:
    for name, old, new in _paired(before, after):
        yield ClaimMove(
            id=name,
            part=part,
            before=old.state if old else ABSENT,
            after=new.state if new else ABSENT,
            estimate=_changed(old, new, tolerance),
            rule_changed=bool(old and new and old.judged_by != new.judged_by),
        )


def _numbers(
    before: Sequence[Measurement], after: Sequence[Measurement], tolerance: float
) -> Iterator[NumberMove]:
    for name, old, new in _paired(before, after):
        found = _changed(old, new, tolerance)
        if (
            old and new and old.value is new.value is None
        ):  # two numbers that are both not finite are no change
            found = replace(found, noise=Noise.SAME)
        yield NumberMove(id=name, change=found)


def _changed(old: Row | None, new: Row | None, tolerance: float) -> Change:
    known = new or old
    assert known is not None
    (before, first), (after, second) = _estimate(old), _estimate(new)
    return change(before, after, known.unit, (first, second), tolerance)


def _estimate(row: JudgedClaim | Measurement | None) -> tuple[float | None, Interval | None]:
    """A number with its 90 % interval, as far as there is one."""
    if isinstance(row, Measurement):
        return row.value, row.precision.ci90 if row.precision else None
    return (row.numbers.estimate, row.numbers.ci90) if row and row.numbers else (None, None)


def _paired(before: Sequence[Row], after: Sequence[Row]) -> Iterator[tuple[str, Row | None, Row | None]]:
    """By id, in the order of the second."""
    old: Mapping[str, Row] = {row.id: row for row in before}
    new: Mapping[str, Row] = {row.id: row for row in after}
    for name in dict.fromkeys((*new, *old)):
        yield name, old.get(name), new.get(name)


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[FactMove, ...]:
    return tuple(
        FactMove(what=what, before=old.get(what, ABSENT), after=new.get(what, ABSENT))
        for what in dict.fromkeys((*new, *old))
        if old.get(what, ABSENT) != new.get(what, ABSENT)
    )


def _settings(report: Report) -> Mapping[str, str]:
    """What was asked for and where it ran, by name."""
    run, lock = report.run, report.lock
    return {
        "mode": report.mode,
        "profile": run.profile,
        "lock": lock.sha256,
        "state of the lock": lock.status,
        **{f"setting {name}": value for name, value in run.settings.items()},
        **{f"environment {name}": value for name, value in run.environment.items()},
    }


def _facts(report: Report) -> Mapping[str, str]:
    """What a run fetched and made, by name."""
    run = report.run
    named: Mapping[str, Iterable[tuple[str, str]]] = {
        "source": ((source.name, source.revision) for source in run.sources),
        "artifact": ((f"{row.stage}/{row.item}", row.digest) for row in run.artifacts),
        "self-check": ((row.id, "differs" if row.differs else "agrees") for row in report.self_checks),
    }
    return {
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
    claims, numbers = comparison.claims, comparison.numbers
    settings = comparison.settings
    yield (
        f"{count(len(settings), 'setting')} {'differs' if len(settings) == 1 else 'differ'}",
        _fact_rows(settings),
    )
    moved = [_claim_row(move) for move in comparison.moved]
    beyond = sum(claim.is_beyond_noise for claim in claims)
    yield f"{len(moved)} of {count(len(claims), 'verdict')} moved, {beyond:,} beyond noise", moved
    still = [
        _claim_row(each) for each in claims if not each.has_moved and each.estimate.noise is Noise.BEYOND
    ]
    if still:
        yield f"{count(len(still), 'verdict')} stayed though the number moved beyond noise", still
    beyond = sum(move.change.noise is Noise.BEYOND for move in numbers)
    in_all = len(numbers) + comparison.num_equal + comparison.num_rounding
    yield (
        f"{len(numbers):,} of {in_all:,} numbers changed, {beyond:,} beyond noise; {comparison.num_rounding:,} differ by rounding",
        _first(
            [(move.id, _values(move.change), _size(move.change), str(move.change.noise)) for move in numbers]
        ),
    )
    yield (
        f"{count(len(comparison.facts), 'difference')} in what they fetched and made",
        _fact_rows(comparison.facts),
    )


def _fact_rows(facts: Sequence[FactMove]) -> list[tuple[str, ...]]:
    return _first([(fact.what, f"{_head(fact.before)} \u2192 {_head(fact.after)}") for fact in facts])


def _first(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The head of a long list, and how much follows."""
    if len(rows) <= SHOWN:
        return list(rows)
    rest = ("\u2026", f"and {len(rows) - SHOWN:,} more, with --json", *[""] * (len(rows[0]) - 2))
    return [*rows[:SHOWN], rest]


def _claim_row(move: ClaimMove) -> tuple[str, ...]:
    states = (move.before, move.after) if move.has_moved else (move.after,)
    words = (
        state if state == ABSENT else f"{VERDICTS[state].glyph} {VERDICTS[state].word}" for state in states
    )
    return (
        f"{move.id} (self-check)" if move.part == "self-check" else move.id,
        " \u2192 ".join(words),
        _values(move.estimate),
        _size(move.estimate),
        str(move.estimate.noise),
        "judged by another rule" if move.rule_changed else "",
    )


def _values(change: Change) -> str:
    """Both numbers, with as many digits more as it takes to see them differ."""
    sides = [change.before, change.after]
    for more in range(MORE_DIGITS):
        said = [
            NONE if value is None else amount(value, change.unit, signed=False, more=more) for value in sides
        ]
        if said[0] != said[1]:
            break
    return " \u2192 ".join(said)


def _size(change: Change) -> str:
    return "" if change.size is None else f"{change.size:.1f} standard errors"


def _head(text: str) -> str:
    return short(text) if len(text) >= DIGEST_LENGTH and " " not in text else text
