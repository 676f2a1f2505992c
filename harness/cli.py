"""The command line: what people type, one clear error when it cannot be done, and the exit code.

What a command needs is imported when it runs, so that `--help` and `--version` answer at once.
"""

import gc
import inspect
import logging
import shlex
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from harness.process import (
    StoppedError,
    answer,
    code_of_answer,
    collect_seldom,
    heed_signals,
    open_outputs,
    print_json,
    say,
    told,
)
from harness.store.environment import expect_settings, start_clean
from harness.words.columns import TableForm
from harness.words.errors import (
    ExitCode,
    FailOn,
    HarnessError,
    UsageError,
    choice_error,
    failure_code,
)
from harness.words.specification import Grid

if TYPE_CHECKING:
    from harness.exchange.sharing import Shared
    from harness.run.cluster import Cluster
    from harness.words.canonical import Json
    from harness.words.plan import Plan
    from harness.words.study import Profile

Command = TypeVar("Command", bound=Callable[..., object])


app = typer.Typer(
    name="harness",
    help="Re-runs a paper from public models, and says of each of its claims whether the replication agrees. "
    "The main job is 'harness reproduce'; docs/exit-codes.md lists what every command ends with.",
    epilog="Example: harness reproduce --profile fixture",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
import_app = typer.Typer(
    help="Turn others' files into one for an audit.",
    epilog="Example: harness import lm-eval --help",
    no_args_is_help=True,
)
store_app = typer.Typer(
    help="List, verify, clean and share the store.",
    epilog="Example: harness store verify",
    no_args_is_help=True,
)


def command(example: str, *, name: str | None = None, of: typer.Typer = app) -> Callable[[Command], Command]:
    """Registers a command: lists show its first sentence whole, and its help ends with an example."""

    def register(function: Command) -> Command:
        first = (inspect.getdoc(function) or "").partition("\n\n")[0]
        return of.command(name, short_help=" ".join(first.split()), epilog=f"Example: {example}")(function)

    return register


StudyName = Annotated[
    str, typer.Option("--study", envvar="HARNESS_STUDY", help="Folder of claims/ that says what is re-run.")
]
ProfileName = Annotated[
    str, typer.Option("--profile", envvar="HARNESS_PROFILE", help="World that the study is fed from.")
]
SizesPath = Annotated[
    Path | None,
    typer.Option("--sizes", help="Fewer of everything, from a file that 'harness plan --within' wrote."),
]
GridName = Annotated[
    Grid | None,
    typer.Option(
        "--grid",
        help="Specifications beside the primary one; none moves a verdict. By default the registered ones; any other is exploratory.",
    ),
]
StorePath = Annotated[Path, typer.Option("--store", envvar="HARNESS_STORE", help="Folder of all artifacts.")]
ReportsPath = Annotated[Path, typer.Option("--reports", envvar="HARNESS_REPORTS", help="Folder of all runs.")]
OutPath = Annotated[
    Path | None, typer.Option("--out", help="Folder of this report; by default one of --reports.")
]
Device = Annotated[
    str, typer.Option("--device", help="cpu, cuda, or auto: cuda where it can be used, or has to be.")
]
Executor = Annotated[
    str | None,
    typer.Option("--executor", help="Send stages to a cluster: slurm, or another executor of Snakemake."),
]
ClusterProfile = Annotated[
    Path | None,
    typer.Option(
        "--cluster-profile", help="Folder of a Snakemake profile: partition, account, what jobs ask for."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Claims = Annotated[
    list[str] | None,
    typer.Option("--claim", help="Report this claim alone; may be said again. All by default."),
]
ReportedRun = Annotated[Path, typer.Argument(help="Folder of a run that has a report.")]
FailsOn = Annotated[FailOn, typer.Option("--fail-on", help="What ends with another code than 0.")]

STUDY, PROFILE = "sin2025", "fixture"
STORE, REPORTS = Path(".store"), Path("reports")
DEVICES = ("auto", "cpu", "cuda")


@command("harness reproduce --profile fixture --store .store")
def reproduce(
    *,
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    sizes: SizesPath = None,
    grid: GridName = None,
    out: OutPath = None,
    reports: ReportsPath = REPORTS,
    store: StorePath = STORE,
    device: Device = "auto",
    cores: Annotated[int | None, typer.Option(min=1, help="Processor cores; by default all.")] = None,
    gpus: Annotated[
        int | None, typer.Option(min=1, help="Accelerators to use at once; by default all that are there.")
    ] = None,
    executor: Executor = None,
    cluster_profile: ClusterProfile = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Jobs in the cluster's queue at once.")] = None,
    judge_here: Annotated[
        bool,
        typer.Option("--judge-here", help="Judge on this machine, and not in a last job of the cluster."),
    ] = False,
    stage_command: Annotated[
        str | None,
        typer.Option(help="Command that stands for 'harness' in jobs, such as one that enters a container."),
    ] = None,
    claim: Claims = None,
    fail_on: FailsOn = FailOn.UNRESOLVED,
) -> int:
    """The main job: run or resume the whole replication, judge the claims, and write the report."""
    from harness.plugin import require_checks, tell_in_pytest
    from harness.run.reproduce import Request
    from harness.run.reproduce import reproduce as run
    from harness.run.verdicts import Asked
    from harness.store.provenance import available_cores

    require_checks()
    cluster = _cluster(executor, cluster_profile, jobs, gpus, judge_here=judge_here)
    request = Request(
        study=study,
        profile=profile,
        sizes=sizes,
        grid=grid,
        device=_device(device, study, profile, on_cluster=cluster is not None),
        store=store,
        reports=reports,
        out=out,
        cores=cores or available_cores(),
        gpus=gpus,
        cluster=cluster,
        **({"command": tuple(shlex.split(stage_command))} if stage_command else {}),
        asked=Asked(claims=tuple(claim or ()), fail_on=fail_on),
    )
    return run(request, typer.echo, live=sys.stdout.isatty(), tell=tell_in_pytest)


@command("harness plan --profile paper --within 2h --tflops 400 --out sizes.json")
def plan(
    *,
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    sizes: SizesPath = None,
    grid: GridName = None,
    within: Annotated[
        str | None,
        typer.Option(help="Find the sizes that leave the most claims decidable in this time, such as 2h."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for these sizes, for --sizes of 'harness reproduce'.")
    ] = None,
    store: StorePath = STORE,
    device: Device = "auto",
    tflops: Annotated[
        float, typer.Option(min=0.001, help="Useful TFLOP/s of the language model on that machine.")
    ] = 150.0,
    float32_tflops: Annotated[
        float, typer.Option(min=0.001, help="The same in float32, in which SAEs encode.")
    ] = 20.0,
    translations: Annotated[float, typer.Option(min=0.001, help="Translations a second.")] = 150.0,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate", help="Simulate the run on so many jobs and accelerators, with preemptions."
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="With --simulate: jobs at once.")] = 8,
    gpus: Annotated[int, typer.Option(min=0, help="With --simulate: accelerators.")] = 1,
    preempted: Annotated[
        list[float] | None,
        typer.Option(min=0, help="With --simulate: how often an hour a job is preempted; may be said again."),
    ] = None,
    timed_by: Annotated[
        Path | None,
        typer.Option(
            help="With --simulate: finished run that says how long each stage takes, and a job in its queue."
        ),
    ] = None,
    queued: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="With --simulate: processes are jobs of a queue, each of which takes so many seconds from being sent to its start.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the stages, what of them is done, and which claims this size can decide."""
    from harness.designs.design import plan as draw
    from harness.run.forecast import Rates, fitting, seconds_of, write_sizes
    from harness.run.preview import Machines, preview
    from harness.store.store import Store

    if (preempted or timed_by or queued is not None) and not simulate:
        raise UsageError("--preempted, --queued and --timed-by are about a simulation; say --simulate too")
    if out and within is None:
        raise UsageError("--out takes the sizes that fit into a time; say --within too")
    drawn = _plan(study, profile, device, sizes, grid)
    fit = None
    rates = Rates(tflops=tflops, float32_tflops=float32_tflops, translations_per_second=translations)
    if within is not None:
        fit = fitting(drawn.study, drawn.profile, seconds_of(within), rates)
        drawn = draw(drawn.study, fit.profile, _device(device, study, profile))
        if out:
            write_sizes(out, drawn.study, fit, rates)
    machines = Machines(
        jobs=jobs, gpus=gpus, preempted=preempted or (), timed_by=timed_by, queued_seconds=queued
    )
    content, lines = preview(
        drawn,
        Store(store),
        rates,
        fit=fit,
        machines=machines if simulate else None,
        has_grid=grid is not None,
    )
    answer(content, lines, as_json=as_json)
    if out and not as_json:
        say("", f"written: harness reproduce --study {study} --profile {profile} --sizes {out}")


@command("harness doctor --profile paper")
def doctor(
    *,
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    store: StorePath = STORE,
    device: Device = "auto",
    executor: Executor = None,
    cluster_profile: ClusterProfile = None,
    as_json: AsJson = False,
) -> int:
    """Look at everything that a run needs, each with its cure."""
    from harness.run.cluster import SLURM
    from harness.run.doctor import Lines, examined, is_able, probed_store

    cluster = _cluster(executor, cluster_profile)
    device = _device(device, study, profile, on_cluster=cluster is not None)
    drawn = _plan(study, profile, device)
    needs = examined(drawn, device, store, cluster)
    pins = drawn.profile.sources.pins()
    seen = [probed_store(cluster, store, pins)] if cluster and cluster.executor == SLURM else []
    findings = told(chain(needs, seen), Lines().need, as_json=as_json)
    able = is_able(findings)
    if as_json:
        print_json({"study": study, "profile": profile, "device": device, "able": able, "findings": findings})
    else:
        place = "the cluster" if cluster else "this machine"
        ending = f"{place} can run it" if able else f"{place} cannot run it yet"
        typer.echo(f"{profile} world on {device}: {ending}")
    return 0 if able else ExitCode.NOTHING_JUDGED


@command("harness fetch --profile paper")
def fetch(*, study: StudyName = STUDY, profile: ProfileName = PROFILE, as_json: AsJson = False) -> int:
    """Bring everything that a profile takes from elsewhere to this machine; afterwards it runs without a network."""
    from harness.run.doctor import Lines, fetched

    found = told(fetched(_profile(study, profile).sources.remote_pins()), Lines().fetched, as_json=as_json)
    if as_json:
        print_json(found)
    elif not found:
        typer.echo(f"the {profile} world takes nothing from elsewhere")
    # What changed at its source weighs more than what cannot be reached now.
    return min((each.exit_code for each in found if each.exit_code), default=0)


@command("harness report reports/fixture-0123456789ab")
def report(
    run: ReportedRun,
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec", help="Write a page of this specification instead, exploratory, such as pooling=max."
        ),
    ] = None,
) -> int:
    """Render the report of an old run again: the same bytes."""
    from harness.report.writer import closing_lines, load_report, render_report

    if spec is not None:
        from harness.report.specification_page import write_specification

        typer.echo(f"exploratory: {write_specification(load_report(run), spec, run)}")
        return 0
    found = render_report(run)
    for line in closing_lines(found, run):
        typer.echo(line)
    return found.summary.exit_code


@command("harness compare reports/paper-0123456789ab reports/paper-ba9876543210")
def compare(
    *,
    before: Annotated[Path, typer.Argument(help="Folder of one run.")],
    after: Annotated[Path, typer.Argument(help="Folder of another run of the same study.")],
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    tolerance: Annotated[
        float,
        typer.Option(min=0, help="Share of a number, or of the whole it is a share of, that is rounding."),
    ] = 1e-4,
) -> int:
    """Show what differs between two runs: settings, verdicts, numbers; exit code 1 where a verdict moved beyond noise."""
    from harness.report.compare import as_markdown, as_text
    from harness.report.compare import compare as compared
    from harness.report.writer import load_report

    old, new = (load_report(run) for run in (before, after))
    found = compared(old, new, tolerance)
    lines = as_markdown(found) if markdown else as_text(found)
    answer(found, ((line, "") for line in lines), as_json=as_json)
    return int(found.is_beyond_noise)


@command("harness across reports/gemma-run reports/llama-run --out across")
def across(
    *,
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs of one kind of study on several models.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for page, Markdown and JSON.")],
) -> None:
    """Lay runs on several base models side by side by relative depth: a page, Markdown and JSON."""
    from harness.report.across import across as laid
    from harness.report.across import write_across
    from harness.report.writer import load_report

    reports = [load_report(run) for run in runs]
    for path in write_across(laid(reports), reports, out):
        typer.echo(str(path))


@command("harness claims --json")
def claims(*, study: StudyName = STUDY, as_json: AsJson = False) -> None:
    """List what the paper claims, atom by atom, with readings and units."""
    from harness.judge.explanation import list_of
    from harness.judge.validate import load_claims
    from harness.sources.studies import load_table
    from harness.words.claim import Source

    found = load_claims(study)
    form = {"study": study, "claims": found, "sources": load_table(study, Source)}
    answer(form, list_of(study, found), as_json=as_json)


@command("harness explain gap.l6.value; harness explain gap")
def explain(
    claim: Annotated[
        str,
        typer.Argument(
            help="A claim ('gap.l6.value'), one reading of it ('gap.l6.value/english'), a family ('gap'), a statement of the "
            "paper ('C01'), a conflict between sources ('K1'), or an estimate."
        ),
    ],
    *,
    study: StudyName = STUDY,
    as_json: AsJson = False,
) -> None:
    """Tell one claim: sources, conflicts, rule, margin with its reason, and how to run it again; or list a family."""
    from harness.judge.explanation import form_of, lines_of, look_up

    found = look_up(claim, study)
    answer(form_of(found), lines_of(found), as_json=as_json, prose=True)


@command("harness judge --printed 12.34 --margin 1 --estimate 12.1 --se 0.3 --df 199")
def judge(
    *,
    printed: Annotated[
        str,
        typer.Option(
            help="What is printed: '26.270' and '~91' (rounding is read off it), '10-12', '< .001', '+5,47', '1e-3'."
        ),
    ],
    margin: Annotated[
        float | None,
        typer.Option(help="How far the truth may lie from it and still agree; a limit ('<', '>') has none."),
    ] = None,
    estimate: Annotated[float, typer.Option(help="The number as measured.")],
    se: Annotated[float, typer.Option(help="Standard error of the measured number.")],
    df: Annotated[
        float | None, typer.Option(help="Its degrees of freedom; without them the error counts as known.")
    ] = None,
    half_width: Annotated[
        float | None, typer.Option(help="Rounding of the printed number; by default read off its digits.")
    ] = None,
    one_run_sd: Annotated[
        float | None,
        typer.Option(help="Standard error of one run of the paper's design; by default assumed like ours."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Training seeds behind the measured number.")] = 0,
    units: Annotated[int | None, typer.Option(help="Latents, questions or languages behind it.")] = None,
    min_units: Annotated[int, typer.Option(help="Fewer units than this earn no verdict.")] = 0,
    holm: Annotated[int, typer.Option(help="Claims judged together; multiplies the p of a deviation.")] = 1,
    null: Annotated[float, typer.Option(help='The value that means "no effect".')] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Judge one measured value against one printed number, range or limit."""
    from harness.byhand import Typed, form_of, judged_by_hand, lines_of

    typed = Typed(
        printed=printed,
        margin=margin,
        half_width=half_width,
        estimate=estimate,
        se=se,
        df=df,
        one_run_sd=one_run_sd,
        seeds=seeds,
        units=units,
        min_units=min_units,
        holm=holm,
        null=null,
    )
    verdict = judged_by_hand(typed)
    answer(form_of(typed, verdict), lines_of(typed, verdict), as_json=as_json)


@command("harness audit docs/audit-example.json; harness audit mine.csv --study sin2025 --by 'A. Lab'")
def audit(
    *,
    file: Annotated[
        Path, typer.Argument(help="Measurements in JSON or CSV; docs/audit.md says what they look like.")
    ],
    study: Annotated[
        str | None, typer.Option(help="Study that the file must be about; by default the one that it names.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="Who measured the numbers of a CSV file, and where to ask.")
    ] = "",
    on: Annotated[str, typer.Option("--on", help="The day on which they did, such as 2026-11-29.")] = "",
    out: OutPath = None,
    reports: ReportsPath = REPORTS,
    fail_on: FailsOn = FailOn.UNRESOLVED,
) -> int:
    """Judge measurements that were made elsewhere, and write the same report as a run."""
    from harness.run.audit import AuditRequest
    from harness.run.audit import audit as run

    request = AuditRequest(
        file=file,
        study=study,
        declared_by=by,
        declared_on=on,
        reports=reports,
        out=out,
        fail_on=fail_on,
    )
    return run(request, typer.echo)


@command("harness export reports/example --format parquet --out exported")
def export(
    *,
    run: ReportedRun,
    form: Annotated[TableForm | None, typer.Option("--format", help="How tables are written.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="New folder for the tables.")] = None,
    mlflow: Annotated[
        str,
        typer.Option("--mlflow", help="Log the run there: address of a tracking server or store of MLflow."),
    ] = "",
    wandb_offline: Annotated[
        Path | None,
        typer.Option(
            "--wandb-offline", help="Log the run to this folder, for 'wandb sync'; nothing is sent."
        ),
    ] = None,
    store: StorePath = STORE,
) -> None:
    """Write a run's numbers as tables for other tools, with what every column means, or log them to an experiment tracker."""
    if (form is None) != (out is None):
        raise UsageError("--format and --out go together: how tables are written, and where")
    if form is not None and out is not None:
        from harness.exchange.export import export as write

        found = write(run, form, out, store)
        for name in found.files:
            typer.echo(f"{found.out / name}")
        if found.why_no_units:
            say("without unit values: ", found.why_no_units)
    elif not mlflow and wandb_offline is None:
        raise UsageError("nothing to do: say --format with --out, --mlflow or --wandb-offline")
    if mlflow or wandb_offline is not None:
        from harness.exchange.trackers import to_mlflow, to_wandb, tracked

        told = tracked(run)
        if mlflow:
            typer.echo(f"logged to {mlflow} as run {to_mlflow(told, mlflow)}")
        if wandb_offline is not None:
            typer.echo(f"logged: wandb sync {to_wandb(told, wandb_offline)}")


@command("harness items reports/fixture-0123456789ab --claim bench.ml.arc.value")
def items(
    *,
    run: ReportedRun,
    claim: Annotated[str, typer.Option(help="Claim about a change of accuracy.")],
    texts: Annotated[
        bool, typer.Option("--texts", help="Show the questions themselves, where their licence allows it.")
    ] = False,
    store: StorePath = STORE,
    as_json: AsJson = False,
) -> None:
    """List the questions behind a claim whose answer training changed, with every option's likelihood before and after."""
    from harness.exchange.items import changes, lines_of

    found = changes(run, claim, _existing(store), with_texts=texts)
    answer(found, lines_of(found), as_json=as_json)


AdapterOfLogs = Annotated[
    str, typer.Option("--adapter", help="Code of the language that the adapter was trained for.")
]
ClusterBy = Annotated[
    list[str] | None,
    typer.Option(
        help="Benchmark whose questions vary together, and the field that says with which others: mmlu=subject."
    ),
]
By = Annotated[str, typer.Option("--by", help="Who measured, and where to ask.")]
On = Annotated[str, typer.Option("--on", help="The day on which they did, such as 2026-11-29.")]
Declared = Annotated[Path, typer.Option("--out", help="File for the declaration, for 'harness audit'.")]


@command(
    "harness import lm-eval --adapter ml --before samples_m_arc_ml.jsonl --after 1=tuned/samples_m_arc_ml.jsonl "
    "--by 'A. Lab' --out mine.json",
    name="lm-eval",
    of=import_app,
)
def import_lm_eval(
    *,
    adapter: AdapterOfLogs,
    before: Annotated[
        list[Path], typer.Option(help="Sample log of the untouched model; one a benchmark and language.")
    ],
    after: Annotated[
        list[str],
        typer.Option(
            help="Training seed and sample log of the tuned model, as SEED=FILE; one a seed and --before."
        ),
    ],
    cluster_by: ClusterBy = None,
    by: By,
    on: On = "",
    out: Declared,
    study: StudyName = STUDY,
) -> None:
    """Make a declaration of sample logs that lm-eval wrote before and after training, paired question by question."""
    from harness.exchange.answers import Logs, declaration_of_logs
    from harness.exchange.lm_eval import read_log
    from harness.judge.declaration import Head

    logs = Logs(adapter=adapter, before=before, after=_by_seed(after), cluster_by=_fields(cluster_by or []))
    head = Head(study=study, declared_by=by, declared_on=on)
    _write_declaration(out, declaration_of_logs(head, logs, read_log))


@command(
    "harness import inspect --adapter ml --before m_arc_ml.eval --after 1=tuned/m_arc_ml.eval --by 'A. Lab' --out mine.json",
    name="inspect",
    of=import_app,
)
def import_inspect(
    *,
    adapter: AdapterOfLogs,
    before: Annotated[
        list[Path],
        typer.Option(help="Log of the untouched model, .eval or .json; one a benchmark and language."),
    ],
    after: Annotated[
        list[str],
        typer.Option(help="Training seed and log of the tuned model, as SEED=FILE; one a seed and --before."),
    ],
    scorer: Annotated[str, typer.Option("--scorer", help="Score that counts, where a log has several.")] = "",
    cluster_by: ClusterBy = None,
    by: By,
    on: On = "",
    out: Declared,
    study: StudyName = STUDY,
) -> None:
    """Make a declaration of logs that Inspect wrote before and after training, paired by sample and epoch."""
    from harness.exchange.answers import Logs, declaration_of_logs
    from harness.exchange.inspect_logs import log_reader
    from harness.judge.declaration import Head

    logs = Logs(adapter=adapter, before=before, after=_by_seed(after), cluster_by=_fields(cluster_by or []))
    head = Head(study=study, declared_by=by, declared_on=on)
    _write_declaration(out, declaration_of_logs(head, logs, log_reader(scorer)))


@command(
    "harness import sae-activations values.parquet --by 'A. Lab' --out mine.json",
    name="sae-activations",
    of=import_app,
)
def import_sae_activations(
    *,
    file: Annotated[
        Path,
        typer.Argument(help="Parquet table of the untouched model: layer, latent, language, text, value."),
    ],
    adapter: Annotated[
        str, typer.Option(help="Code of the language that an adapter was trained for, for its gain.")
    ] = "",
    after: Annotated[
        list[str] | None,
        typer.Option(help="Training seed and the tuned model's table, as SEED=FILE; one a seed."),
    ] = None,
    by: By,
    on: On = "",
    out: Declared,
    study: StudyName = STUDY,
) -> None:
    """Make a declaration of activations of single phrases: gaps between languages, and gains through an adapter."""
    from harness.exchange.activations import Tables, declaration_of_tables
    from harness.judge.declaration import Head

    tables = _by_seed(after or [])
    if twice := [seed for seed, paths in tables.items() if len(paths) > 1]:
        raise UsageError(f"--after {twice[0]} is given twice; a seed has one table")
    head = Head(study=study, declared_by=by, declared_on=on)
    asked = Tables(before=file, adapter=adapter, after={seed: path for seed, (path,) in tables.items()})
    _write_declaration(out, declaration_of_tables(head, asked))


def _by_seed(after: list[str]) -> dict[int, list[Path]]:
    """Files by training seed, from SEED=FILE."""
    found: dict[int, list[Path]] = {}
    for each in after:
        seed, equals, file = each.partition("=")
        if not (equals and seed.isdecimal() and file):
            raise UsageError(f"--after {each}: expected SEED=FILE, such as 1=tuned/samples_m_arc_ml.jsonl")
        found.setdefault(int(seed), []).append(Path(file))
    return found


def _fields(cluster_by: list[str]) -> dict[str, str]:
    """Fields by benchmark, from BENCHMARK=FIELD."""
    found: dict[str, str] = {}
    for each in cluster_by:
        benchmark, equals, field = each.partition("=")
        if not (benchmark and equals and field) or benchmark in found:
            raise UsageError(
                f"--cluster-by {each}: expected BENCHMARK=FIELD once a benchmark, such as mmlu=subject"
            )
        found[benchmark] = field
    return found


def _write_declaration(out: Path, content: dict[str, "Json"]) -> None:
    """Write what an audit reads, and say how to judge it."""
    from harness.store.files import write_json

    write_json(out, content)
    measured = content["measurements"]
    assert isinstance(measured, list)
    for each in measured:
        assert isinstance(each, dict)
        say(f"{each['claim']:<28} ", f"{each['estimate_id']}")
    typer.echo(f"written: harness audit {out}")


@command('harness lock --check; harness lock --amend "the pilot had another spread"')
def lock(
    *,
    check: Annotated[bool, typer.Option("--check", help="Only look: exit 11 if it is broken.")] = False,
    amend: Annotated[str | None, typer.Option("--amend", help="Change it, for this reason.")] = None,
    study: StudyName = STUDY,
    reports: Annotated[
        Path, typer.Option("--reports", envvar="HARNESS_REPORTS", help="Folder of all runs, with the ledger.")
    ] = REPORTS,
) -> None:
    """Write or verify the pre-registration: claims, margins, specification, seeds; changes are amendments."""
    from harness.judge.ledger import LedgerFile
    from harness.judge.preregistration import amend_lock, lock_state, require_unbroken, write_lock
    from harness.sources.studies import lock_path
    from harness.words.judgement import LockStatus

    if check and amend is not None:
        raise UsageError("--check only looks, --amend changes; say one of them")
    run_locks = LedgerFile(folder=reports).locks_of(study)
    if amend is not None:
        amend_lock(study, amend, run_locks)
    state = lock_state(study, run_locks)
    if state.lock.status is LockStatus.ABSENT:
        if check:
            raise UsageError(f"there is no {lock_path(study)}; write it with 'harness lock --study {study}'")
        write_lock(study)
        state = lock_state(study, run_locks)
    require_unbroken(study, state)
    changes = len(state.lock.amendments)
    amended = f", amended {changes} {'time' if changes == 1 else 'times'}" if changes else ""
    typer.echo(f"{state.lock.status}: what is judged is what was registered{amended}")
    typer.echo(f"{lock_path(study)}, of {state.lock.date}, {state.lock.sha256}")
    for each in state.lock.amendments:
        late = " AFTER SEEING RESULTS" if each.after_results else ""
        say(f"{each.number}. ", f"{each.date}{late}: {each.because}")
        # Whoever amends wants to see what this amendment changes, and not all that earlier ones did.
        if not check and (amend is None or each.number == changes):
            typer.echo(textwrap.indent(each.diff, "     "))


@command("harness new-study bengali --like sin2025 --languages en,es,bn --layers 6,20", name="new-study")
def new_study(
    *,
    name: Annotated[str, typer.Argument(help="Of the study, and of its folder below claims/.")],
    like: Annotated[str, typer.Option("--like", help="Study whose questions it asks.")] = STUDY,
    languages: Annotated[
        str, typer.Option("--languages", help="Their codes, by commas; by default those of the other study.")
    ] = "",
    layers: Annotated[
        str, typer.Option("--layers", help="At which gaps are asked, by commas; by default where gains are.")
    ] = "",
) -> None:
    """Write a study that asks another one's questions in other languages: a folder below claims/ that already runs."""
    from harness.new_study import Wanted
    from harness.new_study import new_study as write

    wanted = Wanted(name=name, like=like, languages=_parts(languages), layers=_layers(layers))
    made = write(wanted)
    for path in made.files:
        typer.echo(str(path))
    for code in made.left_out:
        say(f"left out {code}: ", "no translator into it is known; claims/languages.py would name one")
    world = PROFILE if PROFILE in made.profiles else made.profiles[0]
    typer.echo(f"try it: harness reproduce --study {name} --profile {world}")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _layers(text: str) -> tuple[int, ...]:
    if strange := [part for part in _parts(text) if not part.isdecimal()]:
        raise UsageError(f"--layers {text}: {strange[0]!r} is no layer; expected numbers such as 6,20")
    return tuple(map(int, _parts(text)))


@command("harness authors --out reports/authors --json")
def authors(
    *,
    study: StudyName = STUDY,
    out: Annotated[Path, typer.Option(help="Folder for what is fetched and read.")] = REPORTS / "authors",
    samples: Annotated[
        bool, typer.Option("--samples", help="Fetch outcomes of single questions too: hundreds of MB a run.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Fetch and read the results that the paper's authors published, and say what a person could commit of them.

    Nothing of the study is changed by it.
    """
    from harness.authors import examine, lines_of
    from harness.sources.studies import load_table
    from harness.words.judgement import PublishedSet

    published = load_table(study, PublishedSet)
    if not published:
        raise UsageError(
            f"claims/{study}/ names no published results: claims/{study}/published.py would hold them"
        )
    found = examine(study, published, out, with_samples=samples)
    if as_json:
        typer.echo(found.path.read_text(encoding="utf-8"))
    else:
        for line in lines_of(found, out):
            say("", line)
    return 0 if any(each.runs for each in found.sets) else ExitCode.NOTHING_JUDGED


@command("harness spotcheck --profile paper --layer 0 --layer 20")
def spotcheck(
    *,
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    layer: Annotated[
        list[int] | None,
        typer.Option(
            help="Layer to look at; may be repeated. By default the first, the middle and the last."
        ),
    ] = None,
    latents: Annotated[int, typer.Option(min=1, max=100, help="Latents of each layer.")] = 2,
    as_json: AsJson = False,
) -> int:
    """Hold a few latents of the phrase export against the service that tells them one by one."""
    from dataclasses import asdict

    from harness.sources.spotcheck import line_of, spot_checks
    from harness.sources.studies import load_profile, load_study

    asked = load_study(study)
    checks = spot_checks(asked.shapes, load_profile(asked, profile), layer or (), latents)
    found = told(checks, line_of, as_json=as_json)
    if as_json:
        print_json([{**asdict(each), "agrees": each.agrees} for each in found])
    return 0 if all(each.agrees for each in found) else 1


@command("harness pace reports/rehearsal-0123456789ab")
def pace(
    run: Annotated[Path, typer.Argument(help="Folder of a run that has ended, a rehearsal say.")],
    *,
    profile: Annotated[str, typer.Option("--profile", help="World whose time is asked for.")] = "paper",
    price: Annotated[float, typer.Option(help="What an hour of the machine costs, in any currency.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Say how fast a run was, by what was counted in it, and how long another world would take on that machine."""
    from harness.run.pace import lines_of, pace_of

    found = pace_of(run, profile)
    answer(found, (("", line) for line in lines_of(found, price)), as_json=as_json)


@command("harness stage phrases --profile fixture --run reports/by-hand")
def stage(
    *,
    name: Annotated[str, typer.Argument(help="Stage, as 'harness plan' lists them.")],
    run: Annotated[Path, typer.Option("--run", help="Folder for the index, the events and the last error.")],
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    sizes: SizesPath = None,
    grid: GridName = None,
    store: StorePath = STORE,
    device: Device = "auto",
    part: Annotated[
        str | None,
        typer.Option(help="A share of the items, such as 2/4; the stage without it publishes all."),
    ] = None,
) -> None:
    """Make one stage by hand: files in, files out."""
    from harness.run.stageprocess import run_stage
    from harness.store.run_folder import RunFolder
    from harness.store.store import Store
    from harness.words.plan import Part

    device = _device(device, study, profile)
    drawn = _plan(study, profile, device, sizes, grid)
    names = tuple(entry.name for entry in drawn.stages)
    if name not in names:
        raise choice_error("stage", name, names, f"(stages of {study} in the {profile} world)")
    share = Part.read(part) if part else None
    run_stage(drawn, name, Store(store), RunFolder(root=run), share, device=device)


@command("harness verdicts --profile fixture --run reports/by-hand")
def verdicts(
    *,
    run: Annotated[Path, typer.Option("--run", help="Folder of the stages' indexes, and of the report.")],
    study: StudyName = STUDY,
    profile: ProfileName = PROFILE,
    sizes: SizesPath = None,
    grid: GridName = None,
    store: StorePath = STORE,
    reports: ReportsPath = REPORTS,
    device: Device = "auto",
    claim: Claims = None,
    fail_on: FailsOn = FailOn.UNRESOLVED,
) -> None:
    """Judge what every stage has made, and write the report by hand; makes nothing, and ends with 0 whatever the verdicts."""
    from harness.run.reproduce import Request, judge_what_stands
    from harness.run.verdicts import Asked

    request = Request(
        study=study,
        profile=profile,
        sizes=sizes,
        grid=grid,
        device=_device(device, study, profile),
        store=store,
        reports=reports,
        out=run,
        cores=1,
        asked=Asked(claims=tuple(claim or ()), fail_on=fail_on),
    )
    judge_what_stands(request, typer.echo)


app.add_typer(import_app, name="import")
app.add_typer(store_app, name="store")


@command("harness store list --json", name="list", of=store_app)
def list_artifacts(*, store: StorePath = STORE, as_json: AsJson = False) -> None:
    """List every artifact."""
    from harness.run.artifacts import record_lines, record_of
    from harness.store.store import Store

    records = [record_of(artifact) for artifact in Store(_existing(store)).list()]
    answer(records, ((line, "") for line in record_lines(records)), as_json=as_json)


@command("harness store verify --store .store", of=store_app)
def verify(store: StorePath = STORE) -> None:
    """Read every byte of every artifact."""
    from harness.run.artifacts import total_of
    from harness.store.store import Store

    kept = Store(_existing(store))
    if damaged := kept.verify():
        raise HarnessError("\n".join(map(str, damaged)))
    typer.echo(f"{total_of(list(kept.list()))}: each is what its manifest says")


@command("harness store probe 0123 --store .store", of=store_app)
def probe(
    name: Annotated[str, typer.Argument(help="What 'harness doctor --executor slurm' calls its probe.")],
    *,
    store: StorePath = STORE,
    download: Annotated[
        list[Path] | None, typer.Option(help="Folder of what is fetched, to look for; may be said again.")
    ] = None,
) -> None:
    """Say what this host sees of a lock that another one holds in the store; a job of 'harness doctor' does."""
    from harness.run.cluster import sight

    print_json(sight(store, name, download or ()))


@command("harness store clean --yes", of=store_app)
def clean(
    *,
    store: StorePath = STORE,
    reports: ReportsPath = REPORTS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only list.")] = False,
) -> None:
    """Remove what no run names, and what was never finished.

    A run is kept if it lies below --reports, or where the store remembers that it was made.
    """
    from harness.store.run_folder import named_keys
    from harness.store.store import Store

    kept = Store(_existing(store))
    named = named_keys(reports)
    if not kept.holds(named):
        raise UsageError(
            f"no run below {reports} names an artifact of {store}, so this is not the folder of its runs; name that with "
            "--reports"
        )
    folders = kept.clean(named.union(*map(named_keys, kept.noted_runs())), remove=yes)
    for folder in folders:
        typer.echo(str(folder))
    typer.echo(f"{len(folders)} {'removed' if yes else 'could be removed; say --yes to do it'}")


RunOfKeys = Annotated[Path | None, typer.Option("--run", help="Share what this run names, and nothing else.")]
StudyOfKeys = Annotated[
    str | None, typer.Option("--study", help="Share what the plan of this study names, and nothing else.")
]
ProfileOfKeys = Annotated[
    str | None, typer.Option("--profile", help="The same, of this profile of the study.")
]


@command("harness store push s3://BUCKET/FOLDER --run reports/fixture-0123456789ab", of=store_app)
def push(
    *,
    url: Annotated[
        str,
        typer.Argument(
            help="Where to: a folder, file://, s3://, hf://datasets/ or any other address of fsspec."
        ),
    ],
    store: StorePath = STORE,
    run: RunOfKeys = None,
    study: StudyOfKeys = None,
    profile: ProfileOfKeys = None,
    device: Device = "auto",
    with_texts: Annotated[
        bool,
        typer.Option(
            "--with-texts",
            help="Send texts whose licence forbids passing them on as well: to a place that nobody else reads.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Share finished artifacts at a place that others reach: all, or those of a run or a plan.

    What is there whole is not sent again, so that a killed push goes on where it was. Texts that may not be passed on stay here.
    """
    from harness.exchange.places import place_at
    from harness.exchange.sharing import push as pushed
    from harness.store.store import Store

    keys = _asked_keys(run, study, profile, device)
    found = pushed(Store(_existing(store)), place_at(url), keys, with_texts=with_texts)
    _tell_shared(found, as_json=as_json)


@command("harness store pull s3://BUCKET/FOLDER --study sin2025 --profile paper --device cuda", of=store_app)
def pull(
    *,
    url: Annotated[str, typer.Argument(help="Where from, as 'harness store push' was told.")],
    store: StorePath = STORE,
    run: RunOfKeys = None,
    study: StudyOfKeys = None,
    profile: ProfileOfKeys = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Take artifacts that somebody shared: all, or those of a run or a plan; each is verified before it stands.

    What is broken there is named, and nothing of it enters the store.
    """
    from harness.exchange.places import place_at
    from harness.exchange.sharing import pull as pulled
    from harness.store.files import require_writable
    from harness.store.store import Store

    keys = _asked_keys(run, study, profile, device)
    require_writable(store)
    _tell_shared(pulled(Store(store), place_at(url), keys), as_json=as_json)


def _asked_keys(
    run: Path | None, study: str | None, profile: str | None, device: str
) -> "frozenset[str] | None":
    """Names of the artifacts of a run, or of a plan; None where neither is asked for."""
    from harness.run.artifacts import Recipes
    from harness.sources.pins import known_revision
    from harness.store.run_folder import named_keys

    if run and (study or profile):
        raise UsageError("--run chooses what to share, and so do --study and --profile; say one of them")
    if run:
        if keys := named_keys(run):
            return keys
        raise UsageError(f"{run} names no artifact; name the folder of a run, one of reports/")
    if not (study or profile):
        return None
    drawn = _plan(study or STUDY, profile or PROFILE, device)
    recipes = Recipes(plan=drawn, revision=known_revision)
    return frozenset(map(recipes.key, drawn.items()))


def _tell_shared(found: "Iterable[Shared]", *, as_json: bool) -> None:
    """Tell what becomes of each artifact as it does, and then of all.

    Raises:
        HarnessError: If one was broken.
    """
    from harness.exchange.sharing import Fate, line_of, total_line

    kept = told(found, line_of, as_json=as_json)
    if as_json:
        print_json(kept)
    else:
        typer.echo(total_line(kept))
    if refused := [each.why for each in kept if each.fate is Fate.REFUSED]:
        raise HarnessError("\n".join(refused))


@app.callback(invoke_without_command=True)
def _before_any_command(
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
        raise typer.Exit(ExitCode.USAGE)
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
        collect_seldom()
    heed_signals()
    code = exit_code_of(sys.argv[1:] if words is None else words)
    if words is None:
        gc.freeze()  # what is left goes with the process: nobody looks for garbage in it first
    sys.exit(code)


def exit_code_of(words: list[str]) -> int:
    """Run a command; every way in which it can end is a number, and one clear error on stderr."""
    from harness.store.files import failure_message

    try:
        answered = app(args=words, prog_name="harness", standalone_mode=False)
        return answered if isinstance(answered, int) else code_of_answer()
    except typer.TyperException as error:
        message, code = error.format_message(), int(ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except StoppedError as stopped:
        return 128 + stopped.number
    except Exception as error:  # noqa: BLE001 - the one place where a crash becomes an exit code
        if "--debug" in words:
            traceback.print_exc()
        message, code = failure_message(error), int(failure_code(error))
    typer.echo(f"error: {message}", err=True)
    return code


def _plan(
    study: str, profile: str, device: str, sizes: Path | None = None, grid: Grid | None = None
) -> "Plan":
    from harness.designs.design import plan as draw
    from harness.sources.studies import load_profile, load_study
    from harness.words.study import gridded

    asked = gridded(load_study(study), grid)
    return draw(asked, load_profile(asked, profile, sizes), _device(device, study, profile))


def _profile(study: str, profile: str) -> "Profile":
    from harness.sources.studies import load_profile, load_study

    return load_profile(load_study(study), profile)


def _cluster(
    executor: str | None,
    profile: Path | None,
    jobs: int | None = None,
    gpus: int | None = None,
    *,
    judge_here: bool = False,
) -> "Cluster | None":
    """Where stages are sent; None where that is this machine, of which nothing of a cluster can be asked."""
    from harness.run.cluster import Cluster

    if executor:
        return Cluster(executor=executor, profile=profile, jobs=jobs, gpus=gpus, judge_here=judge_here)
    if profile or jobs or judge_here:
        raise UsageError(
            "--cluster-profile, --jobs and --judge-here are for a cluster; say --executor too, such as slurm"
        )
    return None


def _device(asked: str, study: str, profile: str, *, on_cluster: bool = False) -> str:
    from harness.run.doctor import device_for

    if asked not in DEVICES:
        raise choice_error("device", asked, DEVICES, "")
    return asked if asked != "auto" else device_for(_profile(study, profile), on_cluster=on_cluster)


def _existing(store: Path) -> Path:
    if not store.is_dir():
        raise UsageError(f"there is no store at {store}; name the folder of one with --store")
    return store
