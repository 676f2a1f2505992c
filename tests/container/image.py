"""The image of one commit: its context, its base, its build, its digest."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from requirements.locks import make_small_lock, wheels_at_hand
from tests.container.engine import Engine

BASE = "localhost/stand-in:python3.11-bookworm"
"""What stands in for the base named in the Dockerfile where no image registry can be reached."""

TAGS = {"run": "localhost/replication-harness:latest", "test": "localhost/replication-harness:test"}
"""What the README and docs/container.md call the targets of the Dockerfile."""

PLANTED = (".env", "hf_token", ".store/token", "harness/.env", "reports/fixture-0/log.txt")
"""Where a token may lie in somebody's checkout; none of these may enter the image."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The commit that is built."""

    sha: str
    epoch: int
    """Seconds since 1970: the only time that the image knows."""


def head() -> Source:
    """The commit that is checked out."""
    # Inside a hook, git's variables name another repository.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    said = subprocess.run(
        ["git", "log", "-1", "--pretty=%H %ct"], env=own, check=True, capture_output=True, text=True
    ).stdout
    sha, epoch = said.split()
    return Source(sha=sha, epoch=int(epoch))


def make_base(engine: Engine) -> None:
    """A Debian with Python 3.11, unpacked from packages; kept from one call to the next."""
    if engine.quiet("podman", "image", "exists", BASE).exit_code == 0:
        return
    # A folder of its own each time: one that was broken off may still have /proc mounted in it.
    root = Path(tempfile.mkdtemp(prefix="rootfs-", dir=engine.work))
    root.chmod(0o755)
    archive = engine.work / "base.tar"
    packages = "--include=python3,python3-venv,ca-certificates"
    engine.must("debootstrap", "--variant=minbase", packages, "bookworm", str(root))
    for leftover in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(root / leftover)
    engine.must("tar", "--numeric-owner", "--sort=name", "-C", str(root), "-cf", str(archive), ".")
    engine.must("podman", "import", "--quiet", str(archive), BASE)
    shutil.rmtree(root)
    archive.unlink()


def make_context(engine: Engine, source: Source, mark: str, *, small: bool) -> Path:
    """Folder of the commit's files and nothing else but what a careless checkout would add.

    Args:
        engine: Where the folder goes.
        source: The commit.
        mark: What is planted as a token.
        small: Add the small lock; otherwise the wheel that no registry has.
    """
    context, archive = engine.work / "context", engine.work / "commit.tar"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    # The modes of a checkout depend on who made it; those of an archive do not.
    engine.must("git", "-c", "tar.umask=0022", "archive", "--output", str(archive), source.sha)
    engine.must("tar", "-C", str(context), "--no-same-owner", "-xpf", str(archive))
    for place in PLANTED:
        (context / place).parent.mkdir(parents=True, exist_ok=True)
        (context / place).write_text(f"HF_TOKEN={mark}\n", encoding="utf-8")
    if small:
        make_small_lock(context / "requirements/small.lock")
    else:
        (wheel,) = wheels_at_hand().glob("torch-*+cpu-cp311-*.whl")
        (context / "requirements/wheels").mkdir()
        shutil.copy(wheel, context / "requirements/wheels")
    return context


def build(engine: Engine, context: Path, source: Source, mark: str, *, target: str, small: bool) -> str:
    """Build a target of the Dockerfile; gives its digest. What runs takes nothing from an earlier build."""
    authority = engine.work / "authority.pem"
    given = os.environ.get("SSL_CERT_FILE")
    trusted = Path(given).read_text(encoding="utf-8") if given else ""
    authority.write_text(f"# {mark}\n{trusted}" if trusted else "", encoding="utf-8")
    arguments = {
        "BASE_IMAGE": BASE,
        "LOCK": f"requirements/{'small' if small else 'cpu'}.lock",
        "UV_FIND_LINKS": "" if small else "/src/requirements/wheels",
        "SOURCE_DATE_EPOCH": str(source.epoch),
        "VCS_REF": source.sha,
    }
    engine.must(
        *("buildah", "bud", "--isolation", "chroot", "--network", "host", "--timestamp", str(source.epoch)),
        *("--secret", f"id=ca,src={authority}", "--file", str(context / "Dockerfile")),
        *(
            "--layers",
            f"--no-cache={str(target == 'run').lower()}",
            "--target",
            target,
            "--tag",
            TAGS[target],
        ),
        *(word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")),
        str(context),
    )
    return engine.must("podman", "image", "inspect", "--format", "{{.Digest}}", TAGS[target])


def size_bytes(engine: Engine, target: str) -> int:
    """What the image takes, unpacked."""
    return int(engine.must("podman", "image", "inspect", "--format", "{{.Size}}", TAGS[target]))


def save(engine: Engine) -> Path:
    """The image that runs as one archive with its layers as they are, not packed."""
    archive = engine.work / "image.tar"
    archive.unlink(missing_ok=True)
    engine.must(
        "podman", "save", "--quiet", "--format", "docker-archive", "--output", str(archive), TAGS["run"]
    )
    return archive
