"""`python -P -m harness` is `harness`; without `-P`, Python takes a `harness.py` of the current folder for it."""

import sys


def run() -> None:
    """Start the command line from anywhere."""
    if not sys.flags.safe_path:
        # "-m" puts the current folder first: a file there that is named like a library would be run in its place.
        sys.path.append(sys.path.pop(0))
    from harness.run.forkserver import hand_over

    hand_over()
    from harness.cli import main

    main()


if __name__ == "__main__":
    run()
