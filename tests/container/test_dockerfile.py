"""The Dockerfile and what may enter the image, read as text: no engine needed."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.container.image import PLANTED

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ENTERING = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def instructions(text: str) -> list[tuple[str, str]]:
    """Word and rest of every instruction, its lines put together."""
    whole = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (word.upper(), " ".join(rest.split())) for word, _, rest in map(_parted, whole.splitlines()) if word
    ]


def _parted(line: str) -> tuple[str, str, str]:
    return line.strip().partition(" ")


ALL = instructions(TEXT)


def rests(word: str) -> list[str]:
    return [rest for found, rest in ALL if found == word]


def variables() -> Mapping[str, str]:
    """What the image sets."""
    pairs = [pair for rest in rests("ENV") for pair in re.findall(r'(\w+)=("[^"]*"|\S*)', rest)]
    return {name: value.strip('"') for name, value in pairs}


def stage(name: str) -> list[tuple[str, str]]:
    """Instructions of one stage."""
    starts = [place for place, (word, _) in enumerate(ALL) if word == "FROM"]
    (start,) = (place for place in starts if ALL[place][1].endswith(f" AS {name}"))
    return ALL[start + 1 : next((place for place in starts if place > start), len(ALL))]


def copied(*names: str) -> Iterator[str]:
    """Everything that comes from the checkout into some stages."""
    for word, rest in (each for name in names for each in stage(name)):
        if word == "COPY" and not rest.startswith("--from="):
            yield from (path.removesuffix("/") for path in rest.split()[:-1])


def enters(path: str) -> bool:
    """Whether a file of the checkout reaches the build: the last pattern that fits decides."""
    places = [path, *map(str, Path(path).parents)]
    decided = False
    for line in ENTERING:
        pattern = line.removeprefix("!")
        if pattern and not line.startswith("#") and any(_fits(place, pattern) for place in places):
            decided = line.startswith("!")
    return decided


def _fits(place: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch(Path(place).name, pattern.removeprefix("**/"))
    return place == pattern or (pattern == "*" and place != ".")


def test_the_default_base_is_named_by_tag_and_digest() -> None:
    assert ALL[0][0] == "ARG"
    assert re.fullmatch(r"BASE_IMAGE=python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", ALL[0][1])


def test_the_stages_stand_on_the_same_base_and_what_runs_is_the_default() -> None:
    assert rests("FROM") == [
        *("${BASE_IMAGE} AS environment", "${BASE_IMAGE} AS run"),
        *("run AS test", "run AS image"),
    ]
    assert stage("image") == []


def test_it_needs_no_frontend_that_would_have_to_be_pulled() -> None:
    assert not re.search(r"^#\s*(syntax|escape|check)=", TEXT, re.MULTILINE)
    assert "<<" not in TEXT
    assert {"SHELL", "ADD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"} & {word for word, _ in ALL} == set()


def test_everything_that_is_downloaded_has_a_hash() -> None:
    environment, project, tests = (rest for rest in rests("RUN") if " pip " in rest)
    assert "--require-hashes --only-binary :all: -r /src/requirements/bootstrap.lock" in environment
    locked = "--require-hashes --require-build-hashes --build-constraints /src/requirements/build.lock -r"
    assert all(locked in rest for rest in (environment, tests))
    assert "--no-index" in project
    assert not re.search(r"\b(apt|apt-get|curl|wget|git)\b", " ".join(rests("RUN")))


def test_the_lock_that_is_taken_unasked_is_there() -> None:
    assert "LOCK=requirements/cuda.lock" in rests("ARG")
    assert (ROOT / "requirements/cuda.lock").is_file()


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_user_is_a_number_and_not_root(name: str) -> None:
    assert [rest for word, rest in stage(name) if word == "USER"][-1] == "10001:10001"


def test_what_runs_has_nothing_of_the_tests() -> None:
    assert {"harness", "claims", "fixtures"} <= set(copied("run"))
    assert {"tests", "requirements", "reports/example"} & set(copied("run")) == set()
    assert {"tests", "reports/example"} <= set(copied("test"))


def test_cache_and_reports_are_the_writable_places_and_never_volumes_unasked() -> None:
    assert rests("VOLUME") == []
    assert variables()["HARNESS_MOUNTS"] == "/cache:/reports"
    places = [
        value for name, value in variables().items() if name in {"HF_HOME", "XDG_CACHE_HOME", "HARNESS_STORE"}
    ]
    assert [place for place in places if not place.startswith("/cache")] == []
    assert variables()["HARNESS_REPORTS"] == "/reports"


def test_the_main_job_is_the_command_on_the_paper_profile() -> None:
    assert rests("CMD") == ['["nox", "-s", "reproduce"]', '["nox", "-s", "tests"]']
    assert variables()["HARNESS_PROFILE"] == "paper"
    assert variables()["NOX_DEFAULT_VENV_BACKEND"] == "none"


def test_what_determinism_takes_is_set_and_no_more_of_the_gpu_than_needed() -> None:
    known = variables()
    assert (known["PYTHONHASHSEED"], known["CUBLAS_WORKSPACE_CONFIG"]) == ("0", ":4096:8")
    assert known["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "NVIDIA_VISIBLE_DEVICES" not in known


def test_no_variable_or_label_is_made_for_a_secret() -> None:
    names = [*variables(), *(rest.partition("=")[0] for rest in rests("ARG")), *rests("LABEL")]
    assert [name for name in names if re.search(r"token|secret|password|key", name, re.IGNORECASE)] == []


def test_what_a_commit_changes_comes_after_the_environment() -> None:
    words = [(word, rest.partition("=")[0]) for word, rest in ALL]
    environment = ALL.index(("COPY", "--from=environment /opt/venv /opt/venv"))
    assert environment < ALL.index(("COPY", "harness ./harness")) < words.index(("ARG", "VCS_REF"))
    assert words.index(("ARG", "VCS_REF")) < words.index(("LABEL", "org.opencontainers.image.title"))


def test_all_that_is_copied_exists_and_is_let_in() -> None:
    names = list(copied("run", "test"))
    assert len(names) > 10
    assert [name for name in names if not list(ROOT.glob(name))] == []
    assert [name for name in names if not enters(name.replace("*", "cuda"))] == []


def test_all_that_is_let_in_is_copied() -> None:
    allowed = {line.removeprefix("!") for line in ENTERING if line.startswith("!")}
    assert allowed == {
        "requirements" if name.startswith("requirements/") else name for name in copied("run", "test")
    }


@pytest.mark.parametrize(
    "place", [*PLANTED, ".git/config", "harness/__pycache__/cli.pyc", "notes.txt", "a.token"]
)
def test_what_may_hold_a_secret_or_a_run_is_kept_out(place: str) -> None:
    assert not enters(place)


@pytest.mark.parametrize(
    "place", ["harness/cli.py", "fixtures/model/tokenizer.json", "reports/example/report.json"]
)
def test_what_the_image_is_for_is_let_in(place: str) -> None:
    assert enters(place)


@pytest.mark.skipif(
    shutil.which("hadolint", path=Path(sys.executable).parent) is None, reason="hadolint is not installed"
)
def test_hadolint_finds_nothing_and_ignores_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    words = [str(program), "--no-color", "--failure-threshold", "style", str(ROOT / "Dockerfile")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "hadolint ignore" not in TEXT
    assert not list(ROOT.glob(".hadolint*"))
