"""The only door to outside files: a pin in, a local folder and an immutable revision out."""

import hashlib
from functools import cache
from pathlib import Path

from harness.certificates import refuse_foreign_files
from harness.pins import Home, Pin

CHECKOUT = Path(__file__).resolve().parents[1]
"""Root that relative folder addresses start from."""

_READ_BYTES = 1 << 20


class MissingSourceError(Exception):
    """A pinned thing cannot be had: no such folder, no network, or no permission."""


def locate(pin: Pin) -> Path:
    """Folder that holds the pinned thing, fetched first when it lives on a hub.

    Raises:
        MissingSourceError: If it is not there and cannot be fetched.
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
        MissingSourceError: If a folder is not there.
        ForeignFileError: If a folder is not as its birth certificate says.
    """
    if pin.home is not Home.FOLDER:
        return pin.revision or "unpinned"
    folder = _folder(pin)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): _file_sha256(path) for path in files}
    refuse_foreign_files(folder, digests)
    listing = "".join(f"{path}\0{digest}\n" for path, digest in digests.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _folder(pin: Pin) -> Path:
    folder = CHECKOUT / pin.address
    if not folder.is_dir():
        raise MissingSourceError(
            f"{pin.name} is pinned to the folder {pin.address}, which is not in this checkout; "
            "restore it with 'git checkout', or rebuild it with 'nox -s fixtures'"
        )
    return folder


def _snapshot(pin: Pin) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    kind = "model" if pin.home is Home.HUB_MODEL else "dataset"
    try:
        return Path(snapshot_download(pin.address, repo_type=kind, revision=pin.revision))
    except GatedRepoError as error:
        raise MissingSourceError(
            f"{pin} is gated: accept its licence ({pin.licence}) on the hub, then set HF_TOKEN"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise MissingSourceError(
            f"{pin} cannot be fetched: {type(error).__name__}; no network, or not in the local hub cache"
        ) from error


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
