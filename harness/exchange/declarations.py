"""What imports have in common: measurements addressed by the claims that name them, under one head."""

from collections.abc import Sequence

from harness.judge.declaration import SCHEMA_VERSION, Head
from harness.words.canonical import Json
from harness.words.claim import Claim


def declaration(head: Head, measurements: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """The content of a file for an audit."""
    day: dict[str, Json] = {"declared_on": head.declared_on} if head.declared_on else {}
    return {
        "schema_version": SCHEMA_VERSION,
        "study": head.study,
        "declared_by": head.declared_by,
        **day,
        "measurements": list(measurements),
    }


def address(claims: Sequence[Claim], estimate_id: str) -> dict[str, Json] | None:
    """Claim, reading, estimate and unit of the first claim that is about an estimate; None where none is."""
    for claim in claims:
        for reading in claim.readings:
            if estimate_id in reading.estimates:
                return {
                    "claim": claim.id,
                    "reading": reading.name,
                    "estimate_id": estimate_id,
                    "unit": claim.unit_of(reading),
                }
    return None
