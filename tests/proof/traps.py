"""The traps of the hub in miniature, read off the bytes that it serves by no code of the harness."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claims.sin2025 import pins
from tests.hub.miniature import BOS, BUCKET, LAYOUT
from tests.hub.server import Hub, content_of


@dataclass(frozen=True, kw_only=True)
class ServedRows:
    """What the export of one layer holds."""

    peaked_on_bos: int
    across_documents: int
    """Rows with a BOS that is not their peak."""
    latents: Mapping[type, frozenset[int]]
    """Latents by how their index is written, as a string or as a number."""


def served_rows(hub: Hub, layer: int) -> ServedRows:
    """Counted without any code of the harness."""
    latents: dict[type, set[int]] = {str: set(), int: set()}
    counts: Counter[str] = Counter()
    for row in _rows(hub, f"{BUCKET}/{pins.PHRASE_SOURCE_IDS[layer]}/activations/"):
        latents[type(row["index"])].add(int(row["index"]))
        if row["tokens"][row["maxValueTokenIndex"]] == BOS:
            counts["peaked"] += 1
        elif BOS in row["tokens"]:
            counts["across"] += 1
    return ServedRows(
        peaked_on_bos=counts["peaked"],
        across_documents=counts["across"],
        latents={kind: frozenset(found) for kind, found in latents.items()},
    )


def served_item(hub: Hub, benchmark: str, language: str, split: str, number: int) -> dict[str, Any]:
    """One line of a benchmark's file, as it stands."""
    repository = hub.repositories["datasets", pins.BENCHMARKS[benchmark].address]
    lines = repository.read(LAYOUT[benchmark].format(language=language, split=split)).splitlines()
    item: dict[str, Any] = json.loads(lines[number])
    return item


def document_hash(asked: Mapping[str, Any]) -> str:
    """The digest under which lm-eval logs a document."""
    return hashlib.sha256(json.dumps(asked, indent=2, ensure_ascii=False).encode()).hexdigest()


def _rows(hub: Hub, prefix: str) -> Iterator[dict[str, Any]]:
    for key, content in hub.objects.items():
        if key.startswith(prefix):
            for line in gzip.decompress(content_of(content)).splitlines():
                yield json.loads(line)
