"""One SLURM, one undisturbed report for all of these tests; where none can be had, they say so instead of passing."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.throwaway import Slurm, missing, throwaway
from tests.proof.smallruns import SmallRun

REQUIRED = os.environ.get("HARNESS_CLUSTER") == "required"
"""Set by `nox -s cluster`: then a missing SLURM is a failure."""


@pytest.fixture(scope="session", autouse=True)
def keyboard() -> None:
    """Commands hear an interrupt, even where this process is deaf to it, as everything is that a script starts behind itself."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A controller and two nodes."""
    if reason := missing():
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    with throwaway() as running:
        yield running


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The report of the same plan, run on this machine."""
    run = SmallRun.in_folder(tmp_path_factory.mktemp("local") / "world", seconds=0)
    code, _, err = run.finished()
    assert (code, err) == (0, "")
    return run.report
