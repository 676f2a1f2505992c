"""Stored tables come back as they went in, for every record, and never as another table."""

import dataclasses
import inspect
import itertools
import re
import types
import typing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.store import tables
from harness.store.tables import read_column, read_ragged, read_table, table_path, write_table, writing
from harness.words import columns, dictionaries, estimate, records
from harness.words.estimate import UnitValue
from harness.words.records import MeanResidual, Selection, Text, TextLength, TokenActivation

RECORDS = [
    kind
    for module in (dictionaries, estimate, records)
    for kind in vars(module).values()
    if isinstance(kind, type)
    and dataclasses.is_dataclass(kind)
    and kind.__module__ == module.__name__
    # Choices that stages are told, which announce no table, are never stored.
    and "(`" in str(kind.__doc__)
]


def cell(kind: object, number: int) -> object:
    """A value of a field's type, another one for each row; every third optional cell is empty."""
    if types.NoneType in typing.get_args(kind):
        inner = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        return None if number % 3 == 0 else cell(inner, number)
    if typing.get_args(kind)[:1] == (int,):
        return tuple(number + place for place in range(3))
    if typing.get_origin(kind) is tuple:
        # Quarters survive float32.
        return tuple(0.25 * (number + place) for place in range(3))
    samples: dict[object, object] = {
        str: f"\u092e\u0930\u093e\u0920\u0940 {number}\n",
        int: number - 1,
        float: number + 0.1,
        bool: number % 2 == 0,
    }
    return samples[kind]


def rows_of(kind: type, count: int) -> list[object]:
    hints = typing.get_type_hints(kind)
    return [kind(**{name: cell(hint, number) for name, hint in hints.items()}) for number in range(count)]


def group_sizes(folder: Path, kind: type) -> list[int]:
    metadata = pq.read_metadata(table_path(folder, kind))
    return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def test_there_are_records_to_test() -> None:
    assert {Text, TokenActivation, UnitValue} <= set(RECORDS)


@pytest.mark.parametrize("count", [0, 1, 7], ids=["no row", "one row", "seven rows"])
@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_comes_back_as_it_went_in(tmp_path: Path, kind: type, count: int) -> None:
    rows = rows_of(kind, count)
    write_table(tmp_path, kind, rows)
    assert read_table(tmp_path, kind) == rows


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_table_has_the_name_that_its_record_announces(kind: type) -> None:
    assert kind.__doc__ is not None
    announced = re.search(r"\(`(\w+)`\)", kind.__doc__)
    assert announced is not None
    assert table_path(Path(), kind).name == f"{announced[1]}.parquet"


def test_no_two_records_share_a_table() -> None:
    assert len({table_path(Path(), kind) for kind in RECORDS}) == len(RECORDS)


def test_rows_keep_their_order_over_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 4)
    rows = rows_of(Selection, 10)
    write_table(tmp_path, Selection, rows)
    assert group_sizes(tmp_path, Selection) == [4, 4, 2]
    assert read_table(tmp_path, Selection) == rows
    assert read_column(tmp_path, Selection, "latent").tolist() == list(range(-1, 9))


def test_a_writer_holds_no_more_than_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 4)
    with writing(tmp_path, TextLength) as writer:
        for row in rows_of(TextLength, 9):
            writer.write([row])  # type: ignore[list-item]
            assert len(writer.waiting) < 4


def test_how_rows_arrive_does_not_move_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 4)
    rows = rows_of(TokenActivation, 10)
    write_table(tmp_path / "at once", TokenActivation, rows)
    with writing(tmp_path / "one by one", TokenActivation) as writer:
        for row in rows:
            writer.write([row])
    at_once, one_by_one = (
        table_path(tmp_path / name, TokenActivation).read_bytes() for name in ("at once", "one by one")
    )
    assert at_once == one_by_one


@pytest.mark.parametrize("cuts", [(), (4, 8), (1, 2, 3, 7), (9,)], ids=str)
def test_columns_leave_the_bytes_of_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cuts: tuple[int, ...]
) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", 4)
    rows = [MeanResidual(layer=n, text_id=-n, length=n + 0.5, values=(n, n + 0.25)) for n in range(10)]
    write_table(tmp_path / "rows", MeanResidual, rows)
    with writing(tmp_path / "columns", MeanResidual) as writer:
        for start, stop in itertools.pairwise((0, *cuts, 10)):
            part = {
                name: np.asarray([getattr(row, name) for row in rows[start:stop]])
                for name in ("layer", "text_id", "length")
            }
            writer.write_columns(
                **part, values=np.asarray([row.values for row in rows[start:stop]], np.float32)
            )
    by_row, by_column = (table_path(tmp_path / how, MeanResidual) for how in ("rows", "columns"))
    assert by_row.read_bytes() == by_column.read_bytes()


def test_other_rows_move_the_bytes(tmp_path: Path) -> None:
    for name, rows in (("some", rows_of(Text, 3)), ("others", rows_of(Text, 4)[1:])):
        write_table(tmp_path / name, Text, rows)
    assert (tmp_path / "some/texts.parquet").read_bytes() != (tmp_path / "others/texts.parquet").read_bytes()


RAGGED = [
    TokenActivation(layer=0, latent=5, text_id=9, values=(1.0, 2.0, 3.0)),
    TokenActivation(layer=0, latent=6, text_id=9, values=()),
    TokenActivation(layer=1, latent=5, text_id=8, values=(4.0,)),
]


@pytest.mark.parametrize("rows_per_group", [1, 2, 100], ids=lambda size: f"{size} rows per group")
def test_lists_of_different_lengths_by_pencil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_per_group: int
) -> None:
    # Lengths 3, 0 and 1: rows begin at 0, 3 and 3, and the last ends at 4.
    monkeypatch.setattr(tables, "ROWS_PER_GROUP", rows_per_group)
    write_table(tmp_path, TokenActivation, RAGGED)
    values, offsets = read_ragged(tmp_path, TokenActivation, "values")
    assert values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert offsets.tolist() == [0, 3, 3, 4]
    assert values.dtype == np.float32


def test_lists_of_one_length_read_as_a_matrix(tmp_path: Path) -> None:
    rows = [MeanResidual(layer=n, text_id=n, length=1.0, values=(float(n), n + 0.5)) for n in range(3)]
    write_table(tmp_path, MeanResidual, rows)
    assert read_column(tmp_path, MeanResidual, "values").tolist() == [[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]


def test_an_empty_table_reads_as_empty_arrays(tmp_path: Path) -> None:
    write_table(tmp_path, MeanResidual, [])
    assert len(read_column(tmp_path, MeanResidual, "layer")) == 0
    assert len(read_column(tmp_path, MeanResidual, "values")) == 0
    values, offsets = read_ragged(tmp_path, MeanResidual, "values")
    assert (len(values), offsets.tolist()) == (0, [0])


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda folder: read_table(folder, TextLength), id="as rows"),
        pytest.param(lambda folder: read_column(folder, TextLength, "tokens"), id="as a column"),
    ],
)
def test_another_records_columns_are_refused(tmp_path: Path, read: typing.Callable[[Path], object]) -> None:
    write_table(tmp_path, Text, rows_of(Text, 2))
    table_path(tmp_path, Text).rename(table_path(tmp_path, TextLength))
    with pytest.raises(
        ValueError, match=r"does not hold a table of TextLength: found columns \['text_id', 'text'"
    ):
        read(tmp_path)


def test_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    path = table_path(tmp_path, TextLength)
    write_table(tmp_path, TextLength, rows_of(TextLength, 2))
    table = pq.read_table(path)
    as_float = table.set_column(1, "tokens", table.column("tokens").cast("float64"))
    pq.write_table(as_float, path)
    with pytest.raises(ValueError, match="does not hold a table of TextLength"):
        read_table(tmp_path, TextLength)


def test_a_missing_value_is_refused_where_the_record_needs_one(tmp_path: Path) -> None:
    spoilt = TextLength(text_id=1, tokens=typing.cast("int", None))
    with pytest.raises(ValueError, match="non-nullable"):
        write_table(tmp_path, TextLength, [spoilt])


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_file_says_what_each_column_means_and_its_unit(tmp_path: Path, kind: type) -> None:
    write_table(tmp_path, kind, rows_of(kind, 1))
    schema = pq.read_schema(table_path(tmp_path, kind))
    told = {
        field.name: {key.decode(): value.decode() for key, value in field.metadata.items()}
        for field in schema
    }
    assert [name for name, said in told.items() if not said["meaning"]] == []
    numbers = [name for name, hint in typing.get_type_hints(kind).items() if "float" in str(hint)]
    assert [name for name in numbers if not told[name]["unit"]] == []
    assert schema.metadata[b"meaning"].decode() == inspect.getdoc(kind)


def test_a_column_is_told_in_the_words_of_its_record(tmp_path: Path) -> None:
    write_table(tmp_path, Selection, [])
    field = pq.read_schema(table_path(tmp_path, Selection)).field("stored_peak")
    assert field.metadata == {
        b"meaning": b"Peak activation that the export stored for the row the phrase was cut from.",
        b"unit": b"activation",
    }


def test_nothing_is_told_of_a_column_that_no_record_has() -> None:
    names = {name for kind in RECORDS for name in typing.get_type_hints(kind)}
    known = {f"{kind.__name__}.{name}" for kind in RECORDS for name in typing.get_type_hints(kind)} | names
    assert {*columns.MEANINGS, *columns.UNITS} <= known
