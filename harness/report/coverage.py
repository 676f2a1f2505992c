"""What the phrases cover of each layer: stored rows read and dropped, by reason, and the latents that are left."""

from harness.report.document import Report
from harness.report.elements import folded, paragraph, section, table
from harness.report.markup import Markup
from harness.report.numbers import count
from harness.report.tabulation import Table

HEADING = "Coverage of the phrases"
LEAD = (
    "Phrases are cut from stored rows of the export. A row is dropped for the first thing that is wrong with it; rows below maximum "
    "and duplicates come after all others. Latents are listed in the export, seen where a row is left, eligible with enough distinct "
    "phrases, and drawn for this run."
)
COLUMNS = (
    ("Rows read", "rows_read"),
    ("Peak on BOS", "rows_peaked_on_bos"),
    ("Two documents", "rows_across_documents"),
    ("Unreadable", "rows_unreadable"),
    ("Peak on blank", "rows_peaked_on_blank"),
    ("Not English", "rows_not_english"),
    ("Below maximum", "rows_below_maximum"),
    ("Duplicate", "rows_duplicate"),
    ("Latents listed", "latents_listed"),
    ("Without rows", "latents_without_rows"),
    ("Seen", "latents_seen"),
    ("Eligible", "latents_eligible"),
    ("Drawn", "latents_drawn"),
)
"""Headings and fields, in the order in which selection goes."""


def coverage(report: Report) -> Markup:
    """The section of the page; only for a report that holds what was covered."""
    layers = report.coverage
    rows, drawn = (sum(getattr(layer, name) for layer in layers) for name in ("rows_read", "latents_drawn"))
    said = f"{count(len(layers), 'layer')}: {count(rows, 'row')} read, {count(drawn, 'latent')} drawn"
    lead = paragraph(LEAD, class_="lead")
    return section("coverage", HEADING, lead, folded(said, table(coverage_table(report))))


def coverage_table(report: Report) -> Table:
    """One row per layer."""
    return Table(
        caption="Stored rows and latents of each layer, as phrase selection counted them.",
        headers=("Layer", *(heading for heading, _ in COLUMNS)),
        num_labels=1,
        rows=tuple(
            (str(layer.layer), *(f"{getattr(layer, name):,}" for _, name in COLUMNS))
            for layer in report.coverage
        ),
    )
