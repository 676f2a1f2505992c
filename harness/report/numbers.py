"""Numbers and texts as readers see them: true minus, a sign where a difference is meant, as many digits as the unit bears."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MINUS = "\u2212"
TIMES = "\u00d7"
NARROW_SPACE = "\u202f"
NOT_FINITE = "not finite"
NONE = "\u2013"
"""Stands where there is no number."""

SHOWN_DIGITS = 12
"""Digits of a check id or digest that a page shows where the whole would not fit."""
SMALLEST_PROBABILITY = 0.0001
"""The last digit of a probability that is printed."""

UNPRINTABLE = re.compile(
    "[^\t\n\r\\x20-\\x7e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
"""What XML forbids, control characters, and the signs that turn the direction of writing."""


@dataclass(frozen=True)
class UnitForm:
    """How a unit is written."""

    decimals: int
    suffix: str
    words: str
    """What a caption adds; nothing where the quantity's name says it."""
    whole: float = 0.0
    """What a share is a share of; nothing where the unit counts no share."""


UNITS: Mapping[str, UnitForm] = {
    "percent": UnitForm(2, f"{NARROW_SPACE}%", "in percent", 100.0),
    "points": UnitForm(2, " points", "in percentage points", 100.0),
    "r": UnitForm(3, "", "", 1.0),
    "cosine": UnitForm(3, "", "", 1.0),
    "count": UnitForm(0, "", ""),
    "none": UnitForm(4, "", ""),
    "chrF": UnitForm(1, "", "", 100.0),
    "fraction": UnitForm(3, "", "as a fraction", 1.0),
    "tokens": UnitForm(1, " tokens", ""),
    "nats": UnitForm(3, " nats", "in nats"),
    "latents": UnitForm(1, " latents", ""),
    "pairs": UnitForm(0, " pairs", ""),
    "activation squared": UnitForm(4, "", "in units of activation, squared"),
    "activation": UnitForm(4, "", "in units of activation"),
}


def unit_form(name: str) -> UnitForm:
    """How a unit is written."""
    return UNITS[name]


def amount(value: float | None, unit: str, *, signed: bool, with_unit: bool = False, more: int = 0) -> str:
    """A measured value.

    Args:
        value: The number; None when it is not finite.
        unit: Unit as records name it.
        signed: Whether a plus sign is printed too, since the number is a difference.
        with_unit: Whether the unit follows.
        more: Digits beyond those that the unit bears.
    """
    if value is None:
        return NOT_FINITE
    form = unit_form(unit)
    text = f"{value:{'+' if signed else ''}z.{form.decimals + more}f}"
    if not float(text):
        text = text.lstrip("+")
    return text.replace("-", MINUS) + (form.suffix if with_unit else "")


def estimated(
    value: float | None, ends: Sequence[float] | None, unit: str, *, signed: bool, with_unit: bool = False
) -> str:
    """A measured value with its interval, where it has one: "25.10 [24.11, 26.09] %"."""
    if not ends:
        return amount(value, unit, signed=signed, with_unit=with_unit)
    number, *limits = (amount(each, unit, signed=signed) for each in (value, *ends))
    return f"{number} [{', '.join(limits)}]{unit_form(unit).suffix if with_unit else ''}"


def exact(value: float | None) -> str:
    """A number that must be seen as it is, to six significant digits."""
    if value is None:
        return NOT_FINITE
    mantissa, _, exponent = f"{value:z.6g}".partition("e")
    written = mantissa if not exponent else f"{mantissa}{TIMES}10^{int(exponent)}"
    return written.replace("-", MINUS)


def whole(value: int | None) -> str:
    """A whole number with its thousands apart, or a dash."""
    return NONE if value is None else f"{value:,}"


def probability(value: float | None) -> str:
    """A p-value; one that is too small to print is said to be so."""
    if value is None:
        return NONE
    return "< 0.0001" if value < SMALLEST_PROBABILITY else f"{value:.4f}"


def interval(ends: Sequence[float] | None, unit: str) -> str:
    """Both ends of an interval or a band in the unit of a claim, where points are differences."""
    if not ends:
        return NONE
    low, high = (amount(end, unit, signed=unit == "points") for end in ends)
    return f"{low} to {high}{unit_form(unit).suffix}"


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


def printable(text: str) -> str:
    """The text with each character that may not stand in a page replaced by U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)
