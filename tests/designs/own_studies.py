"""The command line as it is, with the studies of a test's own folder in the place of the committed ones."""

import functools
import sys
from importlib import import_module
from pathlib import Path

from harness.run.forkserver import hand_over


def main(package: str) -> None:
    """Look for studies below the package's `claims`, in whatever process the engine starts as well, and do as asked."""
    hand_over()
    import claims
    import harness.plugin
    import harness.run.reproduce
    from harness import cli
    from harness.sources import studies

    (folder,) = import_module(package).__path__
    own = Path(folder) / "claims"
    claims.__path__.append(str(own))
    studies.CLAIMS = own
    command = (sys.executable, "-m", package)
    harness.run.reproduce.Request = functools.partial(harness.run.reproduce.Request, command=command)
    cli.main()
