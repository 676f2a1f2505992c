"""Worlds of middle size, a ledger of measurements taken in processes of their own, and the table at the end."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from tests.bench.measuring import Measurement, Order
from tests.bench.mid_world import D_SAE, NUM_LAYERS, MidWorld, build_mid_world

CHECKOUT = Path(__file__).resolve().parents[2]

QUIET = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "WANDB_MODE": "disabled",
}
"""One thread, since two on a shared core wait for each other; no network."""


@dataclass
class Ledger:
    """Every measurement of the session; an order asked for twice is carried out once."""

    folder: Path
    taken: dict[Order, list[Measurement]] = field(default_factory=dict)
    worlds: dict[tuple[int, int], MidWorld] = field(default_factory=dict)

    def world(self, num_layers: int, d_sae: int) -> MidWorld:
        """The world of these sizes, built on first use."""
        if (num_layers, d_sae) not in self.worlds:
            root = self.folder / f"{num_layers}-layers-{d_sae}-latents"
            self.worlds[num_layers, d_sae] = build_mid_world(root, num_layers, d_sae)
        return self.worlds[num_layers, d_sae]

    def measured(
        self, *ways: str, amount: int, repeats: int = 1, num_layers: int = NUM_LAYERS, d_sae: int = D_SAE
    ) -> list[Measurement]:
        """What each way took, in the order of the ways."""
        world = self.world(num_layers, d_sae)
        order = Order(
            ways=ways,
            root=str(world.root),
            num_layers=num_layers,
            d_sae=d_sae,
            amount=amount,
            repeats=repeats,
        )
        if order not in self.taken:
            self.taken[order] = _carried_out(order)
        return self.taken[order]


def _carried_out(order: Order) -> list[Measurement]:
    command = [sys.executable, "-m", "tests.bench.measuring", json.dumps(asdict(order))]
    run = subprocess.run(
        command, capture_output=True, text=True, cwd=CHECKOUT, env=os.environ | QUIET, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return [Measurement(**json.loads(line)) for line in run.stdout.splitlines() if line.startswith("{")]


LEDGER = pytest.StashKey[Ledger]()


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker of the short form."""
    config.addinivalue_line(
        "markers", "smoke: under a minute of CPU time; the gates that every change must pass"
    )
    os.environ |= QUIET


@pytest.fixture(scope="session")
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Where measurements are taken and remembered."""
    return request.config.stash.setdefault(LEDGER, Ledger(tmp_path_factory.mktemp("mid-worlds")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The measurements, one line each."""
    kept = config.stash.get(LEDGER, None)
    if kept is None:
        return
    terminalreporter.section("measurements")
    terminalreporter.line(
        "way                  layers  amount    done   CPU s  per CPU s  peak MB  working MB"
    )
    for order, measurements in kept.taken.items():
        for one in measurements:
            memory = (
                f"{one.peak_mb:8.0f} {one.working_mb:11.0f}" if len(order.ways) == 1 else "  (shared process)"
            )
            terminalreporter.line(
                f"{one.way:20} {one.num_layers:6} {one.amount:7} {one.done:7} {one.cpu_s:7.2f} {one.rate:10.1f} {memory}"
            )
