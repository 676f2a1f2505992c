"""Artifacts that are shared: whole or not at all, verified on both ends, and never what may not be passed on."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fsspec.implementations.local import LocalFileSystem
from s3fs import S3FileSystem

from harness.cli import exit_code_of
from harness.exchange.places import HubPlace, Place, place_at
from harness.exchange.sharing import Fate, pull, push
from harness.store.store import Store
from harness.words.errors import StoreError, UsageError
from tests.exchange.sharing import NUMBERS, fates, files_of, made, source


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(f"file://{tmp_path}/place")


def stored(place: Place, folder: str) -> list[Path]:
    """Files of a folder of a place on this disk."""
    return sorted(path for path in Path(place.path(folder)).rglob("*") if path.is_file())


def test_what_is_pushed_is_pulled_to_the_byte_and_neither_twice(
    store: Store, other: Store, anywhere: str
) -> None:
    assert fates(push(store, place_at(anywhere), None)) == [Fate.SENT] * 3
    assert fates(push(store, place_at(anywhere), None)) == [Fate.STANDING] * 3
    files = place_at(anywhere).sizes("files")
    assert len(files) == 3, "three tables, two of one length, and one file that all have"
    assert place_at(anywhere).sizes("drafts") == {}, "no draft is left"
    assert fates(pull(other, place_at(anywhere), None)) == [Fate.TAKEN] * 3
    assert files_of(other) == files_of(store)
    assert fates(pull(Store(other.root), place_at(anywhere), None)) == [Fate.STANDING] * 3
    assert Store(other.root).verify() == ()


def test_only_what_is_meant_is_shared(store: Store, other: Store, anywhere: str) -> None:
    place = place_at(anywhere)
    keys = [each.key for each in store.list()]
    assert fates(push(store, place, {keys[0], keys[1]})) == [Fate.SENT] * 2
    assert fates(pull(other, place, {keys[1], keys[2]})) == [Fate.TAKEN]
    assert [each.key for each in other.list()] == [keys[1]]
    with pytest.raises(UsageError, match="1 of the artifacts that are meant are not in"):
        list(push(store, place, {"0" * 64}))


def test_a_place_that_holds_none_of_what_is_meant_is_an_error(
    store: Store, other: Store, anywhere: str
) -> None:
    with pytest.raises(
        UsageError, match="holds 0 artifacts, none of them among those that are meant; name the place that"
    ):
        list(pull(other, place_at(anywhere), None))
    list(push(store, place_at(anywhere), None))
    with pytest.raises(UsageError, match="holds 3 artifacts, none of them"):
        list(pull(other, place_at(anywhere), {"f" * 64}))


def edit(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


BREAKS = {
    "a file of other bytes": (edit, "found sha256"),
    "a file that is cut": (lambda path: path.write_bytes(b"P"), "found 1 bytes"),
    "a file that is gone": (Path.unlink, "found no such file"),
}


@pytest.mark.parametrize(("spoil", "says"), BREAKS.values(), ids=BREAKS)
def test_what_is_broken_there_is_named_and_nothing_of_it_enters(
    store: Store, other: Store, place: Place, spoil: Callable[[Path], object], says: str
) -> None:
    made(store, "one with a text", says="x", **source("miniature export"))
    list(push(store, place, None))
    (text,) = [path for path in stored(place, "files") if b"held_out" in path.read_bytes()]
    spoil(text)
    (refused,) = [each for each in pull(other, place, None) if each.fate is Fate.REFUSED]
    assert f"{place.url}/records/stage/{refused.key}.json is broken (texts.parquet: {says}" in refused.why
    assert sorted(each.recipe.item for each in other.list()) == sorted(NUMBERS)
    assert list(other.root.glob("objects/*/*/.*")) == []


def test_a_record_that_leads_elsewhere_or_lies_about_itself_is_refused(
    store: Store, other: Store, place: Place, tmp_path: Path
) -> None:
    list(push(store, place, None))
    first, second, third = stored(place, "records")
    content = json.loads(first.read_text())
    content["files"][0]["path"] = "../../../../../escaped.txt"
    first.write_text(json.dumps(content))
    second.write_text(second.read_text().replace('"stage": "stage"', '"stage": "another"'))
    third.write_text("{")
    found = list(pull(other, place, None))
    assert [each.fate for each in found] == [Fate.REFUSED] * 3
    assert files_of(other) == {}
    assert list(tmp_path.rglob("escaped.txt")) == []


def test_another_of_the_same_name_is_neither_replaced_nor_mixed(
    store: Store, other: Store, anywhere: str
) -> None:
    place = place_at(anywhere)
    twin = made(other, "one", says="")
    edited = other.folder("stage", twin.key)
    other.discard("stage", twin.key)
    other.produce(twin.recipe, lambda out: (out / "result.json").write_text("[1]") and None)
    assert edited.is_dir()
    list(push(store, place, None))
    assert fates(push(other, place, None)) == [Fate.OTHER]
    assert sorted(fates(pull(other, place, None))) == [Fate.OTHER, Fate.TAKEN, Fate.TAKEN]
    assert (edited / "result.json").read_text() == "[1]"


def test_a_damaged_artifact_is_not_sent_and_the_others_are(store: Store, anywhere: str) -> None:
    place = place_at(anywhere)
    broken = next(store.list())
    (broken.folder / "deep" / "same.json").write_text("[]")
    found = list(push(Store(store.root), place, None))
    assert sorted(each.fate for each in found) == [Fate.REFUSED, Fate.SENT, Fate.SENT]
    assert [each.key for each in found if each.fate is Fate.REFUSED] == [broken.key]
    assert len(place_at(anywhere).sizes("records")) == 2


SLOW = """
import sys, time
from pathlib import Path
from fsspec.implementations.local import LocalFileSystem
from harness.cli import exit_code_of
mv = LocalFileSystem.mv
def slowly(self, draft, path, **rest):
    Path(sys.argv[1]).touch()
    time.sleep(float(sys.argv[2]))
    mv(self, draft, path, **rest)
LocalFileSystem.mv = slowly
sys.exit(exit_code_of(["store", "push", sys.argv[3], "--store", sys.argv[4]]))
"""


def pushing(place: Place, store: Store, mark: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A push in a process of its own, in which every file takes its time."""
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(mark), str(seconds), place.url, str(store.root)],
        stdout=subprocess.DEVNULL,
    )


def test_a_killed_push_leaves_nothing_that_is_taken_and_the_next_one_goes_on(
    store: Store, other: Store, place: Place, tmp_path: Path
) -> None:
    first = pushing(place, store, tmp_path / "begun", 0.4)
    while len(stored(place, "records")) < 1 or len(stored(place, "files")) < 3:
        assert first.poll() is None
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert len(stored(place, "drafts")) >= 1, "killed between writing and publishing"
    published = len(stored(place, "records"))
    assert published < 3
    assert fates(pull(other, place, None)) == [Fate.TAKEN] * published
    assert Store(other.root).verify() == ()
    before = {path: path.stat().st_mtime_ns for path in stored(place, "files")}
    assert sorted(fates(push(store, place, None))) == sorted(
        [Fate.STANDING] * published + [Fate.SENT] * (3 - published)
    )
    after = {path: path.stat().st_mtime_ns for path in stored(place, "files")}
    assert before.items() <= after.items(), "what was there whole is not sent again"
    assert fates(pull(other, place, None)).count(Fate.TAKEN) == 3 - published


def test_two_pushes_at_once_leave_every_artifact_whole(
    store: Store, other: Store, place: Place, tmp_path: Path
) -> None:
    both = [pushing(place, store, tmp_path / f"begun-{number}", 0.05) for number in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert fates(pull(other, place, None)) == [Fate.TAKEN] * 3
    assert files_of(other) == files_of(store)


@pytest.mark.parametrize("anywhere", ["bucket", "dataset"], indirect=True)
def test_a_pull_beside_a_push_takes_only_what_is_whole(
    store: Store, other: Store, anywhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HubPlace, "files_at_once", 9)
    list(push(store, place_at(anywhere), None))
    for number in range(20):
        made(store, f"more {number}")
    sender = threading.Thread(target=lambda: list(push(store, place_at(anywhere), None)))
    sender.start()
    while sender.is_alive():
        assert Fate.REFUSED not in fates(pull(other, place_at(anywhere), None))
    assert len(fates(pull(other, place_at(anywhere), None))) == 23
    assert Store(other.root).verify() == ()


@pytest.fixture
def licensed(store: Store) -> Store:
    """A store with texts of a free source, of one that says nothing, and of one behind a gate."""
    made(store, "free", says="x", **source("miniature export"))
    closed = made(store, "phrases", says="y", **source("neuronpedia export"))
    made(store, "translations", closed, says="z", **source("opus-mt-en-es"))
    made(store, "activations", closed)
    made(store, "gated", says="g", **source("flores_plus"))
    made(store, "stranger", says="s", **source("nobody's"))
    return store


def test_texts_that_may_not_be_passed_on_are_left_out_and_told(licensed: Store, place: Place) -> None:
    found = {each.item: each for each in push(licensed, place, None)}
    withheld = {item for item, each in found.items() if each.fate is Fate.WITHHELD}
    assert withheld == {"phrases", "translations", "gated", "stranger"}
    closed = "it holds texts or weights of neuronpedia export, whose licence is not stated"
    assert found["phrases"].why.startswith(closed)
    assert found["translations"].why.startswith(closed), "a translation is the text's, whoever translates"
    assert found["gated"].why.endswith("whose licence is gated")
    assert found["stranger"].why.endswith("whose licence is unknown here")
    assert len(stored(place, "records")) == 5
    sent = fates(push(licensed, place, None, with_texts=True))
    assert sent.count(Fate.SENT) == 4, "to a place that nobody else reads"


def test_a_part_that_is_gone_says_nothing_about_its_licence(licensed: Store, place: Place) -> None:
    (phrases,) = [each for each in licensed.list() if each.recipe.item == "phrases"]
    licensed.discard("stage", phrases.key)
    found = {each.item: each for each in push(licensed, place, None)}
    assert "which is not in the store, whose licence is unknown here" in found["translations"].why


def test_no_room_there_or_here_is_one_error(
    store: Store, other: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(LocalFileSystem, "put_file", full)
        with pytest.raises(StoreError, match="place: there is no room"):
            list(push(store, place, None))
    assert stored(place, "records") == []
    list(push(store, place, None))
    with monkeypatch.context() as broken:
        broken.setattr(LocalFileSystem, "get_file", full)
        with pytest.raises(StoreError, match=r"cannot write .*other.*free some space"):
            list(pull(other, place, None))
    assert files_of(other) == {}


def command(*words: str) -> int:
    return exit_code_of(["store", *words])


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_a_place_of_an_unknown_kind_or_without_its_extra_is_4(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    assert command(verb, "abc://x", "--store", str(store.root)) == 4
    assert "error: abc://x: no place of this kind is known" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    assert command(verb, "s3://shelf/lab", "--store", str(store.root)) == 4
    said = capsys.readouterr().err
    assert (said.count("\n"), "install 'replication-harness[s3]'" in said) == (1, True)


def test_no_bucket_no_right_and_no_credentials_are_3(
    store: Store, bucket: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("push", "s3://nowhere/lab", "--store", str(store.root)) == 3
    assert "error: s3://nowhere/lab: it is not there (" in capsys.readouterr().err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    S3FileSystem.clear_instance_cache()
    assert command("push", bucket, "--store", str(store.root)) == 3
    assert "it may not be used (NoCredentialsError" in capsys.readouterr().err


def test_the_commands_tell_and_count(
    store: Store, other: Store, place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("push", place.url, "--store", str(store.root)) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[:3] for line in lines) == [["sent", "stage", name] for name in sorted(NUMBERS)]
    assert last == "3 sent (0.0 MB)"
    assert command("pull", place.url, "--store", str(other.root), "--json") == 0
    assert {each["fate"] for each in json.loads(capsys.readouterr().out)} == {"taken"}
    edit(stored(place, "files")[0])
    assert command("pull", place.url, "--store", str(tmp_path / "third")) == 3
    assert "is broken (" in capsys.readouterr().err
    assert command("push", place.url, "--store", str(tmp_path / "nowhere")) == 4
    assert command("push", place.url, "--store", str(store.root), "--run", str(tmp_path)) == 4
    assert "names no artifact" in capsys.readouterr().err
    assert command("push", place.url, "--run", "r", "--study", "sin2025") == 4
    assert "say one of them" in capsys.readouterr().err


def test_a_run_or_a_plan_chooses(
    store: Store,
    place: Place,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    first = next(store.list())
    index = tmp_path / "run" / "stages" / "stage.json"
    index.parent.mkdir(parents=True)
    line = {"stage": "stage", "item": "one", "key": first.key, "digest": first.digest, "size_bytes": 1}
    index.write_text(json.dumps({"stage": "stage", "items": [line]}))
    assert command("push", place.url, "--store", str(store.root), "--run", str(tmp_path / "run")) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 sent")
    monkeypatch.setattr("harness.run.artifacts.Recipes", lambda **_: SimpleNamespace(key=lambda _: first.key))
    assert (
        command("push", place.url, "--store", str(store.root), "--profile", "fixture", "--device", "cpu") == 0
    )
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 there")
