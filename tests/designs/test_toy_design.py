"""A second kind of study needs its own module, its stages and a folder of claims, and no change of anything else."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.designs.disparity.plan import STAGES
from harness.designs.disparity.quantities import QUANTITIES
from harness.words.plan import stage_name
from tests.designs.toy_design.claims.toy.study import STUDY

ROOT = Path(__file__).resolve().parents[2]
HARNESS = ROOT / "harness"


def toy(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line with the toy study beside the others."""
    return subprocess.run(
        [sys.executable, "-m", "tests.designs.toy_design", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run of the toy: planned, made by the engine, judged and reported."""
    root = tmp_path_factory.mktemp("toy")
    where = ("--study", "toy", "--profile", "fixture", "--device", "cpu", "--store", str(root / "store"))
    done = toy("reproduce", *where, "--out", str(root / "run"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "It measured 1 number; 1 of 1 self-check agrees." in done.stdout
    return root / "run"


def report_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def test_its_plan_says_what_its_stages_say_of_themselves(tmp_path: Path) -> None:
    done = toy(
        "plan",
        "--study",
        "toy",
        "--profile",
        "fixture",
        "--device",
        "cpu",
        "--store",
        str(tmp_path),
        "--json",
    )
    told = json.loads(done.stdout)
    assert [(line["stage"], line["says"]) for line in told["stages"]] == [
        ("letters", "The letters of every word"),
        ("means", "The mean word"),
    ]


def test_its_quantity_is_in_the_report(run: Path) -> None:
    (found,) = report_of(run)["measurements"]
    lengths = [len(word) for word in STUDY.title.split()]
    assert (found["quantity"], found["value"]) == ("word-length", pytest.approx(sum(lengths) / len(lengths)))
    assert (found["unit_kind"], found["num_units"]) == ("word", len(lengths))
    for name in ("summary.md", "report.html"):
        text = (run / name).read_text(encoding="utf-8")
        assert "Word length" in text, "under the heading that its design gives it"
        assert "Measured too" not in text


def test_its_claim_is_judged_and_told(run: Path) -> None:
    report = report_of(run)
    (checked,) = report["self_check_study"]["claims"]
    assert (checked["verdict"], checked["differs"]) == ("PASS", False)
    (claim,) = report["claims"]
    # Nothing was replayed, so the run is evidence for the instrument alone.
    assert (report["mode"], claim["verdict"], claim["reason"]) == ("fixture", "NOT_RUN", "fixture-mode")


def test_a_second_run_makes_nothing_anew(run: Path) -> None:
    where = (
        "--study",
        "toy",
        "--profile",
        "fixture",
        "--device",
        "cpu",
        "--store",
        str(run.parent / "store"),
    )
    done = toy("reproduce", *where, "--out", str(run))
    assert "nothing to do: every artifact stands, verified to the byte" in done.stdout


COMMON = {
    "designs/design.py": {"estimates"},
    "designs/emergence/design.py": {"self-checks", "specified-estimates"},
    "judge/preregistration.py": {"estimates"},
    "judge/resampled.py": {"phrases"},
    "report/render.py": {"adapters", "self-checks"},
    "sources/neuronpedia.py": {"activations"},
    "sources/spotcheck.py": {"activations"},
    "sources/synthetic.py": {"activations"},
    # A kind of claim, and what a printed number that arithmetic is asked about is.
    "words/claim.py": {"correlation", "gap", "gain", "accuracy"},
    # Columns of records, with their units.
    "words/columns.py": {"correlation", "gap", "retention"},
}
"""Words that are also names of the paper's design, by file: keys of a form, folders of an export, kinds of a claim."""


def test_nothing_outside_a_design_and_its_stages_names_a_stage_or_a_quantity_of_it() -> None:
    names = {stage_name(function) for function in STAGES} | set(QUANTITIES)
    found = {
        path.relative_to(HARNESS).as_posix(): {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and node.value in names
        }
        for path in HARNESS.rglob("*.py")
        if path.relative_to(HARNESS).parts[:2] != ("designs", "disparity")
        and path.relative_to(HARNESS).parts[0] != "stages"
    }
    assert {name: words for name, words in found.items() if words} == COMMON
