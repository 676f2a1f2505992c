"""Hub and object store over a real line: what is fetched, what is enforced, and every fault with its cure."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import errors

from harness.sources import hub as hub_door
from harness.sources.pins import Seen, SeenFile
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Home, Pin
from tests.hub.server import OUTSIDER, TOKEN, Fault, Hub, Repository, serving

REVISION = "8d9642f16ae3031f7eddc3e3531b6ae58686d81a"
BUCKET = "https://neuronpedia-datasets.s3.us-east-1.amazonaws.com/v1/gemma-2-2b"
KEYS = "neuronpedia-datasets/v1/gemma-2-2b"

MODEL: dict[str, Any] = {
    "name": "gemma-2-2b", "home": "hub-model", "address": "google/gemma-2-2b", "licence": "Gemma Terms of Use",
    "files": ["*.json", "*.safetensors"], "gated": True,
}  # fmt: skip
OPEN: dict[str, Any] = {
    "name": "translator", "home": "hub-model", "address": "Helsinki-NLP/opus-mt-en-ml", "licence": "Apache-2.0",
}  # fmt: skip
ITEMS: dict[str, Any] = {
    "name": "items", "home": "hub-dataset", "address": "richmondsin/m_hellaswag", "licence": "CC", "revision": REVISION,
}  # fmt: skip
EXPORT: dict[str, Any] = {
    "name": "export", "home": "bucket", "address": BUCKET, "licence": "none",
    "files": ["0-gemmascope-res-16k/activations/", "1-gemmascope-res-16k/activations/"],
}  # fmt: skip


@pytest.fixture
def hub() -> Iterator[Hub]:
    weights = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 400, "gemma.gguf": b"never"}
    items = {f"data/{code}/val.jsonl": b"{}\n" for code in ("ca", "es", "hi", "ml", "zh", "en", "it", "mr")}
    objects = {
        f"{KEYS}/0-gemmascope-res-16k/activations/batch-{n}.jsonl.gz": bytes([n]) * 5000 for n in range(16)
    }
    objects[f"{KEYS}/1-gemmascope-res-16k/activations/batch-0.jsonl.gz"] = b"one"
    objects[f"{KEYS}/10-gemmascope-res-16k/activations/batch-0.jsonl.gz"] = b"ten is not one"
    repositories = {
        ("models", MODEL["address"]): Repository(files=dict(weights), gated=True),
        ("models", OPEN["address"]): Repository(files={"config.json": b"{}", "source.spm": b"s" * 70_000}),
        ("datasets", ITEMS["address"]): Repository(files=dict(items), parent_revision=REVISION),
    }
    with serving(Hub(repositories=repositories, objects=dict(objects))) as running:
        yield running


CAN_MOUNT = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
SMALL_DISK = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=64k none "$HF_HOME" && exec "$@"', "sh")
"""Words that give a command a home of 64 KiB."""


def ask(
    hub: Hub,
    home: Path,
    pin: dict[str, Any],
    token: str | None = TOKEN,
    before: tuple[str, ...] = (),
    **more: str,
) -> dict[str, Any]:
    """What the door to outside files says, and never the token."""
    environment = hub.surroundings(home, token, **more)
    command = [*before, sys.executable, "-m", "tests.sources.hub_probe", json.dumps(pin)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not token or token not in done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_only_the_wanted_files_of_a_gated_repository_come(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, MODEL)
    assert answer["files"] == ["config.json", "model.safetensors"]
    assert (Path(answer["folder"]) / "model.safetensors").stat().st_size == 102_400
    assert answer["revision"] == hub.repositories["models", MODEL["address"]].sha
    assert not hub.paths("gguf")


def test_a_token_stays_with_the_hub(hub: Hub, tmp_path: Path) -> None:
    ask(hub, tmp_path, MODEL)
    away = [authorization for _, path, authorization in hub.asked if path.startswith("/cdn/")]
    assert away == [None] * len(away)
    assert away


def test_files_come_over_plain_http_though_the_hub_offers_xet(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, OPEN)
    assert (Path(answer["folder"]) / "source.spm").read_bytes() == b"s" * 70_000
    assert (len(hub.paths("/cdn/")), hub.paths("xet")) == (1, [])


def test_who_asks_for_xet_gets_it(hub: Hub, tmp_path: Path) -> None:
    ask(hub, tmp_path, OPEN, HF_HUB_DISABLE_XET="0")
    assert len(hub.paths("xet-read-token")) == 1


def test_a_failure_of_xet_storage_is_told_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its client is written in another language, and knows one kind of error."""

    def fails(*_: object, **__: object) -> str:
        raise RuntimeError("Task error: CAS Client Error: error sending request")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    file = SeenFile(path="source.spm", size_bytes=1, digest="sha256:0")
    pin = Pin(name="translator", home=Home.HUB_MODEL, address=OPEN["address"], licence="none")
    with pytest.raises(MissingSourceError, match=r"Xet.*CAS Client Error.*HF_HUB_DISABLE_XET=1") as caught:
        hub_door.fetched(pin, Seen(revision="a" * 40, files=(file,)))
    assert caught.value.reason is Reason.NO_NETWORK


def test_a_first_use_is_recorded_and_later_commits_are_not_taken(hub: Hub, tmp_path: Path) -> None:
    first = ask(hub, tmp_path, OPEN)
    repository = hub.repositories["models", OPEN["address"]]
    repository.files["config.json"] = b'{"changed": true}'
    repository._bytes.clear()
    repository.parent_revision = "f" * 40
    again = ask(hub, tmp_path, OPEN)
    assert (again["revision"], again["folder"]) == (first["revision"], first["folder"])


def test_a_filled_cache_needs_no_network(hub: Hub, tmp_path: Path) -> None:
    first = ask(hub, tmp_path, ITEMS)
    asked = len(hub.asked)
    again = ask(hub, tmp_path, ITEMS, HF_HUB_OFFLINE="1")
    assert again == first
    assert len(hub.asked) == asked


def test_an_empty_cache_without_network_says_so(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, ITEMS, HF_HUB_OFFLINE="1")
    assert (answer["reason"], answer["code"]) == ("no-network", 5)
    assert "fill HF_HOME" in answer["error"]


@pytest.mark.parametrize("pin", [ITEMS, EXPORT], ids=["a hub", "a store"])
def test_what_is_not_there_is_no_network_and_at_once(hub: Hub, tmp_path: Path, pin: dict[str, Any]) -> None:
    nowhere = "http://127.0.0.1:9"
    answer = ask(hub, tmp_path, pin, HF_ENDPOINT=nowhere, AWS_ENDPOINT_URL_S3=nowhere)
    assert (answer["reason"], answer["code"]) == ("no-network", 5)
    assert f"{nowhere} does not answer" in answer["error"]
    assert answer["seconds"] < 5


def test_another_endpoint_has_its_own_first_use(hub: Hub, tmp_path: Path) -> None:
    ask(hub, tmp_path, ITEMS)
    answer = ask(hub, tmp_path, ITEMS, HF_ENDPOINT=hub.url.replace("127.0.0.1", "localhost"))
    assert "revision" in answer
    assert len(list((tmp_path / "harness" / "first-use").iterdir())) == 2


@pytest.mark.parametrize(
    ("token", "says"),
    [
        pytest.param(None, "is gated, and no token is set", id="no token"),
        pytest.param(
            OUTSIDER, "is gated, and the token that is set is not let in", id="licence not accepted"
        ),
        pytest.param("hf_mistyped", "is gated, and the token that is set is not let in", id="wrong token"),
    ],
)
def test_a_shut_gate_says_how_to_open_it(hub: Hub, tmp_path: Path, token: str | None, says: str) -> None:
    answer = ask(hub, tmp_path, MODEL, token)
    assert (answer["reason"], answer["code"]) == ("gated-weights", 5)
    assert says in answer["error"]
    assert "accept its licence (Gemma Terms of Use)" in answer["error"]


@pytest.mark.skipif(not CAN_MOUNT, reason="this user may not mount a small disk")
@pytest.mark.parametrize("pin", [MODEL, EXPORT], ids=["a repository", "a bucket"])
def test_a_full_disk_is_told(hub: Hub, tmp_path: Path, pin: dict[str, Any]) -> None:
    answer = ask(hub, tmp_path, pin, before=SMALL_DISK)
    assert (answer["kind"], answer["code"]) == ("StoreError", 3)
    assert "No space left on device [ENOSPC]; free some space, then start again" in answer["error"]


READ_ONLY = ("unshare", "-rm", "sh", "-c", 'mount -o bind,ro "$HF_HOME" "$HF_HOME" && exec "$@"', "sh")
"""Words that let a command read its home, and no more."""


@pytest.mark.skipif(not CAN_MOUNT, reason="this user may not mount")
def test_a_home_that_is_shared_for_reading_is_read_as_it_is(hub: Hub, tmp_path: Path) -> None:
    """As the keepers of clusters lay it out: with or without what the harness recorded, and never half."""
    home, own = tmp_path / "home", {"XDG_CACHE_HOME": str(tmp_path / "own")}
    first = [ask(hub, home, pin) for pin in (OPEN, EXPORT)]
    asked = len(hub.asked)
    assert [ask(hub, home, pin, before=READ_ONLY, **own) for pin in (OPEN, EXPORT)] == first
    assert len(hub.asked) == asked
    assert not (tmp_path / "own").exists()

    shutil.rmtree(home / "harness")
    assert ask(hub, home, OPEN, before=READ_ONLY, **own) == first[0]
    export = ask(hub, home, EXPORT, before=READ_ONLY, **own)
    assert export["files"] == first[1]["files"]
    assert Path(export["folder"]).is_relative_to(tmp_path / "own" / "huggingface" / "harness" / "buckets")

    (Path(first[0]["folder"]) / "source.spm").resolve().write_bytes(b"t" * 70_000)
    damaged = ask(hub, home, OPEN, before=READ_ONLY, **own)
    assert damaged["kind"] == "ChangedSourceError"
    assert "this user cannot remove" in damaged["error"]
    (Path(first[0]["folder"]) / "source.spm").unlink()
    missing = ask(hub, home, OPEN, before=READ_ONLY, **own)
    assert (missing["kind"], missing["code"]) == ("StoreError", 3)
    assert missing["error"].endswith(
        "[EROFS]; the file system is read-only; name a writable folder with HF_HOME"
    )


@pytest.mark.parametrize("lacks", ["size", "digest", "both"])
def test_a_mirror_that_tells_no_sizes_or_digests_is_refused_before_a_file_comes(
    monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """Some mirrors drop what the hub is asked to add; what they send could not be checked."""
    told = [
        SimpleNamespace(rfilename="config.json", size=2, blob_id="a" * 40, lfs=None),
        SimpleNamespace(
            rfilename="source.spm",
            size=None if lacks != "digest" else 9,
            blob_id=None if lacks != "size" else "b" * 40,
            lfs=None,
        ),
    ]
    found = SimpleNamespace(sha="c" * 40, siblings=told)
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: found)
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    pin = Pin(name="translator", home=Home.HUB_MODEL, address=OPEN["address"], licence="none")
    with pytest.raises(
        MissingSourceError, match=r"https://mirror.example tells no size or no digest"
    ) as caught:
        hub_door.seen_now(pin)
    assert "of 1 of its 2 files, such as source.spm" in str(caught.value)
    assert "set HF_ENDPOINT to" in str(caught.value)
    only = replace(pin, files=("config.json",))
    assert hub_door.seen_now(only).files[0].digest == f"git:{'a' * 40}"


@pytest.mark.parametrize("says", ["Consistency check failed: 9 and not 7", "no header", "in a download"])
def test_an_answer_that_does_not_fit_itself_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str
) -> None:
    """Another length than announced, or no commit or digest in its headers: the client's errors have no number."""

    def fails(*_: object, **__: object) -> str:
        if says.startswith("Consistency"):
            raise OSError(says)
        metadata = errors.FileMetadataError(says)
        raise errors.LocalEntryNotFoundError("check your connection") from metadata

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", lambda *_, **__: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    file = SeenFile(path="source.spm", size_bytes=1, digest="sha256:0")
    pin = Pin(name="translator", home=Home.HUB_MODEL, address=OPEN["address"], licence="none")
    with pytest.raises(MissingSourceError, match=f"is not what it announces .{says}.*set HF_ENDPOINT"):
        hub_door.fetched(pin, Seen(revision="a" * 40, files=(file,)))


def test_a_wrong_token_is_told_even_where_none_is_needed(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, OPEN, "hf_mistyped")
    assert "does not accept the token that is set" in answer["error"]


def test_a_revision_that_is_gone_is_named(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, {**ITEMS, "revision": "0" * 40})
    assert (answer["reason"], answer["code"]) == ("dataset-unavailable", 5)
    assert "has no such revision" in answer["error"]
    assert f"{hub.url}/datasets/richmondsin/m_hellaswag" in answer["error"]
    assert "correct its revision in pins.py of the study, below claims/" in answer["error"]


def test_a_revision_of_first_use_that_is_gone_names_its_record(hub: Hub, tmp_path: Path) -> None:
    (Path(ask(hub, tmp_path, OPEN)["folder"]) / "source.spm").unlink()
    hub.repositories["models", OPEN["address"]].parent_revision = "f" * 40
    answer = ask(hub, tmp_path, OPEN)
    (record,) = (tmp_path / "harness" / "first-use").glob("*/*.json")
    assert "has no such revision" in answer["error"]
    assert f"to take what is there now, remove {record}" in answer["error"]


@pytest.mark.parametrize(
    ("token", "found"),
    [
        pytest.param(TOKEN, "there is no such repository, or none that the token may see", id="with a token"),
        pytest.param(
            None,
            "there is no such repository, or it wants a token, and no token is set; set HF_TOKEN",
            id="without",
        ),
    ],
)
def test_a_repository_that_is_gone_says_what_to_do(
    hub: Hub, tmp_path: Path, token: str | None, found: str
) -> None:
    answer = ask(hub, tmp_path, {**OPEN, "address": "Helsinki-NLP/gone"}, token)
    assert (answer["reason"], answer["code"]) == ("dataset-unavailable", 5)
    assert found in answer["error"]
    assert f"{hub.url}/Helsinki-NLP/gone" in answer["error"]
    assert "correct its address in pins.py of the study, below claims/" in answer["error"]
    assert f"copy {tmp_path} from there" in answer["error"]


@pytest.mark.parametrize(
    ("status", "says"),
    [(403, "Access to this resource is disabled."), (451, "Removed after a notice.")],
    ids=["disabled", "legal reasons"],
)
def test_a_repository_that_was_taken_down_says_what_to_do(
    hub: Hub, tmp_path: Path, status: int, says: str
) -> None:
    """Nor is its gate to blame, where it had one."""
    fault = Fault(
        path="/api/models", kind="status", status=status, headers={"X-Error-Message": says}, times=9
    )
    hub.faults.append(fault)
    answer = ask(hub, tmp_path, MODEL)
    assert (answer["reason"], answer["code"]) == ("dataset-unavailable", 5)
    assert f"refuses with {status} ({says})" in answer["error"]
    assert f"copy {tmp_path} from there" in answer["error"]
    assert "accept its licence" not in answer["error"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/api/models", kind="status", status=503), id="down, then up"),
        pytest.param(
            Fault(path="/api/models", kind="status", status=429, headers={"Retry-After": "1"}),
            id="asked for patience",
        ),
        pytest.param(
            Fault(path="/resolve/.*/source", kind="status", status=503, method="HEAD"),
            id="down in the middle",
        ),
        pytest.param(Fault(path="/cdn/", kind="cut"), id="cut in the middle"),
        pytest.param(Fault(path="/cdn/", kind="status", status=500), id="storage down, then up"),
        pytest.param(Fault(path="/cdn/", kind="slow"), id="slow"),
        pytest.param(Fault(path="/cdn/", kind="stall"), id="stalled in the middle"),
        pytest.param(Fault(path="/cdn/", kind="garble"), id="damaged on its way"),
    ],
)
def test_what_passes_is_tried_again(hub: Hub, tmp_path: Path, fault: Fault) -> None:
    hub.faults.append(fault)
    answer = ask(hub, tmp_path, OPEN, HF_HUB_DOWNLOAD_TIMEOUT="2")
    assert (Path(answer["folder"]) / "source.spm").read_bytes() == b"s" * 70_000
    assert fault.times == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="/tree/", kind="reset"), id="the list of files"),
        pytest.param(Fault(path="/resolve/.*/source", kind="reset", method="HEAD"), id="a file's facts"),
        pytest.param(Fault(path="/resolve/.*/source", kind="reset", times=2), id="a file, twice"),
        pytest.param(Fault(path="/cdn/", kind="reset"), id="a file in storage"),
        pytest.param(Fault(path="/resolve/.*/source", kind="slow", method="HEAD"), id="a slow fact"),
    ],
)
def test_a_hub_that_answered_before_is_asked_again_when_it_does_not(
    hub: Hub, tmp_path: Path, fault: Fault
) -> None:
    hub.faults.append(fault)
    answer = ask(hub, tmp_path, OPEN, HF_HUB_ETAG_TIMEOUT="1")
    assert (Path(answer["folder"]) / "source.spm").read_bytes() == b"s" * 70_000
    assert fault.times == 0


def test_a_hub_that_never_answered_is_asked_once(hub: Hub, tmp_path: Path) -> None:
    hub.faults.append(Fault(path="/api/models", kind="reset"))
    answer = ask(hub, tmp_path, OPEN)
    assert (answer["reason"], answer["code"]) == ("no-network", 5)
    assert len(hub.asked) == 1


def test_a_file_that_is_damaged_twice_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.faults.append(Fault(path="/cdn/", kind="garble", times=9))
    answer = ask(hub, tmp_path, OPEN)
    assert (answer["kind"], answer["code"]) == ("ChangedSourceError", 3)
    assert "source.spm of translator came with 70000 bytes" in answer["error"]


def test_a_local_file_that_was_changed_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    path = Path(ask(hub, tmp_path, OPEN)["folder"]) / "source.spm"
    path.write_bytes(b"t" * 70_000)
    ask(hub, tmp_path, OPEN)
    assert path.read_bytes() == b"s" * 70_000


def test_objects_come_over_all_pages_and_from_the_asked_prefixes_alone(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, EXPORT)
    assert len(answer["files"]) == 17
    assert (Path(answer["folder"]) / EXPORT["files"][0] / "batch-15.jsonl.gz").read_bytes() == bytes(
        [15]
    ) * 5000
    assert len(hub.paths("list-type")) == 4
    assert not any("10-gemmascope" in path for path in answer["files"])
    assert len(answer["revision"]) == 64


def test_a_bucket_keeps_what_it_held_at_first_use(hub: Hub, tmp_path: Path) -> None:
    first = ask(hub, tmp_path, EXPORT)
    hub.objects[f"{KEYS}/0-gemmascope-res-16k/activations/batch-16.jsonl.gz"] = b"new"
    assert ask(hub, tmp_path, EXPORT)["revision"] == first["revision"]


def test_two_that_want_the_same_objects_fetch_each_once(hub: Hub, tmp_path: Path) -> None:
    hub.faults += [Fault(path=f"batch-{n}.jsonl", kind="slow") for n in range(2)]
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda _: ask(hub, tmp_path, EXPORT), range(2))
    assert first == second
    assert len(first["files"]) == 17
    assert len(hub.paths("jsonl.gz$")) == 17


def test_an_object_that_has_changed_since_its_listing_is_refused(hub: Hub, tmp_path: Path) -> None:
    folder = Path(ask(hub, tmp_path, EXPORT)["folder"])
    (folder / EXPORT["files"][1] / "batch-0.jsonl.gz").unlink()
    hub.objects[f"{KEYS}/1-gemmascope-res-16k/activations/batch-0.jsonl.gz"] = b"two"
    answer = ask(hub, tmp_path, EXPORT)
    assert (answer["kind"], answer["code"]) == ("ChangedSourceError", 3)
    assert hashlib.md5(b"one").hexdigest() in answer["error"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path="list-type", kind="status", status=503), id="down, then up"),
        pytest.param(
            Fault(path="batch-3", kind="status", status=429, headers={"Retry-After": "1"}), id="patience"
        ),
        pytest.param(Fault(path="batch-3", kind="cut"), id="cut in the middle"),
        pytest.param(Fault(path="batch-3", kind="slow"), id="slow"),
        pytest.param(Fault(path="batch-3", kind="garble"), id="damaged on its way"),
    ],
)
def test_objects_are_asked_for_again_too(hub: Hub, tmp_path: Path, fault: Fault) -> None:
    hub.faults.append(fault)
    answer = ask(hub, tmp_path, EXPORT)
    assert (Path(answer["folder"]) / EXPORT["files"][0] / "batch-3.jsonl.gz").read_bytes() == bytes(
        [3]
    ) * 5000
    assert fault.times == 0


def test_a_cut_object_goes_on_from_where_it_was_cut(hub: Hub, tmp_path: Path) -> None:
    hub.faults.append(Fault(path="batch-3", kind="cut"))
    ask(hub, tmp_path, EXPORT)
    assert len(hub.paths("batch-3")) == 2


def test_a_log_in_page_is_no_listing(hub: Hub, tmp_path: Path) -> None:
    hub.faults.append(Fault(path="list-type", kind="html"))
    answer = ask(hub, tmp_path, EXPORT)
    assert answer["reason"] == "no-network"
    assert "answers in its place" in answer["error"]


def test_an_empty_prefix_is_named(hub: Hub, tmp_path: Path) -> None:
    answer = ask(hub, tmp_path, {**EXPORT, "files": ["26-gemmascope-res-16k/activations/"]})
    assert (answer["reason"], answer["code"]) == ("dataset-unavailable", 5)
    assert "nothing below 26-gemmascope-res-16k/activations/" in answer["error"]
