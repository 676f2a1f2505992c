"""What disks refuse, and how it is told: limits, links, names, locks, folders that cannot be renamed."""

import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.store.files import (
    CURES,
    BusyError,
    disk_errors,
    failure_message,
    held_alone,
    locked,
    publish_folder,
    remove_folder,
    require_folder,
    require_writable,
    sync,
    write_whole,
)
from harness.words.errors import MissingSourceError, StoreError, UsageError

CAN_MOUNT = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no locks, as some in user space and some networks' do not."""

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)


NO_LOCKS = pytest.mark.parametrize(
    "without_locks", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO, errno.EINVAL], indirect=True
)


@NO_LOCKS
@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("is_there", [False, True], ids=["a new folder", "a lock file from before"])
def test_a_file_system_without_locks_is_told_and_nobody_is_accused(tmp_path: Path, *, is_there: bool) -> None:
    path = tmp_path / "run" / "run.lock"
    if is_there:
        path.parent.mkdir()
        path.touch()
        path.with_suffix(".pid").write_text("4711\n")
    for lock in (locked(path), held_alone(path, "the run")):
        with pytest.raises(StoreError, match="knows no locks") as caught:
            lock.__enter__()
        assert str(path.parent) in str(caught.value)
        assert "--store or --out" in str(caught.value)
        assert "process 4711" not in str(caught.value)
        assert not isinstance(caught.value, BusyError)


@pytest.mark.parametrize(
    "left", [b"", b"12", b"\0\0\0\0", b"\xff"], ids=["nothing", "half", "zeros", "no text"]
)
def test_a_torn_name_of_a_holder_is_another_process(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "run.lock"
    with held_alone(path, "the run"):
        path.with_suffix(".pid").write_bytes(left)
        with pytest.raises(BusyError, match=r"in use by (another process|process 12);"):
            held_alone(path, "the run").__enter__()


@pytest.mark.parametrize("number", sorted(CURES))
def test_every_refusal_names_path_reason_and_cure(tmp_path: Path, number: int) -> None:
    with pytest.raises(StoreError) as caught, disk_errors(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'x'}: {os.strerror(number)} [")
    assert "{" not in str(caught.value)
    crashed = OSError(number, os.strerror(number), str(tmp_path / "y"))
    told = failure_message(crashed)
    assert told.startswith(f"cannot use {tmp_path / 'y'}: ")
    assert ", or name" not in told  # what is only read may be a file of the checkout


def test_what_is_no_refusal_of_a_disk_is_told_as_it_is() -> None:
    assert failure_message(PermissionError(errno.EPERM, "Operation not permitted")).startswith(
        "PermissionError: "
    )
    assert failure_message(OSError(errno.EMFILE, "Too many open files")).startswith("cannot use a file: ")
    assert failure_message(ConnectionRefusedError(errno.ECONNREFUSED, "refused")).startswith(
        "ConnectionRefusedError: "
    )
    assert failure_message(UsageError("asked wrongly")) == "asked wrongly"


def test_a_clear_error_is_not_told_again_in_other_words(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(StoreError, match="/there: "), disk_errors(tmp_path), disk_errors(Path("/there")):
        raise full
    with pytest.raises(MissingSourceError), disk_errors(tmp_path):
        raise MissingSourceError("the hub says: No space left on device")


@pytest.mark.parametrize(
    ("variables", "path", "names"),
    [
        pytest.param({}, "store/x", "--store or --out", id="a store"),
        pytest.param({}, "cache/huggingface/hub/x", "HF_HOME", id="the default home"),
        pytest.param({"HF_HOME": "home"}, "home/harness/x", "HF_HOME", id="a home"),
        pytest.param({"HF_HOME": "home"}, "cache/huggingface/harness/x", "HF_HOME", id="what stands in for a home"),
        pytest.param({"HF_HOME": "home", "HF_HUB_CACHE": "hub"}, "hub/x", "HF_HUB_CACHE", id="a cache of its own"),
        pytest.param({"HF_HOME": "home", "HUGGINGFACE_HUB_CACHE": "home/hub"}, "home/hub/x", "HUGGINGFACE_HUB_CACHE", id="inside"),
        pytest.param({"HF_HOME": "home", "HF_HUB_CACHE": "hub"}, "home/x", "HF_HOME", id="beside it"),
    ],
)  # fmt: skip
def test_the_cure_names_what_placed_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], path: str, names: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in variables.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    with pytest.raises(StoreError, match=f"with {names}$"), disk_errors(tmp_path / path):
        raise OSError(errno.EROFS, "Read-only file system")


def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path) -> None:
    def lower() -> None:
        # As a shell starts it: Python itself would rather have the error than the signal.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    path = tmp_path / "large"
    said = told_by("write_whole(path, 'x' * 20_000)", path, preexec_fn=lower)
    assert f"cannot write {path}: File too large [EFBIG]" in said
    assert "ulimit -f" in said
    assert not list(tmp_path.iterdir())


def told_by(program: str, path: Path, *before: str, **more: Any) -> str:
    """The last word of a process of its own."""
    lines = f"import sys; from pathlib import Path; from harness.store.files import *; path = Path(sys.argv[1])\n{program}"
    words = (*before, sys.executable, "-c", lines, str(path))
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    return (done.stdout + done.stderr).splitlines()[-1]


@pytest.mark.skipif(not CAN_MOUNT, reason="this user may not mount")
def test_a_mount_point_is_filled_twice(tmp_path: Path) -> None:
    """As a container's volume is: it cannot be renamed, and where nothing else may be written, neither can a draft."""
    (tmp_path / "out").mkdir()
    before = ("unshare", "-rm", "sh", "-c", f'mount -t tmpfs none {tmp_path}/out && exec "$@"', "sh")
    program = (
        "write = lambda folder: [(folder / name).write_text('x') for name in 'abc']\n"
        "for _ in range(2): publish_folder(path, write, last='a')\n"
        "print(sorted(each.name for each in path.iterdir()), sorted(each.name for each in path.parent.iterdir()))"
    )
    assert told_by(program, tmp_path / "out", *before) == "['a', 'b', 'c'] ['out']"


@pytest.mark.parametrize("what", ["a long name", "a loop", "a dangling link", "a file"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, what: str) -> None:
    place = tmp_path / ("x" * 300 if what == "a long name" else "x")
    match what:
        case "a loop":
            place.symlink_to(tmp_path / "y")
            (tmp_path / "y").symlink_to(place)
        case "a dangling link":
            place.symlink_to(tmp_path / "nowhere")
        case "a file":
            place.touch()
    says = {
        "a long name": "takes no name of this length",
        "a loop": r"links lead in a circle|link that leads nowhere",
        "a dangling link": "is a link that leads nowhere",
        "a file": "a file stands where a folder is needed",
    }
    with pytest.raises(StoreError, match=says[what]):
        write_whole(place / "run" / "x.json", "{}")
    if what != "a long name":
        for asked in (place, place / "below" / "it"):
            with pytest.raises(UsageError, match=r"leads nowhere|is a file"):
                require_folder(asked)


@pytest.mark.parametrize(
    "place", ["/proc/x", "/proc/x/y", "/dev/full/x", "x" * 300], ids=lambda each: each[:9]
)
def test_a_folder_that_takes_no_file_is_refused_with_its_path(tmp_path: Path, place: str) -> None:
    asked = tmp_path / place
    for write in (require_writable, partial(publish_folder, write=fill("new"), last="a")):
        with pytest.raises((StoreError, UsageError, NotADirectoryError)) as caught:
            write(asked)
        assert place.rpartition("/")[0] in failure_message(caught.value)
        assert "Error" not in failure_message(caught.value)
    require_writable(tmp_path / "made" / "here")
    assert list((tmp_path / "made" / "here").iterdir()) == []


def test_a_name_that_is_no_text_is_refused_with_its_byte(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the byte 0xff in its name") as caught:
        require_folder(tmp_path / os.fsdecode(b"caf\xff"))
    str(caught.value).encode("utf-8")
    for name in ("café", "cafe\u0301", "a {b}: #c\n'd' $HOME %s", "-a"):
        require_folder(tmp_path / name)


def test_a_link_to_a_folder_is_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    require_folder(tmp_path / "link")
    publish_folder(tmp_path / "link", fill("new"), last="a")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a").read_text() == "new"


def test_a_folder_that_would_go_with_the_container_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_MOUNTS", f"/proc:{tmp_path}")
    with pytest.raises(
        UsageError, match=rf'goes with the container; .*-v "\$PWD/{tmp_path.name}:{tmp_path}"'
    ):
        require_folder(tmp_path / "fixture-0")
    require_folder(tmp_path.parent)
    require_folder(Path("/proc/fixture-0"))  # mounted, as root sees it everywhere
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreError, match=r"folder of user 0, .* --user 0:0"):
        require_folder(Path("/proc/fixture-0"))


def test_a_file_system_that_cannot_wait_for_its_disk_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    sync(tmp_path)


def test_a_folder_of_an_image_is_removed_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that lies in a lower layer cannot be renamed."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "x").touch()
    remove_folder(tmp_path / "artifact")
    assert not list(tmp_path.iterdir())


def test_of_a_folder_that_is_a_link_the_link_is_removed(tmp_path: Path) -> None:
    (tmp_path / "larger").mkdir()
    (tmp_path / "artifact").symlink_to(tmp_path / "larger")
    remove_folder(tmp_path / "artifact")
    assert list(tmp_path.iterdir()) == [tmp_path / "larger"]


def fill(text: str, fails_at: str = "") -> Any:
    def write(folder: Path) -> str:
        for name in ("a", "b", "c"):
            if name == fails_at:
                raise OSError(errno.ENOSPC, "No space left on device")
            (folder / name).write_text(text)
        return text

    return write


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_is_replaced_file_by_file_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    assert publish_folder(out, fill("one"), last="a") == "one"
    number = out.stat().st_ino
    with pytest.raises(StoreError, match="ENOSPC"):
        publish_folder(out, fill("two", fails_at="c"), last="a")
    assert held(out) == dict.fromkeys("abc", "one")
    publish_folder(out, fill("three"), last="a")
    assert held(out) == dict.fromkeys("abc", "three")
    assert out.stat().st_ino == number
    assert list(out.parent.iterdir()) == [out]


def test_the_file_that_speaks_for_the_others_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_folder(tmp_path, fill("one"), last="b")
    moved, replace = [], Path.replace

    def spy(self: Path, target: Path) -> Path:
        moved.append(self.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    publish_folder(tmp_path, fill("two"), last="b")
    assert moved == ["a", "c", "b"]
