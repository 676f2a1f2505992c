"""What the numbers rest on: sources by revision and licence, environment, and stored artifacts by digest."""

from harness.report.document import Report
from harness.report.elements import code, facts, folded, paragraph, plain_table, section
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import count, size
from harness.report.verdictwords import LOCKS_IN_FULL
from harness.report.wording import repeat_words


def provenance(report: Report) -> Markup:
    """What the numbers rest on, by digest, revision and licence."""
    return section(
        "provenance",
        "Provenance",
        _identity(report),
        tag("h3", "Sources"),
        _sources(report),
        tag("h3", "Environment"),
        _environment(report),
        tag("h3", "Stored artifacts"),
        _artifacts(report),
    )


def _identity(report: Report) -> Markup:
    run, lock = report.run, report.lock
    known: dict[str, Markup | str] = {
        "Mode": f"{report.mode}: nothing was loaded that shows more" if report.not_run else report.mode,
        "Study": code(run.study),
        "Profile": code(run.profile),
        "Run": code(run.id),
        "Specification" if lock.status == "absent" else "Lock": code(lock.sha256),
        "State of the lock": LOCKS_IN_FULL[lock.status],
        "Time and host": _time_and_host(report),
        "Run it again": code(repeat_words(report)),
    }
    return facts(list(known.items()))


def _time_and_host(report: Report) -> Markup | str:
    if report.mode == "audit":
        return "not recorded: nothing was run here"
    return joined(code("execution.json"), " beside this page, so that the page repeats byte for byte")


def _sources(report: Report) -> Markup:
    if not report.run.sources:
        return paragraph("No outside source is recorded.", class_="absent")
    rows = [(row.name, code(row.address), code(row.revision), row.licence) for row in report.run.sources]
    return plain_table(
        f"Outside things {'asked for' if report.not_run else 'used'}, with licence.",
        ("Name", "Address", "Revision", "Licence"),
        rows,
        num_labels=4,
    )


def _environment(report: Report) -> Markup:
    rows = [(name, code(value)) for name, value in sorted(report.run.environment.items())]
    if not rows:
        return paragraph("No environment is recorded.", class_="absent")
    return plain_table("Versions and settings.", ("Name", "Value"), rows, num_labels=2)


def _artifacts(report: Report) -> Markup:
    artifacts = report.run.artifacts
    if not artifacts:
        return paragraph("No stored artifact is recorded.", class_="absent")
    rows = [(row.stage, row.item, code(row.digest), code(row.key), size(row.size_bytes)) for row in artifacts]
    headers = ("Stage", "Item", "Digest of its content", "Digest of what made it", "Size")
    table = plain_table("Artifacts that the numbers rest on.", headers, rows, num_labels=4)
    total = size(sum(row.size_bytes for row in artifacts))
    return folded(f"{count(len(artifacts), 'artifact')}, {total}", table)
