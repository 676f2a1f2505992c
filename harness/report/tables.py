"""Everything that a report lays out as a table of text, the same for every format."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import itemgetter

from harness.designs.presentation import PLAIN, Drawing, Figure, Layout, Panel, Presentation, Scope
from harness.report import wording
from harness.report.document import JudgedClaim, KnownNumber, Measurement, Point, Report, Rival
from harness.report.numbers import NONE, amount, count, estimated, exact, unit_form, whole
from harness.report.wording import BASELINES, REASONS, TIERS, VERDICTS
from harness.words.errors import Reason
from harness.words.judgement import BaselineOutcome
from harness.words.records import Coverage
from harness.words.runfacts import LanguageFact
from harness.words.specification import PRIMARY

Key = tuple[str | int | None, ...]

DIMENSIONS = ("quantity", "reading", "specification", "layer", "language", "benchmark")
"""What tells one number from another."""
LABEL_ORDER = ("language", "benchmark", "layer", "quantity", "reading", "specification")
"""Order of the columns that name a row: what a reader looks for first stands first."""
WAYS = ("reading", "specification")
"""Dimensions that say how a number is meant, not what it is about."""
UNSCOPED = {"layer": NONE, "language": "all", "benchmark": "all"}
"""Stands where a number has no layer, language or benchmark of its own; one that lacks an axis has nothing there."""
REMAINDER = Panel(
    anchor="other",
    group="Other measurements",
    heading="Measured too",
    lead="Numbers that no table above shows.",
    quantities=(),
)
APART = " \u00b7 "
SEED = "seed"
"""Unit kind of numbers that vary with training alone."""
LAYERS_IN_SHORT = 5
"""Layers, evenly spaced from first to last, that stand for all of them in a short table."""
COVERAGE_HEADERS = {
    "layer": "Layer",
    "rows_read": "Rows read",
    "rows_peaked_on_bos": "Peak on BOS",
    "rows_across_documents": "Two documents",
    "rows_unreadable": "Unreadable",
    "rows_peaked_on_blank": "Peak on blank",
    "rows_not_english": "Not English",
    "rows_below_maximum": "Below maximum",
    "rows_duplicate": "Duplicate",
    "latents_listed": "Latents listed",
    "latents_without_rows": "Without rows",
    "latents_seen": "Seen",
    "latents_eligible": "Eligible",
    "latents_drawn": "Drawn",
}
"""In the order of the record's fields, which is that of the selection."""


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

    @property
    def bodies(self) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
        """Headings, each with the rows that stand under it."""
        pairs = zip(self.groups or [""] * len(self.rows), self.rows, strict=True)
        for heading, members in groupby(pairs, key=itemgetter(0)):
            yield heading, [row for _, row in members]


class Names:
    """What languages, quantities, readings and specifications are called; what is unknown keeps its own name, and stands last."""

    def __init__(self, known: Sequence[LanguageFact] = (), presentation: Presentation = PLAIN) -> None:
        self.presentation = presentation
        self._known = {language.code: language for language in known}
        self._places = {code: place for place, code in enumerate(self._known)}

    def name(self, code: str) -> str:
        """Such as "Malayalam (ml)"."""
        language = self._known.get(code)
        return f"{language.name} ({code})" if language else code

    def place(self, code: str | None) -> int:
        """Place in the study's order; numbers of no single language come first."""
        return -1 if code is None else self._places.get(code, len(self._places))

    def axes(self, rows: Sequence[Measurement]) -> list[str]:
        """Axes of the design that some numbers stand on, in the design's order; a file holds them in that of their letters."""
        found, order = dict.fromkeys(axis for row in rows for axis in row.axes), self.presentation.axes
        return sorted(found, key=lambda axis: order.index(axis) if axis in order else len(order))

    def group(self, code: str | None) -> str:
        """Words for the language's side of the comparison; nothing where none is known."""
        language = self._known.get(code or "")
        return self.presentation.groups.get(language.group, language.group) if language else ""

    def called(self, dimension: str, value: str | int | None) -> str:
        """What a table prints for one coordinate of a number."""
        if value is None:
            return UNSCOPED.get(dimension, NONE)
        shown, text = self.presentation, str(value)
        known = {
            "quantity": shown.quantities,
            "reading": shown.readings,
            "specification": shown.specifications,
        }
        return known[dimension].get(text, text) if dimension in known else text


@dataclass(frozen=True)
class Filled:
    """A panel with the measurements it shows."""

    panel: Panel
    rows: tuple[Measurement, ...]
    names: Names


def filled_panels(report: Report) -> list[Filled]:
    """Every panel with its share of the measurements, and a last one for the rest if there is a rest."""
    presentation = wording.presentation_of(report.run.study)
    names, filled = Names(report.languages, presentation), []
    waiting = list(report.measurements)
    for panel in presentation.panels:
        # A cell of a table holds one number: whatever comes second to a place goes to the remainder.
        first: dict[Key, Measurement] = {}
        for row in sorted(
            (row for row in waiting if _takes(panel, row)),
            key=lambda row: panel.quantities.index(row.quantity),
        ):
            first.setdefault(_key(row, (*row.axes, *DIMENSIONS)), row)
        shown = {row.id for row in first.values()}
        waiting = [row for row in waiting if row.id not in shown]
        if first or not panel.is_optional:
            beside = _beside(panel, report.measurements) if first else ()
            filled.append(Filled(panel, (*beside, *first.values()), names))
    return filled + ([Filled(REMAINDER, tuple(waiting), names)] if waiting else [])


def _takes(panel: Panel, row: Measurement) -> bool:
    if row.quantity not in panel.quantities:
        return False
    return panel.scope is Scope.ANY or (row.language is None) is (panel.scope is Scope.GROUP)


def _beside(panel: Panel, measurements: Sequence[Measurement]) -> Iterator[Measurement]:
    """What another panel shows as well: numbers of no single language, under the primary specification."""
    for row in measurements:
        is_whole = row.language is None and row.specification == PRIMARY
        if is_whole and (row.quantity, row.reading) in panel.beside:
            yield row


def first_series(rows: Sequence[Measurement]) -> list[Measurement]:
    """The measurements that share reading and specification with the first."""
    return [row for row in rows if row.series == rows[0].series]


# Measurements


def tabulate(filled: Filled, *, short: bool = False) -> Table:
    """The table of a panel that has measurements.

    Args:
        filled: The panel and its measurements.
        short: Whether layers are thinned out where there are many, and readings where the panel says so.
    """
    rows = _in_short(filled) if short else filled.rows
    return _grid(filled, rows) if filled.panel.layout is Layout.GRID else _list(filled, rows)


def is_shortened(filled: Filled) -> bool:
    """Whether the short table of a panel leaves anything out."""
    return len(_in_short(filled)) < len(filled.rows)


def _in_short(filled: Filled) -> tuple[Measurement, ...]:
    rows = first_series(filled.rows) if filled.panel.first_series_in_short else filled.rows
    layers = sorted({row.layer for row in rows if row.layer is not None})
    if len(layers) <= LAYERS_IN_SHORT + 1:
        return tuple(rows)
    last = len(layers) - 1
    named = {layers[round(step * last / (LAYERS_IN_SHORT - 1))] for step in range(LAYERS_IN_SHORT)}
    return tuple(row for row in rows if row.layer is None or row.layer in named)


def _list(filled: Filled, rows: Sequence[Measurement]) -> Table:
    """One row per number, with how many units and seeds it rests on."""
    labels, ordered = _varying(rows, filled.names), _by_way(filled, rows)
    seeds = ("Seeds",) if any(row.num_seeds for row in rows) else ()
    return Table(
        caption=_caption(filled, rows),
        headers=(*(name.capitalize() for name in labels), "Value", "Units", *seeds),
        num_labels=len(labels),
        rows=tuple(
            (
                *_words(filled, _key(row, labels), labels),
                _value(filled, row, with_unit=True),
                count(_num_units(row), row.unit_kind),
                *(str(row.num_seeds or "none") for _ in seeds),
            )
            for row in ordered
        ),
        groups=_groups(filled, [_key(row, labels) for row in ordered], labels),
    )


def _grid(filled: Filled, rows: Sequence[Measurement]) -> Table:
    """One column per value of the panel's column dimensions."""
    varying, one_unit = _varying(rows, filled.names), len({row.unit for row in rows}) == 1
    across = tuple(name for name in filled.panel.columns if name in varying)
    down = tuple(name for name in varying if name not in across) or _first_scope(rows[0])
    headings = tuple(name for name in filled.panel.headings if name in down)[: len(down) - 1]
    labels = tuple(name for name in down if name not in headings)
    keys = list(dict.fromkeys(_key(row, across) for row in rows))
    lines: dict[Key, Measurement] = {}
    for row in _by_way(filled, rows):
        lines.setdefault(_key(row, down), row)
    heads = list(dict.fromkeys(_key(row, headings) for row in lines.values()))
    ordered = sorted(lines, key=lambda line: heads.index(_key(lines[line], headings)))
    cells = {
        (_key(row, down), _key(row, across)): _value(filled, row, with_unit=not one_unit) for row in rows
    }
    left_out = {row.reading for row in filled.rows} - {row.reading for row in rows}
    reading = f" Reading: {filled.names.called('reading', rows[0].reading)}." if left_out else ""
    columns = (APART.join(_words(filled, key, across)) or "Value" for key in keys)
    return Table(
        caption=_caption(filled, rows) + reading + _weight(rows),
        headers=(*(name.capitalize() for name in labels), *columns),
        num_labels=len(labels),
        rows=tuple(
            (
                *_words(filled, _key(lines[line], labels), labels),
                *(cells.get((line, key), "") for key in keys),
            )
            for line in ordered
        ),
        spanner=", ".join(name.capitalize() for name in across),
        groups=tuple(APART.join(_words(filled, _key(lines[line], headings), headings)) for line in ordered)
        if headings
        else _groups(filled, ordered, down),
    )


def _key(row: Measurement, dimensions: Sequence[str]) -> Key:
    return tuple(coordinate(row, name) for name in dimensions)


def coordinate(row: Measurement, dimension: str) -> str | int | None:
    """Where a number stands along one dimension: one that all reports know, or an axis of its design."""
    found: str | int | None = getattr(row, dimension) if dimension in DIMENSIONS else row.axes.get(dimension)
    return found


def _varying(rows: Sequence[Measurement], names: Names) -> tuple[str, ...]:
    """Dimensions in which the rows differ, or at least one that says what they are about."""
    differing = [
        name for name in (*names.axes(rows), *LABEL_ORDER) if len({_key(row, [name]) for row in rows}) > 1
    ]
    quantities = {row.quantity for row in rows}
    # Naming the quantity may already say under which reading or specification it stands.
    told = [
        name
        for name in differing
        if name not in WAYS or not len({_key(row, ["quantity", name]) for row in rows}) == len(quantities) > 1
    ]
    return tuple(told) or _first_scope(rows[0])


def _first_scope(row: Measurement) -> tuple[str, ...]:
    scopes = ("language", "benchmark", "layer")
    return next(((name,) for name in scopes if getattr(row, name) is not None), ("quantity",))


def _words(filled: Filled, key: Key, dimensions: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        filled.names.name(str(value)) if name == "language" and value else filled.names.called(name, value)
        for name, value in zip(dimensions, key, strict=True)
    )


def _groups(filled: Filled, keys: Sequence[Key], dimensions: Sequence[str]) -> tuple[str, ...]:
    """The group of each row's language, where that tells several languages from several others."""
    if "language" not in dimensions:
        return ()
    codes = [key[dimensions.index("language")] for key in keys]
    groups = {str(code): filled.names.group(str(code)) for code in codes if code}
    crowded = [name for name, number in Counter(groups.values()).items() if name and number > 1]
    return tuple(groups.get(str(code), "") for code in codes) if len(crowded) > 1 else ()


def _by_way(filled: Filled, rows: Sequence[Measurement]) -> list[Measurement]:
    """The rows with those of one quantity, reading and specification together, languages in the study's order."""
    ways = list(dict.fromkeys(_key(row, ("quantity", *WAYS)) for row in rows))
    place = filled.names.place
    return sorted(rows, key=lambda row: (ways.index(_key(row, ("quantity", *WAYS))), place(row.language)))


def _value(filled: Filled, row: Measurement, *, with_unit: bool) -> str:
    signed = row.quantity in filled.names.presentation.signed
    ends = row.precision.ci90 if row.precision else None
    return estimated(row.value, ends, row.unit, signed=signed, with_unit=with_unit)


def _caption(filled: Filled, rows: Sequence[Measurement]) -> str:
    units = {row.unit for row in rows}
    words = unit_form(units.pop()).words if len(units) == 1 else ""
    is_sure = any(row.precision and row.precision.ci90 for row in rows)
    return (
        f"{filled.panel.heading}{', ' + words if words else ''}.{' In brackets: 90 % intervals.' * is_sure}"
    )


def _num_units(row: Measurement) -> int:
    """Things behind a number; where seeds are all that varies, they are those things."""
    return row.num_seeds if row.unit_kind == SEED else row.num_units


def _weight(rows: Sequence[Measurement]) -> str:
    """How much stands behind each number of a grid."""
    seeds = [row.num_seeds for row in rows if row.num_seeds]
    is_told_apart = any(row.num_seeds for row in rows if row.unit_kind != SEED)
    # Where seeds stand beside other units, those of numbers that rest on seeds alone are counted with them.
    kinds = [
        kind for kind in dict.fromkeys(row.unit_kind for row in rows) if kind != SEED or not is_told_apart
    ]
    sizes = [_range([_num_units(row) for row in rows if row.unit_kind == kind], kind) for kind in kinds]
    return f" Each number rests on {' or '.join(sizes)}{', ' + _range(seeds, SEED) if is_told_apart else ''}."


def _range(numbers: Sequence[int], noun: str) -> str:
    low, high = min(numbers), max(numbers)
    return count(low, noun) if low == high else f"{low:,} to {count(high, noun)}"


# Numbers of drawings that no table of their panel holds


def points_table(rows: Sequence[Measurement], figure: Figure, names: Names) -> Table:
    """Every point of a scatter plot: languages down, both sides of each correlation across."""
    units = dict.fromkeys(point.unit for row in rows for point in row.points)
    cells = {(row.id, point.unit): point for row in rows for point in row.points}
    gaps = {point.unit: point.x for row in rows for point in row.points}

    def accuracy(point: Point | None) -> str:
        return "" if point is None else amount(point.y, "percent", signed=False)

    return Table(
        caption=f"{figure.across} and {figure.up.lower()}, in percent.",
        headers=("Language", figure.across_in_short, *(row.benchmark or "Mean" for row in rows)),
        num_labels=1,
        rows=tuple(
            (
                names.name(unit),
                amount(gaps[unit], "percent", signed=True),
                *(accuracy(cells.get((row.id, unit))) for row in rows),
            )
            for unit in sorted(units, key=names.place)
        ),
    )


def ablations_table(rows: Sequence[Measurement], figure: Figure, filled: Filled) -> Table:
    """Every point of a drawing of adapters that were trained otherwise."""
    names = filled.names
    return Table(
        caption=f"{figure.title}, percent. In brackets: 90 % intervals.",
        headers=("Language", "Adapter", "Layer", "Quantity", "Value"),
        num_labels=4,
        rows=tuple(
            (
                names.name(row.language or ""),
                names.called("specification", row.specification),
                str(row.layer),
                names.called("quantity", row.quantity),
                _value(filled, row, with_unit=False),
            )
            for row in rows
        ),
    )


def seeds_table(rows: Sequence[Measurement], figure: Figure, names: Names) -> Table:
    """Every seed of a drawing."""
    both = figure.kind is Drawing.SLOPES
    with_benchmark = any(row.benchmark for row in rows)
    unit = unit_form(rows[0].unit).words
    return Table(
        caption=f"{figure.title}{', change ' + unit if unit else ''}.",
        headers=(
            "Language",
            *(("Benchmark",) if with_benchmark else ()),
            "Seed",
            *(("Before", "After") if both else ()),
            "Change",
        ),
        num_labels=1 + with_benchmark,
        rows=tuple(
            (
                names.name(row.language or ""),
                *((row.benchmark or "",) if with_benchmark else ()),
                str(seed.seed),
                *(amount(side, "activation", signed=False) for side in (seed.before, seed.after) if both),
                amount(seed.value, row.unit, signed=True),
            )
            for row in rows
            for seed in row.seeds
        ),
    )


def _in_a_sentence(rival: Rival) -> str:
    remaining = amount(rival.remaining, "points", signed=True)
    return f"{rival.without}, {remaining} of {amount(rival.whole, 'points', signed=True, with_unit=True)} remain."


def rivals_table(report: Report) -> Table:
    """What remains of the effect without each rival explanation: a sentence, and at how many layers it can be told from nothing."""
    return Table(
        caption="What remains without each rival explanation. Points are means over layers; above or below zero is the 90 % interval.",
        headers=("Rival explanation", "In a sentence", "Layers above zero", "Layers below zero"),
        num_labels=2,
        rows=tuple(
            (
                each.name,
                _in_a_sentence(each),
                *(f"{layers} of {each.layers}" for layers in (each.above, each.below)),
            )
            for each in report.rivals
        ),
    )


# What a run rests on, and what it lacks


def not_run_table(report: Report) -> Table:
    """Stages, reason and word of what could not be finished, once for each word; what only waited comes last."""
    stages: dict[tuple[str, str], list[str]] = {}
    for entry in sorted(report.not_run, key=lambda entry: entry.reason == Reason.UPSTREAM_NOT_RUN):
        stages.setdefault((REASONS[entry.reason], entry.message), []).append(entry.stage)
    return Table(
        caption="Stages that could not be finished.",
        headers=("Stage", "Reason", "What it said"),
        num_labels=3,
        rows=tuple((", ".join(names), *said) for said, names in stages.items()),
    )


def stopped_table(report: Report) -> Table:
    """The adapters that could not be trained, and where their numbers stopped being numbers."""
    return Table(
        caption="Adapters that could not be trained.",
        headers=("Adapter", "Step", "What is no number", "Value"),
        num_labels=1,
        rows=tuple((entry.adapter, str(entry.step), entry.what, entry.value) for entry in report.stopped),
    )


def unusable_table(report: Report) -> Table:
    """The published models that cannot be used, and why."""
    return Table(
        caption="Published models that cannot be put onto the base model.",
        headers=("Language", "Model", "Why"),
        num_labels=3,
        rows=tuple((entry.language, entry.name, entry.why) for entry in report.unusable),
    )


def coverage_table(report: Report) -> Table:
    """What the phrases cover, one row per layer."""
    names = [field.name for field in fields(Coverage)]
    return Table(
        caption="Stored rows and latents of each layer, as phrase selection counted them.",
        headers=tuple(COVERAGE_HEADERS[name] for name in names),
        num_labels=1,
        rows=tuple(tuple(f"{getattr(entry, name):,}" for name in names) for entry in report.coverage),
    )


def baseline_table(report: Report) -> Table:
    """Cells with a published number one by one, the others together; scores in percent of the questions."""
    names = Names(report.languages)
    checked, together = [], dict[tuple[str, str], list[str]]()
    for entry in report.baselines:
        if entry.outcome is BaselineOutcome.UNCHECKED:
            codes = together.setdefault((entry.benchmark, entry.says), [])
            codes += [entry.language] if entry.language not in codes else []
            continue
        sides = (
            NONE if side is None else amount(side, "percent", signed=False)
            for side in (entry.ours, entry.theirs)
        )
        cell = (entry.benchmark, names.name(entry.language), entry.metric)
        checked.append((*cell, BASELINES[entry.outcome], entry.says, *sides, whole(entry.items)))
    outcome = BASELINES[BaselineOutcome.UNCHECKED]
    unchecked = [
        (benchmark, ", ".join(codes), NONE, outcome, says, NONE, NONE, NONE)
        for (benchmark, says), codes in together.items()
    ]
    return Table(
        caption="Right answers of the untouched model, in percent of the questions.",
        headers=("Benchmark", "Language", "Metric", "Outcome", "Why", "Ours", "Theirs", "Questions"),
        num_labels=5,
        rows=(*checked, *unchecked),
    )


FEW = 24
"""Specifications that a page shows one by one."""

# Claims and self-checks as text, for formats without markup of their own


def claims_table(claims: Sequence[JudgedClaim], caption: str) -> Table:
    """One row for each claim, tier by tier; with what was expected where that is stated."""
    ordered = sorted(claims, key=lambda claim: list(TIERS).index(claim.tier))
    expects = any(claim.expected for claim in claims)
    expected = ("Expected",) if expects else ()
    grade = ("Grade",) if wording.has_grades(claims) else ()
    return Table(
        caption=caption,
        headers=("", "Claim", "Verdict", *expected, *grade, "Printed", "Measured, 90 %", "Margins"),
        num_labels=3 + len(expected) + len(grade),
        rows=tuple(
            (
                VERDICTS[claim.state].glyph,
                "; ".join(filter(None, (f"{claim.text} ({claim.id})", wording.marked(claim)))),
                f"{VERDICTS[claim.state].word}: {wording.notes(claim)}",
                *(wording.expected_words(claim) for _ in expected),
                *(wording.grade_word(claim) for _ in grade),
                wording.printed(claim),
                wording.measured(claim, claim.unit, with_unit=True),
                wording.margins(claim),
            )
            for claim in ordered
        ),
        groups=tuple(TIERS[claim.tier] for claim in ordered),
    )


def specifications_table(claim: JudgedClaim) -> Table:
    """The primary specification and every single change of it; all of them where there are few."""
    assert claim.multiverse is not None
    every = claim.multiverse.specifications
    shown = every if len(every) <= FEW else [each for each in every if "+" not in each.specification]
    left_out = len(every) - len(shown)
    rest = f" The other {left_out:,} stand in report.json." if left_out else ""
    return Table(
        caption=f"{claim.id} under other specifications.{rest}",
        headers=("Specification", "Verdict", "Measured, 90 %"),
        num_labels=2,
        rows=tuple(
            (
                each.specification,
                f"{VERDICTS[each.state].word}: {each.hole}" if each.hole else VERDICTS[each.state].word,
                NONE
                if each.estimate is None
                else estimated(each.estimate, each.ci90, claim.unit, signed=False, with_unit=True),
            )
            for each in shown
        ),
    )


def reasons_table(claims: Sequence[JudgedClaim], caption: str) -> Table:
    """Why each verdict, in one sentence."""
    rows = tuple((claim.id, wording.plain_verdict(claim), claim.says) for claim in claims)
    return Table(caption=caption, headers=("Claim", "Verdict", "Why"), num_labels=3, rows=rows)


def cited_table(report: Report) -> Table:
    """Where the printed numbers were read."""
    return Table(
        caption="The texts that claims are taken from, as they were read.",
        headers=("Source", "What it is", "Address", "Read on", "SHA-256"),
        num_labels=5,
        rows=tuple(
            (each.name, each.kind, each.address or "none is known", each.read, each.sha256 or "not kept")
            for each in report.cited
        ),
    )


def checks_table(checks: Sequence[KnownNumber]) -> Table:
    """Known numbers of the instrument, recomputed."""
    return Table(
        caption="Known numbers of the instrument, computed again.",
        headers=("Check", "What is known", "Expected", "Measured", "Tolerance"),
        num_labels=2,
        rows=tuple(
            (check.id, check.says, exact(check.expected), exact(check.measured), exact(check.tolerance))
            for check in checks
        ),
    )
