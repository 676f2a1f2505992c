"""Artifacts that are shared in tests, and what becomes of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.exchange.sharing import Fate, Shared
from harness.store.store import Artifact, Ingredient, Recipe, Store
from harness.store.tables import write_table
from harness.words.canonical import canonical_json
from harness.words.records import Text, TextLength

NUMBERS = ("one", "two", "three")
"""Artifacts that hold nothing but numbers."""


def made(store: Store, name: str, *needs: Artifact, says: str = "", **parameters: Any) -> Artifact:
    """An artifact of two files, or of a table of texts."""

    def fill(out: Path) -> None:
        (out / "deep").mkdir()
        (out / "deep" / "same.json").write_text("{}")
        write_table(out, TextLength, [TextLength(text_id=1, tokens=len(says or name))])
        if says:
            write_table(out, Text, [Text(text_id=1, text=says, held_out=False)])

    parts = tuple(Ingredient(role="phrases", key=each.key, digest=each.digest) for each in needs)
    recipe = Recipe(
        stage="stage", item=name, parameters=canonical_json({"name": name, **parameters}), ingredients=parts
    )
    return store.produce(recipe, fill)


def source(name: str) -> dict[str, Any]:
    return {"source": {"name": name, "revision": "1"}}


def fates(found: Iterator[Shared]) -> list[Fate]:
    return [each.fate for each in found]


def files_of(store: Store) -> dict[str, bytes]:
    """Every file of a store's artifacts."""
    return {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in sorted(store.root.glob("objects/*/*/*/**/*"))
        if path.is_file()
    }
