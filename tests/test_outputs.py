"""Outputs that are closed, full, of another encoding, or left by whoever read them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.process import READER_GONE

PROGRAM = """
import sys
from harness.process import code_of_answer, open_outputs
from harness.words.errors import HarnessError
open_outputs()
for number in range(20_000):
    print(f"größe → {number} {chr(0xdce4)}")
with open(sys.argv[1], "w") as file:
    print("worked to its end", file=file)
try:
    sys.exit(code_of_answer())
except HarnessError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def worked(tmp_path: Path, shell: str) -> tuple[list[int], str]:
    """Exit codes and words of a shell's line in which "$@" prints twenty thousand lines, and works to its end."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", f'{shell}; echo "${{PIPESTATUS[@]}}"', "bash", sys.executable, program, tmp_path / "end"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"}, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert (tmp_path / "end").read_text(encoding="utf-8") == "worked to its end\n"
    *words, codes = done.stdout.decode("utf-8").splitlines()
    return [int(code) for code in codes.split()], "\n".join((*words, done.stderr.decode("utf-8")))


@pytest.mark.parametrize(
    ("shell", "codes", "words"),
    [
        pytest.param('"$@" | tail -n 1', [0, 0], "größe → 19999 \\udce4\n", id="read to its end"),
        pytest.param('"$@" | head -n 1', [READER_GONE, 0], "größe → 0 \\udce4\n", id="the reader goes away"),
        pytest.param('"$@" >&-', [0], "", id="closed"),
        pytest.param('"$@" >&- 2>&- <&-', [0], "", id="all closed"),
        pytest.param(
            '"$@" >/dev/full',
            [3],
            "standard output cannot be written (No space left on device); the answer is not whole\n",
            id="full",
        ),
        pytest.param('"$@" >/dev/full 2>&1', [3], "", id="both full"),
    ],
)
def test_work_goes_on_and_a_lost_answer_has_its_code(
    tmp_path: Path, shell: str, codes: list[int], words: str
) -> None:
    assert worked(tmp_path, shell) == (codes, words)
