"""A dataset repository of the hub as a place: one commit for many files, upon what is there, patiently, and one clear error."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import exit_code_of
from harness.exchange.places import COMMIT, HubPlace, place_at
from harness.exchange.sharing import Fate, pull, push
from harness.store.store import Store
from harness.words.errors import StoreError, UsageError
from tests.exchange.sharing import NUMBERS, fates, files_of, made, source
from tests.hub.server import OUTSIDER, READER, TOKEN, Fault, Hub
from tests.hub.uploads import Dataset, takes_uploads

PLACE = "hf://datasets/lab/shared/place"


def shared(lab: Hub) -> Dataset:
    found = lab.repositories["datasets", "lab/shared"]
    assert isinstance(found, Dataset)
    return found


def commits(lab: Hub) -> int:
    """How many there are besides the one that a repository begins with."""
    return len(shared(lab).commits) - 1


def sent(lab: Hub) -> list[str]:
    """What was sent, and not only asked for."""
    return [path.partition("?")[0] for method, path, _ in lab.asked if method in {"POST", "PUT"}]


def test_many_artifacts_are_one_commit_and_a_second_push_sends_nothing(lab: Hub, store: Store) -> None:
    list(push(store, place_at(PLACE), None))
    assert commits(lab) == 1
    lab.asked.clear()
    assert fates(push(store, place_at(PLACE), None)) == [Fate.STANDING] * 3
    assert sent(lab) == []
    assert lab.paths("/resolve/") == [], "nor is anything fetched"


def test_large_files_go_to_the_storage_in_parts_and_small_ones_into_the_commit(
    lab: Hub, store: Store, other: Store
) -> None:
    shared(lab).part_bytes = 500
    list(push(store, place_at(PLACE), None))
    small = [path for path, is_small in _kinds(lab).items() if is_small]
    assert len([path for path in small if "/files/" in path]) == 1, "the file that all have is text"
    assert len(shared(lab).stored) == 2, "tables are not"
    assert len(lab.paths("part=", "PUT")) >= 4
    assert fates(pull(other, place_at(PLACE), None)) == [Fate.TAKEN] * 3
    assert files_of(other) == files_of(store)


def _kinds(lab: Hub) -> dict[str, bool]:
    head = shared(lab).at("main")
    assert head is not None
    return {path: not head.is_large(path) for path in head.files if path.startswith("place/")}


def test_full_parcels_are_committed_one_by_one_each_with_its_records(
    lab: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HubPlace, "files_at_once", 6)
    assert fates(push(store, place_at(PLACE), None)) == [Fate.SENT] * 3
    assert commits(lab) == 2, "of three artifacts, with three files each, two fill a parcel"
    for commit in shared(lab).commits.values():
        files = {path.rpartition("/")[2] for path in commit.files if "/files/" in path}
        for path in (path for path in commit.files if "/records/" in path):
            assert {each["sha256"] for each in json.loads(commit.read(path))["files"]} <= files


KILLED = """
import os, signal, sys
from harness.cli import exit_code_of
from harness.exchange.places import HubPlace
from huggingface_hub import HfApi
HubPlace.files_at_once = 3
commit = HfApi.create_commit
made = []
def killed(self, name, operations, **rest):
    if made:
        self.preupload_lfs_files(name, operations, repo_type="dataset")
        os.kill(os.getpid(), signal.SIGKILL)
    made.append(commit(self, name, operations, **rest))
    return made[-1]
HfApi.create_commit = killed
sys.exit(exit_code_of(["store", "push", sys.argv[1], "--store", sys.argv[2]]))
"""


def test_a_killed_push_publishes_what_it_committed_and_the_next_one_sends_the_rest(
    lab: Hub, store: Store, other: Store, tmp_path: Path
) -> None:
    surroundings = lab.surroundings(tmp_path / "home", TOKEN)
    killing = [sys.executable, "-c", KILLED, PLACE, str(store.root)]
    killed = subprocess.run(killing, env=surroundings, check=False, timeout=120)
    assert killed.returncode < 0
    assert commits(lab) == 1
    assert fates(pull(other, place_at(PLACE), None)) == [Fate.TAKEN]
    lab.asked.clear()
    assert sorted(fates(push(store, place_at(PLACE), None))) == [Fate.SENT, Fate.SENT, Fate.STANDING]
    assert [path for path in sent(lab) if "/storage/" in path] == [], (
        "what the storage holds is not sent again"
    )
    assert fates(pull(other, place_at(PLACE), None)).count(Fate.TAKEN) == 2
    assert files_of(other) == files_of(store)


def test_what_was_altered_there_is_refused_and_nothing_of_it_enters(
    lab: Hub, store: Store, other: Store
) -> None:
    made(store, "one with a text", says="x", **source("miniature export"))
    list(push(store, place_at(PLACE), None))
    head = shared(lab).at("main")
    assert head is not None
    (text,) = [path for path in head.files if "/files/" in path and b"held_out" in head.read(path)]
    altered = {**head.files, text: b"\0" * len(head.read(text))}
    shared(lab).add("main", altered, frozenset((head.large or frozenset()) - {text}))
    (refused,) = [each for each in pull(other, place_at(PLACE), None) if each.fate is Fate.REFUSED]
    assert f"{PLACE}/records/stage/{refused.key}.json is broken (texts.parquet: found sha256" in refused.why
    assert sorted(each.recipe.item for each in other.list()) == sorted(NUMBERS)
    del altered[text]
    shared(lab).add("main", altered, frozenset())
    (refused,) = [each for each in pull(other, place_at(PLACE), None) if each.fate is Fate.REFUSED]
    assert "found no such file" in refused.why


PASSING = {
    "a busy hub at the listing": ("GET", "/tree/", "status", 503),
    "too many questions": ("GET", "/revision/", "status", 429),
    "a busy hub at the commit": ("POST", "/commit/", "status", 503),
    "too many commits": ("POST", "/commit/", "status", 429),
    "a line that breaks at the commit": ("POST", "/commit/", "reset", 0),
    "a busy hub at a download": ("GET", "/resolve/", "status", 503),
    "a download that is cut": ("GET", "/cdn/", "cut", 0),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_out(
    lab: Hub, store: Store, other: Store, fault: tuple[str, str, str, int]
) -> None:
    method, path, kind, status = fault
    lab.faults.append(
        Fault(path, kind, status, {"Retry-After": "0.01"} if status == 429 else {}, method=method)
    )
    assert fates(push(store, place_at(PLACE), None)) == [Fate.SENT] * 3
    assert fates(pull(other, place_at(PLACE), None)) == [Fate.TAKEN] * 3
    assert files_of(other) == files_of(store)
    assert [fault.times for fault in lab.faults] == [0], "it did happen"
    assert commits(lab) == 1


def test_a_hub_that_stays_down_is_one_error_and_what_is_there_stays(lab: Hub, store: Store) -> None:
    lab.faults.append(Fault("/commit/", "status", 503, {"Retry-After": "0.01"}, times=99, method="POST"))
    with pytest.raises(StoreError, match=r"place: the hub answers 503 over and over; it asks to come back"):
        list(push(store, place_at(PLACE), None))
    lab.faults.clear()
    assert fates(push(store, place_at(PLACE), None)) == [Fate.SENT] * 3


def test_a_commit_whose_answer_is_lost_is_not_made_twice(
    lab: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    commit, answers = HfApi.create_commit, iter([ConnectionError("the answer is lost")])

    def lost(self: HfApi, *asked: object, **rest: object) -> object:
        made = commit(self, *asked, **rest)  # type: ignore[call-overload]  # passed on as they came
        for error in answers:
            raise error
        return made

    monkeypatch.setattr(HfApi, "create_commit", lost)
    assert set(fates(push(store, place_at(PLACE), None))) <= {Fate.SENT, Fate.STANDING}
    assert commits(lab) == 1


def beside(monkeypatch: pytest.MonkeyPatch, first: Callable[[], object]) -> None:
    """Let somebody else's push come first, once, between looking and committing."""
    commit = HubPlace._committed
    waiting = [first]

    def late(self: HubPlace, paths: dict[str, Path]) -> bool:
        while waiting:
            waiting.pop()()
        return commit(self, paths)

    monkeypatch.setattr(HubPlace, "_committed", late)


def test_somebody_elses_commit_is_built_upon_and_none_of_theirs_replaced(
    lab: Hub, store: Store, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = made(other, "one")
    other.discard("stage", twin.key)
    other.produce(twin.recipe, lambda out: (out / "result.json").write_text("[1]") and None)
    beside(monkeypatch, lambda: list(push(other, place_at(PLACE), None)))
    assert sorted(fates(push(store, place_at(PLACE), None))) == [Fate.OTHER, Fate.SENT, Fate.SENT]
    assert commits(lab) == 2
    third = Store(tmp_path / "third")
    assert fates(pull(third, place_at(PLACE), None)) == [Fate.TAKEN] * 3
    assert (third.folder("stage", twin.key) / "result.json").read_text() == "[1]"


def test_the_same_pushed_by_two_at_once_is_there_once(
    lab: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside(monkeypatch, lambda: list(push(store, place_at(PLACE), None)))
    assert set(fates(push(store, place_at(PLACE), None))) <= {Fate.SENT, Fate.STANDING}
    assert commits(lab) == 1


def test_a_branch_is_named_and_what_it_was_at_a_commit_is_pulled(
    lab: Hub, store: Store, other: Store, tmp_path: Path
) -> None:
    for branch in ("try", "of/us"):
        shared(lab).branches[branch] = shared(lab).branches["main"]
    first = next(store.list())
    list(push(store, place_at("hf://datasets/lab/shared@try/place"), {first.key}))
    head = shared(lab).branches["try"]
    assert COMMIT.fullmatch(head)
    list(push(store, place_at("hf://datasets/lab/shared@try/place"), None))
    assert fates(pull(other, place_at(f"hf://datasets/lab/shared@{head}/place"), None)) == [Fate.TAKEN]
    with pytest.raises(UsageError, match="holds 0 artifacts"):
        list(pull(other, place_at(PLACE), None))  # another branch, on which nothing is
    list(push(store, place_at("hf://datasets/lab/shared@of%2Fus"), None))
    assert (
        fates(pull(Store(tmp_path / "third"), place_at("hf://datasets/lab/shared@of%2Fus"), None))
        == [Fate.TAKEN] * 3
    )
    with pytest.raises(UsageError, match=r"is a commit, and stays as it is; name a branch"):
        list(push(store, place_at(f"hf://datasets/lab/shared@{head}/place"), None))


ADDRESSES = (
    "hf://",
    "hf:datasets/lab/shared",
    "hf://lab/shared",
    "hf://spaces/lab/shared",
    "hf://buckets/lab/shared",
    "hf://datasets/shared",
    "hf://datasets/lab/shared/../other",
    "hf://datasets/lab/shared//x",
    "hf://datasets/lab/shared@",
    "hf://datasets/lab/shared@main/a b",
    "hf://datasets/lab/shared?x=1",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_no_folder_of_a_dataset_is_refused_before_anybody_is_asked(
    lab: Hub, store: Store, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.asked.clear()
    for verb in ("push", "pull"):
        assert exit_code_of(["store", verb, address, "--store", str(store.root)]) == 4
        said = capsys.readouterr().err
        assert f"error: {address}: on the hub, artifacts are shared in a dataset repository; name one" in said
        assert said.count("\n") == 1
    assert lab.asked == []


def absent(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    del lab.repositories["datasets", "lab/shared"]


def absent_without_token(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    absent(lab, monkeypatch)
    monkeypatch.delenv("HF_TOKEN")


def as_somebody(token: str) -> Callable[[Hub, pytest.MonkeyPatch], None]:
    return lambda _, monkeypatch: monkeypatch.setenv("HF_TOKEN", token)


def without_token(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")


def offline(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def unreachable(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def branchless(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    shared(lab).branches.clear()


def full(lab: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"X-Error-Message": "Private repository storage limit reached"}
    lab.faults.append(Fault("/commit/", "status", 403, said, method="POST"))


REFUSALS = {
    "no such dataset": (absent, "there is no such dataset, or none that the token may see; make it at"),
    "no such dataset, and no token": (absent_without_token, "or it wants a token, and none is set; set HF_TOKEN"),
    "no token": (without_token, "pushing takes a token that may write, and none is set; set HF_TOKEN to one from"),
    "a token that only reads": (as_somebody(READER), "the token that is set has no right to write there: set HF_TOKEN to one"),
    "somebody else's token": (as_somebody(OUTSIDER), "the token of stranger has no right to write there: ask"),
    "a token that is none": (as_somebody("hf_wrong"), "the hub does not accept the token that is set"),
    "a hub that nobody may ask": (offline, "HF_HUB_OFFLINE forbids to ask"),
    "nobody there": (unreachable, "no network (http://127.0.0.1:9 does not answer"),
    "no such branch": (branchless, "has no branch main; make it there"),
    "no room": (full, "it may not be used (Private repository storage limit reached); see"),
}  # fmt: skip


@pytest.mark.parametrize("refused", REFUSALS.values(), ids=REFUSALS)
def test_every_refusal_is_one_error_with_its_cure(
    lab: Hub,
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    refused: tuple[Callable[[Hub, pytest.MonkeyPatch], None], str],
) -> None:
    fault, says = refused
    fault(lab, monkeypatch)
    assert exit_code_of(["store", "push", PLACE, "--store", str(store.root)]) == 3
    said = capsys.readouterr().err
    assert f"error: {PLACE}: " in said
    assert says in said
    assert said.count("\n") == 1
    assert os.environ.get("HF_TOKEN", "hf_") not in said or "HF_TOKEN" not in os.environ


GATES = {
    "no token": (None, "it is gated, and no token is set; accept its terms at"),
    "a token that accepted nothing": (OUTSIDER, "it is gated, and the token that is set is not let in"),
}


@pytest.mark.parametrize("shut", GATES.values(), ids=GATES)
def test_what_is_behind_a_gate_is_pulled_by_whom_it_lets_in(
    lab: Hub, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch, shut: tuple[str | None, str]
) -> None:
    token, says = shut
    takes_uploads(lab, "lab/shared", gated=True)
    list(push(store, place_at(PLACE), None))
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    else:
        monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StoreError, match=says):
        list(pull(other, place_at(PLACE), None))
    assert files_of(other) == {}
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fates(pull(other, place_at(PLACE), None)) == [Fate.TAKEN] * 3
