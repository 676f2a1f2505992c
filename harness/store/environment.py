"""The one place that knows which variables of the environment are not for this project, and what its processes get.

A command starts in whatever a terminal, a git hook, a notebook or an image left behind. Variables that steer Python,
pytest, git, Snakemake or a library behind a run's back are left out, of the command and of all that it starts.
"""

import locale
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from harness.words.errors import SettingError

STRAYS = frozenset({
    # How Python runs: assertions, warnings and texts would not be those that were tested.
    *("PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONINSPECT", "PYTHONIOENCODING"),
    # Options that somebody set for pytest at large, such as a selection, would thin out a run's verdicts.
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS"),
    # Where a notebook's or a desktop's figures go, and how they look.
    *("MPLBACKEND", "MATPLOTLIBRC"),
    # When somebody's package was built: libraries read it as a number when they are loaded, and date figures by it.
    "SOURCE_DATE_EPOCH",
    # What a shell reads before it starts a stage.
    *("BASH_ENV", "ENV"),
    # What would move numbers, or take their library away.
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE", "USE_TORCH", "USE_TF", "USE_JAX"),
})  # fmt: skip

STRAY_FAMILIES = ("GIT_", "SNAKEMAKE_")
"""First letters of variables that tell git of another repository, as in a hook, and Snakemake of other workflows."""

UNSET_WHERE_EMPTY = (
    "AWS_", "CURL_CA_", "HARNESS_", "HF_", "HUGGING", "NEURONPEDIA_", "REQUESTS_CA_", "SSL_CERT_", "TRANSFORMERS_", "XDG_",
)  # fmt: skip
"""First letters of variables that say nothing where they are empty, though some clients take that for a value."""

OWN = frozenset(
    {
        "HARNESS_COMMIT",
        "HARNESS_FORKSERVER",
        "HARNESS_MOUNTS",
        "HARNESS_NOT_HAD",
        "HARNESS_PROFILE",
        "HARNESS_REPORTS",
        "HARNESS_STORE",
        "HARNESS_STUDY",
    }
)
"""Variables that mean something to this program."""

NEAR = 0.9
"""How alike a name is to one of ours that was meant to be it: one letter left out, added or exchanged."""

SECONDS = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")
"""Variables that the hub's client reads as a whole number when it is imported, whether or not it is asked anything."""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without strays, and without places named by nothing on Python's search path."""
    kept = {name: value for name, value in environment.items() if not _is_stray(name, value)}
    if places := kept.pop("PYTHONPATH", ""):
        # Nothing between two colons is the current folder: a file there would be run in a library's place.
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, places.split(os.pathsep)))
    return kept


def child_environment() -> dict[str, str]:
    """What every process that a command starts finds around it: the same everywhere, however the command was started."""
    return clean(os.environ) | {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}


def start_clean() -> None:
    """Take out of this process's environment what would change what it does; where Python has obeyed some of that, start again."""
    environment = clean(os.environ) | ({} if _writes_utf8() else {"PYTHONUTF8": "1"})
    moved = [name for name in {**os.environ, **environment} if os.environ.get(name) != environment.get(name)]
    if any(name.startswith("PYTHON") for name in moved):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606  # ourselves
    # No library has read the others yet: they are loaded when a command needs them.
    for name in moved:
        del os.environ[name]


@contextmanager
def without_strays() -> Iterator[None]:
    """Leaves strays out of this process for a while, for a library that reads the environment itself."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if _is_stray(name, os.environ[name])}
    try:
        yield
    finally:
        os.environ.update(kept)


def expect_settings() -> None:
    """Refuse what no command can work with, before anything is done.

    Raises:
        SettingError: If Python leaves assertions out, a number is none, or a variable is nearly one of ours.
    """
    for name in sorted(os.environ.keys() - OWN):
        # Others may have variables of this name's kind; what differs by a letter or two is a slip of the pen.
        if near := get_close_matches(name, OWN, n=1, cutoff=NEAR):
            raise SettingError(
                f"{name} is no variable of this program; did you mean {near[0]}? Rename or unset it"
            )
    if sys.flags.optimize:
        raise SettingError(
            "Python was started with -O, which leaves out the assertions that a run checks itself with; start it without"
        )
    for name in SECONDS:
        value = os.environ.get(name, "0")
        if not value.strip().isdecimal():
            raise SettingError(
                f"{name} is {value!r}, which is no whole number of seconds; correct it, or unset it"
            )


def address_in(variable: str, usual: str) -> str:
    """The address of a service that a variable names; the usual one where it names none.

    Raises:
        SettingError: If what it names is no address.
    """
    named = os.environ.get(variable) or usual
    try:
        parts = urlsplit(named)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(letter.isspace() for letter in named):
        raise SettingError(
            f"{variable} is {named!r}, which is no address; write it as https://HOST, or unset it to ask {usual}"
        )
    return named.rstrip("/")


def in_home(place: str) -> Path:
    """A folder, found where it is named by way of somebody's home, as "~/.cache" is.

    Raises:
        SettingError: If there is no such home.
    """
    try:
        return Path(place).expanduser()
    except RuntimeError as error:
        raise SettingError(
            f"there is no place for what is fetched: it belongs into {place}, and user {os.getuid()} has no such home here; "
            "set HF_HOME, or HOME, to a folder that this user can write"
        ) from error


def _is_stray(name: str, value: str) -> bool:
    return (
        name in STRAYS
        or name.startswith(STRAY_FAMILIES)
        or (not value and name.startswith(UNSET_WHERE_EMPTY))
    )


def _writes_utf8() -> bool:
    """True where names and texts are UTF-8; an 8-bit locale would garble both."""
    return bool(sys.flags.utf8_mode) or locale.getencoding().lower().replace("-", "") == "utf8"
