"""The only door to a public object store: what lies below a prefix, and its objects in a local folder.

Listings come in pages and objects may be cut on the way; both are asked for until they are whole.
Source: the ListObjectsV2 request of the S3 interface, read anonymously.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from harness.sources import http
from harness.sources.pins import (
    Seen,
    SeenFile,
    cure_of_loss,
    endpoint_of,
    listing_digest,
)
from harness.store.files import own_folder
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Pin


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
        http.copy_file(pin, file, f"{_bucket_url(pin)}/{quote(f'{_root(pin)}/{file.path}')}", folder)
    return folder


def cache_folder(pin: Pin, seen: Seen) -> Path:  # noqa: ARG001  one folder, whatever the listing
    """Where the objects of a pin are kept; asks nobody."""
    host = urlsplit(endpoint_of(pin)).netloc.replace(":", "_")
    return own_folder(f"buckets/{host}/{_root(pin)}")


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
