"""A host of code in miniature: one commit of a repository, its tree and its raw files at the addresses of the real one."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.words.study import Pin
from tests.hub.server import Hub, git_digest


def offer(hub: Hub, pin: Pin, files: Mapping[str, bytes]) -> None:
    """Put the files of a pinned commit on a hub."""
    name = urlsplit(pin.address).path
    folders = sorted({path.rpartition("/")[0] for path in files} - {""})
    tree: list[dict[str, str | int]] = [{"path": path, "type": "tree", "sha": "0" * 40} for path in folders]
    tree += [
        {"path": path, "type": "blob", "sha": git_digest(content), "size": len(content)}
        for path, content in files.items()
    ]
    listing = {"sha": pin.revision, "tree": tree, "truncated": False}
    hub.pages[f"/api/v3/repos{name}/git/trees/{pin.revision}"] = json.dumps(listing).encode()
    hub.pages |= {f"{name}/raw/{pin.revision}/{path}": content for path, content in files.items()}
