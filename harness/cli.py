"""The command line: what people type, one clear error when it cannot be done, and the exit code."""

import logging
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from harness import judging, preparing, registering, storing
from harness.options import (
    DEFAULT_PROFILE,
    DEFAULT_REPORTS,
    DEFAULT_STORE,
    DEFAULT_STUDY,
    AsJson,
    Device,
    ProfileName,
    ReportsPath,
    StorePath,
    StudyName,
    megabytes,
    print_json,
    require_device,
)
from harness.outputs import code_of_answer, open_outputs
from harness.store.environment import expect_settings, start_clean
from harness.words.errors import USAGE, UsageError, choice_error
from harness.words.judgement import FailOn

app = typer.Typer(
    name="harness",
    help="Re-runs a paper from public models, and reports what it measures.",
    epilog="Example: harness reproduce --profile fixture",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
storing.add_to(app)
judging.add_to(app)
registering.add_to(app)
preparing.add_to(app)


class StoppedError(BaseException):
    """A signal other than the keyboard's asked this process to end; not for handlers of failures."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""Signals by which schedulers, machines that shut down, and closed terminals ask for an end."""


@app.command(epilog="Example: harness reproduce --profile fixture --store .store")
def reproduce(
    *,
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    out: Annotated[Path | None, typer.Option(help="Folder of this run; by default one of --reports.")] = None,
    reports: ReportsPath = DEFAULT_REPORTS,
    store: StorePath = DEFAULT_STORE,
    device: Device = "auto",
    cores: Annotated[int | None, typer.Option(min=1, help="Processor cores; by default all.")] = None,
    claim: Annotated[
        list[str] | None, typer.Option(help="Report this claim alone; may be said again. All by default.")
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="What ends with another code than 0.")] = FailOn.UNRESOLVED,
) -> int:
    """Run or resume the main path, judge the claims, and write the report."""
    from harness.plugin import hear_in_pytest
    from harness.run.reproduce import Request
    from harness.run.reproduce import reproduce as run
    from harness.run.verdicts import Asked
    from harness.store.provenance import available_cores

    request = Request(
        study=study,
        profile=profile,
        device=_device(device),
        store=store,
        reports=reports,
        out=out,
        cores=cores or available_cores(),
        asked=Asked(claims=tuple(claim or ()), fail_on=fail_on),
    )
    return run(request, typer.echo, live=sys.stdout.isatty(), hear=hear_in_pytest)


@app.command(epilog="Example: harness plan --profile fixture --json")
def plan(
    *,
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    store: StorePath = DEFAULT_STORE,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Show the stages, what of them is done, and which claims this size can decide."""
    from harness.designs.pipeline import plan as draw
    from harness.run.cache_keys import Recipes
    from harness.run.inventory import inventory, outlook
    from harness.run.projection import projection, spoken
    from harness.sources.sources import known_revision
    from harness.sources.studies import load_profile, load_study
    from harness.store.store import Store
    from harness.words.canonical import plain
    from harness.words.judgement import prospects_say

    asked = load_study(study)
    fed = load_profile(asked, profile)
    drawn = draw(asked, fed, _device(device))
    lines = inventory(Recipes(plan=drawn, revision=known_revision), Store(store))
    told = outlook(asked, fed)
    if as_json:
        content = {"stages": plain(lines), "projection": plain(projection(drawn)), "prospects": plain(told)}
        print_json({"study": study, "profile": profile, **content})
        return
    for line in lines:
        done = "?" if line.done is None else line.done
        typer.echo(
            f"{line.stage:<18} {done:>4} of {line.items:<4} {megabytes(line.size_bytes):>9}  {line.says}"
        )
    if reason := next((line.why_unknown for line in lines if line.why_unknown), None):
        typer.echo(f"? not known: {reason}")
    for sentence in spoken(drawn):
        typer.echo(sentence)
    if told:
        able = sum(each.decidable and each.is_foreseen for each in told)
        typer.echo(f"{prospects_say(able, sum(not each.is_foreseen for each in told), len(told))}:")
    for each in told:
        known = "yes" if each.decidable else "no"
        typer.echo(f"{known if each.is_foreseen else 'not known':<10}{each.claim_id:<30} {each.says}")


@app.command(epilog="Example: harness stage phrases --profile fixture --run reports/by-hand")
def stage(
    *,
    name: Annotated[str, typer.Argument(help="Stage, as 'harness plan' lists them.")],
    run: Annotated[Path, typer.Option("--run", help="Folder for the index, the events and the last error.")],
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    store: StorePath = DEFAULT_STORE,
    device: Device = "auto",
) -> None:
    """Make one stage by hand: files in, files out."""
    from harness.designs.pipeline import plan as draw
    from harness.run.stageprocess import run_stage
    from harness.sources.studies import load_profile, load_study
    from harness.store.run_folder import RunFolder
    from harness.store.store import Store

    asked = load_study(study)
    drawn = draw(asked, load_profile(asked, profile), _device(device))
    names = tuple(entry.name for entry in drawn.stages)
    if name not in names:
        raise choice_error("stage", name, names, f"(stages of {study} in the {profile} world)")
    run_stage(drawn, name, Store(store), RunFolder(root=run))


@app.command(epilog="Example: harness report reports/fixture-0123456789ab")
def report(run: Annotated[Path, typer.Argument(help="Folder of a run that has a report.")]) -> int:
    """Render the report of an old run again: the same bytes."""
    from harness.report import closing_lines, render_report

    code = render_report(_reported(run))
    for line in closing_lines(run):
        typer.echo(line)
    return code


@app.command(epilog="Example: harness compare reports/paper-0123456789ab reports/paper-ba9876543210")
def compare(
    *,
    before: Annotated[Path, typer.Argument(help="Folder of one run.")],
    after: Annotated[Path, typer.Argument(help="Folder of another run of the same study.")],
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
) -> None:
    """Show which verdicts moved between two runs, whether beyond noise, and what the runs rest on."""
    from harness.report import load_report
    from harness.report.compare import compare as compared
    from harness.report.comparison import as_json as every_difference
    from harness.report.comparison import as_markdown, as_text

    found = compared(*(load_report(_reported(run)) for run in (before, after)))
    if as_json:
        print_json(every_difference(found))
        return
    for line in as_markdown(found) if markdown else as_text(found):
        typer.echo(line)


def _reported(run: Path) -> Path:
    if not (run / "report.json").is_file():
        raise UsageError(f"{run} holds no report.json; name the folder of a finished run, one of reports/")
    return run


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("replication-harness"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(USAGE)
    expect_settings()
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO, format="%(message)s", stream=sys.stderr
    )


def main(words: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    if words is None:
        # Whoever calls this with words of their own has a process, and outputs, that are not ours to change.
        open_outputs()
        start_clean()
    _listen()
    sys.exit(_exit_code(sys.argv[1:] if words is None else words))


def _exit_code(words: list[str]) -> int:
    """Every ending of a command as a number, with one clear error on stderr."""
    from harness.run.stageprocess import exit_code_of
    from harness.store.files import told

    try:
        answer = app(args=words, prog_name="harness", standalone_mode=False)
        return answer if isinstance(answer, int) else code_of_answer()
    except typer.TyperException as error:
        return _tell(error.format_message(), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except StoppedError as stopped:
        return 128 + stopped.number
    except Exception as error:  # noqa: BLE001 - the one place where a crash becomes an exit code
        if "--debug" in words:
            traceback.print_exc()
        return _tell(told(error), exit_code_of(error))


def _tell(message: str, code: int) -> int:
    typer.echo(f"error: {message}", err=True)
    return code


def _listen() -> None:
    """Hear when to end, and when children end, as far as whoever started this process wants that."""
    # One that ignores its own children would have ours go unheard as well.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in ENDINGS:
        # What is started by "nohup" is to outlive the terminal.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stopped)


def _stopped(number: int, _frame: object) -> NoReturn:
    # Asked once is asked: a terminal's end may come with a second signal, which would cut short what is ended in order.
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    raise StoppedError(number)


def _device(asked: str) -> str:
    from harness.store.provenance import default_device

    require_device(asked)
    return default_device() if asked == "auto" else asked
