"""What a script learns from the exit code, vector by vector."""

from dataclasses import replace

import pytest

from harness.report.document import JudgedClaim
from harness.report.writer import Outcome, exit_code, judged_claims, outcome_of
from harness.words.errors import FailOn
from harness.words.judgement import Judgement, LockStatus
from harness.words.verdict import State, Why
from tests.report import judged

P, D, I, C, N, E = (  # noqa: E741 - first letters of the states
    State.PASS, State.DEVIATION, State.INCONCLUSIVE, State.CONTESTED, State.NOT_RUN, State.ERROR
)  # fmt: skip


def outcome(*states: State | tuple[State, Why], **more: object) -> Outcome:
    gated = [state if isinstance(state, tuple) else (state, Why.SHOWN) for state in states]
    return Outcome(**({"mode": "full", "gated": gated} | more))  # type: ignore[arg-type]


def claims_of(asked: Judgement) -> list[JudgedClaim]:
    """Those of the paper, and those that check the judge."""
    checking = judged_claims(asked.self_check, asked.alpha) if asked.self_check else ()
    return [
        *(
            replace(claim, expected=None)
            for claim in judged_claims(asked.paper, asked.alpha, asked.deselected)
        ),
        *checking,
    ]


@pytest.mark.parametrize(
    ("case", "unresolved", "deviation", "never"),
    [
        pytest.param(outcome(*[P] * 9), 0, 0, 0, id="all shown"),
        pytest.param(outcome(*[P] * 8, D), 1, 1, 0, id="one deviates"),
        pytest.param(outcome(*[P] * 8, E), 3, 3, 3, id="one broke"),
        pytest.param(outcome(D, E), 3, 3, 3, id="a crash hides a finding"),
        pytest.param(outcome(*[P] * 8, I), 10, 0, 0, id="one undecided"),
        pytest.param(outcome(C, D), 1, 1, 0, id="contested and deviating"),
        pytest.param(outcome(*[P] * 8, C), 10, 0, 0, id="one contested"),
        pytest.param(outcome(*[P] * 8, (N, Why.NO_ACCELERATOR)), 10, 0, 0, id="one not run"),
        pytest.param(outcome(*[P] * 8, (N, Why.DESELECTED)), 0, 0, 0, id="one not asked for"),
        pytest.param(outcome(*[N] * 9), 5, 5, 0, id="nothing run"),
        pytest.param(outcome(), 5, 5, 0, id="nothing gated"),
        pytest.param(outcome(*[N] * 8, I), 10, 0, 0, id="one undecided, the rest not run"),
        pytest.param(outcome(*[P] * 9, lock=LockStatus.BROKEN), 11, 11, 11, id="lock broken"),
        pytest.param(outcome(D, lock=LockStatus.BROKEN), 11, 11, 11, id="lock broken before a finding"),
        pytest.param(outcome(E, lock=LockStatus.BROKEN), 3, 3, 3, id="a crash before a broken lock"),
        pytest.param(outcome(*[P] * 9, is_whole=False), 3, 3, 3, id="an adapter could not be trained"),
        pytest.param(
            outcome(*[N] * 9, mode="fixture", differs=[False], is_whole=False),
            3,
            3,
            3,
            id="an adapter could not be trained in a fixture run",
        ),
        pytest.param(outcome(*[P] * 9, lock=LockStatus.AMENDED), 0, 0, 0, id="an amended lock holds"),
        pytest.param(outcome(*[P] * 9, mode="audit"), 0, 0, 0, id="audits are judged alike"),
    ],
)
def test_vectors(case: Outcome, unresolved: int, deviation: int, never: int) -> None:
    from dataclasses import replace

    codes = [exit_code(replace(case, fail_on=fail_on)) for fail_on in FailOn]
    assert codes == [unresolved, deviation, never]


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
@pytest.mark.parametrize("fail_on", list(FailOn))
@pytest.mark.parametrize(
    ("differs", "expected"), [([False, False], 0), ([False, True], 1), ([], 5)], ids=["agree", "one", "none"]
)
def test_without_evidence_the_self_checks_decide(
    mode: str, fail_on: FailOn, differs: list[bool], expected: int
) -> None:
    assert exit_code(outcome(*[N] * 9, mode=mode, differs=differs, fail_on=fail_on)) == expected


@pytest.mark.parametrize(("mode", "expected"), [("fixture", 0), ("rehearsal", 0), ("full", 5), ("audit", 5)])
def test_without_a_judge_nothing_is_judged(mode: str, expected: int) -> None:
    assert exit_code(outcome_of(mode, (), [False])) == expected


def test_only_primary_measurable_claims_gate() -> None:
    # Of the sixteen hand-made claims six are primary values; the paper's own arithmetic deviates, and gates nothing.
    gated = outcome_of("full", claims_of(judged.full_judgement())).gated
    assert [state for state, _ in gated] == [P, I, P, C, N, D]


def test_a_deselected_claim_gates_nothing() -> None:
    asked = judged.full_judgement(deselected=("bench.ml.hellaswag.value",))
    assert exit_code(outcome_of("full", claims_of(asked))) == 10


def test_a_miniature_claim_with_another_state_than_expected_differs() -> None:
    codes = [
        exit_code(outcome_of("fixture", claims_of(judged.fixture_judgement(differing=number)), [False]))
        for number in (0, 1)
    ]
    assert codes == [0, 1]


def test_a_miniature_claim_that_breaks_differs() -> None:
    study = judged.self_check_study(differing=1)
    assert exit_code(outcome_of("fixture", claims_of(judged.fixture_judgement(self_check=study)))) == 1
