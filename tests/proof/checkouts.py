"""Checkouts of this very commit that can be edited, and what a plan made in them is called."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]

KEYS = """
import json
from harness.run.artifacts import Recipes
from harness.sources.studies import load_profile, load_study
from harness.designs.design import plan
study = load_study("sin2025")
made = plan(study, load_profile(study, "fixture"), "cpu")
recipes = Recipes(plan=made)
print(json.dumps({f"{item.stage}/{item.name}": recipes.key(item) for item in made.items()}))
"""


def checkout(folder: Path) -> Path:
    """A copy of the tracked files as they lie here, edits included, with the rights that git gives them."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=HERE, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (HERE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(HERE / name, folder / name)
            (folder / name).chmod(0o755 if (HERE / name).stat().st_mode & stat.S_IXUSR else 0o644)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What makes Python take the project from a checkout."""
    return {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}


def keys(folder: Path) -> dict[str, str]:
    """The name of every artifact of the fixture profile, as the code of a checkout gives it."""
    answer = subprocess.run(
        [sys.executable, "-c", KEYS],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def edit(file: Path, old: str, new: str) -> None:
    """Change words that stand once in a file."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new), encoding="utf-8")
