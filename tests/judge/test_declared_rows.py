"""A table of numbers declares what the same numbers in JSON do; rows that cannot be taken are all named, and none is taken."""

import json
from pathlib import Path

import pytest

from harness.judge.declaration import BySeed, Declaration, Head, SeedRow, Summary, read_declaration
from harness.judge.declared_rows import COLUMNS, read_rows
from harness.words.errors import UsageError

HEAD = Head(study="sin2025", declared_by="a laboratory", declared_on="2026-11-29")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


def read(folder: Path, *lines: str) -> Declaration:
    path = folder / "mine.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_rows(path, HEAD)


def test_a_row_is_the_same_declaration_as_its_json(tmp_path: Path) -> None:
    rows = read(tmp_path, "claim,value,se,df,units", "gap.l6.value,25.1,0.6,199,200")
    measurement = {
        "claim": "gap.l6.value",
        "reading": "high",
        "unit": "percent",
        "estimate": 25.1,
        "se": 0.6,
        "df": 199,
        "units": 200,
    }
    head = {
        "schema_version": "1.0",
        "study": "sin2025",
        "declared_by": "a laboratory",
        "declared_on": "2026-11-29",
    }
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(head | {"measurements": [measurement]}), encoding="utf-8")
    told = read_declaration(path)
    assert (rows.study, rows.declared_by, rows.declared_on) == (
        told.study,
        told.declared_by,
        told.declared_on,
    )
    (row,), (entry,) = rows.entries, told.entries
    assert (row.claim, row.reading, row.unit, row.measured) == (
        entry.claim,
        entry.reading,
        entry.unit,
        entry.measured,
    )
    assert row.place == "line 2"
    # And the text that is kept is that JSON.
    path.write_text(rows.text, encoding="utf-8")
    assert read_declaration(path).entries[0].measured == entry.measured


def test_an_estimate_finds_its_claim_and_seeds_belong_together(tmp_path: Path) -> None:
    delta = "delta/lang=ml/bench=hellaswag/primary/primary"
    (gap, by_seed) = read(
        tmp_path,
        "estimate_id,value,se,seed,units",
        "gap/layer=6/english/primary,55.3,0.7,,2000",
        f"{delta},1.5,,1,6019",
        f"{delta},1.9,,2,6019",
    ).entries
    assert (gap.claim, gap.reading, gap.measured) == (
        "gap.l6.value",
        "english",
        Summary(estimate=55.3, se=0.7, units=2000),
    )
    assert (by_seed.claim, by_seed.reading) == ("bench.ml.hellaswag.value", "points")
    assert by_seed.measured == BySeed(
        seed_values=(SeedRow(seed=1, value=1.5), SeedRow(seed=2, value=1.9)), units=6019
    )


def test_what_spreadsheets_add_is_no_hindrance(tmp_path: Path) -> None:
    (entry,) = read(
        tmp_path, "\ufeffclaim, value ,se,sole_reading", "", '"gap.l6.value",25.1,0.6,TRUE', ",,,"
    ).entries
    assert entry.sole_reading
    assert entry.measured == Summary(estimate=25.1, se=0.6)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["claim;value;se", "gap.l6.value;25,1;0,6"], "semicolons"),
        (["claim,value,error", "gap.l6.value,25.1,0.6"], "unknown column 'error'"),
        (["claim,value,value", "gap.l6.value,25.1,0.6"], "twice"),
        (["value,se", "25.1,0.6"], "claim or estimate_id"),
        ([], "found nothing"),
        (["claim,value,se", "gap.l6.value,25.1"], "2 cells under 3 columns"),
        (["claim,value,se", 'gap.l6.value,"25.1,0.6'], "no CSV"),
        (["claim,value,se", "gap.l6.value,25.1 %,0.6"], "a point and no unit"),
        (["claim,value,se", "gap.l6.value,nan,0.6"], "no finite number"),
        (["claim,value,se,units", "gap.l6.value,25.1,0.6,2e3"], "a whole number"),
        (["claim,value,se", "gap.l6.value,,0.6"], "value is empty"),
        (["claim,value,se", "gap.l6.value,25.1,"], "neither se nor seed"),
        (["claim,value,se", "gap.l6,25.1,0.6"], "did you mean"),
        (["claim,value,se", "factor,25.1,0.6"], "no measured quantity"),
        (["claim,value,se", ",25.1,0.6"], "neither claim nor estimate_id"),
        (["estimate_id,value,se", "gap/layer=99/high/primary,25.1,0.6"], "no claim is about"),
        (["claim,reading,value,se", "gap.l6.value,low,25.1,0.6"], "unknown reading 'low'"),
        (["claim,value,se,sole_reading", "gap.l6.value,25.1,0.6,maybe"], "unknown sole_reading"),
        (["claim,value,se", "gap.l6.value,25.1,0.6", "gap.l6.value,25.2,0.6"], "on line 2 already"),
        (["claim,value,seed,units", "bench.ml.arc.value,1,1,5", "bench.ml.arc.value,2,2,6"], "it says otherwise than line 2"),
        (["claim,value,se,seed", "gap.l6.value,1,0.5,", "gap.l6.value,2,,1"], "it says otherwise than line 2"),
        (["claim,value,seed", "bench.ml.arc.value,1,1"], "too short"),
        (["claim,value,se,unit", "gap.l6.value,25.1,0.6,miles"], "miles"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(UsageError) as told:
        read(tmp_path, *lines)
    assert says in str(told.value)
    assert "mine.csv" in str(told.value)


def test_every_row_that_cannot_be_taken_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        read(tmp_path, "claim,value,se", "gap.l6.value,x,0.6", "gap.l25.value,19.2,0.5", "nothing,1,1")
    first, second, third = str(told.value).split("\n")
    assert "2 of 3 cannot be used, so none is" in first
    assert ("line 2: " in second, "line 4: " in third) == (True, True)


def test_a_number_out_of_its_range_is_named_with_the_rest(tmp_path: Path) -> None:
    lines = [
        "claim,value,se,df",
        "gap.l6.value,x,0.6,9",
        "gap.l25.value,19.2,-1,-4",
        "gain.ml.value,9,1,9",
        "gain.hi.value,9,1,0",
    ]
    with pytest.raises(UsageError) as told:
        read(tmp_path, *lines)
    first, *rest = str(told.value).split("\n")
    assert "3 of 4 cannot be used, so none is" in first
    assert [each.split(":")[0].strip() for each in rest] == ["line 2", "line 3", "line 5"]
    assert "less than the minimum of 0" in rest[1]


def test_the_columns_are_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [column for column in COLUMNS if f"`{column}`" not in text] == []
