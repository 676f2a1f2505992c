"""Answers of object stores and services over plain HTTP, asked for again while something passes.

A store that is down, a service that wants fewer questions, one that fell silent and an answer that is cut are asked
again. Whatever does not pass leaves as one `MissingSourceError`: what was asked, what was answered, and the cure.
"""

import gzip
import ssl
import urllib.error
import urllib.request
import zlib
from http import HTTPStatus
from http.client import HTTPException
from typing import IO
from urllib.parse import parse_qs, urlsplit

from harness.sources import patience
from harness.sources.connection import expect_connection, silence_of
from harness.sources.pin_record import cure_of_loss, downloads, endpoint_of
from harness.sources.retry_after import when_to_return
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Pin

BROKEN_LINE = (HTTPException, ConnectionError, TimeoutError, ssl.SSLError)
"""What reading an answer raises when it is cut, stalls or is garbled; refusals of the disk are none of these."""


def whole_answer(pin: Pin, url: str) -> bytes:
    """A short answer of a store or a service to its end; asked for again when it is cut or stalls on its way.

    Raises:
        MissingSourceError: If it does not answer, refuses, or never gets to the end of its answer.
    """
    for pause in (*patience.PAUSES_SECONDS, None):
        try:
            with opened(pin, url) as answer:
                content = answer.read()
                packed = vars(answer)["headers"].get("Content-Encoding", "") == "gzip"
                # Nobody asked for it, and some mirrors and proxies pack what they send all the same.
                return gzip.decompress(content) if packed else content
        except (*BROKEN_LINE, gzip.BadGzipFile, zlib.error, EOFError) as error:
            if pause is None:
                raise MissingSourceError(
                    f"{pin} cannot be fetched: the answer of {endpoint_of(pin)} to {urlsplit(url).path} is cut or stalls "
                    f"on its way over and over ({error!r}); the line is bad: start again when it is better",
                    reason=Reason.NO_NETWORK,
                ) from error
            patience.wait(pause)
    raise AssertionError("the last attempt returns or raises")


def opened(pin: Pin, url: str, headers: dict[str, str] | None = None) -> IO[bytes]:
    """The answer of a store or a service; asks again while it is down, wants fewer questions or answers no more.

    Raises:
        MissingSourceError: If it does not answer, or refuses.
        SettingError: If the environment is such that it cannot be asked.
    """
    expect_connection()
    request = urllib.request.Request(url, headers=headers or {})  # noqa: S310  the pin's own address
    for pause in (*patience.PAUSES_SECONDS, None):
        try:
            answer: IO[bytes] = urllib.request.urlopen(request, timeout=patience.PROBE_SECONDS)  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()  # it is an open answer as well
            passing = (
                error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS
            )
            if pause is None or not passing or patience.asks_too_much(dict(error.headers)):
                raise _refusal(pin, url, error, passing=passing) from error
            patience.wait(pause, dict(error.headers))
        except (urllib.error.URLError, *BROKEN_LINE) as error:
            if pause is None or not patience.may_answer_again(url):
                raise _silence(pin, url, error) from error
            patience.wait(pause)
        else:
            patience.answered(url)
            return answer
    raise AssertionError("the last attempt returns or raises")


def _silence(pin: Pin, url: str, error: Exception) -> MissingSourceError:
    """Nothing came: nothing was there, or what was there is there no more, however often it was asked."""
    found = silence_of(endpoint_of(pin), error)
    if patience.may_answer_again(url):
        patience.waited_in_vain(url)
        found = f"{endpoint_of(pin)} answered before, and answers no more, asked over and over"
    return MissingSourceError(
        f"{pin} cannot be fetched: no network ({found}), and not whole in {downloads()}; "
        "connect this machine and start again: what is fetched is kept",
        reason=Reason.NO_NETWORK,
    )


def _refusal(pin: Pin, url: str, error: urllib.error.HTTPError, *, passing: bool) -> MissingSourceError:
    """What was asked and answered; an anonymous store says 403 of what it never held, too."""
    parts = urlsplit(url)
    listed = parse_qs(parts.query).get("prefix", [])
    asked = parts.path + "".join(f" for a listing of the prefix {prefix}" for prefix in listed)
    answered = f"{pin} cannot be fetched: {endpoint_of(pin)} answers {error.code} to {asked}"
    if passing:
        return MissingSourceError(
            f"{answered} over and over; {when_to_return(dict(error.headers))}, then start again: what is fetched is kept",
            reason=Reason.NO_NETWORK,
        )
    return MissingSourceError(f"{answered}; {cure_of_loss(pin)}")
