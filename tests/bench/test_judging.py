"""The judge on tables of the paper's size: CPU seconds and memory, and how both grow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.conftest import CHECKOUT
from tests.bench.judge_world import Judging, write_tables

LATENTS = 2_000
FEW_LATENTS = 200
MOST_CPU_S = 60.0
MOST_MB = 1_000.0
MOST_CPU_S_OF_FEW = 20.0
"""A tenth of the latents; what does not shrink with them is the paper's questions and the number of draws."""

MOST_OVER_PROPORTION = 1.5
"""Time of four times as much against four times the time; noise of a shared core included."""

DRAWS = (2_499, 9_999)


def carried_out(folder: Path, num_draws: int = 0) -> Judging:
    """What a process of its own takes."""
    command = [sys.executable, "-m", "tests.bench.judge_world", str(folder), str(num_draws)]
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=CHECKOUT, env=dict(os.environ), check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return Judging(**json.loads(run.stdout))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Finished runs by number of latents, made on first use."""
    return _Tables(tmp_path_factory.mktemp("judge-worlds"))


class _Tables(dict[int, Path]):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def __missing__(self, latents: int) -> Path:
        self[latents] = self.root / f"{latents}-latents"
        write_tables(self[latents], latents)
        return self[latents]


def _answered(judging: Judging) -> bool:
    """Every claim was judged, and none by breaking: a judge that does nothing is quick."""
    return sum(judging.states.values()) == judging.claims and not {"ERROR", "NOT_RUN"} & set(judging.states)


@pytest.mark.smoke
def test_the_whole_inventory_on_few_latents(benchmark: BenchmarkFixture, tables: dict[int, Path]) -> None:
    """A tenth of the paper's latents, every claim and every draw."""
    judging = benchmark.pedantic(carried_out, args=(tables[FEW_LATENTS],))
    benchmark.extra_info.update(cpu_s=judging.cpu_s, peak_mb=judging.peak_mb)
    assert _answered(judging)
    assert judging.read_s + judging.cpu_s <= MOST_CPU_S_OF_FEW
    assert judging.peak_mb <= MOST_MB


def test_the_whole_inventory(benchmark: BenchmarkFixture, tables: dict[int, Path]) -> None:
    """2,000 latents, ten languages, 26 layers, two phrases a latent, two streams of 9,999 draws."""
    judging = benchmark.pedantic(carried_out, args=(tables[LATENTS],))
    benchmark.extra_info.update(cpu_s=judging.cpu_s, read_s=judging.read_s, peak_mb=judging.peak_mb)
    assert _answered(judging)
    assert judging.read_s + judging.cpu_s <= MOST_CPU_S
    assert judging.peak_mb <= MOST_MB


def test_draws_over_latents_and_draws(benchmark: BenchmarkFixture, tables: dict[int, Path]) -> None:
    """Four times the latents, or four times the draws: four times the time and no more."""

    def grown() -> list[Judging]:
        return [
            carried_out(tables[latents], draws)
            for latents, draws in ((LATENTS // 4, DRAWS[0]), (LATENTS, DRAWS[0]), (LATENTS // 4, DRAWS[1]))
        ]

    small, more_latents, more_draws = benchmark.pedantic(grown)
    benchmark.extra_info["cpu_s"] = [small.cpu_s, more_latents.cpu_s, more_draws.cpu_s]
    benchmark.extra_info["peak_mb"] = [small.peak_mb, more_latents.peak_mb, more_draws.peak_mb]
    assert more_latents.cpu_s <= 4 * MOST_OVER_PROPORTION * small.cpu_s
    assert more_draws.cpu_s <= 4 * MOST_OVER_PROPORTION * small.cpu_s
