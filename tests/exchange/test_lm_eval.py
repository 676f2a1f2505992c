"""Sample logs of lm-eval become the very estimates that a run would have made of the same answers, or one clear error."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lm_eval.loggers import EvaluationTracker

from harness import cli
from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.scores import accuracies, deltas
from harness.judge.audit_input import audit_input
from harness.judge.declaration import read_declaration
from harness.judge.measurements import measurements_of
from harness.judge.unit_values import stored_in_memory
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.store.tables import write_table
from harness.words.claim import InferenceTarget
from harness.words.records import ItemOutcome

STUDY, CLAIMS = load_study("sin2025"), load_claims("sin2025")
QUESTIONS = 37
SEEDS = (1, 2, 3)


def sample(document: int, right: float, **other: object) -> dict[str, Any]:
    settled: dict[str, Any] = {
        "doc_id": document,
        "doc": {"id": f"q{document}"},
        "filter": "none",
        "target": "0",
        "arguments": [],
        "resps": [[["-1.0", "False"]]],
        "filtered_resps": [["-1.0", "False"]],
        "doc_hash": f"d{document}",
        "prompt_hash": f"p{document}",
        "target_hash": "t",
        # The other metric is always wrong, so that taking it shows.
        "acc": 0.0,
        "acc_norm": right,
    }
    return settled | other


def answers(stream: int) -> list[float]:
    return np.random.default_rng(stream).integers(0, 2, QUESTIONS).astype(float).tolist()


def log(folder: Path, samples: Sequence[Mapping[str, Any]], task: str = "m_arc_ml") -> Path:
    """As lm-eval itself writes it."""
    tracker = EvaluationTracker(output_path=str(folder))
    tracker.date_id = "2026-11-29T12-00-00.000000"
    tracker.general_config_tracker.model_name_sanitized = "model"
    tracker.save_results_samples(task_name=task, samples=[dict(each) for each in samples])
    (path,) = folder.rglob(f"samples_{task}_*.jsonl")
    return path


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, Path]:
    arms = {"before": 0} | {str(seed): seed for seed in SEEDS}
    return {
        arm: log(tmp_path / arm, [sample(place, right) for place, right in enumerate(answers(stream))])
        for arm, stream in arms.items()
    }


def call(logs: Mapping[str, Path], out: Path, *more: str) -> int:
    after = [
        word for seed, path in logs.items() if seed != "before" for word in ("--after", f"{seed}={path}")
    ]
    words = ["import", "lm-eval", "--adapter", "ml", "--before", str(logs["before"]), *after]
    return cli.exit_code_of([*words, "--by", "a laboratory", "--on", "2026-11-29", "--out", str(out), *more])


def stored(folder: Path, right: Sequence[float]) -> Path:
    rows = [
        ItemOutcome(
            benchmark="arc",
            language="ml",
            document_id=f"q{place}",
            document_hash=f"d{place}",
            prompt_hash=f"p{place}",
            target_hash="t",
            acc=0.0,
            acc_norm=score,
            shots=0,
        )
        for place, score in enumerate(right)
    ]
    folder.mkdir(parents=True)
    write_table(folder, ItemOutcome, rows)
    return folder


def run_of(folder: Path) -> BaseRun:
    """The stage's view of the same answers."""
    languages = tuple(language for language in STUDY.languages if language.code in {"en", "ml"})
    inputs = {f"benchmarks/{code}": stored(folder / code, answers(0)) for code in ("en", "ml")}
    for seed in SEEDS:
        for code in ("en", "ml"):
            inputs[f"benchmarks-tuned/ml/seed-{seed}/{code}"] = stored(
                folder / f"{code}-{seed}", answers(seed)
            )
        (folder / f"adapter-{seed}").mkdir()
        inputs[f"adapters/ml/seed-{seed}"] = folder / f"adapter-{seed}"
    return BaseRun(
        inputs=inputs,
        languages=languages,
        benchmarks=tuple(each for each in STUDY.benchmarks if each.name == "arc"),
        layers=tuple(range(26)),
        specification=STUDY.primary,
        adapter_seeds=SEEDS,
    )


def test_value_and_error_are_those_of_a_run_to_the_last_digit(logs: dict[str, Path], tmp_path: Path) -> None:
    assert call(logs, tmp_path / "mine.json") == 0
    imported = audit_input(read_declaration(tmp_path / "mine.json"), STUDY, CLAIMS).measurements
    base = run_of(tmp_path / "run")
    made = [*accuracies(base), *deltas(base)]
    own = measurements_of(
        STUDY,
        stored_in_memory([each.estimate for each in made], [row for each in made for row in each.units]),
        CLAIMS,
    )
    names = {name for name, _ in imported}
    assert {
        "delta/lang=ml/bench=arc/primary/primary",
        "relative-delta/lang=ml/bench=arc/relative/primary",
    } <= names
    for name in names:
        for inference in InferenceTarget:
            one, other = imported[name, inference], own[name, inference]
            assert (one.value, one.spread, one.one_run_sd, one.num_units, one.num_seeds) == (
                other.value,
                other.spread,
                other.one_run_sd,
                other.num_units,
                other.num_seeds,
            )


def test_the_declaration_is_judged(
    logs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(logs, tmp_path / "mine.json") == 0
    assert f"harness audit {tmp_path / 'mine.json'}" in capsys.readouterr().out
    code = cli.exit_code_of(
        ["audit", str(tmp_path / "mine.json"), "--out", str(tmp_path / "out"), "--fail-on", "never"]
    )
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (code, [each["id"] for each in report["claims"] if each["verdict"] == "ERROR"]) in (
        (0, []),
        (11, []),
    )
    claim = next(each for each in report["claims"] if each["id"] == "bench.ml.arc.value")
    # Too few of the benchmark's questions were asked: a verdict is not for sale.
    assert (claim["verdict"], claim["reason"]) == ("INCONCLUSIVE", "too-few-units")


def test_other_rows_of_a_filtered_task_are_passed_over(tmp_path: Path, logs: dict[str, Path]) -> None:
    samples = [sample(place, right) for place, right in enumerate(answers(0))]
    both = [*samples, *(each | {"filter": "strict-match", "acc_norm": 1.0} for each in samples)]
    plain = json.loads(_declared(logs, tmp_path / "plain.json"))
    filtered = json.loads(
        _declared(logs | {"before": log(tmp_path / "filtered", both)}, tmp_path / "filtered.json")
    )
    assert plain == filtered


def _declared(logs: Mapping[str, Path], out: Path) -> str:
    assert call(logs, out) == 0
    return out.read_text(encoding="utf-8")


def every(**other: object) -> list[dict[str, Any]]:
    return [sample(place, right, **other) for place, right in enumerate(answers(1))]


@pytest.mark.parametrize(
    ("samples", "task", "says"),
    [
        (every()[1:], "m_arc_ml", "1 documents stand in one arm alone, such as 'q0'"),
        (every(prompt_hash="other"), "m_arc_ml", "37 documents were prompted otherwise"),
        (every(doc_hash="other"), "m_arc_ml", "37 documents have one id and another text"),
        (every(acc_norm=0.5), "m_arc_ml", "expected 0 or 1"),
        ([*every(), sample(0, 1.0)], "m_arc_ml", "answers document 'q0' again"),
        ([{"doc_id": 0}], "m_arc_ml", "is no answered question"),
        (every(doc={"text": "?"}), "m_arc_ml", "is no answered question"),
        ([], "m_arc_ml", "holds no answered question"),
        (every(), "m_arc_xx", "its name says no task of sin2025"),
        (every(), "m_arc_hi", "--before has, and --after 1 lacks, a log of arc in ml"),
    ],
)
def test_arms_that_do_not_belong_together_are_refused(  # noqa: PLR0917
    logs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    samples: list[dict[str, Any]],
    task: str,
    says: str,
) -> None:
    path = tmp_path / "odd" / f"samples_{task}.jsonl"
    path.parent.mkdir()
    path.write_text("".join(f"{json.dumps(each)}\n" for each in samples), encoding="utf-8")
    assert call(logs | {"1": path}, tmp_path / "mine.json") == 4
    assert says in capsys.readouterr().err
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"doc_id": 0', "is no JSON"),
        (b"\xff", "no text in UTF-8"),
        (b"[]\n", "no JSON object"),
        (None, "cannot read"),
    ],
)
def test_a_file_that_is_no_log_is_refused(
    logs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    says: str,
) -> None:
    path = tmp_path / "samples_m_arc_ml.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert call(logs | {"1": path}, tmp_path / "mine.json") == 4
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--adapter", "es"), "unknown adapter 'es'"),
        (("--after", "one=x.jsonl"), "expected SEED=FILE"),
        (("--study", "sin2024"), "sin2024"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    logs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    says: str,
) -> None:
    assert call(logs, tmp_path / "mine.json", *more) == 4
    assert says in capsys.readouterr().err


SUBJECTS = ("anatomy", "law", "music", "physics")


def in_mmlu(folder: Path, stream: int, place_of: str) -> Path:
    """Questions of MMLU, all of a subject answered alike, so that a subject is one observation."""
    right = np.random.default_rng(stream).permutation([0.0, 0.0, 1.0, 1.0])
    samples = [
        sample(
            number,
            0.0,
            acc=right[number % 4],
            doc={"id": f"{SUBJECTS[number % 4]}/test/{number}"}
            if place_of == "id"
            else {"id": number, place_of: SUBJECTS[number % 4]},
        )
        for number in range(40)
    ]
    return log(folder, samples, "m_mmlu_ml")


@pytest.mark.parametrize(
    ("place_of", "said"), [("id", "subject"), ("subject", "subject"), ("field", "field")]
)
def test_questions_of_a_subject_count_as_one_where_they_are_said_to_vary_together(
    tmp_path: Path, place_of: str, said: str
) -> None:
    logs = {
        arm: in_mmlu(tmp_path / arm, stream, place_of)
        for arm, stream in ({"before": 0} | {str(seed): seed for seed in SEEDS}).items()
    }
    assert call(logs, tmp_path / "alone.json") == 0
    assert call(logs, tmp_path / "mine.json", "--cluster-by", f"mmlu={said}") == 0
    rows = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["measurements"][0]["unit_values"]
    assert {(row["unit"].rpartition("/")[2], row["cluster"]) for row in rows} == {
        (str(number), SUBJECTS[number % 4]) for number in range(40)
    }
    spreads = []
    for name in ("alone.json", "mine.json"):
        found = audit_input(read_declaration(tmp_path / name), STUDY, CLAIMS).measurements
        accuracy = found["delta/lang=ml/bench=mmlu/primary/primary", InferenceTarget.POPULATION]
        spreads.append(accuracy.spread)
    alone, together = (spread.se for spread in spreads)
    # Forty questions that are four observations: the variance of the mean is 1/3 of that of a subject, and was 1/39.
    assert together / alone == pytest.approx(13**0.5)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            "arc=subject",
            "has subject None; --cluster-by needs text or a whole number in every question; it has id",
        ),
        ("ark=subject", "unknown benchmark 'ark'; allowed: arc, hellaswag, mmlu; did you mean 'arc'?"),
        ("subject", "--cluster-by subject: expected BENCHMARK=FIELD"),
    ],
)
def test_a_field_that_questions_lack_is_refused(
    logs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, says: str
) -> None:
    assert call(logs, tmp_path / "mine.json", "--cluster-by", said) == 4
    assert says in capsys.readouterr().err
    assert not (tmp_path / "mine.json").exists()
