"""What a drawing may not do: cover a word, join what was not measured, hide a reading, or lean on another sentence."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from harness.designs.presentation import Drawing
from harness.report.document import Report
from harness.report.figures import (
    DRAWERS,
    Mark,
    _heatmap,
    _lines,
    _stamp,
    drawn_rows,
    forest_rows,
    house_style,
)
from harness.report.tables import Filled, ablations_table, filled_panels
from harness.report.writer import load_report, write_report
from harness.words.judgement import SeedValue
from harness.words.verdict import State
from tests.report import judged, worlds


def test_the_stamp_covers_no_label(stored_full: Report) -> None:
    from matplotlib.text import Text

    for filled in filled_panels(stored_full):
        for figure in filled.panel.figures:
            rows = drawn_rows(figure, filled)
            with house_style():
                lines = figure.kind is Drawing.LINES
                canvas = (
                    _lines(rows, filled.names, figure, ())
                    if lines
                    else DRAWERS[figure.kind](rows, filled.names, figure)
                )
                _stamp(canvas, "FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER")
                canvas.draw_without_rendering()
                texts = [text for text in canvas.findobj(Text) if text.get_visible() and text.get_text()]
                boxes = {text.get_text(): text.get_window_extent() for text in texts}
            (stamp,) = (box for words, box in boxes.items() if words.startswith("FIXTURE"))
            covered = [words for words, box in boxes.items() if box is not stamp and stamp.overlaps(box)]
            assert covered == [], figure.title


@pytest.mark.parametrize("languages", [{"zh", "ml"}, {"zh", "ru", "ml", "hi"}])
def test_the_names_of_small_groups_stand_side_by_side(stored_full: Report, languages: set[str]) -> None:
    from matplotlib.text import Text

    (filled, figure) = next(
        (filled, figure)
        for filled in filled_panels(stored_full)
        for figure in filled.panel.figures
        if figure.kind is Drawing.HEATMAP
    )
    rows = [row for row in drawn_rows(figure, filled) if row.language in languages]
    with house_style():
        canvas = DRAWERS[figure.kind](rows, filled.names, figure)
        canvas.draw_without_rendering()
        shown = [text for text in canvas.findobj(Text) if text.get_visible()]
        groups = [text for text in shown if text.get_text().endswith("-resource")]
        codes = [text for text in shown if text.get_text() in languages]
        boxes = [text.get_window_extent() for text in (*groups, *codes)]
    assert len(groups) == 2
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)


@pytest.mark.parametrize("num_layers", [26, 32, 42, 80])
def test_numbers_of_layers_below_a_heat_map_stand_apart(stored_full: Report, num_layers: int) -> None:
    (filled, figure) = next(
        (filled, figure)
        for filled in filled_panels(stored_full)
        for figure in filled.panel.figures
        if figure.kind is Drawing.HEATMAP
    )
    (row, *_) = drawn_rows(figure, filled)
    rows = [replace(row, layer=layer) for layer in range(num_layers)]
    with house_style():
        canvas = _heatmap(rows, filled.names, figure)
        canvas.draw_without_rendering()
        labels = canvas.axes[0].get_xticklabels()
        boxes = [label.get_window_extent() for label in labels]
    assert [int(label.get_text()) for label in labels][:2] == [0, -(-num_layers // 32)]
    assert not any(one.x1 >= other.x0 for one, other in pairwise(boxes))


def sparse(folder: Path) -> Report:
    """A run that measured layers 0, 1, 5 and 9 to 11."""
    rows = [row for row in worlds.estimates() if row.quantity == "gap" and row.layer in {0, 1, 5, 9, 10, 11}]
    write_report(
        worlds.facts(mode="full"), *worlds.store(folder, rows, []), folder / "out", judged.full_judgement()
    )
    return load_report(folder / "out")


def test_nothing_is_drawn_between_layers_that_were_not_measured(tmp_path: Path) -> None:
    filled = filled_panels(sparse(tmp_path))[0]
    figure = filled.panel.figures[0]
    with house_style():
        (axes,) = _lines(drawn_rows(figure, filled), filled.names, figure, ()).axes
    lines = [[round(place) for place in line.get_xdata()] for line in axes.lines[1:]]
    assert lines == [[0, 1], [5], [9, 10, 11]] * 2
    reached = [
        sorted({round(float(place)) for path in part.get_paths() for place in path.vertices[:, 0]})
        for part in axes.collections
    ]
    assert reached == [[0, 1], [5], [9, 10, 11]] * 2


def test_of_few_layers_each_that_was_measured_or_printed_is_numbered(tmp_path: Path) -> None:
    filled = filled_panels(sparse(tmp_path))[0]
    figure = filled.panel.figures[0]
    with house_style():
        (axes,) = _lines(
            drawn_rows(figure, filled), filled.names, figure, (Mark(layer=6, value=26.27, margin=2.5),)
        ).axes
    assert list(axes.get_xticks()) == [0, 1, 5, 6, 9, 10, 11]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["0", "1", "5", "6", "9", "10", "11"]


def test_of_many_layers_some_that_were_measured_are_numbered(stored_full: Report) -> None:
    filled = filled_panels(stored_full)[0]
    figure = filled.panel.figures[0]
    rows = drawn_rows(figure, filled)
    with house_style():
        (axes,) = _lines(rows, filled.names, figure, ()).axes
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(shown) > 5
    assert set(shown) <= {row.layer for row in rows}


def test_a_contested_claim_shows_every_reading(stored_full: Report) -> None:
    rows = list(forest_rows(stored_full.claims))
    (place,) = (place for place, row in enumerate(rows) if row.is_heading)
    assert (rows[place].label, rows[place].at) == ("gain.hi.value", None)
    # Margins of 6 around 86.32: the change of 86 agrees, the share of 61 does not.
    assert [(row.label, row.state, pytest.approx(row.at)) for row in rows[place + 1 : place + 3]] == [
        ("as change", State.PASS, (86.0 - 86.32) / 6),
        ("as share-of-gap-closed", State.DEVIATION, (61.0 - 86.32) / 6),
    ]


def test_of_a_claim_that_is_not_contested_the_best_source_decides(stored_full: Report) -> None:
    claims = [replace(claim, state=State.INCONCLUSIVE) for claim in stored_full.claims]
    assert not any(row.is_heading for row in forest_rows(claims))


@pytest.mark.parametrize("which", ["page", "full_page", "judged_page"])
def test_captions_are_sentences_that_stand_alone(which: str, request: pytest.FixtureRequest) -> None:
    captions = re.findall(r"<figcaption>.*?</figcaption>", request.getfixturevalue(which), flags=re.DOTALL)
    assert captions
    assert [caption for caption in captions if re.search(r"\.\.|[.;];|\b[Ii]ts\b", caption)] == []


@pytest.mark.parametrize("kind", [Drawing.SLOPES, Drawing.STRIPS])
def test_a_small_change_looks_small(stored_full: Report, kind: Drawing) -> None:
    (filled,) = (each for each in filled_panels(stored_full) if each.panel.anchor == "gain")
    (figure,) = (each for each in filled.panel.figures if each.kind is kind)
    rows = [
        replace(
            row, value=-0.08, precision=replace(row.precision, seeds=tuple(map(_hardly_moved, row.seeds)))
        )
        for row in drawn_rows(figure, filled)
        if row.precision
    ]
    with house_style():
        (axes,) = DRAWERS[kind](rows, filled.names, figure).axes
    low, high = axes.get_ylim() if kind is Drawing.SLOPES else axes.get_xlim()
    moved = 0.0008 if kind is Drawing.SLOPES else 0.08
    assert low <= 0 < high
    assert moved / (high - low) < 0.05


def _hardly_moved(seed: SeedValue) -> SeedValue:
    return replace(seed, value=-0.08, before=1.0, after=0.9992)


def otherwise(folder: Path, names: tuple[str, ...]) -> list[Filled]:
    """What a page shows of a run that trained adapters otherwise, gain and retention at layer 20, read at layer 6 as well."""
    rows = [
        replace(
            worlds.BLANK,
            quantity=quantity,
            language="ml",
            layer=layer,
            specification=name,
            value=value + place,
        )
        for place, name in enumerate(names)
        for quantity, layer, value in (
            ("gain-ablated", 20, 10.0),
            ("gain-ablated", 6, 2.0),
            ("retention-ablated", 20, 90.0),
        )
    ]
    kept = worlds.store(folder, [worlds.named(row) for row in rows], [])
    write_report(worlds.facts(mode="full"), *kept, folder / "out", judged.full_judgement())
    return [each for each in filled_panels(load_report(folder / "out")) if each.panel.anchor == "ablations"]


def test_gain_stands_against_retention_under_every_alpha(tmp_path: Path) -> None:
    (filled,) = otherwise(tmp_path, ("alpha=0.1", "primary", "alpha=10", "layers=6"))
    (figure,) = (each for each in filled.panel.figures if each.kind is Drawing.TRADE_OFF)
    rows = drawn_rows(figure, filled)
    with house_style():
        (axes,) = DRAWERS[figure.kind](rows, filled.names, figure).axes
    curve = axes.lines[-1]
    assert [*zip(curve.get_xdata(), curve.get_ydata(), strict=True)] == [
        (90.0, 10.0),
        (91.0, 11.0),
        (92.0, 12.0),
    ]
    assert [text.get_text() for text in axes.texts] == ["alpha=0.1", "primary", "alpha=10"]
    table = ablations_table(rows, figure, filled)
    assert [row[1:] for row in table.rows if "retention" in row[3]] == [
        (name, "20", "retention, trained otherwise", value)
        for name, value in (("alpha=0.1", "90.00"), ("primary", "91.00"), ("alpha=10", "92.00"))
    ]


def test_early_and_deep_stand_side_by_side_at_every_layer_that_is_read(tmp_path: Path) -> None:
    (filled,) = otherwise(tmp_path, ("primary", "layers=6", "layers=25", "alpha=10"))
    (figure,) = (each for each in filled.panel.figures if each.kind is Drawing.DOTS)
    with house_style():
        (axes,) = DRAWERS[figure.kind](drawn_rows(figure, filled), filled.names, figure).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["6", "20"]
    shown = {line.get_label(): sorted(line.get_ydata()) for line in axes.lines[1:]}
    assert shown == {
        "Malayalam (ml), primary": [2.0, 10.0],
        "Malayalam (ml), layers=6": [3.0, 11.0],
        "Malayalam (ml), layers=25": [4.0, 12.0],
    }


def test_nothing_is_drawn_of_adapters_that_were_not_trained_otherwise(tmp_path: Path) -> None:
    (filled,) = otherwise(tmp_path, ("primary", "alpha=10"))
    drawings = {figure.kind: drawn_rows(figure, filled) for figure in filled.panel.figures}
    assert drawings[Drawing.TRADE_OFF]
    assert drawings[Drawing.DOTS] == []
