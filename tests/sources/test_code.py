"""Files of a commit of a repository of code: listed by one question, fetched raw, held to git's digests, and every fault one error."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sources import pins
from harness.sources.pins import ChangedSourceError, locate, record_path, revision_of
from harness.words.errors import MissingSourceError, UsageError
from harness.words.study import Home, Pin
from tests.hub.code import offer
from tests.hub.server import Fault, Hub, serving

COMMIT = hashlib.sha1(b"commit").hexdigest()
FILES = {
    "docs/data/10/0.json": b'{"a": 1}\n',
    "docs/data/10/1.json": b"{}" * 5_000,
    "docs/data/100/0.json": b"[]",
    "train.py": b"print()\n",
}
PIN = Pin(
    name="demonstration", home=Home.CODE, address="https://code.example/group/name", revision=COMMIT,
    files=("docs/data/10/*.json",), licence="none",
)  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub()) as running:
        offer(running, PIN, FILES)
        running.lead(monkeypatch, tmp_path / "home")
        for cached in (pins.locate, pins.revision_of):
            cached.cache_clear()
        yield running


def test_only_the_files_that_are_asked_for_are_fetched_and_a_second_time_none(hub: Hub) -> None:
    folder = locate(PIN)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {name: FILES[name] for name in ("docs/data/10/0.json", "docs/data/10/1.json")}
    assert revision_of(PIN) == COMMIT
    assert len(hub.paths("/git/trees/")) == 1
    assert hub.unknown == []
    before = len(hub.asked)
    pins.locate.cache_clear()
    assert locate(PIN) == folder
    assert len(hub.asked) == before


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/raw/", kind="cut", times=2), id="files are cut"),
        pytest.param(Fault(path="/git/trees/", kind="status", status=503), id="the host is down"),
        pytest.param(Fault(path="/git/trees/", kind="cut"), id="the listing is cut"),
        pytest.param(Fault(path="/raw/", kind="status", status=429), id="fewer questions are wanted"),
    ],
)
def test_what_passes_is_waited_for(hub: Hub, fault: Fault) -> None:
    hub.faults.append(fault)
    assert (locate(PIN) / "docs/data/10/1.json").read_bytes() == FILES["docs/data/10/1.json"]
    assert fault.times == 0


def test_a_file_that_is_another_one_than_git_says_is_refused(hub: Hub) -> None:
    hub.pages[f"/group/name/raw/{COMMIT}/docs/data/10/0.json"] = b'{"a": 2}\n'
    with pytest.raises(ChangedSourceError, match=r"docs/data/10/0\.json of demonstration came with"):
        locate(PIN)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        pytest.param(b"<html>log in</html>", "cannot be read", id="a page"),
        pytest.param(b"[]", "cannot be read", id="a list"),
        pytest.param(b'{"tree": [], "truncated": true}', "does not list all", id="cut short"),
        pytest.param(b'{"tree": [{"type": "blob", "path": "a"}], "truncated": false}', "does not list all", id="no digest"),
        pytest.param(b'{"tree": [], "truncated": false}', "holds none of the files", id="nothing"),
    ],
)  # fmt: skip
def test_a_listing_of_which_nothing_can_be_made_is_one_error(hub: Hub, told: bytes, says: str) -> None:
    hub.pages[f"/api/v3/repos/group/name/git/trees/{COMMIT}"] = told
    with pytest.raises(MissingSourceError, match=says):
        locate(PIN)


def test_a_commit_that_is_gone_is_named_with_what_to_do(hub: Hub) -> None:
    gone = replace(PIN, revision="0" * 40)
    with pytest.raises(MissingSourceError, match=r"answers 404 to .*; if it has moved, correct its address"):
        locate(gone)
    assert not record_path(gone).exists()


@pytest.mark.usefixtures("hub")
def test_a_repository_of_code_is_pinned_to_a_commit() -> None:
    with pytest.raises(UsageError, match="has no revision; a repository of code is pinned to a whole commit"):
        locate(replace(PIN, revision=None))
