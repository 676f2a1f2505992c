"""What a study claims, and what it has registered, on the command line: claims, explain, lock."""

import textwrap
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from harness.options import DEFAULT_STUDY, AsJson, StudyName, print_json

LABEL_WIDTH, LINE_WIDTH = 17, 110


def add_to(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command(epilog="Example: harness claims --json")(claims)
    app.command(epilog="Example: harness explain gap.l6.value")(explain)
    app.command(epilog='Example: harness lock --check; harness lock --amend "the pilot had another spread"')(
        lock
    )


def claims(*, study: StudyName = DEFAULT_STUDY, as_json: AsJson = False) -> None:
    """List everything that the paper claims, atom by atom."""
    from harness.judge.declared import load_claims
    from harness.words.canonical import plain

    found = load_claims(study)
    if as_json:
        print_json({"study": study, "claims": plain(found)})
        return
    width = max((len(claim.id) for claim in found), default=0)
    for claim in found:
        typer.echo(f"{claim.tier:<12} {claim.id:<{width}}  {claim.says}")
    tiers = Counter(claim.tier.value for claim in found)
    counts = ", ".join(f"{count} {tier}" for tier, count in tiers.items())
    typer.echo(
        f"{len(found)} claims of {study}{f': {counts}' if counts else ''}; 'harness explain ID' tells one"
    )


def explain(
    claim: Annotated[str, typer.Argument(help="Claim, as 'harness claims' lists them.")],
    *,
    study: StudyName = DEFAULT_STUDY,
    as_json: AsJson = False,
) -> None:
    """Tell one claim: sources, conflicts, rule, margin with its reason, and the command that runs it again."""
    from harness.judge.declared import claim_named, load_claims
    from harness.judge.explanation import explanation
    from harness.sources.studies import load_conflicts_of
    from harness.words.canonical import plain

    found = claim_named(load_claims(study), claim)
    conflicts = load_conflicts_of(study)
    if as_json:
        told = [each for each in conflicts if each.id in found.conflicts]
        print_json({"study": study, "claim": plain(found), "conflicts": plain(told)})
        return
    typer.echo(f"{found.id}\n{found.says}.\n")
    for label, text in explanation(found, conflicts, _judging(study)):
        typer.echo(_wrapped(label, text))


def _judging(study: str) -> str:
    """The command that judges a study: in the first of its worlds that takes anything from elsewhere, if one does."""
    from harness.fetching import remote_pins
    from harness.sources.studies import load_profiles, load_study

    profiles = load_profiles(load_study(study))
    judged = [name for name, profile in profiles.items() if remote_pins(profile)] or list(profiles)
    return f"harness reproduce --study {study} --profile {judged[0]}"


def lock(
    *,
    check: Annotated[bool, typer.Option("--check", help="Only look: exit 11 if it is broken.")] = False,
    amend: Annotated[str | None, typer.Option("--amend", help="Change it, for this reason.")] = None,
    study: StudyName = DEFAULT_STUDY,
    reports: Annotated[
        Path, typer.Option("--reports", envvar="HARNESS_REPORTS", help="Folder of all runs, with the ledger.")
    ] = Path("reports"),
) -> None:
    """Write or verify the pre-registration: claims, margins, specification, seeds; changes are amendments."""
    from harness.judge.ledger import LedgerFile
    from harness.judge.lock import amend_lock, lock_state, require_unbroken, write_lock
    from harness.sources.studies import lock_path
    from harness.words.errors import UsageError
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
    typer.echo(f"{state.lock.status}: {lock_path(study)}, of {state.lock.date}{amended}, {state.lock.sha256}")
    for each in state.lock.amendments:
        late = " AFTER SEEING RESULTS" if each.after_results else ""
        typer.echo(f"{each.number}. {each.date}{late}: {each.because}\n{textwrap.indent(each.diff, '     ')}")


def _wrapped(label: str, text: str) -> str:
    indent = " " * LABEL_WIDTH
    return textwrap.fill(
        text,
        LINE_WIDTH,
        initial_indent=f"{label:<{LABEL_WIDTH}}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
