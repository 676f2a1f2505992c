"""Which failures are waited out and which are told at once; proxies, certificates, endpoints and tokens as people leave them."""

import ssl
import time
import urllib.error
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from huggingface_hub import errors

from harness.run.doctor import fetched
from harness.sources import http, hub
from harness.sources.http import expect_connection, named_pause, silence_of
from harness.sources.hub import has_token
from harness.sources.pins import (
    endpoint_of,
)
from harness.store.files import downloads
from harness.words.errors import MissingSourceError, Reason, SettingError
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


MODEL = Pin(
    name="translator", home=Home.HUB_MODEL, address="Helsinki-NLP/opus-mt-en-ml", licence="Apache-2.0"
)
EXPORT = Pin(
    name="export", home=Home.BUCKET, address="https://export.example/v1", licence="none", files=("0/",)
)
CODE = Pin(name="code", home=Home.CODE, address="https://code.example/group/name", licence="none")
SERVICE = Pin(name="page", home=Home.SERVICE, address="https://pages.example/api", licence="none")

VARIABLES = [f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    endpoints = ("HF_ENDPOINT", "AWS_ENDPOINT_URL_S3", "NEURONPEDIA_ENDPOINT", "GITHUB_SERVER_URL")
    for name in (*VARIABLES, *map(str.upper, VARIABLES), *certificates, *endpoints, "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "http_proxy"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param("socks://127.0.0.1:9", "a socks proxy", id="as desktops write it"),
        pytest.param("socks5h://127.0.0.1:9", "a socks5h proxy", id="socks5h"),
        pytest.param("http://proxy.example:80 ", "no address of a proxy", id="a space"),
        pytest.param("http://proxy.example:many", "no address of a proxy", id="a port that is no number"),
        pytest.param("http://", "no address of a proxy", id="no host"),
        pytest.param("http://[::1", "no address of a proxy", id="half a bracket"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=rf"^{variable}: .*{says}.*unset {variable}$"):
        expect_connection()


@pytest.mark.parametrize(
    "value", ["http://user:pass/word@proxy:80", "user:pass word@proxy:80", "socks5://user:password@h"]
)
def test_a_password_in_a_proxy_is_not_told(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(SettingError) as caught:
        expect_connection()
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["http://proxy.example:3128", "https://user:pw@proxy", "proxy.example:3128", ""]
)
def test_a_proxy_that_can_be_used_passes(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    expect_connection()


def test_a_proxy_in_capital_and_small_letters_is_named_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks://127.0.0.1:9")
    with pytest.raises(SettingError, match=r"^ALL_PROXY and all_proxy: .* unset ALL_PROXY and all_proxy$"):
        expect_connection()


def test_proxies_that_are_switched_off_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost, *")
    expect_connection()


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["not there", "something else"])
def test_certificates_that_cannot_be_read_are_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cacert.pem"
    if content:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(SettingError, match=rf"^SSL_CERT_FILE names {file}, .*unset SSL_CERT_FILE$"):
        expect_connection()


def test_a_folder_of_certificates_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'gone'}:{tmp_path / 'away'}")
    with pytest.raises(SettingError, match=r"^SSL_CERT_DIR names .*gone:.*away, which is no folder"):
        expect_connection()
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'gone'}:{tmp_path}")
    expect_connection()


@pytest.mark.parametrize(
    ("pin", "variable", "usual"),
    [
        pytest.param(MODEL, "HF_ENDPOINT", "https://huggingface.co", id="hub"),
        pytest.param(EXPORT, "AWS_ENDPOINT_URL_S3", "https://export.example", id="object store"),
        pytest.param(SERVICE, "NEURONPEDIA_ENDPOINT", "https://pages.example", id="service"),
        pytest.param(CODE, "GITHUB_SERVER_URL", "https://code.example", id="repository of code"),
    ],
)
def test_an_endpoint_is_an_address_or_not_set(
    pin: Pin, variable: str, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "")
    assert endpoint_of(pin) == usual
    monkeypatch.setenv(variable, "http://mirror.example:8080/")
    assert endpoint_of(pin) == "http://mirror.example:8080"
    for value in (
        "127.0.0.1:9",
        "mirror.example",
        "https://",
        "https://mirror.example ",
        "http://[::1",
        "http://a:b",
    ):
        monkeypatch.setenv(variable, value)
        with pytest.raises(SettingError, match=rf"^{variable} is .*no address; write it as https://HOST"):
            endpoint_of(pin)


@pytest.mark.parametrize(
    "token", ["hf_abc\u200b", "hf_a\u00a0bc", "hf_a b", "hf_a\tb", "\ufeffhf_abc", "hf_\u0430bc"]
)
@pytest.mark.parametrize("place", ["variable", "file"])
def test_a_token_with_a_character_that_none_has_is_refused_and_not_told(
    token: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(file))
    if place == "variable":
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(SettingError, match="holds a character that no token has") as caught:
        has_token()
    assert ("HF_TOKEN" if place == "variable" else str(file)) in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path))
    with pytest.raises(SettingError, match=rf"cannot be read from {tmp_path} \(IsADirectoryError\)"):
        has_token()
    (tmp_path / "token").write_bytes(b"\xff\xfeh\x00f\x00")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(SettingError, match="cannot be read from"):
        has_token()


def test_the_end_of_a_tokens_line_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("hf_abc\r\n", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    assert has_token()


def test_what_nobody_can_be_asked_for_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
    with pytest.raises(SettingError, match=r"^ALL_PROXY: "):
        list(fetched((MODEL, EXPORT)))


def test_without_a_home_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    for name in ("HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for named, place in (("", "~/.cache/huggingface"), ("~nobody-here/hub", "~nobody-here/hub")):
        monkeypatch.setenv("HF_HOME", named)
        with pytest.raises(
            SettingError, match=rf"belongs into {place}, .* has no such home.*set HF_HOME, or HOME"
        ):
            downloads()


def test_silence_by_way_of_a_proxy_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "mirror.example")
    direct, indirect = (
        silence_of(f"https://{host}", OSError()) for host in ("mirror.example", "hub.example")
    )
    assert direct == "https://mirror.example does not answer, or the line broke"
    assert indirect.endswith("; it is asked by way of the proxy in HTTPS_PROXY")


def test_a_certificate_that_is_not_trusted_is_no_silence() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate in certificate chain"
    said = silence_of("https://hub.example", urllib.error.URLError(error))
    assert said.startswith(
        "the certificate of https://hub.example is not trusted here: self-signed certificate"
    )
    assert said.endswith("SSL_CERT_FILE")
