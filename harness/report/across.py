"""Runs of one kind of study on several base models, side by side by relative depth."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path

import numpy as np
from markupsafe import Markup

from harness.designs.presentation import Presentation
from harness.report.document import Measurement, Report
from harness.report.figures import (
    FAINT,
    LINES,
    MARKERS,
    MUTED,
    SERIES,
    Frame,
    blank,
    house_style,
    inline,
    signed,
)
from harness.report.numbers import NONE, estimated, unit_form
from harness.report.render import markdown_text, page
from harness.report.wording import mode_words, presentation_of
from harness.sources.studies import load_study
from harness.store.files import publish_folder
from harness.words.canonical import plain
from harness.words.errors import UsageError
from harness.words.specification import PRIMARY
from harness.words.verdict import Interval

OF_THE_MODEL = (
    "specification.name",
    "specification.gain_layer",
    "specification.alignment.layers",
    "specification.alignment.target_modules",
)
"""Parts of a specification that follow from the model: its depth, and what its layers are made of."""

DEPTHS = tuple(tenth / 10 for tenth in range(11))
"""Relative depths of a table where every run has as many layers: the layer of each model that lies nearest is shown."""

ROW_DEPTH = 0.1
"""How far apart these are: a layer stands in the nearest row, and layers further apart than this are not joined by a line."""

PAGE, MARKDOWN, JSON = "across.html", "across.md", "across.json"


@dataclass(frozen=True, kw_only=True)
class Model:
    """One of the runs."""

    run: str
    study: str
    title: str
    mode: str
    """Such as "full" or "fixture"; a miniature says nothing of the model that it is named after."""
    num_layers: int


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One number of one run at its relative depth."""

    run: str
    layer: int | None
    depth: float | None
    """Layer over the last one, 0 to 1; None of a number of no layer."""
    value: float | None
    ci90: Interval | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity in every run that measured it."""

    quantity: str
    label: str
    unit: str
    reading: str
    reading_says: str
    """What the reading is called; its own name where nobody calls it otherwise."""
    language: str | None
    benchmark: str | None
    numbers: tuple[Placed, ...]

    def depths(self) -> tuple[float, ...]:
        """Relative depths to compare at: of the run with the fewest layers, or tenths where all have more."""
        by_run: dict[str, list[float]] = {}
        for number in self.numbers:
            if number.depth is not None:
                by_run.setdefault(number.run, []).append(number.depth)
        fewest = min(by_run.values(), key=len)
        return tuple(sorted(fewest)) if len(fewest) < len(DEPTHS) else DEPTHS

    @property
    def num_runs(self) -> int:
        """Runs that measured it."""
        return len({number.run for number in self.numbers})


@dataclass(frozen=True, kw_only=True)
class Across:
    """Runs side by side."""

    models: tuple[Model, ...]
    by_depth: tuple[Row, ...]
    """Quantities that two runs at least have at several layers, groups of languages alone."""
    single: tuple[Row, ...]
    """Quantities of which each run has one number."""


def across(reports: Sequence[Report]) -> Across:
    """Lay runs side by side.

    Args:
        reports: One of each base model, or several; in the order to show.

    Raises:
        UsageError: If there are fewer than two, one stands twice, measured nothing by layer or is told by more than
            layers, or they are of other languages or another specification; names what differs.
    """
    _refuse(reports)
    models = tuple(_model(report) for report in reports)
    presentation = presentation_of(models[0].study)
    found = [_numbers(report, model) for report, model in zip(reports, models, strict=True)]
    keys = dict.fromkeys(key for numbers in found for key in numbers)
    rows = [_row(key, found, presentation) for key in keys]
    shared = [row for row in rows if row.num_runs > 1]
    return Across(
        models=models,
        by_depth=tuple(row for row in shared if len(row.numbers) > row.num_runs and row.language is None),
        single=tuple(row for row in shared if len(row.numbers) == row.num_runs),
    )


def _refuse(reports: Sequence[Report]) -> None:
    if len(reports) < 2:  # noqa: PLR2004  one run has nothing beside it
        raise UsageError("one run has nothing beside it; name two or more")
    first = reports[0]
    if twice := [
        each.run.id
        for place, each in enumerate(reports)
        if each.run.id in {one.run.id for one in reports[:place]}
    ]:
        raise UsageError(f"run {twice[0]} is named twice; name each once")
    for each in reports:
        run, rows = f"run {each.run.id} ({each.run.study})", each.measurements
        if axes := sorted({axis for row in rows for axis in row.axes}):
            raise UsageError(
                f"{run} tells its numbers apart by {', '.join(axes)} besides layers, of which nothing is shown by relative depth; "
                "lay two of one study side by side with 'harness compare'"
            )
        if all(row.layer is None or row.value is None for row in rows):
            raise UsageError(
                f"{run} measured nothing at any layer; name finished runs, or finish it with 'harness reproduce'"
            )
    for other in reports[1:]:
        pair = f"runs {first.run.id} ({first.run.study}) and {other.run.id} ({other.run.study}) cannot be laid side by side"
        ours, theirs = ({(each.code, each.group) for each in report.languages} for report in (first, other))
        if odd := sorted(ours ^ theirs):
            raise UsageError(
                f"{pair}: language {odd[0][0]} ({odd[0][1]}) is in one of them alone, so their groups are not the same"
            )
        settings = {
            name: (first.run.settings.get(name), other.run.settings.get(name))
            for name in first.run.settings.keys() | other.run.settings.keys()
            if name.startswith("specification.") and name not in OF_THE_MODEL
        }
        for name, (one, another) in sorted(settings.items()):
            if one != another:
                raise UsageError(
                    f"{pair}: {name} is {one} in the one and {another} in the other; another specification is another quantity"
                )


def _model(report: Report) -> Model:
    study = load_study(report.run.study)
    return Model(
        run=report.run.id,
        study=study.name,
        title=study.title,
        mode=report.mode,
        num_layers=study.shapes.num_layers,
    )


Key = tuple[str, str, str, str | None, str | None]


def _numbers(report: Report, model: Model) -> Mapping[Key, list[Placed]]:
    """A run's numbers under the primary specification, by all that they are of but the layer."""
    found: dict[Key, list[Placed]] = {}
    for row in report.measurements:
        if row.specification == PRIMARY:
            key = row.quantity, row.unit, row.reading, row.language, row.benchmark
            found.setdefault(key, []).append(_placed(row, model))
    return found


def _placed(row: Measurement, model: Model) -> Placed:
    return Placed(
        run=model.run,
        layer=row.layer,
        depth=None if row.layer is None else row.layer / max(1, model.num_layers - 1),
        value=row.value,
        ci90=row.precision.ci90 if row.precision else None,
    )


def _row(key: Key, found: Sequence[Mapping[Key, list[Placed]]], presentation: Presentation) -> Row:
    quantity, unit, reading, language, benchmark = key
    return Row(
        quantity=quantity,
        label=presentation.quantities.get(quantity, quantity),
        unit=unit,
        reading=reading,
        reading_says=presentation.readings.get(reading, reading),
        language=language,
        benchmark=benchmark,
        numbers=tuple(each for numbers in found for each in numbers.get(key, ())),
    )


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """One table with a column a run."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(found: Across) -> Iterator[SideBySide]:
    """Every quantity by depth in a table of its own, and one of those without."""
    names = names_of(found.models)
    for row in found.by_depth:
        yield SideBySide(
            caption=f"{title_of(row)}, by relative depth: the nearest layer of each model, 90 % interval.",
            headers=("Depth", *names),
            rows=tuple(
                (f"{depth:.2f}", *(_at(row, model, depth) for model in found.models))
                for depth in row.depths()
            ),
        )
    if found.single:
        yield SideBySide(
            caption="Numbers of which each run has one, 90 % interval.",
            headers=("Quantity", *names),
            rows=tuple(
                (title_of(row), *(_only(row, model) for model in found.models)) for row in found.single
            ),
        )


def names_of(models: Sequence[Model]) -> tuple[str, ...]:
    """What each run is called beside the others: by its study, and by itself where that has several."""
    studies = [model.study for model in models]
    return tuple(
        model.study if studies.count(model.study) == 1 else f"{model.study} {model.run}" for model in models
    )


def title_of(row: Row) -> str:
    """A quantity with what it is of, and what it is counted in where its name does not say so."""
    parts = [part for part in (row.language, row.benchmark) if part]
    if row.reading != PRIMARY:
        parts.append(row.reading_says)
    said = f"{row.label[:1].upper()}{row.label[1:]}" + (f" ({', '.join(parts)})" if parts else "")
    words = unit_form(row.unit).words
    return f"{said}, {words}" if words else said


def _at(row: Row, model: Model, depth: float) -> str:
    own = [number for number in row.numbers if number.run == model.run and number.depth is not None]
    if not own:
        return NONE
    nearest = min(own, key=lambda number: abs((number.depth or 0.0) - depth))
    if abs((nearest.depth or 0.0) - depth) > ROW_DEPTH / 2:
        return NONE
    return f"layer {nearest.layer}: {_shown(nearest, row.unit)}"


def _only(row: Row, model: Model) -> str:
    own = [number for number in row.numbers if number.run == model.run]
    if not own:
        return NONE
    at = "" if own[0].layer is None else f"layer {own[0].layer}: "
    return at + _shown(own[0], row.unit)


def _shown(number: Placed, unit: str) -> str:
    return NONE if number.value is None else estimated(number.value, number.ci90, unit, signed=False)


def markdown_of(found: Across) -> str:
    """The tables in Markdown, under what each run is."""
    lines = ["### Across models", ""]
    lines += [f"- {markdown_text(_said_of(model))}" for model in found.models]
    for table in tables_of(found):
        lines += ["", f"**{markdown_text(table.caption)}**", ""]
        lines += [_line(table.headers), _line(["---"] * len(table.headers))]
        lines += [_line([markdown_text(cell) for cell in row]) for row in table.rows]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _said_of(model: Model) -> str:
    return f"{model.study}: {model.title}; {model.num_layers} layers; {model.mode} run {model.run}"


def page_of(found: Across, reports: Sequence[Report]) -> str:
    """The page: every quantity by depth as a figure above its table, and a table of those without."""
    warnings = tuple(dict.fromkeys(mode_words(report).ribbon for report in reports))
    figures = [
        (title_of(row), _drawn(place, row, found.models, warnings))
        for place, row in enumerate(found.by_depth)
    ]
    shown = list(zip_longest(figures, tables_of(found)))
    return page("across.html", models=list(map(_said_of, found.models)), warnings=warnings, shown=shown)


def _drawn(place: int, row: Row, models: Sequence[Model], warnings: Sequence[str]) -> Markup:
    """One line a run over relative depth, with its 90 % intervals."""
    with house_style():
        figure = blank(3.6)
        axes = figure.subplots()
        axes.axhline(0, color=MUTED, linewidth=0.8)
        for number, (model, name) in enumerate(zip(models, names_of(models), strict=True)):
            own = [
                (each.depth, each.value, each.ci90)
                for each in row.numbers
                if each.run == model.run and each.depth is not None and each.value is not None
            ]
            colour = SERIES[number % len(SERIES)]
            # A gap in the values breaks the line where layers in between were not measured.
            far = [
                place
                for place, (one, other) in enumerate(pairwise(own), start=1)
                if other[0] - one[0] > ROW_DEPTH
            ]
            axes.plot(
                np.insert([depth for depth, _, _ in own], far, np.nan),
                np.insert([value for _, value, _ in own], far, np.nan),
                label=name,
                color=colour,
                linestyle=LINES[number % len(LINES)],
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
            )
            for depth, _, ci90 in own:
                if ci90:
                    axes.vlines(depth, *ci90, color=colour, alpha=0.3, linewidth=3)
        axes.set_xlabel("relative depth: 0 is the first layer, 1 the last")
        axes.set_ylabel(unit_form(row.unit).words.removeprefix("in ").capitalize())
        axes.grid(axis="y", color=FAINT, linewidth=0.7)
        axes.yaxis.set_major_formatter(signed)
        figure.legend(loc="outside upper left", ncols=2)
        frame = Frame(
            anchor=f"across-{place}",
            title=title_of(row),
            description=f"{title_of(row)} of {len(models)} models by relative depth; the table below holds the numbers.",
            stamp=" / ".join(warnings),
        )
        return inline(figure, frame)


def write_across(found: Across, reports: Sequence[Report], out: Path) -> tuple[Path, ...]:
    """Write page, Markdown and JSON to a folder, whole or not at all.

    Raises:
        UsageError: If the folder holds something else.
        StoreError: If the disk refuses; nothing is left behind.
    """
    texts = {
        MARKDOWN: markdown_of(found),
        PAGE: page_of(found, reports),
        JSON: json.dumps(plain(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    if out.is_dir() and (strange := sorted(path.name for path in out.iterdir() if path.name not in texts)):
        raise UsageError(
            f"{out} holds {strange[0]}, which is not of such a page; name another folder with --out"
        )

    def write(folder: Path) -> None:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")

    publish_folder(out, write, last=JSON)
    return tuple(out / name for name in texts)
