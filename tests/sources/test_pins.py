"""The door to outside files: folders with their certificates, and what is known of the rest without asking anybody."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from harness.sources import pins
from harness.sources.pins import (
    CERTIFICATE,
    ChangedSourceError,
    ForeignFileError,
    Seen,
    SeenFile,
    endpoint_of,
    first_use,
    known_revision,
    known_revision_or_unpinned,
    listing_digest,
    locate,
    record,
    record_path,
    recorded,
    revision_of,
    what_is_there,
)
from harness.words.errors import MissingSourceError
from harness.words.study import Home, Pin
from tests.worlds import World

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOOSE = Pin(name="loose", home=Home.HUB_MODEL, address="someone/loose", licence="Apache-2.0")
PINNED = Pin(
    name="pinned", home=Home.HUB_MODEL, address="someone/pinned", revision=COMMIT, licence="Apache-2.0"
)
BUCKET = Pin(name="export", home=Home.BUCKET, address="https://b.example/v1/m", files=("0/",), licence="none")
FILES = (SeenFile(path="config.json", size_bytes=2, digest="git:" + "a" * 40),)
SEEN = Seen(revision=COMMIT, files=FILES)


@pytest.fixture(autouse=True)
def _nothing_used_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    locate.cache_clear()
    revision_of.cache_clear()


def test_a_folder_is_known_by_its_bytes(world: World) -> None:
    assert known_revision(world.model) == revision_of(world.model)
    assert len(revision_of(world.model)) == 64


@pytest.mark.parametrize("pin", [LOOSE, PINNED, BUCKET], ids=str)
def test_what_was_never_used_is_not_known(pin: Pin) -> None:
    with pytest.raises(MissingSourceError, match="never used on this machine"):
        known_revision(pin)


def test_a_report_of_a_run_that_could_not_begin_names_what_is_pinned() -> None:
    assert [known_revision_or_unpinned(pin) for pin in (LOOSE, PINNED)] == ["unpinned", COMMIT]


def test_without_network_nothing_unused_has_a_revision() -> None:
    """The tests run with the hub's own offline switch on."""
    with pytest.raises(MissingSourceError, match=r"HF_HUB_OFFLINE=1 forbids to ask .*; unset HF_HUB_OFFLINE"):
        revision_of(LOOSE)


def test_a_recorded_first_use_asks_nobody() -> None:
    record(LOOSE, SEEN)
    assert (known_revision(LOOSE), revision_of(LOOSE), first_use(LOOSE)) == (COMMIT, COMMIT, SEEN)


def test_the_first_record_stands() -> None:
    record(LOOSE, SEEN)
    assert record(LOOSE, SEEN) == SEEN
    with pytest.raises(ChangedSourceError, match=r"revision, 0123456789.* before and ffff"):
        record(LOOSE, Seen(revision="f" * 40, files=FILES))


def test_a_file_that_differs_is_named() -> None:
    record(LOOSE, SEEN)
    other = SeenFile(path="config.json", size_bytes=2, digest="git:" + "b" * 40)
    with pytest.raises(ChangedSourceError, match=r"file config\.json \(git:aaa.* before, git:bbb.* now\)"):
        record(LOOSE, Seen(revision=COMMIT, files=(other,)))


def test_a_record_of_another_commit_than_the_pinned_one_is_refused() -> None:
    record(PINNED, Seen(revision=COMMIT, files=FILES))
    path = record_path(PINNED)
    path.write_text(path.read_text().replace(COMMIT, "e" * 40))
    with pytest.raises(ChangedSourceError, match="is pinned to 0123"):
        recorded(PINNED)


def test_a_broken_record_says_which_file_to_remove() -> None:
    path = record_path(LOOSE)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"revision": COMMIT}))
    with pytest.raises(ChangedSourceError, match=r"cannot be read .*remove .*someone_loose.*\.json"):
        recorded(LOOSE)


@pytest.mark.parametrize(
    ("pin", "variable", "endpoint"),
    [
        pytest.param(LOOSE, None, "https://huggingface.co", id="the hub"),
        pytest.param(LOOSE, "HF_ENDPOINT", "http://127.0.0.1:1", id="a mirror"),
        pytest.param(BUCKET, None, "https://b.example", id="the bucket's host"),
        pytest.param(BUCKET, "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", id="another object store"),
    ],
)
def test_every_endpoint_has_records_of_its_own(
    monkeypatch: pytest.MonkeyPatch, pin: Pin, variable: str | None, endpoint: str
) -> None:
    if variable:
        monkeypatch.setenv(variable, "http://127.0.0.1:1/")
    assert endpoint_of(pin) == endpoint
    assert record_path(pin).parent.name == endpoint.partition("://")[2].replace(":", "_")


def test_a_listing_is_known_by_names_sizes_and_digests_in_any_order() -> None:
    files = [SeenFile(path=path, size_bytes=1, digest="etag:x") for path in ("a", "b")]
    assert listing_digest(files) == listing_digest(files[::-1])
    assert listing_digest(files) != listing_digest(files[:1])


def pin(folder: Path) -> Pin:
    return Pin(name="a folder", home=Home.FOLDER, address=str(folder), licence="none")


@pytest.fixture(autouse=True)
def _forget_revisions() -> None:
    pins.revision_of.cache_clear()


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """Two data sets under one certificate, as the benchmarks have."""
    texts = {"m_arc/en.jsonl": "{}", "m_mmlu/en.jsonl": "[]"}
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    files = {path: sha256(text.encode()).hexdigest() for path, text in texts.items()}
    (tmp_path / CERTIFICATE).write_text(json.dumps({"files": files}))
    return tmp_path


def test_a_folder_as_it_was_made_has_a_revision(group: Path) -> None:
    assert len(pins.revision_of(pin(group))) == 64


def test_a_folder_below_a_certificate_answers_for_its_own_files_only(group: Path) -> None:
    (group / "m_mmlu/en.jsonl").write_text("changed")
    assert len(pins.revision_of(pin(group / "m_arc"))) == 64
    with pytest.raises(ForeignFileError, match=r"m_mmlu/en\.jsonl has digest"):
        pins.revision_of(pin(group / "m_mmlu"))


def test_a_folder_without_a_certificate_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "anything").write_text("x")
    assert len(pins.revision_of(pin(tmp_path))) == 64


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        pytest.param(lambda g: (g / "m_arc/en.jsonl").write_text("{ }"), "has digest .* says", id="changed"),
        pytest.param(lambda g: (g / "m_arc/en.jsonl").unlink(), "is missing", id="removed"),
        pytest.param(lambda g: (g / "m_arc/zz.jsonl").write_text("{}"), "is foreign", id="added"),
        pytest.param(lambda g: (g / CERTIFICATE).write_text("{"), "lists no files", id="certificate torn"),
        pytest.param(
            lambda g: (g / CERTIFICATE).write_text("{}"), "lists no files", id="certificate emptied"
        ),
    ],
)
def test_a_folder_that_is_not_as_it_was_made_is_refused(
    group: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(group)
    with pytest.raises(ForeignFileError, match=message) as refusal:
        pins.revision_of(pin(group))
    assert refusal.value.exit_code == 3


@pytest.mark.parametrize(
    ("files", "paths", "says"),
    [
        (("ckpt/20B/*.json",), ("ckpt/5B/a.json", "ckpt/10B/a.json", "README.md"), ", and ckpt there holds 10B, 5B"),
        (("other/20B/*.json",), ("ckpt/5B/a.json", "README.md"), ", and it holds README.md, ckpt"),
        (("*.safetensors",), ("model.bin",), ", and it holds model.bin"),
        ((), ("model.bin",), ", and it holds model.bin"),
        (("*",), [f"{place:02}" for place in range(14)], f", and it holds {', '.join(f'{place:02}' for place in range(12))} and 2 more"),
        (("*.json",), (), ""),
    ],
    ids=["another folder", "no such folder", "other files", "any file", "many", "empty"],
)  # fmt: skip
def test_what_a_repository_holds_is_told_from_where_its_pin_leads(
    files: tuple[str, ...], paths: Sequence[str], says: str
) -> None:
    assert what_is_there(replace(LOOSE, files=files), paths) == says
