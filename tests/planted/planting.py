"""Runs any tests with a fault in the pipeline: `pytest -p tests.planted.planting --plant "BOS counted" tests/works`.

Shows whether a check outside the planted world sees the fault too.
"""

from contextlib import ExitStack

import pytest

from tests.planted.faults import FAULTS
from tests.planted.patching import planted

PLANTED = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plant", choices=[fault.name for fault in FAULTS], help="name of the fault to plant")


def pytest_sessionstart(session: pytest.Session) -> None:
    name = session.config.getoption("--plant")
    for fault in FAULTS:
        if fault.name == name:
            PLANTED.enter_context(planted(fault.patches))


def pytest_sessionfinish() -> None:
    PLANTED.close()
