"""The notebook of the docs runs from its first cell to its last, and shows what the report holds."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_notebook_of_the_docs_runs() -> None:
    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len(shown) == sum(cell.cell_type == "code" for cell in notebook.cells)
    (card,) = [
        each
        for each in shown
        if "mini.gap.l6.value" in each.get("data", {}).get("text/html", "")[:2000]
        and "<details open" in each["data"]["text/html"]
    ]
    assert "PASS" in card["data"]["text/html"]
    assert any("PASS" in each.get("text", "") for each in shown)


COMPLETED = """
import sys, time
begun = time.process_time()
import harness
listed = dir(harness)
spent = time.process_time() - begun
assert {"open_run", "judge_number", "plan"} <= set(listed), listed
assert spent < 0.5, spent
assert sorted(name for name in sys.modules if name.startswith("harness")) == ["harness"]
assert all(callable(getattr(harness, name)) for name in ("open_run", "judge_number", "plan"))
"""


def test_a_notebook_completes_what_it_works_with_before_anything_is_loaded() -> None:
    subprocess.run([sys.executable, "-c", COMPLETED], check=True)
