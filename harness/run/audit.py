"""Numbers measured elsewhere, judged like those of a run: file in, report out, whole or not at all."""

import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from harness.judge.audit_input import audit_input
from harness.judge.declaration import Declaration, Head, read_declaration
from harness.judge.declared_rows import read_rows
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import precisions
from harness.judge.preregistration import lock_state
from harness.judge.validate import load_claims
from harness.run.run_report import language_facts
from harness.sources.studies import load_protocol_of, load_study, load_table
from harness.store.files import disk_errors, publish_folder, require_folder
from harness.store.run_folder import REPORT_FILE, read_record
from harness.words.canonical import digest_of
from harness.words.claim import Source
from harness.words.errors import FailOn, UsageError
from harness.words.judgement import Judged, Judgement
from harness.words.runfacts import Declared, Paper, RunFacts, RunRecord, SourceRecord
from harness.words.study import Study
from harness.words.verdict import Why

if TYPE_CHECKING:
    from harness.report.document import Report

MODE = "audit"
PROFILE = "declared"
"""Stands where a run names the world that fed it."""

ROWS = ".csv"

COPY = "declared.json"
"""The file itself, kept beside the report that rests on it; of a table, the same numbers in JSON."""

LIBRARIES = ("numpy", "scipy")
"""What the judge computes with."""


@dataclass(frozen=True, kw_only=True)
class AuditRequest:
    """What somebody wants judged, and where the report goes."""

    file: Path
    study: str | None = None
    """Study that the file must be about; None takes the file's word, which a table does not have."""
    declared_by: str = ""
    """Who measured the numbers of a table; any other file says so itself."""
    declared_on: str = ""
    reports: Path
    out: Path | None = None
    """Folder of the report; by default one below `reports`, named by what the file holds."""
    fail_on: FailOn = FailOn.UNRESOLVED


def audit(request: AuditRequest, say: Callable[[str], None]) -> int:
    """Judge a file of measurements and write its report; gives the report's exit code.

    Args:
        request: What is asked.
        say: Prints one line.

    Raises:
        UsageError: If the file or the folder cannot be used; nothing is written then.
        StoreError: If the disk refuses; nothing is left behind.
    """
    from harness.report.writer import closing_lines, write_report_of

    declaration = _declaration(request)
    if request.study not in {None, declaration.study}:
        raise UsageError(
            f"{request.file} is about study {declaration.study!r}, but --study says {request.study!r}; leave --study out, or "
            "mend the file"
        )
    study, claims = load_study(declaration.study), load_claims(declaration.study)
    try:
        declared = audit_input(declaration, study, claims)
    except UsageError as error:
        raise UsageError(f"{request.file}: {error}") from error
    run_id = digest_of({"study": study.name, "declared": declaration.sha256})[:16]
    out = request.out or request.reports / f"{MODE}-{run_id[:12]}"
    _expect_replaceable(out)
    circumstances = Circumstances(
        why_missing=Why.NOT_DECLARED, remarks=declared.remarks, sole_readings=declared.sole_readings
    )
    verdicts = judge(declared.claims, declared.measurements, circumstances)
    judgement = Judgement(
        paper=Judged(study=study.name, claims=declared.claims, verdicts=verdicts),
        lock=lock_state(study.name).lock,
        fail_on=request.fail_on,
        choices=load_protocol_of(study.name).choices,
        precisions=precisions(declared.measurements),
        cited=load_table(study.name, Source),
    )
    facts = _facts(request, declaration, study, run_id)

    def write(folder: Path) -> "Report":
        report = write_report_of(facts, declared.estimates, declared.units, folder, judgement)
        (folder / COPY).write_text(declaration.text, encoding="utf-8", newline="")
        return report

    report = publish_folder(out, write, last=REPORT_FILE)
    for line in closing_lines(report, out):
        say(line)
    return report.summary.exit_code


def _declaration(request: AuditRequest) -> Declaration:
    if request.file.suffix.lower() != ROWS:
        if request.declared_by or request.declared_on:
            raise UsageError(
                f"{request.file} is read as JSON, which says itself who declares it, and when; --by and --on go with a table, in a file *{ROWS}"
            )
        return read_declaration(request.file)
    if not request.study or not request.declared_by:
        raise UsageError(
            f"{request.file} is a table, which does not say what it is about, nor whose numbers it holds; add --study, such as "
            "--study sin2025, and --by, such as --by 'A. Lab, lab@example.org'"
        )
    head = Head(study=request.study, declared_by=request.declared_by, declared_on=request.declared_on)
    return read_rows(request.file, head)


def _facts(request: AuditRequest, declaration: Declaration, study: Study, run_id: str) -> RunFacts:
    return RunFacts(
        paper=Paper(id=study.paper_id, title=study.title),
        mode=MODE,
        run=RunRecord(
            id=run_id,
            study=study.name,
            profile=PROFILE,
            environment={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            artifacts=(),
            sources=(
                SourceRecord(
                    name="declared measurements",
                    address=request.file.name,
                    revision=f"sha256:{declaration.sha256}",
                    licence="not stated",
                ),
            ),
        ),
        specification_digest=digest_of(study.primary),
        languages=language_facts(study),
        declared=Declared(by=declaration.declared_by, on=declaration.declared_on, sha256=declaration.sha256),
    )


def _expect_replaceable(out: Path) -> None:
    """Refuse a place that holds anything but nothing, or an earlier audit."""
    require_folder(out)
    with disk_errors(out):
        # A disk that was mounted there brings a folder of its own, a killed audit leaves a hidden one.
        held = out.exists() and any(not path.name.startswith((".", "lost+found")) for path in out.iterdir())
    if not held:
        return
    report = None
    with suppress(UsageError):
        report = read_record(out, REPORT_FILE)
    if not isinstance(report, dict) or report.get("mode") != MODE:
        raise UsageError(
            f"{out} holds something else than an earlier audit, and would be replaced; name another folder with --out"
        )
