"""The main path from a question to a report: plan, survey, make what is missing, hand over to the report."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.designs.design import plan
from harness.run.artifact_status import Survey
from harness.run.cache_keys import Recipes
from harness.run.ending import Ending
from harness.run.engine import Engine
from harness.run.execution import recorded
from harness.run.progress import Say, showing
from harness.run.verdicts import Asked, require_claims
from harness.sources.pins import known_revision_or_unpinned, revision_of
from harness.sources.studies import load_profile, load_study
from harness.store.files import held_alone, require_folder
from harness.store.provenance import accelerator_cure, accelerator_problem, check_versions
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.words.errors import (
    MALFUNCTION,
    NOTHING_JUDGED,
    HarnessError,
    NotJudgedError,
    Reason,
    StageFailedError,
)
from harness.words.judgement import FailOn
from harness.words.plan import Plan

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
    asked: Asked = field(default_factory=Asked)
    """What is to be judged."""

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
        words += [word for name in self.asked.claims for word in ("--claim", name)]
        words += ["--fail-on", str(self.asked.fail_on)] if self.asked.fail_on is not FailOn.UNRESOLVED else []
        return shlex.join(words)


def _no_telling(run: Path) -> None:
    """Where nobody wants verdicts told beside the report."""


def reproduce(
    request: Request, say: Say, *, live: bool = False, tell: Callable[[Path], None] = _no_telling
) -> int:
    """Run or resume the main path and write its report; gives the report's exit code.

    Args:
        request: What to reproduce.
        say: Prints one line.
        live: Draw progress bars instead of lines.
        tell: Tells the verdicts of the finished report, given the run's folder.

    Raises:
        HarnessError: If it cannot be done; finished artifacts stay, and the same call goes on from there.
            Where nothing could be measured there is a report all the same, which says why.
    """
    check_versions()
    recipes, refusal = _recipes(request.plan())
    run = request.run_folder(recipes)
    require_claims(recipes.plan.study, request.asked)
    for folder in (run.root, request.store):
        require_folder(folder)
    ending = Ending(
        recipes=recipes,
        run=run,
        reports=request.reports,
        device=request.device,
        asked=request.asked,
    )
    say(f"run {recipes.run_id()} of {request.study} in the {request.profile} world: {run.root}")
    with held_alone(run.lock, f"the run folder {run.root}"), recorded(recipes.plan, run, recipes.run_id()):
        try:
            _expect_device(request.device)
            _expect_sources(refusal)
            survey = make_all(request, recipes, run, say, live=live)
        except BaseException as error:
            say(f"stopped; what is finished is kept. Go on with: {request}")
            if isinstance(error, HarnessError) and error.exit_code == NOTHING_JUDGED:
                ending.write_unmeasured(_surveyed(request, recipes, run, say), error, say)
                tell(run.root)
            raise
        code = ending.write(survey, say)
        tell(run.root)
        return code


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
    if device != "cpu" and (problem := accelerator_problem()):
        raise NotJudgedError(
            f"this machine cannot run on {device}: {problem}; {accelerator_cure()}, or say --device cpu",
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
