"""The main path: resumed after every kind of end, damage mended, one clear error, exact exit codes."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import harness.report.writer
import harness.run.doctor
import harness.run.reproduce
import harness.store.provenance
from claims.inaba2025.profiles import fixture as inaba2025_fixture
from harness import cli
from harness.report.document import Report
from harness.report.writer import closing_lines, load_report, write_report
from harness.run.artifacts import Recipes
from harness.run.engine import Engine
from harness.run.reproduce import reproduce
from harness.run.run_report import settings_of
from harness.run.stageprocess import run_stage
from harness.sources.pins import revision_of
from harness.sources.studies import load_profile, load_study
from harness.store.files import BusyError
from harness.store.provenance import AcceleratorMemory, VersionMismatchError
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.words.emergence import EmergenceSources
from harness.words.errors import (
    DamagedArtifactError,
    MissingSourceError,
    Reason,
    StageFailedError,
    UsageError,
)
from harness.words.judgement import Judgement
from harness.words.runfacts import RunFacts
from harness.words.study import Home
from tests.report import worlds
from tests.small_plan import SmallWorld, install, small_plan

ALL_ITEMS = 8


ODD_NAME = "-a {world}: #1\n'$HOME' %s ü"
"""A folder as people name it, whose every sign means something to some shell, template or file of settings."""


@pytest.fixture
def small(tmp_path: Path) -> SmallWorld:
    world = SmallWorld(tmp_path / ODD_NAME)
    world.root.mkdir()
    world.write()
    revision_of.cache_clear()
    return world


def start(small: SmallWorld, *words: str) -> subprocess.Popen[str]:
    """The whole command line in a process of its own, with the real Snakemake."""
    command = [*small.command, "reproduce", "--profile", "fixture", "--cores", "2", "--device", "cpu", *words]
    return subprocess.Popen(
        command,
        cwd=small.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As from a terminal: what runs behind a shell's "&" is born deaf to the keyboard.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for(small: SmallWorld, what: str, item: str) -> None:
    deadline = time.monotonic() + 120
    while item not in small.counted(what):
        assert time.monotonic() < deadline, f"{item} did not {what}"
        time.sleep(0.02)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def report_of(small: SmallWorld) -> dict[str, Any]:
    (path,) = small.root.glob("reports/*/report.json")
    return json.loads(path.read_text())


def outcomes(small: SmallWorld) -> list[str]:
    (path,) = small.root.glob("reports/*/execution.json")
    return [attempt["outcome"] for attempt in json.loads(path.read_text())["attempts"]]


def tear(run: Path) -> None:
    """What a power cut leaves of files that were not on the disk yet: nothing, zeros or a half; the record of attempts stays."""
    for place, path in enumerate(sorted(path for path in run.rglob("*") if path.is_file())):
        if path.name not in {"execution.json", "run.lock", "lock"}:
            whole = path.read_bytes()
            path.write_bytes((b"", bytes(len(whole)), whole[: len(whole) // 2])[place % 3])


@pytest.mark.slow
def test_killed_in_the_middle_and_resumed(small: SmallWorld) -> None:
    """Everything dies at once, and the run's folder is torn: only the item in the making is made again."""
    small.write(behaviour={"seconds": 0.4})
    first = start(small)
    wait_for(small, "start", "translations/ml")
    for process in (psutil.Process(first.pid), *family(first)):
        process.kill()
    finish(first)
    finished = small.counted("end")
    assert 0 < len(finished) < ALL_ITEMS
    tear(next(small.root.glob("reports/*")))
    small.write()
    code, out, err = finish(start(small))
    assert (code, err) == (0, "")
    assert "finished estimates" in out
    started = small.counted("start")
    assert sorted(small.counted("end")) == sorted(set(started))
    assert all(started.count(item) == 1 for item in finished)
    assert len(report_of(small)["artifacts"]) == ALL_ITEMS
    assert outcomes(small) == ["broken off", "finished"]

    before = small.tally.read_text()
    code, out, err = finish(start(small))
    assert (code, err) == (0, "")
    assert "nothing to do" in out
    assert small.tally.read_text() == before


@pytest.mark.slow
def test_only_the_command_dies_and_is_started_again(small: SmallWorld) -> None:
    """Its orphans are ended, since two engines would remove each other's outputs; finished items stay."""
    small.write(behaviour={"seconds": 0.4})
    first = start(small)
    wait_for(small, "start", "translations/ml")
    orphans = family(first)
    first.kill()
    finish(first)
    finished = small.counted("end")
    code, _, err = finish(start(small))
    assert (code, err) == (0, "")
    assert all(small.counted("start").count(item) == 1 for item in finished)
    assert not psutil.wait_procs(orphans, timeout=30)[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "outcome"),
    [
        pytest.param(signal.SIGINT, 130, "KeyboardInterrupt", id="the keyboard"),
        pytest.param(signal.SIGHUP, 129, "StoppedError", id="a terminal that is closed"),
    ],
)
def test_a_signal_ends_everything_within_seconds(
    small: SmallWorld, number: signal.Signals, code: int, outcome: str
) -> None:
    small.write(behaviour={"seconds": 30})
    process = start(small)
    wait_for(small, "start", "phrases/all")
    children = family(process)
    sent = time.monotonic()
    process.send_signal(number)
    found, out, _ = finish(process)
    assert (found, outcomes(small)) == (code, [outcome])
    assert time.monotonic() - sent < 15
    assert "what is finished is kept. Go on with: harness reproduce --study sin2025" in out
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


@pytest.mark.slow
def test_what_the_surroundings_leave_behind_changes_nothing(
    small: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell, a hook and a notebook left their variables, the folder is full of files, and nobody reads on."""
    for name in ("yaml", "random", "json", "numpy", "snakemake", "harness"):
        (small.root / f"{name}.py").write_text('raise SystemExit("a file of this folder")', encoding="utf-8")
    (small.root / "exits.sh").write_text("exit 7\n", encoding="utf-8")
    strays = {
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "error",
        "BASH_ENV": str(small.root / "exits.sh"),
        "SNAKEMAKE_DRY_RUN": "true",
        "TMPDIR": "/nowhere",
        "OMP_NUM_THREADS": "many",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    for name, value in strays.items():
        monkeypatch.setenv(name, value)
    process = start(small, "--out", "größe")
    process.stdout.close()
    process.stdout = None
    code, _, err = finish(process)
    assert (code, err) == (0, "")
    assert (small.root / "größe" / "report.json").is_file()
    assert len(small.counted("end")) == ALL_ITEMS


@pytest.mark.slow
def test_a_killed_stage_is_one_clear_error(small: SmallWorld) -> None:
    small.write(behaviour={"translations/ml": "die"})
    code, _, err = finish(start(small))
    assert code == 3
    assert err.startswith("error: stage translations ended without a word, perhaps killed for want of memory")
    assert "Traceback" not in err


@pytest.fixture
def here(small: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    """The main path in this process: stages run one after another, without Snakemake."""

    def make(self: Engine, on_tick: object) -> None:
        stages = [stage for stage in self.recipes.plan.stages if not self.run.index(stage.name).exists()]
        for place, stage in enumerate(stages):
            try:
                run_stage(self.recipes.plan, stage.name, Store(self.store), self.run)
            except Exception as error:
                raise self._failure([later.name for later in stages[place:]]) from error

    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    install(small, monkeypatch.setattr)
    monkeypatch.setattr(Engine, "make", make)
    return small


def ask(small: SmallWorld, *, out: str = "run", store: str = "store") -> tuple[int, list[str]]:
    request = harness.run.reproduce.Request(
        study="small",
        profile="fixture",
        device="cpu",
        store=small.root / store,
        reports=small.root / "reports",
        out=small.root / out,
        cores=1,
    )
    said: list[str] = []
    return reproduce(request, said.append), said


def test_the_same_again_is_nothing_to_do(here: SmallWorld) -> None:
    assert ask(here)[0] == 0
    report = (here.root / "run" / "report.json").read_bytes()
    code, said = ask(here)
    assert code == 0
    assert [line.partition(":")[0] for line in said[1:3]] == ["nothing to do", "nothing to judge"]
    assert said[-1] == f"report in {here.root / 'run'}"
    assert len(here.counted("start")) == ALL_ITEMS
    assert (here.root / "run" / "report.json").read_bytes() == report


def test_a_report_does_not_depend_on_where_or_in_how_many_attempts(here: SmallWorld) -> None:
    ask(here, out="one", store="first")
    here.write(behaviour={"translations/mr": "raise"})
    with pytest.raises(StageFailedError, match="the sky fell"):
        ask(here, out="two", store="second")
    here.write()
    ask(here, out="two", store="second")
    one, two = ((here.root / name / "report.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_execution_record_counts_attempts(here: SmallWorld) -> None:
    here.write(behaviour={"translations/mr": "raise"})
    with pytest.raises(StageFailedError):
        ask(here)
    here.write()
    ask(here)
    content = json.loads((here.root / "run" / "execution.json").read_text())
    assert [attempt["outcome"] for attempt in content["attempts"]] == ["StageFailedError", "finished"]
    (translations,) = (stage for stage in content["stages"] if stage["stage"] == "translations")
    assert (translations["attempts"], translations["items_made"], translations["items_found"]) == (2, 3, 2)


def test_damage_found_before_the_start_is_mended(here: SmallWorld) -> None:
    ask(here)
    (stored,) = here.root.glob("store/objects/phrases/*/*/text.txt")
    stored.write_text("edited")
    code, said = ask(here)
    assert code == 0
    assert "text.txt is damaged" in said[1]
    assert here.counted("start").count("phrases/all") == 2
    assert len(here.counted("start")) == ALL_ITEMS + 1


def test_damage_during_the_run_is_mended_once(here: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    make, times = Engine.make, []

    def damaging(self: Engine, on_tick: object) -> None:
        times.append(1)
        if len(times) == 1:
            plan = self.recipes.plan
            run_stage(plan, "phrases", Store(self.store), self.run)
            (stored,) = self.store.glob("objects/phrases/*/*/text.txt")
            stored.write_text("edited")
        make(self, on_tick)

    monkeypatch.setattr(Engine, "make", damaging)
    code, said = ask(here)
    assert code == 0
    assert len(times) == 2
    assert any("Looking through the store once more" in line for line in said)


def test_damage_that_comes_back_is_a_malfunction(here: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Store, stage: str, key: str) -> None:
        raise DamagedArtifactError("the disk lies")

    monkeypatch.setattr(Store, "get", broken)
    with pytest.raises(StageFailedError, match="the disk lies") as error:
        ask(here)
    assert error.value.exit_code == 3


@pytest.fixture
def told(here: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    """The command line with the real report, on tables that stand in for what the small stages lack."""

    def write(
        facts: RunFacts, estimates: Path, self_checks: Path, out: Path, judgement: Judgement | None
    ) -> Report:
        differing = int(str(here.read().get("differing", 0)))
        rows = [row for row in worlds.estimates() if row.quantity == "gain"]
        tables = worlds.store(here.root / "tables", rows, worlds.checks(differing=differing))
        return write_report(facts, *tables, out, judgement)

    monkeypatch.chdir(here.root)
    monkeypatch.setattr(harness.report.writer, "write_report", write)
    monkeypatch.setattr(harness.report.writer, "closing_lines", closing_lines)
    monkeypatch.setattr(harness.report.writer, "load_report", load_report)
    return here


def tell(device: str = "cpu") -> int:
    return cli.exit_code_of(["reproduce", "--out", "run", "--device", device])


def not_run(told: SmallWorld) -> dict[str, str]:
    report = json.loads((told.root / "run" / "report.json").read_text())
    assert report["summary"]["exit_code"] == (5 if report["not_run"] else 0)
    return {entry["stage"]: entry["reason"] for entry in report["not_run"]}


@pytest.mark.parametrize(
    ("differing", "ending"),
    [
        pytest.param(
            0, ["14 of 14 self-checks agree.", "  exit 0   every check agrees"], id="every check agrees"
        ),
        pytest.param(
            1,
            ["13 of 14 self-checks agree.", "  exit 1   something differs from what is known"],
            id="one differs",
        ),
    ],
)
def test_self_checks_decide_the_exit_code(
    told: SmallWorld, capsys: pytest.CaptureFixture[str], differing: int, ending: list[str]
) -> None:
    told.write(differing=differing)
    assert tell() == differing
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[-5:] == [
        "FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER",
        f"  outcome  It measured 9 numbers; {ending[0]}",
        "  report   run/report.html",
        "  summary  run/summary.md",
        ending[1],
    ]


@pytest.mark.parametrize("left", [b"", b"\0\0\0", b'{"attempts": [{"st', b"\xff", b"[]"])
def test_torn_records_of_a_run_are_written_anew(here: SmallWorld, left: bytes) -> None:
    here.write(behaviour={"translations/mr": "raise"})
    with pytest.raises(StageFailedError):
        ask(here)
    here.write()
    run = here.root / "run"
    for path in (run / "execution.json", *run.glob("stages/*"), *run.glob("errors/*"), *run.glob("events/*")):
        path.write_bytes(left)
    assert list(RunFolder(root=run).read_failures()) == []
    assert ask(here)[0] == 0
    record = json.loads((run / "execution.json").read_text())
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["finished"]
    assert {row["attempts"] for row in record["stages"] if row["stage"] == "estimates"} == {1}


@pytest.mark.parametrize("option", ["out", "store"])
def test_a_folder_that_can_hold_no_run_is_refused_before_anything_is_done(
    here: SmallWorld, option: str
) -> None:
    (here.root / "file").touch()
    with pytest.raises(UsageError, match="file is a file; name a folder"):
        ask(here, **{option: "file"})
    assert here.counted("start") == []


def test_without_a_network_there_is_a_report_all_the_same(
    told: SmallWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write(behaviour={"translations/ml": "no network"})
    assert tell() == 5
    captured = capsys.readouterr()
    assert captured.err == (
        "error: stage translations, item ml: small source cannot be fetched: no network\n"
    )
    assert captured.out.splitlines()[-1] == "  exit 5   nothing was judged"
    assert "what is finished is kept. Go on with: harness reproduce" in captured.out
    assert not_run(told) == {
        "translations": "no-network",
        "benchmarks": "upstream-not-run",
        "estimates": "upstream-not-run",
    }
    told.write()
    assert tell() == 0
    assert not_run(told) == {}
    assert told.counted("start").count("phrases/all") == 1


def test_without_an_accelerator_nothing_starts(
    told: SmallWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness.run.doctor, "accelerator_problem", lambda: "no driver is loaded")
    assert tell("cuda") == 5
    said = capsys.readouterr().err
    assert said.startswith("error: this machine cannot run it: accelerator: no driver is loaded; ")
    assert said.endswith(", or say --device cpu\n")
    assert set(not_run(told).values()) == {"no-accelerator"}
    assert len(not_run(told)) == 4
    assert told.counted("start") == []


def test_with_an_accelerator_it_goes_on(told: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    plenty = AcceleratorMemory(free_bytes=2**40, total_bytes=2**40)
    monkeypatch.setattr(harness.run.doctor, "accelerator_problem", lambda: None)
    monkeypatch.setattr(harness.run.doctor, "accelerator_memory", lambda: plenty)
    monkeypatch.setattr(harness.run.doctor, "require_engine_library", lambda: None)
    assert tell("cuda") == 0


def test_what_stands_needs_no_accelerator(told: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is finished is judged again on any machine."""
    plenty = AcceleratorMemory(free_bytes=2**40, total_bytes=2**40)
    monkeypatch.setattr(harness.run.doctor, "accelerator_problem", lambda: None)
    monkeypatch.setattr(harness.run.doctor, "accelerator_memory", lambda: plenty)
    monkeypatch.setattr(harness.run.doctor, "require_engine_library", lambda: None)
    assert tell("cuda") == 0
    monkeypatch.setattr(harness.run.doctor, "accelerator_problem", lambda: "no driver is loaded")
    assert tell("cuda") == 0


def test_what_a_machine_lacks_that_a_run_does_without_is_told(
    told: SmallWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    assert tell() == 0
    assert "room for the store: 0.0 GiB free at " in capsys.readouterr().out


def test_without_a_network_a_missing_accelerator_is_told_as_well(
    told: SmallWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(_: object) -> str:
        raise MissingSourceError("small source cannot be fetched: no network", reason=Reason.NO_NETWORK)

    monkeypatch.setattr(harness.run.reproduce, "revision_of", silent)
    monkeypatch.setattr(harness.store.provenance, "accelerator_problem", lambda: "no driver is loaded")
    assert tell("cuda") == 5
    said = capsys.readouterr().err
    assert said.startswith(
        "error: small source cannot be fetched: no network; besides, this machine cannot run on cuda: no driver is loaded; "
    )
    assert set(not_run(told).values()) == {"no-network"}


def test_every_need_that_is_not_met_is_counted(
    told: SmallWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is broken comes before what cannot be had, as it does when stages fail side by side."""

    def changed() -> None:
        raise VersionMismatchError("torch 1.0 is installed")

    monkeypatch.setattr(harness.run.doctor, "accelerator_problem", lambda: "no driver is loaded")
    monkeypatch.setattr(harness.run.doctor, "check_versions", changed)
    assert tell("cuda") == 3
    said = capsys.readouterr().err
    assert said.startswith(
        "error: this machine cannot run it: libraries: torch 1.0 is installed; 1 more need is not met: "
    )
    assert said.endswith("'harness doctor --study small --profile fixture --device cuda' lists them\n")


def test_what_broke_is_told_before_what_could_not_be_had(here: SmallWorld) -> None:
    """Two stages fail side by side: the run is a malfunction, and leaves no report."""
    here.write(behaviour={"benchmarks/hi": "no network", "translations/hi": "raise"})
    recipes = Recipes(plan=small_plan(here))
    run = RunFolder(root=here.root / "run")
    run_stage(recipes.plan, "phrases", Store(here.root / "store"), run)
    for stage in ("benchmarks", "translations"):
        with pytest.raises(Exception, match=r"no network|the sky fell"):
            run_stage(recipes.plan, stage, Store(here.root / "store"), run)
    engine = Engine(recipes=recipes, run=run, store=here.root, study="s", profile="p", device="cpu", cores=1)
    error = engine._failure(["benchmarks", "translations"])
    assert (error.exit_code, str(error)) == (3, "stage translations, item hi: RuntimeError: the sky fell")


@pytest.mark.slow
def test_another_run_in_the_same_folder_is_refused(here: SmallWorld) -> None:
    here.write(behaviour={"seconds": 5})
    holder = start(here, "--out", "run")
    wait_for(here, "start", "phrases/all")
    try:
        with pytest.raises(BusyError, match=f"in use by process {holder.pid}"):
            ask(here)
    finally:
        os.kill(holder.pid, signal.SIGTERM)
        code, out, _ = finish(holder)
    assert code == 143
    assert "what is finished is kept" in out


def test_the_facts_of_a_run(here: SmallWorld) -> None:
    ask(here)
    content = json.loads((here.root / "run" / "report.json").read_text())
    assert content["mode"] == "fixture"
    assert len(content["run_id"]) == 16
    assert len(content["artifacts"]) == ALL_ITEMS
    assert RunFolder(root=here.root / "run").read_index("estimates") is not None


def test_a_report_holds_the_settings_of_its_run() -> None:
    study = load_study("sin2025")
    profile = load_profile(study, "fixture")
    settings = dict(settings_of(study, profile))
    assert settings["sizes.latents_per_layer"] == "80"
    assert settings["sizes.control_seeds"] == "1"
    without = replace(profile, sizes=replace(profile.sizes, control_seeds=()))
    assert dict(settings_of(study, without))["sizes.control_seeds"] == "none"
    assert settings["specification.alignment.target_modules"] == "q_proj, v_proj"
    assert settings["specification.pooling"] == "mean"


def test_by_default_the_folder_is_named_by_the_inputs(here: SmallWorld) -> None:
    request = harness.run.reproduce.Request(
        study="small",
        profile="fixture",
        device="cpu",
        store=here.root / "s",
        reports=here.root / "r",
        cores=1,
    )
    reproduce(request, lambda line: None)
    (folder,) = (here.root / "r").iterdir()
    run_id = json.loads((folder / "report.json").read_text())["run_id"]
    assert folder.name == f"fixture-{run_id[:12]}"


@pytest.mark.parametrize(
    ("cores", "gpus", "shards", "home", "found"),
    [
        pytest.param(2, None, 2, Home.FOLDER, 2, id="as the miniature names"),
        pytest.param(8, None, 2, Home.FOLDER, 2, id="and no more"),
        pytest.param(1, None, 2, Home.FOLDER, 1, id="a core each"),
        pytest.param(2, None, 1, Home.FOLDER, 1, id="one unless it names some"),
        pytest.param(2, None, 2, Home.HUB_MODEL, 1, id="true models are held once"),
        pytest.param(2, 3, 1, Home.FOLDER, 3, id="as asked for"),
    ],
)
def test_a_processor_shares_stages_out_as_a_miniature_names(
    cores: int, gpus: int | None, shards: int, home: Home, found: int
) -> None:
    profile = inaba2025_fixture()
    assert isinstance(profile.sources, EmergenceSources)
    first, *others = profile.sources.cells
    cells = (replace(first, pin=replace(first.pin, home=home)), *others)
    profile = replace(profile, shards=shards, sources=replace(profile.sources, cells=cells))
    request = harness.run.reproduce.Request(
        study="inaba2025", profile="fixture", device="cpu", store=Path(), reports=Path(), cores=cores, gpus=gpus
    )  # fmt: skip
    assert harness.run.reproduce.devices_of(request, profile) == tuple(map(str, range(found)))


@pytest.mark.slow
def test_two_accelerators_share_the_work_and_give_the_same_bytes(small: SmallWorld) -> None:
    """Faked on a processor: each part has a device to itself, and no two at once have the same."""
    small.write(uses_model=True, behaviour={"seconds": 0.3})
    assert finish(start(small))[0] == 0
    whole, indexes = report_of(small), stored_indexes(small)
    assert not small.counted("device-")
    for folder in ("reports", ".store"):
        shutil.rmtree(small.root / folder)
    small.tally.unlink()
    code, out, err = finish(start(small, "--gpus", "2"))
    assert (code, err) == (0, ""), out
    assert (report_of(small), stored_indexes(small)) == (whole, indexes)
    assert len(small.counted("start")) == ALL_ITEMS
    devices = {place: device for device in "01" for place in small.counted(f"device-{device}")}
    assert set(devices.values()) == {"0", "1"}
    assert len(devices) == 6
    busy: dict[str, str] = {}
    for line in small.tally.read_text().splitlines():
        what, place = line.split()
        if what == "start" and place in devices:
            assert devices[place] not in busy, f"{place} and {busy} share a device"
            busy[devices[place]] = place
        elif what == "end" and place in devices:
            del busy[devices[place]]


def stored_indexes(small: SmallWorld) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in small.root.glob("reports/*/stages/*.json")}
