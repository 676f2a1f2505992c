"""Checks need the judge's plugin: without it each would be an error, and pytest's code for those says that a claim deviates."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to check claims where nobody tells verdicts.

    Raises:
        pytest.UsageError: If the plugin was left out.
    """
    if not config.pluginmanager.has_plugin("harness.plugin"):
        raise pytest.UsageError(
            "harness.plugin tells the verdicts: leave out '-p no:harness.plugin', also from PYTEST_ADDOPTS, and start pytest "
            "with claims/pytest.ini"
        )
