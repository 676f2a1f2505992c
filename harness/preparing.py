"""What has to be there before a run, on the command line: doctor, fetch, authors, and the pace of a rehearsal."""

from pathlib import Path
from typing import Annotated

import typer

from harness.options import (
    DEFAULT_PROFILE,
    DEFAULT_STORE,
    DEFAULT_STUDY,
    AsJson,
    ProfileName,
    StorePath,
    StudyName,
    print_json,
    require_device,
)
from harness.words.errors import NOTHING_JUDGED, USAGE

NEED_WIDTH = 46
MARKS = {"ok": "ok     ", "warn": "warn   ", "missing": "MISSING"}


def add_to(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command(epilog="Example: harness doctor --profile paper")(doctor)
    app.command(epilog="Example: harness fetch --profile paper")(fetch)
    app.command(epilog="Example: harness spotcheck --profile paper --layer 0 --layer 20")(spotcheck)
    app.command(epilog="Example: harness pace reports/rehearsal-0123456789ab")(pace)
    app.command(epilog="Example: harness authors --out reports/authors --json")(authors)


def doctor(
    *,
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    store: StorePath = DEFAULT_STORE,
    device: Annotated[
        str, typer.Option("--device", help="cpu, cuda, or auto: what the profile is made for.")
    ] = "auto",
    as_json: AsJson = False,
) -> int:
    """Look at everything that a run needs, each with its cure; exit 5 if something is missing."""
    from harness.designs.pipeline import plan
    from harness.doctor import examined, is_able, made_for
    from harness.sources.studies import load_profile, load_study
    from harness.words.canonical import plain

    require_device(device)
    asked = load_study(study)
    world = load_profile(asked, profile)
    device = made_for(world) if device == "auto" else device
    findings = []
    for finding in examined(plan(asked, world, device), device, store):
        findings.append(finding)
        if not as_json:
            cure = f"  ->  {finding.cure}" if finding.cure else ""
            typer.echo(f"{MARKS[finding.state]} {finding.need:<{NEED_WIDTH}} {finding.found}{cure}")
    able = is_able(findings)
    if as_json:
        content = {
            "study": study,
            "profile": profile,
            "device": device,
            "able": able,
            "findings": plain(findings),
        }
        print_json(content)
    else:
        ending = "this machine can run it" if able else "this machine cannot run it yet"
        typer.echo(f"{profile} world on {device}: {ending}")
    return 0 if able else NOTHING_JUDGED


def fetch(
    *,
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    as_json: AsJson = False,
) -> int:
    """Bring everything that a profile takes from elsewhere to this machine; afterwards it runs without a network."""
    from harness.fetching import fetched, remote_pins
    from harness.sources.studies import load_profile, load_study
    from harness.words.canonical import plain

    found = []
    for each in fetched(remote_pins(load_profile(load_study(study), profile))):
        found.append(each)
        if not as_json:
            said = f"revision {each.revision[:12]}" if each.revision else each.problem
            typer.echo(f"{MARKS['ok' if each.revision else 'missing']} {each.name:<{NEED_WIDTH}} {said}")
    if as_json:
        print_json(plain(found))
    elif not found:
        typer.echo(f"the {profile} world takes nothing from elsewhere")
    # What changed at its source weighs more than what cannot be reached now.
    return min((each.exit_code for each in found if each.exit_code), default=0)


def spotcheck(
    *,
    study: StudyName = DEFAULT_STUDY,
    profile: ProfileName = DEFAULT_PROFILE,
    layer: Annotated[
        list[int] | None,
        typer.Option(
            help="Layer to look at; may be repeated. By default the first, the middle and the last."
        ),
    ] = None,
    latents: Annotated[int, typer.Option(min=1, max=100, help="Latents of each layer.")] = 2,
    as_json: AsJson = False,
) -> int:
    """Hold a few latents of the phrase export against the service that tells them; exit 1 if one differs."""
    from dataclasses import asdict

    from harness.sources.studies import load_profile, load_study
    from harness.spotcheck import spot_checks

    found = []
    for each in spot_checks(load_profile(load_study(study), profile), layer or (), latents):
        found.append(each)
        if not as_json:
            typer.echo(
                f"{'agrees ' if each.agrees else 'DIFFERS'} layer {each.layer:>2} latent {each.latent:>5}: "
                f"{each.found_rows} of {each.told_rows} told rows are in the export, {each.equal_rows} with equal values; "
                f"maximum {each.told_maximum:g} told, {each.export_maximum:g} stored"
            )
    if as_json:
        rows = [{**asdict(each), "agrees": each.agrees} for each in found]
        print_json(rows)
    return 0 if all(each.agrees for each in found) else 1


def pace(
    run: Annotated[Path, typer.Argument(help="Folder of a run that has ended, a rehearsal say.")],
    *,
    profile: Annotated[str, typer.Option("--profile", help="World whose time is asked for.")] = "paper",
    store: StorePath = DEFAULT_STORE,
    price: Annotated[float, typer.Option(help="What an hour of the machine costs, in any currency.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Say how fast a run was, counted in what it stored, and how long another world would take on that machine."""
    from harness.pace import lines_of, pace_of
    from harness.words.canonical import plain

    found = pace_of(run, profile, store)
    if as_json:
        print_json(plain(found))
        return
    for line in lines_of(found, price):
        typer.echo(line)


def authors(
    *,
    study: StudyName = DEFAULT_STUDY,
    out: Annotated[Path, typer.Option(help="Folder for what is fetched and read.")] = Path("reports/authors"),
    samples: Annotated[
        bool, typer.Option("--samples", help="Fetch outcomes of single questions too: hundreds of MB a run.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Fetch and read the results that the paper's authors published, and say what a person could commit of them.

    Nothing of the study is changed by it.
    """
    from harness.amending import settled, settled_lines
    from harness.authors import closing_lines, read_published, write_published
    from harness.judge.declared import load_claims
    from harness.judge.settling import printed_changes
    from harness.sampled import sample_outcomes, sampled_lines
    from harness.sources.studies import load_protocol_of, load_published, load_study

    published = load_published(study)
    if not published:
        typer.echo(
            f"claims/{study}/ names no published results: claims/{study}/published.py would hold them",
            err=True,
        )
        return USAGE
    found, asked = read_published(published), load_study(study)
    printed = printed_changes(asked, load_claims(study))
    result = settled(asked, load_protocol_of(study).baselines, printed, found)
    sampled = sample_outcomes(found, result, out) if samples else ()
    path = write_published(found, {**vars(result), "outcomes": sampled}, out)
    if as_json:
        typer.echo(path.read_text(encoding="utf-8"))
    else:
        for line in (*closing_lines(found), *settled_lines(result), *sampled_lines(sampled, out)):
            typer.echo(line)
        typer.echo(f"written to {path}; a value becomes a target only by a committed amendment")
    return 0 if any(result.runs for result in found) else NOTHING_JUDGED
