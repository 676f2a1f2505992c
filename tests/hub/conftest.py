"""One miniature hub for a module of tests."""

from collections.abc import Iterator

import pytest

from tests.hub.miniature import miniature_hub
from tests.hub.server import Hub, serving


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving(miniature_hub()) as running:
        yield running
