"""The store on the command line: list, verify, clean."""

from pathlib import Path
from typing import Annotated

import typer

from harness.options import (
    DEFAULT_REPORTS,
    DEFAULT_STORE,
    AsJson,
    ReportsPath,
    StorePath,
    megabytes,
    print_json,
)
from harness.words.errors import HarnessError, UsageError


def add_to(app: typer.Typer) -> None:
    """Give the program the commands of this module, as one group."""
    group = typer.Typer(
        help="List, verify and clean the store.", epilog="Example: harness store verify", no_args_is_help=True
    )
    group.command("list", epilog="Example: harness store list --json")(list_artifacts)
    group.command("verify", epilog="Example: harness store verify --store .store")(verify)
    group.command("clean", epilog="Example: harness store clean --yes")(clean)
    app.add_typer(group, name="store")


def list_artifacts(*, store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List every artifact."""
    from harness.run.stageprocess import record_of
    from harness.store.store import Store
    from harness.words.canonical import plain

    records = [record_of(artifact) for artifact in Store(_existing(store)).list()]
    if as_json:
        print_json(plain(records))
        return
    for record in records:
        typer.echo(
            f"{record.stage:<18} {record.item:<16} {record.key[:12]} {megabytes(record.size_bytes):>9}"
        )
    typer.echo(f"{len(records)} artifacts, {megabytes(sum(record.size_bytes for record in records))}")


def verify(store: StorePath = DEFAULT_STORE) -> None:
    """Read every byte of every artifact; exit 3 if one is damaged."""
    from harness.store.store import Store

    shelf = Store(_existing(store))
    if damaged := shelf.verify():
        raise HarnessError("\n".join(map(str, damaged)))
    artifacts = list(shelf.list())
    total = megabytes(sum(artifact.size_bytes for artifact in artifacts))
    typer.echo(f"{len(artifacts)} artifacts, {total}: each is what its manifest says")


def clean(
    *,
    store: StorePath = DEFAULT_STORE,
    reports: ReportsPath = DEFAULT_REPORTS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only list.")] = False,
) -> None:
    """Remove what no run below --reports names, and what was never finished."""
    from harness.store.run_folder import named_keys
    from harness.store.store import Store

    keys = named_keys(reports)
    if not keys:
        raise UsageError(
            f"no run below {reports} names an artifact, so nothing would be kept; name it with --reports"
        )
    folders = Store(store).clean(keys, remove=yes)
    for folder in folders:
        typer.echo(str(folder))
    typer.echo(f"{len(folders)} {'removed' if yes else 'could be removed; say --yes to do it'}")


def _existing(store: Path) -> Path:
    if not store.is_dir():
        raise UsageError(f"there is no store at {store}; name the folder of one with --store")
    return store
