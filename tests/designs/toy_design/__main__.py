"""The command line as it is, with the toy study beside the paper's."""

import functools
import sys
from pathlib import Path

import claims
import harness.plugin
import harness.run.reproduce
from harness.cli import main
from harness.sources import studies

HERE = Path(__file__).parent / "claims"


def install() -> None:
    """Studies are looked for in the toy's folder, by whatever process the engine starts as well."""
    claims.__path__.append(str(HERE))
    studies.CLAIMS = HERE
    command = (sys.executable, "-m", "tests.designs.toy_design")
    harness.run.reproduce.Request = functools.partial(harness.run.reproduce.Request, command=command)


if __name__ == "__main__":
    install()
    main()
