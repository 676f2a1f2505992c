"""Objects and listings that are cut or stall on their way, and what a store refuses; the patience is set small."""

import gzip
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.sources import bucket, http
from harness.sources.pins import ChangedSourceError
from harness.words.errors import MissingSourceError, Reason
from harness.words.study import Home, Pin
from tests.hub.server import Fault, Handler, Hub, content_of, serving

BUCKET = "neuronpedia-datasets"
FOLDER = "0-gemmascope-res-16k/activations"
EXPORT = Pin(
    name="export",
    home=Home.BUCKET,
    address=f"https://{BUCKET}.s3.us-east-1.amazonaws.com/v1/gemma-2-2b",
    files=(f"{FOLDER}/",),
    licence="none",
)
OBJECTS = 9
"""Two pages of a listing."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A store that is led to, and that nobody waits for long."""
    objects = {
        f"{BUCKET}/v1/gemma-2-2b/{FOLDER}/batch-{n}.jsonl.gz": bytes([n]) * 5000 for n in range(OBJECTS)
    }
    with serving(Hub(objects=dict(objects))) as running:
        running.lead(monkeypatch, tmp_path)
        yield running


@pytest.mark.parametrize("kind", ["cut", "stall"])
@pytest.mark.parametrize("page", ["list-type", "continuation-token"], ids=["first page", "last page"])
def test_a_listing_that_does_not_come_whole_is_asked_for_again(hub: Hub, page: str, kind: str) -> None:
    hub.faults.append(Fault(path=page, kind=kind, times=3))
    assert len(bucket.seen_now(EXPORT).files) == OBJECTS
    assert hub.faults[0].times == 0


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_a_listing_that_never_comes_whole_is_one_clear_error(hub: Hub, kind: str) -> None:
    hub.faults.append(Fault(path="list-type", kind=kind, times=99))
    with pytest.raises(
        MissingSourceError, match=rf"export .*{hub.url} .*over and over.*start again"
    ) as caught:
        bucket.seen_now(EXPORT)
    assert caught.value.reason is Reason.NO_NETWORK
    assert len(hub.paths("list-type")) == 4


def test_a_listing_that_hides_its_next_page_does_not_go_round_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = ET.fromstring(
        "<L><Contents><Key>k</Key><Size>1</Size><ETag>e</ETag></Contents><IsTruncated>true</IsTruncated></L>"
    )
    monkeypatch.setattr(bucket, "_page", lambda pin, url: page)
    with pytest.raises(MissingSourceError, match="says that more follows"):
        bucket.seen_now(EXPORT)


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_an_object_goes_on_from_where_it_stopped(hub: Hub, kind: str) -> None:
    hub.faults.append(Fault(path="batch-3", kind=kind, times=2))
    folder = bucket.fetched(EXPORT, bucket.seen_now(EXPORT))
    assert (folder / FOLDER / "batch-3.jsonl.gz").read_bytes() == bytes([3]) * 5000
    assert (hub.faults[0].times, len(hub.paths("batch-3"))) == (0, 3)


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_an_object_that_never_comes_whole_is_one_clear_error(hub: Hub, kind: str) -> None:
    seen = bucket.seen_now(EXPORT)
    hub.faults.append(Fault(path="batch-3", kind=kind, times=99))
    with pytest.raises(
        MissingSourceError, match=r"batch-3\.jsonl\.gz .*over and over.*what came is kept"
    ) as caught:
        bucket.fetched(EXPORT, seen)
    assert caught.value.reason is Reason.NO_NETWORK


@pytest.mark.parametrize(
    "path",
    ["continuation-token", "batch-0", "batch-3"],
    ids=["a page", "the first object", "an object"],
)
@pytest.mark.parametrize("kind", ["reset", "babble", "slow"])
def test_a_store_that_answered_before_is_asked_again_when_it_does_not(hub: Hub, path: str, kind: str) -> None:
    hub.faults.append(Fault(path=path, kind=kind, times=3))
    folder = bucket.fetched(EXPORT, bucket.seen_now(EXPORT))
    assert (folder / FOLDER / "batch-3.jsonl.gz").read_bytes() == bytes([3]) * 5000
    assert hub.faults[0].times == 0


def test_a_store_that_answers_no_more_is_one_clear_error(hub: Hub) -> None:
    seen = bucket.seen_now(EXPORT)
    hub.faults.append(Fault(path="batch-3", kind="reset", times=99))
    with pytest.raises(
        MissingSourceError,
        match=rf"export .*no network \({hub.url} .*answers no more.*\).*connect .*what is fetched is kept",
    ) as caught:
        bucket.fetched(EXPORT, seen)
    assert caught.value.reason is Reason.NO_NETWORK
    assert len(hub.paths("batch-3")) == 4


def test_who_was_waited_for_in_vain_is_not_waited_for_again(hub: Hub) -> None:
    seen = bucket.seen_now(EXPORT)
    hub.faults.append(Fault(path="batch-3", kind="reset", times=99))
    for asked in (4, 5):
        with pytest.raises(MissingSourceError, match="no network"):
            bucket.fetched(EXPORT, seen)
        assert len(hub.paths("batch-3")) == asked


def test_a_store_that_never_answered_is_asked_once(hub: Hub) -> None:
    hub.faults.append(Fault(path="list-type", kind="reset"))
    with pytest.raises(MissingSourceError, match="no network"):
        bucket.seen_now(EXPORT)
    assert len(hub.paths("list-type")) == 1


def test_a_refusal_is_no_answer_that_is_worth_waiting_for(hub: Hub) -> None:
    hub.faults += [Fault(path="list-type", kind="status", status=403), Fault(path="list-type", kind="reset")]
    for says in ("403", "no network"):
        with pytest.raises(MissingSourceError, match=says):
            bucket.seen_now(EXPORT)
    assert len(hub.paths("list-type")) == 2


def test_offline_nobody_is_asked_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = bucket.seen_now(EXPORT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub.faults.append(Fault(path="batch-3", kind="reset"))
    with pytest.raises(MissingSourceError, match="no network"):
        bucket.fetched(EXPORT, seen)
    assert len(hub.paths("batch-3")) == 1


def test_another_store_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one endpoint answered says nothing of another; nobody listens on port 9."""
    bucket.seen_now(EXPORT)
    monkeypatch.setattr(http, "PAUSES_SECONDS", (5.0,))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(MissingSourceError, match=r"no network .*127\.0\.0\.1:9"):
        bucket.seen_now(EXPORT)
    assert time.monotonic() - begun < 4


def test_a_folder_marker_is_no_object(hub: Hub) -> None:
    hub.objects[f"{BUCKET}/v1/gemma-2-2b/{FOLDER}/"] = b""
    seen = bucket.seen_now(EXPORT)
    assert len(seen.files) == OBJECTS
    assert len(list((bucket.fetched(EXPORT, seen) / FOLDER).glob("batch-*"))) == OBJECTS


def test_a_prefix_that_holds_its_marker_alone_holds_nothing(hub: Hub) -> None:
    hub.objects = {f"{BUCKET}/v1/gemma-2-2b/{FOLDER}/": b""}
    with pytest.raises(MissingSourceError, match="has nothing below"):
        bucket.seen_now(EXPORT)


def test_an_empty_object_is_an_empty_file(hub: Hub) -> None:
    hub.objects[f"{BUCKET}/v1/gemma-2-2b/{FOLDER}/empty.jsonl.gz"] = b""
    folder = bucket.fetched(EXPORT, bucket.seen_now(EXPORT))
    assert (folder / FOLDER / "empty.jsonl.gz").read_bytes() == b""


def test_what_speaks_another_protocol_is_no_network(hub: Hub) -> None:
    hub.faults.append(Fault(path="list-type", kind="babble"))
    with pytest.raises(MissingSourceError, match="no network") as caught:
        bucket.seen_now(EXPORT)
    assert caught.value.reason is Reason.NO_NETWORK


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("path", ["list-type", "batch-1"], ids=["a listing", "an object"])
def test_a_refusal_says_what_was_asked_and_what_to_do(
    hub: Hub, tmp_path: Path, path: str, status: int
) -> None:
    hub.faults.append(Fault(path=path, kind="status", status=status, times=99))
    with pytest.raises(MissingSourceError) as caught:
        bucket.fetched(EXPORT, bucket.seen_now(EXPORT))
    told = str(caught.value)
    assert f"{hub.url} answers {status} to /{BUCKET}/" in told
    assert (f"prefix v1/gemma-2-2b/{FOLDER}/" in told) is (path == "list-type")
    assert "correct its address in pins.py of the study, below claims/" in told
    assert f"copy {tmp_path} from there" in told
    assert caught.value.reason is Reason.DATASET_UNAVAILABLE
    assert len(hub.paths(path)) == 1


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        pytest.param("W/&quot;{right}&quot;", None, id="weak"),
        pytest.param("{right}", None, id="without quotes"),
        pytest.param("&quot;{capitals}&quot;", None, id="in capitals"),
        pytest.param("", MissingSourceError, id="none"),
        pytest.param("&quot;{other}&quot;", ChangedSourceError, id="of a store that encrypts"),
    ],
)
def test_what_a_listing_says_of_bytes_is_read_as_stores_write_it(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, written: str, kind: type[Exception] | None
) -> None:
    def entry(_: Handler, key: str) -> str:
        content = content_of(hub.objects[key])
        right, other = (hashlib.md5(each).hexdigest() for each in (content, b"key" + content))
        tag = written.format(right=right, capitals=right.upper(), other=other)
        return f"<Contents><Key>{key.partition('/')[2]}</Key><Size>{len(content)}</Size><ETag>{tag}</ETag></Contents>"

    monkeypatch.setattr(Handler, "entry", entry)
    if kind is None:
        assert (
            len(list((bucket.fetched(EXPORT, bucket.seen_now(EXPORT)) / FOLDER).glob("batch-*"))) == OBJECTS
        )
        return
    with pytest.raises(kind, match=r"(without an ETag|its ETags are no MD5).*set AWS_ENDPOINT_URL_S3 to"):
        bucket.fetched(EXPORT, bucket.seen_now(EXPORT))
    assert len(hub.paths("batch-")) == (0 if kind is MissingSourceError else 2)


@pytest.mark.parametrize(
    "left", [b"", b"12 34", b"\0\0\0", b"\xff\xff\n\n"], ids=["nothing", "half", "zeros", "no text"]
)
def test_a_torn_mark_of_a_checked_file_is_made_anew(hub: Hub, tmp_path: Path, left: bytes) -> None:
    """Of an object in parts, whose first copy is remembered there alone."""
    seen = bucket.seen_now(EXPORT)
    parts = replace(seen, files=tuple(replace(file, digest="etag:ab-2") for file in seen.files))
    folder = bucket.fetched(EXPORT, parts)
    marks = list(tmp_path.glob("harness/first-use/*/*.verified/*"))
    assert len(marks) == OBJECTS
    for mark in marks:
        mark.write_bytes(left)
    assert bucket.fetched(EXPORT, parts) == folder
    assert all(len(mark.read_text().splitlines()) == 2 for mark in marks)


@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "cut"])
def test_a_listing_that_is_packed_on_its_way_is_unpacked(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, *, is_cut: bool
) -> None:
    reply = Handler.reply

    def packed(self: Handler, status: int, body: bytes, headers: Any = None, fault: Any = None) -> None:
        short = gzip.compress(body)[: -12 if is_cut else None]
        reply(self, status, short, {**(headers or {}), "Content-Encoding": "gzip"}, fault)

    monkeypatch.setattr(Handler, "reply", packed)
    if is_cut:
        with pytest.raises(MissingSourceError, match="cut or stalls on its way over and over"):
            bucket.seen_now(EXPORT)
    else:
        assert len(bucket.seen_now(EXPORT).files) == OBJECTS
