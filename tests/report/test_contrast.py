"""Text of the page can be read: contrast by the formula of WCAG 2, in light and in dark."""

import re
from importlib import resources

import pytest

SHEET = resources.files("harness.report").joinpath("report.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in SHEET.split(":root {")[1:3]
)


def luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
@pytest.mark.parametrize("text", ["ink", "muted", "link", "good", "bad"])
def test_text_can_be_read(colours: dict[str, str], ground: str, text: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["warn", "warn-stripe"])
def test_the_ribbon_can_be_read(colours: dict[str, str], ground: str) -> None:
    assert contrast(colours["warn-ink"], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("series", range(6))
def test_lines_can_be_seen(colours: dict[str, str], series: int) -> None:
    assert contrast(colours[f"series-{series}"], colours["paper"]) >= 3.0


def test_both_themes_name_the_same_colours() -> None:
    assert set(DARK) == set(LIGHT)
    assert sum(name.startswith("band-") for name in LIGHT) == 11
