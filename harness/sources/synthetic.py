"""Outside things drawn at random on this machine, at true shapes: what a rehearsal loads in place of the real ones.

A pin's address is its recipe, "model?layers=26&width=2304": the same recipe gives the same bytes, and its digest is
the revision. Nothing here resembles language or a trained network; only shapes, sizes and file layouts are true.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from harness.sources.pin_record import kept
from harness.store.files import disk_errors, locked, sync
from harness.words.canonical import digest_of
from harness.words.errors import UsageError, choice_error
from harness.words.study import Pin

RECIPE = 1
"""Version of everything that this module makes; another one makes all of it anew."""

REQUIRED: Mapping[str, frozenset[str]] = {
    "model": frozenset({"vocabulary", "width", "layers", "heads", "kv_heads", "head_width", "mlp"}),
    "dictionaries": frozenset({"width", "latents", "layers"}),
    "translator": frozenset({"vocabulary", "width", "layers", "heads", "mlp"}),
    "export": frozenset({"layers", "latents", "tokens"}),
    "items": frozenset({"items"}),
}
"""Figures that each kind is made from."""

Figures = Mapping[str, int]
"""Numbers of a recipe by name."""

Make = Callable[[Path, Figures], None]


def made_revision(pin: Pin) -> str:
    """What stands for the content of a made thing: its recipe."""
    return digest_of([RECIPE, pin.address])


def made_folder(pin: Pin) -> Path:
    """Folder that holds the made thing; made now where it is not there yet, whole or not at all.

    Raises:
        UsageError: If the address is no recipe.
        StoreError: If the disk refuses.
    """
    kind, figures = recipe_of(pin)
    folder = kept(f"made/{kind}-{made_revision(pin)[:16]}")
    if folder.is_dir():
        return folder
    with locked(folder.with_suffix(".lock")), disk_errors(folder):
        if not folder.is_dir():
            draft = folder.with_name(f".{folder.name}")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            _maker(kind)(draft, figures)
            for path in draft.rglob("*"):
                sync(path)
            draft.rename(folder)
    return folder


def recipe_of(pin: Pin) -> tuple[str, Figures]:
    """Kind and figures of a recipe.

    Raises:
        UsageError: If the address is none.
    """
    kind, _, query = pin.address.partition("?")
    if kind not in REQUIRED:
        raise choice_error("kind of made thing", kind, tuple(REQUIRED), f"({pin.name})")
    try:
        figures = {name: int(value) for name, value in parse_qsl(query, strict_parsing=True)}
    except ValueError as error:
        raise UsageError(
            f"{pin.name}: {pin.address!r} is no recipe ({error}); expected a kind and whole numbers, such as "
            "'model?layers=26&width=2304'"
        ) from error
    if wrong := REQUIRED[kind] ^ figures.keys():
        raise UsageError(
            f"{pin.name}: {', '.join(sorted(wrong))} should not differ; a {kind} takes {sorted(REQUIRED[kind])}"
        )
    return kind, figures


def _maker(kind: str) -> Make:
    """What makes a kind; imports only what that kind needs."""
    match kind:
        case "model":
            from harness.sources.synthetic_networks import make_model

            return make_model
        case "dictionaries":
            from harness.sources.synthetic_networks import make_dictionaries

            return make_dictionaries
        case "translator":
            from harness.sources.synthetic_networks import make_translator

            return make_translator
        case "export":
            from harness.sources.synthetic_texts import make_export

            return make_export
        case "items":
            from harness.sources.synthetic_texts import make_items

            return make_items
    raise ValueError(f"unknown kind {kind!r}")
