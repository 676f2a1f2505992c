"""The questions behind a claim whose answer changed, from the very artifacts that a report rests on."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness import cli
from harness.exchange.items import Answer, SeedChange, changes
from harness.report.document import Report
from harness.report.writer import load_report
from harness.sources.studies import load_profile
from harness.store.store import Recipe, Store
from harness.store.tables import write_table
from harness.words.canonical import canonical_json
from harness.words.errors import UsageError
from harness.words.records import ItemOutcome
from harness.words.runfacts import ArtifactRecord
from harness.words.study import Profile, Study

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"
CLAIM = "bench.ml.arc.value"

# Four questions: the second becomes right under both seeds, the third wrong under seed 2.
RIGHT: Mapping[str, tuple[float, ...]] = {
    "ml": (1.0, 0.0, 1.0, 0.0),
    "ml/seed-1/ml": (1.0, 1.0, 1.0, 0.0),
    "ml/seed-2/ml": (1.0, 1.0, 0.0, 0.0),
}


MADE_UP = tuple(f"q{place}" for place in range(4))


def outcomes(right: tuple[float, ...], nats: float, ids: tuple[str, ...] = MADE_UP) -> list[ItemOutcome]:
    return [
        ItemOutcome(
            benchmark="arc",
            language="ml",
            document_id=ids[place],
            document_hash=f"d{place}",
            prompt_hash=f"p{place}",
            target_hash="t",
            acc=1.0,
            acc_norm=score,
            shots=0,
            right_option=1,
            log_likelihoods=(nats, -3.5),
            characters=(4.0, 7.0),
        )
        for place, score in enumerate(right)
    ]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the answers of three arms, and the example's report resting on them."""
    return stored(tmp_path, monkeypatch, MADE_UP)


def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: tuple[str, ...]) -> Path:
    records = []
    for number, (item, right) in enumerate(RIGHT.items()):
        stage = "benchmarks-tuned" if "/" in item else "benchmarks"
        recipe = Recipe(stage=stage, item=item, parameters=canonical_json({"item": item}))
        made = Store(tmp_path).produce(recipe, _writes(outcomes(right, -1.25 - number, ids)))
        records.append(
            ArtifactRecord(
                stage=stage, item=item, key=made.key, digest=made.digest, size_bytes=made.size_bytes
            )
        )
    report = load_report(EXAMPLE)
    resting: Report = replace(report, run=replace(report.run, artifacts=tuple(records)))
    monkeypatch.setattr("harness.exchange.items.load_report", lambda _run: resting)
    return tmp_path


def _writes(rows: list[ItemOutcome]) -> Callable[[Path], None]:
    return lambda folder: write_table(folder, ItemOutcome, rows)


def test_what_changed_is_counted_and_listed_by_pencil(store: Path) -> None:
    found = changes(EXAMPLE, CLAIM, store)
    assert (found.asked, found.by_seed) == (
        4,
        (
            SeedChange(seed=1, became_right=1, became_wrong=0),
            SeedChange(seed=2, became_right=1, became_wrong=1),
        ),
    )
    assert [(each.document_id, each.seed, each.before.is_right) for each in found.items] == [
        ("q1", 1, False),
        ("q1", 2, False),
        ("q2", 2, True),
    ]
    first = found.items[0]
    assert (first.document_hash, first.prompt_hash, first.right_option, first.characters) == (
        "d1",
        "p1",
        1,
        (4.0, 7.0),
    )
    assert (first.before, first.after) == (
        Answer(is_right=False, log_likelihoods=(-1.25, -3.5)),
        Answer(is_right=True, log_likelihoods=(-2.25, -3.5)),
    )


def test_people_and_machines_read_it(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["items", str(EXAMPLE), "--claim", CLAIM, "--store", str(store)]
    assert cli.exit_code_of(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "seed 2: 1 became right, 1 became wrong: +0.00 points" in lines
    assert "q1               seed 1  right option 1  wrong [-1.25 -3.50] -> right [-2.25 -3.50]" in lines
    assert cli.exit_code_of([*words, "--json"]) == 0
    assert [each["document_id"] for each in json.loads(capsys.readouterr().out)["items"]] == [
        "q1",
        "q1",
        "q2",
    ]


def test_a_claim_without_questions_is_refused(store: Path) -> None:
    with pytest.raises(UsageError, match=r"gap\.l6\.value is about no change of answers"):
        changes(EXAMPLE, "gap.l6.value", store)


def test_an_arm_that_the_run_lacks_is_named(store: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no answers through an adapter|has no benchmarks"):
        changes(EXAMPLE, "bench.en.hi.arc.stable", store)


def test_without_its_store_it_says_so(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["items", str(EXAMPLE), "--claim", CLAIM, "--store", str(tmp_path / "elsewhere")]
    assert cli.exit_code_of(words) == 4
    assert "no store at" in capsys.readouterr().err


def test_questions_are_shown_as_their_data_set_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (EXAMPLE.parents[1] / "fixtures/okapi/m_arc/data/ml/test.jsonl").read_text("utf-8").splitlines()
    documents = [json.loads(line) for line in lines[:4]]
    place = stored(tmp_path, monkeypatch, tuple(str(each["id"]) for each in documents))
    words = ["items", str(EXAMPLE), "--claim", CLAIM, "--store", str(place)]
    assert cli.exit_code_of([*words, "--texts"]) == 0
    shown = capsys.readouterr().out
    assert documents[1]["instruction"] in shown
    assert documents[0]["instruction"] not in shown, "its answer did not change"
    assert cli.exit_code_of(words) == 0
    assert documents[1]["instruction"] not in capsys.readouterr().out


@pytest.mark.parametrize("licence", ["not stated", "proprietary"])
def test_questions_whose_licence_does_not_allow_it_are_not_shown(
    licence: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def closed(study: Study, name: str) -> Profile:
        profile = load_profile(study, name)
        pins = {folder: replace(pin, licence=licence) for folder, pin in profile.sources.benchmarks.items()}
        return replace(profile, sources=replace(profile.sources, benchmarks=pins))

    monkeypatch.setattr("harness.exchange.items.load_profile", closed)
    assert cli.exit_code_of(["items", str(EXAMPLE), "--claim", CLAIM, "--store", str(store), "--texts"]) == 4
    assert f"is {licence}, which does not say that its questions may be shown" in capsys.readouterr().err
