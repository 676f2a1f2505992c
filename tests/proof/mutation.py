"""Changes the pure floors one place at a time and counts how many changes the tests see: `python -m tests.proof.mutation`.

Works on a copy of the checkout. Ends with 1 if a module falls below the score that is asked of each. What survives is printed in
full, since each survivor must be read: it is a missing test, or it changes nothing that can be seen.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proof.checkouts import checkout, environment

MODULES: Mapping[str, tuple[str, ...]] = {
    "harness/statistics/metrics.py": ("tests/statistics/test_metrics.py",),
    "harness/models/residuals.py": ("tests/models/test_residuals.py",),
    "harness/models/sae.py": ("tests/models/test_sae.py",),
    "harness/models/batches.py": ("tests/models/test_batches.py",),
    "harness/statistics/stats.py": ("tests/statistics/test_stats.py",),
    "harness/judge/arithmetic.py": (
        "tests/judge/test_arithmetic.py",
        "tests/judge/test_rules_arithmetic.py",
        "tests/judge/test_settling.py",
    ),
    "harness/statistics/correlation.py": ("tests/statistics/test_correlation.py",),
    "harness/statistics/resampling.py": ("tests/statistics/test_resampling.py",),
    "harness/judge/rules.py": (
        "tests/judge/test_single_rules.py",
        "tests/judge/test_value_rule.py",
        "tests/judge/test_many_rules.py",
        "tests/judge/test_correlation_rule.py",
    ),
    "harness/judge/rules_maximum.py": (
        "tests/judge/test_maximum_rules.py",
        "tests/judge/test_simultaneous.py",
    ),
    "harness/judge/resampled.py": (
        "tests/judge/test_resampled.py",
        "tests/judge/test_resampled_draws.py",
        "tests/judge/test_joint_draws.py",
    ),
    "harness/judge/measurements.py": ("tests/judge/test_measurements.py", "tests/judge/test_sample.py"),
    "harness/judge/judge.py": ("tests/judge/test_judge.py", "tests/judge/test_streams.py"),
    "harness/judge/pooled.py": ("tests/judge/test_pooled.py",),
    "harness/stages/english.py": ("tests/stages/test_english.py",),
}
"""Pure modules, and the tests that must see a change in them."""

MIN_PERCENT = 90.0
"""Of every module by itself: what no test can see is less than a tenth of each."""

UNSEEN = (0, 5, 33)
"""Exit codes under a change that no test saw, or that stands where no test comes by."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How many changes of one module the tests saw."""

    module: str
    changes: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Share of changes that were seen."""
        return 100 * (1 - len(self.survivors) / self.changes)

    def __str__(self) -> str:
        seen = self.changes - len(self.survivors)
        return f"{self.module:<32} {seen:>4} of {self.changes:<4} {self.percent:5.1f} %"


def main(asked: Sequence[str]) -> int:
    """Score the modules whose path holds one of the words; all of them by default."""
    modules = {
        module: tests
        for module, tests in MODULES.items()
        if not asked or any(word in module for word in asked)
    }
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        folder = checkout(Path(scratch) / "checkout")
        _configure(folder, modules)
        _mutmut(folder, "run", "--max-children", "2")
        scores = [_score(folder, module) for module in modules]
        for score in scores:
            for name in score.survivors:
                sys.stdout.write(_mutmut(folder, "show", name, quiet=True))
    whole = Score(
        module="all of them",
        changes=sum(score.changes for score in scores),
        survivors=tuple(name for score in scores for name in score.survivors),
    )
    sys.stdout.write("\n".join(map(str, (*scores, whole))) + "\n")
    below = [score.module for score in scores if score.percent < MIN_PERCENT]
    if below:
        sys.stdout.write(f"below {MIN_PERCENT:g} %: {', '.join(below)}\n")
    return int(bool(below))


def _configure(folder: Path, modules: Mapping[str, Sequence[str]]) -> None:
    tests = [test for chosen in modules.values() for test in chosen]
    settings = {
        "source_paths": list(modules),
        "pytest_add_cli_args_test_selection": tests,
        "also_copy": ["harness", "tests", "claims", "fixtures", "pyproject.toml"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _mutmut(folder: Path, *words: str, quiet: bool = False) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=True,
    )
    return answer.stdout or ""


def _score(folder: Path, module: str) -> Score:
    results = json.loads((folder / "mutants" / f"{module}.meta").read_text(encoding="utf-8"))
    codes = results["exit_code_by_key"]
    return Score(
        module=module,
        changes=len(codes),
        survivors=tuple(name for name, code in codes.items() if code in UNSEEN),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
