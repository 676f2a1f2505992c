"""The main path from a question to a report: plan, survey, make what is missing, hand over to the report."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.run.engine import Engine
from harness.run.execution import recorded
from harness.run.progress import Say, showing
from harness.run.recipes import Recipes
from harness.run.survey import Survey
from harness.run.witness import evidence_of, evidence_words, heard_in
from harness.supply.disk import disk_errors, held_alone
from harness.supply.provenance import check_versions, default_device, environment
from harness.supply.runfolder import RunFolder, StageFailure
from harness.supply.sources import known_revision_or_unpinned, revision_of
from harness.supply.store import Store
from harness.supply.studies import committed_pins, load_profile, load_study
from harness.tools.canonical import digest_of
from harness.tools.mode import mode_of
from harness.words.failures import (
    MALFUNCTION,
    NOTHING_JUDGED,
    HarnessError,
    NotJudgedError,
    Reason,
    StageFailedError,
)
from harness.words.items import Plan, Stage
from harness.words.record import LanguageFact, NotRun, RunFacts, SourceRecord
from harness.works.pipeline import plan

ATTEMPTS = 2
"""A run that stumbles over a damaged artifact makes it again once; twice damaged is a broken disk."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What someone asks to be reproduced, and where."""

    study: str
    profile: str
    device: str
    store: Path
    reports: Path
    out: Path | None = None
    """Folder of the run; by default one below `reports`, named by what goes into it."""
    cores: int
    command: tuple[str, ...] = (sys.executable, "-m", "harness")
    """How a stage is started."""

    def plan(self) -> Plan:
        """The plan that is asked for.

        Raises:
            UsageError: If there is no such study or profile.
        """
        study = load_study(self.study)
        return plan(study, load_profile(study, self.profile), self.device)

    def run_folder(self, recipes: Recipes) -> RunFolder:
        """Where the run lies: the same inputs, the same folder."""
        name = f"{self.profile}-{recipes.run_id()[:12]}"
        return RunFolder(root=self.out or self.reports / name)

    def __str__(self) -> str:
        """The command that asks for it again."""
        words = ["harness", "reproduce", "--study", self.study, "--profile", self.profile]
        words += ["--device", self.device, "--store", str(self.store)]
        words += ["--out", str(self.out)] if self.out else ["--reports", str(self.reports)]
        return shlex.join(words)


def reproduce(request: Request, say: Say, *, live: bool = False) -> int:
    """Run or resume the main path and write its report; gives the report's exit code.

    Args:
        request: What to reproduce.
        say: Prints one line.
        live: Draw progress bars instead of lines.

    Raises:
        HarnessError: If it cannot be done; finished artifacts stay, and the same call goes on from there.
            Where nothing could be measured there is a report all the same, which says why.
    """
    check_versions()
    recipes, refusal = _recipes(request.plan())
    run = request.run_folder(recipes)
    say(f"run {recipes.run_id()} of {request.study} in the {request.profile} world: {run.root}")
    with held_alone(run.lock, f"the run folder {run.root}"), recorded(recipes.plan, run, recipes.run_id()):
        try:
            _expect_device(request.device)
            _expect_sources(refusal)
            survey = make_all(request, recipes, run, say, live=live)
        except BaseException as error:
            say(f"stopped; what is finished is kept. Go on with: {request}")
            if isinstance(error, HarnessError) and error.exit_code == NOTHING_JUDGED:
                _report_not_run(request, recipes, run, error, say)
            raise
        return _report(request, recipes, survey, run, say)


def make_all(request: Request, recipes: Recipes, run: RunFolder, say: Say, *, live: bool) -> Survey:
    """Every artifact of the plan, found or made.

    Raises:
        StageFailedError: If a stage fails, or meets damage a second time.
    """
    survey = _surveyed(request, recipes, run, say)
    if not survey.missing():
        say("nothing to do: every artifact stands, verified to the byte")
    for attempt in range(ATTEMPTS):
        if not survey.missing():
            return survey
        try:
            _make_missing(request, recipes, run, say, live=live)
        except StageFailedError as error:
            if not error.damaged or attempt == ATTEMPTS - 1:
                raise
            say(f"{error} Looking through the store once more.")
        survey = _surveyed(request, recipes, run, say)
    _expect_whole(survey)
    return survey


def facts_of(
    request: Request, recipes: Recipes, survey: Survey, not_run: tuple[NotRun, ...] = ()
) -> RunFacts:
    """What the report says about the run itself."""
    study, profile = recipes.plan.study, recipes.plan.profile
    known = (profile.known_numbers,) if profile.known_numbers else ()
    pins = dict.fromkeys((*profile.sources.pins(), *known))
    replay = survey.found.get(("replay", "all"))
    evidence = evidence_of(recipes.plan, heard_in(replay.folder) if replay else None, committed_pins(study))
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
            *environment(request.device, profile.sizes.dtype, profile.sizes.threads),
            *evidence_words(study.shapes, evidence),
        ),
        languages=tuple(
            LanguageFact(code=language.code, name=language.name, group=language.group)
            for language in study.languages
        ),
        artifacts=tuple(record for stage in recipes.plan.stages for record in survey.records(stage) or ()),
        sources=tuple(
            SourceRecord(
                name=pin.name, address=pin.address, revision=recipes.revision(pin), licence=pin.licence
            )
            for pin in pins
        ),
        not_run=not_run,
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


def _recipes(plan: Plan) -> tuple[Recipes, NotJudgedError | None]:
    """The names of everything, and why some cannot be known: a source that was never used and cannot be asked."""
    try:
        for pin in plan.profile.sources.pins():
            revision_of(pin)
    except NotJudgedError as refusal:
        return Recipes(plan=plan, revision=known_revision_or_unpinned), refusal
    return Recipes(plan=plan), None


def _expect_sources(refusal: NotJudgedError | None) -> None:
    if refusal:
        raise refusal


def _expect_device(device: str) -> None:
    if device != "cpu" and default_device() != device:
        raise NotJudgedError(
            f"this machine cannot run on {device}: no driver is loaded, or torch is built without it; use "
            f"--device cpu, or a machine and a container with access to the accelerator",
            reason=Reason.NO_ACCELERATOR,
        )


def _surveyed(request: Request, recipes: Recipes, run: RunFolder, say: Say) -> Survey:
    # A store opened anew reads every byte again: other processes have worked on it since.
    survey = Survey(recipes=recipes, store=Store(request.store)).look()
    survey.settle(run, say)
    return survey


def _make_missing(request: Request, recipes: Recipes, run: RunFolder, say: Say, *, live: bool) -> None:
    engine = Engine(
        recipes=recipes,
        run=run,
        store=request.store,
        study=request.study,
        profile=request.profile,
        device=request.device,
        cores=request.cores,
        command=request.command,
    )
    with showing(recipes.plan, run, say, live=live) as look:
        engine.make(look)


def _expect_whole(survey: Survey) -> None:
    if missing := survey.missing():
        names = ", ".join(stage.name for stage in missing)
        raise StageFailedError(
            f"every stage ended well, yet {names} did not stay whole in {survey.store.root}; "
            "check that disk, and that nothing else removes files there",
            exit_code=MALFUNCTION,
        )


def _report(request: Request, recipes: Recipes, survey: Survey, run: RunFolder, say: Say) -> int:
    from harness.report import write_report

    estimates = survey.found["estimates", "all"].folder
    checks = survey.found.get(("self-checks", "all"))
    facts = facts_of(request, recipes, survey)
    with disk_errors(run.root):
        # A world without known numbers has no table of them: the report finds no folder, and says so.
        code = write_report(facts, estimates, checks.folder if checks else run.engine / "none", run.root)
    _close(run, say)
    return code


def _report_not_run(
    request: Request, recipes: Recipes, run: RunFolder, error: HarnessError, say: Say
) -> None:
    """The report of a run that could not measure anything: which stages, and why."""
    from harness.report import write_report

    survey = _surveyed(request, recipes, run, say)
    facts = facts_of(request, recipes, survey, not_run_of(recipes.plan, run, error))
    with disk_errors(run.root):
        write_report(facts, run.engine / "none", run.engine / "none", run.root)
    _close(run, say)


def _close(run: RunFolder, say: Say) -> None:
    from harness.report import closing_lines

    for line in closing_lines(run.root):
        say(line)
