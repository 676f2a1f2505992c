"""What a run brings before the judge, and everything that its report then says of verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from harness.judge.baselines import Gate, baseline_checks, differing_estimates, remarks
from harness.judge.declared import claim_named, claims_of, load_claims
from harness.judge.docket import WHY_NO_CLAIM, Docket, Hear, docket_of
from harness.judge.hearing import Circumstances
from harness.judge.ledger import LedgerFile, Run
from harness.judge.lock import LockBrokenError, lock_state
from harness.judge.precision import precisions
from harness.judge.preflight import prospects
from harness.judge.quantities import Cell, of_questions, said_of_estimates
from harness.judge.stored import StoredSamples
from harness.judge.unit_values import Stored, read_stored
from harness.sources.outcomes import read_outcomes
from harness.sources.studies import load_protocol_of, load_study, outcomes_path
from harness.words.claim import Claim
from harness.words.judgement import (
    BaselineCheck,
    FailOn,
    Judged,
    Judgement,
    Ledger,
    Lock,
    LockStatus,
    Prospect,
)
from harness.words.mode import Mode
from harness.words.records import LayerReplay
from harness.words.runfacts import NotRun
from harness.words.study import Profile, Study
from harness.words.verdict import Why


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants judged, and how strictly."""

    claims: tuple[str, ...] = ()
    """Ids of the claims that were asked for; all where empty."""
    fail_on: FailOn = FailOn.UNRESOLVED


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the judge must know of a run."""

    study: Study
    profile: Profile
    run_id: str
    mode: str
    """"full", "rehearsal" or "fixture", by evidence."""
    estimates: Path | None
    """The estimates artifact; None where the run could not be finished."""
    replays: Sequence[LayerReplay] = ()
    answers: Mapping[str, Path] = field(default_factory=dict)
    """Artifacts with the answers of the untouched model, by language."""
    not_run: Sequence[NotRun] = ()
    asked: Asked = field(default_factory=Asked)

    @cached_property
    def stored(self) -> Stored | None:
        """The tables of that artifact, read once for every study that is judged on them."""
        return read_stored(self.estimates) if self.estimates else None

    @cached_property
    def baselines(self) -> tuple[BaselineCheck, ...]:
        """The baseline gate, passed before any estimate is asked for; not there where the run is no evidence."""
        if self.mode != Mode.FULL or self.estimates is None:
            return ()
        known = load_protocol_of(self.study.name).baselines
        outcomes = {
            each.outcomes: read_outcomes(outcomes_path(self.study.name, each.outcomes), each.outcomes_sha256)
            for each in known
            if each.outcomes
        }
        gate = Gate(
            study=self.study, profile=self.profile, known=known, answers=self.answers, outcomes=outcomes
        )
        return baseline_checks(gate)


def judgement_of(brought: Brought, reports: Path, hear: Hear) -> Judgement | None:
    """Every verdict of a run with the conditions under which it was reached; None for a study without claims.

    Args:
        brought: The run.
        reports: Folder of all runs, which keeps the ledger.
        hear: Answers a docket.

    Raises:
        HarnessError: If the claims, the lock or the ledger cannot be used.
    """
    docket = paper_docket(brought)
    if docket is None:
        return None
    lock, ledger = _registered(brought, LedgerFile(folder=reports))
    checked = self_check_docket(brought)
    return Judgement(
        paper=_judged(docket, hear),
        self_check=_judged(checked, hear) if checked else None,
        lock=lock,
        ledger=ledger,
        prospects=_prospects(brought, docket.claims),
        fail_on=brought.asked.fail_on,
        deselected=tuple(sorted(docket.circumstances.deselected)),
        choices=load_protocol_of(brought.study.name).choices,
        precisions=precisions(docket.samples) if isinstance(docket.samples, StoredSamples) else (),
        baselines=brought.baselines,
    )


def require_claims(study: Study, asked: Asked) -> None:
    """Before hours of work: the study's claims can be used, and have those that were asked for.

    Raises:
        UsageError: If not.
    """
    _deselected(claims_of(study), asked.claims)


def paper_docket(brought: Brought) -> Docket | None:
    """The claims of the study itself; None where it makes none.

    Raises:
        UsageError: If its claims cannot be used, or one that was asked for is not among them.
    """
    claims = claims_of(brought.study)
    deselected = _deselected(claims, brought.asked.claims)
    if not claims:
        return None
    foreseen, sizes = _prospects(brought, claims), brought.profile.sizes
    circumstances = Circumstances(
        why_not_run=_why_not_run(brought),
        deselected=deselected,
        subset_estimates=frozenset() if sizes.items_per_cell is None else of_questions(brought.study),
        undecidable=frozenset(each.claim_id for each in foreseen if not each.decidable),
        unreplayed_estimates=_unreplayed_estimates(brought),
        broken_estimates=brought.stored.broken if brought.stored else {},
        differing_estimates=differing_estimates(brought.study, brought.baselines),
        remarks=_beside(brought),
    )
    return docket_of(brought.study, claims, brought.stored, circumstances)


def self_check_docket(brought: Brought) -> Docket | None:
    """The claims that check the judge on this world's own numbers; None where the world names none."""
    name = brought.profile.self_check_study
    if name is None or brought.stored is None:
        return None
    circumstances = Circumstances(
        broken_estimates=brought.stored.broken,
        unreplayed_estimates=_unreplayed_estimates(brought),
        remarks=lowered(brought.study, brought.stored),
    )
    return docket_of(load_study(name), load_claims(name), brought.stored, circumstances)


def _beside(brought: Brought) -> Mapping[str, str]:
    """By estimate: everything that is to be said beside it."""
    guessed = remarks(brought.study, brought.baselines)
    fallen = lowered(brought.study, brought.stored) if brought.stored else {}
    return {
        name: " ".join(said[name] for said in (fallen, guessed) if name in said)
        for name in (*fallen, *guessed)
    }


def lowered(study: Study, stored: Stored) -> Mapping[str, str]:
    """Estimates of retention, by id, each with what to say beside it where the same adapters lowered what they were to lift.

    English is easily kept by an adapter that does nothing, or that lowers everything a little.
    """
    gains = {
        row.language: row.value
        for row in stored.estimates.values()
        if (row.quantity, row.layer, row.specification) == ("gain", study.primary.gain_layer, "primary")
    }
    if not gains or (mean := sum(gains.values()) / len(gains)) >= 0:
        return {}
    each = ", ".join(f"{language} {value:+.2f} %" for language, value in gains.items())
    says = (
        f"No success by itself: at layer {study.primary.gain_layer} the same adapters changed the tuned languages' own latents by "
        f"{mean:+.2f} % on average ({each})."
    )
    return {name: says for name, row in stored.estimates.items() if row.quantity == "retention"}


def _prospects(brought: Brought, claims: Sequence[Claim]) -> tuple[Prospect, ...]:
    return prospects(claims, brought.profile.sizes, len(brought.study.targets))


def _judged(docket: Docket, hear: Hear) -> Judged:
    return Judged(study=docket.study, claims=docket.claims, verdicts=hear(docket))


def _registered(brought: Brought, file: LedgerFile) -> tuple[Lock, Ledger]:
    """The lock as it stands, and the run's line among all full runs under it; other modes leave no line.

    A ledger that was tampered with breaks the lock: the report is written all the same, and says so.
    """
    study = brought.study.name
    try:
        lock = lock_state(study, file.locks_of(study)).lock
        if brought.mode != Mode.FULL:
            return lock, Ledger()
        return lock, file.begin(Run(run_id=brought.run_id, study=study, lock=lock.sha256))
    except LockBrokenError:
        return replace(lock_state(study).lock, status=LockStatus.BROKEN), Ledger()


def _why_not_run(brought: Brought) -> Why | None:
    if brought.not_run:
        return Why(brought.not_run[0].reason)
    return WHY_NO_CLAIM.get(brought.mode)


def _deselected(claims: Sequence[Claim], asked: Sequence[str]) -> frozenset[str]:
    wanted = {claim_named(tuple(claims), name).id for name in asked}
    return frozenset(claim.id for claim in claims if wanted and claim.id not in wanted)


def _unreplayed_estimates(brought: Brought) -> Mapping[str, str]:
    failed: dict[int | Cell, str] = {
        each.layer: f"Layer {each.layer}: only {each.rows_passing} of {each.rows} stored rows were found again "
        f"(median correlation {each.median_correlation:.3f}, scale {each.median_scale:.3f}), so nothing that rests on it may "
        "be believed."
        for each in brought.replays
        if not each.passes
    }
    return said_of_estimates(brought.study, failed)
