"""`python -m requirements locks|sbom|install`: what the sessions of the noxfile run."""

import argparse
import sys

from requirements.installing import install
from requirements.locks import LockError, list_packages, refresh


def main(words: list[str] | None = None) -> int:
    """Do what the words say; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m requirements", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    locking = tasks.add_parser("locks", help="refresh requirements/*.lock")
    locking.add_argument("--upgrade", action="store_true", help="take the newest versions")
    listing = tasks.add_parser("sbom", help="list what a lock holds, as CycloneDX")
    listing.add_argument("lock", nargs="?", default="cuda", choices=("cuda", "cuda12", "cpu", "test"))
    installing = tasks.add_parser("install", help="install the project for development")
    installing.add_argument("python", help="interpreter of the environment")
    asked = parser.parse_args(words)
    try:
        if asked.task == "locks":
            refresh(*(("--upgrade",) if asked.upgrade else ()))
        elif asked.task == "install":
            install(asked.python)
        else:
            print(list_packages(asked.lock))  # noqa: T201 - the answer
    except LockError as error:
        sys.stderr.write(f"error: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
