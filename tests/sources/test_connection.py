"""Proxies, certificates, endpoints and tokens as people leave them: each ends in one error that names the variable."""

import ssl
import urllib.error
from pathlib import Path

import pytest

from harness.doctor import fetched
from harness.sources.http import expect_connection, silence_of
from harness.sources.hub import has_token
from harness.sources.pin_record import downloads, endpoint_of
from harness.words.errors import SettingError
from harness.words.study import Home, Pin

MODEL = Pin(
    name="translator", home=Home.HUB_MODEL, address="Helsinki-NLP/opus-mt-en-ml", licence="Apache-2.0"
)
EXPORT = Pin(
    name="export", home=Home.BUCKET, address="https://export.example/v1", licence="none", files=("0/",)
)
SERVICE = Pin(name="page", home=Home.SERVICE, address="https://pages.example/api", licence="none")

VARIABLES = [f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    endpoints = ("HF_ENDPOINT", "AWS_ENDPOINT_URL_S3", "NEURONPEDIA_ENDPOINT")
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
