"""The forest plot: every value claim on one axis, in margins, so that percent and points can be seen together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.claimwords import VALUE, margins_words
from harness.report.document import JudgedClaim
from harness.report.drawing import (
    FAINT,
    INK,
    MUTED,
    STATE_COLOURS,
    Frame,
    blank,
    house_style,
    inline,
    signed,
    stamp,
)
from harness.report.markup import Markup, printable
from harness.report.verdictwords import STATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 4.0
"""Margins to either side of the printed number that are drawn; what lies beyond is an arrow at the edge."""
ROW_INCHES = 0.42
ABSENT = "no measurement"


def value_claims(claims: Sequence[JudgedClaim]) -> list[JudgedClaim]:
    """The claims that have a row: printed numbers with a margin, primary ones first."""
    rows = [claim for claim in claims if claim.kind == VALUE and claim.targets and claim.rule.margin]
    return sorted(rows, key=lambda claim: claim.tier != "primary")


def forest(claims: Sequence[JudgedClaim], frame: Frame) -> Markup | None:
    """The drawing, or None where no value claim was measured."""
    rows = value_claims(claims)
    if not any(claim.measured for claim in rows):
        return None
    with house_style():
        figure = blank(1.2 + ROW_INCHES * len(rows))
        axes = figure.subplots()
        _ground(axes, len(rows))
        for place, claim in enumerate(rows):
            _row(axes, place, claim)
        _labels(axes, rows)
        stamp(figure, frame)
        return inline(figure, frame)


def description(claims: Sequence[JudgedClaim]) -> str:
    """What the drawing shows, for those who do not see it."""
    said = [
        f"{claim.id}: {margins_words(claim)} margins, {STATES[claim.verdict].word}"
        for claim in value_claims(claims)
        if claim.measured
    ]
    return "; ".join(said) + "."


def _ground(axes: "Axes", number: int) -> None:
    axes.axvspan(-1, 1, color=FAINT, alpha=0.55, linewidth=0)
    axes.axvline(0, color=MUTED, linewidth=0.9)
    axes.scatter(
        [0] * number,
        range(number),
        marker="D",
        s=26,
        facecolors="none",
        edgecolors=INK,
        linewidths=1.1,
        zorder=2,
    )
    axes.set_xlim(-REACH - 0.25, REACH + 0.25)
    axes.set_ylim(number - 0.4, -0.6)


def _row(axes: "Axes", place: int, claim: JudgedClaim) -> None:
    measured, margin = claim.measured, claim.rule.margin
    if measured is None or not margin:
        axes.text(0.3, place, ABSENT, va="center", color=MUTED, fontsize=9)
        return
    printed = claim.targets[0].value
    colour = STATE_COLOURS[claim.verdict]
    for interval, width in ((measured.ci95, 1.3), (measured.ci90, 4.2)):
        if interval:
            ends = [_shown((end - printed) / margin) for end in interval]
            axes.plot(ends, [place, place], color=colour, linewidth=width, solid_capstyle="butt", zorder=3)
    _point(axes, place, (measured.estimate - printed) / margin, claim.verdict)


def _point(axes: "Axes", place: int, at: float, state: str) -> None:
    """The estimate, or an arrow at the edge where it lies beyond."""
    beyond = {True: ">", False: "<"}[at > 0] if abs(at) > REACH else STATES[state].marker
    axes.scatter([_shown(at)], [place], marker=beyond, s=64, color=STATE_COLOURS[state], zorder=4)


def _shown(at: float) -> float:
    return min(REACH + 0.1, max(-REACH - 0.1, at))


def _labels(axes: "Axes", rows: Sequence[JudgedClaim]) -> None:
    axes.set_yticks(range(len(rows)), [printable(claim.id) for claim in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)
    axes.set_xlabel("Distance from the printed number, in margins")
    axes.xaxis.set_major_formatter(signed)
    side = axes.secondary_yaxis("right")
    words = (STATES[claim.verdict] for claim in rows)
    side.set_yticks(range(len(rows)), [f"{each.glyph} {each.word}" for each in words])
    side.tick_params(length=0)
    side.spines.right.set_visible(False)
    for label, claim in zip(side.get_yticklabels(), rows, strict=True):
        label.set_color(STATE_COLOURS[claim.verdict])
        label.set_fontweight("bold")
