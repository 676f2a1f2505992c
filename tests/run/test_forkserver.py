"""Stages as copies of one process: what they are given, how they end, and when there are none."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from claims.inaba2025 import study as inaba2025
from claims.inaba2025.profiles import fixture as inaba2025_fixture
from claims.sin2025 import study as sin2025
from claims.sin2025.profiles import fixture as sin2025_fixture
from harness.designs.design import plan
from harness.run import forkserver
from harness.run.artifacts import Recipes
from harness.run.cluster import Cluster
from harness.run.engine import Engine
from harness.run.forkserver import ADDRESS, VARIABLE
from harness.store.run_folder import RunFolder
from harness.words.study import Profile, Study
from tests.small_plan import SmallWorld, install, small_plan

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
from harness.run.forkserver import hand_over
hand_over()
"""
SERVER = [sys.executable, "-m", forkserver.__name__]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name is longer than addresses may be."""
    folder = tmp_path / ("engine" * 20)
    folder.mkdir()
    return folder


def engine(folder: Path, body: str, *lines: str) -> subprocess.Popen[str]:
    """A server whose engine is a shell, in which `$PROGRAM` is a program that hands over what it does."""
    program = folder / "program.py"
    program.write_text(PROGRAM + body, encoding="utf-8")
    words = shlex.join([sys.executable, str(program)])
    shell = "\n".join(lines).replace("$PROGRAM", words)
    return subprocess.Popen(
        [*SERVER, "1", json.dumps(["fractions", "none.such"]), "sh", "-c", shell],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=60)
    return out, err


def test_a_copy_has_the_words_folder_environment_and_streams_of_whom_it_stands_for(folder: Path) -> None:
    body = """
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("TOLD"), os.environ.get("HARNESS_FORKSERVER")]))
print("fractions" in sys.modules, sys.stdin.read().strip(), file=sys.stderr)
"""
    (folder / "deep").mkdir()
    served = engine(
        folder, body, "ln -s ../forkserver deep/forkserver; cd deep; echo read | TOLD=so $PROGRAM a 'b c'"
    )
    out, err = finished(served)
    assert json.loads(out) == [["a", "b c"], str(folder / "deep"), "so", None]
    assert err == "True read\n"


def test_where_no_server_listens_a_process_works_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forkserver.hand_over()
    monkeypatch.setenv(VARIABLE, ADDRESS)
    forkserver.hand_over()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("sys.exit(7)", 7),
        ("raise RuntimeError", 1),
        ("pass", 0),
        ("os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM)", 128 + signal.SIGTERM),
        ("signal.raise_signal(signal.SIGINT)", 128 + signal.SIGINT),
    ],
)
def test_whoever_hands_over_ends_as_the_copy_ends(folder: Path, body: str, code: int) -> None:
    out, _ = finished(engine(folder, body, "$PROGRAM", "echo $?"))
    assert out == f"{code}\n"


def test_copies_work_at_the_same_time(folder: Path) -> None:
    body = """
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists(): time.sleep(0.01)
"""
    out, err = finished(engine(folder, body, "$PROGRAM a b & $PROGRAM b a", "wait; echo both"))
    assert (out, err) == ("both\n", "")


def copy_of(process: subprocess.Popen[str], folder: Path) -> psutil.Process:
    """The copy that writes its number into a file."""
    deadline = time.monotonic() + 30
    while not (folder / "copy").exists() or not (folder / "copy").read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return psutil.Process(int((folder / "copy").read_text()))


SLEEPER = """
Path("copy").write_text(str(os.getpid()))
time.sleep(60)
"""


def test_a_copy_ends_with_whom_it_stands_for(folder: Path) -> None:
    served = engine(folder, SLEEPER, "exec $PROGRAM & echo $!; wait; sleep 60")
    copy = copy_of(served, folder)
    assert served.stdout
    os.kill(int(served.stdout.readline()), signal.SIGKILL)
    assert not psutil.wait_procs([copy], timeout=30)[1]
    assert served.poll() is None, "the server serves on"
    os.killpg(served.pid, signal.SIGKILL)
    served.communicate()


def test_whoever_waits_for_a_server_that_is_killed_ends_and_begins_nothing_anew(folder: Path) -> None:
    served = engine(folder, SLEEPER, "trap '' TERM; $PROGRAM; echo $? > code; ls copy* > copies")
    copy = copy_of(served, folder)
    served.kill()
    deadline = time.monotonic() + 30
    while not (folder / "copies").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    copy.kill()
    served.communicate()
    assert (folder / "code").read_text() == f"{128 + signal.SIGKILL}\n"


def test_a_signal_to_all_of_them_lets_the_engine_end_in_order(folder: Path) -> None:
    """The server waits for the engine; a copy hears the signal itself."""
    served = engine(folder, SLEEPER, "trap 'sleep 0.5; echo in order; exit' TERM", "$PROGRAM & wait")
    copy = copy_of(served, folder)
    os.killpg(served.pid, signal.SIGTERM)
    out, _ = finished(served)
    assert out == "in order\n"
    assert not psutil.wait_procs([copy], timeout=30)[1]


def test_where_there_can_be_no_socket_the_engine_starts_without_a_server(folder: Path) -> None:
    (folder / ADDRESS).mkdir()
    (folder / ADDRESS / "file").touch()
    out, err = finished(engine(folder, "print(os.getppid())", "echo $$; $PROGRAM"))
    shell, parent = out.split()
    assert (shell, err) == (parent, "")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    world = SmallWorld(tmp_path / "world")
    world.root.mkdir()
    world.write(uses_model=True)
    install(world, monkeypatch.setattr)
    run = RunFolder(root=tmp_path / "run")
    return Engine(
        recipes=Recipes(plan=small_plan(world)), run=run, store=tmp_path, study="small", profile="fixture", device="cpu", cores=2
    )  # fmt: skip


def test_the_engine_is_served_on_a_processor_of_this_environment_alone(small: Engine) -> None:
    assert forkserver.__name__ in small._command()
    for other in (
        replace(small, device="cuda"),
        replace(small, command=("apptainer", "exec", "harness.sif", "harness")),
        replace(small, cluster=Cluster(executor="slurm")),
    ):
        assert forkserver.__name__ not in other._command()


@pytest.mark.parametrize(
    ("study", "profile", "named"),
    [
        pytest.param(sin2025.STUDY, sin2025_fixture(), {"transformers", "peft", "lm_eval", "sae_lens"}, id="sin2025"),
        pytest.param(inaba2025.STUDY, inaba2025_fixture(), {"transformers"}, id="inaba2025"),
    ],
)  # fmt: skip
def test_what_is_loaded_is_what_the_missing_stages_name(
    small: Engine, study: Study, profile: Profile, named: set[str]
) -> None:
    """A run of which estimates alone are missing does not load what networks need."""
    engine = replace(small, recipes=Recipes(plan=plan(study, profile, "cpu")))
    stages = engine.recipes.plan.stages

    def loaded() -> set[str]:
        words = engine._command()
        return set(json.loads(words[words.index(forkserver.__name__) + 2]))

    networks = {name for name in forkserver.LOADED_WHEN_RUN if name.partition(".")[0] in named}
    assert loaded() == {stage.module for stage in stages} | {*forkserver.LOADED_BY_ALL} | networks
    for stage in stages:
        if stage.name != "estimates":
            engine.run.write_index(stage.name, ())
    assert loaded() == {engine.recipes.plan.stage("estimates").module, *forkserver.LOADED_BY_ALL}


RUNS_A_STAGE = """
import json, sys
from harness.run import forkserver
forkserver._load(json.loads(sys.argv[1]), 1)
before = {name.partition(".")[0] for name in sys.modules}
from harness.cli import exit_code_of
code = exit_code_of(["stage", *sys.argv[2:]])
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules} - before)]))
"""


def test_a_copy_loads_no_library_of_its_own(small: Engine, tmp_path: Path) -> None:
    """Each of a dozen copies would load it anew: pandas, for which pyarrow looks with the first table, takes half a second."""
    engine = replace(small, recipes=Recipes(plan=plan(inaba2025.STUDY, inaba2025_fixture(), "cpu")))
    for stage in ("corpus", "model-checks"):
        words = [
            stage,
            "--study",
            "inaba2025",
            "--store",
            str(tmp_path / "s"),
            "--run",
            str(tmp_path / "r"),
            "--device",
            "cpu",
        ]
        told = [sys.executable, "-c", RUNS_A_STAGE, json.dumps(engine._modules()), *words]
        done = subprocess.run(told, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout.splitlines()[-1]) == [0, ["claims"]]
