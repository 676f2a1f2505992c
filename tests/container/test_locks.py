"""The locks: hashed line by line, alike but for CUDA, without what no run loads, within the ranges of pyproject.toml, naming no place."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.models.translator import CUBLAS
from requirements.locks import INPUTS, SMALL, LockError, read_lock, wheels_at_hand

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {name: read_lock(ROOT / f"requirements/{name}.lock") for name in INPUTS}
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HASH = "ab" * 32
TRANSLATING = "nvidia-cublas-cu12"
"""What CTranslate2 loads on an accelerator, of CUDA 12 beside any torch."""


def wanted_by_extra(extra: str) -> Iterator[Requirement]:
    """Requirements of an extra, those of the extras that it includes as well."""
    for text in PROJECT["project"]["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["project"]["name"]:
            for included in requirement.extras:
                yield from wanted_by_extra(included)
        else:
            yield requirement


def ranges(*extras: str) -> list[Requirement]:
    direct = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    return [*direct, *(each for extra in extras for each in wanted_by_extra(extra))]


def refused(wanted: list[Requirement], *locks: str) -> list[str]:
    """Requirements that some locks, installed together, do not meet."""
    versions = {name: locked.version for lock in locks for name, locked in LOCKS[lock].items()}
    return [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(
            versions.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]


def test_there_is_one_lock_for_each_purpose_and_nothing_else() -> None:
    assert sorted(path.name for path in (ROOT / "requirements").glob("*.lock")) == sorted(
        f"{name}.lock" for name in INPUTS
    )


@pytest.mark.parametrize(("lock", "build"), [("cuda", "2.13.0"), ("cuda12", "2.13.0+cu126")])
def test_environments_differ_in_torchs_build_and_cuda_alone(lock: str, build: str) -> None:
    cuda, cpu = ({name: each.version for name, each in LOCKS[name].items()} for name in (lock, "cpu"))
    assert (cuda.pop("torch"), cpu.pop("torch")) == (build, "2.13.0+cpu")
    assert {name: version for name, version in cuda.items() if name in cpu} == cpu
    only_cuda = cuda.keys() - cpu.keys()
    assert only_cuda
    assert [name for name in only_cuda if not re.match(r"nvidia-|cuda-|triton$", name)] == []
    differ = [name for name in LOCKS["cpu"] if LOCKS["cpu"][name].hashes != LOCKS[lock][name].hashes]
    assert differ == ["torch"]


@pytest.mark.parametrize(("lock", "major"), [("cuda", "13"), ("cuda12", "12")])
def test_all_of_cuda_is_of_one_generation(lock: str, major: str) -> None:
    versions = {name: each.version for name, each in LOCKS[lock].items()}
    named = [
        name
        for name in versions
        if re.search(r"-cu\d\d$", name) and name not in {TRANSLATING, "nvidia-cuda-nvrtc-cu12"}
    ]
    assert named
    assert {name[-2:] for name in named} == {versions["cuda-toolkit"].partition(".")[0]} == {major}
    assert versions["cuda-bindings"].startswith(f"{major}.")


@pytest.mark.parametrize("lock", ["cuda", "cuda12"])
def test_the_translating_engine_finds_its_library_whatever_torch_brings(lock: str) -> None:
    assert {name.rpartition(".")[2] for name in CUBLAS} == {
        LOCKS[lock][TRANSLATING].version.partition(".")[0]
    }


@pytest.mark.parametrize("lock", ["cuda", "cuda12", "cpu"])
def test_the_projects_ranges_admit_every_locked_version(lock: str) -> None:
    wanted = ranges("image")
    assert len(wanted) > 20
    assert refused(wanted, lock) == []
    assert refused(ranges("image", "test", "fixtures"), lock, "test") == []


@pytest.mark.parametrize("text", ["numpy>=3", "no-such-package>=1", "torch==2.12.0"])
def test_a_range_that_does_not_admit_it_would_be_seen(text: str) -> None:
    assert refused([Requirement(text)], "cpu", "test") == [text]


def test_what_tests_take_lies_beside_what_runs() -> None:
    assert LOCKS["test"].keys() & LOCKS["cpu"].keys() == set()
    assert {"hypothesis", "wandb", "plotly"} <= LOCKS["test"].keys()


def unused() -> list[str]:
    lines = (ROOT / "requirements/unused.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if not line.startswith("#")]


def test_nothing_unused_or_for_tests_alone_is_in_an_image_that_runs() -> None:
    tools = [each.name for extra in ("test", "lint", "fixtures") for each in wanted_by_extra(extra)]
    needed = {canonicalize_name(each.name) for each in ranges("image")} | {
        "tokenizers",
        "psutil",
    }  # of libraries
    unwanted = {*unused(), *map(canonicalize_name, tools)} - needed
    assert {"wandb", "plotly", "ruff", "mypy", "hypothesis"} <= unwanted
    assert [
        (lock, name) for lock in ("cuda", "cuda12", "cpu") for name in unwanted if name in LOCKS[lock]
    ] == []


@pytest.mark.slow
def test_what_is_unused_is_loaded_by_no_library_that_the_harness_loads() -> None:
    doors = ["sae_lens", "lm_eval.evaluator", "transformers", "peft", "datasets", "accelerate", "ctranslate2"]
    program = (
        "import importlib, sys\n"
        f"for name in {[name.replace('-', '_') for name in unused()]}: sys.modules[name] = None\n"
        "import requirements.wandb; sys.modules['wandb'] = requirements.wandb\n"
        f"for name in {doors}: importlib.import_module(name)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True)


def test_torch_is_pinned_exactly() -> None:
    assert "torch==2.13.0" in PROJECT["project"]["dependencies"]


@pytest.mark.parametrize(("lock", "group"), [("build", "build"), ("bootstrap", "bootstrap")])
def test_a_groups_lock_holds_what_the_group_names(lock: str, group: str) -> None:
    wanted = [Requirement(text) for text in PROJECT["dependency-groups"][group]]
    assert wanted
    assert refused(wanted, lock) == []


def test_the_project_is_built_with_what_the_locks_hold() -> None:
    (backend,) = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    assert refused([backend], "build") == []
    assert LOCKS["cpu"]["setuptools"].version == LOCKS["build"]["setuptools"].version


def test_the_small_image_holds_packages_of_the_lock_alone() -> None:
    assert [name for name in SMALL if name not in LOCKS["cpu"]] == []


@pytest.mark.parametrize("lock", INPUTS)
def test_a_lock_names_no_place(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.lock").read_text(encoding="utf-8")
    assert re.findall(r"://|^\s*[-/][^-].*|@|#", text, re.MULTILINE) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("numpy==2.0\n", "holds 'numpy==2.0'", id="no hash"),
        pytest.param(f"numpy>=2 --hash=sha256:{HASH}\n", "holds 'numpy>=2", id="a range"),
        pytest.param(f"numpy==2.0 --hash=md5:{HASH}\n", "name==version", id="another kind of hash"),
        pytest.param("--index-url https://example.org\n", "nothing else", id="an address"),
        pytest.param(
            f"a==1 \\\n  --hash=sha256:{HASH}\na==2 --hash=sha256:{HASH}\n", "a package twice", id="twice"
        ),
    ],
)
def test_a_line_of_another_kind_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(text)
    with pytest.raises(LockError, match=re.escape(fault)):
        read_lock(lock)


def test_a_lock_is_read_by_name_version_and_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text(f"torch==2.13.0+cpu \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{'cd' * 32}\n")
    locked = read_lock(lock)["torch"]
    assert (locked.version, locked.hashes) == ("2.13.0+cpu", (HASH, "cd" * 32))


def test_the_cpu_build_is_found_where_pip_would_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    monkeypatch.setenv("UV_FIND_LINKS", "")
    monkeypatch.setenv("PIP_FIND_LINKS", f"/nowhere {tmp_path}")
    assert wheels_at_hand() == tmp_path


def test_without_the_cpu_build_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(LockError, match="name that in PIP_FIND_LINKS"):
        wheels_at_hand()
