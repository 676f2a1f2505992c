"""The judge on the command line: one value typed by hand, or a file of measurements made elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.options import DEFAULT_REPORTS, AsJson, ReportsPath, print_json
from harness.words.judgement import FailOn

if TYPE_CHECKING:
    from harness.words.canonical import Json

LABEL_WIDTH = 22
JUDGE_EXAMPLE = "Example: harness judge --printed 12.34 --margin 1 --estimate 12.1 --se 0.3 --df 199"
AUDIT_EXAMPLE = "Example: harness audit docs/audit-example.json --out reports/audit"


def add_to(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command(epilog=JUDGE_EXAMPLE)(judge)
    app.command(epilog=AUDIT_EXAMPLE)(audit)


def judge(
    *,
    printed: Annotated[
        str, typer.Option(help="The number as printed; trailing zeros and a leading ~ count.")
    ],
    margin: Annotated[float, typer.Option(help="How far the truth may lie from it and still agree.")],
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
    """Judge one measured value against one printed one; the exit code is 0 whatever the verdict."""
    from harness.judge.byhand import Typed, form_of, judged_by_hand

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
    form = form_of(typed, judged_by_hand(typed))
    if as_json:
        print_json(form)
        return
    typer.echo(f"{form['verdict']}. {form['says']}")
    for label, text in _lines(form):
        typer.echo(f"  {label:<{LABEL_WIDTH}}{text}")


def audit(
    *,
    file: Annotated[
        Path, typer.Argument(help="JSON file of measurements; docs/audit.md says what it holds.")
    ],
    study: Annotated[
        str | None, typer.Option(help="Study that the file must be about; by default the one that it names.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; by default one of --reports.")
    ] = None,
    reports: ReportsPath = DEFAULT_REPORTS,
    fail_on: Annotated[FailOn, typer.Option(help="What ends with another code than 0.")] = FailOn.UNRESOLVED,
) -> int:
    """Judge measurements that were made elsewhere, and write the same report as a run."""
    from harness.run.audit import AuditRequest
    from harness.run.audit import audit as run

    return run(AuditRequest(file=file, study=study, reports=reports, out=out, fail_on=fail_on), typer.echo)


def _lines(form: "dict[str, Json]") -> Iterator[tuple[str, str]]:
    """The table below the sentence."""
    for label, name in (
        ("why", "reason"),
        ("flags", "flags"),
        ("band of agreement", "band"),
        ("90 % interval", "ci90"),
        ("95 % interval", "ci95"),
        ("one run would land", "pi95"),
        ("p of agreement", "p_equiv"),
        ("p of deviation", "p_dev"),
        ("p after Holm", "p_dev_holm"),
        ("difference", "difference"),
        ("in margins", "margins"),
        ("measured / printed", "ratio"),
    ):
        yield label, _shown(form[name])


def _shown(value: "Json") -> str:
    if isinstance(value, list):
        return (
            " to ".join(map(_shown, value))
            if value and isinstance(value[0], float)
            else ", ".join(map(str, value)) or "none"
        )
    return f"{value:.6g}" if isinstance(value, int | float) else str(value or "none")
