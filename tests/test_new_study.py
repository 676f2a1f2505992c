"""A new study is written whole, passes every check and asks what was asked for; or one clear error says why not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from claims import languages
from claims.sin2025 import pins
from claims.sin2025 import study as paper
from harness import cli, new_study
from harness.sources import studies
from tests.test_registering import Checkout

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "adding-a-language.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    (made.root / "fixtures").symlink_to(ROOT / "fixtures")
    (made.root / "tests" / "claims").mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def written(checkout: Checkout) -> str:
    """Name of the study of the page, made by the very command that stands there."""
    (command,) = re.findall(r"^harness (new-study .*)$", PAGE, flags=re.MULTILINE)
    made = checkout.harness(*command.split())
    assert (made.returncode, made.stderr) == (0, "")
    name = command.split()[1]
    assert f"harness reproduce --study {name} --profile fixture" in made.stdout
    return name


def test_the_study_of_the_page_stands_there_as_it_is_written(checkout: Checkout, written: str) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert (checkout.root / "claims" / written / "study.py").read_text(encoding="utf-8") == shown


def test_what_is_written_passes_every_check(checkout: Checkout, written: str) -> None:
    of_it = ("--study", written)
    for words, says in (
        (("lock", "--check", *of_it), ("intact: ",)),
        (("claims", *of_it), ("gap.l6.direction", "gain.bn.direction")),
        (("plan", *of_it, "--profile", "paper"), ("translations",)),
        (("doctor", *of_it), ("none in Bengali; claims about arc", "on cpu: this machine can run it")),
    ):
        told = checkout.harness(*words)
        assert (told.returncode, told.stderr) == (0, "")
        assert [each for each in says if each not in told.stdout] == []


def test_its_own_test_holds_and_can_fail(checkout: Checkout, written: str) -> None:
    text = (checkout.root / "tests" / "claims" / f"test_{written}.py").read_text(encoding="utf-8")
    program = f"{text}\ntest_every_question_is_asked()\ntest_gaps_are_asked_at_the_chosen_layers()\n"
    (checkout.root / "own_test.py").write_text(program)

    def run() -> int:
        command = [sys.executable, "own_test.py"]
        return subprocess.run(command, cwd=checkout.root, check=False, capture_output=True).returncode

    assert run() == 0
    (checkout.root / "own_test.py").write_text(program.replace("layer=6/", "layer=7/"))
    assert run() == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sin2025"], "claims/sin2025 is there already"),
        (["elsewhere"], "claims/elsewhere is there already"),
        (["two words"], "'two words' cannot name a study"),
        (["my-study"], "'my-study' cannot name a study"),
        (["class"], "'class' cannot name a study"),
        (["new", "--like", "sin2052"], "unknown study 'sin2052'"),
        (["new", "--like", "inaba2025"], "inaba2025 is a study of harness.designs.emergence.design"),
        (["new", "--languages", "en,es,xx"], "unknown language 'xx'"),
        (["new", "--layers", "6,26"], "sin2025 has no dictionary at layer 26"),
        (["new", "--like", "mistral_7b", "--layers", "6"], "mistral_7b has no dictionary at layer 6"),
        (["new", "--layers", "6,last"], "'last' is no layer"),
        (["new", "--languages", "es,ml"], "--languages lacks the one that phrases are taken from"),
        (["new", "--languages", "en,ml"], "--languages lacks high-resource languages"),
        (["new", "--languages", "en,es"], "--languages lacks low-resource languages; sin2025 has id, ca"),
        (["new", "--languages", "en,es,hr"], "that a translator is known for (hr have none)"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in studies.CLAIMS.iterdir())
    assert cli.exit_code_of(["new-study", *words]) == 4
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert says in told
    assert sorted(path.name for path in studies.CLAIMS.iterdir()) == before


def test_a_study_that_cannot_be_read_back_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(new_study, "CLAIMS", tmp_path)
    assert cli.exit_code_of(["new-study", "new"]) == 4
    assert "unknown study 'new'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_language_without_a_translator_is_left_out_and_said_to_be(checkout: Checkout) -> None:
    made = checkout.harness("new-study", "croatian", "--languages", "en,es,hr,eu", "--layers", "6")
    assert (made.returncode, made.stdout.count("left out hr: no translator into it is known")) == (0, 1)
    told = checkout.harness("explain", "gap.hr", "--study", "croatian").stdout
    assert "No translator into Croatian is known" in told


def test_what_is_known_of_languages_is_what_the_paper_s_study_has() -> None:
    for language in paper.LANGUAGES:
        known = languages.KNOWN[language.code]
        assert (known.name, known.script) == (language.name, language.script)
        assert known.flores == pins.FLORES_CONFIGS[language.code]
    for code, pin in pins.TRANSLATORS.items():
        assert languages.translator(code).pin == pin
    bengali = languages.translator("bn")
    assert (bengali.pin.address, bengali.target_token) == ("Helsinki-NLP/opus-mt-en-inc", ">>ben<<")


def test_every_known_language_has_benchmarks() -> None:
    import lm_eval.tasks

    folder = Path(lm_eval.tasks.__file__).parent / "okapi" / "arc_multilingual"
    asked = {path.stem.removeprefix("arc_") for path in folder.glob("arc_*.yaml")}
    assert set(languages.KNOWN) - asked == {"en"}
