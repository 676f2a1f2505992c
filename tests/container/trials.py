"""What is run in a finished image, as cluster people would run it, and what must come of it."""

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.container.engine import Done, Engine

HARDENED = (
    *("--rm", "--network", "none", "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
)
"""Offline, everything read-only but two volumes and a scratch folder, no privilege of any kind."""

FOREIGN_USER = 1234
"""A user whom the image does not know, as Apptainer and shared clusters have them."""

IMAGE_USER = 10001
"""The user whom the Dockerfile names."""

ABROAD = ("nox", "-f", "/app/noxfile.py", "-s")
"""How a session is asked for from another folder than /app."""


AT_THE_HUB = "HARNESS_PROFILE=paper HARNESS_STORE=/cache/at-the-hub HARNESS_REPORTS=/reports/at-the-hub"
"""The hub of the tests leads a command to itself and nowhere else; the image's own settings are told again."""

INSIDE = (
    *("/app/harness/cli.py", "/app/claims/sin2025/pins.py", "/app/fixtures/model/model.safetensors"),
    *(
        "/app/tests/test_floors.py",
        "/app/noxfile.py",
        "/app/pyproject.toml",
        "/app/README.md",
        "/app/Dockerfile",
    ),
    *("/app/requirements/cuda.lock", "/app/requirements/cpu.lock", "/app/reports/example/report.json"),
)
"""Files that must be there, one of each kind."""

OUTSIDE = (
    *(
        "/app/.git",
        "/app/.env",
        "/app/hf_token",
        "/app/.store",
        "/app/harness/.env",
        "/app/reports/fixture-0",
    ),
    *("/app/requirements/wheels", "/opt/bootstrap/bin", "/root/.cache", "/run/secrets/ca.pem"),
)
"""Places where nothing may be left."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One command in the image, and what is expected of it."""

    name: str
    command: tuple[str, ...]
    """Empty: the image's own command."""
    exit_code: int = 0
    says: str
    """Regular expression that what is printed must hold."""
    leaves: Mapping[str, str] = field(default_factory=dict)
    """Patterns of files below the reports folder, each with a regular expression that one must hold."""
    environment: Mapping[str, str] = field(default_factory=dict)
    as_the_image_says: bool = False
    """Run as the image's user in the image's folder; otherwise as a foreign user from `/`."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial went."""

    trial: Trial
    seconds: float
    output: str
    complaints: tuple[str, ...]


def small_trials(sha: str) -> tuple[Trial, ...]:
    """What holds without the heavy libraries: who runs, what is writable, which tools are there."""
    writing = "for place in /app /opt/venv /etc /reports /cache /tmp; do touch $place/x 2>/dev/null && echo $place; done; :"
    return (
        Trial(
            name="the user is nobody special",
            command=("id", "-u"),
            says=rf"^{IMAGE_USER}$",
            as_the_image_says=True,
        ),
        Trial(name="a foreign user is let in", command=("id", "-u"), says=rf"^{FOREIGN_USER}$"),
        Trial(
            name="what should be in the image is, owned by root and readable to all",
            command=("stat", "--format", "%U %A", *INSIDE),
            says=rf"\A(root -rw-r--r--\n?){{{len(INSIDE)}}}\Z",
        ),
        Trial(
            name="history, installer, wheels, caches and secrets are not in it",
            command=(
                "sh",
                "-c",
                f"for place in {' '.join(OUTSIDE)}; do ! test -e $place || echo $place; done",
            ),
            says=r"\A\Z",
        ),
        Trial(
            name="cache, reports and /tmp alone are writable",
            command=("sh", "-c", writing),
            says=r"\A/reports\n/cache\n/tmp\Z",
        ),
        Trial(name="nox lists its sessions", command=(*ABROAD[:3], "-l"), says=r"\* tests -> "),
        Trial(name="the command line answers", command=("harness", "--version"), says=r"^\d+\.\d+\.\d+$"),
        Trial(
            name="the code in /app is the code that runs",
            command=("python", "-c", "import harness; print(harness.__file__)"),
            says=r"^/app/harness/__init__.py$",
        ),
        Trial(
            name="the image knows its commit",
            command=("python", "-c", "from harness.store.provenance import commit; print(commit())"),
            says=rf"^{sha}$",
        ),
        Trial(
            name="packages without wheels were built",
            command=("python", "-c", "import sqlitedict; print(sqlitedict.__version__)"),
            says=r"^\d+\.\d+",
        ),
    )


def full_trials(sha: str) -> tuple[Trial, ...]:
    """The main job, the tests, and every refusal."""
    in_miniature = {"HARNESS_PROFILE": "fixture"}
    return (
        *small_trials(sha),
        Trial(
            name="reproduce, fixture profile: a green report",
            command=(*ABROAD, "reproduce"),
            environment=in_miniature,
            says=r"exit 0",
            leaves={"fixture-*/report.json": r'"exit_code": 0', "fixture-*/execution.json": sha},
        ),
        Trial(
            name="reproduce again: nothing to do",
            command=(*ABROAD, "reproduce"),
            environment=in_miniature,
            says=r"nothing to do: every artifact stands",
        ),
        Trial(
            name="tests: a representative subset",
            command=(*ABROAD, "tests", "--", "/app/tests/statistics", "/app/tests/store", "/app/tests/test_floors.py",
                     "/app/tests/container"),
            says=r"\d+ passed",
        ),
        Trial(
            name="paper profile without a network, as the image says: exit 5",
            command=(),
            exit_code=5,
            says=r"cannot be fetched: no network",
            leaves={"paper-*/report.json": r'"exit_code": 5'},
            as_the_image_says=True,
        ),
        Trial(
            name="paper profile without a GPU: exit 5",
            command=(*ABROAD, "reproduce", "--", "--device", "cuda"),
            exit_code=5,
            says=r"cannot run on cuda: (no driver is loaded|torch \S+ is built without CUDA)",
            leaves={"paper-*/report.json": r'"no-accelerator"'},
        ),
        Trial(
            name="paper profile without a token, at a hub that gates the model: exit 5",
            command=("sh", "-c", f"cd /app && python -m tests.hub env -u HF_TOKEN {AT_THE_HUB} nox -s reproduce"),
            exit_code=5,
            says=r"is gated, and no token is set: accept its licence",
            leaves={"at-the-hub/paper-*/report.json": r'"gated-weights"'},
        ),
        Trial(
            name="doctor, fixture profile: nothing is missing",
            command=("harness", "doctor"),
            environment=in_miniature,
            says=r"this machine can run it",
        ),
        Trial(
            name="doctor, paper profile: says what is missing, exit 5",
            command=("harness", "doctor"),
            exit_code=5,
            says=r"no network",
        ),
        Trial(
            name="an unknown profile: exit 4",
            command=(*ABROAD, "reproduce", "--", "--profile", "papre"),
            exit_code=4,
            says=r"did you mean 'paper'",
        ),
        Trial(
            name="reports that cannot be written: exit 3",
            command=(*ABROAD, "reproduce", "--", "--reports", "/app/reports"),
            environment=in_miniature,
            exit_code=3,
            says=r"error: .*/app/reports",
        ),
    )  # fmt: skip


def run_trial(engine: Engine, tag: str, trial: Trial, token: str) -> Outcome:
    """Run one trial; the volumes are kept from one to the next, as a user's would be."""
    begun = time.monotonic()
    done = engine.quiet("podman", "run", *HARDENED, *_place(engine, trial, token), tag, *trial.command)
    return Outcome(
        trial=trial,
        seconds=time.monotonic() - begun,
        output=done.output,
        complaints=tuple(_complaints(trial, done, volume(engine, "reports", trial))),
    )


def volume(engine: Engine, name: str, trial: Trial) -> Path:
    """Folder outside that a trial's user writes to as /cache or /reports."""
    folder = engine.work / f"{name}-{_user(trial)}"
    if not folder.is_dir():
        folder.mkdir()
        shutil.chown(folder, _user(trial), _user(trial))
    return folder


def _place(engine: Engine, trial: Trial, token: str) -> tuple[str, ...]:
    foreign = (
        () if trial.as_the_image_says else ("--user", f"{FOREIGN_USER}:{FOREIGN_USER}", "--workdir", "/")
    )
    known = {"HF_TOKEN": token, **trial.environment}
    named = (word for name, value in known.items() for word in ("--env", f"{name}={value}"))
    volumes = (f"{volume(engine, name, trial)}:/{name}" for name in ("cache", "reports"))
    return (*foreign, *named, *(word for each in volumes for word in ("--volume", each)))


def _user(trial: Trial) -> int:
    return IMAGE_USER if trial.as_the_image_says else FOREIGN_USER


def _complaints(trial: Trial, done: Done, reports: Path) -> list[str]:
    """Everything that is not as expected."""
    found = []
    if done.exit_code != trial.exit_code:
        found.append(f"it ended with {done.exit_code}, not {trial.exit_code}")
    if not re.search(trial.says, done.output.strip(), re.MULTILINE):
        found.append(f"it did not say {trial.says!r}")
    for pattern, wanted in trial.leaves.items():
        if not any(re.search(wanted, path.read_text(encoding="utf-8")) for path in reports.glob(pattern)):
            found.append(f"no {pattern} holds {wanted!r}")
    return found
