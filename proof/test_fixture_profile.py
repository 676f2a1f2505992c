"""The whole fixture profile under bad conditions, twice at once: the report is the same bytes either way.

One run has no network, no rights beyond its user's, and a checkout that cannot be written. The other is killed three
times at random moments, and an artifact of it is spoilt afterwards.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from harness.supply.runfolder import RunFolder
from harness.supply.store import Store
from proof.checkouts import checkout, edit, environment

CAN_ISOLATE = subprocess.run(["unshare", "-rmn", "true"], capture_output=True, check=False).returncode == 0
CODES = (0, 1, 5)
"""Exit codes of a run that came to a report."""

LIMIT_SECONDS = 1_800

ALONE = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
cd "$1" && shift
! touch written-here 2>/dev/null
! python3 -c 'import socket; socket.create_connection(("1.1.1.1", 53), 2)' 2>/dev/null
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all unshare -U "$@"
"""
"""A read-only checkout, an empty network namespace, and a user without any right of root; "$1" is the checkout."""


@dataclass(frozen=True)
class FixtureRun:
    """One run of the fixture profile: its own checkout, store and reports."""

    root: Path

    @property
    def words(self) -> list[str]:
        folders = ["--store", str(self.root / "store"), "--reports", str(self.root / "reports")]
        return [
            sys.executable,
            "-m",
            "harness",
            "reproduce",
            "--profile",
            "fixture",
            "--cores",
            "1",
            *folders,
        ]

    @property
    def checkout(self) -> Path:
        return self.root / "checkout"

    def start(self, words: list[str] | None = None) -> subprocess.Popen[str]:
        with (self.root / "output.txt").open("a") as output:
            return subprocess.Popen(
                words or self.words,
                cwd=self.checkout,
                env=environment(self.checkout) | {"HF_HUB_OFFLINE": "1", "HOME": str(self.root)},
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return (self.root / "output.txt").read_text()

    @property
    def report(self) -> bytes:
        (path,) = self.root.glob("reports/*/report.json")
        return path.read_bytes()

    def made(self) -> Counter[str]:
        """How often each item was made, over all attempts."""
        (folder,) = self.root.glob("reports/*/report.json")
        events = RunFolder(root=folder.parent).events
        stages = sorted(file.stem for file in (folder.parent / "events").glob("*.jsonl"))
        return Counter(
            f"{stage}/{event.item}" for stage in stages for event in events(stage) if event.what == "made"
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[FixtureRun, FixtureRun]:
    """An undisturbed run in isolation, and one that is killed, side by side."""
    alone, killed = (FixtureRun(tmp_path_factory.mktemp(name)) for name in ("alone", "killed"))
    for run in (alone, killed):
        checkout(run.checkout)
        run.root.chmod(0o755)
    isolated = ["unshare", "-mn", "sh", "-ec", ALONE, "alone", str(alone.checkout), *alone.words]
    undisturbed = alone.start(isolated if os.geteuid() == 0 else ["unshare", "-r", *isolated[1:]])
    kill_three_times(killed)
    assert undisturbed.wait(LIMIT_SECONDS) in CODES, alone.output[-2_000:]
    return alone, killed


def kill_three_times(run: FixtureRun) -> None:
    """Start it, kill it at a random moment, three times over; then let it come to its end."""
    rng = random.Random("fixture profile")
    for kill_all in (True, False, True):
        process = run.start()
        time.sleep(rng.uniform(20, 60))
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for child in family if kill_all else ():
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    assert run.start().wait(LIMIT_SECONDS) in CODES, run.output[-2_000:]


needs_isolation = pytest.mark.skipif(
    not CAN_ISOLATE, reason="this machine gives nobody a namespace of his own"
)


@needs_isolation
def test_kills_and_conditions_change_no_byte_of_the_report(runs: tuple[FixtureRun, FixtureRun]) -> None:
    alone, killed = runs
    assert alone.report == killed.report


@needs_isolation
def test_no_finished_item_was_made_twice(runs: tuple[FixtureRun, FixtureRun]) -> None:
    made = runs[1].made()
    assert len(made) > 50
    assert set(made.values()) == {1}


@needs_isolation
def test_a_comment_makes_nothing_anew(runs: tuple[FixtureRun, FixtureRun]) -> None:
    killed = runs[1]
    said = len(killed.output)
    edit(
        killed.checkout / "harness/tools/pooling.py",
        "(input_ids != bos_id)",
        "(input_ids != bos_id)  # a word",
    )
    assert killed.start().wait(LIMIT_SECONDS) in CODES
    assert "nothing to do" in killed.output[said:]


@needs_isolation
def test_a_spoilt_artifact_is_named_and_made_again(runs: tuple[FixtureRun, FixtureRun]) -> None:
    killed = runs[1]
    report = killed.report
    store = Store(killed.root / "store")
    artifact = next(found for found in store.list() if found.recipe.stage == "translations")
    file = artifact.folder / artifact.files[0].path
    file.write_bytes(file.read_bytes()[:-1])
    assert killed.start().wait(LIMIT_SECONDS) in CODES
    assert f"{file} is damaged: found" in killed.output
    assert killed.report == report
