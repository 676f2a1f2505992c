"""The main path: resumed after every kind of end, damage mended, one clear error, exact exit codes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

import harness.reproduce
from harness.disk import BusyError
from harness.engine import Engine
from harness.failures import DamagedArtifactError, StageFailedError
from harness.reproduce import reproduce
from harness.runfolder import RunFolder
from harness.sources import revision_of
from harness.stageprocess import run_stage
from harness.store import Store
from tests.small_plan import SmallWorld, install

ALL_ITEMS = 8


@pytest.fixture
def small(tmp_path: Path) -> SmallWorld:
    world = SmallWorld(tmp_path / "world")
    world.root.mkdir()
    world.write()
    revision_of.cache_clear()
    return world


def start(small: SmallWorld, *words: str) -> subprocess.Popen[str]:
    """The whole command line in a process of its own, with the real Snakemake."""
    command = [*small.command, "reproduce", "--profile", "fixture", "--cores", "2", "--device", "cpu", *words]
    return subprocess.Popen(
        command, cwd=small.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for(small: SmallWorld, what: str, item: str) -> None:
    deadline = time.monotonic() + 30
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


@pytest.mark.slow
def test_killed_in_the_middle_and_resumed(small: SmallWorld) -> None:
    """Everything dies at once: only the item in the making is made again."""
    small.write(behaviour={"seconds": 0.4})
    first = start(small)
    wait_for(small, "start", "translations/ml")
    for process in (psutil.Process(first.pid), *family(first)):
        process.kill()
    finish(first)
    finished = small.counted("end")
    assert 0 < len(finished) < ALL_ITEMS
    small.write()
    code, out, err = finish(start(small))
    assert (code, err) == (0, "")
    assert "finished estimates" in out
    started = small.counted("start")
    assert sorted(small.counted("end")) == sorted(set(started))
    assert all(started.count(item) == 1 for item in finished)
    assert len(report_of(small)["artifacts"]) == ALL_ITEMS
    assert outcomes(small) == ["broken off", "finished"]

    before = time.process_time(), small.tally.read_text()
    code, out, err = finish(start(small))
    assert (code, err) == (0, "")
    assert "nothing to do" in out
    assert small.tally.read_text() == before[1]


@pytest.mark.slow
def test_only_the_command_dies_and_is_started_again(small: SmallWorld) -> None:
    """Its orphans go on; the second run waits for what they make, and nothing is made twice."""
    small.write(behaviour={"seconds": 0.4})
    first = start(small)
    wait_for(small, "start", "translations/ml")
    orphans = family(first)
    first.kill()
    finish(first)
    code, _, err = finish(start(small))
    assert (code, err) == (0, "")
    assert len(small.counted("start")) == ALL_ITEMS
    psutil.wait_procs(orphans, timeout=10)


@pytest.mark.slow
def test_the_keyboard_ends_everything_within_seconds(small: SmallWorld) -> None:
    small.write(behaviour={"seconds": 30})
    process = start(small)
    wait_for(small, "start", "phrases/all")
    children = family(process)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    found, out, _ = finish(process)
    assert found == 130
    assert time.monotonic() - sent < 8
    assert "what is finished is kept. Go on with: harness reproduce --study sin2025" in out
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


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
    request = harness.reproduce.Request(
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
    assert said[-1].startswith("nothing to do")
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


def test_by_default_the_folder_is_named_by_the_inputs(here: SmallWorld) -> None:
    request = harness.reproduce.Request(
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
