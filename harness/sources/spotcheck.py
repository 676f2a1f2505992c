"""A few latents of the phrase export held against the service that tells them one by one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.sources.http import whole_answer
from harness.sources.neuronpedia import (
    StoredRow,
    activation_files,
    row_of,
    rows_of_file,
)
from harness.sources.pins import endpoint_of, locate
from harness.statistics.finite import require_number
from harness.words.errors import MissingSourceError, UsageError
from harness.words.study import Pin, Profile, Shapes

ROUNDING = 1.1e-3
"""Both sides round to three decimals, not always the same way."""

MIN_FOUND = 0.9
"""Share of the told rows that the export must hold."""

SPOT_DRAW = int.from_bytes(b"spot")
"""Names the stream of this sample."""


@dataclass(frozen=True, kw_only=True)
class ServiceLatent:
    """What the service says of one latent."""

    maximum: float
    """Its largest stored activation, as the service has it."""
    rows: tuple[StoredRow, ...]


@dataclass(frozen=True, kw_only=True)
class SpotCheck:
    """One latent on both sides."""

    layer: int
    latent: int
    told_rows: int
    found_rows: int
    """Told rows whose tokens the export holds for this latent."""
    equal_rows: int
    """Those of them that have the same values as well."""
    service_maximum: float
    export_maximum: float

    @property
    def agrees(self) -> bool:
        """True when nearly every told row is in the export, and none has other values there."""
        enough = self.told_rows > 0 and self.found_rows >= MIN_FOUND * self.told_rows
        return enough and self.equal_rows == self.found_rows


def line_of(found: SpotCheck) -> tuple[str, str]:
    """A check for people: the lead of its line, and the text."""
    said = (
        f"{found.found_rows} of {found.told_rows} told rows are in the export, {found.equal_rows} with equal values; maximum "
        f"{found.service_maximum:g} told, {found.export_maximum:g} stored"
    )
    return (
        f"{'agrees ' if found.agrees else 'DIFFERS'} layer {found.layer:>2} latent {found.latent:>5}: ",
        said,
    )


def spot_checks(
    shapes: Shapes, profile: Profile, layers: Sequence[int], per_layer: int
) -> Iterator[SpotCheck]:
    """A seeded sample of latents of some layers; the export is fetched first where it is not here.

    Args:
        shapes: Say which layers have a dictionary.
        profile: Names export and service.
        layers: Layers to look at; none means the first, the middle and the last.
        per_layer: Latents of each.

    Raises:
        UsageError: If the profile has no such service, or no such layer.
        MissingSourceError: If export or service cannot be had, or the service does not know a latent.
    """
    service, read = profile.sources.phrase_service, shapes.layers
    source_ids = dict(zip(read, profile.sources.phrase_source_ids, strict=True))
    if service is None:
        raise UsageError(
            f"the {profile.name} world names no service that tells single latents; try --profile paper"
        )
    if unknown := [layer for layer in layers if layer not in source_ids]:
        raise UsageError(f"there is no layer {unknown[0]}; the layers are {shapes.layers_say}")
    export = locate(profile.sources.phrases)
    for layer in layers or sorted({read[0], read[(len(read) - 1) // 2], read[-1]}):
        rows = _sampled(export, source_ids[layer], per_layer, layer, profile.sizes.sampling_seed)
        for latent, stored in rows.items():
            yield compared(layer, latent, stored, service_latent(service, source_ids[layer], latent))


def service_latent(service: Pin, source_id: str, latent: int) -> ServiceLatent:
    """One latent as the service tells it.

    Args:
        service: Pin whose address is the service's page of a model.
        source_id: Neuronpedia source id of the layer.
        latent: Index of the latent.

    Raises:
        MissingSourceError: If the service does not answer, refuses, knows no such latent, or tells something else.
    """
    path = f"{service.address.partition('://')[2].partition('/')[2]}/{source_id}/{latent}"
    content = whole_answer(service, f"{endpoint_of(service)}/{path}")
    try:
        fields = json.loads(content)
        rows = tuple(row_of(row, path) for row in fields["activations"])
        maximum = require_number("maxActApprox", float(fields["maxActApprox"]))
    except (ArithmeticError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MissingSourceError(f"{service}: {path} tells no latent with its rows ({error!r})") from error
    if others := sorted({row.latent for row in rows} - {latent}):
        raise MissingSourceError(
            f"{service}: {path} tells no latent with its rows (rows of latents {others[:3]} stand among those of latent {latent})"
        )
    return ServiceLatent(maximum=maximum, rows=rows)


def compared(layer: int, latent: int, stored: Sequence[StoredRow], told: ServiceLatent) -> SpotCheck:
    """Both sides of one latent, row by row."""
    by_tokens = {row.tokens: row.values for row in stored}
    found = [(row.values, by_tokens[row.tokens]) for row in told.rows if row.tokens in by_tokens]
    return SpotCheck(
        layer=layer,
        latent=latent,
        told_rows=len(told.rows),
        found_rows=len(found),
        equal_rows=sum(np.allclose(ours, theirs, rtol=0, atol=ROUNDING) for ours, theirs in found),
        service_maximum=told.maximum,
        export_maximum=max(max(row.values) for row in stored),
    )


def _sampled(export: Path, source_id: str, count: int, layer: int, seed: int) -> dict[int, list[StoredRow]]:
    """Every row of some latents of one drawn file; the rows of a latent lie in one file."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, SPOT_DRAW, layer]))
    files = activation_files(export, source_id)
    by_latent: dict[int, list[StoredRow]] = {}
    for row in rows_of_file(files[int(stream.integers(len(files)))]):
        by_latent.setdefault(row.latent, []).append(row)
    drawn = stream.permutation(sorted(by_latent))[:count]
    return {latent: by_latent[latent] for latent in sorted(drawn.tolist())}
