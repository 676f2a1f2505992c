"""Two runs side by side: what moved, whether noise explains it, and what they rest on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main
from harness.report.compare import ABSENT, Comparison, Noise, as_markdown, as_text, change, compare
from harness.report.writer import load_report, write_report
from harness.words.canonical import plain
from harness.words.errors import UsageError
from harness.words.judgement import Judged
from harness.words.verdict import State, Why
from tests.report import judged, worlds
from tests.report.test_page import HOSTILE


@pytest.mark.parametrize(
    ("before", "after", "halves", "expected"),
    [
        pytest.param(10.0, 10.0, (1.0, 1.0), Noise.SAME, id="no change"),
        # Errors of 3 and 4 make 5 together, and 1.96 of those 9.8.
        pytest.param(10.0, 19.7, (3.0, 4.0), Noise.WITHIN, id="just inside"),
        pytest.param(10.0, 19.9, (3.0, 4.0), Noise.BEYOND, id="just outside"),
        pytest.param(10.0, 0.1, (3.0, 4.0), Noise.BEYOND, id="downwards too"),
        pytest.param(10.0, 99.0, None, Noise.UNKNOWN, id="no interval"),
        pytest.param(10.0, None, (1.0, 1.0), Noise.UNKNOWN, id="missing"),
        # A gap is a share of 100: a ten-thousandth of that is rounding, however small the gap, and however sure it is.
        pytest.param(0.002, 0.0119, (1e-6, 1e-6), Noise.ROUNDING, id="two processors"),
        pytest.param(0.002, 0.0121, (1e-6, 1e-6), Noise.BEYOND, id="more than that"),
    ],
)
def test_noise(
    before: float, after: float | None, halves: tuple[float, float] | None, expected: Noise
) -> None:
    """Halves are standard errors; of a 90 % interval they are 1.645 to either side."""
    intervals = [None, None] if halves is None or after is None else [
        (value - 1.6448536 * half, value + 1.6448536 * half) for value, half in zip((before, after), halves, strict=True)
    ]  # fmt: skip
    assert change(before, after, "percent", intervals).noise is expected


def test_rounding_is_a_share_of_what_has_no_whole() -> None:
    def noise(after: float) -> Noise:
        return change(2.0, after, "nats", (None, None)).noise

    assert (noise(2.00019), noise(2.00021)) == (Noise.ROUNDING, Noise.UNKNOWN)
    assert change(1e-15, 3e-15, "activation squared", (None, None)).noise is Noise.ROUNDING
    assert change(2.0, 2.1, "nats", (None, None), tolerance=0.06).noise is Noise.ROUNDING


def written(folder: Path, *, shift: float = 0.0, **changes: object) -> Path:
    """A small full run; `shift` moves its gaps."""
    rows = [
        row
        for row in worlds.estimates()
        if row.quantity == "gap" and row.layer in {6, 25} and not row.language
    ]
    rows = [replace(row, value=row.value + shift) for row in rows]
    facts = {name: changes.pop(name) for name in ("study", "environment", "settings") if name in changes}
    tables = worlds.store(folder, rows, [])
    write_report(
        worlds.facts(mode="full", **facts), *tables, folder / "out", judged.full_judgement(**changes)
    )
    return folder / "out"


def moved_verdicts() -> Judged:
    paper = judged.full_judgement().paper
    other = judged.judged_value(judged.GAP_6, 31.0, 0.99, State.DEVIATION, Why.LARGER)
    return replace(paper, claims=paper.claims[:-1], verdicts=(other, *paper.verdicts[1:-1]))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    environment = {"torch": "2.14.0", "device": "cuda"}
    other = written(
        folder / "b",
        shift=50.0,
        paper=moved_verdicts(),
        environment=environment,
        settings={"sizes.threads": "2"},
    )
    return written(folder / "a", settings={"sizes.threads": "1"}), other


@pytest.fixture(scope="module")
def comparison(runs: tuple[Path, Path]) -> Comparison:
    return compare(load_report(runs[0]), load_report(runs[1]))


def test_a_run_against_itself_shows_no_difference(runs: tuple[Path, Path]) -> None:
    same = compare(load_report(runs[0]), load_report(runs[0]))
    assert (same.moved, same.numbers, same.settings, same.facts, same.num_equal) == ((), (), (), (), 4)
    assert not same.is_beyond_noise


def test_the_same_run_on_two_processors_differs_by_rounding(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = written(tmp_path, shift=0.00225, settings={"sizes.threads": "1"})
    near = compare(load_report(runs[0]), load_report(other))
    assert (near.numbers, near.num_equal, near.num_rounding) == ((), 0, 4)
    assert "0 of 4 numbers changed, 0 beyond noise; 4 differ by rounding" in list(as_text(near))
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(runs[0]), str(other), "--tolerance", "1e-6"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "4 of 4 numbers changed" in said
    # As many digits as it takes to see the change.
    changed = next(line for line in said.splitlines() if "gap/layer=6/high/primary" in line)
    before, after = changed.split("  ")[2].split(" \u2192 ")
    assert float(after) - float(before) == pytest.approx(0.00225, abs=0.0006)


def test_changes_stand_by_their_size_in_standard_errors(comparison: Comparison) -> None:
    sizes = [move.change.size for move in comparison.numbers]
    assert None not in sizes
    assert sizes == sorted(sizes, key=lambda size: -(size or 0.0))
    assert any(line.endswith("standard errors  beyond noise") for line in as_text(comparison))


def test_verdicts_that_moved(comparison: Comparison) -> None:
    assert comparison.is_beyond_noise
    assert [(move.id, move.before, move.after, move.estimate.noise) for move in comparison.moved] == [
        ("gap.l6.value", "PASS", "DEVIATION", Noise.BEYOND),
        ("arith.gain", "note", ABSENT, Noise.UNKNOWN),
    ]


def test_numbers_beyond_noise(comparison: Comparison) -> None:
    assert {move.change.noise for move in comparison.numbers} == {Noise.BEYOND}
    assert (len(comparison.numbers), comparison.num_equal) == (4, 0)


def test_settings_that_differ_stand_first(comparison: Comparison) -> None:
    found = {fact.what: (fact.before, fact.after) for fact in comparison.settings}
    assert found["setting sizes.threads"] == ("1", "2")
    headings = [line for line in as_text(comparison) if line and not line.startswith(" ")]
    assert headings[1] == "5 settings differ"
    assert found["environment device"] == ("cpu", "cuda")
    assert found["environment dtype"] == ("float32", ABSENT)
    assert not any(fact.what.startswith(("artifact", "source")) for fact in comparison.facts)


def test_another_margin_is_said(runs: tuple[Path, Path], comparison: Comparison, tmp_path: Path) -> None:
    paper = judged.full_judgement().paper
    wider = replace(paper, claims=(replace(judged.GAP_6, margin=9.0), *paper.claims[1:]))
    changed = compare(load_report(runs[0]), load_report(written(tmp_path, paper=wider)))
    assert [move.id for move in changed.claims if move.rule_changed] == ["gap.l6.value"]
    # A verdict under another rule is no finding about the run, nor is one that a run does not have.
    assert not any(
        replace(move, before=State.PASS, after=State.DEVIATION).is_beyond_noise
        for move in changed.claims
        if move.rule_changed
    )
    (gone,) = (move for move in comparison.moved if move.after == ABSENT)
    assert not gone.is_beyond_noise


def test_runs_of_different_studies_are_refused(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = written(tmp_path, study="another")
    with pytest.raises(UsageError, match="'sin2025' and 'another'; compare two runs of one study"):
        compare(load_report(runs[0]), load_report(other))


def test_text_says_it_in_lines(comparison: Comparison) -> None:
    text = "\n".join(as_text(comparison))
    assert "2 of 16 verdicts moved, 1 beyond noise" in text
    # Half-widths of 0.99: errors of 0.602 each, 0.851 together, and 5.9 apart.
    assert (
        "gap.l6.value  \u2713 PASS \u2192 \u2717 DEVIATION  25.10 \u2192 31.00  6.9 standard errors  beyond noise"
        in text
    )
    assert "4 of 4 numbers changed, 4 beyond noise; 0 differ by rounding" in text
    assert "environment device  cpu \u2192 cuda" in text


def test_markdown_keeps_hostile_text_in_its_cell(comparison: Comparison) -> None:
    fact = replace(comparison.settings[0], what=HOSTILE)
    lines = list(as_markdown(replace(comparison, facts=(fact,))))
    assert lines[0] == "### Comparison of two runs of sin2025"
    assert "<script" not in lines[-1]
    assert lines[-1].count(" | ") == 1


def test_json_holds_everything(comparison: Comparison) -> None:
    document = json.loads(json.dumps(plain(comparison)))
    assert len(document["claims"]) == 16
    assert document["claims"][0]["estimate"]["noise"] == "beyond noise"


@pytest.mark.parametrize(
    ("option", "begins"), [("", "sin2025: "), ("--markdown", "### Comp"), ("--json", "{")]
)
def test_the_command(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], option: str, begins: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(runs[0]), str(runs[1]), *([option] if option else [])])
    assert ended.value.code == 1, "a verdict moved beyond noise"
    assert capsys.readouterr().out.startswith(begins)


def test_the_command_names_a_folder_without_a_report(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(runs[0]), str(tmp_path)])
    assert ended.value.code == 4
    assert f"{tmp_path} holds no report.json" in capsys.readouterr().err
