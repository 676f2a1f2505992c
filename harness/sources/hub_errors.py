"""What the hub's client raises, turned into one clear error: what was asked, what was found, and the cure."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from harness.sources.connection import expect_connection, silence_of
from harness.sources.pin_record import cure_of_loss, endpoint_of, record_path
from harness.sources.retry_after import when_to_return
from harness.words.errors import MissingSourceError, Reason, SettingError
from harness.words.study import Home, Pin

TALKERS = ("httpx", "httpx2")
"""Loggers of the hub's client that tell every request."""

XET_SWITCH = "HF_HUB_DISABLE_XET"
"""Variable by which the hub's client leaves Xet alone. Whoever sets it, to either word, is taken by that word."""


OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Variables by which the hub's client is told to ask nobody; the first that says anything decides."""

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables in which the hub's client looks for a token, before it looks into its file."""


@contextmanager
def told(pin: Pin) -> Iterator[None]:
    """Turns every refusal of hub, line and offline switch into one clear error; the disk's pass.

    Raises:
        MissingSourceError: If the hub does not answer, or refuses.
        SettingError: If the environment is such that it cannot be asked.
    """
    from huggingface_hub import errors

    for name in TALKERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    expect_connection()
    has_token()
    try:
        yield
    except errors.HfHubHTTPError as error:
        raise _refusal(pin, error) from error
    except (errors.LocalEntryNotFoundError, ConnectionError, TimeoutError, _transport_error()) as error:
        if isinstance(_reason(error), errors.FileMetadataError):
            raise _garbled(pin, _reason(error)) from error
        raise MissingSourceError(_unanswered(pin, error), reason=Reason.NO_NETWORK) from error
    except OSError as error:
        # What the disk refuses has a number; what the client itself finds wrong has none.
        if error.errno is not None:
            raise
        raise _garbled(pin, error) from error
    except RuntimeError as error:
        if _without_xet():
            raise
        raise MissingSourceError(
            f"{pin} cannot be fetched: Xet storage, which {XET_SWITCH} here lets the hub's client use, fails "
            f"({_first_line(error)}); set {XET_SWITCH}=1, or unset it, so that files come over plain HTTP",
            reason=Reason.NO_NETWORK,
        ) from error


def _garbled(pin: Pin, error: BaseException) -> MissingSourceError:
    """An answer that does not fit itself: another length than it announces, packed on the way, or without its headers."""
    return MissingSourceError(
        f"{pin} cannot be fetched: what {endpoint_of(pin)} sends is not what it announces ({_first_line(error)}); something "
        "between here and there cuts or changes it, a mirror perhaps: start again, or set HF_ENDPOINT to another one",
        reason=Reason.NO_NETWORK,
    )


def _without_xet() -> bool:
    from huggingface_hub import constants

    return constants.HF_HUB_DISABLE_XET


def is_offline() -> bool:
    """True where the hub's client is told to ask nobody."""
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def _unanswered(pin: Pin, error: Exception) -> str:
    if is_offline():
        switch = next(name for name in OFFLINE_SWITCHES if os.environ.get(name))
        return (
            f"{pin} cannot be fetched: {switch}={os.environ[switch]} forbids to ask {endpoint_of(pin)}, and it is not whole in "
            f"the local hub cache; unset {switch}, or fill HF_HOME on a machine that may ask"
        )
    return (
        f"{pin} cannot be fetched: no network ({silence_of(endpoint_of(pin), error)}), and not whole in the local hub cache; "
        "connect this machine and start again, or fill HF_HOME on one that is connected"
    )


def _refusal(pin: Pin, error: Exception) -> MissingSourceError:
    status: int = vars(error)["response"].status_code
    if _is_gate(pin, error, status):
        found = "the token that is set is not let in" if has_token() else "no token is set"
        return MissingSourceError(
            f"{pin} is gated, and {found}: accept its licence ({pin.licence}) at {page_of(pin)}, "
            "then set HF_TOKEN to a read token of the same account",
            reason=Reason.GATED_WEIGHTS,
        )
    if status == HTTPStatus.UNAUTHORIZED and has_token():
        return MissingSourceError(
            f"{pin} cannot be fetched: the hub does not accept the token that is set; correct HF_TOKEN, or unset it: "
            "this repository needs none",
            reason=Reason.GATED_WEIGHTS,
        )
    if is_passing(error):
        return MissingSourceError(
            f"{pin} cannot be fetched now: the hub answers {status} over and over; {when_to_return(headers_of(error))}, then "
            "start again: what is fetched is kept",
            reason=Reason.NO_NETWORK,
        )
    return _loss(pin, error, status)


def _is_gate(pin: Pin, error: Exception, status: int) -> bool:
    """True where a licence was not accepted; a repository that was taken down refuses with the same number."""
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError

    if isinstance(error, DisabledRepoError):
        return False
    refused = pin.gated and status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return refused or isinstance(error, GatedRepoError)


def _loss(pin: Pin, error: Exception, status: int) -> MissingSourceError:
    """What is not there, or no longer: renamed, removed, made private or taken down."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RevisionNotFoundError):
        taken = f"; to take what is there now, remove {record_path(pin)}" if pin.revision is None else ""
        return MissingSourceError(
            f"{pin}: {page_of(pin)} has no such revision; {cure_of_loss(pin, 'revision')}{taken}"
        )
    if isinstance(error, RepositoryNotFoundError):
        token = (
            ", or none that the token may see"
            if has_token()
            else ", or it wants a token, and no token is set; set HF_TOKEN"
        )
        return MissingSourceError(
            f"{pin} cannot be fetched: {page_of(pin)} answers {status}, there is no such repository{token}; {cure_of_loss(pin)}"
        )
    said = _first_line(vars(error).get("server_message") or error)
    return MissingSourceError(
        f"{pin} cannot be fetched: {page_of(pin)} refuses with {status} ({said}); {cure_of_loss(pin)}"
    )


def page_of(pin: Pin) -> str:
    """Where a person would look at a repository."""
    folder = "datasets/" if pin.home is Home.HUB_DATASET else ""
    return f"{endpoint_of(pin)}/{folder}{pin.address}"


def _first_line(error: object) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def has_token() -> bool:
    """True when the hub's client finds a token, in the environment or in its file.

    Raises:
        SettingError: If what it finds cannot be a token; it is not printed.
    """
    from huggingface_hub import constants, get_token

    place = next((name for name in TOKENS if os.environ.get(name)), constants.HF_TOKEN_PATH)
    cure = "set HF_TOKEN to a read token, copied anew, or correct or remove the file"
    try:
        token = get_token()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"the hub's token cannot be read from {place} ({type(error).__name__}); {cure}"
        ) from error
    if token and not re.fullmatch(r"[!-~]+", token):
        raise SettingError(
            f"the hub's token in {place} holds a character that no token has, perhaps an invisible one; {cure}"
        )
    return token is not None


def is_passing(error: Exception) -> bool:
    """True of an answer that may be another one soon: the hub is down, or wants fewer questions."""
    from huggingface_hub.errors import HfHubHTTPError

    found = _reason(error)
    if not isinstance(found, HfHubHTTPError):
        return False
    status = found.response.status_code
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def is_silence(error: Exception) -> bool:
    """True where the hub, or the line to it, gave no answer; not where the client is told to ask nobody."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    found = _reason(error)
    is_answer = isinstance(found, (HfHubHTTPError, OfflineModeIsEnabled))
    return not is_answer and isinstance(found, (ConnectionError, TimeoutError, _transport_error()))


def headers_of(error: Exception) -> Mapping[str, str]:
    """The headers of the answer behind an error; none where there was no answer."""
    from huggingface_hub.errors import HfHubHTTPError

    found = _reason(error)
    return found.response.headers if isinstance(found, HfHubHTTPError) else {}


def _reason(error: BaseException) -> BaseException:
    """What was the matter: a download that finds no file here either tells it by its error's cause alone."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    return error.__cause__ or error if isinstance(error, LocalEntryNotFoundError) else error


def _transport_error() -> type[Exception]:
    """What the hub's client raises when nothing answers: of httpx or httpx2, whichever it is built on."""
    from huggingface_hub import errors

    error: type[Exception] = vars(errors)["HTTPError"]
    return error
