"""The floor plan: a module imports only from floors below, or sideways along an arrow that is drawn here."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "harness"

FLOORS: Mapping[str, str] = {
    "words": "the standard library only",
    "statistics": "no disk, network, clock or environment",
    "store": "what lies on this disk, and the environment it was made in",
    "sources": "outside things by their pins",
    "models": "language models, SAEs, adapters and translators",
    "stages": "the stages, each from what those before it stored",
    "designs": "kinds of study: their stages and quantities",
    "judge": "estimates and claims in, verdicts out; alone sees printed numbers",
    "report": "records in, files out",
    "run": "a plan made, resumed, watched and handed to the report",
}
"""Folders of `harness/` from the ground up, with their promises; `report` counts as one module."""

ROOF = (
    "cli",
    "judging",
    "registering",
    "storing",
    "options",
    "outputs",
    "sampled",
    "preparing",
    "doctor",
    "fetching",
    "spotcheck",
    "amending",
    "authors",
    "pace",
    "plugin",
    "__main__",
)
"""People's side: the modules that stand in no folder."""

ARROWS: Mapping[str, str] = {
    "__main__": "cli",
    "amending": "authors",
    "cli": "judging options outputs plugin preparing registering storing",
    "controls": "disparity tuning",
    "disparity": "latents",
    "estimates": "controls disparity failed_estimates published_scores scores tuning",
    "failed_estimates": "controls disparity scores tuning",
    "pipeline": "draft estimates",
    "published_scores": "disparity latents scores tuning",
    "scores": "disparity tuning",
    "tuning": "disparity latents",
    "doctor": "fetching",
    "audit_input": "bases declaration declared declaredsamples quantities resampled sample stored unit_values",
    "baselines": "quantities scoring",
    "byhand": "question rules_single sample",
    "claimfaults": "payloadfaults",
    "declared": "claimfaults quantities",
    "declaredsamples": "pooled precision sample stored",
    "docket": "hearing sample stored unit_values",
    "hearing": "question rules_arithmetic rules_correlation rules_many rules_maximum rules_single sample telling",
    "ledger": "lock",
    "lock": "registration",
    "pooled": "resampled sample unit_values",
    "precision": "question resampled stored unit_values",
    "question": "sample",
    "registration": "claimfaults declared scoring",
    "resampled": "sample unit_values",
    "rules_arithmetic": "arithmetic",
    "rules_correlation": "question rules_single sample",
    "rules_many": "question rules_single sample",
    "rules_maximum": "question rules_single sample simultaneous",
    "rules_single": "question sample",
    "settling": "arithmetic quantities",
    "simultaneous": "sample",
    "stored": "pooled resampled sample unit_values",
    "telling": "question",
    "judging": "options",
    "adapters": "failed_adapters memory whole_weights",
    "loading": "memory whole_weights",
    "sae": "encoding loading params",
    "preparing": "amending authors doctor fetching options pace sampled spotcheck",
    "registering": "fetching options",
    "artifact_status": "cache_keys progress stageprocess",
    "audit": "ending",
    "counting": "finished projection trainingwork",
    "ending": "artifact_status cache_keys evidence progress verdicts",
    "engine": "cache_keys stageprocess",
    "forecast": "counting projection",
    "inventory": "cache_keys",
    "judged_run": "evidence verdicts",
    "reproduce": "artifact_status cache_keys ending engine execution progress verdicts",
    "stageprocess": "cache_keys",
    "trainingwork": "finished projection",
    "sampled": "amending authors",
    "bucket": "patience pin_record plain_http",
    "hub": "hub_errors patience pin_record",
    "hub_errors": "connection pin_record retry_after",
    "neuronpedia": "export pin_record plain_http",
    "parallel": "sources",
    "patience": "hub_errors retry_after",
    "plain_http": "connection patience pin_record retry_after",
    "sources": "bucket certificates hub pin_record synthetic",
    "synthetic": "pin_record synthetic_networks synthetic_texts",
    "synthetic_networks": "synthetic_texts",
    "alignment": "alignment_loss held_out model_card texts training",
    "dictionary_error": "extraction texts",
    "evaluation": "evaluation_likelihood evaluation_tasks",
    "evaluation_tasks": "item_faults",
    "extraction": "texts",
    "held_out": "alignment_loss",
    "model_card": "alignment_loss",
    "phrases": "english",
    "replay": "replay_rows",
    "self_checks": "alignment dictionary_error evaluation extraction phrases translation",
    "training": "alignment_loss held_out",
    "translation": "lengths",
    "translation_scores": "translation",
    "assumptions": "metrics stats",
    "correlation": "metrics resampling stats",
    "manifest": "files",
    "provenance": "environment",
    "run_folder": "files provenance",
    "store": "files manifest",
    "storing": "options",
    "canonical": "study",
    "judgement": "claim verdict",
    "mode": "study",
    "plan": "study",
}
"""What a module may import from its own floor."""

DOORS: Mapping[str, str] = {
    "transformers": "loading synthetic_networks",
    "tokenizers": "synthetic_networks",
    "sentencepiece": "synthetic_networks",
    "sae_lens": "sae",
    "huggingface_hub": "hub hub_errors",
    "peft": "adapters",
    "safetensors": "whole_weights",
    "lm_eval": "evaluation evaluation_tasks",
    "datasets": "evaluation",
    "pyarrow": "tables parallel evaluation_tasks",
    "sacrebleu": "chrf",
    "fcntl": "files",
    "packaging": "provenance",
    "rich": "progress",
    "typer": "cli judging options preparing registering storing",
    "matplotlib": "report",
    "jsonschema": "declaration report",
    "importlib": "studies",
    "scipy": "stats",
    "pytest": "plugin",
}
"""One door per dependency: who may import it. lm-eval keeps its data in `datasets`, and reads Parquet.

`importlib` means loading by name; its parts `resources` and `metadata` read what is installed, and are free.
A dependency that is not listed has no door: Snakemake runs as a process of its own, and what peft needs stays behind it.
"""

FOR_TYPES: Mapping[str, str] = {"peft": "training"}
"""Who may name a dependency's types without loading it, besides its door."""

ARRAYS = {"torch", "numpy", "jaxtyping"}
"""What every floor but the words may use."""

OUTSIDE = {
    *("os", "pathlib", "io", "shutil", "tempfile", "subprocess", "platform"),
    *("socket", "urllib", "http", "time", "datetime", "random", "secrets"),
}
"""Parts of the standard library that reach disk, network, clock, environment or hidden random state."""

LANGUAGE_CODES = {"zh", "ru", "es", "it", "ca", "mr", "ml", "hi"}
"""Languages of the paper, but for Indonesian, whose code is also an everyday key."""

PRINTED_NUMBERS = ("26.27", "19.89", "87.69", "86.32", "75.49")


@dataclass(frozen=True)
class Import:
    """One imported name, as `from a import b` spells it: "a.b"."""

    name: str
    for_types: bool = False

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    @property
    def module(self) -> str:
        """The module of the harness that is meant, or nothing."""
        return module_named(self.name.split(".")[1:]) if self.root == "harness" else ""


def module_named(parts: Sequence[str]) -> str:
    """Module that a place below `harness/` belongs to: the folder's file, or the whole of `report`."""
    inside = len(parts) > 1 and parts[0] in FLOORS and parts[0] != "report"
    return parts[1 if inside else 0] if parts else ""


def imports_of(source: str) -> Iterator[Import]:
    """Every import of a module, those inside functions and for type checkers included."""
    tree = ast.parse(source)
    typing_blocks = [
        n for n in ast.walk(tree) if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)
    ]
    for_types = {id(node) for block in typing_blocks for node in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "the harness spells its imports out"
            yield from (Import(f"{node.module}.{alias.name}", id(node) in for_types) for alias in node.names)


def harness_files() -> Iterator[tuple[tuple[str, ...], Path]]:
    """Every module by its place below the package; the packages' own files hold a docstring and nothing else."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).with_suffix("").parts
        if place[-1] != "__init__" or place[0] == "report":
            yield place, path
        else:
            assert not list(imports_of(path.read_text(encoding="utf-8"))), path


@cache
def harness_imports() -> Mapping[str, set[Import]]:
    """What each module of the harness imports."""
    found: dict[str, set[Import]] = {}
    for place, path in harness_files():
        found.setdefault(module_named(place), set()).update(imports_of(path.read_text(encoding="utf-8")))
    return found


@cache
def floor_of() -> Mapping[str, int]:
    """The floor of every module, counted from the ground; modules in no known place have none."""
    height = {folder: floor for floor, folder in enumerate(FLOORS)} | dict.fromkeys(ROOF, len(FLOORS))
    return {module_named(place): height[place[0]] for place, _ in harness_files() if place[0] in height}


def faults(imports: Mapping[str, AbstractSet[Import]]) -> Iterator[str]:
    """What breaks the plan, one sentence each."""
    floors = floor_of()
    for module, found in imports.items():
        if module not in floors:
            yield f"{module} stands on no floor; move it into one of {', '.join(FLOORS)}"
            continue
        for each in sorted(found, key=lambda each: each.name):
            if each.root == "harness":
                yield from inner_faults(module, each.module, floors)
            else:
                yield from outer_faults(module, each, floors[module])


def inner_faults(module: str, wanted: str, floors: Mapping[str, int]) -> Iterator[str]:
    if wanted == module or not wanted:
        return
    if wanted not in floors:
        yield f"{module} imports {wanted}, which stands on no floor"
    elif floors[wanted] > floors[module]:
        yield f"{module} (floor {floors[module]}) imports {wanted} from floor {floors[wanted]} above it"
    elif floors[wanted] == floors[module] and wanted not in ARROWS.get(module, "").split():
        yield f"{module} imports {wanted} sideways, and no arrow is drawn"


def outer_faults(module: str, wanted: Import, floor: int) -> Iterator[str]:
    root = wanted.root
    if root in {"claims", "tests", "fixtures"}:
        yield f"{module} imports {wanted.name}; the instrument knows no paper, test or fixture"
    elif root in DOORS:
        allowed = DOORS[root].split() + (FOR_TYPES.get(root, "").split() if wanted.for_types else [])
        is_free = wanted.name.startswith(("importlib.resources", "importlib.metadata"))
        if module not in allowed and not is_free:
            yield f"{module} imports {wanted.name}; the door to {root} is {DOORS[root]}"
    elif root in ARRAYS:
        if floor == 0:
            yield f"{module} imports {root}; words are standard library only"
    elif root not in sys.stdlib_module_names:
        yield f"{module} imports {wanted.name}, which has no door; name one in DOORS"
    elif floor == 1 and root in OUTSIDE and wanted.name != "pathlib.PurePath":
        yield f"{module} imports {wanted.name}; statistics touch no disk, network, clock or environment"


def test_the_harness_keeps_its_floor_plan() -> None:
    assert list(faults(harness_imports())) == []


def test_no_two_modules_share_a_name() -> None:
    names = Counter(module_named(place) for place, _ in harness_files() if place[0] != "report")
    assert {name: count for name, count in names.items() if count > 1} == {}


def test_the_readme_draws_every_floor() -> None:
    drawing = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    assert [folder for folder in FLOORS if f"| `{folder}/` |" not in drawing] == []


def test_every_arrow_is_used_and_stays_on_its_floor() -> None:
    imports, floors = harness_imports(), floor_of()
    for module, wanted in ARROWS.items():
        assert set(wanted.split()) <= {each.module for each in imports[module]}, module
        assert {floors[each] for each in wanted.split()} <= {floors[module]}, module


def test_arrows_form_no_circle() -> None:
    below = {module: set(wanted.split()) for module, wanted in ARROWS.items()}
    while free := {module for module, wanted in below.items() if not wanted & below.keys()}:
        below = {module: wanted for module, wanted in below.items() if module not in free}
    assert below == {}


def test_every_door_is_used() -> None:
    imports = harness_imports()
    for root, modules in DOORS.items():
        assert {m for m, found in imports.items() if root in {each.root for each in found}} >= set(
            modules.split()
        )


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        pytest.param("novelty", "", "novelty stands on no floor", id="a module that is not in the plan"),
        pytest.param("study", "import numpy", "words are standard library only", id="a word that imports arrays"),
        pytest.param("metrics", "from pathlib import Path", "statistics touch no disk", id="a tool that reads disk"),
        pytest.param("metrics", "import time", "statistics touch no disk", id="a tool with a clock"),
        pytest.param("metrics", "from harness.models.loading import x", "from floor 4 above it", id="an upward import"),
        pytest.param("metrics", "from harness.models import loading", "from floor 4 above it", id="an upward module"),
        pytest.param("metrics", "def f():\n  import harness.models.loading", "above it", id="hidden in a function"),
        pytest.param("tuning", "from harness.designs.scores import x", "no arrow is drawn", id="a sideways import"),
        pytest.param("hooks", "import harness.novelty", "stands on no floor", id="an import from nowhere"),
        pytest.param("phrases", "import transformers", "the door to transformers is loading", id="another door"),
        pytest.param("alignment", "import peft", "the door to peft is adapters", id="types loaded at run time"),
        pytest.param("engine", "import snakemake", "has no door", id="a dependency without a door"),
        pytest.param("scores", "from claims.sin2025 import study", "knows no paper", id="an import of the paper"),
        pytest.param("scores", "import importlib.util", "the door to importlib", id="loading by name"),
    ],
)  # fmt: skip
def test_the_plan_rejects(module: str, source: str, fault: str) -> None:
    (found,) = faults({module: set(imports_of(source))})
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        pytest.param(
            "training", "if TYPE_CHECKING:\n  from peft import PeftModel", id="types of a dependency"
        ),
        pytest.param("cli", "from importlib.metadata import version", id="what is installed"),
        pytest.param("metrics", "import numpy", id="arrays among the tools"),
        pytest.param("scores", "from harness.designs.tuning import x", id="an arrow that is drawn"),
        pytest.param("cli", "import harness.report.page", id="a folder below"),
    ],
)
def test_the_plan_accepts(module: str, source: str) -> None:
    assert list(faults({module: set(imports_of(source))})) == []


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
    assert len(texts) > len(floor_of())
    assert [path.name for path in texts if pattern.search(path.read_text(encoding="utf-8"))] == []
    assert pattern.search("TARGET = 26.27")
