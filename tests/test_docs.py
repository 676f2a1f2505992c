"""The pages that say how to add something are tried literally, and every file that a page names is there."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest
import yaml

from harness.cli import app, store_app
from harness.process import ENDINGS, READER_GONE
from harness.report.wording import EXIT_CODES, JUDGED_EXIT_CODES
from harness.stages.stage import perform, staged
from harness.store.tables import read_table, write_table
from harness.words.plan import Item
from harness.words.records import Text, TextLength
from tests.test_registering import Checkout

ROOT = Path(__file__).resolve().parents[1]
TOY = ROOT / "tests" / "designs" / "toy_design"


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page(name), flags=re.DOTALL)


def test_the_stage_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, in_design = blocks("adding-a-stage.md")
    (tmp_path / "word_counts.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "word_counts", raising=False)
    write_table(
        tmp_path / "phrases",
        Text,
        [Text(text_id=n, text=text, held_out=False) for n, text in enumerate(("the old sea", "sea"))],
    )
    phrases = Item(function="harness.stages.phrases:phrases", name="all", parameters={})
    names: dict[str, Any] = {"Item": Item, "phrases": phrases}
    exec(in_design, names)
    stage = staged(names["WORD_COUNTS"], [names["counts"]])
    assert (stage.name, stage.says, stage.uses_model) == ("word-counts", "The words of every phrase", False)
    (tmp_path / "out").mkdir()
    perform(stage.items[0], {"phrases": tmp_path / "phrases"}, tmp_path / "out")
    assert [row.tokens for row in read_table(tmp_path / "out", TextLength)] == [3, 0]


def test_the_design_of_the_page_is_the_one_that_runs_in_the_tests() -> None:
    files = [path.read_text(encoding="utf-8") for path in TOY.rglob("*.py")]
    found = blocks("adding-a-design.md")
    assert len(found) > 4
    assert [block for block in found if not any(block in text for text in files)] == []


@pytest.mark.parametrize("name", ["architecture.md", "adding-a-stage.md", "adding-a-design.md"])
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    missing, folder = [], ""
    for named in re.findall(r"`([\w./]+(?:\.py|/))`", page(name)):
        place = ROOT / named if "/" in named else ROOT / folder / named
        missing += [] if place.exists() else [named]
        folder = named.rpartition("/")[0] if "/" in named else folder
    assert missing == []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_claim_is_added_as_its_guide_says(checkout: Checkout) -> None:
    (block,) = blocks("adding-a-claim.md")
    assert checkout.harness("lock").returncode == 0
    claims = checkout.root / "claims" / "sin2025" / "claims.py"
    claims.write_text(claims.read_text().replace("GAPS = (\n", f"GAPS = (\n{block},\n", 1))
    told = checkout.harness("explain", "gap.l13.value")
    assert (told.returncode, "margin           2.2 percent: about a tenth" in told.stdout) == (0, True)
    assert checkout.harness("lock", "--check").returncode == 11
    amended = checkout.harness("lock", "--amend", "a gap in the middle")
    assert (amended.returncode, "+/claims/gap.l13.value" in amended.stdout) == (0, True)


def test_a_study_is_added_as_its_guide_says(checkout: Checkout) -> None:
    folder = checkout.root / "claims" / "arc_alone"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (checkout.root / "fixtures").symlink_to(ROOT / "fixtures")
    for name, block in zip(
        ("study", "profiles", "sources", "claims"), blocks("adding-a-study.md"), strict=True
    ):
        (folder / f"{name}.py").write_text(block)
    planned = checkout.harness("plan", "--study", "arc_alone", "--profile", "fixture")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "benchmarks " in planned.stdout
    claims = checkout.harness("claims", "--study", "arc_alone")
    assert (claims.returncode, claims.stdout.splitlines()[0].split()[:2]) == (0, ["secondary", "arc.falls"])
    examined = checkout.harness("doctor", "--study", "arc_alone")
    assert examined.stdout.splitlines()[-1] == "fixture world on cpu: this machine can run it"


def test_a_model_is_added_as_its_guide_says(checkout: Checkout) -> None:
    folder = checkout.root / "claims" / "tiny_llama"
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, block in zip(
        ("study", "profiles", "sources", "claims"), blocks("adding-a-model.md"), strict=True
    ):
        (folder / f"{name}.py").write_text(block)
    of_it = ("--study", "tiny_llama", "--profile", "rehearsal")
    planned = checkout.harness("plan", *of_it)
    assert (planned.returncode, planned.stderr) == (0, "")
    claims = checkout.harness("claims", "--study", "tiny_llama")
    assert (claims.returncode, claims.stdout.count("gap.")) == (0, 5)
    replayed = checkout.harness("stage", "replay", *of_it, "--device", "cpu", "--run", "reports/tiny")
    assert (replayed.returncode, replayed.stderr) == (0, "making replay all\n")


def test_every_exit_code_stands_on_its_page_with_commands_that_there_are() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| (.*) \|$", page("exit-codes.md"), flags=re.MULTILINE)
    codes = {int(code) for told, _ in rows for code in told.split(",")}
    assert codes == {
        *EXIT_CODES,
        *JUDGED_EXIT_CODES,
        READER_GONE,
        *(128 + each for each in (SIGINT, *ENDINGS)),
    }
    named = {name for _, says in rows for name in re.findall(r"`([a-z ]+)`", says)}
    known = {each.callback.__name__ for each in app.registered_commands if each.callback}
    known |= {f"store {each.callback.__name__}" for each in store_app.registered_commands if each.callback}
    assert len(named) > 5
    assert named - known == set()


def test_the_site_names_every_page() -> None:
    def pages_of(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for part in entry.values() if isinstance(entry, dict) else entry:
                yield from pages_of(part)

    named = list(pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert len(there) > 30
    assert sorted(named) == sorted(there)


def test_the_glossary_holds_every_noun_that_names_a_module() -> None:
    modules = {path.stem for path in (ROOT / "harness").rglob("*.py")} - {"__init__", "__main__"}
    named = set(re.findall(r"`(\w+)/?`", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")))
    assert len(modules) > 50
    assert modules - named == set()
