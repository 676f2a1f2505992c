"""Other base models, each reproduced whole against a hub in miniature under its true names: one to two minutes of a processor each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.designs.design import plan
from harness.sources.studies import load_profile, load_study
from harness.words.study import Study
from tests.hub.commands import harness, report_of
from tests.hub.elsewhere import hub_elsewhere
from tests.hub.server import Hub, serving
from tests.proof.checkouts import checkout

STUDIES = ("qwen3_1_7b", "llama_3_1_8b", "mistral_7b", "gemma_3_1b", "gemma_2_9b")
"""Harvested rows of a TopK; published ones of a scaled stream; three layers, whose streams are brought to one length; harvested
rows with thresholds; published ones of a model that caps its scores."""

SMALL = """
from tests.hub.elsewhere import small

PROFILES = {**PROFILES, "paper": small(PROFILES["paper"])}
"""
"""Behind the profiles of a checkout: the same sources at other sizes."""


@dataclass(frozen=True)
class World:
    """A study whose artifacts stand on a hub in miniature, and where it ran."""

    study: Study
    hub: Hub
    root: Path


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose profiles ask for little."""
    copy = checkout(tmp_path_factory.mktemp("small") / "checkout")
    for name in STUDIES:
        with (copy / "claims" / name / "profiles.py").open("a", encoding="utf-8") as profiles:
            profiles.write(SMALL)
    return copy


@pytest.fixture(scope="module", params=STUDIES)
def world(
    request: pytest.FixtureRequest, copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One that has been reproduced."""
    name, root = request.param, tmp_path_factory.mktemp(request.param)
    with serving(hub_elsewhere(name, root / "draft")) as hub:
        words = ["--study", name, "--profile", "paper", "--device", "cpu", "--cores", "2"]
        words += ["--store", str(root / "store"), "--out", str(root / "run")]
        told = {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        done = harness(hub, root, "reproduce", *words, limit_s=1_800, checkout=copy, **told)
        assert done.returncode == 5, done.stderr  # nothing was judged, since it is a fixture
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr
        yield World(load_study(name), hub, root)


def test_every_stage_is_completed_and_every_question_is_measured(world: World) -> None:
    report, study = report_of(world.root), world.study
    profile = load_profile(study, "paper")
    assert report["not_run"] == []
    made = {artifact["stage"] for artifact in report["run"]["artifacts"]}
    assert made == {stage.name for stage in plan(study, profile, "cpu").stages}
    assert ("harvest" in made) == (profile.sources.harvest is not None)
    measured = {measurement["id"] for measurement in report["measurements"]}
    asked = {
        estimate
        for claim in report["claims"]
        for reading in claim["readings"]
        for estimate in reading["estimates"]
    }
    assert asked <= measured
    gaps = {row["layer"] for row in report["measurements"] if row["quantity"] == "gap"}
    assert gaps == {*study.shapes.layers}


def test_the_mode_follows_from_what_was_loaded_and_every_layer_is_found_again(world: World) -> None:
    report, layers = report_of(world.root), len(world.study.shapes.layers)
    assert (report["run"]["study"], report["mode"]) == (world.study.name, "fixture")
    assert report["run"]["environment"]["layers found again by replay"] == f"{layers} of {layers}"


def test_no_claim_of_the_paper_is_judged(world: World) -> None:
    report = report_of(world.root)
    assert report["paper"]["id"] == "asked elsewhere"
    assert {claim["verdict"] for claim in report["claims"]} <= {"NOT_RUN", "NOT_TESTABLE"}


def test_every_source_has_a_revision_and_no_other_file_was_asked_for(world: World) -> None:
    """Nor the same weights in another form."""
    sources = {source["address"]: source["revision"] for source in report_of(world.root)["run"]["sources"]}
    model = load_profile(world.study, "paper").sources.model
    assert sources[model.address] == world.hub.repositories["models", model.address].sha
    assert "unpinned" not in sources.values()
    assert world.hub.unknown == []
    assert not world.hub.paths("original/")
    assert not world.hub.paths("pytorch_model-")
