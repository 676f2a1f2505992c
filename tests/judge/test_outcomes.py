"""Tables of single outcomes: written, read back, and refused when they are not the registered ones."""

from pathlib import Path

import pytest

from harness.judge.baselines import keyed, read_outcomes, write_outcomes
from harness.words.errors import UsageError

HELD = {"b" * 16: True, "a" * 16: False}


def test_a_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    digest = write_outcomes(tmp_path / "t.csv", HELD)
    assert (tmp_path / "t.csv").read_text() == f"question,right\n{'a' * 16},0\n{'b' * 16},1\n"
    assert read_outcomes(tmp_path / "t.csv", digest) == HELD


def test_a_question_that_stands_twice_keeps_both_outcomes() -> None:
    rows = [("f" * 64, 1.0), ("0" * 64, 0.0), ("f" * 64, 0.0)]
    assert list(keyed(rows)) == [("f" * 16, True), ("0" * 16, False), ("f" * 16 + "+1", False)]


def test_another_table_than_the_registered_one_is_refused(tmp_path: Path) -> None:
    write_outcomes(tmp_path / "t.csv", HELD)
    with pytest.raises(UsageError, match="but the study registers 00; restore the committed file"):
        read_outcomes(tmp_path / "t.csv", "00")


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read .*commit it"):
        read_outcomes(tmp_path / "none.csv", "00")


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="expected the columns question, right"):
        read_outcomes(tmp_path / "t.csv", hashlib.sha256(b"a,b\n1,2\n").hexdigest())
