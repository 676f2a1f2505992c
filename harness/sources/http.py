"""Answers over HTTP, asked for again while something passes: the one retry policy of hub, object store and services.

Where there is no network, waiting helps nobody, and the answer has to come at once. Who answered this process before
is somewhere, though: what breaks then is the line, and a night's work is worth a minute of waiting.

Whatever does not pass leaves as one clear error: what was asked, what was answered, and the cure. That holds for the
variables of proxies and certificates, too: the clients read them in ways of their own, and raise errors of every kind
where one is malformed. What may be secret in them is not printed.
"""

import gzip
import logging
import math
import os
import re
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import parse_qs, urlsplit

from harness.sources.pins import (
    ChangedSourceError,
    SeenFile,
    cure_of_loss,
    endpoint_of,
    verify_file,
)
from harness.store.files import disk_errors, downloads, locked, sync
from harness.words.errors import MissingSourceError, Reason, SettingError
from harness.words.study import Pin

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PROBE_SECONDS = 10.0
"""How long an endpoint may take to answer before it counts as out of reach."""

PAUSES_SECONDS = (1.0, 4.0, 16.0)
"""Waits between attempts, where the answer names no time itself."""

LONGEST_PAUSE_SECONDS = 300.0
"""The hub counts questions in windows of five minutes; who names more than that is not waited for."""

ANSWERED: set[str] = set()
"""Scheme, host and port of everyone who gave this process what it asked for."""

BROKEN_LINE = (HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
"""What reading an answer raises when it is cut, stalls or is garbled; refusals of the disk are none of these."""

RATE_LIMIT = re.compile(r"(?:^|[;\s])(r|t|reset)\s*=\s*(\d+(?:\.\d+)?)")
"""What is left of a limit, and when it is whole again, in an entry of `RateLimit`."""

RESET_FIELDS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")

BLOCK_BYTES = 1 << 20

EPOCH_SECONDS = 1e9
"""Larger numbers of seconds are times."""

CERTIFICATES = "SSL_CERT_FILE"


class CutAnswerError(Exception):
    """An answer began, and did not come to its end as it was announced."""


@dataclass(frozen=True, kw_only=True)
class Setback:
    """A failure that may pass: a broken line, or an answer that asks for patience."""

    is_silence: bool = False
    """Nothing was answered at all."""
    headers: Mapping[str, str] = field(default_factory=dict)


def patiently(
    endpoint: str, ask: Callable[[], Answer], setback: Callable[[BaseException], Setback | None]
) -> Answer:
    """The answer to a question that is asked again while its endpoint is down, wants fewer of them or answers no more.

    Args:
        endpoint: Who is asked.
        ask: Asks once.
        setback: What may pass of an error; nothing where it will not.

    Raises:
        Exception: What `ask` raised last.
    """
    # Whoever never goes to the network need not wait for it.
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

    def named(error: BaseException | None) -> float | None:
        found = setback(error) if error else None
        return named_pause(found.headers) if found else None

    def is_worth_waiting(error: BaseException) -> bool:
        found = setback(error)
        if found is None or (found.is_silence and not may_answer_again(endpoint)):
            return False
        return (named(error) or 0.0) <= LONGEST_PAUSE_SECONDS

    def pause(state: RetryCallState) -> float:
        seconds = named(state.outcome.exception() if state.outcome else None)
        return (*PAUSES_SECONDS, 0.0)[state.attempt_number - 1] if seconds is None else seconds

    def tell(state: RetryCallState) -> None:
        seconds = named(state.outcome.exception() if state.outcome else None)
        if seconds is not None:
            log.info("asked to come back in %.0f s; waiting", seconds)

    attempts = Retrying(
        retry=retry_if_exception(is_worth_waiting),
        wait=pause,
        before_sleep=tell,
        stop=stop_after_attempt(len(PAUSES_SECONDS) + 1),
        sleep=time.sleep,
        reraise=True,
    )
    try:
        answer = attempts(ask)
    except Exception as error:
        found = setback(error)
        if found and found.is_silence:
            # The whole patience was spent; until the next answer, nobody waits for this one again.
            ANSWERED.discard(_host(endpoint))
        raise
    take_note(endpoint)
    return answer


def take_note(url: str) -> None:
    """Remember that a request was granted."""
    ANSWERED.add(_host(url))


def may_answer_again(url: str) -> bool:
    """True where silence is worth waiting out: this process had an answer from there, and is not told to stay offline."""
    return _host(url) in ANSWERED and not is_offline()


def is_offline() -> bool:
    """True where the hub's client, and with it every door, is told to ask nobody."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def once_more_if_damaged(fetch: Callable[[], Answer]) -> Answer:
    """What is fetched and held to its record, once more where it came damaged; damaged twice, something else is served."""
    try:
        return fetch()
    except ChangedSourceError:
        return fetch()


def copy_file(pin: Pin, file: SeenFile, url: str, folder: Path) -> None:
    """One recorded file of a store in a folder, fetched where it is missing, and verified.

    Raises:
        MissingSourceError: If it is missing and cannot be fetched.
        ChangedSourceError: If it is not the recorded one, twice over.
    """
    path = folder / file.path

    def copied() -> None:
        if not path.is_file():
            _fetch(pin, file, url, path)
        verify_file(pin, file, path)

    if path.is_file():
        with suppress(ChangedSourceError):
            verify_file(pin, file, path)
            return
    # Stages that run side by side want the same files: one of them fetches, the others wait and find them.
    with locked(folder.with_suffix(".lock")):
        once_more_if_damaged(copied)


def _fetch(pin: Pin, file: SeenFile, url: str, path: Path) -> None:
    """Bring one file here, going on after each cut from where it was cut."""
    draft = path.with_name(f".{path.name}.part")

    def fetch_rest() -> None:
        have = draft.stat().st_size
        if have < file.size_bytes:  # an empty file is not asked for
            _append(url, draft, have)
        if draft.stat().st_size < file.size_bytes:
            raise CutAnswerError(
                f"{file.path} is cut on its way over and over; start again: what came is kept"
            )

    with disk_errors(path):
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        answered(pin, url, fetch_rest)
        sync(draft)
        draft.replace(path)


def _append(url: str, draft: Path, have: int) -> None:
    """Add what comes of the rest; a server that knows no ranges starts over."""
    with opened(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
        starts_over = vars(answer).get("status") != HTTPStatus.PARTIAL_CONTENT
        with draft.open("wb" if starts_over else "ab") as stream, suppress(*BROKEN_LINE):
            while block := answer.read(BLOCK_BYTES):
                stream.write(block)


def whole_answer(pin: Pin, url: str) -> bytes:
    """A short answer of a store or a service to its end.

    Raises:
        MissingSourceError: If it does not answer, refuses, or never gets to the end of its answer.
        SettingError: If the environment is such that it cannot be asked.
    """

    def ask() -> bytes:
        with opened(url) as answer:
            try:
                content = answer.read()
                # Nobody asked for it, and some mirrors and proxies pack what they send all the same.
                packed = vars(answer)["headers"].get("Content-Encoding", "") == "gzip"
                return gzip.decompress(content) if packed else content
            except (*BROKEN_LINE, gzip.BadGzipFile, zlib.error, EOFError) as error:
                raise CutAnswerError(
                    f"the answer of {endpoint_of(pin)} to {urlsplit(url).path} is cut or stalls on its way over and over "
                    f"({error!r}); the line is bad: start again when it is better"
                ) from error

    return answered(pin, url, ask)


def answered(pin: Pin, url: str, ask: Callable[[], Answer]) -> Answer:
    """What a store or a service gives, asked patiently, and every failure of it as one clear error.

    Args:
        pin: What is fetched.
        url: The address that is asked.
        ask: Asks it once, by `opened`; says by `CutAnswerError` what an answer lacks, with the cure.

    Raises:
        MissingSourceError: If it does not answer, refuses, or never gets to the end of its answer.
        SettingError: If the environment is such that it cannot be asked.
    """
    expect_connection()
    is_known = may_answer_again(url)
    try:
        return patiently(url, ask, _setback)
    except CutAnswerError as error:
        raise MissingSourceError(f"{pin} cannot be fetched: {error}", reason=Reason.NO_NETWORK) from error
    except urllib.error.HTTPError as error:
        raise _refusal(pin, url, error) from error
    except (urllib.error.URLError, *BROKEN_LINE) as error:
        found = silence_of(endpoint_of(pin), error)
        if is_known:
            found = f"{endpoint_of(pin)} answered before, and answers no more, asked over and over"
        raise MissingSourceError(
            f"{pin} cannot be fetched: no network ({found}), and not whole in {downloads()}; "
            "connect this machine and start again: what is fetched is kept",
            reason=Reason.NO_NETWORK,
        ) from error


def opened(url: str, headers: Mapping[str, str] | None = None) -> IO[bytes]:
    """The answer to one question; whoever gave one is worth waiting for from then on."""
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310  the pin's own address
    try:
        answer: IO[bytes] = urllib.request.urlopen(request, timeout=PROBE_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()  # it is an open answer as well
        raise
    take_note(url)
    return answer


def is_passing(status: int) -> bool:
    """True of an answer that may be another one soon: somebody is down, or wants fewer questions."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def _setback(error: BaseException) -> Setback | None:
    if isinstance(error, CutAnswerError):
        return Setback()
    if isinstance(error, urllib.error.HTTPError):
        return Setback(headers=dict(error.headers)) if is_passing(error.code) else None
    return Setback(is_silence=True) if isinstance(error, (urllib.error.URLError, *BROKEN_LINE)) else None


def _refusal(pin: Pin, url: str, error: urllib.error.HTTPError) -> MissingSourceError:
    """What was asked and answered; an anonymous store says 403 of what it never held, too."""
    parts = urlsplit(url)
    listed = parse_qs(parts.query).get("prefix", [])
    asked = parts.path + "".join(f" for a listing of the prefix {prefix}" for prefix in listed)
    said = f"{pin} cannot be fetched: {endpoint_of(pin)} answers {error.code} to {asked}"
    if is_passing(error.code):
        return MissingSourceError(
            f"{said} over and over; {when_to_return(dict(error.headers))}, then start again: what is fetched is kept",
            reason=Reason.NO_NETWORK,
        )
    return MissingSourceError(f"{said}; {cure_of_loss(pin)}")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def named_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, in any of the forms in which services say it; None where it names none.

    Sources: RFC 9110, section 10.2.3 (`Retry-After`: seconds or a date); draft-ietf-httpapi-ratelimit-headers, whose later
    versions send `RateLimit: "api";r=0;t=45`, one entry a policy, and whose earlier ones `RateLimit: limit=9, remaining=0,
    reset=45` or `RateLimit-Reset: 45`; others send `X-RateLimit-Reset`, seconds or a time.
    """
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    later = fields.get("retry-after", "")
    with suppress(ValueError):
        return _from_now(float(later))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(later).timestamp() - time.time())
    policies = [dict(RATE_LIMIT.findall(entry)) for entry in fields.get("ratelimit", "").split(",")]
    spent = [float(policy["t"]) for policy in policies if "t" in policy and not float(policy.get("r", 0))]
    resets = [float(policy["reset"]) for policy in policies if "reset" in policy]
    for name in RESET_FIELDS:
        with suppress(ValueError):
            resets.append(_from_now(float(fields.get(name, ""))))
    return max(spent or resets, default=None)


def when_to_return(headers: Mapping[str, str]) -> str:
    """What to do about an answer that asks for patience: to wait, and for how long."""
    named = named_pause(headers)
    return "wait" if named is None else f"it asks to come back in {named:.0f} s; wait so long"


def _from_now(seconds: float) -> float:
    """How far off a time is, given as seconds from now or since 1970; refuses what is no number."""
    if not math.isfinite(seconds):
        raise ValueError(seconds)
    return max(0.0, seconds - time.time() if seconds > EPOCH_SECONDS else seconds)


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
    for cause in causes(error):
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
    # HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, in small letters as well.
    for scheme in ("http", "https", "all"):
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


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what raised it, and so on; `urllib` keeps its own in an attribute."""
    told: BaseException | None = error
    while told is not None:
        yield told
        reason = getattr(told, "reason", None)
        told = reason if isinstance(reason, BaseException) else told.__cause__ or told.__context__
