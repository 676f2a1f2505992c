"""The only door to the clock, the environment and git: what a run stood on, and what is kept fixed."""

import importlib.metadata
import os
import platform
import re
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness.store.environment import child_environment
from harness.words.errors import HarnessError, NotJudgedError, Reason, UsageError

DISTRIBUTION = "replication-harness"

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root of the checkout, or of what is installed: relative addresses of folders start from it."""

LIBRARIES = (
    "torch",
    "transformers",
    "ctranslate2",
    "uroman",
    "peft",
    "lm-eval",
    "sae-lens",
    "numpy",
    "tokenizers",
    "datasets",
    "pyarrow",
)
"""Distributions whose version can move a number."""

UNWANTED: Mapping[str, str] = {"sacremoses": "translators would be given other texts where it is present"}
"""Distributions that must be absent, and why: nothing asks for them, and their presence alone moves a number."""

COMMIT_VARIABLE = "HARNESS_COMMIT"
"""The commit as `git describe --always --abbrev=40 --dirty` says it; set where the checkout's history is not, as in an image."""

VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
"""Variable by which schedulers and people choose accelerators, or hide them all."""

EXECUTED = ("harness", "claims", "fixtures")
"""Folders of a checkout that decide what a run is; whatever else lies about in one moves nothing."""

PASSED_OVER = ("--exclude=__pycache__", "--exclude=*.pyc", "--exclude=.*")
"""What Python, editors and desktops leave in folders."""

ANSWER_SECONDS = 60.0
"""How long git and the accelerator's driver may take to answer."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class VersionMismatchError(HarnessError):
    """An installed library is not the one that the project pins."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """State of the checkout that the code came from."""

    sha: str
    """Full commit, or "unknown" outside a checkout."""
    dirty: bool
    """True where what git keeps was changed, or where what runs holds files that git does not know."""
    untracked: tuple[str, ...] = ()
    """Those files, and folders of nothing but such, as a study that was never added."""

    def __str__(self) -> str:
        """The commit as records show it."""
        return f"{self.sha} (dirty)" if self.dirty else self.sha


@dataclass(frozen=True, kw_only=True)
class AcceleratorMemory:
    """What an accelerator has, and what nobody uses of it."""

    free_bytes: int
    total_bytes: int


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def python_version() -> str:
    """Major and minor version: what syntax trees and wheels depend on."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def library_versions() -> tuple[tuple[str, str], ...]:
    """Name and installed version of every library that can move a number."""
    return tuple((name, _version(name)) for name in LIBRARIES)


def environment(device: str, dtype: str, threads: int) -> tuple[tuple[str, str], ...]:
    """What the numbers of a run stood on, for its report: no clock and no host."""
    return (
        ("python", platform.python_version()),
        *library_versions(),
        ("device", device),
        ("dtype", dtype),
        ("threads", str(threads)),
        ("deterministic algorithms", "on where the library has one"),
        ("TF32", "off"),
    )


def default_device() -> str:
    """The accelerator where a driver and a build of torch that can use it are present, and not hidden, else "cpu"."""
    has_driver = any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg"))
    return "cuda" if has_driver and not _is_cpu_build() and not _hidden_by() else "cpu"


def _hidden_by() -> str | None:
    """The setting that hides every accelerator from this process, such as "CUDA_VISIBLE_DEVICES=-1"; None where none does."""
    asked = os.environ.get(VISIBLE_VARIABLE)
    # What follows the first name that is none is hidden as well, so the first one decides.
    first = "0" if asked is None else asked.partition(",")[0].strip()
    return None if first.isdecimal() or first.startswith(("GPU-", "MIG-")) else f"{VISIBLE_VARIABLE}={asked}"


def accelerator_problem() -> str | None:
    """Why torch cannot use an accelerator here; None where it can."""
    if _is_cpu_build():
        return f"torch {_version('torch')} is built without CUDA"
    if hidden_by := _hidden_by():
        return f"{hidden_by} hides every accelerator"
    if default_device() == "cpu":
        return "no driver is loaded"
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            is_available = torch.cuda.is_available()
    except RuntimeError as error:
        return f"the driver refuses ({str(error).splitlines()[0]})"
    if is_available:
        return None
    return f"the driver ({accelerator_name() or 'unknown'}) is not for CUDA {torch.version.cuda}, which torch is built for"


def require_accelerator(device: str) -> None:
    """Refuse a device that cannot be used.

    Raises:
        NotJudgedError: If it cannot.
    """
    if device != "cpu" and (problem := accelerator_problem()):
        raise NotJudgedError(
            f"this machine cannot run on {device}: {problem}; {accelerator_cure()}",
            reason=Reason.NO_ACCELERATOR,
        )


def visible_accelerators() -> tuple[str, ...]:
    """The accelerators that this process may use, as the setting that shows them to others spells them."""
    import torch

    count = torch.cuda.device_count()
    asked = os.environ.get(VISIBLE_VARIABLE)
    names = map(str, range(count)) if asked is None else (name.strip() for name in asked.split(","))
    return tuple(names)[:count]


def accelerator_cure() -> str:
    """What gives torch an accelerator here, where it can use none, or does without."""
    if _is_cpu_build():
        cure = "use the container, or make an environment from requirements/cuda.lock"
    elif _hidden_by():
        cure = f"unset {VISIBLE_VARIABLE}, or name an accelerator there"
    else:
        cure = (
            "install a driver for the CUDA version that torch is built for, or torch's build for an older driver "
            "(requirements/cuda12.lock), start containers with --gpus all"
        )
    return f"{cure}, or say --device cpu"


def _is_cpu_build() -> bool:
    """True of a build of torch that knows no accelerator."""
    return _version("torch").endswith("+cpu")


def accelerator_memory() -> AcceleratorMemory:
    """Memory of the accelerator now; call it only where there is one."""
    import torch

    free, total = torch.cuda.mem_get_info()
    return AcceleratorMemory(free_bytes=int(free), total_bytes=int(total))


def peak_memory_bytes() -> int:
    """The most memory that this process has held so far."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_accelerator_bytes() -> int:
    """The most accelerator memory that this process has set aside so far; 0 while it uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.max_memory_reserved())


def available_cores() -> int:
    """Processor cores that this process may use; all of them where the system does not say."""
    ask: Callable[[int], Collection[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(ask(0)) if ask else os.cpu_count() or 1


def set_threads(threads: int) -> None:
    """Fix the size of every thread pool; works only before numpy and torch are imported."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def set_determinism(threads: int) -> None:
    """Make torch repeat itself: fixed threads, deterministic kernels where there are any, no TF32."""
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False


def commit(folder: Path = CHECKOUT) -> Commit:
    """Commit of a checkout, and whether what it holds was changed since, or is not in it.

    Where there is no history, an image's environment knows it.
    """
    # This code runs already, so its checkout is trusted, whoever owns its files.
    git = ("git", "-c", "safe.directory=*", "-C", str(folder))
    top = _said(*git, "rev-parse", "--show-toplevel")
    sha = _said(*git, "rev-parse", "HEAD")
    # An environment may lie inside some other repository: its commit says nothing about this code.
    if top is None or sha is None or Path(top).resolve() != folder.resolve():
        sha, mark, _ = os.environ.get(COMMIT_VARIABLE, "unknown").partition("-dirty")
        return Commit(sha=sha, dirty=bool(mark))
    changed = _said(*git, "status", "--porcelain", "--untracked-files=no")
    # Without the user's own lists of what git is to pass over: whatever is there can be run.
    others = _said(*git, "ls-files", "-z", "--others", "--directory", *PASSED_OVER, "--", *EXECUTED)
    untracked = tuple(filter(None, (others or "").split("\0")))
    # What git cannot tell is not clean.
    return Commit(sha=sha, dirty=changed != "" or others != "", untracked=untracked)


def require_checkout(what: str) -> None:
    """Refuse what an installed package cannot do: it holds the code, the studies and their registrations, and no more.

    Raises:
        UsageError: If the code that runs lies in no checkout.
    """
    # What pip installs lies beside its own record; of a checkout, that record lies elsewhere.
    if any(CHECKOUT.glob(f"{DISTRIBUTION.replace('-', '_')}-*.dist-info")):
        raise UsageError(
            f"{what} needs a checkout, and {CHECKOUT} holds the installed package alone; clone the repository, install it with "
            "'pip install -e .' and start again there"
        )


def machine() -> Mapping[str, str | int | None]:
    """The machine, for the execution record only."""
    facts = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.*)", facts.read_text(encoding="utf-8")) if facts.exists() else None
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": named[1] if named else platform.processor() or platform.machine(),
        "cores": available_cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "accelerator": accelerator_name(),
    }


def check_versions(distribution: str = DISTRIBUTION) -> None:
    """Hold the installed libraries to what the project requires.

    Raises:
        VersionMismatchError: If one is absent or not within its pin, or one that must be absent is there; names all of them.
    """
    from packaging.requirements import Requirement

    try:
        required = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise VersionMismatchError(
            f"{distribution} is not installed, so its pins cannot be checked; run 'pip install -e .' first"
        ) from error
    wrong = []
    for requirement in map(Requirement, required):
        found = _version(requirement.name)
        is_asked = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_asked and (found == "absent" or not requirement.specifier.contains(found, prereleases=True)):
            wrong.append(f"{requirement.name} {found} is installed, {requirement} is required")
    wrong += [
        f"{name} {_version(name)} is installed, and must not be: {why}; 'pip uninstall {name}'"
        for name, why in UNWANTED.items()
        if _version(name) != "absent"
    ]
    if wrong:
        raise VersionMismatchError(
            f"this environment is not the one that {distribution} pins:\n  "
            + "\n  ".join(wrong)
            + "\ninstall what it names, for instance with 'pip install -e .', and start again"
        )


def is_installed(distribution: str) -> bool:
    """Whether a package is here."""
    return _version(distribution) != "absent"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def accelerator_name() -> str | None:
    """Name, memory and driver of the accelerators that this machine shows; None where it shows none."""
    return (
        _said("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader") or None
    )


def _said(*words: str) -> str | None:
    """What a program of this machine answers; None where there is none, it fails, or a driver lets it hang."""
    try:
        answer = subprocess.run(
            words, env=child_environment(), capture_output=True, timeout=ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode("utf-8", errors="replace").strip()
