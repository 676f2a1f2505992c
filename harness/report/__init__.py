"""The report of a run: records in, files out; computes nothing."""

from harness.report.closing import closing_lines
from harness.report.writer import load_report, render_report, write_report

__all__ = ["closing_lines", "load_report", "render_report", "write_report"]
