"""The command line: exit codes, one clear error, help with examples, and how quickly it answers."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import cli, process
from harness.run.cluster import COMMAND
from harness.run.stageprocess import run_stage
from harness.sources.pins import revision_of
from harness.store.store import Store
from harness.words.errors import MissingSourceError, NotJudgedError, Reason
from tests.small_plan import SmallWorld, install, small_plan, write_small_report


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    for variable in ("HARNESS_PROFILE", "HARNESS_STORE", "HARNESS_REPORTS", "HARNESS_STUDY"):
        monkeypatch.delenv(variable, raising=False)
    world = SmallWorld(tmp_path)
    world.write()
    install(world, monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)
    revision_of.cache_clear()
    return world


def call(*words: str) -> int:
    return cli.exit_code_of(list(words))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["reproduse"], "No such command 'reproduse'", id="unknown command"),
        pytest.param(["reproduce", "--profil", "x"], "No such option: --profil", id="unknown option"),
        pytest.param(["reproduce", "--cores", "0"], "Invalid value for '--cores'", id="no cores"),
        pytest.param(["stage", "phrases"], "Missing option '--run'", id="missing option"),
        pytest.param(
            ["stage", "phrase", "--run", "r"],
            "unknown stage 'phrase'; allowed: phrases, translations, benchmarks, estimates; did you mean 'phrases'?",
            id="unknown stage",
        ),
        pytest.param(
            ["plan", "--device", "tpu"], "unknown device 'tpu'; allowed: auto, cpu, cuda", id="device"
        ),
        pytest.param(["reproduce", "--jobs", "3"], "say --executor too", id="jobs of no cluster"),
        pytest.param(["doctor", "--cluster-profile", "."], "say --executor too", id="profile of no cluster"),
        pytest.param(["reproduce", "--judge-here"], "say --executor too", id="another place than no cluster"),
        pytest.param(["verdicts"], "Missing option '--run'", id="verdicts of nothing"),
        pytest.param(["report", "nowhere"], "nowhere holds no report.json", id="no such run"),
    ],
)
def test_a_question_that_cannot_be_asked_is_4(
    small: SmallWorld, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert call(*words) == 4
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert says in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(MissingSourceError("no network"), 5, id="a source that cannot be had"),
        pytest.param(NotJudgedError("no GPU", reason=Reason.NO_ACCELERATOR), 5, id="nothing can be measured"),
        pytest.param(RuntimeError("the sky fell"), 3, id="a crash"),
        pytest.param(KeyboardInterrupt(), 130, id="the keyboard"),
        pytest.param(process.StoppedError(15), 143, id="a request to end"),
        pytest.param(process.StoppedError(1), 129, id="a terminal that is closed"),
    ],
)
def test_every_ending_has_its_number(
    small: SmallWorld,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("harness.run.reproduce.reproduce", fail)
    assert call("reproduce") == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def _signals() -> Iterator[None]:
    """Handlers of signals as they were."""
    kept = {number: signal.getsignal(number) for number in (*process.ENDINGS, signal.SIGCHLD)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_what_outlives_its_terminal_still_hears_a_request_to_end() -> None:
    """As "nohup" starts it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    process.heed_signals()
    handlers = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)]
    assert handlers == [signal.SIG_IGN, process.stop, signal.SIG_DFL]


@pytest.mark.usefixtures("_signals")
def test_a_second_request_to_end_does_not_cut_the_first_short() -> None:
    process.heed_signals()
    with pytest.raises(process.StoppedError):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGTERM)


def test_a_traceback_is_shown_when_asked_for(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--debug", "plan", "--device", "tpu") == 4
    assert "Traceback" in capsys.readouterr().err


def test_a_report_decides_the_exit_code(small: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.reproduce.reproduce", lambda request, say, live, tell: 1)
    assert call("reproduce") == 1


def test_an_old_run_is_rendered_again(small: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    (small.root / "run").mkdir()
    (small.root / "run" / "report.json").write_text("{}")
    rendered = SimpleNamespace(summary=SimpleNamespace(exit_code=5))
    monkeypatch.setattr("harness.report.writer.render_report", lambda run: rendered)
    assert call("report", "run") == 5


def test_without_a_command_help_is_shown(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 4
    assert "Example: harness reproduce" in capsys.readouterr().out


def test_commands_are_listed_in_whole_sentences_the_main_job_first(
    small: SmallWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert call("--help") == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert listed.split()[:4] == ["reproduce", "The", "main", "job:"]
    assert "..." not in listed
    sentences = re.split(r"\n  (?=\w)", listed)
    assert len(sentences) == 22
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    "words",
    [
        ["reproduce"],
        ["judge"],
        ["audit"],
        ["plan"],
        ["stage"],
        ["report"],
        ["store"],
        ["store", "list"],
        ["store", "clean"],
        ["store", "push"],
        ["store", "pull"],
    ],
    ids=" ".join,
)
def test_every_command_has_help_with_an_example(
    small: SmallWorld, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert call(*words, "--help") == 0
    assert f"Example: harness {words[0]}" in capsys.readouterr().out


def test_the_plan_tells_what_is_done(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    run_stage_by_hand(small, "phrases")
    capsys.readouterr()
    assert call("plan", "--json") == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [(stage["stage"], stage["done"], stage["items"]) for stage in stages] == [
        ("phrases", 1, 1),
        ("translations", 0, 3),
        ("benchmarks", 0, 3),
        ("estimates", 0, 1),
    ]
    assert call("plan") == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:4] == ["phrases", "1", "of", "1"]


def test_the_plan_tells_which_claims_its_size_can_decide(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", "--profile", "fixture", "--json") == 0
    told = {each["claim_id"]: each for each in json.loads(capsys.readouterr().out)["prospects"]}
    assert told["gap.l6.value"]["units_needed"] == 1_234
    assert not told["gap.l6.value"]["decidable"]
    assert call("plan", "--profile", "fixture") == 0
    lines = capsys.readouterr().out.splitlines()
    unknown = sum(not each["is_foreseen"] for each in told.values())
    able = sum(each["decidable"] and each["is_foreseen"] for each in told.values())
    assert unknown
    assert (
        f"{able} of the {len(told)} claims that a measurement decides could be decided at this size; of {unknown} it cannot be foreseen:"
        in lines
    )
    assert sum(line.startswith("not known ") for line in lines) == unknown
    assert any(line.split()[:2] == ["no", "gap.l6.value"] and "needs 1,234 latents" in line for line in lines)


def test_a_plan_prices_every_level_of_a_grid(capsys: pytest.CaptureFixture[str]) -> None:
    """What stored values give is free, a form of the loss that nobody built is not run, the rest names what it makes anew."""
    assert call("plan", "--profile", "paper", "--grid", "training", "--json") == 0
    levels = {each["specification"]: each for each in json.loads(capsys.readouterr().out)["levels"]}
    assert levels["pooling=max"] == {
        "missing": "",
        "seconds": 0.0,
        "specification": "pooling=max",
        "stages": [],
    }
    assert levels["adapters=joint"]["missing"] == "an adapter is trained for one language"
    assert levels["rate=3e-4"]["stages"] == ["adapters", "activations-tuned", "benchmarks-tuned"]
    # What claims ask for is trained and read beside the primary adapters.
    assert levels["alpha=10"]["stages"] == ["benchmarks-tuned"]
    assert levels["shots=0-0-0"]["stages"] == ["benchmarks", "benchmarks-tuned"]
    assert levels["shots=0-0-0"]["seconds"] > 0
    assert "cut=window" not in levels


def test_a_plan_counts_what_a_grid_makes_anew_whatever_the_device(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nine adapters and a control serve the primary specification; a level of training takes one seed of three languages more.

    Ten languages are read, five in Latin letters, and nine in the words of people.
    """
    assert call("plan", "--profile", "fixture", "--device", "cpu", "--grid", "training", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    stages = {each["stage"]: each["items"] for each in told["stages"]}
    assert (stages["phrases"], stages["activations"], stages["dictionary-error"]) == (1, 10 + 5 + 9, 10)
    levels = {each["specification"]: each for each in told["levels"]}
    assert levels["shots=0-0-0"]["stages"] == ["benchmarks", "benchmarks-tuned"]
    assert levels["alpha=0"]["stages"] == ["adapters", "activations-tuned", "benchmarks-tuned"]
    assert "dtype=float32" not in levels


def test_a_run_refuses_a_grid_that_nobody_knows() -> None:
    assert call("reproduce", "--grid", "everything") == 4


def test_the_plan_of_a_world_that_is_not_here(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (small.root / "source").iterdir():
        path.unlink()
    (small.root / "source").rmdir()
    assert call("plan") == 0
    assert "? not known: small source is pinned to the folder" in capsys.readouterr().out


def run_stage_by_hand(small: SmallWorld, name: str) -> None:
    assert call("stage", name, "--run", "by-hand") == 0


def test_a_stage_by_hand_is_files_in_files_out(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stage", "translations", "--run", "by-hand") == 3
    assert "run 'harness stage phrases' first" in capsys.readouterr().err
    run_stage_by_hand(small, "phrases")
    run_stage_by_hand(small, "translations")
    assert (
        json.loads((small.root / "by-hand/stages/translations.json").read_text())["stage"] == "translations"
    )
    assert (small.root / ".store/objects/translations").is_dir()


def test_verdicts_by_hand_are_those_of_the_whole_command(
    small: SmallWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("phrases", "translations", "benchmarks"):
        run_stage_by_hand(small, name)
    assert call("verdicts", "--run", "by-hand") == 3
    assert "estimates: not in .store, or damaged" in capsys.readouterr().err
    assert not (small.root / "by-hand/report.json").exists()
    (failure,) = _folder(small, "by-hand").read_failures()
    assert (failure.stage, failure.kind) == ("verdicts", "MissingArtifactError"), "a cluster's host is told"
    run_stage_by_hand(small, "estimates")
    assert call("verdicts", "--run", "by-hand") == 0
    assert list(_folder(small, "by-hand").read_failures()) == []
    assert call("reproduce", "--out", "whole") == 0
    reports = [(small.root / folder / "report.json").read_bytes() for folder in ("by-hand", "whole")]
    assert reports[0] == reports[1]


def test_the_store_is_listed_verified_and_cleaned(
    small: SmallWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run_stage_by_hand(small, "phrases")
    run_stage(small_plan(small), "benchmarks", Store(small.root / ".store"), _folder(small, "reports/kept"))
    capsys.readouterr()
    assert call("store", "list", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 4
    assert call("store", "list") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("4 artifacts, ")
    assert call("store", "verify") == 0
    # A folder of other runs, one of which names artifacts, but none of this store.
    run_stage(small_plan(small), "phrases", Store(small.root / "other"), _folder(small, "elsewhere/run"))
    (index,) = (small.root / "elsewhere").rglob("stages/phrases.json")
    index.write_text(index.read_text().replace('"key": "', '"key": "0'))
    for wrong in ("nowhere", "elsewhere"):
        assert call("store", "clean", "--yes", "--reports", wrong) == 4
        assert f"no run below {wrong} names an artifact of .store" in capsys.readouterr().err
    assert len(list(Store(small.root / ".store").list())) == 4
    assert call("store", "clean") == 0
    assert "0 could be removed" in capsys.readouterr().out, "a stage by hand names its artifacts as well"
    shutil.rmtree(small.root / "by-hand")
    assert call("store", "clean") == 0
    assert "1 could be removed" in capsys.readouterr().out
    assert call("store", "clean", "--yes") == 0
    assert len(list(Store(small.root / ".store").list())) == 3
    next((small.root / ".store").glob("objects/*/*/*/text.txt")).write_text("edited")
    assert call("store", "verify") == 3
    assert "text.txt is damaged" in capsys.readouterr().err


def _folder(small: SmallWorld, name: str) -> object:
    from harness.store.run_folder import RunFolder

    return RunFolder(root=small.root / name)


def test_the_environment_sets_the_defaults(small: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setenv("HARNESS_PROFILE", "paper")
    monkeypatch.setenv("HARNESS_STORE", "/cache/store")
    monkeypatch.setenv("HARNESS_REPORTS", "/reports")
    monkeypatch.setenv("HARNESS_STUDY", "other")
    monkeypatch.setattr(
        "harness.run.reproduce.reproduce", lambda request, say, live, tell: asked.append(request) or 0
    )
    assert call("reproduce", "--device", "cpu") == 0
    assert str(replace(asked[0], command=COMMAND)) == (
        "harness reproduce --study other --profile paper --device cpu --store /cache/store --reports /reports"
    )
    assert asked[0].reports == Path("/reports")


def test_a_store_that_cannot_be_written_is_3(small: SmallWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("stage", "phrases", "--run", "by-hand", "--store", "/sys/store") == 3
    assert "cannot write /sys/store" in capsys.readouterr().err


HEAVY = frozenset({
    *("torch", "transformers", "peft", "lm_eval", "datasets", "huggingface_hub", "snakemake", "ctranslate2"),
    *("pyarrow", "pandas", "safetensors", "matplotlib", "jinja2", "jsonschema", "attr", "fsspec"),
})  # fmt: skip
"""Libraries that no quick command waits for."""


@pytest.mark.parametrize(
    ("words", "not_even"),
    [
        ("--version", "numpy scipy"),
        ("--help", "numpy scipy pydantic"),
        ("plan --help", "numpy scipy"),
        ("explain gap.l6.value", "numpy scipy"),
        ("claims", "numpy scipy"),
        ("lock --check", "numpy scipy"),
        ("judge --printed 12.3 --margin 1 --estimate 12.1 --se 0.3", ""),
        ("plan --profile paper", ""),
    ],
)
def test_quick_commands_import_nothing_heavy(words: str, not_even: str) -> None:
    program = (
        "import sys; from harness.cli import exit_code_of; exit_code_of(sys.argv[1:]); "
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", program, *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {*done.stdout.splitlines()[-1].split()}
    assert "harness" in loaded
    assert loaded & (HEAVY | {*not_even.split()}) == set()


def test_the_module_runs_no_file_of_the_current_folder(tmp_path: Path) -> None:
    for name in ("random", "json", "logging", "typer"):
        (tmp_path / f"{name}.py").write_text('raise SystemExit("a file of this folder")', encoding="utf-8")
    command = [sys.executable, "-m", "harness", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_small_report_stands_in_for_the_real_one() -> None:
    import inspect

    from harness.report.writer import write_report

    assert list(inspect.signature(write_small_report).parameters) == list(
        inspect.signature(write_report).parameters
    )
