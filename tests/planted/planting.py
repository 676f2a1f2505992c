"""Runs any tests with a fault in the pipeline: `pytest -p tests.planted.planting --plant "front token counted" tests/stages`.

Shows whether a check outside the planted world sees the fault too. Asked for several times, it plants several at once.
"""

from contextlib import ExitStack

import pytest

from tests.planted.faults import FAULTS
from tests.planted.patching import planted

PLANTED = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    names = [fault.name for fault in FAULTS]
    parser.addoption("--plant", action="append", default=[], choices=names, help="name of a fault to plant")


def pytest_sessionstart(session: pytest.Session) -> None:
    names = session.config.getoption("--plant")
    patches = [patch for fault in FAULTS if fault.name in names for patch in fault.patches]
    PLANTED.enter_context(planted(patches))


def pytest_sessionfinish() -> None:
    PLANTED.close()
