"""The short report `summary.md`: the head of the page and its tables, small enough for a step summary."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter

from harness.report.answer import (
    differing,
    differing_claims,
    is_evident,
    may_conclude,
    may_not_conclude,
    outcome,
    stopped_rows,
    unfinished,
    unusable_rows,
)
from harness.report.baselines import baseline_table, fails_gate
from harness.report.claimrows import claims_as_table, reasons_as_table
from harness.report.claimwords import arithmetic_claims, counts_words, measured_claims
from harness.report.coverage import HEADING, coverage_table
from harness.report.document import KnownNumber, Report
from harness.report.languages import Languages
from harness.report.markup import escaped, printable
from harness.report.numbers import count, exact, short
from harness.report.panels import filled_panels
from harness.report.remarks import remarks
from harness.report.tabulation import Table, tabulate
from harness.report.verdictwords import LOCKS_IN_FULL
from harness.report.wording import claims_words, exit_words, mode_words

MAX_BYTES = 64 * 1024
ROOM_FOR_NOTE = 200
"""Bytes kept free for the line that says what was left out."""
OPENED = frozenset({"gap", "gain", "retention", "delta"})
"""Panels whose tables are unfolded: what most readers come for."""
SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$])")
"""Signs that mean something to Markdown; none of them stands in what HTML escaping writes for &, < and >."""

BLANK = re.compile(r"\s+", re.ASCII)
"""Blanks that may become one; the narrow space between a number and its unit is none of them."""


def render_summary(report: Report) -> str:
    """The summary; where it would grow too large, tables give way first and the head never does."""
    kept, left_out = [_head(report)], 0
    room = MAX_BYTES - ROOM_FOR_NOTE - len(kept[0].encode())
    for block in _blocks(report):
        needed = len(block.encode()) + 1
        if needed > room:
            left_out += 1
            continue
        kept.append(block)
        room -= needed
    if left_out:
        kept.append(f"_{count(left_out, 'table')} left out here for size; see report.html._\n")
    return "\n".join(kept)


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    # Quotes stay as they are: they mean nothing outside a tag, and their escape would be escaped again.
    return SPECIAL.sub(r"\\\1", html.escape(printable(BLANK.sub(" ", text).strip()), quote=False))


def _head(report: Report) -> str:
    mode, code = mode_words(report), report.summary.exit_code
    return "\n".join(
        (
            f"### {mode.ribbon}",
            "",
            f"Replication report \u00b7 {_limited(report.paper.id)} \u00b7 {_limited(report.paper.title)}",
            "",
            *([f"**{counts_words(report)} \u00b7 exit {code}**", ""] if is_evident(report) else []),
            f"**{outcome(report)}** Exit {code}: {exit_words(report)}.",
            "",
            f"- You may conclude: {may_conclude(report)}",
            f"- You may not conclude: {may_not_conclude(report)}",
            *([] if is_evident(report) else [f"- {claims_words(report)}"]),
            _standing(report),
            "",
        )
    )


def _limited(text: str) -> str:
    return plain(text[:300])


def _digest(text: str) -> str:
    return re.sub(r"[^\w.-]", "", short(text))


def _standing(report: Report) -> str:
    """Which run this is, and under which lock."""
    run, lock = report.run, report.lock
    if lock.status == "absent":
        return f"- Run `{_digest(run.id)}`, specification `{_digest(lock.sha256)}`."
    place = f"run {run.ordinal} of {run.runs_under_lock} under lock `{_digest(lock.sha256)}`"
    return f"- Run `{_digest(run.id)}`, {place}, {LOCKS_IN_FULL[lock.status].partition(':')[0]}."


def _blocks(report: Report) -> Iterator[str]:
    """Tables, the most important first: what could not be run, or what differs, what was measured, what agrees."""
    if report.not_run:
        yield _block("Not run", _not_run_table(report), opened=True)
        return
    if report.stopped:
        yield _block("Not trained", _stopped_table(report), opened=True)
    if report.unusable:
        yield _block("Published models that were left out", _unusable_table(report), opened=True)
    yield from _verdict_blocks(report)
    if report.baselines:
        yield _block("Baseline gate", baseline_table(report), opened=fails_gate(report))
    differ, agree = differing(report), [check for check in report.self_checks if not check.differs]
    if differ:
        yield _block("Self-checks that differ", _check_table(differ), opened=True)
    yield from _self_check_blocks(report)
    yield from _panel_blocks(report)
    if report.coverage:
        yield _block(HEADING, coverage_table(report))
    if agree:
        yield _block("Self-checks that agree", _check_table(agree))


def _panel_blocks(report: Report) -> Iterator[str]:
    """What was measured, each panel with its remarks."""
    for filled in filled_panels(report.measurements, Languages(report.languages)):
        if filled.rows:
            opened = filled.panel.anchor in OPENED
            yield _block(filled.panel.heading, tabulate(filled, short=True), opened=opened)
        for sentence in remarks(report, filled.panel.anchor):
            yield plain(f"{filled.panel.heading}. {sentence}") + "\n"


def _verdict_blocks(report: Report) -> Iterator[str]:
    """The main table, why each verdict, and the paper's own arithmetic; nothing where no claim of the paper is judged."""
    if not is_evident(report):
        return
    claims, on_paper = measured_claims(report), arithmetic_claims(report)
    yield _block("Verdicts", claims_as_table(claims, "Every claim with its verdict."), opened=True)
    yield _block("Why each verdict", reasons_as_table(claims, "Why each verdict."))
    if on_paper:
        table = reasons_as_table(on_paper, "About the page, not about the replication.")
        yield _block("The paper\u2019s own arithmetic", table)


def _self_check_blocks(report: Report) -> Iterator[str]:
    study = report.self_check_study
    if study:
        caption = f"Claims of {study.study}: they check the judge, and say nothing about the paper."
        table = claims_as_table(study.claims, caption)
        yield _block("The judge at work: self-checks", table, opened=bool(differing_claims(report)))


def _not_run_table(report: Report) -> Table:
    return Table(
        caption="Stages that could not be finished.",
        headers=("Stage", "Reason", "What it said"),
        num_labels=3,
        rows=tuple(unfinished(report)),
    )


def _stopped_table(report: Report) -> Table:
    return Table(
        caption="Adapters that could not be trained.",
        headers=("Adapter", "Step", "What is no number", "Value"),
        num_labels=1,
        rows=tuple(stopped_rows(report)),
    )


def _unusable_table(report: Report) -> Table:
    return Table(
        caption="Published models that cannot be put onto the base model.",
        headers=("Language", "Model", "Why"),
        num_labels=3,
        rows=tuple(unusable_rows(report)),
    )


def _check_table(checks: Sequence[KnownNumber]) -> Table:
    rows = tuple(
        (
            check.id,
            check.says,
            exact(check.expected),
            exact(check.measured),
            exact(check.tolerance),
        )
        for check in checks
    )
    return Table(
        caption="Known numbers of the instrument, computed again.",
        headers=("Check", "What is known", "Expected", "Measured", "Tolerance"),
        num_labels=2,
        rows=rows,
    )


def _block(heading: str, table: Table, *, opened: bool = False) -> str:
    marks = [":--" if place < table.num_labels else "--:" for place in range(len(table.headers))]
    lines = [_line(map(plain, table.headers)), _line(marks)]
    for group, rows in groupby(zip_longest(table.groups, table.rows, fillvalue=""), key=itemgetter(0)):
        lines += [_line([f"**{group}**", *[""] * (len(marks) - 1)])] if group else []
        lines += [_line(map(plain, row)) for _, row in rows]
    body = "\n".join(lines)
    fold = "<details open>" if opened else "<details>"
    spanned = f" Columns: {table.spanner.lower()}." if table.spanner else ""
    return f"{fold}<summary>{escaped(heading)}</summary>\n\n{plain(table.caption)}{spanned}\n\n{body}\n\n</details>\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
