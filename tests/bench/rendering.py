"""One process: the records of a run of fixture size become a report; prints what that took as one line of JSON.

`python -m tests.bench.rendering FOLDER` writes `report.json`, `report.html`, `summary.md` and `junit.xml` below the folder.
"""

import json
import sys
import time
from pathlib import Path

from harness.report.writer import write_report
from tests.bench.memory import peak_mb
from tests.report import judged, worlds

MEGABYTE = 1 << 20


def main(folder: Path) -> None:
    """Write the report of a fixture run whose judge judged the self-check study."""
    tables = worlds.store(folder, worlds.estimates(), worlds.checks(number=24))
    judgement = judged.fixture_judgement()
    before = time.process_time()
    write_report(worlds.facts(), *tables, folder / "report", judgement)
    spent = time.process_time() - before
    size = (folder / "report" / "report.html").stat().st_size
    # Straight to the stream: this line is what the process is for.
    sys.stdout.write(json.dumps({"cpu_s": spent, "peak_mb": peak_mb(), "page_mb": size / MEGABYTE}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
