"""Text made safe for HTML and XML: everything is escaped unless this package wrote it."""

import html
import re
from dataclasses import dataclass

UNPRINTABLE = re.compile(
    "[^\t\n\r\\x20-\\x7e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
"""What XML forbids, control characters, and the signs that turn the direction of writing."""

VOID = frozenset({"meta", "br", "link"})


@dataclass(frozen=True)
class Markup:
    """HTML that is already safe; a plain string is not."""

    html: str


def printable(text: str) -> str:
    """The text with each character that may not stand in a page replaced by U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)


def escaped(text: str) -> str:
    """The text as it may stand in an element or a quoted attribute."""
    return html.escape(printable(text), quote=True)


def tag(name: str, /, *children: Markup | str, **attributes: str) -> Markup:
    """One element; strings among the children and all attribute values are escaped.

    Attribute names drop a trailing underscore and turn others into hyphens: `class_`, `aria_label`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items()
    )
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children).html}</{name}>")


def joined(*children: Markup | str, between: str = "") -> Markup:
    """Children one after the other, strings escaped."""
    parts = (child.html if isinstance(child, Markup) else escaped(child) for child in children)
    return Markup(between.join(parts))
