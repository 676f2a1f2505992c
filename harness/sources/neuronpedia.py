"""The only door to Neuronpedia's service: single latents with their stored rows, for spot checks.

The service tells a latent a megabyte at a time and allows a few thousand questions an hour, so that runs read the bulk
export; nothing measured rests on what is told here.
"""

import json
from dataclasses import dataclass
from typing import Any

from harness.sources.export import StoredRow, row_of
from harness.sources.pin_record import endpoint_of
from harness.sources.plain_http import whole_answer
from harness.statistics.finite import require_number
from harness.words.errors import MissingSourceError
from harness.words.study import Pin


@dataclass(frozen=True, kw_only=True)
class ToldLatent:
    """What the service says of one latent."""

    maximum: float
    """Its largest stored activation, as the service has it."""
    rows: tuple[StoredRow, ...]


def told_latent(service: Pin, source_id: str, latent: int) -> ToldLatent:
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
        return _latent(json.loads(content), path, latent)
    except (ArithmeticError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MissingSourceError(f"{service}: {path} tells no latent with its rows ({error!r})") from error


def _latent(fields: Any, place: str, latent: int) -> ToldLatent:  # noqa: ANN401  what a foreign service says
    rows = tuple(row_of(row, place) for row in fields["activations"])
    if others := sorted({row.latent for row in rows} - {latent}):
        raise ValueError(f"rows of latents {others[:3]} stand among those of latent {latent}")
    return ToldLatent(maximum=require_number("maxActApprox", float(fields["maxActApprox"])), rows=rows)
