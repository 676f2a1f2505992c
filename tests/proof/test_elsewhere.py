"""Other base models, each against a hub in miniature under its true names: two from end to end, three as far as nothing is trained.

Some minutes of a processor, most of them for what it emulates in bfloat16.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.designs.design import plan
from harness.run.run_report import evidence_of, read_replay
from harness.sources.studies import load_profile, load_study
from harness.store.tables import read_table, table_path
from harness.words.mode import Mode, mode_of
from harness.words.records import Coverage, DictionaryError, LayerReplay, TokenActivation
from harness.words.study import Study
from tests.hub.commands import harness, report_of, stages
from tests.hub.elsewhere import hub_elsewhere
from tests.hub.server import Hub, serving

WHOLE = ("llama_3_1_8b", "qwen3_1_7b")
"""Published rows of a scaled stream, and harvested ones of a TopK."""
UNTRAINED = ("mistral_7b", "gemma_3_1b", "gemma_2_9b")
"""Three layers, whose streams are brought to one length; rows harvested with thresholds; published rows of a model that caps its scores."""

FEWER = {"adapter_seeds": [1], "control_seeds": [], "items_per_cell": 1}


@dataclass(frozen=True)
class World:
    """A study whose artifacts stand on a hub in miniature, and where it runs."""

    study: Study
    hub: Hub
    root: Path

    @property
    def words(self) -> tuple[str, ...]:
        """What names it on the command line, with fewer seeds and questions."""
        return "--study", self.study.name, "--profile", "paper", "--sizes", str(self.root / "sizes.json")


@contextmanager
def world_of(name: str, root: Path) -> Iterator[World]:
    sizes = {"study": name, "profile": "paper", "sizes": FEWER}
    (root / "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")
    with serving(hub_elsewhere(name, root / "draft")) as hub:
        yield World(load_study(name), hub, root)


@pytest.fixture(scope="module", params=WHOLE)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One that has been reproduced."""
    with world_of(request.param, tmp_path_factory.mktemp("whole")) as world:
        where = ["--store", str(world.root / "store"), "--out", str(world.root / "run")]
        asked = [*world.words, *where, "--device", "cpu", "--cores", "2"]
        done = harness(world.hub, world.root, "reproduce", *asked, limit_s=3600)
        assert done.returncode == 5, done.stderr  # nothing was judged, since it is a fixture
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr
        yield world


@pytest.fixture(scope="module", params=UNTRAINED)
def untrained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One of which every stage before the adapters was made."""
    with world_of(request.param, tmp_path_factory.mktemp("untrained")) as world:
        named = [stage.name for stage in plan(world.study, load_profile(world.study, "paper"), "cpu").stages]
        done = stages(world.hub, world.root, named[: named.index("adapters")], *world.words)
        assert done.returncode == 0, done.stderr
        yield world


def test_every_stage_is_completed_and_the_mode_follows_from_what_was_loaded(whole: World) -> None:
    report, study = report_of(whole.root), whole.study
    assert report["not_run"] == []
    assert (report["run"]["study"], report["mode"]) == (study.name, "fixture")
    assert_most_were_found_again(report["run"]["environment"]["layers found again by replay"], study)
    made = {artifact["stage"] for artifact in report["run"]["artifacts"]}
    assert made == {stage.name for stage in plan(study, load_profile(study, "paper"), "cpu").stages}
    assert ("harvest" in made) == (load_profile(study, "paper").sources.harvest is not None)
    measured = {measurement["id"] for measurement in report["measurements"]}
    assert {f"gap/layer={layer}/high/primary" for layer in study.shapes.layers} <= measured


def assert_most_were_found_again(said: str, study: Study) -> None:
    """Latents of random weights are noise beside what bfloat16 rounds on a processor, the more so the deeper they lie."""
    found, _, of = said.partition(" of ")
    assert int(of) == len(study.shapes.layers)
    assert int(found) >= int(of) / 2


def test_no_claim_of_the_paper_is_judged(whole: World) -> None:
    report = report_of(whole.root)
    assert report["paper"]["id"] == "asked elsewhere"
    assert {claim["verdict"] for claim in report["claims"]}.isdisjoint({"PASS", "DEVIATION"})


def test_every_source_has_a_revision(whole: World) -> None:
    sources = {source["address"]: source["revision"] for source in report_of(whole.root)["run"]["sources"]}
    model = load_profile(whole.study, "paper").sources.model
    assert sources[model.address] == whole.hub.repositories["models", model.address].sha
    assert "unpinned" not in sources.values()
    assert_nothing_else_was_asked_for(whole)


def assert_nothing_else_was_asked_for(world: World) -> None:
    """Nor the same weights in another form."""
    assert world.hub.unknown == []
    assert not world.hub.paths("original/")
    assert not world.hub.paths("pytorch_model-")


def test_what_needs_no_adapter_is_made_of_every_layer_that_has_a_dictionary(untrained: World) -> None:
    layers, languages = set(untrained.study.shapes.layers), len(untrained.study.languages)
    tables = {
        row_type: [
            read_table(path.parent, row_type)
            for path in (untrained.root / "store" / "objects").rglob(table_path(Path(), row_type).name)
        ]
        for row_type in (Coverage, TokenActivation, DictionaryError)
    }
    assert {row.layer for row in tables[Coverage][0]} == layers
    assert len(tables[DictionaryError]) == languages
    assert all({row.layer for row in table} == layers for table in tables[DictionaryError])
    assert len(tables[TokenActivation]) >= languages
    # A language in which a layer's latents are all silent has no row of it.
    assert {row.layer for table in tables[TokenActivation] for row in table} == layers
    assert_nothing_else_was_asked_for(untrained)


def test_the_mode_follows_from_what_was_replayed(untrained: World) -> None:
    study = untrained.study
    (path,) = (untrained.root / "store" / "objects").rglob(table_path(Path(), LayerReplay).name)
    replayed = read_replay(path.parent)
    passes = sum(layer.passes for layer in replayed.layers)
    assert_most_were_found_again(f"{passes} of {len(replayed.layers)}", study)
    asked = plan(study, load_profile(study, "paper"), "cpu")
    assert mode_of(evidence_of(asked, replayed, ())) is Mode.FIXTURE
