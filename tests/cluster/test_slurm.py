"""The whole command line on a real SLURM of two nodes: whatever is killed, nothing is finished twice, and the report is the same."""

import json
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.throwaway import Slurm, missing, until
from tests.proof.smallruns import SmallRun, kill_everything

QUICK = "slurm-init-seconds-before-status-checks: 2\nseconds-between-status-checks: 2\nlatency-wait: 20\n"
"""So that a test waits for jobs, and not for the next look at them."""

ITEMS = 8
PATIENCE_SECONDS = 900
"""A minute or two where nothing else runs."""
EMPTY_SECONDS = 60
"""By then, no job of a run that was interrupted is in the queue."""

pytestmark = pytest.mark.slow


def on_slurm(
    tmp_path: Path, *, seconds: float, settings: str = "", **world: object
) -> tuple[SmallRun, tuple[str, ...]]:
    """A fresh world, and the words that send it to the cluster."""
    run = SmallRun.in_folder(tmp_path / "world", seconds)
    run.world.write(behaviour={"seconds": seconds}, **world)
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text(QUICK + settings)
    return run, ("--executor", "slurm", "--cluster-profile", str(profile))


def finished(run: SmallRun, *words: str) -> None:
    process = run.start(*words)
    _, err = ended(process)
    assert (process.returncode, err) == (0, ""), log_of(run)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Output and errors of a command; one that takes too long is ended, and its jobs with it."""
    try:
        return process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=2 * EMPTY_SECONDS)
        raise


def log_of(run: SmallRun) -> str:
    return "\n".join(path.read_text() for path in run.world.root.glob("reports/*/run.log"))


def expect_each_once(run: SmallRun) -> None:
    ended = Counter(run.world.counted("end"))
    assert (len(ended), set(ended.values())) == (ITEMS, {1})


def started(run: SmallRun, count: int) -> None:
    """Wait until so many items have been begun."""
    until(lambda: len(run.world.counted("start")) >= count, f"{count} items are begun", 120)


def hosts(run: SmallRun) -> set[str]:
    (path,) = run.world.root.glob("reports/*/execution.json")
    return {place["host"] for row in json.loads(path.read_text())["stages"] for place in row["ran_on"]}


def test_undisturbed_on_two_nodes_with_an_accelerator_each(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run, words = on_slurm(tmp_path, seconds=0.3, uses_model=True)
    finished(run, *words, "--device", "cuda", "--gpus", "2")
    expect_each_once(run)
    assert run.report == local
    assert {"node1", "node2"} <= hosts(run)
    assert len(run.world.counted("device-0")) == 6, "SLURM gave each job with a model its accelerator"
    assert slurm.queue() == []
    assert "is left alone" in missing(), "a second one is not started beside it"


def test_killed_and_started_again_while_its_jobs_go_on_and_the_controller_restarts(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run, words = on_slurm(tmp_path, seconds=6)
    first = run.start(*words)
    started(run, 2)
    kill_everything(first)
    assert slurm.hosts_at_work(), "what was killed here goes on there"
    again = run.start(*words)
    slurm.end("slurmctld")
    slurm.start_controller()
    _, err = ended(again)
    assert (again.returncode, err) == (0, ""), log_of(run)
    expect_each_once(run)
    assert len(run.world.counted("start")) == ITEMS, (
        "the second job of a stage waited for the first one's items"
    )
    assert run.report == local


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_job_and_a_node_that_fails_loses_nothing(
    tmp_path: Path, slurm: Slurm, local: bytes, number: signal.Signals
) -> None:
    run, words = on_slurm(tmp_path, seconds=4)
    process = run.start(*words)
    started(run, 1)
    process.send_signal(number)
    until(lambda: slurm.queue() == [], "the queue is empty", EMPTY_SECONDS)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    if number is signal.SIGINT:
        return
    process = run.start(*words)
    started(run, len(run.world.counted("start")) + 1)
    (name, *_) = slurm.hosts_at_work()
    subprocess.run(["scontrol", "update", f"nodename={name}", "state=down", "reason=trial"], check=True)
    # It comes back by itself when it next answers; what it did is queued again at once.
    _, err = ended(process)
    assert (process.returncode, err) == (0, ""), log_of(run)
    expect_each_once(run)
    assert run.report == local


def test_jobs_that_meet_their_time_limit_go_on_from_what_is_finished(
    tmp_path: Path, slurm: Slurm, local: bytes
) -> None:
    run, words = on_slurm(tmp_path, seconds=0.3, settings="set-resources: {translations: {runtime: 1}}\n")
    run.world.write(behaviour={"seconds": 0.3, "seconds of translations": 25})
    finished(run, *words)
    expect_each_once(run)
    assert len(run.world.counted("start")) > ITEMS, "some job was ended by its limit"
    assert run.report == local
    assert slurm.queue() == []
