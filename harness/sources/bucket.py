"""The only door to a public object store: what lies below a prefix, and its objects in a local folder.

Listings come in pages and objects may be cut on the way; both are asked for until they are whole.
Source: the ListObjectsV2 request of the S3 interface, read anonymously.
"""

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from harness.sources import http
from harness.sources.pins import (
    ChangedSourceError,
    Seen,
    SeenFile,
    cure_of_loss,
    endpoint_of,
    listing_digest,
    verify_file,
)
from harness.store.files import disk_errors, locked, own_folder, sync
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Pin

BLOCK_BYTES = 1 << 20


def seen_now(pin: Pin) -> Seen:
    """Every object that a pin asks for, as the store lists it now; the revision is the digest of the listing.

    Raises:
        MissingSourceError: If the store does not answer, refuses, or has nothing below one of the prefixes.
    """
    files = [file for prefix in pin.files for file in _below(pin, prefix)]
    files.sort(key=lambda file: file.path)
    return Seen(revision=listing_digest(files), files=tuple(files))


def fetched(pin: Pin, seen: Seen) -> Path:
    """Folder that holds the recorded objects, each verified; what is missing is fetched.

    Raises:
        MissingSourceError: If something is missing and cannot be fetched.
        ChangedSourceError: If an object is not the recorded one, twice over.
    """
    folder = cache_folder(pin, seen)
    for file in seen.files:
        _copy(pin, file, folder)
    return folder


def cache_folder(pin: Pin, seen: Seen) -> Path:  # noqa: ARG001  one folder, whatever the listing
    """Where the objects of a pin are kept; asks nobody."""
    host = urlsplit(endpoint_of(pin)).netloc.replace(":", "_")
    return own_folder(f"buckets/{host}/{_root(pin)}")


def _copy(pin: Pin, file: SeenFile, folder: Path) -> None:
    path = folder / file.path

    def copied() -> None:
        if not path.is_file():
            _fetch(pin, file, path)
        verify_file(pin, file, path)

    if path.is_file():
        with suppress(ChangedSourceError):
            verify_file(pin, file, path)
            return
    # Stages that run side by side want the same objects: one of them fetches, the others wait and find them.
    with locked(folder.with_suffix(".lock")):
        http.once_more_if_damaged(copied)


def _below(pin: Pin, prefix: str) -> Iterator[SeenFile]:
    """The objects below one prefix, page by page."""
    root, token, number = _root(pin), None, 0
    while True:
        query = {"list-type": "2", "prefix": f"{root}/{prefix}"} | (
            {"continuation-token": token} if token else {}
        )
        page = _page(pin, f"{_bucket_url(pin)}/?{urlencode(query)}")
        for entry in _all(page, "Contents"):
            if _text(entry, "Key").endswith("/"):  # an empty object by which a store's console shows a folder
                continue
            number += 1
            yield SeenFile(
                path=_text(entry, "Key").removeprefix(f"{root}/"),
                size_bytes=int(_text(entry, "Size")),
                digest=_digest(pin, entry),
            )
        if _text(page, "IsTruncated") != "true":
            break
        if not (token := _text(page, "NextContinuationToken")):
            raise MissingSourceError(
                f"{pin}: the listing of {endpoint_of(pin)} says that more follows, and not how to ask for it; something between "
                "here and there cuts it short: start again, or name another endpoint",
                reason=Reason.NO_NETWORK,
            )
    if not number:
        raise MissingSourceError(
            f"{pin}: {endpoint_of(pin)} has nothing below {prefix}; {cure_of_loss(pin, 'address or files')}"
        )


def _digest(pin: Pin, entry: ET.Element) -> str:
    """What a listing says of an object's bytes; some write it weak, in capitals or without quotes."""
    tag = _text(entry, "ETag").strip().removeprefix("W/").strip('"').lower()
    if not tag:
        raise MissingSourceError(
            f"{pin} cannot be fetched: {endpoint_of(pin)} lists {_text(entry, 'Key')} without an ETag, so nothing could be "
            "checked; set AWS_ENDPOINT_URL_S3 to a store or a mirror that tells it, or unset it"
        )
    return f"etag:{tag}"


def _page(pin: Pin, url: str) -> ET.Element:
    content = http.whole_answer(pin, url)
    try:
        return ET.fromstring(content)  # noqa: S314  expanded entities are bounded by the standard library's expat
    except ET.ParseError as error:
        raise MissingSourceError(
            f"{pin}: the listing of {endpoint_of(pin)} cannot be read ({error}); something between here and there answers "
            "in its place, perhaps a proxy's log-in page",
            reason=Reason.NO_NETWORK,
        ) from error


def _fetch(pin: Pin, file: SeenFile, path: Path) -> None:
    """Bring one object here, going on after each cut from where it was cut."""
    draft = path.with_name(f".{path.name}.part")
    url = f"{_bucket_url(pin)}/{quote(f'{_root(pin)}/{file.path}')}"

    def fetch_rest() -> None:
        have = draft.stat().st_size
        if have < file.size_bytes:  # an empty object is not asked for
            _append(url, draft, have)
        if draft.stat().st_size < file.size_bytes:
            raise http.CutAnswerError(
                f"{file.path} is cut on its way over and over; start again: what came is kept"
            )

    with disk_errors(path):
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        http.answered(pin, url, fetch_rest)
        sync(draft)
        draft.replace(path)


def _append(url: str, draft: Path, have: int) -> None:
    """Add what comes of the rest; a server that knows no ranges starts over."""
    with http.opened(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
        starts_over = vars(answer).get("status") != HTTPStatus.PARTIAL_CONTENT
        with draft.open("wb" if starts_over else "ab") as stream, suppress(*http.BROKEN_LINE):
            while block := answer.read(BLOCK_BYTES):
                stream.write(block)


def _bucket_url(pin: Pin) -> str:
    """Where requests go: the bucket's own host, or a path of the endpoint that is named instead."""
    parts = urlsplit(pin.address)
    endpoint = endpoint_of(pin)
    if endpoint == f"{parts.scheme}://{parts.netloc}":
        return endpoint
    return f"{endpoint}/{parts.netloc.partition('.')[0]}"


def _root(pin: Pin) -> str:
    return urlsplit(pin.address).path.strip("/")


def _all(page: ET.Element, name: str) -> list[ET.Element]:
    """Children of that name; answers come with and without the interface's namespace."""
    return [child for child in page if child.tag.rpartition("}")[2] == name]


def _text(page: ET.Element, name: str) -> str:
    found = _all(page, name)
    return (found[0].text or "") if found else ""
