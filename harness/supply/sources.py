"""The only door to outside files: a pin in, a local folder out, and a word that stands for its content."""

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path

from harness.supply.certificates import ForeignFileError, refuse_foreign_files
from harness.supply.disk import file_sha256
from harness.words.failures import NotJudgedError, Reason
from harness.words.pins import Home, Pin

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root that relative folder addresses start from."""


PROBE_SECONDS = 10.0
"""How long a hub may take to answer before it counts as out of reach."""


class MissingSourceError(NotJudgedError):
    """A pinned thing cannot be had: no such folder, no network, or no permission."""

    def __init__(self, message: str, *, reason: Reason = Reason.DATASET_UNAVAILABLE) -> None:
        super().__init__(message, reason=reason)


@cache
def locate(pin: Pin) -> Path:
    """Folder that holds the pinned thing, fetched first when it lives on a hub.

    Raises:
        ForeignFileError: If a folder is not there.
        MissingSourceError: If it cannot be fetched.
    """
    if pin.home is Home.FOLDER:
        return _folder(pin)
    if pin.home is Home.BUCKET:
        raise MissingSourceError(f"{pin} lives in a bucket, which this version cannot read yet")
    return _snapshot(pin)


@cache
def revision_of(pin: Pin) -> str:
    """What stands for the content of a pin in every digest.

    A folder has the digest of its files' names and bytes; a hub repository has its pinned revision.

    Raises:
        ForeignFileError: If a folder is not there, or is not as its birth certificate says.
    """
    if pin.home is not Home.FOLDER:
        return pin.revision or "unpinned"
    folder = _folder(pin)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
    refuse_foreign_files(folder, digests)
    listing = "".join(f"{path}\0{digest}\n" for path, digest in digests.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _folder(pin: Pin) -> Path:
    folder = CHECKOUT / pin.address
    if not folder.is_dir():
        raise ForeignFileError(
            f"{pin.name} is pinned to the folder {pin.address}, which is not in this checkout; "
            "restore it with 'git checkout', or rebuild it with 'nox -s fixtures'"
        )
    return folder


def _snapshot(pin: Pin) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    kind = "model" if pin.home is Home.HUB_MODEL else "dataset"
    try:
        reachable = _answers(pin, kind)
        folder = snapshot_download(
            pin.address,
            repo_type=kind,
            revision=pin.revision,
            allow_patterns=list(pin.files) or None,
            local_files_only=not reachable,
        )
    except HfHubHTTPError as error:
        refused = error.response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        if isinstance(error, GatedRepoError) or (pin.gated and refused):
            raise MissingSourceError(
                f"{pin} is gated: accept its licence ({pin.licence}) on the hub, then set HF_TOKEN",
                reason=Reason.GATED_WEIGHTS,
            ) from error
        raise MissingSourceError(f"{pin} cannot be fetched: the hub refuses with {error}") from error
    except (LocalEntryNotFoundError, ConnectionError, TimeoutError, _transport_error()) as error:
        raise MissingSourceError(
            f"{pin} cannot be fetched: no network, and not whole in the local hub cache; "
            "connect this machine, or fill HF_HOME on one that is connected",
            reason=Reason.NO_NETWORK,
        ) from error
    return Path(folder)


def _answers(pin: Pin, kind: str) -> bool:
    """Whether the hub answers at all: one question, since a download repeats its own for half a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().repo_info(pin.address, repo_type=kind, revision=pin.revision, timeout=PROBE_SECONDS)
    except HfHubHTTPError as error:
        if error.response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return False
    except (_transport_error(), OSError):
        return False
    return True


def _transport_error() -> type[Exception]:
    """What the hub's client raises when nothing answers: of httpx or httpx2, whichever it is built on."""
    from huggingface_hub import errors

    error: type[Exception] = vars(errors)["HTTPError"]
    return error
