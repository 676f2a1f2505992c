"""An audit from file to report: the example of the docs, whole folders or none, and its exit codes."""

import json
from pathlib import Path

import pytest

from harness import cli
from harness.words.errors import StoreError

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "audit-example.json"


def call(*words: str) -> int:
    return cli.exit_code_of(["audit", *words])


def lying(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def report_of_the_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit") / "report"
    assert call(str(EXAMPLE), "--out", str(out)) == 1
    return out


def test_the_example_of_the_docs_is_judged(report_of_the_example: Path) -> None:
    report = json.loads((report_of_the_example / "report.json").read_text(encoding="utf-8"))
    assert (report["mode"], report["run"]["study"], report["judged"]) == ("audit", "sin2025", True)
    verdicts = {claim["id"]: (claim["verdict"], claim["reason"]) for claim in report["claims"]}
    assert verdicts["gap.l6.value"] == ("CONTESTED", "readings-differ")
    assert verdicts["gain.ml.value"] == ("PASS", "ci-inside-band")
    assert verdicts["gain.hi.value"] == ("DEVIATION", "smaller")
    assert verdicts["bench.ml.hellaswag.value"] == ("CONTESTED", "readings-differ")
    assert verdicts["gap.max.bound"] == ("NOT_RUN", "not-declared")
    assert verdicts["factor"] == ("NOT_TESTABLE", "no-quantity")
    assert {state for state, _ in verdicts.values()} >= {"PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED"}


def test_the_report_says_whose_numbers_these_are(report_of_the_example: Path) -> None:
    assert lying(report_of_the_example) == [
        "declared.json",
        "junit.xml",
        "report.html",
        "report.json",
        "summary.md",
    ]
    summary = (report_of_the_example / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### NUMBERS DECLARED BY OTHERS")
    page = (report_of_the_example / "report.html").read_text(encoding="utf-8")
    assert "NUMBERS DECLARED BY OTHERS" in page
    assert "harness audit declared.json" in page
    assert "harness reproduce" not in page
    assert (report_of_the_example / "declared.json").read_bytes() == EXAMPLE.read_bytes()


def test_the_copy_beside_the_page_gives_the_same_report_but_for_its_name(
    report_of_the_example: Path, tmp_path: Path
) -> None:
    assert call(str(report_of_the_example / "declared.json"), "--out", str(tmp_path / "again")) == 1
    first, again = (
        json.loads((folder / "report.json").read_text(encoding="utf-8"))
        for folder in (report_of_the_example, tmp_path / "again")
    )
    assert first["run"].pop("sources")[0]["revision"] == again["run"].pop("sources")[0]["revision"]
    assert first == again


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the JSON: drawing the page takes seconds."""
    for name in ("render_page", "render_summary", "render_junit"):
        monkeypatch.setattr(f"harness.report.writer.{name}", lambda report: "")


def declared(folder: Path, *measurements: object, **more: object) -> str:
    head: dict[str, object] = {"schema_version": "1.0", "study": "sin2025", "declared_by": "a laboratory"}
    path = folder / "mine.json"
    path.write_text(json.dumps(head | {"measurements": list(measurements)} | more), encoding="utf-8")
    return str(path)


def gain(estimate: float) -> dict[str, object]:
    return {
        "claim": "gain.ml.value",
        "unit": "percent",
        "estimate": estimate,
        "se": 0.9,
        "units": 500,
        "seeds": 5,
    }


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("measurement", "fail_on", "code"),
    [
        pytest.param(gain(85.0), "unresolved", 10, id="what is not declared is unresolved"),
        pytest.param(gain(85.0), "deviation", 0, id="and is tolerated where asked for"),
        pytest.param(gain(60.0), "deviation", 1, id="a deviation"),
        pytest.param(gain(60.0), "never", 0, id="nothing fails"),
        pytest.param(gain(85.0) | {"claim": "gain.ml.direction"}, "deviation", 0, id="one quantity, several claims"),
        pytest.param(
            {"claim": "gap.early-over-deep", "estimate_id": "gap/layer=6/high/primary", "unit": "percent", "estimate": 1, "se": 1},
            "unresolved",
            10,
            id="half of a comparison",
        ),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_report(
    tmp_path: Path, measurement: dict[str, object], fail_on: str, code: int
) -> None:
    file = declared(tmp_path, measurement)
    assert call(file, "--out", str(tmp_path / "out"), "--fail-on", fail_on) == code


@pytest.mark.usefixtures("quick")
def test_an_audit_has_a_folder_of_its_own_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARNESS_REPORTS", str(tmp_path / "reports"))
    assert call(declared(tmp_path, gain(85.0))) == 10
    (name,) = lying(tmp_path / "reports")
    assert name.startswith("audit-")
    assert "NUMBERS DECLARED BY OTHERS" in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_an_earlier_audit_is_replaced_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert call(declared(tmp_path, gain(85.0)), "--out", str(out)) == 10
    assert call(declared(tmp_path, gain(60.0)), "--out", str(out)) == 1
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["summary"]["exit_code"] == 1
    (out / "report.json").write_text('{"mode": "full"}', encoding="utf-8")
    assert call(declared(tmp_path, gain(85.0)), "--out", str(out)) == 4
    assert "holds something else than an earlier audit" in capsys.readouterr().err
    assert call(declared(tmp_path, gain(85.0)), "--out", str(tmp_path / "mine.json")) == 4
    assert lying(tmp_path) == ["mine.json", "out"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"study": "sin2024"}, "unknown study 'sin2024'", id="unknown study"),
        pytest.param({"study": 7}, "at $.study: 7 is not of type 'string'", id="no study at all"),
        pytest.param({"measurements": [gain(85.0) | {"se": -1}]}, "$.measurements[0].se: -1", id="negative error"),
        pytest.param({"measurements": [gain(85.0) | {"claim": "gain.xx"}]}, "unknown claim 'gain.xx'", id="claim"),
        pytest.param({"measurements": [gain(85.0), gain(85.0)]}, "declare it once", id="twice"),
        pytest.param({"measurements": [gain(85.0) | {"unit": "points"}]}, "is in percent under reading relative, found", id="unit"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_4_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], says: str
) -> None:
    file = declared(tmp_path, gain(85.0), **change)
    assert call(file, "--out", str(tmp_path / "out")) == 4
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert says in captured.err
    assert captured.err.count("mine.json") == 1 or "study" in says
    assert lying(tmp_path) == ["mine.json"]


def test_the_file_must_be_about_the_study_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(declared(tmp_path, gain(85.0)), "--study", "miniature", "--out", str(tmp_path / "out")) == 4
    assert "is about study 'sin2025', but --study says 'miniature'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ends_with", "code"),
    [
        pytest.param(RuntimeError("the sky fell"), 3, id="a crash"),
        pytest.param(StoreError("cannot write"), 3, id="a full disk"),
        pytest.param(KeyboardInterrupt(), 130, id="the keyboard"),
        pytest.param(cli.StoppedError(15), 143, id="a request to end"),
    ],
)
def test_an_audit_that_is_cut_short_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_with: BaseException, code: int
) -> None:
    def fail(report: object) -> str:
        raise ends_with

    monkeypatch.setattr("harness.report.writer.render_page", fail)
    out = tmp_path / "out"
    assert call(declared(tmp_path, gain(85.0)), "--out", str(out)) == code
    assert lying(tmp_path) == ["mine.json"]


def test_a_place_that_cannot_be_written_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(declared(tmp_path, gain(85.0)), "--out", "/sys/audit") == 3
    assert "cannot write /sys/audit" in capsys.readouterr().err


ROWS = EXAMPLE.with_suffix(".csv")
TOLD = ("--study", "sin2025", "--by", "A. Lab", "--on", "2026-11-29")


def test_the_example_of_a_table_is_judged_and_says_what_was_narrowed(tmp_path: Path) -> None:
    assert call(str(ROWS), *TOLD, "--out", str(tmp_path / "out")) == 10
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    claims = {claim["id"]: claim for claim in report["claims"]}
    assert [claims[name]["verdict"] for name in ("gap.l6.value", "gap.l25.value")] == ["PASS", "PASS"]
    assert claims["bench.ml.hellaswag.value"]["verdict"] != "NOT_RUN"
    assert ["sole-reading" in claims[name]["flags"] for name in ("gap.l6.value", "gap.l25.value")] == [
        True,
        False,
    ]
    summary = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "Judged under one reading alone, as its declarer asked: gap.l6.value." in summary
    # The copy beside the page is the declaration in JSON, and judges the same.
    assert call(str(tmp_path / "out" / "declared.json"), "--out", str(tmp_path / "again")) == 10
    again = json.loads((tmp_path / "again" / "report.json").read_text(encoding="utf-8"))
    assert again["claims"] == report["claims"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((str(ROWS),), "add --study, such as --study sin2025, and --by"),
        ((str(ROWS), "--study", "sin2025"), "and --by"),
        ((str(EXAMPLE), "--by", "A. Lab"), "is read as JSON, which says itself who declares it"),
        ((str(ROWS), *TOLD[:4], "--on", "yesterday"), "yesterday"),
        ((str(ROWS), "--study", "sin2024", "--by", "A. Lab"), "sin2024"),
    ],
)
def test_what_a_table_lacks_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert call(*words, "--out", str(tmp_path / "out")) in {2, 4}
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
