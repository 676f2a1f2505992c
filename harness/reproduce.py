"""The main path from a question to a report: plan, survey, make what is missing, hand over to the report."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.canonical import digest_of
from harness.disk import disk_errors, held_alone
from harness.engine import Engine
from harness.execution import recorded
from harness.failures import MALFUNCTION, StageFailedError
from harness.items import Plan
from harness.mode import Evidence, mode_of
from harness.pipeline import plan
from harness.progress import Say, showing
from harness.provenance import check_versions, environment
from harness.recipes import Recipes
from harness.record import LanguageFact, RunFacts, SourceRecord
from harness.runfolder import RunFolder
from harness.sources import revision_of
from harness.store import Store
from harness.studies import load_profile, load_study
from harness.survey import Survey

UNKNOWN = Evidence(
    loaded=None,
    source_digests=frozenset(),
    fixture_digests=frozenset(),
    weights_made_here=False,
    layers_replayed=0,
)
"""No stage reports yet what it loaded, so no run can claim to be more than a fixture."""

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
        words += ["--out", str(self.out)] if self.out else []
        return shlex.join(words)


def reproduce(request: Request, say: Say, *, live: bool = False) -> int:
    """Run or resume the main path and write its report; gives the report's exit code.

    Args:
        request: What to reproduce.
        say: Prints one line.
        live: Draw progress bars instead of lines.

    Raises:
        HarnessError: If it cannot be done; finished artifacts stay, and the same call goes on from there.
    """
    check_versions()
    recipes = Recipes(plan=request.plan())
    run = request.run_folder(recipes)
    say(f"run {recipes.run_id()} of {request.study} in the {request.profile} world: {run.root}")
    with held_alone(run.lock, f"the run folder {run.root}"), recorded(recipes.plan, run, recipes.run_id()):
        try:
            survey = make_all(request, recipes, run, say, live=live)
        except BaseException:
            say(f"stopped; what is finished is kept. Go on with: {request}")
            raise
        return _report(request, recipes, survey, run)


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


def facts_of(request: Request, recipes: Recipes, survey: Survey) -> RunFacts:
    """What the report says about the run itself."""
    study, profile = recipes.plan.study, recipes.plan.profile
    known = (profile.known_numbers,) if profile.known_numbers else ()
    pins = dict.fromkeys((*profile.sources.pins(), *known))
    return RunFacts(
        study=study.name,
        paper_id=study.paper_id,
        paper_title=study.title,
        profile=profile.name,
        mode=mode_of(study.shapes, UNKNOWN),
        run_id=recipes.run_id(),
        ordinal=1,
        specification_digest=digest_of(study.primary),
        environment=environment(request.device, profile.sizes.dtype, profile.sizes.threads),
        languages=tuple(
            LanguageFact(code=language.code, name=language.name, group=language.group)
            for language in study.languages
        ),
        artifacts=tuple(record for stage in recipes.plan.stages for record in survey.records(stage) or ()),
        sources=tuple(
            SourceRecord(name=pin.name, address=pin.address, revision=revision_of(pin), licence=pin.licence)
            for pin in pins
        ),
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


def _report(request: Request, recipes: Recipes, survey: Survey, run: RunFolder) -> int:
    from harness.report import write_report

    estimates = survey.found["estimates", "all"].folder
    checks = survey.found.get(("self-checks", "all"))
    facts = facts_of(request, recipes, survey)
    with disk_errors(run.root):
        # A world without known numbers has no table of them: the report finds no folder, and says so.
        return write_report(facts, estimates, checks.folder if checks else run.engine / "none", run.root)
