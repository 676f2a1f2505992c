"""Stored tables: Parquet files whose columns are the fields of a record, written as a stream, read back typed."""

import inspect
import types
import typing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.words.columns import meanings_of, unit_of

Row = TypeVar("Row")

FILE_NAMES: dict[str, str] = {
    "ItemOutcome": "items",
    "SpecifiedSides": "specified_sides",
    "SpecifiedTotals": "specified_totals",
    "SplicedLoss": "spliced_losses",
    "TrainingLoss": "training_losses",
    "Translated": "translated",
}
"""Records whose table is not named by adding an "s" to their own name."""

ROWS_PER_GROUP = 4_096
"""Rows held before they are written: bounds memory, and is fixed so that bytes repeat."""


def table_path(folder: Path, row_type: type) -> Path:
    """Where a folder keeps the table of one record type."""
    name = row_type.__name__
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    return folder / f"{FILE_NAMES.get(name, snake + 's')}.parquet"


@dataclass
class TableWriter(Generic[Row]):
    """Rows in, row groups out; holds about one group in memory."""

    sink: pq.ParquetWriter
    schema: pa.Schema
    waiting: list[Row] = field(default_factory=list)
    columns: list[pa.Table] = field(default_factory=list)
    """What waits of a table that is written in columns."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows in the order given."""
        for row in rows:
            self.waiting.append(row)
            if len(self.waiting) >= ROWS_PER_GROUP:
                self.flush()

    def write_columns(self, **columns: NDArray[typing.Any]) -> None:
        """Append rows given as columns, by field: [row] of scalars, [row, position] of lists; not into a table of single rows."""
        assert not self.waiting
        arrays = [_as_column(columns[each.name], each.type) for each in self.schema]
        self.columns.append(pa.Table.from_arrays(arrays, schema=self.schema))
        while sum(map(len, self.columns)) >= ROWS_PER_GROUP:
            whole = pa.concat_tables(self.columns)
            self.sink.write_table(whole.slice(0, ROWS_PER_GROUP).combine_chunks())
            self.columns = [whole.slice(ROWS_PER_GROUP)]

    def flush(self) -> None:
        """Write what waits as one row group."""
        if self.waiting:
            self.sink.write_table(_as_arrow(self.waiting, self.schema))
            self.waiting.clear()
        elif rest := sum(map(len, self.columns)):
            assert rest < ROWS_PER_GROUP
            self.sink.write_table(pa.concat_tables(self.columns).combine_chunks())
            self.columns.clear()


@contextmanager
def writing(folder: Path, row_type: type[Row]) -> Iterator[TableWriter[Row]]:
    """A writer of one table; the file is complete once the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    schema, path = _schema(row_type), table_path(folder, row_type)
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as sink:
        writer = TableWriter[Row](sink, schema)
        yield writer
        writer.flush()


def write_table(folder: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Write a whole table at once."""
    with writing(folder, row_type) as writer:
        writer.write(rows)


def read_table(folder: Path, row_type: type[Row]) -> list[Row]:
    """Every row of a table, typed.

    Raises:
        ValueError: If the file's columns are not those of the record.
    """
    table = _read(folder, row_type)
    columns = [table.column(each.name).to_pylist() for each in fields(row_type)]  # type: ignore[arg-type]
    tuples = [_is_tuple(kind) for kind in typing.get_type_hints(row_type).values()]
    columns = [
        [tuple(cell) for cell in column] if is_tuple else column
        for column, is_tuple in zip(columns, tuples, strict=True)
    ]
    names = [each.name for each in fields(row_type)]  # type: ignore[arg-type]
    return [row_type(**dict(zip(names, cells, strict=True))) for cells in zip(*columns, strict=True)]


def read_optional(folder: Path, row_type: type[Row]) -> list[Row]:
    """The rows of a table that is written only where there is something to say; none where it was not."""
    return read_table(folder, row_type) if table_path(folder, row_type).is_file() else []


def read_column(folder: Path, row_type: type, name: str) -> NDArray[typing.Any]:
    """One column as an array: [row] for scalars, [row, position] for lists of one length."""
    column = _read(folder, row_type, name).column(name).combine_chunks()
    if pa.types.is_list(column.type):
        flat = np.asarray(column.flatten())
        return flat.reshape(len(column), len(flat) // max(len(column), 1))
    return np.asarray(column)


def stream_rows(folder: Path, row_type: type) -> Iterator[tuple[object, ...]]:
    """Every row as its cells, in the order of the record's fields, without ever holding more than some of them."""
    with pq.ParquetFile(table_path(folder, row_type)) as file:
        for batch in file.iter_batches(ROWS_PER_GROUP):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def column_names(path: Path) -> tuple[str, ...]:
    """Names of a table's columns; its rows are not read."""
    return tuple(pq.read_schema(path).names)


def read_codes(folder: Path, row_type: type, name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """A column of text as places in a list of its distinct values: millions of rows in little memory."""
    column = _read(folder, row_type, name).column(name).combine_chunks().dictionary_encode()
    return np.asarray(column.indices), tuple(column.dictionary.to_pylist())


def read_ragged(folder: Path, row_type: type, name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A column of lists of different lengths: all values in order, and the offset where each row begins."""
    column = _read(folder, row_type, name).column(name).combine_chunks()
    lengths = np.asarray(column.value_lengths(), dtype=np.int64)
    return np.asarray(column.flatten()), np.concatenate([[0], np.cumsum(lengths)])


def _read(folder: Path, row_type: type, *columns: str) -> pa.Table:
    """The whole table, or some of its columns; a wrong column elsewhere is refused all the same."""
    path, expected = table_path(folder, row_type), _schema(row_type)
    with pq.ParquetFile(path) as file:
        found = file.schema_arrow
        if found != expected:
            raise ValueError(
                f"{path} does not hold a table of {row_type.__name__}: found columns {found.names}, "
                f"expected {expected.names}; delete the artifact and run the stage again"
            )
        return file.read(columns=list(columns) or None)


def _as_arrow(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([getattr(row, each.name) for row in rows], type=each.type) for each in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _as_column(values: NDArray[typing.Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_list(kind):
        return pa.array(values, type=kind)
    rows, width = values.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(offsets, pa.array(values.reshape(-1), type=kind.value_type), type=kind)


def _schema(row_type: type) -> pa.Schema:
    """The columns, each with what it means and its unit: whoever opens the file elsewhere needs no code of ours."""
    meanings = meanings_of(row_type)
    return pa.schema(
        [
            pa.field(
                name,
                _arrow_type(kind),
                nullable=_is_optional(kind),
                metadata={"meaning": meanings[name], "unit": unit_of(row_type, name)},
            )
            for name, kind in typing.get_type_hints(row_type).items()
        ],
        metadata={"meaning": inspect.getdoc(row_type) or ""},
    )


def _arrow_type(kind: object) -> pa.DataType:
    if _is_optional(kind):
        kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    if _is_tuple(kind):
        item = pa.int32() if int in typing.get_args(kind) else pa.float32()
        return pa.list_(pa.field("item", item, nullable=False))
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[kind]  # type: ignore[index]


def _is_optional(kind: object) -> bool:
    return types.NoneType in typing.get_args(kind)


def _is_tuple(kind: object) -> bool:
    return typing.get_origin(kind) is tuple
