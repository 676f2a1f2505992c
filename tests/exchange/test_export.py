"""A run's numbers leave as tables that say what they mean, and a notebook shows what the report holds."""

import csv
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rocrate.rocrate import ROCrate

import harness
from harness import cli
from harness.exchange.frames import FRAMES, JudgedNumber, MeasuredEstimate
from harness.notebook import OpenedRun
from harness.report.document import Report
from harness.report.writer import load_report
from harness.words.columns import meanings_of
from harness.words.errors import UsageError
from harness.words.verdict import State

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "reports" / "example"


@pytest.fixture(scope="module")
def report() -> Report:
    return load_report(EXAMPLE)


@pytest.fixture(scope="module")
def run() -> OpenedRun:
    return harness.open_run(EXAMPLE)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def call(out: Path, form: str, *more: str) -> int:
    return cli.exit_code_of(["export", str(EXAMPLE), "--format", form, "--out", str(out), *more])


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "csv"
    assert call(out, "csv", "--store", str(out.parent / "none")) == 0
    return out


def test_every_number_of_the_report_is_in_the_table(tables: Path, report: Report) -> None:
    rows = {row["estimate_id"]: row for row in read(tables / "measured_estimates.csv")}
    assert list(rows) == [each.id for each in report.measurements]
    for each in report.measurements:
        row = rows[each.id]
        assert row["value_in_unit"] == ("" if each.value is None else repr(each.value))
        if each.precision and each.precision.ci90:
            assert (row["ci90_low_in_unit"], row["ci90_high_in_unit"]) == tuple(
                map(repr, each.precision.ci90)
            )


def test_every_claim_stands_in_the_table_of_verdicts(tables: Path, report: Report) -> None:
    rows = read(tables / "judged_numbers.csv")
    claims = (*report.claims, *report.checking_claims)
    assert dict.fromkeys(row["claim_id"] for row in rows) == dict.fromkeys(claim.id for claim in claims)
    assert {(row["claim_id"], row["claim_verdict"]) for row in rows} == {
        (each.id, str(each.state)) for each in claims
    }
    assert len(rows) == sum(max(1, len(claim.cases)) for claim in claims)


def test_every_column_is_explained_and_every_number_has_a_unit(tables: Path) -> None:
    told = {(row["table"], row["column"]): row["meaning"] for row in read(tables / "columns.csv")}
    for path in tables.glob("*.csv"):
        if path.name == "columns.csv":
            continue
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        assert [(path.name, column) for column in header if not told[path.name, column]] == []
    for record in FRAMES:
        names = meanings_of(record)
        assert ("unit" in names) == any(name.endswith("_in_unit") for name in names)


def test_parquet_holds_the_same_rows_and_explains_itself(tables: Path, tmp_path: Path) -> None:
    assert call(tmp_path / "parquet", "parquet", "--store", str(tmp_path)) == 0
    for path in (tmp_path / "parquet").glob("*.parquet"):
        table = pq.read_table(path)
        assert all(field.metadata[b"meaning"] for field in table.schema)
        rows = read(tables / f"{path.stem}.csv")
        assert [
            {name: "" if cell is None else str(cell) for name, cell in row.items()}
            for row in table.to_pylist()
        ] == rows


def test_without_the_store_it_says_that_unit_values_are_not_among_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "out", "csv", "--store", str(tmp_path)) == 0
    assert "without unit values" in capsys.readouterr().out
    assert not list((tmp_path / "out").glob("unit_values*"))


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert call(tmp_path, "csv") == 4
    assert "name another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_frames_hold_what_the_report_holds(run: OpenedRun, report: Report) -> None:
    gaps = run.estimates_of("gap")
    known = {each.id: each for each in report.measurements}
    assert "gap_percent" in gaps.columns
    assert "se_percent" in gaps.columns
    assert not any(name.endswith("in_unit") for name in gaps.columns)
    for name, value in zip(gaps["estimate_id"], gaps["gap_percent"], strict=True):
        assert value == known[name].value
    assert list(run.estimates.columns) == list(meanings_of(MeasuredEstimate))
    assert list(run.verdicts.columns) == list(meanings_of(JudgedNumber))
    assert len(run.estimates) == len(report.measurements)
    assert len(run.seeds) == sum(len(each.seeds) for each in report.measurements)
    assert set(run.settings["part"]) == {"run", "environment", "settings"}
    assert report.run.id in str(run)


def test_a_claim_shows_its_card(run: OpenedRun, report: Report) -> None:
    claim = next(each for each in report.checking_claims if each.state is State.DEVIATION)
    card = run.claim(claim.id)
    shown = card._repr_html_()
    assert (card.verdict, claim.id in str(card)) == (claim.state, True)
    assert "<details open" in shown
    assert claim.id in shown
    assert 'href="#' not in shown
    for name, call_it in (("claim", run.claim), ("quantity", run.estimates_of)):
        with pytest.raises(UsageError, match=f"unknown {name} 'gup'"):
            call_it("gup")


def test_one_number_is_judged_and_a_plan_is_drawn() -> None:
    assert harness.judge_number("26.27", estimate=26.2, se=0.2, margin=2.0).state is State.PASS
    assert {each.stage for each in harness.plan("sin2025", "fixture").items()} >= {
        "phrases",
        "translations",
        "estimates",
    }
    with pytest.raises(AttributeError, match="gup"):
        _ = harness.gup  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"no report|holds no"):
        harness.open_run(ROOT / "docs")


def test_importing_loads_next_to_nothing() -> None:
    says = "import sys, harness; print(sorted(name for name in sys.modules if name.startswith('harness.')), 'numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout == "[] False\n"


def test_a_crate_says_what_made_its_files(tmp_path: Path, report: Report) -> None:
    assert call(tmp_path / "crate", "ro-crate", "--store", str(tmp_path)) == 0
    crate = ROCrate(tmp_path / "crate")
    parts = {part.id for part in crate.root_dataset["hasPart"]}
    held = {path.name for path in (tmp_path / "crate").iterdir()}
    assert parts == held - {"ro-crate-metadata.json"}
    assert {"report.html", "measured_estimates.csv", "columns.csv", "execution.json"} <= held
    *_, last = crate.get_by_type("CreateAction")
    assert {each.id for each in last["result"]} == parts
    assert {each["identifier"] for each in last["object"]} == {
        source.address for source in report.run.sources
    }
    assert (last["instrument"]["name"], crate.root_dataset["conformsTo"].id) == (
        "replication-harness",
        "https://w3id.org/ro/wfrun/process/0.5",
    )
    assert [part["encodingFormat"] for part in crate.root_dataset["hasPart"] if part.id == "report.html"] == [
        "text/html"
    ]


def test_the_same_run_gives_the_same_crate(tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert call(tmp_path / name, "ro-crate", "--store", str(tmp_path)) == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()} == files


def test_a_crate_of_an_audit_claims_no_execution(tmp_path: Path) -> None:
    example = ROOT / "docs" / "audit-example.json"
    cli.exit_code_of(["audit", str(example), "--out", str(tmp_path / "audit"), "--fail-on", "never"])
    words = ["export", str(tmp_path / "audit"), "--format", "ro-crate", "--out", str(tmp_path / "crate")]
    assert cli.exit_code_of(words) == 0
    assert ROCrate(tmp_path / "crate").get_by_type("CreateAction") == []
