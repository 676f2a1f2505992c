"""The baseline gate as a small table: our untouched model beside the authors' own, and the cells nobody can check."""

from collections.abc import Iterator, Sequence

from harness.report.document import Report
from harness.report.elements import paragraph, section, table
from harness.report.languages import Languages
from harness.report.markup import Markup
from harness.report.numbers import amount
from harness.report.tabulation import Table
from harness.report.verdictwords import BASELINES
from harness.words.judgement import BaselineCheck, BaselineOutcome

LEAD = (
    "Before a tuned score is read, our untouched model is held against the authors\u2019 own untouched runs on the same "
    "questions. Where it differs in the metric of the claims, every claim that rests on that cell is an ERROR. Where both stand at chance "
    "and single outcomes are not at hand, equal shares would show nothing; an unchecked cell is trusted without a witness."
)
HEADERS = ("Benchmark", "Language", "Metric", "Outcome", "Why", "Ours", "Theirs", "Questions")
NONE = "\u2013"


def baseline_gate(report: Report) -> Markup:
    """The section of the page; only for a report that holds the gate."""
    return section(
        "baselines", "Baseline gate", paragraph(LEAD, class_="lead"), table(baseline_table(report))
    )


def baseline_table(report: Report) -> Table:
    """Cells with a published number one by one, the others together; scores in percent of the questions."""
    languages = Languages(report.languages)
    entries = report.baselines
    checked = [each for each in entries if each.outcome != BaselineOutcome.UNCHECKED]
    return Table(
        caption="Right answers of the untouched model, in percent of the questions.",
        headers=HEADERS,
        num_labels=5,
        rows=(*(_row(each, languages) for each in checked), *_unchecked(entries)),
    )


def fails_gate(report: Report) -> bool:
    """Whether some cell differs."""
    return any(each.outcome == BaselineOutcome.DIFFERS for each in report.baselines)


def _row(entry: BaselineCheck, languages: Languages) -> tuple[str, ...]:
    return (
        entry.benchmark,
        languages.name(entry.language),
        entry.metric,
        BASELINES[entry.outcome],
        entry.says,
        _percent(entry.ours),
        _percent(entry.theirs),
        NONE if entry.items is None else f"{entry.items:,}",
    )


def _unchecked(entries: Sequence[BaselineCheck]) -> Iterator[tuple[str, ...]]:
    """One row for all cells of a benchmark that nothing was held against for the same reason."""
    together: dict[tuple[str, str], list[str]] = {}
    for each in entries:
        if each.outcome == BaselineOutcome.UNCHECKED:
            codes = together.setdefault((each.benchmark, each.says), [])
            codes += [each.language] if each.language not in codes else []
    for (benchmark, says), codes in together.items():
        yield benchmark, ", ".join(codes), NONE, BASELINES[BaselineOutcome.UNCHECKED], says, NONE, NONE, NONE


def _percent(value: float | None) -> str:
    return NONE if value is None else amount(value, "percent", signed=False)
