"""A run as an RO-Crate: its report and tables, what they were made from and by which software, in the Process Run Crate profile."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.document import Report

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
"""Profile of a crate that says which action made which files. Source: Workflow Run RO-Crate, profile Process Run Crate 0.5."""

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".xml": "application/xml",
}

COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"

ARXIV = "arXiv "
"""How the id of a paper begins that stands there."""

LICENCE = "https://spdx.org/licenses/Apache-2.0"
"""Of what the project makes; that of its sources stands beside each."""


def write_crate(folder: Path, report: Report, attempts: Sequence[Mapping[str, Any]]) -> None:
    """Describe the files of a folder, which are the results of a run.

    Args:
        folder: Holds the files; the metadata file is put beside them.
        report: Of the run.
        attempts: The run's own, from the record of clock and host; the last one made the report. None of an audit.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name = f"{report.paper.id}, replicated: run {report.run.id}"
    crate.license = {"@id": LICENCE}
    crate.description = f"Estimates, verdicts and report of a {report.mode} run of study {report.run.study} under profile {report.run.profile}."
    # When the report was written, and not when the crate was: the same run gives the same crate.
    if attempts:
        crate.datePublished = datetime.fromisoformat(attempts[-1]["ended"])
    crate.root_dataset["conformsTo"] = {"@id": PROCESS_RUN}
    _add(crate, PROCESS_RUN, {"name": "Process Run Crate", "version": "0.5"})
    _add(crate, LICENCE, {"name": "Apache License 2.0", "description": "Licence of the results."})
    results = [
        crate.add_file(
            path,
            properties={
                "name": path.name,
                "encodingFormat": MEDIA_TYPES[path.suffix],
                "contentSize": str(path.stat().st_size),
            },
        )
        for path in sorted(folder.iterdir())
    ]
    _add_attempts(crate, report, attempts, results)
    crate.write(folder)


def _add(crate: "ROCrate", identifier: str, properties: Mapping[str, str]) -> "ContextEntity":
    """Something that the crate names, and does not hold."""
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": "CreativeWork", **properties}))


def _add_attempts(
    crate: "ROCrate", report: Report, attempts: Sequence[Mapping[str, Any]], results: Sequence[object]
) -> None:
    """Every attempt as an action by the software, on the pinned sources; the last one made the results."""
    from rocrate.model.softwareapplication import SoftwareApplication

    about = metadata("replication-harness")
    properties = {
        "name": about["Name"],
        "description": about["Summary"],
        "softwareVersion": about["Version"],
    }
    # A question of our own has no page.
    if report.paper.id.startswith(ARXIV):
        properties["url"] = "https://arxiv.org/abs/" + report.paper.id.removeprefix(ARXIV)
    software = crate.add(SoftwareApplication(crate, "#harness", properties=properties))
    sources = [
        _add(
            crate,
            f"#source-{number}",
            {
                "name": source.name,
                "identifier": source.address,
                "version": source.revision,
                "license": source.licence,
            },
        )
        for number, source in enumerate(report.run.sources, start=1)
    ]
    for number, attempt in enumerate(attempts, start=1):
        machine = attempt["machine"]
        action = crate.add_action(
            software,
            identifier=f"#attempt-{number}",
            object=sources,
            result=results if number == len(attempts) else [],
            properties={
                "name": f"attempt {number} of run {report.run.id}",
                "description": f"On {machine['processor']}, {machine['cores']} cores, accelerator: {machine['accelerator'] or 'none'}.",
                "startTime": attempt["started"],
                "endTime": attempt["ended"],
                "actionStatus": COMPLETED if attempt["outcome"] == "finished" else FAILED,
            },
        )
        crate.root_dataset.append_to("mentions", action, compact=True)
