"""The main path from a question to a report, as a tuple of verbs: each step takes the run and hands it on.

The plan is in `designs/`, what makes its artifacts is the engine; the judge and the report come after both.
"""

import os
import platform
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.designs.design import plan
from harness.run.artifacts import ArtifactStatus, Recipes
from harness.run.cluster import COMMAND, JOB_VARIABLE, VERDICTS, Cluster, queued_seconds
from harness.run.doctor import require_needs
from harness.run.engine import Engine
from harness.run.progress import Say, kinds_of_accelerator, recorded, showing
from harness.run.run_report import report_run
from harness.run.stageprocess import leaving_word
from harness.run.verdicts import Asked, require_judgeable
from harness.sources.pins import known_revision_or_unpinned, revision_of
from harness.sources.studies import load_profile, load_study
from harness.store.files import held_alone, require_folder, require_writable
from harness.store.provenance import check_versions, require_accelerator, visible_accelerators
from harness.store.run_folder import RanOn, RunFolder
from harness.store.store import Store
from harness.words.errors import (
    ExitCode,
    FailOn,
    HarnessError,
    MissingArtifactError,
    NotJudgedError,
    Reason,
    StageFailedError,
)
from harness.words.plan import Plan
from harness.words.specification import Grid
from harness.words.study import Profile, gridded

if TYPE_CHECKING:
    from harness.report.document import Report

ATTEMPTS = 2
"""A run that stumbles over a damaged artifact makes it again once; twice damaged is a broken disk."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What someone asks to be reproduced, and where."""

    study: str
    profile: str
    sizes: Path | None = None
    """File of other sizes than the registered ones."""
    grid: Grid | None = None
    """Which specifications to compute beside the primary one; the study's own where nothing is said."""
    device: str
    store: Path
    reports: Path
    out: Path | None = None
    """Folder of the run; by default one below `reports`, named by what goes into it."""
    cores: int
    gpus: int | None = None
    """Accelerators to use at once; all that are there by default."""
    cluster: Cluster | None = None
    """Where stages are sent; None runs them on this machine."""
    command: tuple[str, ...] = COMMAND
    """How a stage is started."""
    asked: Asked = field(default_factory=Asked)
    """What is to be judged."""

    def plan(self) -> Plan:
        """The plan that is asked for.

        Raises:
            UsageError: If there is no such study or profile.
        """
        study = gridded(load_study(self.study), self.grid)
        return plan(study, load_profile(study, self.profile, self.sizes), self.device)

    def __str__(self) -> str:
        """The command that asks for it again."""
        words = ["harness", "reproduce", "--study", self.study, "--profile", self.profile]
        words += ["--sizes", str(self.sizes)] if self.sizes else []
        words += ["--grid", self.grid] if self.grid else []
        words += ["--device", self.device, "--store", str(self.store)]
        words += ["--gpus", str(self.gpus)] if self.gpus else []
        words += self.cluster.words() if self.cluster else []
        words += ["--stage-command", shlex.join(self.command)] if self.command != COMMAND else []
        words += ["--out", str(self.out)] if self.out else ["--reports", str(self.reports)]
        return shlex.join([*words, *_words_of(self.asked)])


def _words_of(asked: Asked) -> list[str]:
    """The options that ask for the same verdicts."""
    words = [word for name in asked.claims for word in ("--claim", name)]
    return words + (["--fail-on", str(asked.fail_on)] if asked.fail_on is not FailOn.UNRESOLVED else [])


@dataclass(kw_only=True)
class Reproduction:
    """One attempt at what was asked for, with what each step leaves for the next."""

    request: Request
    say: Say
    """Prints one line."""
    live: bool
    """Draw progress bars instead of lines."""
    tell: Callable[["Report"], None]
    """Tells the verdicts of the finished report."""
    recipes: Recipes = field(init=False)
    folder: RunFolder = field(init=False)
    refusal: NotJudgedError | None = None
    """Why some artifacts have no name: a source that was never used and cannot be asked."""
    status: ArtifactStatus = field(init=False)
    report: "Report" = field(init=False)


def reproduce(
    request: Request, say: Say, *, live: bool = False, tell: Callable[["Report"], None] = lambda _: None
) -> int:
    """Run or resume the main path and write its report; gives the report's exit code.

    Args:
        request: What to reproduce.
        say: Prints one line.
        live: Draw progress bars instead of lines.
        tell: Tells the verdicts of the finished report.

    Raises:
        HarnessError: If it cannot be done; finished artifacts stay, and the same call goes on from there.
            Where nothing could be measured there is a report all the same, which says why.
    """
    run = Reproduction(request=request, say=say, live=live, tell=tell)
    prepare(run)
    run_id = run.recipes.run_id()
    say(f"run {run_id} of {request.study} in the {request.profile} world: {run.folder.root}")
    alone = held_alone(run.folder.lock, f"the run folder {run.folder.root}")
    with alone, recorded(run.recipes.plan, run.folder, run_id):
        try:
            for step in MEASURING:
                step(run)
        except BaseException as error:
            say(f"stopped; what is finished is kept. Go on with: {request}")
            if isinstance(error, HarnessError) and error.exit_code == ExitCode.NOTHING_JUDGED:
                look_through_store(run)
                write_report(run, error)
                tell_verdicts(run)
            raise
        for step in REPORTING:
            step(run)
    return run.report.summary.exit_code


def prepare(run: Reproduction) -> None:
    """Everything that is refused before a run has a record: libraries, names, claims, folders.

    Raises:
        HarnessError: If something is not there, or cannot be used.
    """
    request = run.request
    check_versions()
    planned = request.plan()
    try:
        for pin in planned.profile.sources.pins():
            revision_of(pin)
        run.recipes = Recipes(plan=planned)
    except NotJudgedError as error:
        run.recipes, run.refusal = Recipes(plan=planned, revision=known_revision_or_unpinned), error
    # The same inputs, the same folder.
    root = request.out or request.reports / f"{request.profile}-{run.recipes.run_id()[:12]}"
    require_judgeable(planned.study, planned.profile, request.asked, request.reports)
    for folder in (root, request.store):
        require_folder(folder)
    run.folder = RunFolder(root=root)


def require_sources(run: Reproduction) -> None:
    """Refuse a run of which a source cannot be had, and say at once where no accelerator could be used either."""
    if run.refusal is None:
        return
    if run.request.cluster:
        raise run.refusal
    try:
        require_accelerator(run.request.device)
    except NotJudgedError as error:
        raise NotJudgedError(f"{run.refusal}; besides, {error}", reason=run.refusal.reason) from run.refusal
    raise run.refusal


def look_through_store(run: Reproduction) -> None:
    """Find and verify what stands, and publish it; other processes have worked on the store, so every byte is read again."""
    run.status = ArtifactStatus(recipes=run.recipes, store=Store(run.request.store))
    for sentence in run.status.damaged:
        run.say(sentence)
    run.status.publish(run.folder)


def require_machine(run: Reproduction) -> None:
    """Refuse a machine that cannot make what is missing, and say what it lacks that a run does without."""
    if run.status.missing():
        require_writable(run.request.store)
        request = run.request
        for finding in require_needs(run.recipes.plan, request.device, request.store, request.cluster):
            run.say(str(finding))


def devices_of(request: Request, profile: Profile) -> tuple[str, ...]:
    """Accelerators that a run uses at once; on a processor stand-ins for them: as many as are asked for, or as a miniature names.

    Other worlds' models are large, and each process would hold its own.

    Raises:
        NotJudgedError: If more are asked for than there are.
    """
    if request.cluster:
        return ()
    if request.device == "cpu":
        at_once = max(1, request.cores // profile.sizes.threads)
        usual = min(profile.shards, at_once) if profile.is_committed else 1
        return tuple(map(str, range(request.gpus or usual)))
    there = visible_accelerators()
    if request.gpus and request.gpus > len(there):
        raise NotJudgedError(
            f"{request.gpus} accelerators are asked for, and {len(there)} can be used here; say --gpus {len(there)}, or nothing",
            reason=Reason.NO_ACCELERATOR,
        )
    return there[: request.gpus]


def engine_of(run: Reproduction) -> Engine:
    """What starts the processes of a run."""
    request = run.request
    return Engine(
        recipes=run.recipes,
        run=run.folder,
        store=request.store,
        study=request.study,
        profile=request.profile,
        sizes=request.sizes,
        grid=request.grid,
        device=request.device,
        cores=request.cores,
        devices=devices_of(request, run.recipes.plan.profile),
        cluster=request.cluster,
        command=request.command,
    )


def make_what_is_missing(run: Reproduction) -> None:
    """Start the engine until every artifact stands.

    Raises:
        StageFailedError: If a stage fails, or meets damage a second time.
    """
    if not run.status.missing():
        run.say("nothing to do: every artifact stands, verified to the byte")
    for attempt in range(ATTEMPTS):
        if not run.status.missing():
            return
        try:
            with showing(run.recipes.plan, run.folder, run.say, live=run.live) as look:
                engine_of(run).make(look)
        except StageFailedError as error:
            if not error.damaged or attempt == ATTEMPTS - 1:
                raise
            run.say(f"{error} Looking through the store once more.")
        look_through_store(run)
    if missing := run.status.missing():
        names = ", ".join(stage.name for stage in missing)
        raise StageFailedError(
            f"every stage ended well, yet {names} did not stay whole in {run.status.store.root}; "
            "check that disk, and that nothing else removes files there",
            exit_code=ExitCode.MALFUNCTION,
        )


def write_report(run: Reproduction, error: HarnessError | None = None) -> None:
    """Judge the claims and write the report; where an error ended the run, it says which stages did not run, and why."""
    from harness.report.writer import closing_lines, load_report

    request = run.request
    if request.cluster and not request.cluster.judge_here and error is None:
        run.say("judging in a job")
        words = ["--reports", str(request.reports.absolute()), *_words_of(request.asked)]
        engine_of(run).judge(words, lambda: None)
        run.report = load_report(run.folder.root)
    else:
        run.report = report_run(
            run.recipes,
            run.folder,
            run.status,
            run.say,
            reports=request.reports,
            device=request.device,
            asked=request.asked,
            error=error,
        )
    for stage, kinds in kinds_of_accelerator(run.recipes.plan, run.folder).items():
        run.say(
            f"{stage} ran on {len(kinds)} kinds of accelerator ({', '.join(kinds)}), which round otherwise; execution.json says which "
            "attempt ran where"
        )
    for line in closing_lines(run.report, run.folder.root):
        run.say(line)


def judge_what_stands(request: Request, say: Say) -> None:
    """Judge what the stages of a run have made, and write its report: the last job of a cluster, and a step by hand.

    Raises:
        HarnessError: If something is missing; the run's folder then says why.
    """
    run = Reproduction(request=request, say=say, live=False, tell=lambda _: None)
    prepare(run)
    place = RanOn(
        host=platform.node(),
        accelerator=None,
        job=os.environ.get(JOB_VARIABLE),
        queued_seconds=queued_seconds(),
    )
    run.folder.event_log(VERDICTS).note("started", ran_on=place)
    with leaving_word(run.folder, VERDICTS):
        require_sources(run)
        wait_for_published(run)
        look_through_store(run)
        if missing := run.status.missing():
            names = ", ".join(stage.name for stage in missing)
            raise MissingArtifactError(
                f"{names}: not in {request.store}, or damaged; run 'harness stage' for each first, or 'harness reproduce' for all of it"
            )
        write_report(run)


def wait_for_published(run: Reproduction) -> None:
    """In a job, wait until all is seen that other hosts have published."""
    if os.environ.get(JOB_VARIABLE):
        for stage in run.recipes.plan.stages:
            for record in run.folder.read_index(stage.name) or ():
                Store(run.request.store).wait_for(stage.name, record.key)


def tell_verdicts(run: Reproduction) -> None:
    """Tell the verdicts of the report, claim by claim."""
    run.tell(run.report)


MEASURING = (require_sources, look_through_store, require_machine, make_what_is_missing)
REPORTING = (write_report, tell_verdicts)
"""The main path, read aloud."""
