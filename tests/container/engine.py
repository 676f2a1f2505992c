"""The engine: buildah and podman with storage and settings of their own, all below one folder."""

import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "git", "tar")

SETTINGS = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
"""Podman asks for more files and processes than a machine may grant, and crun refuses mixed control groups."""

STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{root}/storage"
runroot = "{root}/run"
"""


class EngineError(Exception):
    """The machine has no engine, or the engine could not do what was asked."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a program ended."""

    exit_code: int
    output: str
    """What it printed on both streams; empty where that went straight to the terminal."""


@dataclass(frozen=True)
class Engine:
    """Runs buildah and podman."""

    work: Path
    """Folder of everything that is made: images, contexts, archives."""

    def prepare(self) -> None:
        """Write the settings.

        Raises:
            EngineError: If a program is missing, or the user is not root.
        """
        if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
            raise EngineError(
                f"not installed: {', '.join(missing)}; on Debian: apt-get install --no-install-recommends "
                + " ".join(missing)
            )
        if os.geteuid() != 0:
            raise EngineError("making the stand-in base takes root (debootstrap does); run it as root")
        self.work.mkdir(parents=True, exist_ok=True)
        files, processes = _limit(resource.RLIMIT_NOFILE), _limit(resource.RLIMIT_NPROC)
        self._conf.write_text(SETTINGS.format(files=files, processes=processes), encoding="utf-8")
        self._storage.write_text(STORAGE.format(root=self.work), encoding="utf-8")

    def quiet(self, *words: str) -> Done:
        """Run a program and keep what it prints."""
        done = subprocess.run(
            words, env=self._environment(), check=False, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return Done(exit_code=done.returncode, output=done.stdout)

    def must(self, *words: str) -> str:
        """What a program prints.

        Raises:
            EngineError: If it does not end with 0; shows the end of what it printed.
        """
        done = self.quiet(*words)
        if done.exit_code:
            tail = "\n".join(done.output.splitlines()[-40:])
            raise EngineError(f"{' '.join(words[:3])} … ended with {done.exit_code}:\n{tail}")
        return done.output.strip()

    @property
    def _conf(self) -> Path:
        return self.work / "containers.conf"

    @property
    def _storage(self) -> Path:
        return self.work / "storage.conf"

    def _environment(self) -> dict[str, str]:
        settings = {"CONTAINERS_CONF": str(self._conf), "CONTAINERS_STORAGE_CONF": str(self._storage)}
        return {**os.environ, **settings}


def _limit(kind: int) -> int:
    """The most that this user may ask for; never more processes than the kernel can number."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
    hard = resource.getrlimit(kind)[1]
    if hard == resource.RLIM_INFINITY:
        return most
    return min(hard, most) if kind == resource.RLIMIT_NPROC else hard
