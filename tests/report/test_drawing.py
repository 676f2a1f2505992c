"""Drawings are the same bytes wherever they are made, whatever somebody set for figures of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.report import figures
from harness.report.figures import MUTED, Frame, blank, house_style, inline

ROOT = Path(__file__).resolve().parents[2]

FRAME = Frame(anchor="one", title="One", description="One line.", stamp="")

SETTINGS = """
figure.dpi: 33
lines.linewidth: 17
svg.fonttype: path
axes.grid: True
backend: module://nothing
# Stra\xdfe
"""
"""What a matplotlibrc may hold; its last line is no UTF-8 once it is written as Latin-1."""


def drawn() -> str:
    """A small drawing."""
    with house_style():
        figure = blank(2)
        figure.subplots().plot([1, 2], label="line")
        return str(inline(figure, FRAME))


def test_a_drawing_is_the_same_bytes_among_foreign_settings(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(SETTINGS, encoding="latin-1")
    foreign = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    program = "import sys; from tests.report.test_drawing import drawn; sys.stdout.write(drawn())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, **foreign}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stderr.decode(), done.stdout.decode()) == ("", drawn())


def test_a_drawing_says_nothing_that_does_not_show() -> None:
    with house_style():
        figure = blank(2)
        axes = figure.subplots()
        for place in range(3):
            axes.plot([place, place + 1], [1, 2], color=MUTED)
            axes.plot([place, place + 1], [2, 3], color=MUTED, alpha=0.5)
        axes.plot([0, 1], [4, 4], color=MUTED)
        axes.plot([1, 2], [4, 4], color=MUTED)
        axes.set_title("one & <two>")
        axes.spines[:].set_visible(False)
        svg = str(inline(figure, FRAME))
    asked_for = set(re.findall(r"#one-([^)\"]+)", svg)) | {"title", "description"}
    assert set(re.findall(r'id="one-([^"]+)"', svg)) == asked_for
    assert not re.search(r"font-family|<g>|<metadata|fill:none\"|\d\.\d\d", svg)
    assert "one &amp; &lt;two&gt;</text>" in svg
    # Neighbours that look the same are one path; where colours shine through each other, each stays by itself.
    paths = re.findall(r'<path d="([^"]*)"[^>]*stroke:var\(--muted\)', svg)
    assert [path.count("M") for path in paths if path.count("L") == path.count("M")] == [1] * 6 + [2]


def test_a_drawing_is_drawn_once_where_matplotlib_would_lay_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for its layout and once for its lines is twice the work; what comes out is the same."""
    plain = drawn()
    from matplotlib.figure import Figure

    times, draw = [], Figure.draw

    def counted(figure: Figure, renderer: object) -> None:
        times.append(figure)
        draw(figure, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    assert (drawn(), len(times)) == (plain, 1)
    monkeypatch.setattr(figures, "_lay_out", lambda _: None)
    assert (drawn(), len(times)) == (plain, 3)
