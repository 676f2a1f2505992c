"""What stands under each drawing, what stands in its place where it cannot be drawn, and its numbers as a table."""

from collections.abc import Iterator, Sequence

from harness.report.document import JudgedClaim, Measurement, Point, Report
from harness.report.figures import Mark
from harness.report.languages import Languages
from harness.report.numbers import amount, unit_words
from harness.report.panels import Figure, Filled, first_series
from harness.report.tabulation import Table
from harness.report.wording import scope_words

TITLES = {
    Figure.GAP_BY_LAYER: "Gap by layer",
    Figure.GAP_BY_LANGUAGE: "Gap by language and layer",
    Figure.SLOPES: "Before and after alignment",
    Figure.ENGLISH_SLOPES: "English before and after each adapter",
    Figure.GAIN_SEEDS: "Gain, seed by seed",
    Figure.DELTA_SEEDS: "Change of accuracy, seed by seed",
    Figure.GAP_AND_ACCURACY: "Gap against accuracy",
}

AGREES = "PASS"
NO_LAYERS = "Figure not drawn: this run holds no finite number by layer for it."
NO_SEEDS = "figure not drawn, since this report holds no numbers of single seeds."
NOT_DRAWN = {
    Figure.GAP_BY_LAYER: NO_LAYERS,
    Figure.GAP_BY_LANGUAGE: NO_LAYERS,
    Figure.SLOPES: NO_SEEDS,
    Figure.ENGLISH_SLOPES: NO_SEEDS,
    Figure.GAIN_SEEDS: NO_SEEDS,
    Figure.DELTA_SEEDS: NO_SEEDS,
    Figure.GAP_AND_ACCURACY: "figure not drawn, since this report holds no points of single languages.",
}

CAPTIONS = {
    Figure.SLOPES: "Mean activation on held-out phrases before and after the adapter. Thin lines are single training "
    "seeds, the thick one their mean.",
    Figure.ENGLISH_SLOPES: "Mean activation of English latents on held-out phrases before and after the adapter of each "
    "language. Thin lines are single training seeds, the thick one their mean.",
    Figure.GAIN_SEEDS: "Each mark is the gain of one training seed; the line is their mean.",
    Figure.DELTA_SEEDS: "Each mark is the change under one training seed, on the same questions; the line is their mean.",
    Figure.GAP_AND_ACCURACY: "One point per language. No line is fitted: nine points do not bear one.",
}


def caption(filled: Filled, drawing: Figure, report: Report) -> str:
    """What a drawing shows, and where its numbers stand."""
    if drawing is Figure.GAP_BY_LAYER:
        return _of_lines(filled, report)
    if drawing is Figure.GAP_BY_LANGUAGE:
        first = first_series(filled.rows)[0]
        return (
            f"Each language at each layer against {scope_words('reading', first.reading)}, "
            f"specification {scope_words('specification', first.specification)}. Blue: stronger than the "
            f"reference; orange: weaker. Its numbers stand in the tables below."
        )
    stand = "Its numbers stand in the table below."
    left_out = _left_out_ranges(report) if drawing is Figure.GAP_AND_ACCURACY else ""
    return f"{CAPTIONS[drawing]} {left_out}{stand}"


def printed_marks(report: Report) -> list[Mark]:
    """The printed gaps by layer: the paper's in a full run, those of the self-check study in a run of its world."""
    gaps = {
        row.id: row.layer for row in report.measurements if row.quantity == "gap" and row.language is None
    }
    marks = []
    for claim in _marking_claims(report):
        estimates = claim.readings[0].estimates if claim.readings else []
        layer = gaps.get(estimates[0]) if len(estimates) == 1 else None
        planted = claim.expected not in {None, AGREES}  # meant to be wrong, so nothing to compare a line with
        if layer is not None and claim.kind == "value" and claim.targets and not planted:
            target, margin = claim.targets[0], claim.rule.margin or 0.0
            marks.append(Mark(layer=layer, value=target.value, margin=margin + target.half_width))
    return marks


def points_table(rows: Sequence[Measurement], languages: Languages) -> Table:
    """Every point of a scatter plot: languages down, both sides of each correlation across."""
    units = list(dict.fromkeys(point.unit for row in rows for point in row.points))
    cells = {(row.id, point.unit): point for row in rows for point in row.points}
    gaps = {point.unit: point.x for row in rows for point in row.points}
    return Table(
        caption="Mean gap over layers and accuracy, in percent.",
        headers=("Language", "Gap", *(row.benchmark or "Mean" for row in rows)),
        num_labels=1,
        rows=tuple(
            (
                languages.name(unit),
                amount(gaps[unit], "percent", signed=True),
                *(_accuracy(cells.get((row.id, unit))) for row in rows),
            )
            for unit in sorted(units, key=languages.place)
        ),
    )


def seeds_table(rows: Sequence[Measurement], drawing: Figure, languages: Languages) -> Table:
    """Every seed of a drawing."""
    both = drawing in {Figure.SLOPES, Figure.ENGLISH_SLOPES}
    with_benchmark = any(row.benchmark for row in rows)
    unit = unit_words(rows[0].unit)
    return Table(
        caption=f"{TITLES[drawing]}{', change ' + unit if unit else ''}.",
        headers=(
            "Language",
            *(("Benchmark",) if with_benchmark else ()),
            "Seed",
            *(("Before", "After") if both else ()),
            "Change",
        ),
        num_labels=1 + with_benchmark,
        rows=tuple(_seed_rows(rows, languages, both=both, with_benchmark=with_benchmark)),
    )


def _seed_rows(
    rows: Sequence[Measurement], languages: Languages, *, both: bool, with_benchmark: bool
) -> Iterator[tuple[str, ...]]:
    for row in rows:
        for seed in row.seeds:
            sides = (seed.before, seed.after) if both else ()
            yield (
                languages.name(row.language or ""),
                *((row.benchmark or "",) if with_benchmark else ()),
                str(seed.seed),
                *(amount(side, "activation", signed=False) for side in sides),
                amount(seed.value, row.unit, signed=True),
            )


def _of_lines(filled: Filled, report: Report) -> str:
    known = any(row.precision and row.precision.ci90 for row in filled.rows)
    ribbon = "; ribbons are 90 % intervals" if known else "; intervals are not in this report"
    study = report.self_check_study
    whose = (
        "what the paper prints"
        if study is None
        else "what the self-check study prints, where that is meant to agree"
    )
    marks = f" Diamonds: {whose}, with its margin." if printed_marks(report) else ""
    return f"One line per reading{ribbon}.{marks} Its numbers stand in the table below."


def _left_out_ranges(report: Report) -> str:
    """What the judge noted beside claims about correlations, such as the range when one language is left out."""
    claims = [claim for claim in _marking_claims(report) if claim.kind == "correlation"]
    notes = [
        f"{claim.id}: {'; '.join(claim.cases[0].notes)}"
        for claim in claims
        if claim.cases and claim.cases[0].notes
    ]
    return f"{'. '.join(notes)}. " if notes else ""


def _marking_claims(report: Report) -> tuple[JudgedClaim, ...]:
    study = report.self_check_study
    if report.mode in {"full", "audit"}:
        return report.claims
    return study.claims if study else ()


def _accuracy(point: Point | None) -> str:
    return "" if point is None else amount(point.y, "percent", signed=False)
