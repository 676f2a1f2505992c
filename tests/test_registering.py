"""Commands about claims and their registration: what they print, how they end, and what they never load."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.judge.ledger import LedgerFile, Run
from harness.judge.preregistration import lock_state

ROOT = Path(__file__).resolve().parents[1]


def call(*words: str) -> int:
    return cli.exit_code_of(list(words))


def test_every_claim_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("claims") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=2) == [
        "primary", "gap.l6.value",
        "At layer 6 the gap of low-resource languages is 26.27 percent [high: percent, english: percent]; layer 6: reported by a summary",
    ]  # fmt: skip
    assert lines[-1].startswith(
        f"{len(lines) - 1} claims of sin2025, 5 of them primary: 54 that a measurement decides, 3 that name nothing measurable, 13 about "
    )


def test_claims_are_told_to_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("claims", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["study"] == "sin2025"
    first = content["claims"][0]
    assert (first["id"], first["margin"], first["targets"][0]["printed"]) == (
        "gap.l6.value",
        2.5,
        {"text": "26.27"},
    )


def test_one_claim_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("explain", "gap.l6.value") == 0
    out = capsys.readouterr().out
    for words in (
        "C01; other claims from it: gap.max.bound",
        "K1: ",
        "PASS when",
        "margin           2.5 percent: ",
        "100 units",
        "spread",
        "reading",
    ):
        assert words in out
    assert out.endswith(
        "run again        harness reproduce --study sin2025 --profile paper --claim gap.l6.value\n"
    )
    # An address that is cut in two leads nowhere.
    assert max(len(line) for line in out.splitlines() if "https://" not in line) <= 110


def test_one_claim_is_explained_to_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("explain", "gap.l6.value", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["claim"]["id"] == "gap.l6.value"
    assert [each["id"] for each in content["conflicts"]] == ["K1", "K2", "K10"]
    assert content["reported_by_summary"] == {"gap.l6.value": "layer 6"}
    assert [each["name"] for each in content["sources"]] == [
        "abstract", "news-style summary", "structured summary", "paper feed summary"
    ]  # fmt: skip
    assert call("explain", "arith", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in content["found"]].count("note") == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["explain", "gap.l6.valu"], "unknown claim 'gap.l6.valu'; did you mean gap.l6.value"),
        (["claims", "--study", "sin"], "unknown study 'sin'"),
        (["explain"], "Missing argument"),
        (["lock", "--check", "--amend", "x"], "--check only looks, --amend changes"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_question_that_cannot_be_asked_is_4(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert call(*words) == 4
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", [["claims"], ["explain"], ["lock"]], ids=" ".join)
def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert call(*words, "--help") == 0
    assert f"Example: harness {words[0]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        pytest.param(["claims"], 1.0, id="claims"),
        pytest.param(["explain", "gap.l6.value"], 1.0, id="explain"),
        pytest.param(["lock", "--check"], 3.0, id="lock, which reads the code that it holds"),
    ],
)
def test_the_answer_comes_at_once(words: list[str], seconds: float) -> None:
    code = (
        "import sys, time\nfrom harness import cli\ncli.exit_code_of(sys.argv[1:])\n"
        "sys.exit(f'{time.process_time():.3f}')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert float(ended.stderr.splitlines()[-1]) < seconds


class Checkout:
    """A copy of code and claims, in which a user registers, bends and amends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("harness", "claims"):
            shutil.copytree(
                ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "lock.json")
            )

    def harness(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness", *words]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip

    def bend(self, old: str, new: str) -> None:
        path = self.root / "claims" / "sin2025" / "claims.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_registered_bent_seen_and_amended(checkout: Checkout) -> None:
    absent = checkout.harness("lock", "--check")
    assert (absent.returncode, "write it with 'harness lock" in absent.stderr) == (4, True)

    written = checkout.harness("lock")
    assert (written.returncode, written.stdout.startswith("intact: ")) == (0, True)
    assert checkout.harness("lock", "--check").stdout == written.stdout

    checkout.bend('"19.89", margin=2.0', '"19.89", margin=2.1')
    broken = checkout.harness("lock", "--check")
    assert broken.returncode == 11
    assert "-/claims/gap.l25.value/margin: 2.0" in broken.stderr
    assert "+/claims/gap.l25.value/margin: 2.1" in broken.stderr
    assert checkout.harness("lock").returncode == 11

    LedgerFile(folder=checkout.root / "reports").begin(
        Run(run_id="1", study="sin2025", lock=written.stdout.split()[-1])
    )
    amended = checkout.harness("lock", "--amend", "the first was a slip")
    assert amended.returncode == 0
    assert amended.stdout.startswith("amended: what is judged is what was registered, amended 1 time\n")
    assert (
        "AFTER SEEING RESULTS: the first was a slip\n     -/claims/gap.l25.value/margin: 2.0"
        in amended.stdout
    )
    # Whoever only looks wants the answer, and not what every amendment changed.
    checked = checkout.harness("lock", "--check").stdout.splitlines()
    assert checked == [line for line in amended.stdout.splitlines() if not line.startswith("     ")]

    # Whoever amends again is shown what that changes, and of earlier amendments their reasons.
    checkout.bend('"19.89", margin=2.1', '"19.89", margin=2.2')
    again = checkout.harness("lock", "--amend", "so was the second").stdout
    assert "1. " in again
    assert "+/claims/gap.l25.value/margin: 2.2" in again
    assert "-/claims/gap.l25.value/margin: 2.0" not in again
    assert "-/claims/gap.l25.value/margin: 2.0" in checkout.harness("lock").stdout


def test_a_rule_that_changed_is_seen_and_amended_by_one_command(checkout: Checkout) -> None:
    rules = checkout.root / "harness" / "judge" / "rules.py"
    assert checkout.harness("lock").returncode == 0
    rules.write_text(f"{rules.read_text()}ALPHA = 0.5\n")
    broken = checkout.harness("lock", "--check")
    assert broken.returncode == 11
    assert "what differs: code\n    -/code/judge: " in broken.stderr
    assert checkout.harness("lock", "--amend", "a rule is mended").stdout.startswith("amended: ")


def test_a_lock_that_forgets_a_run_is_broken(checkout: Checkout) -> None:
    assert checkout.harness("lock").returncode == 0
    LedgerFile(folder=checkout.root / "reports").begin(Run(run_id="1", study="sin2025", lock="f" * 64))
    ended = checkout.harness("lock", "--check")
    assert (ended.returncode, "under lock ffffffffffff" in ended.stderr) == (11, True)


def test_the_digest_does_not_depend_on_the_process(checkout: Checkout) -> None:
    assert checkout.harness("lock").stdout.split()[-1] == lock_state("sin2025").lock.sha256
