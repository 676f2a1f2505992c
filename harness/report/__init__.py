"""The report of a run: records in, files out; computes nothing."""

from harness.report.writer import (
    REPORT_FILE,
    closing_lines,
    load_report,
    render_report,
    write_report,
    write_report_of,
)

__all__ = ["REPORT_FILE", "closing_lines", "load_report", "render_report", "write_report", "write_report_of"]
