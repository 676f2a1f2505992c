"""`python -m tests.hub COMMAND ...`: run a command against the miniature hub, as the paper's world on this machine."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hub.miniature import miniature_hub
from tests.hub.server import TOKEN, Hub, serving


def environment_for(hub: Hub, home: Path) -> dict[str, str]:
    """What leads a command to the hub and nowhere else, with a token that opens its gate."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "AWS_", "HARNESS_"))
    }
    return {**kept, **hub.environment(str(home)), "HF_TOKEN": TOKEN}


def main(words: list[str]) -> int:
    """Run a command against the hub; gives its exit code."""
    home = os.environ.get("HUB_HOME")
    with serving(miniature_hub()) as hub, tempfile.TemporaryDirectory(prefix="hub-home-") as scratch:
        code = subprocess.run(words, env=environment_for(hub, Path(home or scratch)), check=False).returncode
        sys.stdout.write(f"{len(hub.asked)} requests; unknown: {sorted(set(hub.unknown))}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
