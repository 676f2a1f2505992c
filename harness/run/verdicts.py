"""What the judge must know of a run, and everything that its report then says of verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from harness.designs.design import design_of, unavailable_of
from harness.designs.estimand import Cell
from harness.judge.baselines import Gate, baseline_checks, differing_estimates, read_outcomes, remarks
from harness.judge.judge import Circumstances, judge
from harness.judge.ledger import LedgerFile, Run
from harness.judge.measurements import Measurements, measurements_of, precisions
from harness.judge.multiverse import multiverses
from harness.judge.preregistration import LockBrokenError, lock_state
from harness.judge.quantities import of_questions, said_of_estimates
from harness.judge.specifications import Specifications, read_specifications
from harness.judge.unit_values import NO_TABLES, Stored, read_stored
from harness.judge.validate import claim_named, claims_of, load_claims
from harness.run.forecast import outlook
from harness.sources.studies import load_protocol_of, load_study, load_table, outcomes_path
from harness.words.claim import Claim, Source
from harness.words.errors import FailOn
from harness.words.judgement import BaselineCheck, Judged, Judgement, Ledger, Lock, LockStatus
from harness.words.mode import Mode
from harness.words.records import LayerReplay
from harness.words.runfacts import NotRun
from harness.words.study import Profile, Study
from harness.words.verdict import Why

WHY_NO_CLAIM: Mapping[str, Why] = {Mode.FIXTURE: Why.FIXTURE_MODE, Mode.REHEARSAL: Why.REHEARSAL_MODE}
"""Modes in which no claim of a paper is judged, whatever was measured."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants judged, and how strictly."""

    claims: tuple[str, ...] = ()
    """Ids of the claims that were asked for; all where empty."""
    fail_on: FailOn = FailOn.UNRESOLVED


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the judge must know of a run."""

    study: Study
    profile: Profile
    run_id: str
    mode: str
    """"full", "rehearsal" or "fixture", by evidence."""
    estimates: Path | None
    """The estimates artifact; None where the run could not be finished."""
    specified: Sequence[Path] = ()
    """Artifacts of specifications that the estimates artifact does not hold, in the order of the plan."""
    replays: Sequence[LayerReplay] = ()
    answers: Mapping[str, Path] = field(default_factory=dict)
    """Artifacts with the answers of the untouched model, by language."""
    not_run: Sequence[NotRun] = ()
    asked: Asked = field(default_factory=Asked)

    @cached_property
    def tables(self) -> Stored:
        """The tables of that artifact, read once for every study that is judged on them; empty where there is none."""
        return read_stored(self.estimates) if self.estimates else NO_TABLES

    @cached_property
    def specifications(self) -> Specifications:
        """What was computed beside the primary specification, read once."""
        return read_specifications((self.estimates, *self.specified)) if self.estimates else Specifications()

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim of the study itself.

        Raises:
            UsageError: If they cannot be used.
        """
        return claims_of(self.study)

    @cached_property
    def measurements(self) -> Measurements:
        """What was measured for them."""
        return measurements_of(self.study, self.tables, self.claims)

    @cached_property
    def baselines(self) -> tuple[BaselineCheck, ...]:
        """The baseline gate, passed before any estimate is asked for; not there where the run is no evidence."""
        if self.mode != Mode.FULL or self.estimates is None:
            return ()
        known = load_protocol_of(self.study.name).baselines
        gate = Gate(
            study=self.study,
            profile=self.profile,
            known=known,
            answers=self.answers,
            outcomes=_published_outcomes(self.study),
        )
        return baseline_checks(gate)


def judgement_of(inputs: Inputs, reports: Path) -> Judgement | None:
    """Every verdict of a run with the conditions under which it was reached; None for a study without claims.

    Args:
        inputs: The run.
        reports: Folder of all runs, which keeps the ledger.

    Raises:
        HarnessError: If the claims, the lock or the ledger cannot be used.
    """
    if not inputs.claims:
        return None
    circumstances = paper_circumstances(inputs)
    lock, ledger = _registered(inputs, LedgerFile(folder=reports))
    paper = _judged(inputs, inputs.study, inputs.claims, inputs.measurements, circumstances)
    return Judgement(
        paper=paper,
        self_check=judged_self_check(inputs),
        lock=replace(lock, resized=inputs.profile.resized),
        ledger=ledger,
        prospects=outlook(inputs.study, inputs.profile),
        fail_on=inputs.asked.fail_on,
        deselected=tuple(sorted(circumstances.deselected)),
        choices=load_protocol_of(inputs.study.name).choices,
        precisions=precisions(inputs.measurements),
        baselines=inputs.baselines,
        cited=load_table(inputs.study.name, Source),
    )


def judged_self_check(inputs: Inputs) -> Judged | None:
    """The claims that check the judge on this world's own numbers; None where the world names none."""
    name = inputs.profile.self_check_study
    if name is None or inputs.estimates is None:
        return None
    study, claims = load_study(name), load_claims(name)
    measurements = measurements_of(study, inputs.tables, claims)
    return _judged(inputs, study, claims, measurements, self_check_circumstances(inputs))


def _judged(
    inputs: Inputs,
    study: Study,
    claims: tuple[Claim, ...],
    measurements: Measurements,
    circumstances: Circumstances,
) -> Judged:
    """The verdicts on the claims of one study, and what becomes of them under other specifications."""
    judged = Judged(study=study.name, claims=claims, verdicts=judge(claims, measurements, circumstances))
    found = multiverses(judged, study, measurements, inputs.specifications, circumstances)
    return replace(judged, multiverses=tuple(found))


def require_judgeable(study: Study, profile: Profile, asked: Asked, reports: Path) -> None:
    """Before hours of work: all that judges them can be read, and has the claims that were asked for.

    Raises:
        HarnessError: If not.
    """
    claims = claims_of(study)
    _deselected(claims, asked.claims)
    if not claims:
        return
    _published_outcomes(study)
    if name := profile.self_check_study:
        load_claims(name)
    # What breaks a lock breaks no run, and stands in its report.
    with suppress(LockBrokenError):
        lock_state(study.name, LedgerFile(folder=reports).locks_of(study.name))


def _published_outcomes(study: Study) -> Mapping[str, Mapping[str, bool]]:
    """Published outcomes of single questions, by the file that a baseline of the study names."""
    return {
        each.outcomes: read_outcomes(outcomes_path(study.name, each.outcomes), each.outcomes_sha256)
        for each in load_protocol_of(study.name).baselines
        if each.outcomes
    }


def paper_circumstances(inputs: Inputs) -> Circumstances:
    """What decides the verdicts on the study itself besides measurements.

    Raises:
        UsageError: If its claims cannot be used, or one that was asked for is not among them.
    """
    why_not_run = Why(inputs.not_run[0].reason) if inputs.not_run else WHY_NO_CLAIM.get(inputs.mode)
    is_subset = inputs.profile.sizes.items_per_cell is not None
    # A figure may be no success by itself, and both models may guess: each stands beside the claim.
    beside, guessed = _said_beside(inputs), remarks(inputs.study, inputs.baselines)
    return Circumstances(
        why_not_run=why_not_run,
        deselected=_deselected(inputs.claims, inputs.asked.claims),
        subset_estimates=of_questions(inputs.study) if is_subset else frozenset(),
        undecidable=frozenset(
            each.claim_id for each in outlook(inputs.study, inputs.profile) if not each.decidable
        ),
        unreplayed_estimates=_unreplayed_estimates(inputs),
        broken_estimates=inputs.tables.broken,
        differing_estimates=differing_estimates(inputs.study, inputs.baselines),
        unavailable_estimates=unavailable_of(inputs.study, inputs.profile),
        remarks={
            name: " ".join(said[name] for said in (beside, guessed) if name in said)
            for name in (*beside, *guessed)
        },
    )


def self_check_circumstances(inputs: Inputs) -> Circumstances:
    """The same of the claims that check the judge."""
    return Circumstances(
        broken_estimates=inputs.tables.broken,
        unreplayed_estimates=_unreplayed_estimates(inputs),
        remarks=_said_beside(inputs),
    )


def _said_beside(inputs: Inputs) -> Mapping[str, str]:
    return design_of(inputs.study).remarks(inputs.study, inputs.tables.estimates)


def _registered(inputs: Inputs, file: LedgerFile) -> tuple[Lock, Ledger]:
    """The lock as it stands, and the run's line among all full runs under it; other modes leave no line.

    A ledger that was tampered with breaks the lock: the report is written all the same, and says so.
    """
    study = inputs.study.name
    try:
        lock = lock_state(study, file.locks_of(study)).lock
        if inputs.mode != Mode.FULL:
            return lock, Ledger()
        return lock, file.begin(Run(run_id=inputs.run_id, study=study, lock=lock.sha256))
    except LockBrokenError:
        return replace(lock_state(study).lock, status=LockStatus.BROKEN), Ledger()


def _deselected(claims: Sequence[Claim], asked: Iterable[str]) -> frozenset[str]:
    wanted = {claim_named(tuple(claims), name).id for name in asked}
    return frozenset(claim.id for claim in claims if wanted and claim.id not in wanted)


def _unreplayed_estimates(inputs: Inputs) -> Mapping[str, str]:
    failed: dict[int | Cell, str] = {
        each.layer: f"Layer {each.layer}: only {each.rows_passing} of {each.rows} stored rows were found again "
        f"(median correlation {each.median_correlation:.3f}, scale {each.median_scale:.3f}), so nothing that rests on it may "
        "be believed."
        for each in inputs.replays
        if not each.passes
    }
    return said_of_estimates(inputs.study, failed)
