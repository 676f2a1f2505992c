"""Proof that a change of the code changed no number: `python -m tests.same_numbers COMMIT COMMIT` compares two commits.

Each commit is checked out beside the other and says what it makes: the numbers of a whole fixture run, the committed report
rendered again, its verdicts on the independent run, whether its locks hold, and the parameters of every item of every plan.
`python -m tests.same_numbers record FOLDER` writes that down for the checkout it stands in, `compare FOLDER FOLDER` holds
two of them against each other; `record FOLDER quick` leaves the fixture run out, and whoever compares it is told so.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

from harness.designs.design import plan
from harness.judge.judge import judge
from harness.run.verdicts import Inputs, judged_self_check, paper_circumstances
from harness.sources.pins import known_revision_or_unpinned
from harness.sources.studies import load_profile, load_study
from harness.words.canonical import Json, digest_of, plain

CHECKOUT = Path(__file__).resolve().parents[1]
PLANS = (("sin2025", "fixture"), ("sin2025", "paper"))
LOCKED_STUDIES = ("sin2025",)


def record(folder: Path, *, is_quick: bool = False) -> None:
    """Everything that must stay, written below a folder; a quick record leaves the fixture run out."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "parameters.json", [[*each, parameters(*each)] for each in PLANS])
    _write(folder / "verdicts.json", verdicts())
    _write(
        folder / "locks.json",
        {study: _harness("lock", "--check", "--study", study)[0] for study in LOCKED_STUDIES},
    )
    shutil.copytree(CHECKOUT / "reports" / "example", folder / "rendered")
    (folder / "rendered" / "report.png").unlink(missing_ok=True)
    _harness("report", str(folder / "rendered"))
    if is_quick:
        return
    with tempfile.TemporaryDirectory() as scratch:
        code, said = _harness("reproduce", "--out", f"{scratch}/run", "--store", f"{scratch}/store")
        # A lock that another spelling of the code broke ends a run with a code of its own, whose numbers stand all the same.
        report = Path(scratch, "run", "report.json")
        if not report.is_file():
            sys.exit(f"the fixture run of {CHECKOUT} ended with {code}:\n{said}")
        shutil.copyfile(report, folder / "run.json")


def parameters(study_name: str, profile_name: str) -> Json:
    """A digest of what decides each item's content, its code aside."""
    study = load_study(study_name)
    made = plan(study, load_profile(study, profile_name), "cpu")
    return [
        [
            item.stage,
            item.name,
            digest_of(item.parameters, known_revision_or_unpinned),
            [[role, need.stage, need.name] for role, need in item.needs],
        ]
        for item in made.items()
    ]


def verdicts() -> Json:
    """What the judge says of the committed independent run, on the paper's claims and on the miniature's."""
    study = load_study("sin2025")
    inputs = Inputs(
        study=study,
        profile=load_profile(study, "fixture"),
        run_id="0" * 16,
        mode="full",
        estimates=CHECKOUT / "fixtures" / "independent_run",
    )
    paper = judge(inputs.claims, inputs.measurements, paper_circumstances(inputs))
    checked = judged_self_check(inputs)
    return [plain(verdict) for verdict in (*paper, *(checked.verdicts if checked else ()))]


def compare(before: Path, after: Path) -> list[str]:
    """What differs, a line each."""
    found = []
    for name, read in FORMS.items():
        if not all((folder / name).exists() for folder in (before, after)):
            found.append(f"{name}: not recorded on both sides")
            continue
        sides = [read(folder / name) for folder in (before, after)]
        if sides[0] != sides[1]:
            found.append(f"{name}: {_first_difference(sides[0], sides[1])}")
    return found


def measured(path: Path) -> Json:
    """A run's report without its id and the keys of its artifacts, which hold the digest of the code."""
    report = json.loads(path.read_text(encoding="utf-8"))
    report["run"].pop("id")
    for artifact in report["run"]["artifacts"]:
        artifact.pop("key")
    report["lock"] = _without_code(report["lock"])
    found: Json = report
    return found


def _without_code(lock: Mapping[str, object]) -> dict[str, object]:
    """A lock without what moves with every amendment for another spelling of the judge's code."""
    moving = {"sha256", "amendments", "commit", "date", "status"}
    return {name: value for name, value in lock.items() if name not in moving}


class _Tree(HTMLParser):
    """The elements, attributes and words of a page; white space between them aside."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Json] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append([tag, [[name, value] for name, value in sorted(attrs, key=str)]])

    def handle_endtag(self, tag: str) -> None:
        self.nodes.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if words := " ".join(data.split()):
            self.nodes.append(words)


def tree(path: Path) -> Json:
    """A page as its parsed elements."""
    parser = _Tree()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    return parser.nodes


def _json(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def _text(path: Path) -> Json:
    return path.read_text(encoding="utf-8")


FORMS: Mapping[str, Callable[[Path], Json]] = {
    "parameters.json": _json,
    "verdicts.json": _json,
    "locks.json": _json,
    "rendered/summary.md": _text,
    "rendered/junit.xml": _text,
    "rendered/report.html": tree,
    "run.json": measured,
}
"""What is compared, and as what."""


def _first_difference(before: Json, after: Json, place: str = "$") -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            if name not in before or name not in after:
                return f"{place}.{name} stands on one side only"
            if before[name] != after[name]:
                return _first_difference(before[name], after[name], f"{place}.{name}")
    if isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            if old != new:
                return _first_difference(old, new, f"{place}[{index}]")
        return f"{place} has {len(before)} entries, then {len(after)}"
    if isinstance(before, str) and isinstance(after, str) and "\n" in before:
        return _first_difference(list(before.splitlines()), list(after.splitlines()), place)
    return f"{place} was {before!r:.300}, is {after!r:.300}"


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def _harness(*words: str) -> tuple[int, str]:
    """Exit code and output of the command line of this checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _recorded(commits: list[str], scratch: Path) -> Iterator[Path]:
    """What each commit says of itself, by its own copy of this script."""
    for place, commit in enumerate(commits):
        checkout, folder = scratch / f"checkout{place}", scratch / f"record{place}"
        subprocess.run(
            ["git", "worktree", "add", "--detach", "--quiet", checkout, commit], cwd=CHECKOUT, check=True
        )
        try:
            subprocess.run(
                [sys.executable, "-m", "tests.same_numbers", "record", folder],
                cwd=checkout,
                env={**os.environ, "PYTHONPATH": str(checkout)},
                check=True,
            )
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", checkout], cwd=CHECKOUT, check=True)
        yield folder


def main(words: list[str]) -> int:
    """What the module's docstring says; 1 where something differs."""
    match words:
        case ["record", folder, *how] if how in ([], ["quick"]):
            record(Path(folder).resolve(), is_quick=bool(how))
            return 0
        case ["compare", before, after]:
            found = compare(Path(before), Path(after))
        case [before, after]:
            with tempfile.TemporaryDirectory() as scratch:
                found = compare(*_recorded([before, after], Path(scratch)))
        case _:
            sys.exit(__doc__)
    sys.stdout.write("\n".join(found or [f"the same: {', '.join(FORMS)}"]) + "\n")
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
