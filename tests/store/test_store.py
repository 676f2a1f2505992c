"""The store: made once, whole or not at all, verified when read, clear when the disk refuses."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.store.files import BusyError, disk_errors, held_alone, write_whole
from harness.store.store import Artifact, Ingredient, Recipe, Store
from harness.words.canonical import canonical_json
from harness.words.errors import DamagedArtifactError, MissingArtifactError, StoreError


def recipe(text: str = "one", *ingredients: Ingredient) -> Recipe:
    parameters = canonical_json({"text": text, "number": 0.1})
    return Recipe(stage="stage", item="ml/seed-1", parameters=parameters, ingredients=ingredients)


def write(out: Path) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "a.txt").write_text("a")
    (out / "b.bin").write_bytes(bytes(range(256)))


def refuse(out: Path) -> None:
    raise AssertionError("must not be made again")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def artifact(store: Store) -> Artifact:
    return store.produce(recipe(), write)


def anew(store: Store) -> Store:
    """The store as another process sees it: nothing is verified yet."""
    return Store(store.root)


def test_what_stands_is_not_made_again(store: Store, artifact: Artifact) -> None:
    assert anew(store).produce(recipe(), refuse) == artifact
    assert anew(store).get("stage", recipe().key) == artifact


def test_other_parameters_are_another_artifact(store: Store, artifact: Artifact) -> None:
    other = store.produce(recipe("two"), write)
    assert other.key != artifact.key
    assert other.digest == artifact.digest


def test_the_manifest_holds_everything(artifact: Artifact) -> None:
    content = json.loads((artifact.folder / "artifact.json").read_text())
    assert content["parameters"] == {"text": "one", "number": 0.1}
    assert [file["path"] for file in content["files"]] == ["b.bin", "deep/a.txt"]
    assert (content["key"], content["digest"]) == (artifact.key, artifact.digest)
    assert artifact.size_bytes == 257
    assert artifact.folder.parts[-3:] == ("stage", artifact.key[:2], artifact.key)


def test_what_was_never_made_is_missing(store: Store) -> None:
    with pytest.raises(MissingArtifactError, match="run the stage that makes it"):
        store.get("stage", recipe().key)


DAMAGES = {
    "cut": lambda folder: (folder / "b.bin").write_bytes(bytes(range(255))),
    "edited": lambda folder: (folder / "b.bin").write_bytes(bytes(reversed(range(256)))),
    "gone": lambda folder: (folder / "deep/a.txt").unlink(),
    "one too many": lambda folder: (folder / "c.txt").write_text("c"),
    "manifest gone": lambda folder: (folder / "artifact.json").unlink(),
    "manifest cut": lambda folder: (folder / "artifact.json").write_text("{"),
    "manifest is a list": lambda folder: (folder / "artifact.json").write_text("[]"),
    "parameters edited": lambda folder: edit(folder, '"number": 0.1', '"number": 0.2'),
    "digest of a file edited": lambda folder: edit(folder, '"sha256": "4', '"sha256": "5'),
}


def edit(folder: Path, before: str, after: str) -> None:
    text = (folder / "artifact.json").read_text()
    assert before in text
    (folder / "artifact.json").write_text(text.replace(before, after))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_mended(store: Store, artifact: Artifact, damage: str) -> None:
    DAMAGES[damage](artifact.folder)
    with pytest.raises(DamagedArtifactError, match=r"is damaged: found .*, expected"):
        anew(store).get("stage", artifact.key)
    assert len(anew(store).verify()) == 1
    assert anew(store).produce(recipe(), write) == artifact
    assert anew(store).verify() == ()


def test_damage_is_named_with_what_was_found_and_expected(store: Store, artifact: Artifact) -> None:
    DAMAGES["cut"](artifact.folder)
    with pytest.raises(DamagedArtifactError, match=r"b\.bin is damaged: found 255 bytes, expected 256 bytes"):
        anew(store).get("stage", artifact.key)


def test_an_artifact_on_inputs_that_were_made_anew_is_made_again(store: Store) -> None:
    before = Ingredient(role="phrases", key="k", digest="old")
    after = Ingredient(role="phrases", key="k", digest="new")
    store.produce(recipe("one", before), write)
    made = []
    store.produce(recipe("one", after), lambda out: (made.append(out), write(out))[1])
    assert len(made) == 1


def test_a_crash_in_the_middle_publishes_nothing(store: Store) -> None:
    def crash(out: Path) -> None:
        write(out)
        raise RuntimeError("the sky fell")

    with pytest.raises(RuntimeError, match="the sky fell"):
        store.produce(recipe(), crash)
    assert [path for path in store.root.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    store.produce(recipe(), write)


PROGRAM = """
import os, sys, time
from pathlib import Path
from harness.store.store import Store
from harness.store.store import Recipe
root, how = sys.argv[1:]
def make(out):
    with (Path(root) / "tally").open("a") as tally:
        tally.write("made\\n")
    (out / "half.txt").write_text("half")
    if how == "die":
        os._exit(9)
    time.sleep(0.5)
    (out / "whole.txt").write_text("whole")
Store(Path(root)).produce(Recipe(stage="s", item="i", parameters="{}"), make)
"""


def start(root: Path, how: str) -> subprocess.Popen[bytes]:
    root.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(root), how])


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    both = [start(tmp_path, "slowly") for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert (tmp_path / "tally").read_text() == "made\n"


def test_a_killed_process_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    assert start(tmp_path, "die").wait(timeout=60) == 9
    store = Store(tmp_path)
    assert list(store.list()) == []
    (draft,) = tmp_path.glob("objects/*/*/.*")
    assert store.clean((), remove=False) == (draft,)
    assert start(tmp_path, "slowly").wait(timeout=60) == 0
    (artifact,) = store.list()
    assert [file.path for file in artifact.files] == ["half.txt", "whole.txt"]
    assert store.clean({artifact.key}, remove=True) == ()


def test_clean_keeps_what_is_named(store: Store, artifact: Artifact) -> None:
    other = store.produce(recipe("two"), write)
    assert store.clean({artifact.key}, remove=False) == (other.folder,)
    assert other.folder.exists()
    store.clean({artifact.key}, remove=True)
    assert [kept.key for kept in anew(store).list()] == [artifact.key]


def fill_the_disk(out: Path) -> None:
    write(out)
    with Path("/dev/full").open("w") as full:
        full.write("x")


def test_a_full_disk_is_one_clear_error_and_keeps_what_is_finished(store: Store, artifact: Artifact) -> None:
    with pytest.raises(StoreError, match=r"No space left on device \[ENOSPC\]; free some space") as error:
        store.produce(recipe("two"), fill_the_disk)
    assert error.value.exit_code == 3
    assert anew(store).get("stage", artifact.key) == artifact
    assert not list(store.root.glob("objects/*/*/.*"))


def test_a_full_disk_is_known_by_its_words_too(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="ENOSPC"), disk_errors(tmp_path):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


def test_a_store_that_cannot_be_written_names_path_reason_and_cure() -> None:
    # The kernel's own folder refuses new entries, even to root.
    with pytest.raises(StoreError, match=r"cannot write /sys/store.*\[E[A-Z]+\]; .*--store"):
        Store(Path("/sys/store")).produce(recipe(), write)


def test_a_file_where_the_store_should_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(StoreError, match="a file stands where a folder is needed"):
        Store(tmp_path / "store").produce(recipe(), write)


def test_a_missing_input_of_the_work_is_not_blamed_on_the_disk(store: Store) -> None:
    def read(out: Path) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere/else")

    with pytest.raises(PermissionError):
        store.produce(recipe(), read)


def test_finished_artifacts_are_read_from_a_store_without_write_permission(
    store: Store, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refused)
    assert anew(store).produce(recipe(), refuse) == artifact
    with pytest.raises(StoreError, match="EACCES"):
        anew(store).produce(recipe("two"), write)


def test_work_without_a_file_is_not_published(store: Store) -> None:
    with pytest.raises(StoreError, match="made no file"):
        store.produce(recipe(), lambda out: None)


def test_a_link_is_not_published(store: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x")
    with pytest.raises(StoreError, match="is a link"):
        store.produce(recipe(), lambda out: (out / "link").symlink_to(tmp_path / "elsewhere"))


def test_a_held_lock_names_the_process_that_holds_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from harness.store.files import held_alone\n"
        "with held_alone(Path(sys.argv[1]), 'it'): print('held', flush=True); time.sleep(30)"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "run.lock")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"the run is in use by process {holder.pid}; wait"):
            held_alone(tmp_path / "run.lock", "the run").__enter__()
        holder.kill()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with held_alone(tmp_path / "run.lock", "the run"):
                return
        except BusyError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its process")


def test_a_text_is_replaced_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "file", "one")
    write_whole(tmp_path / "deep" / "file", "two")
    assert [path.read_text() for path in (tmp_path / "deep").iterdir()] == ["two"]
