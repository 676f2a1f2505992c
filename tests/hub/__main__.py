"""`python -m tests.hub COMMAND ...`: run a command against the miniature hub, as the paper's world on this machine."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hub.miniature import miniature_hub
from tests.hub.server import TOKEN, serving


def main(words: list[str]) -> int:
    """Run a command against the hub; gives its exit code."""
    home = os.environ.get("HUB_HOME")
    with serving(miniature_hub()) as hub, tempfile.TemporaryDirectory(prefix="hub-home-") as scratch:
        code = subprocess.run(
            words, env=hub.surroundings(Path(home or scratch), TOKEN), check=False
        ).returncode
        sys.stdout.write(f"{len(hub.asked)} requests; unknown: {sorted(set(hub.unknown))}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
