"""What the environment says of the way to the network: proxies and certificates, looked at before a question is asked.

The clients of hub, object store and services read the same variables in ways of their own, and raise errors of every kind
where one is malformed. Here each is one clear error that names the variable; what may be secret in it is not printed.
"""

import os
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from harness.words.errors import SettingError

PROXIED = ("http", "https", "all")
"""What a proxy's variable may speak for: HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in small letters as well."""

CERTIFICATES = "SSL_CERT_FILE"


def expect_connection() -> None:
    """Refuse settings with which nobody can be asked.

    Raises:
        SettingError: If a proxy is none that can be used, or certificates are not where they are said to be.
    """
    for named, value in _proxies():
        if problem := _problem_of_proxy(value):
            raise SettingError(f"{named}: {problem}; name a proxy as http://HOST:PORT, or unset {named}")
    if file := os.environ.get(CERTIFICATES):
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:  # what is no certificate is one as well
            raise SettingError(
                f"{CERTIFICATES} names {file}, which holds no certificates that can be read ({error.strerror or error}); "
                f"correct it, or unset {CERTIFICATES}"
            ) from error
    folder = os.environ.get("SSL_CERT_DIR")
    if folder and not any(Path(place).is_dir() for place in folder.split(os.pathsep)):
        raise SettingError(
            f"SSL_CERT_DIR names {folder}, which is no folder; correct it, or unset SSL_CERT_DIR"
        )


def silence_of(endpoint: str, error: BaseException) -> str:
    """Why an endpoint gave no answer, in a few words, as far as its error tells."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {endpoint} is not trusted here: {cause.verify_message}; where a proxy puts its own in "
                f"between, name a file with its issuer's in {CERTIFICATES}"
            )
    return f"{endpoint} does not answer, or the line broke{_way(endpoint)}"


def _way(endpoint: str) -> str:
    """By which proxy an endpoint is asked; nothing where it is asked directly."""
    parts = urlsplit(endpoint)
    if urllib.request.proxy_bypass(parts.netloc):
        return ""
    spoken_for = {f"{parts.scheme}_proxy", "all_proxy"}
    found = [named for named, _ in _proxies() if named.split()[-1].lower() in spoken_for]
    return f"; it is asked by way of the proxy in {found[0]}" if found else ""


def _proxies() -> Iterator[tuple[str, str]]:
    """Variables that name a proxy, such as "ALL_PROXY and all_proxy", and what they name; none where all are off."""
    told = urllib.request.getproxies_environment()
    if "*" in (host.strip() for host in told.get("no", "").split(",")):
        return
    for scheme in PROXIED:
        if value := told.get(scheme):
            names = (f"{scheme.upper()}_PROXY", f"{scheme}_proxy")
            yield " and ".join(name for name in names if os.environ.get(name) == value), value


def _problem_of_proxy(value: str) -> str:
    """What is wrong with a proxy's address; nothing where it can be used. A password in it is not told."""
    shown = ("…@" if "@" in value else "") + value.rpartition("@")[2]
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(letter.isspace() for letter in value):
        return f"{shown!r} is no address of a proxy"
    if parts.scheme not in {"http", "https"}:
        return f"{shown} is a {parts.scheme} proxy, and only HTTP proxies are known here"
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what raised it, and so on; `urllib` keeps its own in an attribute."""
    told: BaseException | None = error
    while told is not None:
        yield told
        reason = getattr(told, "reason", None)
        told = reason if isinstance(reason, BaseException) else told.__cause__ or told.__context__
