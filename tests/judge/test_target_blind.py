"""Nothing that measures can see a printed number: change them all, and only verdicts move."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claims.sin2025 import claims as paper
from harness.designs.design import plan
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.run.artifacts import Recipes
from harness.sources.studies import load_profile, load_study
from harness.words.claim import Claim, Printed, Target
from tests.test_floors import harness_imports, height_of

INDEPENDENT_RUN = Path(__file__).resolve().parents[2] / "fixtures" / "independent_run"
SEES_CLAIMS = {
    "harness.words.claim",
    "harness.words.claim_forms",
    "harness.words.verdict",
    "harness.words.judgement",
}
"""Modules whose words carry printed numbers, or what was made of them."""


def moved(target: Target) -> Target:
    """Another number, printed as finely."""
    decimals = target.printed.num_decimals
    return replace(target, printed=Printed(f"{target.value * 3 + 100:.{decimals}f}"))


def perturbed(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    return tuple(replace(claim, targets=tuple(map(moved, claim.targets))) for claim in claims)


def run_ids() -> Iterator[str]:
    study = load_study("sin2025")
    yield Recipes(plan=plan(study, load_profile(study, "fixture"), "cpu")).run_id()


def test_other_printed_numbers_rename_no_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    before, claims = list(run_ids()), load_claims("sin2025")
    monkeypatch.setattr(paper, "CLAIMS", perturbed(paper.CLAIMS))
    assert load_claims("sin2025") != claims
    assert list(run_ids()) == before


def test_no_module_that_measures_can_see_a_claim() -> None:
    # The door to claims/ serves the judge; no stage and no design goes through it.
    door, judge = "harness.sources.studies", height_of("harness.judge")
    measures = {
        module: found
        for module, found in harness_imports().items()
        if height_of(module) < judge and module not in SEES_CLAIMS | {door}
    }
    hidden = SEES_CLAIMS | {door}
    assert {module: found & hidden for module, found in measures.items() if found & hidden} == {}


def test_other_printed_numbers_move_verdicts_and_no_measurement() -> None:
    study, claims = load_study("miniature"), load_claims("miniature")
    values = [claim for claim in claims if claim.id in {"mini.gap.l6.value", "mini.gap.l25.value"}]
    told = {
        name: judge(asked, measurements_of(study, read_stored(INDEPENDENT_RUN), asked), Circumstances())
        for name, asked in (("as printed", values), ("moved", perturbed(tuple(values))))
    }
    states = {name: [verdict.state for verdict in verdicts] for name, verdicts in told.items()}
    assert states == {"as printed": ["PASS", "PASS"], "moved": ["DEVIATION", "DEVIATION"]}
    intervals = [
        [v.primary.numbers.ci90 for v in verdicts if v.primary and v.primary.numbers]
        for verdicts in told.values()
    ]
    assert intervals[0] == intervals[1]
