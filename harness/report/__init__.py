"""The report of a run: records in, files out; computes nothing."""

from harness.report.writer import (
    closing_lines,
    load_report,
    render_report,
    write_report,
    write_report_of,
)

__all__ = ["closing_lines", "load_report", "render_report", "write_report", "write_report_of"]
