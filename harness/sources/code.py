"""The only door to repositories of code: the files of one commit, each held to the digest that git gives it.

Source: the request for a tree of GitHub's REST interface, and its addresses of raw files.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from harness.sources import http
from harness.sources.pins import Seen, SeenFile, cure_of_loss, endpoint_of, what_is_there
from harness.store.files import own_folder
from harness.words.errors import MissingSourceError, Reason, UsageError
from harness.words.study import Pin

API = {"https://github.com": "https://api.github.com"}
"""Where a host answers questions about its repositories; others do below their own address."""


def seen_now(pin: Pin) -> Seen:
    """The files of the pinned commit that are needed; one question for all of them.

    Raises:
        UsageError: If no commit is pinned.
        MissingSourceError: If the host does not answer, refuses, has no such commit, or the commit no such file.
    """
    if pin.revision is None:
        raise UsageError(f"{pin.name} has no revision; a repository of code is pinned to a whole commit")
    server = endpoint_of(pin)
    url = f"{API.get(server, f'{server}/api/v3')}/repos/{_name(pin)}/git/trees/{pin.revision}?recursive=1"
    told = _tree(pin, http.whole_answer(pin, url))
    files = tuple(
        SeenFile(path=entry["path"], size_bytes=int(entry["size"]), digest=f"git:{entry['sha']}")
        for entry in told
        if entry["type"] == "blob" and pin.wants(entry["path"])
    )
    if not files:
        raise MissingSourceError(
            f"{pin} holds none of the files {list(pin.files) or 'it should'}"
            f"{what_is_there(pin, (entry['path'] for entry in told if entry['type'] == 'blob'))}; {cure_of_loss(pin, 'files')}"
        )
    return Seen(revision=pin.revision, files=tuple(sorted(files, key=lambda file: file.path)))


def fetched(pin: Pin, seen: Seen) -> Path:
    """Folder that holds the recorded files, each verified; what is missing is fetched.

    Raises:
        MissingSourceError: If something is missing and cannot be fetched.
        ChangedSourceError: If a file is not the recorded one, twice over.
    """
    folder = cache_folder(pin, seen)
    for file in seen.files:
        url = f"{endpoint_of(pin)}/{_name(pin)}/raw/{seen.revision}/{quote(file.path)}"
        http.copy_file(pin, file, url, folder)
    return folder


def cache_folder(pin: Pin, seen: Seen) -> Path:
    """Where the files of a commit are kept; asks nobody."""
    host = urlsplit(endpoint_of(pin)).netloc.replace(":", "_")
    return own_folder(f"code/{host}/{_name(pin)}/{seen.revision}")


def _tree(pin: Pin, content: bytes) -> list[dict[str, Any]]:
    try:
        told = json.loads(content)
        entries, is_cut = list(told["tree"]), bool(told["truncated"])
        blobs = [entry for entry in entries if entry["type"] == "blob"]
        is_cut |= any(not {"path", "size", "sha"} <= entry.keys() for entry in blobs)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise MissingSourceError(
            f"{pin}: the listing of {endpoint_of(pin)} cannot be read ({error!r}); something between here and there answers in its "
            "place, perhaps a proxy's log-in page",
            reason=Reason.NO_NETWORK,
        ) from error
    if is_cut:
        raise MissingSourceError(
            f"{pin} cannot be fetched: {endpoint_of(pin)} does not list all of its files with size and digest, so nothing could be "
            "checked; put its files into a folder, and name that in a profile"
        )
    return entries


def _name(pin: Pin) -> str:
    return urlsplit(pin.address).path.strip("/")
