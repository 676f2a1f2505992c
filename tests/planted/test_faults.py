"""Every known way to get it wrong turns the check red that is named for it."""

import math
from pathlib import Path

import pytest

from harness.words.errors import HarnessError
from tests.planted.checks import CHECKS, Subject, require_near
from tests.planted.faults import FAULTS, NINETEEN, Fault
from tests.planted.patching import planted
from tests.planted.run import PlantedRun

PROOF = Path(__file__).parents[2] / "docs" / "proof.md"

ONE_POINT = 1.0
"""How far a wrong choice must land from the truth, in percentage points."""

POINTS = {"percent": 1.0, "points": 1.0, "fraction": 100.0, "r": 100.0, "cosine": 100.0}
"""Percentage points in one of a unit; of any other unit a point is a hundredth of the truth."""


@pytest.mark.filterwarnings("ignore")  # in a run, a library's warning stops nothing
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_seen(sound: Subject, fault: Fault, tmp_path: Path) -> None:
    with planted(fault.patches):
        run = sound.run.without(fault.redone, tmp_path, follows=fault.follows)
        faulty = Subject(run=run, expected=sound.expected)
        words = {name: said_by(name, faulty, fault.says) for name in fault.seen_by}
        assert all(words.values()), f"not seen by {[name for name, word in words.items() if not word]}"
        if fault.says:
            assert any(word and word.startswith("refused") for word in words.values()), words
        if fault.moves:
            far = farthest(faulty, sound, fault)
            assert far >= ONE_POINT, f"moves {fault.moves} by {far:.2f} points at most"
        if fault.no_percentage:
            require_near(faulty.estimates, sound.expected.values)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_faults_at_once_go_through_to_the_end_and_no_check_that_is_named_for_one_misses_it(
    sound: Subject, tmp_path: Path
) -> None:
    together = [fault for fault in FAULTS if fault.name in NINETEEN]
    assert len(together) == len(NINETEEN) == 19
    with planted([patch for fault in together for patch in fault.patches]):
        faulty = Subject(run=PlantedRun(world=sound.run.world, root=tmp_path), expected=sound.expected)
        named = dict.fromkeys(name for fault in together for name in fault.seen_by)
        missed = [name for name in named if said_by(name, faulty, says="") is None]
        found = faulty.estimates
    moved = [
        name
        for name, value in sound.expected.values.items()
        if found.get(name) != pytest.approx(value, rel=0.01, abs=0.01)
    ]
    assert not missed
    assert len(moved) > len(sound.expected.values) / 3


def said_by(name: str, subject: Subject, says: str) -> str | None:
    """What a check says of a run; None if it holds.

    A run that refuses to go on is a red check only where that is expected, in the words that are expected: any other
    refusal is no sign that the check sees anything, and is passed on.
    """
    try:
        CHECKS[name](subject)
    except AssertionError as error:
        return f"differs: {error}"
    except (HarnessError, ValueError, RuntimeError) as error:
        if not says or says not in str(error):
            raise
        return f"refused: {error}"
    return None


def farthest(faulty: Subject, sound: Subject, fault: Fault) -> float:
    """How many points the estimates that a fault is said to move are from the truth, the farthest of them.

    One that is not there any more is as far from it as can be.
    """
    return max(
        points(faulty.estimates.get(name, math.inf) - value, value, sound.measured_in[name])
        for name, value in sound.expected.values.items()
        if name.startswith(tuple(fault.moves))
    )


def points(difference: float, truth: float, unit: str) -> float:
    """A difference in percentage points, whatever it was measured in."""
    return abs(difference) * (POINTS[unit] if unit in POINTS else 100 / abs(truth))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_moves_a_point_or_is_refused_or_says_why_neither(fault: Fault) -> None:
    assert [bool(fault.moves), bool(fault.says), bool(fault.no_percentage)].count(True) == 1


def test_there_are_enough_faults_with_names_of_their_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30


def test_the_table_of_the_proof_says_what_the_faults_say() -> None:
    rows = {}
    for line in PROOF.read_text(encoding="utf-8").partition("| fault | seen by |")[2].splitlines()[2:]:
        if not line.startswith("|"):
            break
        name, seen, _before = (cell.strip() for cell in line.strip("|").split("|"))
        checks, _, words = seen.partition("; refused: ")
        rows[name] = (set(checks.split(", ")), words.strip('"'))
    assert rows.keys() == {fault.name for fault in FAULTS}
    for fault in FAULTS:
        checks, words = rows[fault.name]
        assert words == fault.says, fault.name
        # A check that is only refused is no check that saw it.
        assert checks <= set(fault.seen_by) if fault.says else checks == set(fault.seen_by), fault.name
