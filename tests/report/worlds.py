"""A made-up but realistic set of records: what the stages of a fixture run hand to the report."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.store.tables import write_table
from harness.words.estimate import Estimate, SelfCheck, UnitValue
from harness.words.runfacts import (
    ArtifactRecord,
    LanguageFact,
    NotRun,
    Paper,
    RunFacts,
    RunRecord,
    SourceRecord,
)

HIGH = ("zh", "ru", "es", "it")
LOW = ("id", "ca", "mr", "ml", "hi")
TARGETS = (*HIGH, *LOW)
LANGUAGES = {
    "reference": {"en": "English"},
    "high": {"zh": "Chinese", "ru": "Russian", "es": "Spanish", "it": "Italian"},
    "low": {"id": "Indonesian", "ca": "Catalan", "mr": "Marathi", "ml": "Malayalam", "hi": "Hindi"},
}
TUNED = ("ml", "hi", "mr")
BENCHMARKS = ("arc", "hellaswag", "mmlu")
LAYERS = range(26)
MOMENTS = (
    ("alignment-gap", "activation", 0.61),
    ("alignment-gap-shuffled", "activation", 0.88),
    ("alignment-drift", "activation squared", 0.02),
    ("alignment-english-mean", "activation", 0.31),
    ("alignment-target-mean", "activation", 0.24),
    ("english-nats", "nats", 4.1),
    ("target-nats", "nats", 5.2),
)
DIGEST = "9f3a" * 16

BLANK = Estimate(
    estimate_id="",
    quantity="",
    reading="primary",
    specification="primary",
    formula="gap-percent",
    unit="percent",
    value=0.0,
    layer=None,
    language=None,
    benchmark=None,
    unit_kind="latent",
    num_units=60,
    num_seeds=0,
)


def named(row: Estimate) -> Estimate:
    """The estimate with an id made of what tells it apart."""
    scope = [
        f"{short}={getattr(row, name)}"
        for short, name in (("layer", "layer"), ("lang", "language"), ("bench", "benchmark"))
        if getattr(row, name) is not None
    ]
    return replace(row, estimate_id="/".join((row.quantity, *scope, row.reading, row.specification)))


def wave(*parts: float) -> float:
    """A number between -1 and 1 that looks measured and is always the same."""
    return math.sin(sum((place + 1.7) * part for place, part in enumerate(parts, start=1)))


def gaps() -> Iterator[Estimate]:
    for shift, reading in enumerate(("high", "english")):
        for layer in LAYERS:
            gap = replace(BLANK, quantity="gap", reading=reading, layer=layer)
            base = 26.0 - 0.25 * layer + 2.2 * wave(layer, shift) + 6.0 * shift
            yield replace(gap, value=base)
            for place, language in enumerate(TARGETS):
                own = (-4.0 if language in HIGH else base) + 5.0 * wave(layer, place, shift)
                yield replace(gap, language=language, value=own)


def adapters() -> Iterator[Estimate]:
    tuned = replace(BLANK, num_seeds=3)
    kept = replace(tuned, quantity="retention", reading="activation", language="en")
    for place, language in enumerate(TUNED):
        gain = replace(tuned, quantity="gain", language=language, layer=20, value=75.0 + 6.3 * place)
        yield gain
        yield replace(gain, layer=None, specification="mean-over-aligned-layers", value=61.0)
        yield replace(gain, specification="share-of-gap-closed", value=240.0)
        yield replace(kept, quantity="retention-by-adapter", layer=20, language=language, value=90.2 + place)
    yield replace(kept, layer=20, value=91.24)
    yield replace(kept, reading="accuracy", value=98.71, unit_kind="seed", num_units=3)


def moments() -> Iterator[Estimate]:
    tuned = replace(BLANK, unit_kind="seed", num_units=3, num_seeds=3)
    for quantity, unit, before in MOMENTS:
        for place, language in enumerate(TUNED):
            row = replace(tuned, quantity=quantity, unit=unit, language=language)
            yield replace(row, reading="before", value=before + 0.01 * place)
            yield replace(row, reading="after", value=0.8 * before)


def benchmarks() -> Iterator[Estimate]:
    for column, benchmark in enumerate(BENCHMARKS):
        asked = replace(BLANK, benchmark=benchmark, unit_kind="document", num_units=20)
        for place, language in enumerate(("en", *TARGETS)):
            right = 25.0 + 5 * abs(round(4 * wave(place, column)))
            yield replace(asked, quantity="accuracy", language=language, value=right)
        for place, language in enumerate(TUNED):
            tuned = replace(asked, language=language, num_seeds=3)
            change = 5.0 * wave(place, column)
            yield replace(tuned, quantity="delta", unit="points", value=change)
            yield replace(tuned, quantity="delta-english", unit="points", value=-0.004 * place)
            yield replace(tuned, quantity="relative-delta", reading="relative", value=4 * change)
    over = replace(BLANK, quantity="correlation", unit="r", unit_kind="language", num_units=9, value=-0.62)
    yield from (replace(over, benchmark=benchmark) for benchmark in (*BENCHMARKS, None))


def background() -> Iterator[Estimate]:
    of_texts = replace(BLANK, unit_kind="text", num_units=100)
    for place, language in enumerate(TARGETS):
        alike = replace(of_texts, quantity="similarity", unit="cosine", language=language)
        for layer in LAYERS:
            value = 0.9 - 0.01 * layer - 0.005 * place
            yield replace(alike, reading="raw", layer=layer, value=value)
            yield replace(alike, reading="centred", layer=layer, value=value - 0.3)
        yield replace(of_texts, quantity="translations-unflagged", language=language, value=99.0 - place)
    for place, language in enumerate(("en", *TARGETS)):
        length = replace(of_texts, quantity="tokens-per-phrase", unit="tokens")
        yield replace(length, language=language, value=6.5 + 1.3 * place)
        of_tokens = replace(BLANK, unit_kind="token", num_units=1_200 + 210 * place, language=language)
        for layer in LAYERS:
            own = replace(of_tokens, layer=layer)
            value = 0.2 + 0.01 * place + 0.004 * layer
            yield replace(own, quantity="dictionary-error", unit="fraction", value=value)
            yield replace(own, quantity="dictionary-l0", unit="latents", value=20.0 + layer)


def estimates() -> list[Estimate]:
    """Every estimate of a fixture run."""
    return [
        named(row) for rows in (gaps(), adapters(), benchmarks(), background(), moments()) for row in rows
    ]


def checks(*, differing: int = 0, number: int = 14) -> list[SelfCheck]:
    """Self-checks, of which the first few differ."""
    return [
        SelfCheck(
            check_id=f"phrases.layer-{place}.eligible",
            says=f"Latents of layer {place} with enough phrases in the committed export.",
            expected=64.0 + place,
            measured=64.0 + place + (3.0 if place < differing else 0.0),
            tolerance=1.0,
            because="A count may move by one where two peaks tie.",
            differs=place < differing,
        )
        for place in range(number)
    ]


RUN = RunRecord(
    id="4d1c" * 16,
    study="sin2025",
    profile="fixture",
    environment={"torch": "2.13.0+cpu", "device": "cpu", "dtype": "float32", "threads": "2"},
    artifacts=tuple(
        ArtifactRecord(
            stage=stage,
            item=item,
            key="ab" * 32,
            digest="cd" * 32,
            size_bytes=31_415 * (1 + len(item)),
        )
        for stage, item in (
            ("phrases", "all"),
            ("translations", "ml"),
            ("activations", "en"),
            ("adapters", "ml-0"),
            ("estimates", "all"),
        )
    ),
    sources=(
        SourceRecord(name="model", address="fixtures/world/model", revision="ef" * 20, licence="Apache-2.0"),
        SourceRecord(
            name="phrases", address="fixtures/world/export", revision="01" * 20, licence="Unicode-3.0"
        ),
    ),
)


def facts(**changes: object) -> RunFacts:
    """What a fixture run says about itself."""
    of_run = {name: changes.pop(name) for name in vars(RUN).keys() & changes.keys()}
    return replace(
        RunFacts(
            paper=Paper(
                id="arXiv:2507.18918",
                title="Uncovering Cross-Linguistic Disparities in LLMs using Sparse Autoencoders",
            ),
            mode="fixture",
            run=replace(RUN, **of_run),  # type: ignore[arg-type]
            specification_digest=DIGEST,
            languages=tuple(
                LanguageFact(code=code, name=name, group=group)
                for group, members in LANGUAGES.items()
                for code, name in members.items()
            ),
        ),
        **changes,  # type: ignore[arg-type]
    )


NOT_RUN = (
    NotRun(
        stage="phrases",
        reason="no-network",
        message="export (https://a.example @ 1) cannot be fetched: no network",
    ),
    NotRun(stage="translations", reason="upstream-not-run", message="the run ended before it came to this"),
    NotRun(stage="estimates", reason="upstream-not-run", message="the run ended before it came to this"),
)
"""What an unmeasured run says of its stages."""


def units(row: Estimate) -> Iterator[UnitValue]:
    """What units contributed to an estimate; those of a correlation are languages."""
    if row.quantity != "correlation":
        for place in range(3):
            yield UnitValue(
                estimate_id=row.estimate_id, unit=str(place), seed=None, observed=0.8, reference=1.0
            )
        return
    for place, language in enumerate(TARGETS):
        gap = -3.0 + 4.4 * place + 3.0 * wave(place)
        accuracy = 41.0 - 0.8 * gap + 4.0 * wave(place, len(row.benchmark or ""))
        yield UnitValue(
            estimate_id=row.estimate_id, unit=language, seed=None, observed=accuracy, reference=gap
        )


def store(
    folder: Path, rows: Sequence[Estimate], self_checks: Sequence[SelfCheck] | None
) -> tuple[Path, Path]:
    """The folders of both stages, as `write_report` takes them."""
    write_table(folder / "estimates", Estimate, rows)
    write_table(folder / "estimates", UnitValue, (unit for row in rows for unit in units(row)))
    if self_checks is not None:
        write_table(folder / "checks", SelfCheck, self_checks)
    return folder / "estimates", folder / "checks"
