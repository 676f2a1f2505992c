"""What is run in a finished image, as cluster people would run it and as the README says, and what must come of it."""

import re
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.container.engine import Done, Engine
from tests.container.image import TAGS

ROOT = Path(__file__).resolve().parents[2]

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
    *("/app/noxfile.py", "/app/pyproject.toml", "/app/README.md", "/app/LICENSE", "/app/docs/container.md"),
    "/app/sbom.cdx.json",
)
"""Files that must be there, one of each kind."""

OUTSIDE = (
    *(
        "/app/.git",
        "/app/.env",
        "/app/hf_token",
        "/app/.store",
        "/app/harness/.env",
        "/app/reports",
        "/app/tests",
    ),
    *("/app/requirements", "/opt/bootstrap/bin", "/root/.cache", "/run/secrets/ca.pem"),
)
"""Places where nothing may be left."""

LISTED = """\
import importlib.metadata, json
listed = {(each["name"], each["version"]) for each in json.load(open("/app/sbom.cdx.json"))["components"]}
own = "replication-harness"
there = {(each.name, each.version) for each in importlib.metadata.distributions() if each.name != own}
print("lacks", there - listed, "has not", listed - there, len(there), "packages")
"""
"""Holds the bill of materials against what is installed."""

REQUIRE = "from pathlib import Path; from harness.store.files import require_folder; require_folder(Path('/reports/run'))"
"""What a run does first, without the libraries that the small image has not."""

TYPED = """\
set -eu
cd {folder}
export HF_TOKEN={token}
id() {{ echo {user}; }}
mkdir() {{ command mkdir "$@"; chown {user}:{user} cache reports; }}
docker() {{ shift 4; podman run --rm --network none "$@"; }}
"""
"""A shell in which a user types what the README says; there is no GPU, so that `run --rm --gpus all` is taken away."""


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
    user: int = FOREIGN_USER
    """The image's own works in its folder and is not named; a foreign one starts from `/`."""
    mounted: int | None = FOREIGN_USER
    """Whose folders are mounted; None where none are."""
    typed: bool = False
    """Run by the commands of the README, word by word, as a foreign user who makes the folders."""
    image: str = "run"
    """Target of the Dockerfile: what runs, or `test`."""


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
            user=IMAGE_USER,
            mounted=IMAGE_USER,
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
        Trial(
            name="the bill of materials lists what is installed, and nothing else",
            command=("python", "-c", LISTED),
            says=r"^lacks set\(\) has not set\(\) \d\d+ packages$",
        ),
        Trial(
            name="folders that nobody mounted are refused",
            command=("python", "-c", REQUIRE),
            exit_code=1,
            says=r"UsageError: /reports is no mounted folder, and what is written there goes with the container",
            mounted=None,
        ),
        Trial(
            name="folders of another user are refused with the cure",
            command=("python", "-c", REQUIRE),
            exit_code=1,
            says=rf"StoreError: .* start the container as its owner: --user {FOREIGN_USER}:{FOREIGN_USER}",
            user=IMAGE_USER,
        ),
        Trial(
            name="what the README says to type works with folders that the user made",
            command=("sh", "-c", "touch /cache/x /reports/x && echo written"),
            says=r"^written$",
            leaves={"x": ""},
            typed=True,
        ),
        Trial(
            name="Apptainer's definition runs a command",
            command=("sh", "-c", definition("runscript"), "apptainer", "harness", "--version"),
            says=r"^\d+\.\d+\.\d+$",
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
            image="test",
        ),
        Trial(
            name="paper profile without a network, as the image says: exit 5",
            command=(),
            exit_code=5,
            says=r"cannot be fetched: no network",
            leaves={"paper-*/report.json": r'"exit_code": 5'},
            user=IMAGE_USER,
            mounted=IMAGE_USER,
        ),
        Trial(
            name="paper profile without a network, as the README says: exit 5",
            command=(),
            exit_code=5,
            says=r"cannot be fetched: no network",
            leaves={"paper-*/report.json": r'"exit_code": 5'},
            typed=True,
        ),
        Trial(
            name="paper profile without a GPU: exit 5",
            command=(*ABROAD, "reproduce", "--", "--device", "cuda"),
            exit_code=5,
            # There is no network either, and both are told.
            says=r"cannot run on cuda: (no driver is loaded|torch \S+ is built without CUDA)",
            leaves={"paper-*/report.json": r'"exit_code": 5'},
        ),
        Trial(
            name="paper profile without a token, at a hub that gates the model: exit 5",
            command=("sh", "-c", f"cd /app && python -m tests.hub env -u HF_TOKEN {AT_THE_HUB} nox -s reproduce"),
            exit_code=5,
            says=r"is gated, and no token is set: accept its licence",
            image="test",
            leaves={"at-the-hub/paper-*/report.json": r'"gated-weights"'},
        ),
        Trial(
            name="Apptainer's definition tests the image, and runs its main job: exit 5",
            command=("sh", "-ec", definition("test") + definition("runscript")),
            exit_code=5,
            says=r"cannot be fetched: no network",
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
        Trial(
            name="downloads that nobody would keep: exit 4",
            command=("harness", "fetch"),
            exit_code=4,
            says=r"error: /cache is no mounted folder",
            mounted=None,
        ),
        Trial(
            name="reports that nobody mounted: exit 4",
            command=(*ABROAD, "reproduce"),
            environment=in_miniature,
            exit_code=4,
            says=r"error: /reports is no mounted folder",
            mounted=None,
        ),
    )  # fmt: skip


def run_trial(engine: Engine, trial: Trial, token: str) -> Outcome:
    """Run one trial; the volumes are kept from one to the next, as a user's would be."""
    begun = time.monotonic()
    if trial.typed:
        folder = engine.work / "typed"
        folder.mkdir(exist_ok=True)
        shell = TYPED.format(folder=folder, token=token, user=trial.user)
        done = engine.quiet("sh", "-c", f"{shell}{readme_commands()} {shlex.join(trial.command)}")
        reports = folder / "reports"
    else:
        place = _place(engine, trial, token)
        done = engine.quiet("podman", "run", *HARDENED, *place, TAGS[trial.image], *trial.command)
        reports = volume(engine, "reports", trial.user)
    return Outcome(
        trial=trial,
        seconds=time.monotonic() - begun,
        output=done.output,
        complaints=tuple(_complaints(trial, done, reports)),
    )


def readme_commands() -> str:
    """What the README says to type once the image is built."""
    block = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Container\n")[2].split("```")[1]
    return block[block.index("mkdir") :].strip()


def definition(section: str) -> str:
    """A section of Apptainer's definition file, which Apptainer gives to `sh`."""
    text = (ROOT / "apptainer.def").read_text(encoding="utf-8")
    return text.partition(f"%{section}\n")[2].partition("\n%")[0]


def volume(engine: Engine, name: str, user: int) -> Path:
    """Folder outside, of some user, that may be mounted as /cache or /reports."""
    folder = engine.work / f"{name}-{user}"
    if not folder.is_dir():
        folder.mkdir()
        shutil.chown(folder, user, user)
    return folder


def _place(engine: Engine, trial: Trial, token: str) -> tuple[str, ...]:
    foreign = () if trial.user == IMAGE_USER else ("--user", f"{trial.user}:{trial.user}", "--workdir", "/")
    known = {"HF_TOKEN": token, **trial.environment}
    named = (word for name, value in known.items() for word in ("--env", f"{name}={value}"))
    owner = trial.mounted
    volumes = (
        () if owner is None else (f"{volume(engine, name, owner)}:/{name}" for name in ("cache", "reports"))
    )
    return (*foreign, *named, *(word for each in volumes for word in ("--volume", each)))


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
