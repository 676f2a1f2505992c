"""What the environment leaves behind: which variables stay outside, and what is refused by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store import environment
from harness.store.environment import child_environment, clean, expect_settings, start_clean, without_strays
from harness.words.errors import SettingError

SHOW = (
    "import os, sys\n"
    "from harness.store.environment import start_clean\n"
    "start_clean()\n"
    "print(sys.flags.optimize, sys.warnoptions, sys.flags.utf8_mode, ascii(sys.argv[1]), 'MPLBACKEND' in os.environ)"
)


def started(path: Path, **variables: str) -> str:
    """What a process finds around it, after it has cleaned up."""
    path.write_text(SHOW, encoding="utf-8")
    words = [sys.executable, str(path), "größe"]
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "stray",
    [
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTEST_PLUGINS": "plugin_of_another_project"},
        {"SOURCE_DATE_EPOCH": "yesterday"},
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"GIT_DIR": "/elsewhere/.git", "GIT_CONFIG_COUNT": "x"},
        {"SNAKEMAKE_PROFILE": "cluster"},
        {"BASH_ENV": "/etc/modules"},
        {"TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"},
        {"HF_ENDPOINT": ""},
        {"AWS_ENDPOINT_URL_S3": ""},
        {"HARNESS_STORE": ""},
    ],
    ids=lambda stray: next(iter(stray)),
)
def test_strays_stay_outside(stray: dict[str, str]) -> None:
    wanted = {"PATH": "/bin", "HF_HOME": "/cache", "CUDA_VISIBLE_DEVICES": ""}
    assert clean({**wanted, **stray}) == wanted


def test_nothing_on_the_search_path_is_not_the_current_folder() -> None:
    assert clean({"PYTHONPATH": ":/one::/two:"}) == {"PYTHONPATH": "/one:/two"}
    assert clean({"PYTHONPATH": ""}) == {}


def test_children_run_no_file_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text('raise SystemExit("a file of the current folder")', encoding="utf-8")
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    words = [sys.executable, "-m", "random"]
    subprocess.run(words, cwd=tmp_path, env=child_environment(), capture_output=True, check=True, timeout=60)


def test_a_process_starts_again_without_them(tmp_path: Path) -> None:
    found = started(
        tmp_path / "show.py", PYTHONOPTIMIZE="2", PYTHONWARNINGS="error", MPLBACKEND="module://nothing"
    )
    assert found == f"0 [] {sys.flags.utf8_mode} 'gr\\xf6\\xdfe' False"


def test_only_what_python_has_obeyed_already_costs_a_second_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda path, words, environment: starts.append(environment))
    for name in list(os.environ):
        if name.startswith("PYTHON"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(environment, "_writes_utf8", lambda: True)
    for name in ("GIT_DIR", "MPLBACKEND", "PYTEST_ADDOPTS", "SNAKEMAKE_PROFILE"):
        monkeypatch.setenv(name, "stray")
    monkeypatch.setenv("HF_ENDPOINT", "")
    start_clean()
    assert starts == []
    assert dict(os.environ) == clean(os.environ)
    assert (
        subprocess.run(
            [sys.executable, "-c", "import os; print('GIT_DIR' in os.environ)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        == "False\n"
    )
    monkeypatch.setenv("PYTHONPATH", "/one::/two")
    start_clean()
    assert [each["PYTHONPATH"] for each in starts] == ["/one:/two"]


def test_an_8_bit_locale_garbles_no_name(tmp_path: Path) -> None:
    found = started(tmp_path / "show.py", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert found == "0 [] 1 'gr\\xf6\\xdfe' False"


def test_strays_come_back_for_whoever_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_PLUGINS", "mine")
    with without_strays():
        assert "PYTEST_PLUGINS" not in os.environ
    assert os.environ["PYTEST_PLUGINS"] == "mine"


@pytest.mark.parametrize("name", ["HARNESS_PROFLE", "HARNESS_STOER", "HARNES_REPORTS", "HARNESS_PROFILES"])
def test_a_slip_of_the_pen_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_PROJECT_ID", "of another program")
    expect_settings()
    monkeypatch.setenv(name, "paper")
    with pytest.raises(SettingError, match=rf"^{name} is no variable of this program; did you mean HARNESS_"):
        expect_settings()


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
def test_a_number_that_is_none_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "abc")
    with pytest.raises(SettingError, match=f"{name} is 'abc'.*unset it"):
        expect_settings()
