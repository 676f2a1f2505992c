"""Dataset repositories that take files, over the protocol of the hub: which are large, those to its storage, then a commit.

As the hub does it: `preupload` says of each file whether it goes into the commit or to the storage, and what is there; the
storage is asked in batches (git-lfs), takes each file whole or in parts, and is asked to verify it; a commit is lines of
JSON, refused with 412 where the branch has moved from the parent that it names.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.server import OUTSIDER, READER, TOKEN, Handler, Hub, Repository, git_digest, sha256

ACCOUNTS = {TOKEN: ("lab", "write"), READER: ("lab", "read"), OUTSIDER: ("stranger", "write")}
"""Who a token belongs to, and what it was made for."""

FILES_AT_ONCE = 256
"""Of how many files a question may be."""


@dataclass
class Dataset(Repository):
    """A repository with a history; it begins with one commit, as those that are made on the hub do."""

    files: dict[str, Any] = field(default_factory=lambda: {".gitattributes": b"*.bin filter=lfs\n"})
    part_bytes: int = 5_000_000
    """Larger files are taken in parts."""
    stored: dict[str, bytes] = field(default_factory=dict)
    """What the storage holds, by SHA-256."""
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    commits: dict[str, Repository] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.add("main", dict(self.files), frozenset())

    def add(self, branch: str, files: dict[str, Any], large: frozenset[str]) -> str:
        """A commit that holds these files."""
        told = repr(sorted((path, sha256(content)) for path, content in files.items()))
        sha = hashlib.sha1(f"{self.branches.get(branch)} {told}".encode()).hexdigest()
        self.commits[sha] = Repository(files=files, large=large, parent_revision=sha, gated=self.gated)
        self.branches[branch] = sha
        if branch == "main":
            self.files, self.large, self.parent_revision = files, large, sha
            self._bytes.clear()
        return sha

    def at(self, revision: str) -> Repository | None:
        return self.commits.get(self.branches.get(revision or "main", revision))

    def kept(self, digest: str) -> bytes | None:
        return self.stored.get(digest)


def takes_uploads(hub: Hub, name: str, **facts: Any) -> Dataset:
    """An empty dataset of the hub, which takes files from now on."""
    hub.repositories["datasets", name] = made = Dataset(**facts)
    hub.takes = taken
    return made


def taken(handler: Handler, method: str, body: bytes) -> bool:
    """Answer what is sent, and who sends; false where it is a question like any other."""
    parts = urlsplit(handler.path)
    if method == "GET" and parts.path == "/api/whoami-v2":
        account(handler)
        return True
    for pattern, answer in ROUTES.items():
        found = re.fullmatch(pattern, f"{method} {parts.path}")
        dataset = handler.hub.repositories.get(("datasets", found[1])) if found else None
        if found and isinstance(dataset, Dataset):
            # The storage is elsewhere, and its addresses are keys of their own: a token is not sent there.
            is_open = answer in {storage, complete}
            if is_open:
                assert handler.bearer() is None, "a token is not sent to the storage"
            if is_open or may_write(handler, dataset):
                answer(handler, dataset, unquote(found[2]), body)
            return True
    return False


def account(handler: Handler) -> None:
    if handler.bearer() not in ACCOUNTS:
        return handler.refused(401, "", "Invalid user token.")
    name, role = ACCOUNTS[handler.bearer() or ""]
    content = {"type": "user", "name": name, "auth": {"type": "access_token", "accessToken": {"role": role}}}
    return told(handler, content)


def may_write(handler: Handler, dataset: Dataset) -> bool:
    """Whether a token may; otherwise the refusal has been sent."""
    owner, role = ACCOUNTS.get(handler.bearer() or "", ("", ""))
    if not owner:
        handler.reply(401, b'{"error":"Invalid username or password."}')
    elif role != "write":
        handler.refused(403, "", "Forbidden: you must use a write token to upload to a repository.")
    elif owner != "lab":
        handler.refused(403, "", "Authorization error.")
    return (owner, role) == ("lab", "write")


def name_of(hub: Hub, dataset: Dataset) -> str:
    return next(name for (_, name), each in hub.repositories.items() if each is dataset)


def told(handler: Handler, content: object) -> None:
    handler.reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def preupload(handler: Handler, dataset: Dataset, branch: str, body: bytes) -> None:
    files = json.loads(body)["files"]
    seen = dataset.at(branch)
    if seen is None:
        return handler.refused(404, "RevisionNotFound", f"Invalid rev id: {branch}")
    if len(files) > FILES_AT_ONCE:
        return handler.refused(413, "", "too many files")
    answers = []
    for file in files:
        is_large = b"\0" in base64.b64decode(file["sample"])
        oid = None
        if file["path"] in seen.files:
            content = seen.read(file["path"])
            oid = sha256(content) if seen.is_large(file["path"]) else git_digest(content)
        mode = "lfs" if is_large else "regular"
        answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return told(handler, {"files": answers})


def batch(handler: Handler, dataset: Dataset, _: str, body: bytes) -> None:
    asked = json.loads(body)
    assert (asked["operation"], asked["hash_algo"]) == ("upload", "sha256")
    assert len(asked["objects"]) <= FILES_AT_ONCE
    # Another host, as the hub's own storage is.
    away = handler.hub.url.replace("127.0.0.1", "localhost")
    name = name_of(handler.hub, dataset)
    objects = []
    for each in asked["objects"]:
        answer = {"oid": each["oid"], "size": each["size"], "authenticated": True}
        if each["oid"] not in dataset.stored:
            address = f"{away}/storage/{name}/{each['oid']}"
            upload: dict[str, Any] = {"href": address}
            if each["size"] > dataset.part_bytes:
                numbers = range(1, -(-each["size"] // dataset.part_bytes) + 1)
                header = {f"{number:05}": f"{address}?part={number}" for number in numbers}
                upload = {
                    "href": f"{handler.hub.url}/api/complete/{name}/{each['oid']}",
                    "header": {"chunk_size": str(dataset.part_bytes), **header},
                }
            verify = {"href": f"{handler.hub.url}/api/verify/{name}/{each['oid']}"}
            answer["actions"] = {"upload": upload, "verify": verify}
        objects.append(answer)
    return told(handler, {"transfer": "multipart", "objects": objects})


def storage(handler: Handler, dataset: Dataset, digest: str, body: bytes) -> None:
    part = parse_qs(urlsplit(handler.path).query).get("part")
    if part:
        dataset.parts.setdefault(digest, {})[int(part[0])] = body
    elif sha256(body) != digest:
        return handler.reply(400, b"BadDigest")
    else:
        dataset.stored[digest] = body
    return handler.reply(200, b"", {"ETag": f'"{git_digest(body)}"'})


def complete(handler: Handler, dataset: Dataset, digest: str, body: bytes) -> None:
    parts = dataset.parts.pop(digest)
    asked = json.loads(body)["parts"]
    whole = b"".join(parts[each["partNumber"]] for each in asked)
    if [each["etag"] for each in asked] != [
        f'"{git_digest(parts[number])}"' for number in sorted(parts)
    ] or sha256(whole) != digest:
        return handler.reply(400, b"InvalidPart")
    dataset.stored[digest] = whole
    return told(handler, {})


def verify(handler: Handler, dataset: Dataset, digest: str, body: bytes) -> None:
    asked = json.loads(body)
    is_there = len(dataset.stored.get(digest, b"")) == asked["size"] and asked["oid"] == digest
    handler.reply(200 if is_there else 404, b"{}")


def commit(handler: Handler, dataset: Dataset, branch: str, body: bytes) -> None:
    header, *lines = [json.loads(line) for line in body.splitlines()]
    with dataset.lock:
        seen = dataset.at(branch)
        if branch not in dataset.branches or seen is None:
            return handler.refused(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        if header["value"].get("parentCommit", seen.sha) != seen.sha:
            return handler.refused(412, "", "A commit has happened since. Please refresh and try again.")
        files, large = dict(seen.files), set(seen.large or ())
        for line in lines:
            path, value = line["value"]["path"], line["value"]
            if line["key"] == "file":
                files[path] = base64.b64decode(value["content"])
                large.discard(path)
            elif line["key"] == "lfsFile" and len(dataset.stored.get(value["oid"], b"")) == value["size"]:
                files[path] = dataset.stored[value["oid"]]
                large.add(path)
            else:
                return handler.refused(400, "", f"cannot take {line}")
        sha = dataset.add(branch, files, frozenset(large))
    address = f"{handler.hub.url}/datasets/{name_of(handler.hub, dataset)}/commit/{sha}"
    return told(handler, {"success": True, "commitOid": sha, "commitUrl": address, "hookOutput": ""})


NAME = r"([^/]+/[^/]+?)"

ROUTES = {
    rf"POST /api/datasets/{NAME}/preupload/(.+)": preupload,
    rf"POST /datasets/{NAME}\.git/info/lfs/objects/(batch)": batch,
    rf"PUT /storage/{NAME}/([0-9a-f]{{64}})": storage,
    rf"POST /api/complete/{NAME}/([0-9a-f]{{64}})": complete,
    rf"POST /api/verify/{NAME}/([0-9a-f]{{64}})": verify,
    rf"POST /api/datasets/{NAME}/commit/(.+)": commit,
}
