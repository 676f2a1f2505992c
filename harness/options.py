"""What the commands share: options and their defaults, and how an answer is printed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.words.errors import choice_error

DEFAULT_STUDY, DEFAULT_PROFILE = "sin2025", "fixture"
DEFAULT_STORE, DEFAULT_REPORTS = Path(".store"), Path("reports")
DEVICES = ("auto", "cpu", "cuda")

StudyName = Annotated[
    str, typer.Option("--study", envvar="HARNESS_STUDY", help="Folder of claims/ that says what is re-run.")
]
ProfileName = Annotated[
    str, typer.Option("--profile", envvar="HARNESS_PROFILE", help="World that the study is fed from.")
]
StorePath = Annotated[Path, typer.Option("--store", envvar="HARNESS_STORE", help="Folder of all artifacts.")]
ReportsPath = Annotated[Path, typer.Option("--reports", envvar="HARNESS_REPORTS", help="Folder of all runs.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, or auto: cuda where it can be used.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def require_device(asked: str) -> None:
    """Refuse a device that no run can be made for.

    Raises:
        UsageError: If it is none of `DEVICES`.
    """
    if asked not in DEVICES:
        raise choice_error("device", asked, DEVICES, "")


def print_json(content: object) -> None:
    """Print an answer for a machine; a number that is none is no JSON, and an error."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def megabytes(size_bytes: int) -> str:
    """A size as people read it."""
    return f"{size_bytes / 1e6:.1f} MB"
