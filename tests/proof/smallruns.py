"""Runs of the four-stage plan of `tests.small_plan` with the real engine, killed from outside."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.store.store import Store
from tests.small_plan import SmallWorld

ITEM_SECONDS = 0.3
PATIENCE_SECONDS = 180


@dataclass(frozen=True)
class SmallRun:
    """One world with its run folder and its store."""

    world: SmallWorld

    @staticmethod
    def in_folder(root: Path, seconds: float = ITEM_SECONDS) -> "SmallRun":
        """A fresh world, whose items each take some time."""
        world = SmallWorld(root)
        root.mkdir(parents=True)
        world.write(behaviour={"seconds": seconds})
        return SmallRun(world)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The whole command, always the same, as the leader of a process group of its own."""
        command = [
            *self.world.command,
            "reproduce",
            "--profile",
            "fixture",
            "--cores",
            "2",
            "--device",
            "cpu",
        ]
        return subprocess.Popen(
            [*command, *words],
            cwd=self.world.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finished(self) -> tuple[int, str, str]:
        """Exit code, output and errors of the command, run to its end."""
        process = self.start()
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    def published(self) -> set[str]:
        """Items that stand finished in the store."""
        return {f"{found.recipe.stage}/{found.recipe.item}" for found in self.store.list()}

    @property
    def store(self) -> Store:
        return Store(self.world.root / ".store")

    @property
    def report(self) -> bytes:
        """The report's bytes."""
        (path,) = self.world.root.glob("reports/*/report.json")
        return path.read_bytes()

    @property
    def outcomes(self) -> list[str]:
        """How each attempt ended."""
        (path,) = self.world.root.glob("reports/*/execution.json")
        return [attempt["outcome"] for attempt in json.loads(path.read_text())["attempts"]]


def kill_everything(process: subprocess.Popen[str]) -> None:
    """Kill -9 of the command, its process group, and every process group below it, as a power cut would."""
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    for child in family:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.communicate()
    psutil.wait_procs(family, timeout=10)


def kill_command_alone(process: subprocess.Popen[str]) -> None:
    """Kill -9 of the command alone: the engine and its stages live on."""
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)


def wait(process: subprocess.Popen[str], seconds: float) -> None:
    """Let a run go on for a while, or to its end if that comes first."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
