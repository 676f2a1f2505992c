"""Feeds every reader of foreign files with spoilt ones, guided by coverage: `python -m tests.proof.fuzz [PARSER] [INPUTS]`.

A reader may accept a file or answer with an error that it promises; anything else ends the session with 1, and the
file that did it is named.
"""

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

INPUTS = 100_000
NAMES = ("export", "features", "params", "items", "audit", "profile", "lock", "ledger")


def main(words: Sequence[str]) -> int:
    """Fuzz one parser or all, each in a process of its own: the fuzzer ends the process that it runs in."""
    names = [word for word in words if word in NAMES] or NAMES
    inputs = next((int(word) for word in words if word.isdigit()), INPUTS)
    codes = {name: _fuzzed(name, inputs) for name in names}
    sys.stdout.write(
        "".join(f"{name:<8} {'ok' if code == 0 else 'CRASHED'}\n" for name, code in codes.items())
    )
    return int(any(codes.values()))


def _fuzzed(name: str, inputs: int) -> int:
    """Exit code of a process that fuzzes one parser; the folder of one that crashed is kept, with the file in it."""
    scratch = tempfile.mkdtemp(prefix=f"fuzz-{name}-")
    words = (sys.executable, "-m", "tests.proof.fuzz", "--one", name, str(inputs), scratch)
    code = subprocess.run(words, check=False).returncode
    if code == 0:
        shutil.rmtree(scratch)
    return code


def fuzz(name: str, inputs: int, scratch: Path) -> None:
    """Fuzz one parser in this process; does not return."""
    import atheris

    with atheris.instrument_imports(include=["harness"]):
        from tests.proof.parsers import PARSERS
    from tests.proof.spoiling import edited

    parser = PARSERS[name]
    (scratch / "corpus").mkdir()
    (scratch / "corpus" / "sound").write_bytes(parser.sound)
    assert parser.accepts(parser.sound, scratch / "files"), f"the sound file of {name} is refused"

    def one(content: bytes) -> None:
        # Changed bytes are seldom JSON; every other input draws changes of single values instead.
        is_edited = parser.is_json and content[:1] > b"\x7f"
        given = edited(parser.sound, random.Random(content)) if is_edited else content
        parser.accepts(given, scratch / "files")

    options = [
        f"-runs={inputs}",
        f"-max_len={max(4_096, 2 * len(parser.sound))}",
        "-rss_limit_mb=0",
        "-print_final_stats=1",
        f"-artifact_prefix={scratch}/",
    ]
    atheris.Setup([sys.argv[0], *options, "-verbosity=0", str(scratch / "corpus")], one)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    sys.exit(main(sys.argv[1:]))
