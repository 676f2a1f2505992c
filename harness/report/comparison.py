"""A comparison of two runs as text, Markdown and JSON."""

from collections.abc import Iterator, Sequence
from itertools import islice

from harness.report.compare import ABSENT, ClaimMove, Comparison, FactMove, Noise, NumberMove
from harness.report.numbers import amount, count, printable, short
from harness.report.render import markdown_text as plain
from harness.report.vocabulary import STATES
from harness.words.canonical import plain as jsonable
from harness.words.verdict import State

SHOWN = 20
"""Numbers and facts of one kind that text and Markdown show; JSON holds all."""
DIGEST_LENGTH = 40
"""Texts at least this long are digests or revisions, of which the head is shown."""


def as_json(comparison: Comparison) -> object:
    """Everything, for a machine."""
    return jsonable(comparison)


def as_text(comparison: Comparison) -> Iterator[str]:
    """What a terminal shows, line by line."""
    yield f"{comparison.study}: {short(comparison.run_before)} -> {short(comparison.run_after)}"
    for heading, rows in _parts(comparison):
        yield ""
        yield heading
        yield from ("  " + "  ".join(printable(cell) for cell in row) for row in rows)


def as_markdown(comparison: Comparison) -> Iterator[str]:
    """The same as tables."""
    yield f"### Comparison of two runs of {plain(comparison.study)}"
    yield ""
    yield f"`{short(comparison.run_before)}` \u2192 `{short(comparison.run_after)}`"
    for heading, rows in _parts(comparison):
        yield ""
        yield f"**{plain(heading)}**"
        if rows:
            width = len(rows[0])
            yield ""
            yield "|" + " |" * width
            yield "|" + " :-- |" * width
            yield from (f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows)


def _parts(comparison: Comparison) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    moved, claims = comparison.moved, comparison.claims
    yield f"{len(moved)} of {count(len(claims), 'verdict')} moved", [_claim_row(move) for move in moved]
    still = [move for move in claims if not move.has_moved and move.noise is Noise.BEYOND]
    if still:
        heading = f"{count(len(still), 'verdict')} stayed though the number moved beyond noise"
        yield heading, [_claim_row(move) for move in still]
    beyond = [move for move in comparison.numbers if move.noise is Noise.BEYOND]
    known = (
        f"{len(comparison.numbers):,} of {len(comparison.numbers) + comparison.num_equal:,} numbers differ"
    )
    yield f"{known}, {len(beyond):,} beyond noise", _first([_number_row(move) for move in comparison.numbers])
    yield (
        f"{count(len(comparison.facts), 'difference')} in what they rest on",
        _first([_fact_row(fact) for fact in comparison.facts]),
    )


def _first(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The head of a long list, and how much follows."""
    left_out = len(rows) - SHOWN
    if left_out <= 0:
        return list(rows)
    rest = ("\u2026", f"and {left_out:,} more, with --json", *[""] * (len(rows[0]) - 2))
    return [*islice(rows, SHOWN), rest]


def _claim_row(move: ClaimMove) -> tuple[str, ...]:
    moved = f"{_state(move.before)} \u2192 {_state(move.after)}" if move.has_moved else _state(move.after)
    values = f"{_value(move.estimate_before, move.unit)} \u2192 {_value(move.estimate_after, move.unit)}"
    rule = "judged by another rule" if move.rule_changed else ""
    name = f"{move.id} (self-check)" if move.part == "self-check" else move.id
    return (name, moved, values, str(move.noise), rule)


def _state(state: str) -> str:
    if state == ABSENT:
        return state
    return f"{STATES[State(state)].glyph} {STATES[State(state)].word}"


def _number_row(move: NumberMove) -> tuple[str, ...]:
    return (
        move.id,
        f"{_value(move.before, move.unit)} \u2192 {_value(move.after, move.unit)}",
        str(move.noise),
    )


def _fact_row(fact: FactMove) -> tuple[str, ...]:
    return (fact.what, f"{_shortened(fact.before)} \u2192 {_shortened(fact.after)}")


def _shortened(text: str) -> str:
    return short(text) if len(text) >= DIGEST_LENGTH and " " not in text else text


def _value(value: float | None, unit: str) -> str:
    return "\u2013" if value is None else amount(value, unit, signed=False)
