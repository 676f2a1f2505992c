"""The floor plan: its contracts in pyproject.toml are kept and would be seen broken; what they cannot say is asked here."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.store.code_digest import import_closure

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "harness"

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["importlinter"]["contracts"]

FLOORS: Sequence[str] = next(each["layers"] for each in CONTRACTS if each["type"] == "layers")[:0:-1]
"""Folders of `harness/` from the ground up; the first layer of the contract is the roof, which has no folder."""

DOORS: Mapping[str, Sequence[str]] = {
    each["name"]: each["allowed_importers"] for each in CONTRACTS if each["type"] == "protected"
}

BY_NAME = (
    "harness.sources.studies",
    "harness.sources.pins",
    "harness.stages.stage",
    "harness.designs.design",
    "harness",
)
"""Who loads modules by a computed name: a study's tables, who fetches a pin, a stage when it runs, the design that a study names, and
the package what a notebook asks it for."""

ARRAYS = {"torch", "numpy", "jaxtyping"}
"""What every floor but the words may use without a door."""

LANGUAGE_CODES = {"zh", "ru", "es", "it", "ca", "mr", "ml", "hi"}
"""Languages of the paper, but for Indonesian, whose code is also an everyday key."""

PRINTED_NUMBERS = ("26.27", "19.89", "87.69", "86.32", "75.49")


def imports_of(source: str) -> Iterator[str]:
    """Every import of a module, those inside functions and for type checkers included; `from a import b` is "a.b"."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "the harness spells its imports out"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def harness_imports() -> Mapping[str, AbstractSet[str]]:
    """What each module of the harness imports, by full name; of what lies in the harness, the module that is meant."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    return {
        name: {module_meant(wanted, files) for wanted in imports_of(path.read_text(encoding="utf-8"))}
        for name, path in files.items()
    }


def module_meant(wanted: str, modules: Mapping[str, object]) -> str:
    if not wanted.startswith("harness."):
        return wanted
    assert wanted in modules or wanted.rpartition(".")[0] in modules, f"{wanted} is imported from nowhere"
    return wanted if wanted in modules else wanted.rpartition(".")[0]


def height_of(module: str) -> int:
    """The floor of a module, counted from the ground."""
    folder = f"{module}.".split(".")[1]
    return FLOORS.index(folder) if folder in FLOORS else len(FLOORS)


def faults(imports: Mapping[str, AbstractSet[str]]) -> Iterator[str]:
    """What breaks the plan beside its contracts, one sentence each."""
    for module, found in imports.items():
        for wanted in sorted(found):
            root = wanted.partition(".")[0]
            if root == "harness":
                # The contracts leave out what is imported for types alone; it would turn the plan upside down as well.
                if height_of(wanted) > height_of(module):
                    yield f"{module} imports {wanted} from a floor above it"
            elif module.startswith("harness.words.") and root not in sys.stdlib_module_names:
                yield f"{module} imports {root}; words are standard library only"
            elif root not in {*sys.stdlib_module_names, *DOORS, *ARRAYS}:
                yield f"{module} imports {root}, which has no door; add a contract to pyproject.toml"
            elif wanted in {"importlib", "importlib.util"} and module not in BY_NAME:
                yield f"{module} imports {wanted}; {', '.join(BY_NAME)} alone load by name"


def test_the_harness_keeps_its_floor_plan() -> None:
    assert list(faults(harness_imports())) == []


def test_how_things_are_fetched_is_no_part_of_what_artifacts_are_named_by() -> None:
    """What comes is held to its recorded digests: a better retry would else throw away days of an accelerator."""
    fetching = {f"harness.sources.{name}" for name in ("http", "hub", "bucket", "code")}
    stages = [f"harness.stages.{path.stem}" for path in (PACKAGE / "stages").glob("[a-z]*.py")]
    assert {stage: fetching & {*import_closure(stage)} for stage in stages} == {
        stage: set() for stage in stages
    }
    assert fetching & {*import_closure("harness.sources.hub")} == fetching - {
        *("harness.sources.bucket", "harness.sources.code"),
    }


def test_packages_hold_a_docstring_and_nothing_else() -> None:
    for path in PACKAGE.glob("*/__init__.py"):
        assert path.parent.name == "report" or not list(imports_of(path.read_text(encoding="utf-8"))), path


def test_every_folder_is_a_floor_that_the_readme_draws() -> None:
    drawing = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(FLOORS)
    assert [folder for folder in FLOORS if f"| `{folder}/` |" not in drawing] == []


def test_every_door_is_used() -> None:
    imports = harness_imports()
    used = {
        (name, door)
        for module, found in imports.items()
        for name, doors in DOORS.items()
        for door in doors
        if f"{module}.".startswith(f"{door}.") and name in {wanted.partition(".")[0] for wanted in found}
    }
    assert used == {(name, door) for name, doors in DOORS.items() for door in doors}


@pytest.mark.parametrize(
    ("module", "wanted", "fault"),
    [
        pytest.param("words.study", "numpy", "words are standard library only", id="a word that imports arrays"),
        pytest.param("statistics.metrics", "harness.models.loading", "a floor above it", id="an upward import"),
        pytest.param("stages.phrases", "harness.cli", "a floor above it", id="the roof"),
        pytest.param("run.engine", "snakemake", "has no door", id="a dependency without a door"),
        pytest.param("designs.disparity.scores", "importlib.util", "alone load by name", id="loading by name"),
    ],
)  # fmt: skip
def test_the_plan_rejects(module: str, wanted: str, fault: str) -> None:
    (found,) = faults({f"harness.{module}": {wanted}})
    assert fault in found


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        pytest.param("cli", "importlib.metadata.version", id="what is installed"),
        pytest.param("statistics.metrics", "numpy", id="arrays among the tools"),
        pytest.param("cli", "harness.report", id="a folder below"),
    ],
)
def test_the_plan_accepts(module: str, wanted: str) -> None:
    assert list(faults({f"harness.{module}": {wanted}})) == []


def broken_contracts(folder: Path) -> tuple[AbstractSet[str], str]:
    """Names of the contracts that the harness in a folder breaks, and all that the linter says of it."""
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter, which the extra 'lint' brings, is not installed")
    said = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Contracts" in said.stdout, said.stdout + said.stderr
    return {
        line.removesuffix(" BROKEN") for line in said.stdout.splitlines() if line.endswith(" BROKEN")
    }, said.stdout


def test_the_contracts_are_kept() -> None:
    broken, said = broken_contracts(ROOT)
    assert broken == set(), said


def test_broken_contracts_are_seen(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = {
        "statistics.metrics": ("import time", "def f():\n    import harness.models.sae"),
        "statistics.stats": ("from harness.statistics import correlation",),
        "stages.alignment": ("import peft", "from transformers import Gemma2Model"),
        "designs.disparity.scores": ("from claims.sin2025 import study",),
    }
    for module, lines in planted.items():
        with (tmp_path / "harness" / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as stream:
            stream.write("\n".join(("", *lines, "")))
    (tmp_path / "harness" / "novelty.py").touch()
    broken, said = broken_contracts(tmp_path)
    assert broken == {
        *(each["name"] for each in CONTRACTS if each["type"] != "protected"),
        "peft",
        "transformers",
    }, said
    assert "novelty" in said
    assert "harness.statistics.metrics -> harness.models.sae" in said


def code_strings(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_harness_names_no_language_of_the_paper() -> None:
    named = {
        path.name: LANGUAGE_CODES & code_strings(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: codes for name, codes in named.items() if codes} == {}


def test_a_language_list_would_be_seen() -> None:
    assert code_strings('LOW = ("mr", "ml")\nprint("hi there")') & LANGUAGE_CODES == {"mr", "ml"}


def test_the_harness_holds_no_printed_number_of_the_paper() -> None:
    texts = [
        path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix in {"", ".py", ".json", ".css"}
    ]
    pattern = re.compile("|".join(rf"(?<!\d){re.escape(number)}(?!\d)" for number in PRINTED_NUMBERS))
    assert len(texts) > len(FLOORS)
    assert [path.name for path in texts if pattern.search(path.read_text(encoding="utf-8"))] == []
    assert pattern.search("TARGET = 26.27")
