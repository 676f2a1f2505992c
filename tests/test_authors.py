"""The authors' results over a real line: read as published, compared where comparable, and missing where missing."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.authors import outcomes_in, runs_in
from harness.words.errors import UsageError
from harness.words.judgement import PublishedRun, PublishedSet
from tests.hub.published import published_repositories
from tests.hub.server import Hub, serving

SET = PublishedSet(address="someone/results", benchmark="arc", language="ml")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(repositories=published_repositories())) as running:
        yield running


def authors(hub: Hub, home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", "authors", "--out", str(home / "out"), *words]
    environment = hub.surroundings(home / "home", **more)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_published_runs_are_read_and_compared(hub: Hub, tmp_path: Path) -> None:
    done = authors(hub, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert any(
        line.startswith("hellaswag_id     untouched  10 shots        acc 0.4150 (n 6,019 by its error)")
        for line in lines
    )
    assert any(
        line.startswith("hellaswag_ml     untouched  shots not said  acc 0.2517 (n 6,019") for line in lines
    )
    assert any(
        line.startswith(
            "  unreadable: richmondsin/mmlu_id_results/google/gemma-2-2b/results_2024-12-06T12-11-00.0.json"
        )
        for line in lines
    )
    assert any(line.startswith("  note: richmondsin/hellaswag_id_results is at ") for line in lines)
    assert "baseline hellaswag id acc on richmondsin/m_hellaswag: 0.4150 of 6,019, as committed" in lines
    assert "baseline hellaswag ml acc on richmondsin/m_hellaswag: 0.2517 of 6,019, as committed" in lines
    assert any(
        line.startswith('    PublishedBaseline(benchmark="arc", language="ml", metric="acc", accuracy=0.2511')
        for line in lines
    )
    assert "shots of hellaswag: 10, as registered" in lines
    assert any(
        line.startswith(
            "pair arc ml acc: 280 of 1,115 untouched [JalilH/original_gemma_arc_ml_results], 341 of 1,115 4k-0 "
        )
        and line.endswith(
            ": +61 items, +5.47 points, +21.79 % of the score before: can be +5.47 as points (rounded once)"
        )
        for line in lines
    )
    assert any(
        "25.00 % of 1,142 abs [JalilH/abs_finetuned_arc_ml_results]: on other questions, not comparable"
        in line
        for line in lines
    )
    assert any(
        line.startswith("printed +0.16 for arc in ml") and "0 of 2 pairs can be it" in line for line in lines
    )
    content = json.loads((tmp_path / "out" / "authors.json").read_text())
    assert [each["standing"] for each in content["settled"]["baselines"]].count("agrees") == 3
    assert len(content["sets"]) == 39
    assert set(content) == {"sets", "settled"}
    pairs = content["settled"]["pairs"]
    assert [(pair["after"]["tuned"], pair["before"]["right"]) for pair in pairs] == [
        ("4k-0", 280),
        ("abs", 280),
        ("gemma_2", 1515),
    ]
    runs = {(run["address"], run["file"]) for each in content["sets"] for run in each["runs"]}
    assert {
        (arm["address"], arm["file"]) for pair in pairs for arm in (pair["before"], pair["after"])
    } <= runs
    assert not hub.paths("samples_")


def test_a_malformed_file_is_named_and_takes_no_other_run_along(hub: Hub, tmp_path: Path) -> None:
    done = authors(hub, tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = (
        each
        for each in json.loads(done.stdout)["sets"]
        if each["asked"]["address"] == "JalilH/fine_tuned_gemma_2_ml_results"
    )
    place = "JalilH/fine_tuned_gemma_2_ml_results/google/gemma-2-2b/results_2025-02-02T00-00-00.000000.json"
    (unreadable,) = found["unreadable"]
    assert unreadable.startswith(f"{place}: run ")
    assert "has another shape" in unreadable
    assert found["why_missing"] is None
    assert [(run["task"], run["benchmark"]) for run in found["runs"]] == [("hellaswag_ml", "hellaswag")]


def test_outcomes_of_single_questions_are_kept_where_they_give_the_score_again(
    hub: Hub, tmp_path: Path
) -> None:
    done = authors(hub, tmp_path, "--samples")
    assert (done.returncode, done.stderr) == (0, "")
    tables = {path.name: path for path in (tmp_path / "out" / "outcomes").iterdir()}
    assert set(tables) == {
        f"richmondsin_hellaswag_id_results_2024-12-03T18-18-36.739078_{metric}.csv"
        for metric in ("acc", "acc_norm")
    }
    for name, path in tables.items():
        _, *rows = path.read_text().splitlines()
        assert len(rows) == 6019
        assert sum(row.endswith(",1") for row in rows) == (3366 if "norm" in name else 2498)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f'outcomes="outcomes/{name}", outcomes_sha256="{digest}"),' in done.stdout
    assert (
        "no outcomes of hellaswag ml acc: samples_hellaswag_ml_2024-12-06T20-50-05.029141.jsonl has 6,019"
        in done.stdout
    )
    assert "they are not of one run" in done.stdout
    assert (
        "no outcomes of arc ml acc: JalilH/original_gemma_arc_ml_results holds 0 sample files of arc_ml"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("{", "line 1 of the sample file is no JSON", id="no JSON"),
        pytest.param("[]", "is no JSON object", id="no object"),
        pytest.param('{"doc_id": 0, "acc": 1.0}', "no usable doc_id, doc_hash and acc", id="no digest"),
        pytest.param('{"doc_id": 0, "doc_hash": "f", "acc": "x"}', "no usable doc_id", id="no score"),
        pytest.param('{"doc_id": 0, "doc_hash": "f", "acc": NaN, "filter": "none"}', "no usable doc_id.* acc is nan", id="a score that is none"),
        pytest.param('{"doc_id": 0, "doc_hash": "\\ud83d", "acc": 1}', "half of a character", id="no text"),
        pytest.param("[" * 100_000, "line 1 of the sample file is no JSON", id="too deep"),
    ],
)  # fmt: skip
def test_what_is_no_sample_is_refused(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        outcomes_in(iter([line]), "acc")


def test_another_filters_answers_do_not_count() -> None:
    lines = [
        json.dumps({"doc_id": 0, "doc_hash": "f", "acc": score, "filter": name})
        for score, name in ((1.0, "none"), (0.0, "flexible"))
    ]
    assert outcomes_in(iter(lines), "acc") == {"f": True}


def test_offline_everything_is_missing_and_told(hub: Hub, tmp_path: Path) -> None:
    done = authors(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 5
    assert "0 runs of 0 result sets; 39 sets are missing" in done.stdout
    assert done.stdout.count("HF_HUB_OFFLINE=1 forbids to ask") == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="another file"),
        pytest.param({"results": []}, id="results in a list"),
        pytest.param({"results": {"arc_ml": []}}, id="scores in a list"),
        pytest.param({"results": {"arc_ml": {}}, "config": "none"}, id="settings in words"),
        pytest.param({"results": {"arc_ml": {}}, "n-samples": {"arc_ml": 3}}, id="a number for the counts"),
        pytest.param({"results": {"arc_ml": {}}, "n-shot": {"arc_ml": float("nan")}}, id="shots that are no number"),
        pytest.param({"results": {"arc_ml": {}}, "n-shot": {"arc_ml": float("inf")}}, id="shots without end"),
    ],
)  # fmt: skip
def test_what_is_no_summary_is_refused(content: dict[str, Any]) -> None:
    if isinstance(content.get("results"), dict):
        (run,) = runs_in(content, SET, "0" * 40, "results_x.json")
        assert "expected a summary of lm-eval" in str(run)
        return
    with pytest.raises(UsageError, match="expected a summary of lm-eval"):
        list(runs_in(content, SET, "0" * 40, "results_x.json"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["acc,none", "acc_stderr,none", "perplexity,none"])
def test_a_run_with_a_number_that_is_none_is_told_and_takes_no_other_along(name: str, value: float) -> None:
    sound = {"acc,none": 0.25, "acc_stderr,none": 0.0056, "f1,none": "N/A"}
    broken, read = runs_in(
        {"results": {"arc_ml": sound | {name: value}, "mmlu_ml": sound}}, SET, "0" * 40, "results_x.json"
    )
    assert f"{SET.address}/results_x.json: run arc_ml has another shape ({name} is {value})" in str(broken)
    assert isinstance(read, PublishedRun)
    assert (read.task, [score.value for score in read.scores]) == ("mmlu_ml", [0.25])


@pytest.mark.parametrize(
    ("task", "name"), [("arc_ml", "arc"), ("hellaswag_ml", "hellaswag"), ("m_mmlu_ml", "mmlu")]
)
def test_where_no_name_tells_the_benchmark_the_task_does(task: str, name: str) -> None:
    nameless = PublishedSet(address="someone/results", benchmark="", language="ml")
    (run,) = runs_in({"results": {task: {}}}, nameless, "0" * 40, "results_x.json")
    assert isinstance(run, PublishedRun)
    assert run.benchmark == name
