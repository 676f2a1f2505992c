"""Drawings are the same bytes wherever they are made, whatever somebody set for figures of their own."""

import os
import subprocess
import sys
from pathlib import Path

from harness.report.drawing import Frame, blank, house_style, inline

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
