"""The authors' results over a real line: read as published, compared where comparable, and missing where missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.authors import runs_in
from harness.words.failures import UsageError
from harness.words.published import PublishedSet
from tests.hub.published import published_repositories
from tests.hub.server import Hub, serving

SET = PublishedSet(address="someone/results", benchmark="arc", language="ml")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(repositories=published_repositories())) as running:
        yield running


def authors(hub: Hub, home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    command = [sys.executable, "-m", "harness", "authors", "--out", str(home / "out"), *words]
    environment = {**kept, **hub.environment(str(home / "home")), **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_published_runs_are_read_and_compared(hub: Hub, tmp_path: Path) -> None:
    done = authors(hub, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert any(
        line.startswith("hellaswag_id     untouched  10 shots        acc 0.4150 (n 6,019 by its error)")
        for line in lines
    )
    assert any(
        line.startswith("hellaswag_ml     untouched  shots not said  acc 0.2517 (n 6,019") for line in lines
    )
    assert (
        "arc_ml 4k-0 against untouched, acc: +61 items, +5.47 points, +21.79 % of the score before" in lines
    )
    assert (
        "arc_ml abs against untouched, acc: not comparable, the two did not answer the same number of items"
        in lines
    )
    assert any(
        "missing: richmondsin/mmlu_id_results: richmondsin/mmlu_id_results/google/gemma-2-2b/results_" in line
        for line in lines
    )
    assert any(line.startswith("  note: richmondsin/hellaswag_id_results is at ") for line in lines)
    assert "baseline hellaswag id acc on richmondsin/m_hellaswag: 0.4150 of 6,019, as committed" in lines
    assert "baseline hellaswag ml acc on richmondsin/m_hellaswag: 0.2517 of 6,019, as committed" in lines
    assert any(
        line.startswith('    PublishedBaseline(benchmark="arc", language="ml", metric="acc", accuracy=0.2511')
        for line in lines
    )
    assert "shots of hellaswag: 10, as registered" in lines
    assert any(
        line.endswith("+61 items, +5.47 points, +21.79 %: can be +5.47 as points (rounded once)")
        for line in lines
    )
    assert any(
        line.startswith("printed +0.16 for arc in ml") and "0 of 2 pairs can be it" in line for line in lines
    )
    content = json.loads((tmp_path / "out" / "authors.json").read_text())
    assert [each["standing"] for each in content["settled"]["baselines"]].count("agrees") == 3
    assert len(content["sets"]) == 35
    assert not hub.paths("samples_")


def test_offline_everything_is_missing_and_told(hub: Hub, tmp_path: Path) -> None:
    done = authors(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 5
    assert "0 runs of 0 result sets; 35 sets are missing" in done.stdout
    assert "no network" in done.stdout


@pytest.mark.parametrize(
    "content", [{}, {"results": []}], ids=["another file", "another shape"]
)  # fmt: skip
def test_what_is_no_summary_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected a summary of lm-eval"):
        runs_in(content, SET, "0" * 40, "results_x.json")
