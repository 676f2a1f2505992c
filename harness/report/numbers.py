"""Numbers as readers see them: true minus, a sign where a difference is meant, as many digits as the unit bears."""

from dataclasses import dataclass

MINUS = "\u2212"
TIMES = "\u00d7"
NARROW_SPACE = "\u202f"
NOT_FINITE = "not finite"

SHOWN_DIGITS = 12
"""Digits of a check id or digest that a page shows where the whole would not fit."""


@dataclass(frozen=True)
class Unit:
    """How a unit is written."""

    decimals: int
    suffix: str
    words: str
    """What a caption adds; nothing where the quantity's name says it."""


UNITS = {
    "percent": Unit(2, f"{NARROW_SPACE}%", "in percent"),
    "points": Unit(2, " points", "in percentage points"),
    "r": Unit(3, "", ""),
    "cosine": Unit(3, "", ""),
    "chrF": Unit(1, "", ""),
    "fraction": Unit(3, "", "as a fraction"),
    "tokens": Unit(1, " tokens", ""),
    "nats": Unit(3, " nats", "in nats"),
    "latents": Unit(1, " latents", ""),
    "pairs": Unit(0, " pairs", ""),
    "activation squared": Unit(4, "", "in units of activation, squared"),
    "activation": Unit(4, "", "in units of activation"),
}


def amount(value: float | None, unit: str, *, signed: bool, with_unit: bool = False) -> str:
    """A measured value.

    Args:
        value: The number; None when it is not finite.
        unit: Unit as records name it; one unknown here gets four decimals and its own name.
        signed: Whether a plus sign is printed too, since the number is a difference.
        with_unit: Whether the unit follows.
    """
    if value is None:
        return NOT_FINITE
    form = _unit(unit)
    text = f"{value:{'+' if signed else ''}z.{form.decimals}f}"
    if not float(text):
        text = text.lstrip("+")
    return text.replace("-", MINUS) + (form.suffix if with_unit else "")


def unit_words(unit: str) -> str:
    """What a caption says of a unit; may be empty."""
    return _unit(unit).words


def _unit(name: str) -> Unit:
    return UNITS.get(name) or Unit(4, f" {name}", f"in {name}")


def exact(value: float | None) -> str:
    """A number that must be seen as it is, to six significant digits."""
    if value is None:
        return NOT_FINITE
    mantissa, _, exponent = f"{value:z.6g}".partition("e")
    written = mantissa if not exponent else f"{mantissa}{TIMES}10^{int(exponent)}"
    return written.replace("-", MINUS)


def count(number: int, noun: str) -> str:
    """A number of things, such as "1 adapter" or "1,200 documents"."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def size(num_bytes: int) -> str:
    """A size on disk, in binary units."""
    value, units = float(num_bytes), ["B", "KiB", "MiB", "GiB"]
    while value >= 1024 and len(units) > 1:  # noqa: PLR2004 - the step between binary units
        value, units = value / 1024, units[1:]
    return f"{value:,.0f} {units[0]}" if units[0] == "B" else f"{value:,.1f} {units[0]}"


def short(digest: str) -> str:
    """The head of a digest."""
    return digest[:SHOWN_DIGITS]
