"""The short report `summary.md`: the head of the page and its tables, small enough for a step summary."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter

from harness.report.answer import differing, may_conclude, outcome, unfinished
from harness.report.document import Check, Report
from harness.report.languages import Languages
from harness.report.markup import escaped, printable
from harness.report.numbers import count, exact, short
from harness.report.panels import filled_panels
from harness.report.tabulation import Table, tabulate
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
    mode, code = mode_words(report), report["summary"]["exit_code"]
    return "\n".join(
        (
            f"### {mode.ribbon}",
            "",
            f"Replication report \u00b7 {_limited(report['paper']['id'])} \u00b7 {_limited(report['paper']['title'])}",
            "",
            f"**{outcome(report)}** Exit {code}: {exit_words(report)}.",
            "",
            f"- You may conclude: {may_conclude(report)}",
            f"- You may not conclude: {mode.may_not}",
            f"- {claims_words(report)}" if not report["claims"] else _verdict_counts(report),
            f"- Run `{_digest(report['run']['id'])}`, specification `{_digest(report['lock']['sha256'])}`.",
            "",
        )
    )


def _limited(text: str) -> str:
    return plain(text[:300])


def _digest(text: str) -> str:
    return re.sub(r"[^\w.-]", "", short(text))


def _verdict_counts(report: Report) -> str:
    counts = report["summary"]["counts"].items()
    return "- " + " \u00b7 ".join(f"{number} {verdict}" for verdict, number in sorted(counts) if number)


def _blocks(report: Report) -> Iterator[str]:
    """Tables, the most important first: what could not be run, or what differs, what was measured, what agrees."""
    if report["not_run"]:
        yield _block("Not run", _not_run_table(report), opened=True)
        return
    panels = filled_panels(report["measurements"], Languages(report["languages"]))
    differ, agree = differing(report), [check for check in report["self_checks"] if not check["differs"]]
    if differ:
        yield _block("Self-checks that differ", _check_table(differ), opened=True)
    for filled in panels:
        if filled.rows:
            opened = filled.panel.anchor in OPENED
            yield _block(filled.panel.heading, tabulate(filled, short=True), opened=opened)
    if agree:
        yield _block("Self-checks that agree", _check_table(agree))


def _not_run_table(report: Report) -> Table:
    return Table(
        caption="Stages that could not be finished.",
        headers=("Stage", "Reason", "What it said"),
        num_labels=3,
        rows=tuple(unfinished(report)),
    )


def _check_table(checks: Sequence[Check]) -> Table:
    rows = tuple(
        (
            check["id"],
            check["says"],
            exact(check["expected"]),
            exact(check["measured"]),
            exact(check["tolerance"]),
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
