"""A model hub and an object store on 127.0.0.1: true ids, listings, headers, redirects, gates - and faults on demand.

It answers as the real services are documented to: repositories under `/api/models`, `/api/datasets` and
`/{id}/resolve/{revision}/{file}`; large files by a redirect to another host, small ones by a relative redirect;
gates by 401 and 403 with the hub's own error headers; the object store by pages of ListObjectsV2 and by ranges.
Every large file is offered through Xet as well, by the hub's headers; who takes the offer finds that storage shut.
"""

import hashlib
import json
import os
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from harness.sources import http

TOKEN = "hf_markedTokenThatMustNeverBeSeen"
"""The token that every gate lets in."""
OUTSIDER = "hf_tokenOfSomeoneWhoAcceptedNothing"
"""A token of an account that has accepted no licence."""
READER = "hf_tokenThatMayOnlyRead"
"""A token that was made for reading alone."""

LARGE = (".safetensors", ".npz", ".bin", ".spm", ".model", ".h5", ".gz", ".parquet")
"""Files that the hub keeps outside git."""

TREE_PAGE = 7
"""Files per page of a tree, and objects per page of a listing; small, so that there are pages."""

STALL_SECONDS = 6.0
"""How long a stalled answer says nothing, unless its asker goes: longer than the patience that tests set."""

ASKS_WHETHER_TO_END_S = 0.01
"""How often the server asks that; seconds."""

RESETS = struct.pack("ii", 1, 0)
"""Setting by which a closed connection is reset, and not ended in good order."""

Content = bytes | Callable[[], bytes]


@dataclass
class Repository:
    """One repository at one commit."""

    files: dict[str, Content]
    gated: bool = False
    parent_revision: str | None = None
    """A further name under which the same commit is known, besides "main"."""
    large: frozenset[str] | None = None
    """Files that are kept outside git; where nothing is said, those with the names of such."""
    _bytes: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        if path not in self._bytes:
            content = self.files[path]
            self._bytes[path] = content() if callable(content) else content
        return self._bytes[path]

    @property
    def sha(self) -> str:
        if self.parent_revision:
            return self.parent_revision
        return hashlib.sha1("".join(sorted(self.files)).encode()).hexdigest()

    def at(self, revision: str) -> "Repository | None":
        """What it holds at a revision; nothing where there is no such one."""
        return self if revision in {"", "main", self.sha} else None

    def is_large(self, path: str) -> bool:
        return path.endswith(LARGE) if self.large is None else path in self.large

    def kept(self, digest: str) -> bytes | None:
        """A large file that somebody was led to, by its SHA-256."""
        led_to = (self.read(path) for path in self.files if self.is_large(path) and path in self._bytes)
        return next((content for content in led_to if sha256(content) == digest), None)

    def entry(self, path: str) -> dict[str, Any]:
        content = self.read(path)
        entry: dict[str, Any] = {"size": len(content), "oid": git_digest(content)}
        if self.is_large(path):
            entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
            entry["xetHash"] = xet_hash(content)
        return entry


@dataclass
class Fault:
    """What happens to requests of a path, once each, in order; then all is well."""

    path: str
    """Regular expression that the request's path must hold."""
    kind: str
    """"status", "cut", "stall", "slow", "garble", "html", "babble" (another protocol) or "reset" (no answer at all); of an answer that is cut or stalls, half arrives."""
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    method: str = "GET"


@dataclass
class Hub:
    """What the server serves, and what it was asked."""

    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, Content] = field(default_factory=dict)
    """Of the object store, by "bucket/key"."""
    pages: dict[str, Content] = field(default_factory=dict)
    """Of services that answer single questions, by path."""
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path with query, and authorization of every request."""
    unknown: list[str] = field(default_factory=list)
    takes: "Callable[[Handler, str, bytes], bool] | None" = None
    """Who answers what is sent and not only asked: true where it did; see `tests.hub.uploads`."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self, home: str) -> dict[str, str]:
        """What leads a process here and nowhere else."""
        return {
            "HF_ENDPOINT": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "NEURONPEDIA_ENDPOINT": self.url,
            "GITHUB_SERVER_URL": self.url,
            "HF_HOME": home,
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def surroundings(self, home: Path, token: str | None = None, **more: str) -> dict[str, str]:
        """All that a process finds around it which is led here, whatever these tests were started in."""
        ours = ("HF_", "AWS_", "HARNESS_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**kept, **self.environment(str(home)), **({"HF_TOKEN": token} if token else {}), **more}

    def lead(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        """Lead this very process here, where it waits for hardly anything."""
        monkeypatch.setattr(http, "PROBE_SECONDS", 0.3)
        monkeypatch.setattr(http, "PAUSES_SECONDS", (0.02, 0.02, 0.02))
        monkeypatch.setattr(http, "ANSWERED", set())
        # Read at its import, by whoever was first.
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        for name, value in self.environment(str(home)).items():
            monkeypatch.setenv(name, value)

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def paths(self, pattern: str, method: str = "GET") -> list[str]:
        return [path for asked, path, _ in self.asked if asked == method and re.search(pattern, path)]


def git_digest(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def xet_hash(content: bytes) -> str:
    """A word of 64 hexadecimal digits as Xet storage gives one; the true one is a tree of chunks."""
    return sha256(b"xet" + content)


def content_of(content: Content) -> bytes:
    return content() if callable(content) else content


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        self.answer("GET")

    def do_HEAD(self) -> None:
        self.answer("HEAD")

    def do_POST(self) -> None:
        self.answer("POST", self.body())

    def do_PUT(self) -> None:
        self.answer("PUT", self.body())

    def body(self) -> bytes:
        """All that is sent, however it comes."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_: object) -> None:
        """Says nothing: the tests read `asked`."""

    def answer(self, method: str, body: bytes = b"") -> None:  # noqa: PLR0911  one return per service is the map
        hub, parts = self.hub, urlsplit(self.path)
        with hub.lock:
            hub.asked.append((method, self.path, self.headers.get("Authorization")))
        fault = hub.fault_for(method, self.path)
        if fault is not None and self.is_answered_by(fault):
            return None
        if hub.takes and hub.takes(self, method, body):
            return None
        path = unquote(parts.path)
        if path in hub.pages:
            return self.reply(200, content_of(hub.pages[path]), {"Content-Type": "application/json"}, fault)
        if found := re.fullmatch(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(.*))?", path):
            return self.api(found[1], found[2], found[3] or "", parse_qs(parts.query))
        if found := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve("datasets" if found[1] else "models", found[2], found[3], found[4])
        if found := re.fullmatch(r"/api/resolve-cache/(models|datasets)/([^/]+/[^/]+)/([^/]+)/(.+)", path):
            return self.small(found[1], found[2], found[3], found[4], fault)
        if found := re.fullmatch(r"/cdn/([0-9a-f]{64})", path):
            return self.large(found[1], fault)
        bucket = path.strip("/").partition("/")[0]
        if any(key.startswith(f"{bucket}/") for key in hub.objects):
            return self.bucket(bucket, path.strip("/"), parse_qs(parts.query), fault)
        hub.unknown.append(self.path)
        return self.reply(404, b"no such page")

    def is_answered_by(self, fault: Fault) -> bool:
        """True where the fault is the whole answer."""
        if fault.kind == "status":
            self.reply(fault.status, b"fault", fault.headers)
        elif fault.kind == "html":
            body = b"<html><body>Please log in<br></body></html>"
            self.reply(200, body, {"Content-Type": "text/html"})
        elif fault.kind == "babble":
            self.close_connection = True
            self.wfile.write(b"220 mail here, ready\r\n")
        elif fault.kind == "reset":
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
            self.connection.close()
        elif fault.kind == "slow":
            time.sleep(1.5)
        return fault.kind in {"status", "html", "babble", "reset"}

    def reply(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        """An answer, whole unless a fault cuts or stalls it."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault is None or fault.kind not in {"cut", "stall"}:
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if fault.kind == "stall":
            select.select([self.connection], [], [], STALL_SECONDS)
        self.close_connection = True
        self.connection.close()

    def send_file(self, content: bytes, headers: Mapping[str, str], fault: Fault | None) -> None:
        """A file or a range of it, as it is unless a fault garbles it."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        body = content[start:]
        more = {"Accept-Ranges": "bytes"}
        if found:
            more["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault is not None and fault.kind == "garble":
            body = bytes(255 - byte for byte in body[:64]) + body[64:]
        self.reply(206 if found else 200, body, {**headers, **more}, fault)

    def refused(self, status: int, code: str, message: str) -> None:
        self.reply(
            status,
            json.dumps({"error": message}).encode(),
            {"X-Error-Code": code, "X-Error-Message": message},
        )

    def bearer(self) -> str | None:
        value = self.headers.get("Authorization")
        return value.removeprefix("Bearer ") if value else None

    def opened(self, kind: str, name: str, *, needs_access: bool) -> Repository | None:
        """The repository, unless it is not there or its gate is shut; then the refusal has been sent."""
        repository, bearer = self.hub.repositories.get((kind, name)), self.bearer()
        if bearer not in {None, TOKEN, OUTSIDER, READER}:
            message = "Invalid credentials in Authorization header"
            self.reply(401, json.dumps({"error": message}).encode(), {"X-Error-Message": message})
            return None
        if repository is None:
            status = 404 if bearer else 401
            self.refused(status, "RepoNotFound", "Repository not found")
            return None
        if repository.gated and needs_access and bearer != TOKEN:
            message = f"Access to model {name} is restricted and you are not in the authorized list."
            self.refused(401 if bearer is None else 403, "GatedRepo", message)
            return None
        return repository

    def api(self, kind: str, name: str, rest: str, query: Mapping[str, list[str]]) -> None:
        repository = self.opened(kind, name, needs_access=rest == "auth-check")
        if repository is None:
            return None
        if rest == "auth-check":
            return self.reply(200, b"{}", {"Content-Type": "application/json"})
        action, _, revision = rest.partition("/")
        if action == "xet-read-token":
            return self.reply(403, b"this hub has no Xet storage")
        # A branch's name may hold a stroke, which is written as %2F.
        raw = urlsplit(self.path).path.partition(f"/{action}/")[2]
        revision = unquote(raw.partition("/")[0])
        seen = repository.at(revision)
        if seen is None:
            return self.refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        repository = seen
        if action == "tree":
            return self.tree(repository, unquote(raw.partition("/")[2]), query)
        siblings = [
            self.sibling(repository, path, with_blobs="blobs" in query) for path in sorted(repository.files)
        ]
        info = {"_id": "0", "id": name, "sha": repository.sha, "private": False, "gated": "manual" if repository.gated else False, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}  # fmt: skip
        return self.reply(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def sibling(self, repository: Repository, path: str, *, with_blobs: bool) -> dict[str, Any]:
        if not with_blobs:
            return {"rfilename": path}
        entry = repository.entry(path)
        facts = {"rfilename": path, "size": entry["size"], "blobId": entry["oid"]}
        if "lfs" in entry:
            facts["lfs"] = {"sha256": entry["lfs"]["oid"], "size": entry["size"], "pointerSize": 134}
        return facts

    def tree(self, repository: Repository, folder: str, query: Mapping[str, list[str]]) -> None:
        start = int(query.get("cursor", ["0"])[0])
        prefix = f"{folder}/" if folder else ""
        below = [path for path in sorted(repository.files) if path.startswith(prefix)]
        if folder and not below:
            return self.refused(404, "EntryNotFound", f"{folder} does not exist")
        is_recursive = query.get("recursive", ["false"])[0].lower() == "true"
        if not is_recursive:
            below = sorted({prefix + path.removeprefix(prefix).partition("/")[0] for path in below})
        page = [
            {"type": "file", "path": path, **repository.entry(path)}
            if path in repository.files
            else {"type": "directory", "path": path, "oid": git_digest(path.encode()), "size": 0}
            for path in below[start : start + TREE_PAGE]
        ]
        headers = {"Content-Type": "application/json"}
        if start + TREE_PAGE < len(below):
            base = self.path.partition("?")[0]
            asked = str(is_recursive).lower()
            headers["Link"] = (
                f'<{self.hub.url}{base}?recursive={asked}&cursor={start + TREE_PAGE}>; rel="next"'
            )
        return self.reply(200, json.dumps(page).encode(), headers)

    def resolve(self, kind: str, name: str, revision: str, path: str) -> None:
        whole = self.opened(kind, name, needs_access=True)
        if whole is None:
            return None
        repository = whole.at(revision)
        if repository is None:
            return self.refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if path not in repository.files:
            return self.refused(404, "EntryNotFound", "Entry not found")
        content, headers = repository.read(path), {"X-Repo-Commit": repository.sha, "Accept-Ranges": "bytes"}
        if repository.is_large(path):
            digest = sha256(content)
            # Another host, as the hub's own storage is: what is sent to the hub must not be sent there.
            away, xet = self.hub.url.replace("127.0.0.1", "localhost"), xet_hash(content)
            token = f"{self.hub.url}/api/{kind}/{name}/xet-read-token/{repository.sha}"
            headers |= {
                "X-Linked-Size": str(len(content)),
                "X-Linked-ETag": f'"{digest}"',
                "X-Xet-Hash": xet,
                "Link": f'<{token}>; rel="xet-auth", <{away}/v1/reconstructions/{xet}>; rel="xet-reconstruction-info"',
                "Location": f"{away}/cdn/{digest}",
            }
            return self.reply(302, b"Found. Redirecting", headers)
        location = f"/api/resolve-cache/{kind}/{name}/{repository.sha}/{path}"
        return self.reply(
            307, b"Temporary Redirect", {**headers, "Location": location, "ETag": f'"{git_digest(content)}"'}
        )

    def small(self, kind: str, name: str, revision: str, path: str, fault: Fault | None) -> None:
        whole = self.opened(kind, name, needs_access=True)
        repository = whole.at(revision) if whole else None
        if repository is not None:
            content = repository.read(path)
            self.send_file(
                content, {"ETag": f'"{git_digest(content)}"', "X-Repo-Commit": repository.sha}, fault
            )

    def large(self, digest: str, fault: Fault | None) -> None:
        for repository in self.hub.repositories.values():
            content = repository.kept(digest)
            if content is not None:
                return self.send_file(content, {"ETag": f'"{digest}"'}, fault)
        return self.reply(403, b"Access Denied")

    def bucket(self, bucket: str, path: str, query: Mapping[str, list[str]], fault: Fault | None) -> None:
        if "list-type" in query:
            return self.listing(bucket, query, fault)
        if path not in self.hub.objects:
            return self.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content = content_of(self.hub.objects[path])
        return self.send_file(content, {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}, fault)

    def listing(self, bucket: str, query: Mapping[str, list[str]], fault: Fault | None) -> None:
        prefix = f"{bucket}/{query.get('prefix', [''])[0]}"
        keys = sorted(key for key in self.hub.objects if key.startswith(prefix))
        start = int(query.get("continuation-token", ["0"])[0])
        entries = "".join(self.entry(key) for key in keys[start : start + TREE_PAGE])
        more = start + TREE_PAGE < len(keys)
        token = f"<NextContinuationToken>{start + TREE_PAGE}</NextContinuationToken>" if more else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><KeyCount>{len(keys)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{entries}</ListBucketResult>"
        )
        self.reply(200, body.encode(), {"Content-Type": "application/xml"}, fault)

    def entry(self, key: str) -> str:
        content = content_of(self.hub.objects[key])
        name = escape(key.partition("/")[2])
        return f"<Contents><Key>{name}</Key><Size>{len(content)}</Size><ETag>&quot;{hashlib.md5(content).hexdigest()}&quot;</ETag></Contents>"


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub, reachable for the time of the block."""
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(ASKS_WHETHER_TO_END_S,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
