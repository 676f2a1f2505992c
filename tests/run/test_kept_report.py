"""Reports that are kept: taken to the byte where nothing has changed, and judged anew where anything has."""

import dataclasses
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from harness.exchange.places import place_at
from harness.exchange.sharing import push
from harness.run import kept_report
from harness.run.kept_report import FILES, keep_report, report_recipe, take_report
from harness.run.verdicts import Asked, Inputs
from harness.sources.studies import CLAIMS, load_profile, load_study
from harness.store.code_digest import HERE
from harness.store.run_folder import RunFolder
from harness.store.store import REPORT, Recipe, Store
from harness.words.claim import Printed
from harness.words.errors import FailOn
from harness.words.mode import Mode
from harness.words.runfacts import ArtifactRecord, NotRun, Paper, RunFacts, RunRecord
from harness.words.specification import Grid
from harness.words.study import gridded

STUDY = load_study("sin2025")
INPUTS = Inputs(
    study=STUDY,
    profile=load_profile(STUDY, "fixture"),
    run_id="0123456789abcdef",
    mode=Mode.FIXTURE,
    estimates=None,
)
ARTIFACT = ArtifactRecord(stage="estimates", item="all", key="1" * 64, digest="2" * 64, size_bytes=3)
RUN = RunRecord(
    id="0123456789abcdef",
    study="sin2025",
    profile="fixture",
    environment={"numpy": "2.4.6"},
    artifacts=(ARTIFACT,),
    sources=(),
)
FACTS = RunFacts(
    paper=Paper(id="0000.00000", title="A paper"),
    mode=Mode.FIXTURE,
    run=RUN,
    specification_digest="3" * 64,
    languages=(),
)


def key(
    reports: Path,
    facts: RunFacts = FACTS,
    inputs: Inputs = INPUTS,
    folders: tuple[Path, ...] = (HERE, CLAIMS),
) -> str:
    recipe = report_recipe(facts, inputs, reports, folders)
    assert recipe is not None
    return recipe.key


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(root=tmp_path / "run")
    folder.root.mkdir()
    for name in FILES:
        (folder.root / name).write_bytes(f"{name}\r\nü".encode())
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    recipe = report_recipe(FACTS, INPUTS, tmp_path)
    assert recipe is not None
    return recipe


def test_what_is_kept_is_taken_to_the_byte(tmp_path: Path, run: RunFolder, recipe: Recipe) -> None:
    store, other = Store(tmp_path / "store"), RunFolder(root=tmp_path / "other")
    assert not take_report(store, recipe, other)
    keep_report(store, recipe, run)
    assert take_report(Store(store.root), recipe, other)
    assert [(other.root / name).read_bytes() for name in FILES] == [
        (run.root / name).read_bytes() for name in FILES
    ]


@pytest.mark.parametrize(
    "file",
    [
        "harness/judge/rules.py",
        "harness/statistics/stats.py",
        "harness/statistics/resampling.py",
        "harness/designs/disparity/panels.py",
        "harness/report/templates/page.html",
        "harness/report/report.css",
        "harness/report/report.schema.json",
        "claims/sin2025/claims.py",
        "claims/sin2025/lock.json",
        "claims/miniature/claims.py",
    ],
)
def test_a_changed_byte_of_code_template_or_study_is_judged_anew(tmp_path: Path, file: str) -> None:
    folders = tuple(tmp_path / folder.name for folder in (HERE, CLAIMS))
    for source, folder in zip((HERE, CLAIMS), folders, strict=True):
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = key(tmp_path, folders=folders)
    assert before == key(tmp_path), "a copy of the same bytes elsewhere"
    changed = tmp_path / file
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert key(tmp_path, folders=folders) != before
    changed.write_bytes(changed.read_bytes()[:-1])
    (changed.parent / "__pycache__").mkdir(exist_ok=True)
    (changed.parent / "__pycache__" / "compiled.pyc").write_bytes(b"")
    assert key(tmp_path, folders=folders) == before
    changed.rename(changed.with_name(f"other_{changed.name}"))
    assert key(tmp_path, folders=folders) != before


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            replace(FACTS, run=replace(RUN, artifacts=(replace(ARTIFACT, digest="4" * 64),))),
            id="an artifact's bytes",
        ),
        pytest.param(replace(FACTS, run=replace(RUN, environment={"numpy": "2.4.7"})), id="a library"),
        pytest.param(replace(FACTS, mode=Mode.REHEARSAL), id="the mode"),
        pytest.param(replace(FACTS, run=replace(RUN, settings={"sizes.seeds": "4"})), id="a setting"),
    ],
)
def test_a_run_of_other_facts_is_judged_anew(tmp_path: Path, facts: RunFacts) -> None:
    assert key(tmp_path, facts) != key(tmp_path)


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(replace(INPUTS, asked=Asked(claims=("gap.l6.value",))), id="one claim"),
        pytest.param(replace(INPUTS, asked=Asked(fail_on=FailOn.NEVER)), id="how strictly"),
        pytest.param(replace(INPUTS, profile=load_profile(STUDY, "paper")), id="the profile"),
        pytest.param(replace(INPUTS, study=gridded(STUDY, Grid.ALL)), id="the grid"),
    ],
)
def test_what_is_asked_otherwise_is_judged_anew(tmp_path: Path, inputs: Inputs) -> None:
    assert key(tmp_path, inputs=inputs) != key(tmp_path)


@pytest.mark.parametrize("study", ["sin2025", "miniature"])
def test_another_printed_number_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str
) -> None:
    """Of the paper's claims as of those that check the judge, whatever stands on the disk."""
    before, load = key(tmp_path), kept_report.load_claims
    claims = load(study)
    place = next(place for place, claim in enumerate(claims) if claim.targets)
    first, *others = claims[place].targets
    moved = replace(first, printed=Printed("99"))
    claim = replace(claims[place], targets=(moved, *others))
    perturbed = (*claims[:place], claim, *claims[place + 1 :])
    monkeypatch.setattr(kept_report, "load_claims", lambda name: perturbed if name == study else load(name))
    inputs = replace(INPUTS)
    if study == STUDY.name:
        inputs.__dict__["claims"] = perturbed
    assert key(tmp_path, inputs=inputs) != before


def test_a_changed_byte_of_a_design_that_lies_elsewhere_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    import_module("elsewhere")
    inputs = replace(INPUTS, study=replace(STUDY, design="elsewhere.design"))
    inputs.__dict__["claims"] = ()
    before = key(tmp_path, inputs=inputs)
    (folder / "panels.py").write_text("PANELS = ()")
    assert key(tmp_path, inputs=inputs) != before


def test_another_lock_of_full_runs_is_judged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(tmp_path)
    monkeypatch.setattr(kept_report.LedgerFile, "locks_of", lambda self, study: frozenset({"5" * 64}))
    assert key(tmp_path) != before


def test_another_installed_distribution_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(tmp_path)
    (tmp_path / "matplotlib-9.9.9.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert key(tmp_path) != before


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(replace(FACTS, mode=Mode.FULL), id="evidence, which has its line in the ledger"),
        pytest.param(
            replace(FACTS, not_run=(NotRun(stage="phrases", reason="no-network", message="none"),)),
            id="no numbers",
        ),
    ],
)
def test_what_has_to_be_judged_each_time_is_never_kept(tmp_path: Path, facts: RunFacts) -> None:
    assert report_recipe(facts, INPUTS, tmp_path) is None


def test_the_recipe_names_every_fact_of_a_run_and_every_input_that_is_no_artifact() -> None:
    """A field that is new has to be thought of: artifacts are among the facts, each by its digest."""
    in_artifacts = {"estimates", "specified", "replays", "answers"}
    in_facts = {"run_id", "mode", "not_run"}
    assert {each.name for each in dataclasses.fields(Inputs)} == in_artifacts | in_facts | {
        *("study", "profile", "asked"),
    }


def test_a_damaged_report_is_judged_anew_and_replaced(tmp_path: Path, run: RunFolder, recipe: Recipe) -> None:
    store = Store(tmp_path / "store")
    keep_report(store, recipe, run)
    (kept,) = store.list()
    assert kept.recipe.stage == REPORT
    (kept.folder / FILES[0]).write_text("forged")
    other = RunFolder(root=tmp_path / "other")
    assert not take_report(Store(store.root), recipe, other)
    keep_report(Store(store.root), recipe, run)
    assert take_report(Store(store.root), recipe, other)
    assert Store(store.root).verify() == ()


def test_who_dies_while_keeping_leaves_nothing_that_is_taken(
    tmp_path: Path, run: RunFolder, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(source: Path, to: Path) -> None:
        to.write_bytes(source.read_bytes()[:2])
        raise KeyboardInterrupt

    store = Store(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", die)
        with pytest.raises(KeyboardInterrupt):
            keep_report(store, recipe, run)
    assert not take_report(Store(store.root), recipe, run)
    keep_report(Store(store.root), recipe, run)
    assert take_report(Store(store.root), recipe, run)


def test_a_store_that_cannot_be_written_keeps_none(
    tmp_path: Path, run: RunFolder, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_report, "may_write", lambda path: False)
    keep_report(Store(tmp_path / "store"), recipe, run)
    assert not (tmp_path / "store").exists()


def test_a_full_disk_costs_the_next_run_its_time(
    tmp_path: Path,
    run: RunFolder,
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(source: Path, to: Path) -> None:
        raise OSError(28, "No space left on device", str(to))

    monkeypatch.setattr(shutil, "copyfile", full)
    keep_report(Store(tmp_path / "store"), recipe, run)
    assert "this report is not kept for the next run" in caplog.text


def test_reports_are_listed_cleaned_and_never_shared(tmp_path: Path, run: RunFolder, recipe: Recipe) -> None:
    store = Store(tmp_path / "store")
    keep_report(store, recipe, run)
    assert [each.recipe.item for each in store.list()] == [RUN.id]
    assert list(push(store, place_at(f"file://{tmp_path}/place"), None)) == []
    assert len(store.clean((), remove=True)) == 1
    assert not take_report(Store(store.root), recipe, run)
