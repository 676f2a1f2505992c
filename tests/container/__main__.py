"""`python -m tests.container`: the image built twice and tried, as the session container does."""

import argparse
import sys

from requirements.locks import LockError
from tests.container.engine import EngineError
from tests.container.proof import prove


def main(words: list[str] | None = None) -> int:
    """Do what the words say; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.container", description=__doc__)
    parser.add_argument("--small", action="store_true", help="with few packages: two minutes")
    asked = parser.parse_args(words)
    try:
        return prove(small=asked.small)
    except (EngineError, LockError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())
