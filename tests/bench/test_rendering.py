"""Rendering: seconds and memory of everything that a fixture run's records become."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import CHECKOUT

MOST_CPU_S = 10
"""Promised; 2 were seen on a busy core, most of them matplotlib's."""

MOST_MB = 600
"""Promised for the whole process, imports included."""

MOST_PAGE_MB = 2
"""What a mail program takes without asking."""


@pytest.mark.smoke
def test_seconds_memory_and_size_of_a_report(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """All four files of a run with 1,644 numbers, 24 known numbers and two dozen claims."""

    def rendered() -> dict[str, float]:
        command = [sys.executable, "-m", "tests.bench.rendering", str(tmp_path)]
        run = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
        assert run.returncode == 0, run.stderr[-3000:]
        took: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
        return took

    took = benchmark.pedantic(rendered)
    benchmark.extra_info |= took
    assert took["cpu_s"] <= MOST_CPU_S
    assert took["peak_mb"] <= MOST_MB
    assert took["page_mb"] <= MOST_PAGE_MB
