"""How to run everything: `nox -l` is the manual.

Sessions share one environment, `.nox/harness`, made on first use: one of its own for each would cost two gigabytes
a session. Where NOX_DEFAULT_VENV_BACKEND is "none", as in the container image, the running Python is used as it is.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.sessions = ["lint", "types", "tests"]

SHARED = Path(".nox/harness")
MADE_FROM = (Path("pyproject.toml"), Path("requirements/cpu.lock"), Path("requirements/test.lock"))
PYTHON = (3, 11)
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
EVERYWHERE = ("harness", "claims", "docs", "fixtures", "requirements", "tests", "noxfile.py")

QUIET = {
    "OMP_NUM_THREADS": "1",  # two threads on a busy core wait for each other
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
}


@nox.session(python=False)
def reproduce(session: nox.Session) -> None:
    """Run or resume the whole replication; write the report; end with the report's exit code."""
    finish_with(session, "harness", "reproduce", *session.posargs)


@nox.session(python=False)
def tests(session: nox.Session) -> None:
    """Prove the instrument: CPU, no network, about twenty minutes."""
    run(session, "pytest", *session.posargs)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Check the form of every file."""
    run(session, "ruff", "check", *EVERYWHERE)
    run(session, "ruff", "format", "--check", *EVERYWHERE)
    run(session, "lint-imports", "--no-cache", "--no-logo")
    run(session, "hadolint", "--failure-threshold", "style", "Dockerfile")


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    run(session, "mypy")


@nox.session(python=False, default=False)
def bench(session: nox.Session) -> None:
    """Time extraction and alignment against the other ways; `-- -m smoke` for the gates alone."""
    saved = ("--benchmark-autosave", "--benchmark-storage=reports/benchmarks")  # with machine and commit
    run(session, "pytest", "tests/bench", "--benchmark-enable", "--benchmark-only", *saved, *session.posargs)


@nox.session(python=False, default=False)
def experiments(session: nox.Session) -> None:
    """Run every specification that the miniature can have, some 760 processor seconds on two cores (`-- --study inaba2025`: 160); write the report."""
    words = ("--profile", "fixture", "--grid", "all", "--gpus", "2")  # two parts of each stage, one a core
    finish_with(session, "harness", "reproduce", *words, *session.posargs)


@nox.session(python=False, default=False)
def proof(session: nox.Session) -> None:
    """Plant every fault; kill, starve and isolate runs; see that reports stay the same bytes. About 40 minutes."""
    run(session, "pytest", *(session.posargs or ("tests/planted", "tests/proof")))


@nox.session(python=False, default=False)
def cluster(session: nox.Session) -> None:
    """Run, kill and starve a small plan on a real SLURM of two nodes, made here and thrown away; needs root."""
    run(session, "pytest", *(session.posargs or ("tests/cluster",)), HARNESS_CLUSTER="required")


@nox.session(python=False, default=False)
def mutation(session: nox.Session) -> None:
    """Change the pure floors one place at a time, and count what the tests see; `-- metrics` for one module."""
    with_group(session, "mutation")
    run(session, "python", "-m", "tests.proof.mutation", *session.posargs)


@nox.session(python=False, default=False)
def fuzz(session: nox.Session) -> None:
    """Feed every parser of foreign files a hundred thousand inputs; `-- ledger 1000` for one parser, and how many."""
    with_group(session, "fuzz")
    run(session, "python", "-m", "tests.proof.fuzz", *session.posargs)


@nox.session(python=False, default=False)
def browser(session: nox.Session) -> None:
    """Look at the report in a real Chromium: without scripts, by keyboard, in print, with axe-core."""
    with_group(session, "browser")
    run(session, "pytest", "tests/browser", *session.posargs, HARNESS_BROWSER="required")


@nox.session(python=False, default=False)
def docs(session: nox.Session) -> None:
    """Make the site of docs/ in site/, every link checked; `-- serve` shows it while it is written."""
    with_group(session, "docs")
    # Its makers announce a successor with every build.
    run(session, "mkdocs", *(session.posargs or ("build", "--quiet")), NO_MKDOCS_2_WARNING="1")


@nox.session(python=False, default=False)
def fixtures(session: nox.Session) -> None:
    """Rebuild the miniature world, about 45 minutes; `-- --check` only verifies it."""
    run(session, "python", "-m", "fixtures.recipe", *session.posargs)


@nox.session(default=False)
def container(session: nox.Session) -> None:
    """Build the image twice on a stand-in base, and try it offline; `-- --small` without the heavy libraries."""
    with_tools(session, "tests.container", *session.posargs)


@nox.session(default=False)
def crate(session: nox.Session) -> None:
    """Hold exported RO-Crates against the validator of their profile, which needs an environment of its own."""
    with_own(session, "crate")
    validator = Path(session.bin) / "python"
    run(session, "pytest", "tests/exchange/test_crate_rules.py", HARNESS_CRATE_VALIDATOR=str(validator))


@nox.session(default=False)
def locks(session: nox.Session) -> None:
    """Refresh requirements/*.lock from pyproject.toml; `-- --upgrade` takes the newest versions."""
    with_tools(session, "requirements", "locks", *session.posargs)


@nox.session(default=False)
def sbom(session: nox.Session) -> None:
    """List what a lock holds, as CycloneDX with every hash; `-- cpu` for the CPU lock."""
    with_tools(session, "requirements", "sbom", *session.posargs)


def with_tools(session: nox.Session, module: str, *words: str) -> None:
    """Run a module with the tools that images and locks take, which the image itself does not need."""
    with_own(session, "container")
    session.run("python", "-m", module, *words)


def with_own(session: nox.Session, group: str) -> None:
    """Put the tools of a group into the session's own environment."""
    session.install(*tools_of(group))


def with_group(session: nox.Session, group: str) -> None:
    """Put the tools of a group beside what the shared environment holds."""
    run(session, "python", "-m", "pip", "install", "--quiet", *tools_of(group))


def tools_of(group: str) -> Sequence[str]:
    """What a group of `pyproject.toml` takes."""
    return nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), group)


def run(session: nox.Session, program: str, *words: str, **environment: str) -> None:
    """Run a program of the shared environment."""
    session.run(str(binaries(session) / program), *words, env={**QUIET, **environment}, external=True)


def binaries(session: nox.Session) -> Path:
    """Folder of the shared environment's programs; makes the environment where it is missing or stale."""
    if os.environ.get("NOX_DEFAULT_VENV_BACKEND") == "none":
        return Path(sys.executable).parent
    if sys.version_info[:2] != PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        session.error(
            f"nox runs on Python {found}, but the pinned libraries need 3.11: install nox with that one"
        )
    folder = (SHARED / "bin").resolve()
    stamp = SHARED / "made-from.txt"
    wanted = "".join(path.read_text(encoding="utf-8") for path in MADE_FROM)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        session.run(sys.executable, "-m", "venv", str(SHARED), external=True)
        session.run(sys.executable, "-m", "requirements", "install", str(folder / "python"), external=True)
        stamp.write_text(wanted, encoding="utf-8")
    return folder


def finish_with(session: nox.Session, program: str, *words: str) -> None:
    """Run a program and end nox with its exit code, which nox itself would flatten to 1."""
    code = waited_for((str(binaries(session) / program), *words), {**os.environ, **QUIET})
    if code:
        raise SystemExit(code if code > 0 else 128 - code)


def waited_for(command: Sequence[str], environment: dict[str, str]) -> int:
    """Exit code of a command that handles signals itself: it gets the terminal's Ctrl-C, and nox waits for its end."""
    program = subprocess.Popen(command, env=environment)
    # Whoever started nox deaf to a signal, as "nohup" does, has started the program deaf to it as well.
    handlers = {
        number: handler for number in PASSED_ON if (handler := signal.getsignal(number)) != signal.SIG_IGN
    }
    for number in handlers:
        signal.signal(number, lambda number, _: program.send_signal(number))
    handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return program.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
