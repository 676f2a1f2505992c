"""The door to outside files: what cannot be had is told with its reason, at once."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from harness.supply.sources import MissingSourceError, locate
from harness.words.failures import Reason
from harness.words.pins import Home, Pin

PIN = Pin(
    name="tiny model",
    home=Home.HUB_MODEL,
    address="someone/tiny",
    revision="0123456789abcdef0123456789abcdef01234567",
    licence="Apache-2.0",
)
GATED = Pin(name="gated model", home=Home.HUB_MODEL, address="someone/gated", licence="Gemma", gated=True)
BUCKET = Pin(name="export", home=Home.BUCKET, address="https://bucket.example", licence="none")


def refusal(status: int, kind: type[errors.HfHubHTTPError] = errors.HfHubHTTPError) -> Exception:
    """An answer of the hub, without the request that it belongs to."""
    error = kind.__new__(kind)
    Exception.__init__(error, f"{status} from the hub")
    error.response = SimpleNamespace(status_code=status)  # type: ignore[assignment]
    return error


def unreachable() -> Exception:
    """What the hub's client raises when no name is resolved."""
    transport = vars(errors)["HTTPError"]
    error: Exception = transport("Name or service not known")
    return error


@pytest.fixture(autouse=True)
def _forget_places() -> None:
    locate.cache_clear()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """A hub that answers, and hands files out, as told."""

    def behave(*, answers: Exception | None = None, gives: Exception | None = None) -> None:
        def repo_info(_: object, repo_id: str, **named: Any) -> None:
            if answers:
                raise answers

        def snapshot_download(repo_id: str, *, local_files_only: bool, **named: Any) -> str:
            if local_files_only:
                raise errors.LocalEntryNotFoundError("not in the cache")
            if gives:
                raise gives
            return str(tmp_path)

        monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", repo_info)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)

    return behave


def test_what_the_hub_has_is_a_folder(hub: Callable[..., None], tmp_path: Path) -> None:
    hub()
    assert locate(PIN) == tmp_path


@pytest.mark.parametrize(
    ("pin", "behaviour", "reason"),
    [
        pytest.param(PIN, {"answers": unreachable()}, Reason.NO_NETWORK, id="no name is resolved"),
        pytest.param(PIN, {"answers": ConnectionError("refused")}, Reason.NO_NETWORK, id="refused"),
        pytest.param(PIN, {"answers": refusal(503)}, Reason.NO_NETWORK, id="the hub is down"),
        pytest.param(PIN, {"gives": unreachable()}, Reason.NO_NETWORK, id="the line breaks"),
        pytest.param(PIN, {"answers": refusal(404)}, Reason.DATASET_UNAVAILABLE, id="no such repository"),
        pytest.param(GATED, {"answers": refusal(401)}, Reason.GATED_WEIGHTS, id="no token"),
        pytest.param(GATED, {"answers": refusal(404)}, Reason.DATASET_UNAVAILABLE, id="gated and gone"),
        pytest.param(
            PIN,
            {"gives": refusal(403, errors.GatedRepoError)},
            Reason.GATED_WEIGHTS,
            id="licence not accepted",
        ),
        pytest.param(BUCKET, {}, Reason.DATASET_UNAVAILABLE, id="a bucket"),
    ],
)
def test_what_cannot_be_had_has_its_reason(
    hub: Callable[..., None], pin: Pin, behaviour: dict[str, Exception], reason: Reason
) -> None:
    hub(**behaviour)
    with pytest.raises(MissingSourceError, match=pin.name) as error:
        locate(pin)
    assert (error.value.reason, error.value.exit_code) == (reason, 5)


def test_a_full_disk_is_no_missing_source(hub: Callable[..., None]) -> None:
    hub(gives=OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        locate(PIN)


def test_a_cache_without_network_answers_at_once() -> None:
    """The tests run with the hub's own offline switch on."""
    before = time.monotonic()
    with pytest.raises(MissingSourceError, match="no network") as error:
        locate(PIN)
    assert error.value.reason == Reason.NO_NETWORK
    assert time.monotonic() - before < 5
