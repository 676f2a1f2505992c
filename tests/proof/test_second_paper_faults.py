"""A tokenizer that is truncated or not there, of either study of bilingual models: by the command line, minutes of a processor.

Each fault ends `harness reproduce` with one error that names the file, what was found and what to do; what is finished is kept; with the
file mended, and the record removed that the message names, the same command goes on to what comes next.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from claims.inaba2025 import pins
from claims.neo import pins as neo
from harness.words.errors import ExitCode
from tests.hub.commands import harness
from tests.hub.llm_jp import llm_jp_hub
from tests.hub.neo import neo_hub
from tests.hub.server import Content, Hub, serving
from tests.proof.checkouts import checkout

PAPER = """
from dataclasses import replace
from tests.hub.llm_jp import small

_whole = small(paper())
_shown = replace(_whole.sources.demonstration, steps={FINAL: pins.FINAL_STEP})
_cells = tuple(cell for cell in _whole.sources.cells if cell.size in {"150m", "1.8b"})
_sources = replace(_whole.sources, model=pins.FINAL_MODELS["150m"], cells=_cells, demonstration=_shown)
PROFILES = {**PROFILES, "paper": replace(_whole, sources=_sources)}
"""
"""Behind the profiles of a checkout: two sizes and one step of the demonstration."""

NEO = """
from dataclasses import replace
from tests.hub.neo import small

_whole = small(paper())
_cells = tuple(cell for cell in _whole.sources.cells if cell.name in {"250m-first", "250m-final"})
_sources = replace(_whole.sources, model=_cells[-1].pin, cells=_cells)
PROFILES = {**PROFILES, "paper": replace(_whole, sources=_sources)}
"""
"""One size at two checkpoints."""

TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class World:
    """A hub, a store and a run that the faults of a study are put to."""

    hub: Hub
    root: Path
    study: str
    commits: list[str] = field(default_factory=list)

    def reproduce(self) -> CompletedProcess[str]:
        """The run, started or gone on with."""
        copy = self.root / "checkout"
        words = ["--study", self.study, "--profile", "paper", "--device", "cpu", "--cores", "1"]
        words += ["--store", str(self.root / "store"), "--out", str(self.root / "run")]
        told = {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        return harness(self.hub, self.root, "reproduce", *words, checkout=copy, limit_s=1_800, **told)

    def put(self, address: str, files: dict[str, Content]) -> None:
        """Other files at an address, in a commit of their own."""
        repository = self.hub.repositories["models", address]
        repository.files, repository._bytes = files, {}
        self.commits.append(address)
        repository.parent_revision = f"{len(self.commits):040x}"

    @property
    def artifacts(self) -> Mapping[str, int]:
        """When each finished artifact was made."""
        return {
            str(path): path.stat().st_mtime_ns for path in (self.root / "store").glob("*/*/manifest.json")
        }


def world_of(root: Path, study: str, hub: Hub, profiles: str) -> World:
    copy = checkout(root / "checkout")
    with (copy / "claims" / study / "profiles.py").open("a", encoding="utf-8") as file:
        file.write(profiles)
    return World(hub, root, study)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    hub = llm_jp_hub(tmp_path_factory.mktemp("draft"))
    with serving(hub):
        yield world_of(tmp_path_factory.mktemp("paper"), "inaba2025", hub, PAPER)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    hub = neo_hub("first", "final")
    with serving(hub):
        yield world_of(tmp_path_factory.mktemp("neo"), "neo", hub, NEO)


def put_to_the_fault(world: World, address: str, spoilt: Mapping[str, bytes | None], code: int) -> str:
    """The run with some files otherwise, or not there, ends with one message; then everything is mended as it says."""
    before, files = world.artifacts, world.hub.repositories["models", address].files
    changed = {**files, **spoilt}
    world.put(address, {name: held for name, held in changed.items() if held is not None})
    done = world.reproduce()
    world.put(address, files)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert before.items() <= world.artifacts.items()
    named = re.search(r"remove (\S*first-use\S+\.json) and start again; or correct the pin in pins\.py", line)
    assert named, line
    Path(named[1]).unlink()
    return line


def half(hub: Hub, address: str, name: str) -> dict[str, bytes | None]:
    """The file ends in its midst, where it lies as well as here."""
    content = hub.repositories["models", address].read(name)
    return {name: content[: len(content) // 2]}


def test_a_tokenizer_of_the_papers_models_is_one_error_and_mended_the_run_goes_on(paper: World) -> None:
    address = pins.FINAL_MODELS["150m"].address
    line = put_to_the_fault(paper, address, {TOKENIZER: None}, ExitCode.NOTHING_JUDGED)
    assert re.search(r"stage corpus, .* llm-jp-3-150m .* has no tokenizer\.json; its folder holds", line), (
        line
    )
    line = put_to_the_fault(paper, address, half(paper.hub, address, TOKENIZER), ExitCode.USAGE)
    assert re.search("stage corpus, .* llm-jp-3-150m .* cannot be loaded", line), line


def test_a_tokenizer_of_another_repository_is_one_error_by_its_own_name(other: World) -> None:
    address = neo.TOKENIZER.address
    line = put_to_the_fault(other, address, half(other.hub, address, "tokenizer.model"), ExitCode.USAGE)
    assert re.search("stage corpus, .* tokenizer of MAP-Neo .* cannot be loaded", line), line
