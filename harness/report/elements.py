"""Parts that every section of the page is built from: tables that scroll by themselves, sections, folded parts."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from harness.report.markup import Markup, joined, tag
from harness.report.tabulation import Table

Content = Markup | str


def section(anchor: str, heading: str, *content: Content, class_: str = "") -> Markup:
    """A section of the page with its heading."""
    title = tag("h2", heading, id=f"{anchor}-heading")
    attributes = {"class_": class_} if class_ else {}
    return tag("section", title, *content, id=anchor, aria_labelledby=f"{anchor}-heading", **attributes)


def paragraph(*content: Content, class_: str = "") -> Markup:
    """A paragraph."""
    return tag("p", *content, class_=class_) if class_ else tag("p", *content)


def folded(summary: str, *content: Content) -> Markup:
    """Content that opens on demand, and always in print."""
    return tag("details", tag("summary", summary), *content)


def code(text: str) -> Markup:
    """A name, digest or address."""
    return tag("code", text)


def table(content: Table) -> Markup:
    """A table of measurements."""
    return plain_table(
        content.caption,
        content.headers,
        content.rows,
        num_labels=content.num_labels,
        spanner=content.spanner,
        groups=content.groups,
    )


def plain_table(
    caption: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Content]],
    *,
    num_labels: int,
    spanner: str = "",
    groups: Sequence[str] = (),
    class_: str = "",
) -> Markup:
    """A table in a container of its own that scrolls sideways where the page is too narrow.

    Args:
        caption: Says what the table holds.
        headers: One per column.
        rows: Cells; the first names its row.
        num_labels: Leading columns that hold text; the others hold numbers.
        spanner: Heading over all number columns, or nothing.
        groups: For each row, the heading it stands under; or nothing at all.
        class_: Name of the table in the style sheet.
    """
    head = [_spanner_row(num_labels, len(headers) - num_labels, spanner)] if spanner else []
    head.append(tag("tr", *(_header(text, place < num_labels) for place, text in enumerate(headers))))
    bodies = [
        _body(heading, [cells for _, cells in members], num_labels)
        for heading, members in groupby(zip(groups or [""] * len(rows), rows, strict=True), key=itemgetter(0))
    ]
    inner = joined(tag("caption", tag("span", caption)), tag("thead", *head), *bodies, between="\n")
    attributes = {"class_": class_} if class_ else {}
    return scrolling(tag("table", inner, **attributes), caption)


def scrolling(content: Markup, label: str) -> Markup:
    """A container that scrolls sideways by itself, with the keyboard too."""
    return tag("div", content, class_="scroll", role="group", tabindex="0", aria_label=label)


def figure(svg: Markup, label: str, caption: str) -> Markup:
    """A drawing with its caption."""
    return tag("figure", scrolling(svg, label), tag("figcaption", tag("strong", f"{label}. "), caption))


def facts(pairs: Sequence[tuple[str, Content]]) -> Markup:
    """Names and what they stand for, one line each."""
    lines = (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs)
    return tag("dl", *lines, class_="facts")


def _body(heading: str, rows: Sequence[Sequence[Content]], num_labels: int) -> Markup:
    """Rows that stand together, below their heading if they have one."""
    head = tag("th", heading, scope="rowgroup", colspan=str(len(rows[0])), class_="group")
    return tag("tbody", *([tag("tr", head)] if heading else []), *(_row(cells, num_labels) for cells in rows))


def _spanner_row(num_labels: int, num_numbers: int, spanner: str) -> Markup:
    blank = tag("td", colspan=str(num_labels))
    return tag("tr", blank, tag("th", spanner, scope="colgroup", colspan=str(num_numbers), class_="spanner"))


def _header(text: str, is_label: bool) -> Markup:  # noqa: FBT001 - private, one caller
    return tag("th", text, scope="col", class_="t") if is_label else tag("th", text, scope="col")


def _row(cells: Sequence[Content], num_labels: int) -> Markup:
    name, *rest = cells
    others = (
        tag("td", cell, class_="t") if place < num_labels else tag("td", cell)
        for place, cell in enumerate(rest, start=1)
    )
    return joined(Markup("\n"), tag("tr", tag("th", name, scope="row"), *others))
