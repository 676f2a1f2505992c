"""The paper profile from end to end, against a hub in miniature on this machine: six minutes of a processor."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.sin2025 import pins
from tests.hub.commands import files_that_hold, report_of, reproduce
from tests.hub.miniature import miniature_hub
from tests.hub.server import TOKEN, Fault, Hub, serving


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub on a bad day: each fault passes, and what passes is tried again."""
    hub = miniature_hub()
    hub.faults += [
        Fault(path="/api/models", kind="status", status=503),
        Fault(path="/cdn/", kind="cut", times=2),
        Fault(path="/api/resolve-cache", kind="status", status=429, headers={"Retry-After": "1"}),
        Fault(path="activations/batch-0", kind="cut", times=3),
        Fault(path="list-type", kind="slow"),
    ]
    with serving(hub) as running:
        yield running


@pytest.fixture(scope="module")
def root(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the whole profile has run once."""
    root = tmp_path_factory.mktemp("paper")
    done = reproduce(hub, root, limit_s=3600)
    assert done.returncode in {0, 1, 2, 5}, done.stderr
    assert "Traceback" not in done.stderr
    return root


def test_every_stage_is_completed(root: Path) -> None:
    report = report_of(root)
    assert report["not_run"] == []
    stages = {artifact["stage"] for artifact in report["run"]["artifacts"]}
    assert stages >= {
        *("replay", "phrases", "translations", "activations", "dictionary-error", "adapters"),
        *("activations-tuned", "benchmarks", "benchmarks-tuned", "estimates"),
    }
    assert len(report["measurements"]) > 1_000


def test_true_names_do_not_make_it_evidence(root: Path) -> None:
    """The mode follows from shapes and digests: the profile is called paper, and its run is a fixture."""
    report = report_of(root)
    assert (report["run"]["profile"], report["mode"]) == ("paper", "fixture")
    facts = report["run"]["environment"]
    assert facts["layers found again by replay"] == "26 of 26"
    assert facts["shapes as loaded"].startswith("26 layers, 64 wide")
    assert int(facts["files that stand in a fixture's birth certificate"]) > 26


def test_every_source_has_a_revision(hub: Hub, root: Path) -> None:
    sources = {source["address"]: source["revision"] for source in report_of(root)["run"]["sources"]}
    assert "unpinned" not in sources.values()
    assert sources[pins.MODEL.address] == hub.repositories["models", pins.MODEL.address].sha
    assert sources[pins.BENCHMARKS["m_hellaswag"].address] == pins.BENCHMARKS["m_hellaswag"].revision
    assert len(sources[pins.PHRASES.address]) == 64


def test_all_faults_were_met_and_nothing_unknown_was_asked(hub: Hub, root: Path) -> None:
    assert root.is_dir()
    assert [fault for fault in hub.faults if fault.times > 0] == []
    assert hub.unknown == []
    assert not hub.paths("gguf|tf_model|rust_model|width_65k")


def test_the_token_is_nowhere(root: Path) -> None:
    assert not files_that_hold(root, TOKEN)


def test_a_second_start_without_network_finds_everything(hub: Hub, root: Path) -> None:
    before = len(hub.asked)
    done = reproduce(hub, root, HF_HUB_OFFLINE="1", AWS_ENDPOINT_URL_S3=hub.url, limit_s=600)
    assert "nothing to do: every artifact stands" in done.stdout
    assert len(hub.asked) == before
