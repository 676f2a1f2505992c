"""Killed at random moments and started again: nothing finished is done twice, and the report is the same bytes."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from tests.proof.smallruns import SmallRun, kill_command_alone, kill_everything, wait

MOMENTS = 10
"""Kills of each kind; each at a random share of the time that an undisturbed run takes."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """The report of a run that nobody disturbs, and the seconds it takes."""
    run = SmallRun.in_folder(tmp_path_factory.mktemp("undisturbed") / "world")
    started = time.monotonic()
    code, _, err = run.finished()
    assert (code, err) == (0, "")
    return run.report, time.monotonic() - started


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize(
    "kill", [kill_everything, kill_command_alone], ids=["the whole group", "the command alone"]
)
def test_a_kill_at_any_moment_loses_and_changes_nothing(
    tmp_path: Path, undisturbed: tuple[bytes, float], kill: Callable[[Popen[str]], None], moment: int
) -> None:
    report, seconds = undisturbed
    rng = random.Random(f"{kill.__name__}/{moment}")
    run = SmallRun.in_folder(tmp_path / "world")
    process = run.start()
    wait(process, rng.uniform(0.05, 0.95) * seconds)
    (kill if process.poll() is None else kill_command_alone)(process)
    published = run.published()
    time.sleep(rng.uniform(0, 0.5))
    # What orphans have finished meanwhile stands too.
    published = published | run.published()
    code, _, err = run.finished()
    assert (code, err) == (0, "")
    started = run.world.counted("start")
    assert all(started.count(item) == 1 for item in published)
    assert run.report == report
    assert run.outcomes[-1] == "finished"


def test_killed_again_and_again_it_gets_there_all_the_same(
    tmp_path: Path, undisturbed: tuple[bytes, float]
) -> None:
    report, seconds = undisturbed
    rng = random.Random("again and again")
    run = SmallRun.in_folder(tmp_path / "world")
    for _ in range(5):
        process = run.start()
        wait(process, rng.uniform(0.3, 0.8) * seconds)
        kill = rng.choice([kill_everything, kill_command_alone])
        (kill if process.poll() is None else kill_command_alone)(process)
    code, _, err = run.finished()
    assert (code, err, run.report) == (0, "", report)


def test_a_second_run_in_the_same_folder_says_who_holds_it_and_ends(tmp_path: Path) -> None:
    run = SmallRun.in_folder(tmp_path / "world", seconds=2)
    first = run.start()
    while not run.world.counted("start"):
        time.sleep(0.05)
    code, _, err = run.finished()
    assert code == 3
    assert f"is in use by process {first.pid}" in err
    assert "Traceback" not in err
    kill_everything(first)
