"""Stores, and places of every kind that they are shared at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from harness.store.store import Store
from tests.exchange.sharing import NUMBERS, made
from tests.hub.server import TOKEN, Hub, serving
from tests.hub.uploads import takes_uploads


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of three artifacts."""
    found = Store(tmp_path / "store")
    for name in NUMBERS:
        made(found, name)
    return found


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """Somebody else's store."""
    return Store(tmp_path / "other")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server on this machine."""
    found = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    found.start()
    yield "http://{}:{}".format(*found.get_host_and_port())
    found.stop()


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of a bucket of it."""
    settings = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Clients are kept per process, and with them what they were told before.
    S3FileSystem.clear_instance_cache()
    name = tmp_path.name.replace("_", "-")
    S3FileSystem().mkdir(name)
    return f"s3://{name}/lab"


@pytest.fixture(scope="session")
def quiet_hub() -> Iterator[Hub]:
    with serving(Hub()) as running:
        yield running


@pytest.fixture
def lab(quiet_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with one dataset, `lab/shared`, that this process may write to."""
    quiet_hub.faults.clear()
    quiet_hub.repositories.clear()
    takes_uploads(quiet_hub, "lab/shared")
    quiet_hub.lead(monkeypatch, tmp_path / "home")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    return quiet_hub


@pytest.fixture(params=["folder", "bucket", "dataset"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a place of each kind."""
    if request.param == "bucket":
        return str(request.getfixturevalue("bucket"))
    if request.param == "dataset":
        request.getfixturevalue("lab")
        return "hf://datasets/lab/shared/place"
    return f"file://{tmp_path}/place"
