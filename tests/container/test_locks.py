"""The locks: hashed line by line, alike but for CUDA, within the ranges of pyproject.toml, naming no place."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from requirements.locks import INPUTS, SMALL, LockError, read_lock, wheels_at_hand

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {name: read_lock(ROOT / f"requirements/{name}.lock") for name in INPUTS}
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HASH = "ab" * 32


def wanted_by_extra(extra: str) -> Iterator[Requirement]:
    """Requirements of an extra, those of the extras that it includes as well."""
    for text in PROJECT["project"]["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["project"]["name"]:
            for included in requirement.extras:
                yield from wanted_by_extra(included)
        else:
            yield requirement


def ranges() -> list[Requirement]:
    direct = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    return [*direct, *wanted_by_extra("image")]


def refused(lock: str, wanted: list[Requirement]) -> list[str]:
    """Requirements that a lock does not meet."""
    versions = {name: locked.version for name, locked in LOCKS[lock].items()}
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


def test_the_two_environments_differ_in_torchs_build_and_cuda_alone() -> None:
    cuda, cpu = ({name: each.version for name, each in LOCKS[lock].items()} for lock in ("cuda", "cpu"))
    assert (cuda.pop("torch"), cpu.pop("torch")) == ("2.13.0", "2.13.0+cpu")
    assert {name: version for name, version in cuda.items() if name in cpu} == cpu
    only_cuda = cuda.keys() - cpu.keys()
    assert only_cuda
    assert [name for name in only_cuda if not re.match(r"nvidia-|cuda-|triton$", name)] == []


def test_the_same_files_serve_both_environments() -> None:
    differ = [name for name in LOCKS["cpu"] if LOCKS["cpu"][name].hashes != LOCKS["cuda"][name].hashes]
    assert differ == ["torch"]


@pytest.mark.parametrize("lock", ["cuda", "cpu"])
def test_the_projects_ranges_admit_every_locked_version(lock: str) -> None:
    wanted = ranges()
    assert len(wanted) > 20
    assert refused(lock, wanted) == []


@pytest.mark.parametrize("text", ["numpy>=3", "no-such-package>=1", "torch==2.12.0"])
def test_a_range_that_does_not_admit_it_would_be_seen(text: str) -> None:
    assert refused("cpu", [Requirement(text)]) == [text]


def test_torch_is_pinned_exactly() -> None:
    assert "torch==2.13.0" in PROJECT["project"]["dependencies"]


@pytest.mark.parametrize(("lock", "group"), [("build", "build"), ("bootstrap", "bootstrap")])
def test_a_groups_lock_holds_what_the_group_names(lock: str, group: str) -> None:
    wanted = [Requirement(text) for text in PROJECT["dependency-groups"][group]]
    assert wanted
    assert refused(lock, wanted) == []


def test_the_project_is_built_with_what_the_locks_hold() -> None:
    (backend,) = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    assert refused("build", [backend]) == []
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
