"""Snakemake only schedules: another engine that follows the same wiring leaves the same bytes, and a container keeps every key."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.run.artifacts import Recipes
from harness.run.engine import Engine
from harness.sources.pins import revision_of
from harness.store.run_folder import RunFolder
from tests.proof.smallruns import SmallRun
from tests.small_plan import small_plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """The small plan, run as it usually is."""
    run = SmallRun.in_folder(tmp_path_factory.mktemp("usual") / "world", seconds=0)
    code, _, err = run.finished()
    assert (code, err) == (0, "")
    return run


def makefile(wiring: list[dict[str, object]]) -> str:
    """The wiring as rules of make."""
    rules = [f"all: {' '.join(str(job['output']) for job in wiring)}\n.PHONY: all\n"]
    for job in wiring:
        inputs = " ".join(map(str, job["inputs"]))
        mark = ["\t@mkdir -p $(@D) && touch $@"] if job["is_part"] else []
        rules.append("\n".join([f"{job['output']}: {inputs}", f"\t@{job['command']}", *mark]) + "\n")
    return "\n".join(rules)


@pytest.mark.skipif(shutil.which("make") is None, reason="a condition: needs GNU make")
@pytest.mark.parametrize("devices", [(), ("0", "1")], ids=["a process a stage", "shared out"])
def test_make_leaves_the_same_bytes(usual: SmallRun, tmp_path: Path, devices: tuple[str, ...]) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=0)
    run.world.write(uses_model=bool(devices))
    revision_of.cache_clear()
    recipes = Recipes(plan=small_plan(run.world))
    folder = RunFolder(root=run.world.root / "reports" / f"fixture-{recipes.run_id()[:12]}")
    engine = Engine(
        recipes=recipes, run=folder, store=run.world.root / ".store", study="sin2025", profile="fixture", device="cpu",
        cores=2, devices=devices, command=run.world.command,
    )  # fmt: skip
    engine.wire()
    wiring = json.loads((folder.engine / "wiring.json").read_text())
    (folder.engine / "Makefile").write_text(makefile(wiring))
    done = subprocess.run(["make", "-j2"], cwd=folder.engine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code, out, err = run.finished()
    assert (code, err) == (0, "")
    assert "nothing to do" in out
    assert run.report == usual.report
    (theirs,) = usual.world.root.glob("reports/*/stages")
    ours = {path.name: path.read_bytes() for path in (folder.root / "stages").iterdir()}
    assert ours == {path.name: path.read_bytes() for path in theirs.iterdir()}


def test_a_command_that_enters_a_container_keeps_every_key(usual: SmallRun, tmp_path: Path) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=0)
    entered = tmp_path / "entered"
    container = tmp_path / "apptainer"
    container.write_text(f'#!/bin/sh\necho "$*" >> "{entered}"\nshift 3\nexec "$@"\n')
    container.chmod(0o755)
    inside = f"{container} exec --nv harness.sif {' '.join(run.world.command)}"
    process = run.start("--stage-command", inside)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert len(entered.read_text().splitlines()) == 4, "every stage, and nothing else"
    assert run.report == usual.report


def test_a_container_with_other_libraries_is_told_as_such(tmp_path: Path) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=0)
    other = tmp_path / "other.py"
    other.write_text(
        "import sys\nfrom pathlib import Path\nfrom harness.store import provenance\n"
        "provenance.LIBRARIES = (*provenance.LIBRARIES, 'nox')\n"
        "from tests.small_plan import SmallWorld, install\ninstall(SmallWorld(Path(sys.argv.pop(1))))\n"
        "from harness.cli import main\nmain()\n"
    )
    root = Path(__file__).parents[2]
    command = f"env PYTHONPATH={root} {sys.executable} {other} {run.world.root}"
    process = run.start("--stage-command", command)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "--stage-command computes other names of artifacts than this command does" in err
