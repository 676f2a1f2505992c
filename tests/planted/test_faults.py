"""Every known way to get it wrong turns the check red that is named for it."""

from pathlib import Path

import pytest

from tests.planted.checks import CHECKS, Subject
from tests.planted.faults import FAULTS, Fault
from tests.planted.patching import planted

ONE_POINT = 1.0
"""In percent, points or percentage points: how far a wrong choice must land from the truth."""


@pytest.mark.filterwarnings("ignore")  # in a run, a library's warning stops nothing
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_seen(sound: Subject, fault: Fault, tmp_path: Path) -> None:
    with planted(fault.patches):
        faulty = Subject(run=sound.run.without(fault.redone, tmp_path), expected=sound.expected)
        words = {name: said_by(name, faulty, fault.says) for name in fault.seen_by}
        assert all(words.values()), f"not seen by {[name for name, word in words.items() if not word]}"
        if fault.says:
            assert any(word and word.startswith("refused") for word in words.values()), words
        if fault.moves:
            assert farthest(faulty, sound, fault) >= ONE_POINT


def said_by(name: str, subject: Subject, says: str) -> str | None:
    """What a check says of a run; None if it holds.

    A run that refuses to go on is a red check only where that is expected, in the words that are expected: any other
    refusal is no sign that the check sees anything, and is passed on.
    """
    try:
        CHECKS[name](subject)
    except AssertionError as error:
        return f"differs: {error}"
    except (ValueError, RuntimeError) as error:
        if not says or says not in str(error):
            raise
        return f"refused: {error}"
    return None


def farthest(faulty: Subject, sound: Subject, fault: Fault) -> float:
    """How far the estimates that a fault is said to move are from the truth, the farthest of them."""
    return max(
        abs(faulty.estimates[name] - value)
        for name, value in sound.expected.values.items()
        if name.startswith(tuple(fault.moves))
    )


def test_there_are_enough_faults_with_names_of_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
