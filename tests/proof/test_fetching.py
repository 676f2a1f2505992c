"""Everything brought here before a run, by the command line and over a real line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.sin2025 import pins
from tests.hub.commands import harness
from tests.hub.miniature import miniature_hub
from tests.hub.server import Fault, Hub, serving, sha256


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving(miniature_hub()) as running:
        yield running


def fetch(hub: Hub, root: Path, **more: Any) -> tuple[int, list[dict[str, Any]]]:
    done = harness(hub, root, "fetch", "--profile", "paper", "--json", **more)
    return done.returncode, json.loads(done.stdout)


def test_what_was_fetched_is_whole_without_a_network(hub: Hub, tmp_path: Path) -> None:
    code, found = fetch(hub, tmp_path)
    assert (code, len(found)) == (0, len({each["address"] for each in found}))
    assert all(each["revision"] for each in found)
    asked = len(hub.asked)
    assert fetch(hub, tmp_path, HF_HUB_OFFLINE="1") == (0, found)
    assert len(hub.asked) == asked
    answer = json.loads(
        harness(hub, tmp_path, "doctor", "--profile", "paper", "--json", HF_HUB_OFFLINE="1").stdout
    )
    (gate,) = [each for each in answer["findings"] if each["need"] == f"gate of {pins.MODEL.address}"]
    assert (gate["state"], gate["found"]) == ("ok", "passed: whole on this machine")
    assert len(hub.asked) == asked


def test_a_shut_gate_stops_no_other_thing(hub: Hub, tmp_path: Path) -> None:
    code, found = fetch(hub, tmp_path, token=None)
    assert code == 5
    shut = [each for each in found if each["revision"] is None]
    assert pins.MODEL.address in {each["address"] for each in shut}
    assert all("accept its licence" in each["problem"] for each in shut)
    assert pins.DICTIONARIES.address not in {each["address"] for each in shut}


def test_what_arrives_damaged_twice_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    with serving(miniature_hub()) as hub:
        dictionaries = hub.repositories["models", pins.DICTIONARIES.address]
        digest = sha256(dictionaries.read(pins.DICTIONARY_FILES[3]))
        hub.faults.append(Fault(path=f"/cdn/{digest}", kind="garble", times=2))
        code, found = fetch(hub, tmp_path)
        (problem,) = [each["problem"] for each in found if each["problem"]]
        assert code == 3
        assert "layer_3/" in problem
        large = len(hub.paths("/cdn/"))
        assert fetch(hub, tmp_path)[0] == 0
        assert len(hub.paths("/cdn/")) == large + 1


def test_the_committed_world_takes_nothing(hub: Hub, tmp_path: Path) -> None:
    done = harness(hub, tmp_path, "fetch")
    assert (done.returncode, done.stdout) == (0, "the fixture world takes nothing from elsewhere\n")
