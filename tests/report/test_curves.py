"""Grades and specification curves: what the main table, cards, summary and drawings say of other specifications."""

from dataclasses import replace

import pytest

from harness.report import figures
from harness.report.document import JudgedClaim, Report, as_json, from_json
from harness.report.figures import blank, curve_of
from harness.report.render import _curve_claims, render_page, render_summary
from harness.report.tables import specifications_table
from harness.report.wording import grade_word, match_words, multiverse_words
from harness.words.judgement import Explored, Grade, Move, VariedAxis
from harness.words.specification import Openness
from tests.report.test_judged_page import text_of


def claim_of(report: Report, claim_id: str) -> JudgedClaim:
    return next(claim for claim in report.claims if claim.id == claim_id)


def test_the_grade_is_a_column_of_the_main_table_and_a_line_of_the_card(
    stored_full: Report, full_page: str
) -> None:
    table = full_page[full_page.index('<table class="claims verdicts">') :]
    assert '<th scope="col" class="t">Grade</th>' in table[: table.index("</thead>")]
    card = text_of(
        full_page[full_page.index('<details id="claim-gap.l6.value"') :].partition("</details>")[0]
    )
    assert "Under other specifications MIXED: some choice" in card
    assert "It flips under group=with-english." in card
    assert [grade_word(claim_of(stored_full, name)) for name in ("gap.l6.value", "gain.ml.value")] == [
        "mixed",
        "not assessed",
    ]
    assert {claim.grade for claim in stored_full.arithmetic_claims} == {None}


def test_the_grade_stands_in_the_summary(stored_full: Report) -> None:
    verdicts = render_summary(stored_full).partition("<summary>Verdicts</summary>")[2]
    header = next(line for line in verdicts.splitlines() if line.startswith("|"))
    assert header == "|  | Claim | Verdict | Grade | Printed | Measured, 90 % | Margins |"
    assert "| mixed |" in verdicts


def test_a_report_without_other_specifications_has_no_grades(stored_full: Report) -> None:
    bare = replace(stored_full, claims=tuple(replace(claim, multiverse=None) for claim in stored_full.claims))
    assert "Grade" not in render_summary(bare)
    page = render_page(bare)
    assert ">Grade</th>" not in page
    assert "Specification curve not drawn: this run computed no other specification" in page


def test_what_is_said_of_a_multiverse(stored_full: Report) -> None:
    """216 of which 2 x 9 x 2 are holes; of the 180 others the 90 with English flip, which weigh half."""
    claim = claim_of(stored_full, "gap.l6.value")
    said = multiverse_words(claim)
    assert "216 specifications, of which 36 could not be computed." in said
    assert "Of all combinations explored 50 % give this verdict, balanced and not pooled." in said
    assert "Deciding choice: group, 9" in said
    assert match_words(claim).startswith("Exploratory: ")
    assert match_words(claim).endswith(" of the time: no evidence.")


@pytest.mark.parametrize(
    ("claim_id", "is_ribbon", "shown", "holes"),
    [("gap.l6.value", True, 180, 36), ("gap.l25.value", False, 72, 0)],
)
def test_a_curve_is_sorted_and_keeps_its_holes(
    stored_full: Report,
    claim_id: str,
    is_ribbon: bool,  # noqa: FBT001
    shown: int,
    holes: int,
) -> None:
    found = claim_of(stored_full, claim_id).multiverse
    assert found is not None
    curve = curve_of(found)
    assert (curve.is_ribbon, len(curve.shown), len(curve.holes)) == (is_ribbon, shown, holes)
    estimates = [each.estimate for each in curve.shown]
    assert estimates == sorted(estimates, key=lambda value: value or 0.0)


def test_each_value_claim_has_its_curve_or_says_why_not(stored_full: Report, full_page: str) -> None:
    assert [claim.id for claim in _curve_claims(stored_full)][:3] == [
        "gap.l6.value",
        "gap.l25.value",
        "gain.ml.value",
    ]
    for name in ("gap.l6.value", "gap.l25.value"):
        assert full_page.count(f'aria-labelledby="curve-{name}-title') == 1
    assert "gain.ml.value: curve not drawn. NOT ASSESSED" in text_of(full_page)
    section = full_page[full_page.index("Specification curves") :]
    assert "Exploratory: the primary specification alone decides." in section


def test_the_data_table_shows_every_single_change_or_all(stored_full: Report) -> None:
    """Of 216 the primary one and 10 single changes; of three all."""
    many, few = (
        specifications_table(claim_of(stored_full, name)) for name in ("gap.l6.value", "gain.ml.value")
    )
    assert len(many.rows) == 11
    assert many.caption.endswith("The other 205 stand in report.json.")
    assert [row[0] for row in few.rows] == ["primary", "strength=0.9", "strength=strongest"]
    assert ("speaker=panel", "PASS") in {row[:2] for row in many.rows}


def test_the_document_holds_every_specification(stored_full: Report) -> None:
    content = as_json(stored_full)
    again = from_json(content, "it")
    found = claim_of(again, "gap.l6.value").multiverse
    assert found == claim_of(stored_full, "gap.l6.value").multiverse
    assert found is not None
    assert found.grade is Grade.MIXED
    assert len(found.specifications) == 216


def test_what_lies_beyond_the_registered_grid_is_told_as_exploratory(stored_full: Report) -> None:
    claim = claim_of(stored_full, "gap.l6.value")
    assert "beyond the registered grid" not in multiverse_words(claim)
    assert claim.multiverse is not None
    explored = Explored(
        same_verdict_share=0.5,
        flips=("beams=1",),
        changes_sign=True,
        moves=(Move(specification="beams=1", by=-31.5), Move(specification="cut=window", by=2.0)),
    )
    told = replace(claim, multiverse=replace(claim.multiverse, explored=explored))
    assert grade_word(told) == grade_word(claim)
    assert multiverse_words(told).removeprefix(multiverse_words(claim)) == (
        " Exploratory, beyond the registered grid, and part of no grade: 2 specifications. Of equally defensible ones 50 % give this "
        "verdict, balanced. It flips under beams=1. The sign changes with them. Farthest from the primary one: beams=1, \u221231.50\u202f%."
    )
    whole = replace(stored_full, claims=(told,))
    assert from_json(as_json(whole), "report.json").claims[0].multiverse == told.multiverse


def test_an_axis_beyond_the_registered_grid_has_no_share_of_the_variance(stored_full: Report) -> None:
    """Not even one of nothing: no main effect was taken of it."""
    found = claim_of(stored_full, "gap.l6.value").multiverse
    assert found is not None
    beams = VariedAxis(name="beams", says="beams", openness=Openness.EQUIVALENT, levels=("4", "1"))
    first = found.axes[0]
    rows = [(axis, level) for axis in (first, beams) for level in axis.levels]
    canvas = blank(4.0)
    axes = canvas.subplots()
    figures._draw_shares(axes, found, rows)
    (share,) = (each.share for each in found.deciding if each.axis == first.name)
    assert [text.get_text() for text in axes.texts] == [f"{100 * share:.0f} %"]
    assert len(axes.patches) == 1
