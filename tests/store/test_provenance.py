"""Provenance: what changes the digest of code and what does not, versions against pins, and git."""

import ast
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from harness.store import provenance
from harness.store.code_digest import code_digest, import_closure
from harness.store.provenance import Commit, VersionMismatchError, check_versions, commit, environment

FILES = {
    "__init__.py": '"""A project."""\n',
    "stage.py": '"""A stage."""\nimport json\nfrom project import direct\n\ndef run():\n'
    '    """Runs."""\n    from project.late import number  # comment\n    return direct.two() + number\n',
    "direct.py": "from .deep import one\n\ndef two():\n    return one() + one()\n",
    "deep/__init__.py": "from project.deep.inner import one\n",
    "deep/inner.py": "def one():\n    return 1\n",
    "late.py": "number = 3\n",
    "unrelated.py": "number = 4\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def test_the_closure_follows_every_kind_of_import(package: Path) -> None:
    assert import_closure("project.stage", package) == (
        "project",
        "project.deep",
        "project.deep.inner",
        "project.direct",
        "project.late",
        "project.stage",
    )


class WithoutBareTexts(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


ODD = """
async def odd(a, /, *b: u"text", c=None, **d) -> ...:
    "bare"
    global e
    f: int
    match a:
        case {"k": [1, *_], **rest} | None: "bare"
    async with a as (g, h): return lambda: {**d, None: {*b}, 1j: rb"x"}
    try: raise
    except* (A, B): pass
    f"{a!r:>{b}}"; x[..., ::2] = -0.0
"""


@pytest.mark.parametrize(
    "source",
    [ODD, *(Path(ast.__file__).with_name(name).read_text() for name in ("ast.py", "typing.py", "enum.py"))],
    ids=["odd", "ast", "typing", "enum"],
)
def test_one_walk_spells_a_module_as_the_library_does(tmp_path: Path, source: str) -> None:
    """Two ways: the names of artifacts and the registrations rest on it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "__init__.py").write_text(source)
    text = ast.dump(WithoutBareTexts().visit(ast.parse(source)))
    line = f"project\0{hashlib.sha256(text.encode()).hexdigest()}\n"
    assert code_digest("project", tmp_path / "project") == hashlib.sha256(line.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "before", "after", "outcome"),
    [
        pytest.param("stage.py", "# comment", "# another word", "same", id="a comment"),
        pytest.param("stage.py", '"""Runs."""', '"""Runs well."""', "same", id="a docstring"),
        pytest.param("stage.py", "import json\n", "import json\n\n\n", "same", id="layout"),
        pytest.param("stage.py", "direct.two()", "direct.two() * 2", "another", id="a line of the stage"),
        pytest.param(
            "direct.py", "one() + one()", "one() - one()", "another", id="a line of an imported module"
        ),
        pytest.param("deep/inner.py", "return 1", "return 2", "another", id="a line two imports away"),
        pytest.param("late.py", "3", "5", "another", id="a line of a module imported inside a function"),
        pytest.param("unrelated.py", "4", "5", "same", id="a module that nothing imports"),
    ],
)
def test_the_digest_moves_with_code_that_can_move_a_number(
    package: Path, name: str, before: str, after: str, outcome: str
) -> None:
    first = code_digest("project.stage", package)
    path = package / name
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    again = code_digest("project.stage", package)
    assert ("same" if again == first else "another") == outcome


def test_strings_below_fields_are_docstrings_but_values_are_not(package: Path) -> None:
    (package / "late.py").write_text('class A:\n    x: int = 1\n    """Says."""\n')
    first = code_digest("project.late", package)
    (package / "late.py").write_text('class A:\n    x: int = 1\n    """Says more."""\n')
    assert code_digest("project.late", package) == first
    (package / "late.py").write_text('class A:\n    x: str = "Says"\n')
    assert code_digest("project.late", package) != first


def test_an_import_cycle_ends(package: Path) -> None:
    (package / "late.py").write_text("from project import stage\n")
    assert "project.late" in import_closure("project.stage", package)


def test_an_unknown_module_is_refused(package: Path) -> None:
    with pytest.raises(ValueError, match=r"no module 'project\.none'"):
        code_digest("project.none", package)


def test_stages_of_this_project_have_code() -> None:
    assert {"harness", "harness.words.study", "harness.words.plan"} <= set(
        import_closure("harness.designs.design")
    )


def test_the_installed_versions_are_the_pinned_ones() -> None:
    check_versions()


def test_every_wrong_version_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    requires = ["torch==1.0", "numpy>=2", "no-such-thing>=3", "pytest>=99; extra == 'test'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requires)
    with pytest.raises(VersionMismatchError) as error:
        check_versions()
    assert "is installed, torch==1.0 is required" in str(error.value)
    assert "no-such-thing absent is installed, no-such-thing>=3 is required" in str(error.value)
    assert "numpy" not in str(error.value)
    assert "pytest" not in str(error.value)


def test_a_local_build_of_a_pinned_version_is_that_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["torch==2.0"])
    installed(monkeypatch, torch="2.0+cpu")
    check_versions()


def test_a_library_that_must_be_absent_is_refused_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [])
    installed(monkeypatch, sacremoses="0.1.1")
    with pytest.raises(VersionMismatchError, match=r"sacremoses 0\.1\.1 is installed, and must not be"):
        check_versions()


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """As if these distributions were here, and no other."""

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_project_that_is_not_installed_says_so() -> None:
    with pytest.raises(VersionMismatchError, match="pip install -e"):
        check_versions("no-such-project")


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def _no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests run in an image, its environment names the commit."""
    monkeypatch.delenv("HARNESS_COMMIT", raising=False)


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


@needs_git
def test_the_commit_knows_clean_from_dirty(tmp_path: Path) -> None:
    _git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "-m", "one")
    clean = commit(tmp_path)
    assert (len(clean.sha), clean.dirty) == (40, False)
    (tmp_path / "file").write_text("2")
    assert commit(tmp_path) == Commit(sha=clean.sha, dirty=True)


@needs_git
def test_a_study_that_git_does_not_know_makes_the_commit_dirty(tmp_path: Path) -> None:
    """Whatever the user's own lists let git pass over; what lies beside the code and the studies moves nothing."""
    _git(tmp_path, "init")
    (tmp_path / "claims" / "paper").mkdir(parents=True)
    (tmp_path / "claims" / "paper" / "study.py").touch()
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "one")
    for left in ("notes.txt", "claims/__pycache__/a.pyc", "claims/.study.py.swp"):
        (tmp_path / left).parent.mkdir(exist_ok=True)
        (tmp_path / left).touch()
    assert not commit(tmp_path).dirty
    (tmp_path / ".git" / "info" / "exclude").write_text("müsli\n")
    (tmp_path / "claims" / "müsli").mkdir()
    (tmp_path / "claims" / "müsli" / "study.py").touch()
    (tmp_path / "claims" / "paper" / "more.py").touch()
    found = commit(tmp_path)
    assert (found.dirty, found.untracked) == (True, ("claims/müsli/", "claims/paper/more.py"))
    assert str(found) == f"{found.sha} (dirty)"


@needs_git
def test_a_checkout_that_git_cannot_read_is_not_called_clean(tmp_path: Path) -> None:
    _git(tmp_path, "init")
    _git(tmp_path, "commit", "--allow-empty", "-m", "one")
    (tmp_path / ".git" / "index").write_bytes(b"torn by a power cut")
    assert commit(tmp_path).dirty


def test_outside_a_checkout_the_commit_is_unknown(tmp_path: Path) -> None:
    assert str(commit(tmp_path)) == "unknown"


@needs_git
def test_a_repository_around_the_project_is_not_its_own(tmp_path: Path) -> None:
    _git(tmp_path, "init")
    _git(tmp_path, "commit", "--allow-empty", "-m", "one")
    (tmp_path / "inside").mkdir()
    assert commit(tmp_path / "inside").sha == "unknown"


@pytest.mark.parametrize(
    ("declared", "known"),
    [
        pytest.param("ab" * 20, Commit(sha="ab" * 20, dirty=False), id="a clean one"),
        pytest.param("ab" * 20 + "-dirty", Commit(sha="ab" * 20, dirty=True), id="one changed since"),
    ],
)
def test_where_there_is_no_history_the_image_names_the_commit(
    declared: str, known: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_COMMIT", declared)
    assert commit(tmp_path) == known


@needs_git
def test_a_history_is_believed_before_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _git(tmp_path, "init")
    _git(tmp_path, "commit", "--allow-empty", "-m", "one")
    monkeypatch.setenv("HARNESS_COMMIT", "ab" * 20)
    assert commit(tmp_path).sha != "ab" * 20


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit().sha == "unknown"


@needs_git
def test_the_commit_is_the_checkouts_own_in_a_hook_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        _git(tmp_path / name, "init")
        _git(tmp_path / name, "commit", "--allow-empty", "-m", name)
    own = commit(tmp_path / "own")
    other = tmp_path / "other"
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert commit(tmp_path / "own") == own


@needs_git
def test_a_checkout_of_another_owner_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, where the folder is mounted; the variable is by which git tests this itself."""
    _git(tmp_path, "init")
    _git(tmp_path, "commit", "--allow-empty", "-m", "one")
    own = commit(tmp_path)
    foreign = {**os.environ, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    monkeypatch.setattr(provenance, "child_environment", lambda: foreign)
    assert commit(tmp_path) == own
    assert len(own.sha) == 40


def test_where_the_system_names_no_cores_all_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert provenance.available_cores() == os.cpu_count()


@pytest.mark.parametrize(
    ("visible", "device"),
    [
        pytest.param(None, "cuda", id="not set"),
        pytest.param("0", "cuda", id="one"),
        pytest.param("1,-1", "cuda", id="up to the first that is none"),
        pytest.param("GPU-8932f937", "cuda", id="by name"),
        pytest.param("MIG-8932f937", "cuda", id="a part, by name"),
        pytest.param("", "cpu", id="none"),
        pytest.param("-1", "cpu", id="none, as a number"),
        pytest.param("-1,0", "cpu", id="none before one"),
        pytest.param("NoDevFiles", "cpu", id="none, as a scheduler has it"),
    ],
)
def test_hidden_accelerators_are_not_used(
    visible: str | None, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "_is_cpu_build", lambda: False)
    monkeypatch.setattr(Path, "exists", lambda self: str(self) == "/dev/nvidiactl")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert provenance.default_device() == device
    if device == "cpu":
        assert provenance.accelerator_problem() == f"CUDA_VISIBLE_DEVICES={visible} hides every accelerator"
        assert provenance.accelerator_cure().startswith("unset CUDA_VISIBLE_DEVICES")


def test_a_driver_that_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises() -> bool:
        warnings.warn("CUDA initialization: unknown error", stacklevel=1)
        raise RuntimeError("Unexpected error from cudaGetDeviceCount()\nmore")

    monkeypatch.setattr(provenance, "_is_cpu_build", lambda: False)
    monkeypatch.setattr(provenance, "default_device", lambda: "cuda")
    monkeypatch.setattr("torch.cuda.is_available", raises)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert provenance.accelerator_problem() == (
        "the driver refuses (Unexpected error from cudaGetDeviceCount())"
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("echo NVIDIA-SMI has failed; exit 9", id="fails in words"),
        pytest.param("sleep 60", id="hangs"),
    ],
)
def test_a_driver_that_does_not_answer_has_no_name(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(provenance, "ANSWER_SECONDS", 0.3)
    assert provenance.machine()["accelerator"] is None


def test_the_environment_of_a_report_names_neither_host_nor_clock() -> None:
    facts = dict(environment("cpu", "float32", 1))
    assert facts["device"] == "cpu"
    assert facts["torch"].startswith("2.")
    assert provenance.machine()["host"] not in facts.values()


def test_determinism_reaches_torch_in_a_process_of_its_own() -> None:
    program = (
        "from harness.store.provenance import set_determinism, set_threads; set_threads(1); set_determinism(1)\n"
        "import os, torch; print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'],"
        " torch.are_deterministic_algorithms_enabled())"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["1", "1", "True"]
