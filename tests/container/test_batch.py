"""The job for SLURM of docs/batch.sh, with stand-ins for SLURM and Apptainer that write down what they are asked."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BATCH = ROOT / "docs/batch.sh"
PLAN = (sys.executable, "-m", "harness", "plan", "--profile", "paper", "--json")
RUN = 'trap "echo told >> asked; exit 143" TERM; touch running; while :; do sleep 0.05; done'
"""A run that ends as the harness does when it is told to."""


@pytest.fixture
def job(tmp_path: Path) -> Mapping[str, str]:
    """Environment of a login node."""
    does = {
        "sbatch": 'echo "sbatch $*" >> asked',
        "scontrol": 'echo "scontrol $*" >> asked',
        "apptainer": f'case "$*" in *--json) cd {ROOT}; exec {shlex.join(PLAN)};; *) {RUN};; esac',
    }
    for name, script in does.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SCRATCH": str(tmp_path),
    }


def submitted(job: Mapping[str, str], *words: str) -> str:
    subprocess.run(["bash", str(BATCH), *words], cwd=job["HOME"], env=job, check=True)
    return (Path(job["HOME"]) / "asked").read_text().strip()


def told(job: Mapping[str, str], number: signal.Signals) -> tuple[int, list[str]]:
    """Exit code of a job that gets a signal while it runs, and what was asked by then."""
    folder = Path(job["HOME"])
    script = subprocess.Popen(["bash", str(BATCH)], cwd=folder, env={**job, "SLURM_JOB_ID": "7"})
    while not (folder / "running").exists():
        time.sleep(0.02)
    script.send_signal(number)
    return script.wait(timeout=60), (folder / "asked").read_text().splitlines()


def test_it_asks_for_the_planned_time_and_an_hour(job: Mapping[str, str]) -> None:
    planned = json.loads(subprocess.run(PLAN, cwd=ROOT, check=True, capture_output=True).stdout)["projection"]
    minutes = 60 + sum(stage["seconds"] for stage in planned) / 60
    assert minutes > 120
    asked = re.fullmatch(
        rf"sbatch --time=(\d+) --partition gpu {BATCH}", submitted(job, "--partition", "gpu")
    )
    assert asked
    assert int(asked[1]) == pytest.approx(minutes, abs=30)
    assert (Path(job["HOME"]) / "reports").is_dir()


def test_it_asks_for_another_time_where_one_is_named(job: Mapping[str, str]) -> None:
    assert submitted({**job, "HOURS": "8"}).startswith("sbatch --time=480 ")


def test_at_its_end_the_run_ends_first_and_the_job_is_queued_again(job: Mapping[str, str]) -> None:
    code, asked = told(job, signal.SIGUSR1)
    assert asked == ["told", "scontrol requeue 7"]
    assert code


def test_a_job_that_is_cancelled_is_not_queued_again(job: Mapping[str, str]) -> None:
    assert told(job, signal.SIGTERM) == (143, ["told"])


@pytest.mark.parametrize("code", [0, 1, 10])
def test_the_end_of_the_job_is_that_of_the_run(job: Mapping[str, str], code: int) -> None:
    (Path(job["HOME"]) / "bin/apptainer").write_text(f"#!/bin/sh\nexit {code}\n")
    words, environment = ["bash", str(BATCH)], {**job, "SLURM_JOB_ID": "7"}
    assert subprocess.run(words, cwd=job["HOME"], env=environment, check=False).returncode == code
