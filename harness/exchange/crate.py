"""A run as an RO-Crate: its report and tables, what they were made from and by which software, in the Process Run Crate profile."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import metadata
from itertools import count
from pathlib import Path
from typing import Any

from harness.report.document import Report

PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
"""Profile of a crate that says which action made which files. Source: Workflow Run RO-Crate, profile Process Run Crate 0.5."""

METADATA = "ro-crate-metadata.json"

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".xml": "application/xml",
}

COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"


LICENCE = "https://spdx.org/licenses/Apache-2.0"
"""Of what the project makes; that of its sources stands beside each."""


def write_crate(folder: Path, report: Report, attempts: Sequence[Mapping[str, Any]]) -> None:
    """Describe the files of a folder, which are the results of a run.

    Args:
        folder: Holds the files; the metadata file is put beside them.
        report: Of the run.
        attempts: The run's own, from the record of clock and host; the last one made the report. None of an audit.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.model.softwareapplication import SoftwareApplication
    from rocrate.rocrate import ROCrate

    about = metadata("replication-harness")
    crate = ROCrate(version="1.1")
    name = f"{report.paper.id}, replicated: run {report.run.id}"
    crate.name, crate.license = name, {"@id": LICENCE}
    # When the report was written, and not when the crate was: the same run gives the same crate.
    if attempts:
        crate.datePublished = datetime.fromisoformat(attempts[-1]["ended"])
    crate.description = f"Estimates, verdicts and report of a {report.mode} run of study {report.run.study} under profile {report.run.profile}."
    crate.root_dataset["conformsTo"] = {"@id": PROCESS_RUN}
    crate.add(
        ContextEntity(
            crate,
            PROCESS_RUN,
            properties={"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        )
    )
    crate.add(
        ContextEntity(
            crate,
            LICENCE,
            properties={
                "@type": "CreativeWork",
                "name": "Apache License 2.0",
                "description": "Licence of the results.",
            },
        )
    )
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
    software = crate.add(
        SoftwareApplication(
            crate,
            "#harness",
            properties={
                "name": about["Name"],
                "description": about["Summary"],
                "softwareVersion": about["Version"],
                "url": "https://arxiv.org/abs/" + report.paper.id.removeprefix("arXiv "),
            },
        )
    )
    sources = [
        crate.add(
            ContextEntity(
                crate,
                f"#source-{number}",
                properties={
                    "@type": "CreativeWork",
                    "name": source.name,
                    "identifier": source.address,
                    "version": source.revision,
                    "license": source.licence,
                },
            )
        )
        for number, source in zip(count(1), report.run.sources, strict=False)
    ]
    for number, attempt in enumerate(attempts, start=1):
        is_last = number == len(attempts)
        machine = attempt["machine"]
        action = crate.add_action(
            software,
            identifier=f"#attempt-{number}",
            object=sources,
            result=results if is_last else [],
            properties={
                "name": f"attempt {number} of run {report.run.id}",
                "description": f"On {machine['processor']}, {machine['cores']} cores, accelerator: {machine['accelerator'] or 'none'}.",
                "startTime": attempt["started"],
                "endTime": attempt["ended"],
                "actionStatus": COMPLETED if attempt["outcome"] == "finished" else FAILED,
            },
        )
        crate.root_dataset.append_to("mentions", action)
    crate.write(folder)
