"""What either study of bilingual models takes from elsewhere, spoilt or not there: by the command line, minutes of a processor.

Each fault ends the command with one error that names the file, what was found, what was expected and what to do; what is finished is kept,
and nothing is left half made. With everything mended as the messages say, the same command goes on to its end.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from safetensors.torch import load, save
from torch import Tensor

from claims.inaba2025 import pins
from claims.neo import pins as neo
from harness.models.weights import INDEX
from harness.words.errors import ExitCode
from tests.hub.code import offer
from tests.hub.commands import harness, report_of
from tests.hub.gemma import shards
from tests.hub.llm_jp import SEPTEMBER, llm_jp_hub
from tests.hub.neo import neo_hub
from tests.hub.server import Content, Hub, content_of, serving
from tests.proof.checkouts import checkout, edit

PAPER = """
from dataclasses import replace
from tests.hub.llm_jp import small

_whole = small(paper())
_shown = replace(_whole.sources.demonstration, steps={FINAL: pins.FINAL_STEP})
_cells = tuple(cell for cell in _whole.sources.cells if cell.size in {"150m", "1.8b"})
_sources = replace(_whole.sources, model=pins.FINAL_MODELS["980m"], cells=_cells, demonstration=_shown)
PROFILES = {**PROFILES, "paper": replace(_whole, sources=_sources)}
"""
"""Behind the profiles of a checkout: two sizes, the tokenizer of a third, and one step of the demonstration."""

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
        return self._command("reproduce", "--cores", "1", "--out", str(self.root / "run"))

    def stage(self, name: str) -> CompletedProcess[str]:
        """One stage of it by hand."""
        return self._command("stage", name, "--run", str(self.root / "run"))

    def _command(self, *words: str) -> CompletedProcess[str]:
        copy = self.root / "checkout"
        told = {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
        world = [
            "--study",
            self.study,
            "--profile",
            "paper",
            "--device",
            "cpu",
            "--store",
            str(self.root / "store"),
        ]
        return harness(self.hub, self.root, *words, *world, checkout=copy, limit_s=1_800, **told)

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
            str(path): path.stat().st_mtime_ns
            for path in (self.root / "store").glob("objects/*/*/*/artifact.json")
        }

    @property
    def half_made(self) -> list[Path]:
        """What was begun below the store and not finished."""
        return [*(self.root / "store").glob("objects/*/*/.*")]


def world_of(root: Path, study: str, hub: Hub, profiles: str) -> World:
    copy = checkout(root / "checkout")
    with (copy / "claims" / study / "profiles.py").open("a", encoding="utf-8") as file:
        file.write(profiles)
    return World(hub, root, study)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    hub = llm_jp_hub(tmp_path_factory.mktemp("draft"), SEPTEMBER)
    with serving(hub):
        yield world_of(tmp_path_factory.mktemp("paper"), "inaba2025", hub, PAPER)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    hub = neo_hub("first", "final")
    with serving(hub):
        yield world_of(tmp_path_factory.mktemp("neo"), "neo", hub, NEO)


def told_in_one_line(world: World, command: Callable[[], CompletedProcess[str]], code: int) -> str:
    """The one error that a command ends with; it made away with nothing, and left nothing half made."""
    before = world.artifacts
    done = command()
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert before.items() <= world.artifacts.items()
    assert world.half_made == []
    return line


@contextmanager
def spoilt(world: World, address: str, changed: Mapping[str, Content | None]) -> Iterator[None]:
    """Some files at an address otherwise, or not there, before anybody used it; afterwards all as it was, in a commit of its own."""
    forget(world, address)
    files = world.hub.repositories["models", address].files
    whole = {**files, **changed}
    world.put(address, {name: held for name, held in whole.items() if held is not None})
    try:
        yield
    finally:
        world.put(address, files)


def put_to_the_fault(
    world: World, address: str, changed: Mapping[str, Content | None], code: int, stage: str = ""
) -> str:
    """What the run, or a stage by hand, says of files that are spoilt; then the record is removed that it names."""
    with spoilt(world, address, changed):
        line = told_in_one_line(world, (lambda: world.stage(stage)) if stage else world.reproduce, code)
    named = re.search(r"remove (\S*first-use\S+\.json) and start again; or correct the pin in pins\.py", line)
    assert named, line
    Path(named[1]).unlink()
    # Whatever else lies in that repository was recorded in its spoilt commit, which this hub no longer has.
    forget(world, address)
    return line


def forget(world: World, address: str) -> None:
    """Remove what is recorded of the first use of an address."""
    for record in world.root.glob(f"home/harness/first-use/*/{address.replace('/', '_')}-*.json"):
        record.unlink()


def half(hub: Hub, address: str, name: str) -> dict[str, Content | None]:
    """The file ends in its midst, where it lies as well as here."""
    content = hub.repositories["models", address].read(name)
    return {name: content[: len(content) // 2]}


def test_a_tokenizer_of_the_papers_models_is_one_error(paper: World) -> None:
    address = pins.FINAL_MODELS["980m"].address
    line = put_to_the_fault(paper, address, {TOKENIZER: None}, ExitCode.NOTHING_JUDGED)
    assert re.search(r"stage corpus, .* llm-jp-3-980m .* has no tokenizer\.json; its folder holds", line), (
        line
    )
    line = put_to_the_fault(paper, address, half(paper.hub, address, TOKENIZER), ExitCode.USAGE, "corpus")
    assert re.search("llm-jp-3-980m .* cannot be loaded", line), line


def test_a_feature_of_the_demonstration_is_one_error(paper: World) -> None:
    """Another commit of the authors' repository, in which one file ends in its midst, a step is not there, a value is no tenth."""
    sound = shown_files(paper.hub)
    name = f"docs/data/{pins.FINAL_STEP}/3.json"
    whole = json.loads(sound[name])
    cut = [[[token, value + 0.5] for token, value in example] for example in whole["token_act"]]
    with another_demonstration(paper, {**sound, name: sound[name][: len(sound[name]) // 2]}):
        line = told_in_one_line(paper, paper.reproduce, ExitCode.NOTHING_JUDGED)
    says = r"stage feature-replay, .* demonstration of features .*/3\.json does not tell a feature \(.+\); expected token_act, lists of"
    assert re.search(says, line), line
    assert line.endswith(
        "what lies at a revision stays as it is: correct the pin in pins.py of the study, below claims/"
    )
    without = {path: held for path, held in sound.items() if f"/{pins.FINAL_STEP}/" not in path}
    of_another_type = {**sound, name: json.dumps({**whole, "token_act": cut}).encode()}
    for files, says in (
        (
            without,
            f"has no features of step {pins.FINAL_STEP} below docs/data, where it has those of 100, 10000, 100000",
        ),
        (
            of_another_type,
            r"/3\.json does not tell a feature \(the value of a token is float, and not int\); expected",
        ),
    ):
        with another_demonstration(paper, files):
            line = told_in_one_line(paper, lambda: paper.stage("demo-replay"), ExitCode.NOTHING_JUDGED)
        assert re.search(says, line), line


def shown_files(hub: Hub) -> dict[str, bytes]:
    """The files of the demonstration, by their paths in its repository."""
    raw = f"/raw/{pins.DEMONSTRATION.revision}/"
    return {path.partition(raw)[2]: content_of(held) for path, held in hub.pages.items() if raw in path}


@contextmanager
def another_demonstration(world: World, files: Mapping[str, bytes]) -> Iterator[None]:
    """Other files in another commit of the authors' repository, and a checkout in which that one is pinned."""
    world.commits.append(pins.DEMONSTRATION.address)
    told, other = str(pins.DEMONSTRATION.revision), f"{len(world.commits):040x}"
    offer(world.hub, replace(pins.DEMONSTRATION, revision=other), files)
    pinned = world.root / "checkout" / "claims" / world.study / "pins.py"
    edit(pinned, told, other)
    try:
        yield
    finally:
        edit(pinned, other, told)


def test_a_released_dictionary_of_a_third_layout_or_spoilt_is_one_error(paper: World) -> None:
    """The hub holds it in the later layout of the authors' code; the earlier one is in `test_second_paper.py`."""
    address = pins.RELEASED.address
    sound = paper.hub.repositories["models", address].read(SEPTEMBER)
    arrays = load(sound)
    third = {"W_enc": arrays["encoder.weight"].T, "b_enc": arrays["encoder.bias"], "W_dec": arrays["decoder.weight"].T, "b_dec": arrays["b_dec"]}  # fmt: skip
    turned = {**arrays, "decoder.weight": arrays["decoder.weight"].T}
    narrow = {
        name: array[:-1] if name in {"decoder.weight", "b_dec"} else array for name, array in arrays.items()
    }
    narrow["encoder.weight"] = arrays["encoder.weight"][:, :-1]
    line = put_to_the_fault(paper, address, {SEPTEMBER: saved(third)}, ExitCode.USAGE)
    says = r"stage feature-replay, .* released dictionary .*: model\.safetensors holds the arrays \['W_dec', 'W_enc', 'b_dec', 'b_enc'\]; expected each of .*'W_dec'.* or .*'decoder\.weight'.* once"
    assert re.search(says, line), line
    for content, says in (
        (saved(turned), r"holds W_dec of shape \(40, 640\); expected \(640, 40\)"),
        (saved(narrow), "reads a stream 39 wide; that of llm-jp-3-1.8b .* is 40 wide"),
        (sound[: len(sound) // 2], r"model\.safetensors cannot be read as arrays"),
    ):
        line = put_to_the_fault(paper, address, {SEPTEMBER: content}, ExitCode.USAGE, "feature-replay")
        assert re.search(says, line), line


def saved(arrays: Mapping[str, Tensor]) -> bytes:
    return save({name: array.contiguous() for name, array in arrays.items()})


def test_weights_that_are_not_there_or_named_otherwise_are_one_error(paper: World) -> None:
    """A model in several files, whose index names a file that the hub lacks, a tensor twice, or not all of them."""
    address = pins.FINAL_MODELS["150m"].address
    whole = paper.hub.repositories["models", address].read("model.safetensors")
    files: dict[str, Content | None] = {**shards(load(whole)), "model.safetensors": None}
    index = json.loads(content_of(files[INDEX] or b""))
    (name, home), *_ = sorted(index["weight_map"].items())
    last = max(index["weight_map"].values())
    line = put_to_the_fault(paper, address, {**files, last: None}, ExitCode.NOTHING_JUDGED)
    assert re.search(
        rf"stage model-checks, item 150m-final: llm-jp-3-150m .* has no {last}, which {INDEX} names; its folder holds",
        line,
    ), line
    twice = json.dumps(index).replace(f'"{name}": ', f'"{name}": "{last}", "{name}": ')
    less = json.dumps(
        {"weight_map": {each: held for each, held in index["weight_map"].items() if each != name}}
    )
    for text, says in (
        (
            twice,
            f"{INDEX} is no index of weights: it names {name} twice, in {last} and in {home}; expected it once",
        ),
        (less, f"{INDEX} does not name {name}, which stands in {home}; expected each tensor once"),
    ):
        line = put_to_the_fault(
            paper, address, {**files, INDEX: text.encode()}, ExitCode.USAGE, "model-checks"
        )
        assert says in line, line


def test_with_all_mended_a_run_of_the_paper_goes_on_to_its_end(paper: World) -> None:
    before = paper.artifacts
    done = paper.reproduce()
    # Other sizes than the registered ones break the lock of the checkout.
    assert (done.returncode, "error: " in done.stderr) == (ExitCode.LOCK_BROKEN, False), done.stderr
    assert before.items() <= paper.artifacts.items()
    report = report_of(paper.root)
    assert report["not_run"] == []
    facts = report["run"]["environment"]
    assert facts["dictionary as loaded"].startswith(f"{SEPTEMBER} of {pins.RELEASED.name}, sha256 ")
    assert facts["layers found again by replay"] == "1 of 1"


def test_a_tokenizer_of_another_repository_is_one_error_by_its_own_name(other: World) -> None:
    address = neo.TOKENIZER.address
    line = put_to_the_fault(other, address, half(other.hub, address, "tokenizer.model"), ExitCode.USAGE)
    assert re.search("stage corpus, .* tokenizer of MAP-Neo .* cannot be loaded", line), line


def test_a_checkpoint_that_is_not_there_or_of_another_configuration_is_one_error(other: World) -> None:
    first = neo.checkpoint("250m", "first")
    files = other.hub.repositories["models", first.address].files
    below = {name for name in files if name.startswith(f"{first.folder}/")}
    with spoilt(other, first.address, dict.fromkeys(below)):
        line = told_in_one_line(other, other.reproduce, ExitCode.NOTHING_JUDGED)
    says = r"neo 250m after 16\.78B tokens .* holds none of the files \['hf_ckpt/16\.78B/\*\.json', .* and hf_ckpt there holds 1002\.65B; if it has moved, correct its files in pins\.py"
    assert re.search(says, line), line
    name = f"{first.folder}/config.json"
    config = json.loads(content_of(files[name]))
    wider = json.dumps({**config, "intermediate_size": 2 * config["intermediate_size"]}).encode()
    line = put_to_the_fault(other, first.address, {name: wider}, ExitCode.USAGE)
    says = r"stage model-checks, item 250m-first: neo 250m after 16\.78B tokens .*: its files hold model\.layers\.0\.mlp.*weight of shape .*; its config\.json asks for"
    assert re.search(says, line), line


def test_with_all_mended_a_run_of_another_study_goes_on_to_its_end(other: World) -> None:
    before = other.artifacts
    done = other.reproduce()
    assert "error: " not in done.stderr, done.stderr
    assert before.items() <= other.artifacts.items()
    assert report_of(other.root)["not_run"] == []
