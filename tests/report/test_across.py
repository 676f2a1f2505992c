"""Runs on several models side by side by relative depth, and what cannot be laid side by side."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness import cli
from harness.report.across import Across, across, markdown_of, names_of, page_of, tables_of
from harness.report.document import Report
from harness.report.numbers import NONE
from harness.report.writer import load_report
from harness.words.errors import UsageError

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"


@pytest.fixture(scope="module")
def one() -> Report:
    """The example, of which some quantities are enough: every other one has a figure of its own."""
    example = load_report(EXAMPLE)
    rows = tuple(
        row for row in example.measurements if row.quantity in {"gap", "gain", "retention", "accuracy"}
    )
    return replace(example, measurements=rows)


@pytest.fixture(scope="module")
def other(one: Report) -> Report:
    """The same numbers as a run of a model of 42 layers: those of layer n at the layer of the same relative depth."""
    moved = tuple(
        each if each.layer is None else replace(each, layer=round(each.layer * 41 / 25))
        for each in one.measurements
    )
    return replace(one, run=replace(one.run, id="other", study="gemma_2_9b"), measurements=moved)


@pytest.fixture(scope="module")
def found(one: Report, other: Report) -> Across:
    return across([one, other])


def test_layers_are_compared_by_relative_depth(found: Across, one: Report) -> None:
    gap = next(row for row in found.by_depth if (row.quantity, row.reading) == ("gap", "high"))
    ours, theirs = ([each for each in gap.numbers if each.run == model.run] for model in found.models)
    assert [model.num_layers for model in found.models] == [26, 42]
    assert (ours[0].depth, ours[-1].depth, theirs[-1].layer, theirs[-1].depth) == (0.0, 1.0, 41, 1.0)
    assert [each.value for each in ours] == [each.value for each in theirs]
    assert (
        max(abs((a.depth or 0) - (b.depth or 0)) for a, b in zip(ours, theirs, strict=True)) < 0.5 / 41 + 1e-9
    )
    assert all(row.language is None for row in found.by_depth)
    # The gain is read at one layer of each model, which is not the same number.
    gain = next(row for row in found.single if (row.quantity, row.language) == ("gain", "ml"))
    assert [each.layer for each in gain.numbers] == [20, 33]


def test_tables_name_the_layer_and_hold_the_interval(found: Across) -> None:
    first = next(iter(tables_of(found)))
    assert first.headers == ("Depth", "sin2025", "gemma_2_9b")
    middle = next(row for row in first.rows if row[0] == "0.50")
    assert re.fullmatch(r"layer 12: .+ \[.+, .+\]", middle[1])
    assert middle[2].startswith("layer 20: ") or middle[2].startswith("layer 21: ")
    assert "| Depth | sin2025 | gemma\\_2\\_9b |" in markdown_of(
        found
    ) or "| Depth | sin2025 | gemma_2_9b |" in markdown_of(found)


def test_a_run_of_three_layers_is_compared_at_these(one: Report) -> None:
    """They say nothing of the depths between them."""
    places = {6: 7, 12: 15, 19: 23}
    few = tuple(replace(each, layer=places[each.layer]) for each in one.measurements if each.layer in places)
    found = across([one, replace(one, run=replace(one.run, id="few", study="mistral_7b"), measurements=few)])
    table = next(iter(tables_of(found)))
    shown = [(row[0], *(cell.partition(":")[0] for cell in row[1:])) for row in table.rows]
    # Of 26 layers 6 lies at 0.24, 12 at 0.48 and 19 at 0.76; of 32 these are 7, 15 and 23.
    assert shown == [
        ("0.23", "layer 6", "layer 7"),
        ("0.48", "layer 12", "layer 15"),
        ("0.74", "layer 19", "layer 23"),
    ]
    assert table.caption.startswith("Gap (high-resource mean), in percent, by relative depth")
    assert page_of(found, [one, one]).count("<svg") == len(found.by_depth)


def test_a_layer_stands_in_the_nearest_row_alone(one: Report) -> None:
    """Of two runs that have none in common, each has rows that the other leaves empty."""
    early, late = (
        tuple(each for each in one.measurements if each.layer is None or each.layer in layers)
        for layers in (range(3), range(20, 26))
    )
    found = across([
        replace(one, measurements=early), replace(one, run=replace(one.run, id="late"), measurements=late)
    ])  # fmt: skip
    rows = next(iter(tables_of(found))).rows
    assert [row[0] for row in rows] == ["0.00", "0.04", "0.08"]
    assert {row[2] for row in rows} == {NONE}


def test_the_page_warns_and_asks_nothing_of_the_network(found: Across, one: Report, other: Report) -> None:
    page = page_of(found, [one, other])
    assert page.count("SAYS NOTHING ABOUT THE PAPER") >= 1
    assert page.count("<svg") == len(found.by_depth)
    assert not re.search(r'(src|href)="(?!#)', page)


def test_a_folder_holds_page_markdown_and_json(
    tmp_path: Path, one: Report, other: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {Path("one"): one, Path("other"): other}
    monkeypatch.setattr("harness.report.writer.load_report", runs.__getitem__)
    assert cli.exit_code_of(["across", "one", "other", "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "across.html",
        "across.json",
        "across.md",
    ]
    content = json.loads((tmp_path / "out" / "across.json").read_text(encoding="utf-8"))
    assert [model["study"] for model in content["models"]] == ["sin2025", "gemma_2_9b"]
    (tmp_path / "out" / "mine.txt").touch()
    assert cli.exit_code_of(["across", "one", "other", "--out", str(tmp_path / "out")]) == 4


def test_what_cannot_be_compared_is_named(one: Report, other: Report) -> None:
    with pytest.raises(UsageError, match="name two or more"):
        across([one])
    with pytest.raises(UsageError, match="named twice"):
        across([one, one])
    fewer = replace(other, languages=other.languages[:-1])
    with pytest.raises(UsageError, match=r"language .* is in one of them alone"):
        across([one, fewer])
    settings = {**other.run.settings, "specification.pooling": "max"}
    with pytest.raises(UsageError, match=r"specification\.pooling is mean in the one and max in the other"):
        across([one, replace(other, run=replace(other.run, settings=settings))])
    empty = replace(other, measurements=tuple(row for row in other.measurements if row.layer is None))
    with pytest.raises(
        UsageError, match=r"run other \(gemma_2_9b\) measured nothing at any layer; name finished runs"
    ):
        across([one, empty])
    by_step = replace(
        other, measurements=tuple(replace(row, axes={"step": "final"}) for row in other.measurements)
    )
    with pytest.raises(
        UsageError, match=r"other \(gemma_2_9b\) tells its numbers apart by step besides layers"
    ):
        across([one, by_step])
    # What follows from the model's depth is no other specification.
    deeper = {**other.run.settings, "specification.gain_layer": "33"}
    assert across([one, replace(other, run=replace(other.run, settings=deeper))]).models


def test_two_runs_of_one_study_are_told_apart(one: Report) -> None:
    again = replace(one, run=replace(one.run, id="again"))
    found = across([one, again])
    assert next(tables_of(found)).headers == ("Depth", f"sin2025 {one.run.id}", "sin2025 again")
    assert names_of(found.models) == next(tables_of(found)).headers[1:]
