"""One spelling for every value that a digest is taken of: canonical JSON, and the digest of it."""

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from harness.words.study import SILENT, Pin

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

Revision = Callable[[Pin], str]
"""What stands for the content of a pinned thing."""


def plain(value: object, revision_of: Revision | None = None) -> Json:
    """A value as JSON data: dataclasses become objects without their silent defaults, enums their values, tuples lists.

    Args:
        value: Dataclasses, enums, mappings with text keys, lists, tuples, paths and scalars, nested.
        revision_of: When given, a pin becomes its name and this revision: where a thing is fetched from
            then moves no digest, what it holds does, and what is known of it.

    Raises:
        ValueError: If something in it has no one spelling: a set, a NaN, an object of another kind.
    """
    if revision_of is not None and isinstance(value, Pin):
        known = {field.name for field in fields(value)} - {field.name for field in fields(Pin)}
        return {"name": value.name, "revision": revision_of(value), **_said(value, known, revision_of)}
    if isinstance(value, Enum):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return _said(value, {field.name for field in fields(value)}, revision_of)
    if isinstance(value, Mapping):
        return {_key(key): plain(entry, revision_of) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry, revision_of) for entry in value]
    return _scalar(value)


def _said(
    value: Any,  # noqa: ANN401  any dataclass
    names: Collection[str],
    revision_of: Revision | None = None,
) -> dict[str, Json]:
    """Some fields of a dataclass, without those that are silent."""
    held = ((field, getattr(value, field.name)) for field in fields(value) if field.name in names)
    return {
        field.name: plain(entry, revision_of)
        for field, entry in held
        if field.metadata != SILENT or entry != field.default
    }


def canonical_json(value: object, revision_of: Revision | None = None) -> str:
    """The one text of a value: keys sorted, no spaces, letters as they are."""
    return json.dumps(
        plain(value, revision_of), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(value: object, revision_of: Revision | None = None) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return text_digest(canonical_json(value, revision_of))


def text_digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"a mapping that is digested needs text keys, found {key!r} ({type(key).__name__})")  # noqa: TRY004
    return str(key.value) if isinstance(key, Enum) else key


def _scalar(value: object) -> Json:
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no canonical spelling; digested numbers must be finite")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"cannot digest {value!r} of type {type(value).__name__}; "
        "expected dataclasses, enums, mappings, lists, tuples, paths, text, numbers or None"
    )


def place_of_surrogate(content: object, place: str = "$") -> str:
    """Where parsed JSON holds half of a surrogate pair, which no file can be written with; nothing where all is text.

    Args:
        content: What JSON can hold. A key that is broken is told as the place of its object.
        place: What the content itself is called.
    """
    if isinstance(content, str):
        return "" if _is_text(content) else place
    if isinstance(content, list):
        found = (place_of_surrogate(entry, f"{place}[{index}]") for index, entry in enumerate(content))
    elif isinstance(content, Mapping):
        if not all(map(_is_text, content)):
            return place
        found = (place_of_surrogate(entry, f"{place}.{key}") for key, entry in content.items())
    else:
        return ""
    return next(filter(None, found), "")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
