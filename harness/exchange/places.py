"""Places that artifacts are shared at: folders of any file system that fsspec knows, and of a dataset repository of the model hub.

Whatever is published at a place is there whole or not at all, and what is named last is there last.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

from harness.sources.http import (
    Answer,
    Setback,
    causes,
    expect_connection,
    is_offline,
    is_passing,
    patiently,
    silence_of,
    when_to_return,
)
from harness.sources.hub import TALKERS, has_token, setback, transport_error
from harness.sources.pins import HUB, XET_SWITCH
from harness.store.environment import address_in
from harness.store.files import FULL
from harness.words.errors import HarnessError, StoreError, UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

RECORDS, FILES, DRAFTS = "records", "files", "drafts"

AGAIN = "start again: what is there is not sent anew"

DATASET = re.compile(
    r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>refs/(?:pr|convert)/[\w.-]+|[\w.%-]+))?(?P<folder>(?:/[\w.+=-]+)*)/*"
)
"""How a folder of a dataset repository is called, as the hub's own client calls it."""

COMMIT = re.compile(r"[0-9a-f]{40}")

DOWNLOADS_AT_ONCE = 8

TRIES_BESIDE_OTHERS = 20
"""How often a commit is made anew because somebody else's came first."""


def place_at(url: str) -> "Place":
    """The place of an address; nothing is asked yet.

    Raises:
        UsageError: If the address names a part of the hub that nothing is shared through.
    """
    return HubPlace(url) if url.startswith("hf:") else Place(url)


@dataclass(frozen=True)
class Place:
    """A folder of some file system, and what is found there."""

    url: str

    files_at_once: ClassVar[int] = 1
    """How many files are worth being published together."""
    bytes_at_once: ClassVar[int] = 1

    @cached_property
    def _found(self) -> tuple["AbstractFileSystem", str]:
        """Its file system, and its root there.

        Raises:
            UsageError: If nothing is known of such an address, or what it takes is not installed.
        """
        import fsspec

        kind = self.url.partition("://")[0] if "://" in self.url else "file"
        # A disk has folders that have to be made; the others make what they need.
        options = {"auto_mkdir": True} if kind in {"file", "local"} else {}
        try:
            files, root = fsspec.url_to_fs(self.url, **options)
        except ImportError as error:
            cure = "install 'replication-harness[s3]'" if kind in {"s3", "s3a"} else "install what it names"
            raise UsageError(
                f"{self.url}: a place of this kind takes another package ({error}); {cure}"
            ) from error
        except ValueError as error:
            raise UsageError(
                f"{self.url}: no place of this kind is known ({error}); name a folder, file://FOLDER, s3://BUCKET/FOLDER, "
                "hf://datasets/OWNER/NAME or another address of fsspec"
            ) from error
        return files, root.rstrip("/")

    @property
    def files(self) -> "AbstractFileSystem":
        """The file system that it lies in."""
        return self._found[0]

    @property
    def root(self) -> str:
        """Where it lies in that."""
        return self._found[1]

    def path(self, *names: str) -> str:
        """Where something lies in it."""
        return "/".join((self.root, *names))

    def refresh(self) -> None:
        """Forget what was seen of it before."""
        self.files.invalidate_cache()

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Every file below one of its folders, by its path from there, with its bytes."""
        start = self.path(folder)
        found = self.asked(lambda: self.files.find(start, detail=True))
        return {path.removeprefix(start).strip("/"): int(entry["size"]) for path, entry in found.items()}

    def read(self, *names: str) -> bytes:
        """A small file of it."""
        return self.asked(lambda: bytes(self.files.cat_file(self.path(*names))))

    def holds(self, name: str, content: bytes) -> bool:
        """True where a file that is there has just this content."""
        return self.read(name) == content

    def publish(self, files: Mapping[str, Path], records: Mapping[str, Path]) -> Collection[str]:
        """Put files there, by the names that they are to have, and then the records that name them.

        Each is written below `drafts/` first: what a killed push leaves is in no record, so that nobody takes it.

        Returns:
            Names of records that somebody else put there first, which stay as they are.
        """
        self._put(files)
        self._put(records)
        return ()

    def _put(self, paths: Mapping[str, Path]) -> None:
        drafts = {name: self.path(DRAFTS, uuid4().hex) for name in paths}

        def put() -> None:
            self.files.put([str(path) for path in paths.values()], list(drafts.values()))
            for name, draft in drafts.items():
                self.files.mv(draft, self.path(name))

        if paths:
            self.asked(put)

    def get(self, paths: Mapping[str, Path]) -> None:
        """Fetch files of it, by name."""
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        remote, local = [self.path(name) for name in paths], [str(path) for path in paths.values()]
        self.asked(lambda: self.files.get(remote, local), fills_disk=True)

    def asked(self, ask: Callable[[], Answer], *, fills_disk: bool = False) -> Answer:
        """What a file system answers, and what it refuses as one clear error.

        Args:
            ask: Asks it.
            fills_disk: True where room is needed on this machine, whose own words are told by the store.

        Raises:
            StoreError: If it cannot be reached, may not be used, or has no room.
        """
        try:
            return ask()
        except HarnessError:
            raise
        except Exception as error:
            if fills_disk and isinstance(error, OSError) and error.errno in FULL:
                raise
            # Clients raise what they like.
            raise StoreError(f"{self.url}: {self.refusal(error)}") from error

    def refusal(self, error: BaseException) -> str:
        """What kept it from doing what it was asked, and what helps."""
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and error.errno in FULL:
            return f"there is no room ({said}); free some, then start again: what is there stays"
        if isinstance(error, PermissionError) or "credentials" in said.lower():
            return (
                f"it may not be used ({said}); give credentials as its client takes them (AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, AWS_PROFILE), or ask its owner"
            )
        if isinstance(error, FileNotFoundError):
            return f"it is not there ({said}); make the bucket or folder, or correct the address"
        return f"it could not be used ({said}); {AGAIN}"


@dataclass(frozen=True)
class HubPlace(Place):
    """A folder of a dataset repository of the hub, seen at one commit; what is published together is one commit."""

    _digests: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Of every file that was listed, by its path: git's of a small one, SHA-256 of a large one."""
    _heads: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    """Commits that the branch was seen at; the last one is read, and the next is made upon it."""

    # The hub counts commits, and wants some hundred files in one.
    files_at_once: ClassVar[int] = 200
    bytes_at_once: ClassVar[int] = 2_000_000_000

    @cached_property
    def _named(self) -> tuple[str, str, str]:
        """Repository, branch, and folder in it.

        Raises:
            UsageError: If the address is no folder of a dataset repository.
        """
        found = DATASET.fullmatch(self.url)
        if found is None or {".", ".."}.intersection(found["folder"].split("/")):
            raise UsageError(
                f"{self.url}: on the hub, artifacts are shared in a dataset repository; name one, and a folder in it, as "
                "hf://datasets/OWNER/NAME[@BRANCH][/FOLDER]"
            )
        return found["name"], (found["revision"] or "main").replace("%2F", "/"), found["folder"].strip("/")

    @cached_property
    def endpoint(self) -> str:
        """Address of the hub."""
        return address_in("HF_ENDPOINT", HUB)

    @cached_property
    def page(self) -> str:
        """Where a person would look at the repository."""
        return f"{self.endpoint}/datasets/{self._named[0]}"

    @cached_property
    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # a lazy name

        disable_progress_bars()
        for name in TALKERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        return HfApi(endpoint=self.endpoint)

    @cached_property
    def files(self) -> "AbstractFileSystem":
        """The hub as a file system, for reading."""
        from huggingface_hub import HfFileSystem

        return HfFileSystem(endpoint=self.endpoint, skip_instance_cache=True)

    @property
    def root(self) -> str:
        """The folder at the commit that was seen last."""
        name, _, folder = self._named
        if not self._heads:
            self.refresh()
        return f"datasets/{name}@{self._heads[-1]}/{folder}".rstrip("/")

    def refresh(self) -> None:
        """Look which commit the branch is at."""
        name, branch, _ = self._named
        seen = self.asked(lambda: self._api.repo_info(name, repo_type="dataset", revision=branch))
        self._heads.append(str(seen.sha))

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Every file below one of its folders, by its path from there, with its bytes; their digests are kept."""
        start = self.path(folder)
        found = self.asked(lambda: self.files.find(start, detail=True))
        sizes = {}
        for path, entry in found.items():
            name = path.removeprefix(start).strip("/")
            sizes[name] = int(entry["size"])
            self._digests[f"{folder}/{name}"] = entry["lfs"].sha256 if entry["lfs"] else entry["blob_id"]
        return sizes

    def holds(self, name: str, content: bytes) -> bool:
        """True where a file that was listed has just this content; nothing is fetched."""
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        return self._digests.get(name) in {git, hashlib.sha256(content).hexdigest()}

    def publish(self, files: Mapping[str, Path], records: Mapping[str, Path]) -> Collection[str]:
        """Put files there and the records that name them, all in one commit upon the one that was seen.

        Where somebody else's commit came first, what it holds is looked at, and what it lacks is committed upon it.

        Returns:
            Names of records that somebody else put there first, which stay as they are.

        Raises:
            UsageError: If the address names a commit, which nothing can be added to.
            StoreError: If the hub refuses.
        """
        branch = self._named[1]
        if COMMIT.fullmatch(branch):
            raise UsageError(
                f"{self.url}: {branch[:12]} is a commit, and stays as it is; name a branch to push to"
            )
        if not has_token():
            raise StoreError(
                f"{self.url}: pushing takes a token that may write, and none is set; {self._new_token()}"
            )
        waiting = dict(records)
        for _ in range(TRIES_BESIDE_OTHERS):
            if not waiting or self._committed({**files, **waiting}):
                return records.keys() - waiting.keys()
            self.refresh()
            there = self.sizes(RECORDS)
            waiting = {
                name: path for name, path in waiting.items() if name.removeprefix(f"{RECORDS}/") not in there
            }
        raise StoreError(
            f"{self.url}: of {TRIES_BESIDE_OTHERS} commits each came after somebody else's; start again when fewer push there"
        )

    def _committed(self, paths: Mapping[str, Path]) -> bool:
        """Add files by one commit; false where the branch is no longer at the commit that was seen."""
        from huggingface_hub import CommitOperationAdd
        from huggingface_hub.errors import HfHubHTTPError

        name, branch, folder = self._named

        def commit() -> str | None:
            # Made anew each time: of a commit whose answer was lost, nothing is left to do.
            added = [
                CommitOperationAdd("/".join(filter(None, (folder, each))), str(path))
                for each, path in paths.items()
            ]
            try:
                return self._api.create_commit(
                    name,
                    added,
                    commit_message=f"Share artifacts: {len(added)} files",
                    repo_type="dataset",
                    revision=branch,
                    parent_commit=self._heads[-1],
                ).oid
            except HfHubHTTPError as error:
                if error.response.status_code in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}:
                    return None
                raise

        made = self.asked(commit)
        if made:
            self._heads.append(made)
        return made is not None

    def get(self, paths: Mapping[str, Path]) -> None:
        """Fetch files of it, by name, several at once."""

        def fetch(name: str, path: Path) -> None:
            self.asked(lambda: self.files.get_file(self.path(name), str(path)), fills_disk=True)

        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            for _ in pool.map(fetch, paths, paths.values()):
                pass

    def asked(self, ask: Callable[[], Answer], *, fills_disk: bool = False) -> Answer:
        """What the hub answers, asked patiently, and what it refuses as one clear error.

        Raises:
            StoreError: If it cannot be reached, may not be used, or has no room.
            SettingError: If the environment is such that it cannot be asked.
        """
        expect_connection()
        has_token()
        return super().asked(lambda: patiently(self.endpoint, ask, _setback), fills_disk=fills_disk)

    def refusal(self, error: BaseException) -> str:
        """What the hub refuses, and what helps."""
        from huggingface_hub.errors import HfHubHTTPError

        reason = _reason(error)
        return self._answered(reason) if isinstance(reason, HfHubHTTPError) else self._unanswered(reason)

    def _unanswered(self, error: BaseException) -> str:
        from huggingface_hub import constants, errors

        if is_offline():
            return f"HF_HUB_OFFLINE forbids to ask {self.endpoint}; unset it"
        if isinstance(error, errors.HFValidationError):
            return f"the hub knows no such name ({error}); correct the address"
        if isinstance(error, (ConnectionError, TimeoutError, transport_error())):
            return f"no network ({silence_of(self.endpoint, error)}); connect this machine and {AGAIN}"
        if isinstance(error, RuntimeError) and not constants.HF_HUB_DISABLE_XET:
            return f"Xet storage, which {XET_SWITCH} lets the hub's client use, fails ({error}); set {XET_SWITCH}=1 and {AGAIN}"
        return super().refusal(error)

    def _answered(self, answer: "HfHubHTTPError") -> str:
        from huggingface_hub import errors

        status = answer.response.status_code
        said = (answer.server_message or str(answer)).strip().partition("\n")[0]
        if is_passing(status):
            return f"the hub answers {status} over and over; {when_to_return(answer.response.headers)}, then {AGAIN}"
        if isinstance(
            answer, (errors.GatedRepoError, errors.RevisionNotFoundError, errors.RepositoryNotFoundError)
        ):
            return self._hidden(answer)
        if status == HTTPStatus.UNAUTHORIZED:
            return f"the hub does not accept the token that is set; {self._new_token()}"
        if status == HTTPStatus.FORBIDDEN:
            return f"it may not be used ({said}); {self._right()}"
        return f"the hub refuses with {status} ({said}); see {self.page}, then {AGAIN}"

    def _hidden(self, answer: "HfHubHTTPError") -> str:
        """What helps where nothing is shown of a repository, or of a branch."""
        from huggingface_hub import errors

        if isinstance(answer, errors.RevisionNotFoundError):
            return f"{self.page} has no branch {self._named[1]}; make it there, or correct the address"
        if isinstance(answer, errors.GatedRepoError):
            found = "the token that is set is not let in" if has_token() else "no token is set"
            return f"it is gated, and {found}; accept its terms at {self.page}, then set HF_TOKEN to a token of the same account"
        found = (
            "none that the token may see"
            if has_token()
            else "it wants a token, and none is set; set HF_TOKEN"
        )
        return f"there is no such dataset, or {found}; make it at {self.endpoint}/new-dataset, or correct the address"

    def _new_token(self) -> str:
        return f"set HF_TOKEN to one from {self.endpoint}/settings/tokens"

    def _right(self) -> str:
        """What helps where a token is known and may not do what was asked."""
        from huggingface_hub.errors import HfHubHTTPError

        try:
            account = self._api.whoami()
            owner, role = str(account["name"]), account["auth"]["accessToken"]["role"]
        except (HfHubHTTPError, ConnectionError, TimeoutError, transport_error(), LookupError):
            # A question beside the one that was refused, which is what has to be told.
            return f"give the token that is set the right to write there, or {self._new_token()}"
        if role != "write":
            return f"the token that is set has no right to write there: {self._new_token()} that has"
        if owner == self._named[0].partition("/")[0]:
            return f"see {self.page}, then {AGAIN}"
        return f"the token of {owner} has no right to write there: ask its owner, or name a repository of {owner}"


def _reason(error: BaseException) -> BaseException:
    """What was the matter: of a file that is not taken, the client tells it by its error's cause alone."""
    from huggingface_hub.errors import HfHubHTTPError

    kinds = (HfHubHTTPError, ConnectionError, TimeoutError, transport_error())
    plain = error.__cause__ if isinstance(error, RuntimeError) else None
    return next((each for each in causes(error) if isinstance(each, kinds)), plain or error)


def _setback(error: BaseException) -> Setback | None:
    return setback(_reason(error))
