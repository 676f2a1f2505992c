"""Measurements laid out as tables of text, the same for every format."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.document import Measurement
from harness.report.numbers import amount, count, unit_words
from harness.report.panels import Filled, Layout, coordinates, first_series
from harness.report.wording import DIMENSIONS, quantity_words, scope_words

Key = tuple[str | int | None, ...]

LABEL_ORDER = ("language", "benchmark", "layer", "quantity", "reading", "specification")
"""Order of the columns that name a row: what a reader looks for first stands first."""

WAYS = ("reading", "specification")
"""Dimensions that say how a number is meant, not what it is about."""

SEED = "seed"
"""Unit kind of numbers that vary with training alone."""

LAYERS_IN_SHORT = 5
"""Layers, evenly spaced from first to last, that stand for all of them in a short table."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text; the first `num_labels` columns name a row, the others hold numbers."""

    caption: str
    headers: tuple[str, ...]
    num_labels: int
    rows: tuple[tuple[str, ...], ...]
    spanner: str = ""
    """Heading over all number columns, if they share one."""
    groups: tuple[str, ...] = ()
    """For each row, the heading it stands under; nothing where rows need none."""


def tabulate(filled: Filled, *, short: bool = False) -> Table:
    """The table of a panel that has measurements.

    Args:
        filled: The panel and its measurements.
        short: Whether layers are thinned out where there are many, and readings where the panel says so.
    """
    rows = _in_short(filled) if short else filled.rows
    if filled.panel.layout is Layout.GRID:
        return _grid(filled, rows)
    return _list(filled, rows)


def is_shortened(filled: Filled) -> bool:
    """Whether the short table of a panel leaves anything out."""
    return len(_in_short(filled)) < len(filled.rows)


def _in_short(filled: Filled) -> tuple[Measurement, ...]:
    rows = first_series(filled.rows) if filled.panel.first_series_in_short else filled.rows
    return _at_named_layers(rows)


def _at_named_layers(rows: Sequence[Measurement]) -> tuple[Measurement, ...]:
    layers = sorted({row.layer for row in rows if row.layer is not None})
    if len(layers) <= LAYERS_IN_SHORT + 1:
        return tuple(rows)
    last = len(layers) - 1
    named = {layers[round(step * last / (LAYERS_IN_SHORT - 1))] for step in range(LAYERS_IN_SHORT)}
    return tuple(row for row in rows if row.layer is None or row.layer in named)


def _varying(rows: Sequence[Measurement]) -> tuple[str, ...]:
    """Dimensions in which the rows differ, or at least one that says what they are about."""
    differing = [name for name in LABEL_ORDER if len({_key(row, [name]) for row in rows}) > 1]
    told = [name for name in differing if name not in WAYS or not _told_by_quantity(rows, name)]
    return tuple(told) or _first_scope(rows[0])


def _told_by_quantity(rows: Sequence[Measurement], way: str) -> bool:
    """Whether naming the quantity already says under which reading or specification it stands."""
    quantities = {row.quantity for row in rows}
    return len({_key(row, ["quantity", way]) for row in rows}) == len(quantities) > 1


def _first_scope(row: Measurement) -> tuple[str, ...]:
    named = dict(zip(DIMENSIONS, coordinates(row), strict=True))
    return next(
        ((name,) for name in ("language", "benchmark", "layer") if named[name] is not None), ("quantity",)
    )


def _key(row: Measurement, dimensions: Sequence[str]) -> Key:
    named = dict(zip(DIMENSIONS, coordinates(row), strict=True))
    return tuple(named[name] for name in dimensions)


def _words(filled: Filled, key: Key, dimensions: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        filled.languages.name(str(value)) if name == "language" and value else scope_words(name, value)
        for name, value in zip(dimensions, key, strict=True)
    )


def _groups(filled: Filled, keys: Sequence[Key], dimensions: Sequence[str]) -> tuple[str, ...]:
    """The group of each row's language, where that tells several languages from several others."""
    if "language" not in dimensions:
        return ()
    codes = [key[dimensions.index("language")] for key in keys]
    groups = {str(code): filled.languages.group(str(code)) for code in codes if code}
    crowded = [name for name, number in Counter(groups.values()).items() if name and number > 1]
    return tuple(groups.get(str(code), "") for code in codes) if len(crowded) > 1 else ()


def _list(filled: Filled, rows: Sequence[Measurement]) -> Table:
    labels, unit = _varying(rows), _only_unit(rows)
    with_seeds = any(row.num_seeds for row in rows)
    ordered = _by_way(filled, rows)
    return Table(
        caption=_caption(filled, unit),
        headers=(
            *(DIMENSIONS[name] for name in labels),
            "Value",
            "Units",
            *(("Seeds",) if with_seeds else ()),
        ),
        num_labels=len(labels),
        rows=tuple(
            (*_words(filled, _key(row, labels), labels), *_numbers(row, with_seeds=with_seeds))
            for row in ordered
        ),
        groups=_groups(filled, [_key(row, labels) for row in ordered], labels),
    )


def _numbers(row: Measurement, *, with_seeds: bool) -> tuple[str, ...]:
    """Value, units and seeds of one number."""
    units = count(_num_units(row), row.unit_kind)
    seeds = (str(row.num_seeds or "none"),) if with_seeds else ()
    return (_value(row, with_unit=True), units, *seeds)


def _num_units(row: Measurement) -> int:
    """Things behind a number; where seeds are all that varies, they are those things."""
    return row.num_seeds if row.unit_kind == SEED else row.num_units


def _grid(filled: Filled, rows: Sequence[Measurement]) -> Table:
    varying, unit = _varying(rows), _only_unit(rows)
    across = tuple(name for name in filled.panel.columns if name in varying)
    down = tuple(name for name in varying if name not in across) or _first_scope(rows[0])
    keys = list(dict.fromkeys(_key(row, across) for row in rows))
    lines = list(dict.fromkeys(_key(row, down) for row in _by_way(filled, rows)))
    cells = {(_key(row, down), _key(row, across)): _value(row, with_unit=not unit) for row in rows}
    return Table(
        caption=_caption(filled, unit) + _series_note(filled, rows) + _note(rows),
        headers=(*(DIMENSIONS[name] for name in down), *(_column_words(filled, key, across) for key in keys)),
        num_labels=len(down),
        rows=tuple(
            (*_words(filled, line, down), *(cells.get((line, key), "") for key in keys)) for line in lines
        ),
        spanner=", ".join(DIMENSIONS[name] for name in across),
        groups=_groups(filled, lines, down),
    )


def _by_way(filled: Filled, rows: Sequence[Measurement]) -> list[Measurement]:
    """The rows with those of one quantity, reading and specification together, languages in the study's order."""
    ways = list(dict.fromkeys(_key(row, ("quantity", *WAYS)) for row in rows))
    place = filled.languages.place
    return sorted(rows, key=lambda row: (ways.index(_key(row, ("quantity", *WAYS))), place(row.language)))


def _column_words(filled: Filled, key: Key, across: Sequence[str]) -> str:
    return " \u00b7 ".join(_words(filled, key, across)) or "Value"


def _value(row: Measurement, *, with_unit: bool) -> str:
    signed = quantity_words(row.quantity).signed
    return amount(row.value, row.unit, signed=signed, with_unit=with_unit)


def _only_unit(rows: Sequence[Measurement]) -> str:
    units = {row.unit for row in rows}
    return units.pop() if len(units) == 1 else ""


def _caption(filled: Filled, unit: str) -> str:
    words = unit_words(unit) if unit else ""
    return f"{filled.panel.heading}{', ' + words if words else ''}."


def _series_note(filled: Filled, rows: Sequence[Measurement]) -> str:
    """Which reading is shown, where others are left out."""
    left_out = {row.reading for row in filled.rows} - {row.reading for row in rows}
    return f" Reading: {scope_words('reading', rows[0].reading)}." if left_out else ""


def _note(rows: Sequence[Measurement]) -> str:
    """How much stands behind each number of a grid."""
    kinds = dict.fromkeys(row.unit_kind for row in rows)
    sizes = [_range([_num_units(row) for row in rows if row.unit_kind == kind], kind) for kind in kinds]
    seeds = sorted({row.num_seeds for row in rows if row.unit_kind != SEED} - {0})
    return f" Each number rests on {' or '.join(sizes)}{', ' + _range(seeds, SEED) if seeds else ''}."


def _range(numbers: Sequence[int], noun: str) -> str:
    low, high = min(numbers), max(numbers)
    return count(low, noun) if low == high else f"{low:,} to {count(high, noun)}"
