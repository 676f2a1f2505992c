"""Which failures of the hub's client are waited out, how often, and which are told at once; nobody is asked here."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from huggingface_hub import errors

from harness.sources import http, hub
from harness.sources.http import named_pause
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Home, Pin

HUB = "https://hub.example:8443"
PIN = Pin(name="translator", home=Home.HUB_MODEL, address="Helsinki-NLP/opus-mt-en-ml", licence="Apache-2.0")
TRANSPORT: type[Exception] = vars(errors)["HTTPError"]
"""What the client raises for a broken line, of whichever library it is built on."""


def answer(status: int, **headers: str) -> Exception:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = SimpleNamespace(status_code=status, headers=named, request=None)
    return errors.HfHubHTTPError("", response=cast("Any", response))


def wrapped(cause: Exception | None) -> Exception:
    """As a download raises it, where the file is not here either."""
    error = errors.LocalEntryNotFoundError("check your connection")
    error.__cause__ = cause
    return error


class Silent:
    """A hub whose client raises the same error whenever it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def __call__(self, *_: object, **__: object) -> None:
        self.asked += 1
        raise self.error


def asked_by(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Silent:
    """A silent hub at the address that is asked, which answered once before."""
    client = Silent(error)
    monkeypatch.setenv("HF_ENDPOINT", HUB)
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", client)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(http, "PAUSES_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(http, "ANSWERED", {HUB})
    return client


def reason_told() -> Reason:
    with pytest.raises(MissingSourceError) as caught:
        hub.may_read(PIN)
    assert caught.value.reason is not None
    return caught.value.reason


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(TRANSPORT("reset"), 4, id="a broken line"),
        pytest.param(ConnectionResetError(), 4, id="a connection that is reset"),
        pytest.param(TimeoutError(), 4, id="a stall"),
        pytest.param(wrapped(TRANSPORT("reset")), 4, id="a download's broken line"),
        pytest.param(answer(503), 4, id="down"),
        pytest.param(wrapped(answer(503)), 4, id="down during a download"),
        pytest.param(answer(403), 1, id="refused"),
        pytest.param(wrapped(answer(403)), 1, id="refused during a download"),
        pytest.param(errors.OfflineModeIsEnabled(), 1, id="told to ask nobody"),
        pytest.param(wrapped(errors.OfflineModeIsEnabled()), 1, id="told to ask nobody during a download"),
        pytest.param(wrapped(None), 1, id="no cause"),
    ],
)
def test_what_may_pass_is_asked_again(monkeypatch: pytest.MonkeyPatch, error: Exception, asked: int) -> None:
    client = asked_by(monkeypatch, error)
    reason_told()
    assert client.asked == asked


@pytest.mark.parametrize("answered", [set(), {"https://hub.example"}, {"http://hub.example:8443"}])
def test_who_never_answered_is_asked_once(monkeypatch: pytest.MonkeyPatch, answered: set[str]) -> None:
    """Another port or scheme is another endpoint."""
    client = asked_by(monkeypatch, TRANSPORT("no route"))
    monkeypatch.setattr(http, "ANSWERED", answered)
    assert reason_told() is Reason.NO_NETWORK
    assert client.asked == 1


def test_offline_nobody_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = asked_by(monkeypatch, TRANSPORT("no route"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert reason_told() is Reason.NO_NETWORK
    assert client.asked == 1


def test_who_was_waited_for_in_vain_is_waited_for_anew_once_there_is_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = asked_by(monkeypatch, TRANSPORT("no route"))
    for asked in (4, 5):
        assert reason_told() is Reason.NO_NETWORK
        assert client.asked == asked
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", lambda *_, **__: None)
    hub.may_read(PIN)
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", client)
    assert reason_told() is Reason.NO_NETWORK
    assert client.asked == 9


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": " 7.5 "}, 7.5, id="in small letters, with a fraction"),
        pytest.param({"Retry-After": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200, id="a date"),
        pytest.param({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0, id="a date that is over"),
        pytest.param({"RateLimit": '"api";r=0;t=45'}, 45, id="one policy"),
        pytest.param({"RateLimit": '"api";t=45;r=0'}, 45, id="in another order"),
        pytest.param({"RateLimit": '"pages";r=90;t=300, "api"; r=0; t=45'}, 45, id="the policy that is spent"),
        pytest.param({"RateLimit": '"a";r=0;t=45,"b";r=0;t=60'}, 60, id="the longest of those that are spent"),
        pytest.param({"RateLimit": '"a";r=9;t=45'}, None, id="none is spent"),
        pytest.param({"RateLimit": "limit=100, remaining=0, reset=50"}, 50, id="an earlier draft"),
        pytest.param({"RateLimit-Reset": "50", "RateLimit-Limit": "100"}, 50, id="one field each"),
        pytest.param({"X-RateLimit-Reset": "50"}, 50, id="of no draft"),
        pytest.param({"X-RateLimit-Reset": "2000001030"}, 30, id="a time"),
        pytest.param({"Retry-After": "7", "RateLimit": '"api";r=0;t=45'}, 7, id="the plainest word counts"),
        pytest.param({"Retry-After": "soon", "RateLimit": "nonsense", "RateLimit-Reset": "nan"}, None, id="nonsense"),
        pytest.param({}, None, id="nothing"),
    ],
)  # fmt: skip
def test_when_to_return_is_read_in_every_form(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], seconds: float | None
) -> None:
    monkeypatch.setattr(time, "time", lambda: 2_000_001_000.0 if "X-RateLimit-Reset" in headers else 1000.0)
    assert named_pause(headers) == seconds


def test_a_named_wait_is_kept_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, slept = asked_by(monkeypatch, answer(429, RateLimit='"api";r=0;t=45')), list[float]()
    monkeypatch.setattr(time, "sleep", slept.append)
    caplog.set_level("INFO")
    with pytest.raises(MissingSourceError, match=r"answers 429 over and over; it asks to come back in 45 s"):
        hub.may_read(PIN)
    assert (client.asked, slept) == (4, [45.0, 45.0, 45.0])
    assert caplog.messages == ["asked to come back in 45 s; waiting"] * 3


def test_who_names_an_hour_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = asked_by(monkeypatch, answer(503, Retry_After="3600"))
    with pytest.raises(MissingSourceError, match=r"it asks to come back in 3600 s; wait so long, then start"):
        hub.may_read(PIN)
    assert client.asked == 1
