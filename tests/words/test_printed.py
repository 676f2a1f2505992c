"""Printed numbers: the string is kept, and rounding is read off it."""

import re

import pytest

from harness.words.claim import Printed, SourceTier, Target, shown_as


@pytest.mark.parametrize(
    ("text", "value", "half_width"),
    [
        pytest.param("26.27", 26.27, 0.005, id="two decimals are half a hundredth wide"),
        pytest.param("26.270", 26.27, 0.0005, id="a trailing zero counts"),
        pytest.param("91", 91, 0.5, id="a whole number is half a unit wide"),
        pytest.param("~91", 91, 1.0, id="a tilde widens to a whole unit"),
        pytest.param("≈ 91", 91, 1.0, id="so does a wavy equals sign"),
        pytest.param("around 91", 91, 1.0, id="so does around"),
        pytest.param("about 91", 91, 1.0, id="so does about"),
        pytest.param("approximately 91", 91, 1.0, id="so does approximately"),
        pytest.param("Nearly 91 %", 91, 1.0, id="so does nearly, in any case"),
        pytest.param("roughly 1.5", 1.5, 0.1, id="a hedged decimal widens to its last digit"),
        pytest.param("+0.16", 0.16, 0.005, id="a plus sign changes nothing"),
        pytest.param("-0.22", -0.22, 0.005, id="a hyphen is a minus"),
        pytest.param("\N{MINUS SIGN} 0.22 pp", -0.22, 0.005, id="so is a minus sign"),
        pytest.param(" 5.47 points ", 5.47, 0.005, id="a unit and blanks are read over"),
        pytest.param("0", 0, 0.5, id="zero"),
        pytest.param(".42", 0.42, 0.005, id="no zero before the point"),
        pytest.param("-.42", -0.42, 0.005, id="nor behind a minus"),
        pytest.param("+5,47", 5.47, 0.005, id="a decimal comma"),
        pytest.param("0,123", 0.123, 0.0005, id="a comma behind a zero parts no thousands"),
        pytest.param("1234,567", 1234.567, 0.0005, id="nor does one behind four digits"),
        pytest.param("1,234.5", 1234.5, 0.05, id="commas between thousands"),
        pytest.param("1,234,567", 1234567, 0.5, id="two of them are no decimal mark"),
        pytest.param("1.234,5", 1234.5, 0.05, id="points between thousands"),
        pytest.param("1\N{THIN SPACE}234.5", 1234.5, 0.05, id="spaces between thousands"),
        pytest.param("1'234", 1234, 0.5, id="apostrophes between thousands"),
        pytest.param("1e-3", 0.001, 0.0005, id="a power of ten"),
        pytest.param("1.5E3", 1500, 50, id="a large one rounds at its last digit"),
        pytest.param("1.5 \N{MULTIPLICATION SIGN} 10⁻³", 0.0015, 0.00005, id="a power as pages set it"),
        pytest.param("\N{EN DASH}0.22", -0.22, 0.005, id="a dash before a number is a minus"),
        pytest.param("\N{TILDE OPERATOR}91 percentage points", 91, 1.0, id="a tilde as LaTeX sets it"),
    ],
)
def test_a_printed_number_says_its_value_and_its_rounding(text: str, value: float, half_width: float) -> None:
    printed = Printed(text)
    assert (printed.value, printed.half_width) == (value, pytest.approx(half_width, abs=1e-15))
    assert printed.require() is printed
    assert printed.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "many",
        "about about 9",
        "1e",
        "1e3.5",
        "1e9999",
        "12 34",
        "26.",
        ".",
        "--1",
        "nan",
        "26.27 kg",
    ],
)
def test_what_is_no_number_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="is no printed number; expected one such as") as caught:
        Printed(text).require()
    assert repr(text) in str(caught.value)
    assert "roughly" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,234", "is 1234 to some and 1.234 to others; write the one that is meant"),
        ("-12,345 points", "is 12345 to some and 12.345 to others"),
        ("25.1 ± 0.3", "is a number with its error; give the number alone"),
        ("25.1 (0.3)", "is a number with something in brackets; give the number alone"),
        ("25.1 +/- 0.3", "is a number with its error; give the number alone"),
        ("3:1", "is a proportion; give it as a decimal number"),
        ("3-fold", "is a multiple; give its number alone"),
        ("3/4", "is a fraction; give it as a decimal number"),
    ],
)
def test_what_may_be_two_numbers_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{text!r} {says}")):
        Printed(text).require()


def test_a_target_rounds_as_its_string_does_unless_it_says_otherwise() -> None:
    plain = Target(printed=Printed("0.16"), source="table 2", tier=SourceTier.PAPER, reading="points")
    formed = Target(
        printed=Printed("0.16"), source="table 2", tier=SourceTier.PAPER, reading="points", half_width=0.01
    )
    exact = Target(
        printed=Printed("0.16"), source="s", tier=SourceTier.PAPER, reading="points", half_width=0.0
    )
    assert (plain.rounding, formed.rounding, exact.rounding) == (0.005, 0.01, 0.0)
    assert plain.value == formed.value == 0.16


@pytest.mark.parametrize(
    ("number", "stands_for", "shown"),
    [("26.27 %", "", "26.27 %"), ("0 points", "stable", '"stable", taken as 0 points (ours)')],
)
def test_a_number_that_stands_for_a_word_is_shown_as_ours(number: str, stands_for: str, shown: str) -> None:
    assert shown_as(number, stands_for) == shown
