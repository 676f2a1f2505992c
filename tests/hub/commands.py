"""The whole command line as a user starts it, led to a hub on this machine."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.hub.server import TOKEN, Hub

CHECKOUT = Path(__file__).resolve().parents[2]

HARNESS = (sys.executable, "-m", "harness")
NOX = (sys.executable, "-m", "nox", "--session")


def harness(
    hub: Hub,
    root: Path,
    *words: str,
    token: str | None = TOKEN,
    limit_s: float = 300,
    program: Sequence[str] = HARNESS,
    checkout: Path = CHECKOUT,
    **more: str,
) -> subprocess.CompletedProcess[str]:
    """A command of the harness; whatever it says, it never says the token."""
    environment = hub.surroundings(root / "home", token, **more)
    done = subprocess.run(
        [*program, *words],
        env=environment, cwd=checkout, capture_output=True, text=True, timeout=limit_s, check=False,
    )  # fmt: skip
    assert not token or token not in done.stdout + done.stderr
    return done


SMALLER = {
    "study": "sin2025",
    "profile": "paper",
    "sizes": {"adapter_seeds": [1, 2], "ablated_languages": ["ml"]},
}
"""Two seeds of five, and controls and ablations of every kind in one language of three: what other adapters say, these say too."""


def reproduce(hub: Hub, root: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """The paper profile on the processor: by `nox -s reproduce` on the tests' own Python, or by the command without nox."""
    sizes = root / "sizes.json"
    sizes.write_text(json.dumps(SMALLER), encoding="utf-8")
    words = ["--profile", "paper", "--device", "cpu", "--cores", "2", "--sizes", str(sizes)]
    words += ["--store", str(root / "store"), "--out", str(root / "run")]
    if find_spec("nox") is None:
        return harness(hub, root, "reproduce", *words, **more)
    more["NOX_DEFAULT_VENV_BACKEND"] = "none"
    return harness(hub, root, "reproduce", "--", *words, program=NOX, **more)


def stage(hub: Hub, root: Path, name: str, token: str) -> subprocess.CompletedProcess[str]:
    """One stage of the paper profile by hand, on the processor."""
    words = [
        "--profile",
        "paper",
        "--device",
        "cpu",
        "--store",
        str(root / "store"),
        "--run",
        str(root / "run"),
    ]
    return harness(hub, root, "stage", name, *words, token=token)


def report_of(root: Path) -> dict[str, Any]:
    """The report of the run."""
    content: dict[str, Any] = json.loads((root / "run" / "report.json").read_text(encoding="utf-8"))
    return content


def files_that_hold(root: Path, words: str) -> list[Path]:
    """Every file below a folder in which some words stand."""
    return [path for path in root.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]
