"""Stored estimates for the judge's tests: a few units each, written as tables and read back as the judge reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from harness.judge.measurements import Measurements
from harness.judge.unit_values import Stored, read_stored
from harness.sources.studies import load_study
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import write_table
from harness.words.estimate import NUM_DRAWS, AxisValue, Estimate, Formula, PhraseValue, Scope, UnitValue

HIGH, LOW = (10.0, 12.0, 8.0, 10.0), (8.0, 9.0, 6.0, 7.0)
"""Four latents with a gap of 25 percent and a standard error of 2.041241."""

Table = Sequence[Sequence[float]]
"""Rows of numbers, one per training seed."""


def write(folder: Path, *parts: Measured) -> Path:
    """An estimates artifact."""
    write_table(folder, Estimate, (part.estimate for part in parts))
    write_table(folder, UnitValue, (row for part in parts for row in part.units))
    write_table(folder, PhraseValue, (row for part in parts for row in part.phrases))
    if axes := [row for part in parts for row in part.axes]:
        write_table(folder, AxisValue, axes)
    return folder


def stored(folder: Path, *parts: Measured) -> Stored:
    """The same, read back."""
    return read_stored(write(folder, *parts))


def measurements(
    tables: Stored,
    stream_number: int = 1,
    num_draws: int = NUM_DRAWS,
    *,
    wanted: Sequence[str] = (),
    paper_units: Mapping[str, int] = MappingProxyType({}),
) -> Measurements:
    """What the judge is given of them."""
    return Measurements(
        study=load_study("sin2025"),
        tables=tables,
        wanted=tuple(wanted),
        paper_units=paper_units,
        stream_number=stream_number,
        num_draws=num_draws,
    )


def gap(
    low: Sequence[float] = LOW,
    high: Sequence[float] = HIGH,
    *,
    layer: int = 6,
    language: str | None = None,
    names: Sequence[str] | None = None,
) -> Measured:
    """A gap over latents of one layer."""
    scope = Scope(quantity="gap", unit="percent", layer=layer, language=language, reading="high")
    sides = Sides(units=names or named(len(low)), observed=np.array(low), reference=np.array(high))
    value = 100 * (1 - np.sum(low) / np.sum(high))
    return measured(scope, value, Formula.GAP, "latent", (sides,))


def with_phrases(part: Measured, phrases: Mapping[str, Sequence[tuple[int, float, float]]]) -> Measured:
    """The estimate with text, observed and reference of every phrase of each latent."""
    rows = tuple(
        PhraseValue(
            estimate_id=part.estimate.estimate_id, unit=unit, text_id=text, observed=low, reference=high
        )
        for unit, each in phrases.items()
        for text, low, high in each
    )
    return replace(part, phrases=rows)


def gain(after: Table, before: Sequence[float], *, layer: int = 20, language: str = "ml") -> Measured:
    """A gain over latents, trained once per row."""
    scope = Scope(quantity="gain", unit="percent", layer=layer, language=language)
    sides = [
        Sides(units=named(len(before)), observed=np.array(row), reference=np.array(before), seed=seed)
        for seed, row in enumerate(after)
    ]
    value = np.mean([100 * (np.sum(row) / np.sum(before) - 1) for row in after])
    return measured(scope, float(value), Formula.CHANGE, "latent", sides)


def delta(
    after: Table,
    before: Sequence[float],
    *,
    language: str = "ml",
    benchmark: str = "arc",
    quantity: str = "delta",
) -> Measured:
    """A change in accuracy over documents, in points; right answers are 1."""
    scope = Scope(quantity=quantity, unit="points", language=language, benchmark=benchmark)
    sides = [
        Sides(
            units=named(len(before)),
            observed=100 * np.array(row),
            reference=100 * np.array(before),
            seed=seed,
        )
        for seed, row in enumerate(after)
    ]
    value = np.mean([100 * (np.mean(row) - np.mean(before)) for row in after])
    return measured(scope, float(value), Formula.DIFFERENCE, "document", sides)


def accuracy(right: Sequence[float], *, language: str = "ml", benchmark: str = "arc") -> Measured:
    """Accuracy of the untouched model, in percent."""
    scope = Scope(quantity="accuracy", unit="percent", language=language, benchmark=benchmark)
    sides = Sides(units=named(len(right)), observed=100 * np.array(right), reference=np.zeros(len(right)))
    return measured(scope, 100 * float(np.mean(right)), Formula.DIFFERENCE, "document", (sides,))


def per_seed(values: Sequence[float]) -> Measured:
    """A gain over all aligned layers: one figure per seed, made of several quantities."""
    scope = Scope(quantity="gain", unit="percent", language="ml", specification="mean-over-aligned-layers")
    sides = [
        Sides(units=("adapter",), observed=np.array([value]), reference=np.zeros(1), seed=seed)
        for seed, value in enumerate(values)
    ]
    return measured(scope, float(np.mean(values)), Formula.DIFFERENCE, "seed", sides)


def single(value: float, name: str = "selections-kept") -> Measured:
    """A figure stored without what it was made from."""
    return measured(Scope(quantity=name, unit="percent"), value, Formula.NO_UNITS, "selection", ())


def revalued(part: Measured, value: float) -> Measured:
    """The same units under another value."""
    return replace(part, estimate=replace(part.estimate, value=value))


def named(count: int) -> tuple[str, ...]:
    return tuple(f"u{place}" for place in range(count))


def id_of(part: Measured) -> str:
    return part.estimate.estimate_id
