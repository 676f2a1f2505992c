"""How to run everything: `nox -l` is the manual. No logic lives here.

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
PYTHON = (3, 11)
EVERYWHERE = ("harness", "claims", "fixtures", "tests", "bench", "noxfile.py")

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
    """Prove the instrument: CPU, no network, about five minutes."""
    enter(session)
    session.run("pytest", *session.posargs, external=True)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Check the form of every file."""
    enter(session)
    session.run("ruff", "check", *EVERYWHERE, external=True)
    session.run("ruff", "format", "--check", *EVERYWHERE, external=True)


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    enter(session)
    session.run("mypy", external=True)


@nox.session(python=False, default=False)
def bench(session: nox.Session) -> None:
    """Time extraction and alignment against the other ways; `-- -m smoke` for the gates alone."""
    enter(session)
    saved = ("--benchmark-autosave", "--benchmark-storage=reports/benchmarks")  # with machine and commit
    session.run(
        "pytest", "bench", "--benchmark-enable", "--benchmark-only", *saved, *session.posargs, external=True
    )


@nox.session(python=False, default=False)
def fixtures(session: nox.Session) -> None:
    """Rebuild the miniature world, about 45 minutes; `-- --check` only verifies it."""
    enter(session)
    session.run("python", "-m", "fixtures.recipe", *session.posargs, external=True)


def enter(session: nox.Session) -> None:
    """Let the session's commands come from the shared environment, making it where it is missing or stale."""
    session.env.update(QUIET)
    if os.environ.get("NOX_DEFAULT_VENV_BACKEND") == "none":
        return
    if sys.version_info[:2] != PYTHON:
        found = ".".join(map(str, sys.version_info[:2]))
        session.error(
            f"nox runs on Python {found}, but the pinned libraries need 3.11: install nox with that one"
        )
    binaries = (SHARED / "bin").resolve()
    session.env["PATH"] = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    stamp, wanted = SHARED / "made-from.toml", Path("pyproject.toml").read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    session.run(sys.executable, "-m", "venv", str(SHARED), external=True)
    session.run("python", "-m", "pip", "install", "--quiet", "--editable", ".[dev]", external=True)
    stamp.write_text(wanted, encoding="utf-8")


def finish_with(session: nox.Session, *command: str) -> None:
    """Run a command and end nox with its exit code, which nox itself would flatten to 1."""
    enter(session)
    environment = {**os.environ, **{name: value for name, value in session.env.items() if value is not None}}
    code = waited_for(command, environment)
    if code:
        raise SystemExit(code if code > 0 else 128 - code)


def waited_for(command: Sequence[str], environment: dict[str, str]) -> int:
    """Exit code of a command that handles signals itself: it gets the terminal's Ctrl-C, and nox waits for its end."""
    program = subprocess.Popen(["env", *command], env=environment)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT,)}
    handlers[signal.SIGTERM] = signal.signal(signal.SIGTERM, lambda number, _: program.send_signal(number))
    try:
        return program.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
