"""Printed numbers: the string is kept, and rounding is read off it."""

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
    ],
)
def test_a_printed_number_says_its_value_and_its_rounding(text: str, value: float, half_width: float) -> None:
    printed = Printed(text)
    assert (printed.value, printed.half_width) == (value, pytest.approx(half_width, abs=1e-15))
    assert printed.require() is printed
    assert printed.text == text


@pytest.mark.parametrize(
    "text", ["", "~", "many", "about about 9", "1e3", "1,000", "26.", ".5", "--1", "nan", "26.27 kg"]
)
def test_what_is_no_number_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="is no printed number; expected a decimal number such as") as caught:
        Printed(text).require()
    assert repr(text) in str(caught.value)
    assert "roughly" in str(caught.value)


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
