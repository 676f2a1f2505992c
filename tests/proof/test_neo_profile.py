"""MAP-Neo from end to end, against a hub in miniature under its true names, by the command line: a minute or two of a processor."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.neo import pins
from claims.neo.study import PHASES, SIZES
from tests.hub.commands import harness, report_of
from tests.hub.neo import neo_hub
from tests.hub.server import Fault, Hub, serving
from tests.proof.checkouts import checkout

SMALL = """
from tests.hub.neo import small

PROFILES = {**PROFILES, "paper": small(paper())}
"""
"""Behind the profiles of a checkout: the same sources at other sizes."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub whose line breaks twice."""
    hub = neo_hub()
    hub.faults.append(Fault(path="/cdn/", kind="cut", times=2))
    with serving(hub) as running:
        yield running


@pytest.fixture(scope="module")
def root(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the whole profile has run once."""
    root = tmp_path_factory.mktemp("neo")
    copy = checkout(root / "checkout")
    with (copy / "claims" / "neo" / "profiles.py").open("a", encoding="utf-8") as profiles:
        profiles.write(SMALL)
    words = ["--study", "neo", "--profile", "paper", "--device", "cpu", "--cores", "2"]
    words += ["--store", str(root / "store"), "--out", str(root / "run")]
    told = {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    done = harness(hub, root, "reproduce", *words, limit_s=1_200, checkout=copy, **told)
    assert done.returncode in {0, 1, 2, 5}, done.stderr
    assert "Traceback" not in done.stderr
    return root


def test_every_stage_is_completed_at_every_checkpoint(root: Path) -> None:
    report = report_of(root)
    assert report["not_run"] == []
    items = [artifact["stage"] for artifact in report["run"]["artifacts"]]
    checkpoints = len(SIZES) * len(PHASES)
    assert {stage: items.count(stage) for stage in items} == {
        "corpus": 1, "model-checks": checkpoints, "saes": checkpoints, "sae-quality": checkpoints, "examples": checkpoints,
        "classes": checkpoints, "integration": len(SIZES), "estimates": 1, "self-checks": 1,
    }  # fmt: skip


def test_every_question_is_measured_and_no_claim_of_the_paper_is_judged(root: Path) -> None:
    report = report_of(root)
    assert (report["paper"]["id"], report["mode"]) == ("asked elsewhere", "fixture")
    assert report["paper"]["title"] == "MAP-Neo: the questions of arXiv 2503.06394, asked elsewhere"
    verdicts = {claim["id"]: claim["verdict"] for claim in report["claims"]}
    # True names on other shapes are no evidence of the models.
    assert set(verdicts.values()) == {"NOT_RUN"}
    assert report["run"]["environment"]["shapes of 460m-mid"].startswith("22 layers, 32 wide")
    measured = {measurement["id"] for measurement in report["measurements"]}
    asked = {
        estimate
        for claim in report["claims"]
        for reading in claim["readings"]
        for estimate in reading["estimates"]
    }
    assert asked <= measured


def test_every_source_has_a_revision_and_no_other_file_was_asked_for(hub: Hub, root: Path) -> None:
    sources = {source["address"]: source["revision"] for source in report_of(root)["run"]["sources"]}
    models = {pins.checkpoint(size, "final").address for size in pins.SHAPES}
    for address in (*models, pins.TOKENIZER.address):
        assert sources[address] == hub.repositories["models", address].sha
    assert "unpinned" not in sources.values()
    assert hub.unknown == []
    assert [fault for fault in hub.faults if fault.times > 0] == []
    assert not hub.paths(r"README|tokenization_neo|mp_rank|model-00001")
