"""A number as a page prints it: the string itself, its value, and how far rounding lets the truth lie from it."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

HEDGES = ("~", "≈", "about", "approximately", "around", "nearly", "roughly")
"""Words and signs that widen a printed number to one whole unit of its last digit."""

_NUMBER = re.compile(
    r"(?P<sign>[+\-\N{MINUS SIGN}]?)\s*(?P<digits>\d+(?:\.\d+)?)\s*(?:%|percent|points?|pp)?"
)


@dataclass(frozen=True)
class Printed:
    """One printed number; trailing zeros count, so the string is what is kept."""

    text: str

    @property
    def value(self) -> float:
        """The number that the string spells."""
        return float(self._decimal)

    @property
    def is_hedged(self) -> bool:
        """True when the page itself says "about"."""
        return self.text.strip().lower().startswith(HEDGES)

    @property
    def half_width(self) -> float:
        """Half a unit of the last printed digit; one whole unit when hedged."""
        unit = Decimal(1).scaleb(-self.num_decimals)
        return float(unit if self.is_hedged else unit / 2)

    @property
    def num_decimals(self) -> int:
        """Digits after the point."""
        return max(0, -int(self._decimal.as_tuple().exponent))

    @cached_property  # thousands of fractions ask for it
    def _decimal(self) -> Decimal:
        found = _NUMBER.fullmatch(_unhedged(self.text))
        if found is None:
            raise ValueError(
                f"{self.text!r} is no printed number; expected a decimal number such as '12.50', '+1.5' or '~90', "
                f"hedged at most by one of {', '.join(HEDGES)}"
            )
        sign = "-" if found["sign"] in {"-", "\N{MINUS SIGN}"} else ""
        return Decimal(sign + found["digits"])

    def require(self) -> "Printed":
        """The same, once it is sure to spell a number.

        Raises:
            ValueError: If it spells none.
        """
        assert self._decimal.is_finite()
        return self


def shown_as(number: str, stands_for: str) -> str:
    """A target as people read it: the number or, where the source prints a word instead, that word with our number for it.

    Args:
        number: As printed, with its unit where one is shown.
        stands_for: Word that the number stands for; empty where the number itself is printed.
    """
    return f'"{stands_for}", taken as {number} (ours)' if stands_for else number


def _unhedged(text: str) -> str:
    bare = text.strip().lower()
    for hedge in HEDGES:
        bare = bare.removeprefix(hedge).strip()
    return bare
