"""How a run ends: what it was, what the judge says of it, and the report of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.designs.design import design_of
from harness.judge.ledger import LedgerFile, Run
from harness.run.artifact_status import Survey
from harness.run.cache_keys import Recipes
from harness.run.evidence import ReplayRecord, evidence_of, evidence_words, read_replay, replay_words
from harness.run.progress import Say
from harness.run.verdicts import Asked, Inputs, judgement_of
from harness.sources.studies import committed_pins
from harness.store.files import disk_errors
from harness.store.provenance import environment
from harness.store.run_folder import RunFolder, StageFailure
from harness.words.canonical import digest_of
from harness.words.errors import HarnessError, NotJudgedError, Reason
from harness.words.judgement import Judgement
from harness.words.mode import Mode, mode_of
from harness.words.plan import Plan, Stage
from harness.words.runfacts import LanguageFact, NotRun, RunFacts, SourceRecord
from harness.words.study import Study


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Everything that the report of a run is made from, besides what it measured."""

    recipes: Recipes
    run: RunFolder
    reports: Path
    """Folder of all runs, which keeps the ledger."""
    device: str
    asked: Asked

    def write(self, survey: Survey, say: Say) -> int:
        """The report of a run that measured everything; gives its exit code."""
        from harness.report import write_report

        facts, replayed, design = self._facts(survey, ()), _replayed(survey), design_of(survey.plan.study)
        estimates = survey.found[design.estimates, "all"].folder
        checks = survey.found.get((design.self_checks or "", "all"))
        answers = {
            name: found.folder for (stage, name), found in survey.found.items() if stage == design.answers
        }
        judgement = judgement_of(self._inputs(facts, estimates, replayed, answers), self.reports)
        with disk_errors(self.run.root):
            # A world without known numbers has no table of them: the report finds no folder, and says so.
            folder = checks.folder if checks else self._nothing
            code = write_report(facts, estimates, folder, self.run.root, judgement)
        self._enter(facts, judgement, code)
        self._close(say)
        return code

    def write_unmeasured(self, survey: Survey, error: HarnessError, say: Say) -> None:
        """The report of a run that could not measure anything: which stages, and why."""
        from harness.report import write_report

        facts = self._facts(survey, not_run_of(self.recipes.plan, self.run, error))
        judgement = judgement_of(self._inputs(facts, None, None, {}), self.reports)
        with disk_errors(self.run.root):
            write_report(facts, self._nothing, self._nothing, self.run.root, judgement)
        self._close(say)

    @property
    def _nothing(self) -> Path:
        return self.run.engine / "none"

    def _inputs(
        self,
        facts: RunFacts,
        estimates: Path | None,
        replayed: ReplayRecord | None,
        answers: Mapping[str, Path],
    ) -> Inputs:
        plan = self.recipes.plan
        return Inputs(
            study=plan.study,
            profile=plan.profile,
            run_id=facts.run_id,
            mode=facts.mode,
            estimates=estimates,
            replays=replayed.layers if replayed else (),
            answers=answers,
            not_run=facts.not_run,
            asked=self.asked,
        )

    def _facts(self, survey: Survey, not_run: tuple[NotRun, ...]) -> RunFacts:
        return facts_of(self.recipes, self.device, survey, not_run)

    def _enter(self, facts: RunFacts, judgement: Judgement | None, code: int) -> None:
        """What came of a full run, in the ledger."""
        if judgement is None or facts.mode != Mode.FULL:
            return
        run = Run(run_id=facts.run_id, study=facts.study, lock=judgement.lock.sha256)
        LedgerFile(folder=self.reports).end(run, outcome_words(judgement), code)

    def _close(self, say: Say) -> None:
        from harness.report import closing_lines

        for line in closing_lines(self.run.root):
            say(line)


def outcome_words(judgement: Judgement) -> str:
    """How often each state was reached, in a few words."""
    states = [verdict.state for verdict in judgement.paper.verdicts]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def facts_of(recipes: Recipes, device: str, survey: Survey, not_run: tuple[NotRun, ...] = ()) -> RunFacts:
    """What the report says about the run itself."""
    study, profile = recipes.plan.study, recipes.plan.profile
    known = (profile.known_numbers,) if profile.known_numbers else ()
    pins = dict.fromkeys((*profile.sources.pins(), *known))
    replayed = _replayed(survey)
    evidence = evidence_of(recipes.plan, replayed, committed_pins(study))
    return RunFacts(
        study=study.name,
        paper_id=study.paper_id,
        paper_title=study.title,
        profile=profile.name,
        mode=mode_of(study.shapes, evidence),
        run_id=recipes.run_id(),
        ordinal=1,
        specification_digest=digest_of(study.primary),
        environment=(
            *environment(device, profile.sizes.dtype, profile.sizes.threads),
            *evidence_words(study.shapes, evidence),
            *replay_words(replayed),
        ),
        languages=language_facts(study),
        artifacts=tuple(record for stage in recipes.plan.stages for record in survey.records(stage) or ()),
        sources=tuple(
            SourceRecord(
                name=pin.name, address=pin.address, revision=recipes.revision(pin), licence=pin.licence
            )
            for pin in pins
        ),
        not_run=not_run,
    )


def language_facts(study: Study) -> tuple[LanguageFact, ...]:
    """Every language of a study as its reports name it."""
    return tuple(
        LanguageFact(code=language.code, name=language.name, group=language.group)
        for language in study.languages
    )


def not_run_of(plan: Plan, run: RunFolder, error: HarnessError) -> tuple[NotRun, ...]:
    """Every stage that does not stand, with its own word or that of the failure that ended the run."""
    said = {failure.stage: failure for failure in run.read_failures() if failure.reason}
    return tuple(
        _not_run(stage, said.get(stage.name), error)
        for stage in plan.stages
        if not run.index(stage.name).exists()
    )


def _not_run(stage: Stage, failure: StageFailure | None, error: HarnessError) -> NotRun:
    if isinstance(error, NotJudgedError):
        return NotRun(stage=stage.name, reason=error.reason, message=str(error))
    if failure and failure.reason:
        return NotRun(stage=stage.name, reason=failure.reason, message=failure.message)
    return NotRun(
        stage=stage.name, reason=Reason.UPSTREAM_NOT_RUN, message="the run ended before it came to this"
    )


def _replayed(survey: Survey) -> ReplayRecord | None:
    replay = survey.found.get((design_of(survey.plan.study).replay or "", "all"))
    return read_replay(replay.folder) if replay else None
