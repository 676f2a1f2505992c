"""What units and phrases contributed to each stored estimate, as arrays that are cheap to slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.words.estimate import (
    AxisValue,
    BrokenEstimate,
    Estimate,
    InconsistentError,
    PhraseValue,
    UnitValue,
    axes_of,
)

Values = NDArray[np.float64]
Places = NDArray[np.int32]
Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True, eq=False)
class UnitRows:
    """The units of one estimate; every seed holds the same ones in the same order."""

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    """Empty when nothing was trained."""
    observed: Values
    """[seed, unit]; one row when nothing was trained."""
    reference: Values
    clusters: tuple[str, ...] = ()
    """Of every unit, what it varies together with; empty where each varies by itself."""

    @cached_property
    def mean_observed(self) -> Values:
        """Seed-averaged side of the comparison, per unit."""
        mean: Values = self.observed.mean(axis=0)
        return mean

    @cached_property
    def mean_reference(self) -> Values:
        """The other side."""
        mean: Values = self.reference.mean(axis=0)
        return mean

    @property
    def varying(self) -> tuple[str, ...]:
        """Of every unit, the name of what varies by itself: its cluster, or the unit."""
        return self.clusters or self.names

    def by_cluster(self, values: NDArray[Number]) -> NDArray[Number]:
        """Sums of what the units have over what varies by itself, in order of appearance."""
        if not self.clusters:
            return values
        places = {name: place for place, name in enumerate(dict.fromkeys(self.clusters))}
        sums = np.zeros(len(places), dtype=values.dtype)
        np.add.at(sums, [places[name] for name in self.clusters], values)
        return sums


@dataclass(frozen=True, eq=False)
class PhraseRows:
    """What each phrase contributed to each latent of one estimate."""

    latent: Places
    """Place among the estimate's latents, in order of appearance."""
    phrase: Places
    observed: Values
    reference: Values

    @property
    def is_shared(self) -> bool:
        """True where some phrase serves several latents, so that latents are not independent."""
        return len(np.unique(self.phrase)) < len(self.phrase)


@dataclass(frozen=True, eq=False)
class Stored:
    """The tables of one estimates artifact."""

    estimates: Mapping[str, Estimate]
    units: "_Table"
    phrases: "_Table"

    broken: Mapping[str, str] = field(default_factory=dict)
    """Estimates that could not be formed, each with the sentence that says why."""
    axes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Axes of those estimates whose design names some, each with the value on it, in the design's order."""
    widenings: Mapping[str, float] = field(default_factory=dict)
    """Of the estimates of a grid: how much wider an error is where phrases serve several latents, found without drawing them."""
    clusters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of estimates whose units do not vary by themselves: the cluster of each unit."""
    _unit_rows: dict[str, UnitRows | None] = field(default_factory=dict)

    def unit_rows(self, estimate_id: str) -> UnitRows | None:
        """The units of an estimate; None where it was stored without any. Found once, then remembered.

        Raises:
            InconsistentError: If its seeds do not hold the same units.
        """
        if estimate_id not in self._unit_rows:
            self._unit_rows[estimate_id] = self._read_units(estimate_id)
        return self._unit_rows[estimate_id]

    def _read_units(self, estimate_id: str) -> UnitRows | None:
        rows = self.units.rows(estimate_id)
        if rows is None:
            return None
        names, seeds, (observed, reference) = (
            self.units.names_of(rows),
            self.units.seed[rows],
            self.units.sides(rows),
        )
        count = len(set(seeds.tolist()))
        width = max(1, len(names) // count)
        starts = range(0, len(names), width)
        if any(
            names[start : start + width] != names[:width] or np.ptp(seeds[start : start + width])
            for start in starts
        ):
            raise InconsistentError(
                f"{estimate_id}: its seeds do not rest on the same units; run the estimates stage again"
            )
        trained = tuple(seeds[::width].tolist()) if seeds[0] >= 0 else ()
        of_units = self.clusters.get(estimate_id)
        return UnitRows(
            names[:width],
            trained,
            observed.reshape(count, width),
            reference.reshape(count, width),
            tuple(of_units[name] for name in names[:width]) if of_units else (),
        )

    def phrase_rows(self, estimate_id: str) -> PhraseRows | None:
        """The phrases of an estimate; None where none are kept."""
        rows = self.phrases.rows(estimate_id)
        if rows is None:
            return None
        # By order of appearance: no other estimate of the table decides the place of a latent.
        places: dict[int, int] = {}
        codes = self.phrases.code[rows].tolist()
        latent = np.array([places.setdefault(code, len(places)) for code in codes], dtype=np.int32)
        phrase = np.unique(self.phrases.seed[rows], return_inverse=True)[1].astype(np.int32)
        return PhraseRows(latent, phrase, *self.phrases.sides(rows))


@dataclass(frozen=True, eq=False)
class _Table:
    """Columns of `UnitValue` or `PhraseValue`; the rows of one estimate stand together."""

    places: Mapping[str, slice]
    code: Places
    names: Sequence[str]
    seed: NDArray[np.int64]
    """Seed of a unit, -1 for none; text of a phrase."""
    observed: Values
    reference: Values

    def rows(self, estimate_id: str) -> slice | None:
        return self.places.get(estimate_id)

    def names_of(self, rows: slice) -> tuple[str, ...]:
        return tuple(self.names[code] for code in self.code[rows].tolist())

    def sides(self, rows: slice) -> tuple[Values, Values]:
        return self.observed[rows], self.reference[rows]


def read_stored(folder: Path) -> Stored:
    """Every estimate of an artifact, with what it rests on."""
    # Whoever judges typed numbers reads no table, and does not wait for what reads them.
    from harness.store.tables import read_optional, read_table

    estimates = {row.estimate_id: row for row in read_table(folder, Estimate)}
    return Stored(
        estimates,
        _read(folder, UnitValue, "seed"),
        _read(folder, PhraseValue, "text_id"),
        {row.estimate_id: row.because for row in read_optional(folder, BrokenEstimate)},
        axes_of(read_optional(folder, AxisValue)),
    )


def stored_in_memory(
    estimates: Sequence[Estimate],
    units: Sequence[UnitValue],
    phrases: Sequence[PhraseValue] = (),
    clusters: Mapping[str, Mapping[str, str]] | None = None,
) -> Stored:
    """The same from rows that no artifact holds, with the clusters of those estimates whose units have some."""
    by_id = {row.estimate_id: row for row in estimates}
    return Stored(by_id, _table_of(units), _table_of(phrases), clusters=clusters or {})


def _table_of(rows: Sequence[UnitValue] | Sequence[PhraseValue]) -> "_Table":
    owners = [row.estimate_id for row in rows]
    starts = [place for place, owner in enumerate(owners) if not place or owners[place - 1] != owner]
    ends = [*starts[1:], len(owners)] if owners else []
    names = tuple(dict.fromkeys(row.unit for row in rows))
    codes = {name: code for code, name in enumerate(names)}
    # The text of a phrase, the seed of a unit, -1 for none.
    thirds = [
        row.text_id if isinstance(row, PhraseValue) else -1 if row.seed is None else row.seed for row in rows
    ]
    return _Table(
        places={owners[start]: slice(start, end) for start, end in zip(starts, ends, strict=True)},
        code=np.array([codes[row.unit] for row in rows], dtype=np.int32),
        names=names,
        seed=np.array(thirds, dtype=np.int64),
        observed=np.array([row.observed for row in rows]),
        reference=np.array([row.reference for row in rows]),
    )


def _read(folder: Path, row_type: type, third: str) -> _Table:
    from harness.store.tables import read_codes, read_column, table_path

    owner, ids = read_codes(folder, row_type, "estimate_id")
    code, names = read_codes(folder, row_type, "unit")
    seed = np.nan_to_num(read_column(folder, row_type, third).astype(np.float64), nan=-1).astype(np.int64)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    ends = np.append(starts[1:], len(owner))[: len(starts)]
    places = {
        ids[owner[start]]: slice(start, end)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }
    if len(places) != len(starts):
        path = table_path(folder, row_type)
        raise ValueError(
            f"{path}: the rows of one estimate do not stand together; run the estimates stage again"
        )
    sides = (read_column(folder, row_type, side) for side in ("observed", "reference"))
    return _Table(places, code, names, seed, *sides)


NO_TABLES = stored_in_memory((), ())
"""The tables of a run that measured nothing."""
