"""A third study of emergence is a folder of claims and a world: it is planned, made, judged and shown, and nothing else knows of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import claims
from harness.designs.emergence.quantities import QUANTITIES
from harness.report.figures import DRAWERS, drawn_rows, strokes
from harness.report.tables import filled_panels, tabulate
from harness.report.writer import load_report
from harness.run.pace import pace_of
from harness.sources import studies
from tests.designs.tiny_emergence.claims.tiny.study import STUDY
from tests.designs.tiny_emergence.world import make

ROOT = Path(__file__).resolve().parents[2]
UNREGISTERED = 11
"""Exit code of a run whose verdicts count, and whose claims no lock registers."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the world lies, and what is made of it."""
    root = tmp_path_factory.mktemp("tiny")
    (root / "world").mkdir()
    make(root / "world")
    return root


def reproduced(root: Path, out: str, *more: str) -> Path:
    """The folder of a whole run of the command line: planned, made by the engine, judged and reported."""
    where = ("--study", "tiny", "--profile", "tiny", "--device", "cpu", "--store", str(root / "store"))
    command = (sys.executable, "-m", "tests.designs.tiny_emergence", "reproduce")
    done = subprocess.run(
        [*command, *where, "--out", str(root / out), *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TINY_WORLD": str(root / "world")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == UNREGISTERED, done.stdout + done.stderr
    return root / out


@pytest.fixture(scope="module")
def run(root: Path) -> Path:
    """A run under the registered grid."""
    return reproduced(root, "run")


@pytest.fixture(scope="module")
def explored(root: Path, run: Path) -> Path:
    """Another one on the same store, under every specification that the study has."""
    return reproduced(root, "explored", "--grid", "all")


@pytest.fixture(scope="module")
def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def known(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, where this process knows the study as well."""
    own = ROOT / "tests" / "designs" / "tiny_emergence" / "claims"
    monkeypatch.setattr(claims, "__path__", [*claims.__path__, str(own)])
    monkeypatch.setattr(studies, "CLAIMS", own)
    monkeypatch.setenv("TINY_WORLD", str(run.parent / "world"))
    return run


def test_its_models_and_dictionaries_are_the_studys_own_so_that_its_claims_are_judged(
    report: dict[str, Any],
) -> None:
    assert (report["mode"], report["lock"]["status"]) == ("full", "absent")
    assert {check["id"]: check["differs"] for check in report["self_checks"]} == {
        "balance": False,
        "order.only": False,
        **{f"{what}.only-{phase.name}": False for what in ("shapes", "loss") for phase in STUDY.phases},
    }


def test_what_must_hold_passes_and_what_cannot_deviates(report: dict[str, Any]) -> None:
    verdicts = {claim["id"]: claim["verdict"] for claim in report["claims"]}
    assert verdicts.keys() == {"share.any", "gain.impossible", "together.later", "part.helps"}
    assert (verdicts["share.any"], verdicts["gain.impossible"]) == ("PASS", "DEVIATION")


@pytest.mark.parametrize(
    ("claim", "about"),
    [
        ("together.later", "share-change/model=only/from=mid/to=final/layer=1/"),
        ("part.helps", "integration-gain/model=only/part=bilingual/layer=1/"),
    ],
)
def test_what_only_a_run_can_tell_follows_from_its_intervals(
    report: dict[str, Any], claim: str, about: str
) -> None:
    ends = [row["precision"]["ci90"] for row in report["measurements"] if row["id"].startswith(about)]
    assert len(ends) == (1 if claim == "together.later" else len(STUDY.primary.integration) * 2)
    expected = (
        "PASS" if all(low > 0 for low, _ in ends)
        else "DEVIATION" if all(high < 0 for _, high in ends)
        else "INCONCLUSIVE"
    )  # fmt: skip
    assert [each["verdict"] for each in report["claims"] if each["id"] == claim] == [expected]


def test_every_quantity_is_measured_that_one_size_without_a_demonstration_has(report: dict[str, Any]) -> None:
    lacking = {"size-trend", "demonstrated-share", "demonstrated-change"}
    assert {row["quantity"] for row in report["measurements"]} == QUANTITIES.keys() - lacking
    for phase in STUDY.phases:
        shares = [
            row["value"]
            for row in report["measurements"]
            if re.fullmatch(
                f"class-share/model=only/step={phase.name}/class=[a-z]+/layer=2/primary/primary", row["id"]
            )
        ]
        assert (len(shares), sum(shares)) == (3, pytest.approx(100))


def test_its_claims_are_graded_by_its_own_axes(report: dict[str, Any], explored: Path) -> None:
    """Eight ways to tell classes grade what rests on shares; for gains they are holes, and what was made anew is told beside."""
    grades = {claim["id"]: claim["multiverse"]["grade"] for claim in report["claims"]}
    report = json.loads((explored / "report.json").read_text(encoding="utf-8"))
    assert grades == {claim["id"]: claim["multiverse"]["grade"] for claim in report["claims"]}
    curves = {claim["id"]: claim.get("multiverse") for claim in report["claims"]}
    assert {axis["name"] for axis in curves["share.any"]["axes"]} == {
        "threshold", "fewest", "language", "examples", "length", "width",
    }  # fmt: skip
    named = [each["specification"] for each in curves["share.any"]["specifications"]]
    assert (len(named), named[0], named[-3:]) == (
        11, "primary", ["examples=first", "examples=first+length=recipient", "width=three"],
    )  # fmt: skip
    assert curves["share.any"]["grade"] != "NOT_ASSESSED"
    assert curves["gain.impossible"]["grade"] == "NOT_ASSESSED"
    moved = {move["specification"] for move in curves["part.helps"]["explored"]["moves"]}
    assert moved == {"examples=first", "length=recipient", "examples=first+length=recipient", "width=three"}


def test_the_page_says_what_every_level_gives(explored: Path) -> None:
    page = (explored / "report.html").read_text(encoding="utf-8")
    assert "share.any under other specifications" in page
    assert len(re.findall(r'<th scope="row">width=three</th>', page)) == 4  # in the table of each claim
    assert "part.helps: curve not drawn. NOT ASSESSED" in page


def test_its_page_has_its_figures_and_its_names(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    for title in (
        "Bilingual share over training",
        "Bilingual share over layers",
        "Gains, with their controls",
    ):
        assert any(title in caption for caption in captions), title
    assert len(captions) == page.count("<svg")
    assert "Russian" in page
    assert STUDY.title in page


def test_marks_along_what_has_no_order_are_joined_by_no_line_and_none_looks_like_another(
    known: Path,
) -> None:
    drawn = {
        figure.anchor: DRAWERS[figure.kind](drawn_rows(figure, filled), filled.names, figure).axes[0].lines
        for filled in filled_panels(load_report(known))
        for figure in filled.panel.figures
        if drawn_rows(figure, filled)
    }
    joined = {anchor: {line.get_linestyle() for line in lines[:-1]} for anchor, lines in drawn.items()}
    assert joined == {"classes": {"-"}, "profile": {"-"}, "gains": {"None"}}
    looks = [(line.get_color(), line.get_marker()) for line in drawn["gains"][:-1]]
    assert len(set(looks)) == len(looks) == len(STUDY.languages)


def test_rows_stand_below_what_they_have_in_common_and_say_the_rest_alone(known: Path) -> None:
    filled = [each for each in filled_panels(load_report(known)) if each.rows]
    tables = {each.panel.anchor: tabulate(each) for each in filled}
    shares, models = tables["classes"], tables["models"]
    classes = [label.code for label in STUDY.languages] + ["bilingual"]
    assert list(dict.fromkeys(shares.groups)) == [
        f"{way} \u00b7 {label}" for way in ("primary", "by activity") for label in classes
    ]
    layers = [str(layer) for layer in STUDY.layers(STUDY.sizes[0])]
    assert shares.headers == ("Layer", *(phase.name for phase in STUDY.phases))
    assert [row[0] for row in shares.rows] == layers * 2 * len(classes)
    assert (models.groups, models.headers[0]) == ((), "Language")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("s", "0"), ("s", "1"), ("l", "0"), ("l", "1")], [(0, 0), (0, 1), (1, 0), (1, 1)]),
        ([("s", "1"), ("l", "2"), ("l", "1")], [(0, 0), (1, 1), (1, 0)]),
        ([("s",), ("l",), ("xl",)], [(0, 0), (0, 1), (0, 2)]),
        ([("s", str(layer)) for layer in range(7)], [*((0, hue) for hue in range(6)), (1, 0)]),
        ([(str(size), layer) for size in range(5) for layer in "ab"], [divmod(at, 6) for at in range(10)]),
    ],
    ids=["size by stroke", "one is missing", "one thing alone", "too few colours", "too few strokes"],
)
def test_a_curve_keeps_its_colour_in_every_size(
    lines: list[tuple[str, ...]], expected: list[tuple[int, int]]
) -> None:
    assert strokes(lines) == expected


def test_a_table_says_once_how_many_seeds_its_numbers_rest_on(run: Path) -> None:
    """Shares by number rest on latents and seeds, those by activity on seeds alone."""
    page = (run / "report.html").read_text(encoding="utf-8")
    said = re.findall(r"Each number rests on ([^.]*)\.", page)
    assert any(re.fullmatch(r"\d+ to \d+ features, 1 to 2 seeds", words) for words in said), said
    assert all(words.count("seed") <= 1 for words in said), said


def test_at_its_own_pace_the_same_world_takes_as_long_again(known: Path) -> None:
    """Training of dictionaries and searches for the strongest latents among it, though no run counts them."""
    found = pace_of(known, STUDY.name)
    took = {stage.stage: stage.wall_seconds for stage in found.stages}
    networks = {"model-checks", "saes", "sae-quality", "examples", "integration"}
    assert {stage.stage: stage.seconds for stage in found.other.stages} == {
        name: pytest.approx(took[name], rel=0.03) for name in networks
    }


def test_nothing_of_the_harness_names_it() -> None:
    own = (STUDY.name, STUDY.sizes[0].name, "share.any", "gain.impossible", "together.later", "part.helps")
    for path in (ROOT / "harness").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "tiny_emergence" not in text, path
        assert not [name for name in own if f'"{name}"' in text], path
