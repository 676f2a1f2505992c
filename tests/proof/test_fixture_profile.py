"""The whole fixture profile under bad conditions, twice at once: the report is the same bytes either way.

One run has no network, no rights beyond its user's, and a checkout that cannot be written. The other is killed three
times at random moments, and an artifact of it is spoilt afterwards.
"""

import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from harness.store.run_folder import RunFolder
from harness.store.store import Store
from tests.proof.checkouts import checkout, edit, environment

CAN_ISOLATE = subprocess.run(["unshare", "-rmn", "true"], capture_output=True, check=False).returncode == 0
CODES = (0, 1, 5)
"""Exit codes of a run that came to a report."""

LIMIT_SECONDS = 1_800

NOBODY = 65_534
"""A user who owns nothing."""

ALONE = """
python=$1 base=$2 shut=$3 checkout=$4; shift 4
if [ -n "$shut" ]; then
    aside=$(mktemp -d); mount --bind "$base" "$aside"
    mount -t tmpfs -o mode=755 none "$shut"; mkdir -p "$base"; mount --bind "$aside" "$base"
fi
mount --bind "$checkout" "$checkout"; mount -o remount,bind,ro "$checkout"
cd "$checkout"
"$python" -c ''
if touch written-here 2>/dev/null; then exit 91; fi
if "$python" -c 'import socket; socket.create_connection(("1.1.1.1", 53), 2)' 2>/dev/null; then exit 92; fi
if [ "$(id -u)" != 0 ]; then exit 93; fi
exec setpriv $NOBODY --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
"""A read-only checkout, an empty network namespace, and a user without any right, each looked at before it starts.

Where the interpreter lies in a folder that others may not enter, an empty one that holds it alone takes its place.
"""


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

    def start(self, words: list[str] | None = None, **more: str) -> subprocess.Popen[str]:
        with (self.root / "output.txt").open("a") as output:
            return subprocess.Popen(
                words or self.words,
                cwd=self.checkout,
                env=environment(self.checkout) | {"HOME": str(self.root), **more},
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
def runs() -> Iterator[tuple[FixtureRun, FixtureRun]]:
    """An undisturbed run in isolation, and one that is killed, side by side."""
    # Not below pytest's own folder, which none but its owner may enter.
    with TemporaryDirectory(prefix="alone-") as first, TemporaryDirectory(prefix="killed-") as second:
        alone, killed = FixtureRun(Path(first)), FixtureRun(Path(second))
        for run in (alone, killed):
            checkout(run.checkout)
        undisturbed = start_alone(alone)
        kill_three_times(killed)
        assert undisturbed.wait(LIMIT_SECONDS) in CODES, alone.output[-2_000:]
        yield alone, killed


def start_alone(run: FixtureRun) -> subprocess.Popen[str]:
    """Start a run as nobody, where this user may become so, or else as an own user of a namespace."""
    base = Path(sys.base_prefix)
    shut = next((str(path) for path in reversed(base.parents) if not path.stat().st_mode & stat.S_IXOTH), "")
    script = ["sh", "-ec", ALONE, "alone", sys.executable, str(base), shut, str(run.checkout), *run.words]
    if os.geteuid() != 0:
        return run.start(["unshare", "-rmn", *script], NOBODY="")
    for folder in ("store", "reports"):
        (run.root / folder).mkdir()
        os.chown(run.root / folder, NOBODY, NOBODY)
    os.chown(run.root, NOBODY, NOBODY)
    run.root.chmod(0o755)
    ids = f"--reuid={NOBODY} --regid={NOBODY} --clear-groups"
    return run.start(["unshare", "-mn", *script], NOBODY=ids)


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
        killed.checkout / "harness/models/residuals.py",
        "> num_front",
        "> num_front  # a word",
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
