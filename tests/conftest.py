"""What every test shares: one thread, no network, no caches outside the session, and one tiny world."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.spied_run import SpiedRun
    from tests.worlds import World

collect_ignore = ["bench", "cluster", "proof"]
"""Sessions of their own: whoever names them runs them."""

CACHE = tempfile.TemporaryDirectory(prefix="harness-tests-")
"""Caches of third-party libraries; must be named before those libraries are first imported."""

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HOME": f"{CACHE.name}/hub",
    "HF_DATASETS_CACHE": f"{CACHE.name}/datasets",
    "WANDB_MODE": "disabled",
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Two threads on a shared core wait for each other; see the measurements behind the design."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> "World":
    """The tiny world of four layers in English, Spanish and Malayalam."""
    from tests.worlds import build_world

    return build_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def world_root(world: "World") -> Path:
    """Where the tiny world lies."""
    return world.root


@pytest.fixture(scope="session")
def spied_run(tmp_path_factory: pytest.TempPathFactory) -> "SpiedRun":
    """A whole run of the small study, with what really passed through its model."""
    from tests.spied_run import spied_run_of
    from tests.worlds import build_world

    four = build_world(tmp_path_factory.mktemp("four"), languages=("en", "zh", "es", "ml"))
    return spied_run_of(four, tmp_path_factory.mktemp("spied"))
