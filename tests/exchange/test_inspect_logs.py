"""Logs of Inspect become the declaration that the same answers in lm-eval's logs become, or one clear error."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.judge.audit_input import audit_input
from harness.judge.declaration import read_declaration
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.words.claim import InferenceTarget
from tests.exchange import test_lm_eval as others

DELTA = "delta/lang=ml/bench=arc/primary/primary", InferenceTarget.POPULATION
ARMS = {"before": 0} | {str(seed): seed for seed in others.SEEDS}


def sample(number: int, value: object, epoch: int = 1, **other: object) -> dict[str, Any]:
    """As Inspect writes one; a message's id is another one in every run."""
    settled: dict[str, Any] = {
        "id": f"q{number}",
        "epoch": epoch,
        "input": f"question {number}",
        "choices": ["yes", "no"],
        "target": "A",
        "messages": [
            {"id": f"m{epoch}{value}", "role": "user", "content": f"question {number}"},
            {"id": "a", "role": "assistant", "content": "A"},
        ],
        "scores": {"choice": {"value": value, "answer": "A"}},
        "metadata": {},
    }
    return settled | other


def header(**other: object) -> dict[str, Any]:
    return {"version": 2, "status": "success", "eval": {"task": "m_arc_ml", "model": "m"}, **other}


def as_json(path: Path, samples: Sequence[Mapping[str, Any]], **other: object) -> Path:
    path = path.with_suffix(".json")
    path.write_text(json.dumps({**header(**other), "samples": samples}), encoding="utf-8")
    return path


def as_eval(path: Path, samples: Sequence[Mapping[str, Any]], **other: object) -> Path:
    path = path.with_suffix(".eval")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", json.dumps(header(**other)))
        packed.writestr("summaries.json", "[]")
        for each in samples:
            # A member's name says nothing that the sample does not say itself.
            packed.writestr(f"samples/{len(packed.namelist())}_epoch_1.json", json.dumps(each))
    return path


def answered(stream: int, epoch: int = 1) -> list[dict[str, Any]]:
    return [
        sample(number, "C" if right else "I", epoch) for number, right in enumerate(others.answers(stream))
    ]


@pytest.fixture
def logs(tmp_path: Path) -> dict[str, Path]:
    write = {"before": as_eval, "1": as_json, "2": as_eval, "3": as_json}
    return {arm: write[arm](tmp_path / arm, answered(stream)) for arm, stream in ARMS.items()}


def call(logs: Mapping[str, Path], out: Path, *more: str) -> int:
    after = [
        word for seed, path in logs.items() if seed != "before" for word in ("--after", f"{seed}={path}")
    ]
    words = ["import", "inspect", "--adapter", "ml", "--before", str(logs["before"]), *after]
    return cli.exit_code_of([*words, "--by", "a laboratory", "--on", "2026-11-29", "--out", str(out), *more])


def declared(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return content


def test_the_same_answers_make_the_declaration_that_lm_eval_s_logs_make(
    logs: dict[str, Path], tmp_path: Path
) -> None:
    assert call(logs, tmp_path / "mine.json") == 0
    theirs = {
        arm: others.log(
            tmp_path / f"lm-{arm}",
            [others.sample(place, right) for place, right in enumerate(others.answers(stream))],
        )
        for arm, stream in ARMS.items()
    }
    assert others.call(theirs, tmp_path / "theirs.json") == 0
    assert declared(tmp_path / "mine.json") == declared(tmp_path / "theirs.json")


def test_epochs_of_a_question_vary_together(logs: dict[str, Path], tmp_path: Path) -> None:
    """Three epochs of the same outcomes say no more than one."""
    twice = {
        arm: as_eval(
            tmp_path / f"epochs-{arm}", [row for epoch in (1, 2, 3) for row in answered(stream, epoch)]
        )
        for arm, stream in ARMS.items()
    }
    study, claims = load_study("sin2025"), load_claims("sin2025")
    found = []
    for name, arms in (("one", logs), ("three", twice)):
        assert call(arms, tmp_path / f"{name}.json") == 0
        found.append(
            audit_input(read_declaration(tmp_path / f"{name}.json"), study, claims).measurements[DELTA]
        )
    one, three = found
    assert (three.num_units, three.value) == (3 * one.num_units, pytest.approx(one.value))
    assert three.spread.se == pytest.approx(one.spread.se)


Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("change", "other", "says"),
    [
        (lambda rows: rows[1:], {}, "1 documents stand in one arm alone, such as 'q0'"),
        (lambda rows: [*rows, rows[0]], {}, "answers 'q0' again"),
        (lambda rows: [row | {"target": "B"} for row in rows], {}, "37 documents have one id and another text"),
        (lambda rows: [row | {"messages": []} for row in rows], {}, "37 documents were prompted otherwise"),
        (lambda rows: [*rows[1:], sample(0, "P")], {}, "has choice 'P'; expected right or wrong"),
        (lambda rows: [*rows[1:], sample(0, 0.5)], {}, "has choice 0.5; expected right or wrong"),
        (lambda rows: [*rows[1:], sample(0, float("nan"))], {}, "was not scored by choice"),
        (lambda rows: [*rows[1:], sample(0, "C", scores={})], {}, "has no score"),
        (lambda rows: [*rows[1:], sample(0, "C", error={"message": "boom"})], {}, "ended in an error"),
        (lambda rows: [*rows[1:], sample(0, "C", id=None)], {}, "has id None"),
        (lambda rows: [*rows[1:], sample(0, "C", scores={"a": {"value": "C"}, "b": {"value": "I"}})], {}, "name one with --scorer"),
        (lambda _: [], {}, "holds no sample"),
        (lambda rows: rows, {"status": "cancelled"}, "did not succeed (status 'cancelled')"),
        (lambda rows: rows, {"eval": {"task": "gsm8k"}}, "its task 'gsm8k' is none of sin2025"),
        (lambda rows: rows, {"eval": {}}, "its task 'None' is none of sin2025"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [as_json, as_eval])
def test_what_cannot_be_placed_is_refused_whole(  # noqa: PLR0917
    logs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Change,
    other: dict[str, object],
    says: str,
    write: Callable[..., Path],
) -> None:
    odd = write(tmp_path / "odd", change(answered(1)), **other)
    assert call(logs | {"1": odd}, tmp_path / "mine.json") == 4
    assert says in capsys.readouterr().err
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.json", b'{"version": 2', "is no JSON"),
        ("x.json", b"[]", "is no JSON object"),
        ("x.json", b'{"status": "success", "samples": 3}', "its samples are no list"),
        ("x.eval", b"PK\x03\x04 cut off", "is no JSON"),
        ("x.eval", None, "cannot read"),
    ],
)
def test_a_file_that_is_no_log_is_refused(  # noqa: PLR0917
    logs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    says: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert call(logs | {"1": tmp_path / name}, tmp_path / "mine.json") == 4
    assert says in capsys.readouterr().err


def test_a_packing_that_python_cannot_undo_names_the_way_round(
    logs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another way of packing than deflation: its number stands in both headers of the member."""
    path = as_eval(tmp_path / "strange", [])
    packed = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = packed.find(mark) + offset
        packed[place : place + 2] = (93).to_bytes(2, "little")
    path.write_bytes(bytes(packed))
    assert call(logs | {"1": path}, tmp_path / "mine.json") == 4
    assert "inspect log convert --to json" in capsys.readouterr().err


def test_a_log_of_an_old_version_is_read(logs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "old.eval"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("start.json", json.dumps({"version": 2, "eval": {"task": "arc_ml"}}))
        packed.writestr("results.json", json.dumps({"status": "success"}))
        for each in answered(1):
            packed.writestr(f"samples/{each['id']}_epoch_1.json", json.dumps(each))
    for name, arms in (("new", logs), ("old", logs | {"1": path})):
        assert call(arms, tmp_path / f"{name}.json") == 0
    assert declared(tmp_path / "old.json") == declared(tmp_path / "new.json")


def test_one_of_several_scores_counts_where_it_is_named(logs: dict[str, Path], tmp_path: Path) -> None:
    both = [row | {"scores": {**row["scores"], "length": {"value": 12}}} for row in answered(1)]
    odd = as_eval(tmp_path / "both", both)
    assert call(logs | {"1": odd}, tmp_path / "mine.json") == 4
    assert call(logs, tmp_path / "plain.json") == 0
    assert call(logs | {"1": odd}, tmp_path / "mine.json", "--scorer", "choice") == 0
    assert declared(tmp_path / "mine.json") == declared(tmp_path / "plain.json")


def test_samples_of_a_subject_vary_together_whatever_their_epochs(tmp_path: Path) -> None:
    logs = {}
    for arm, stream in ARMS.items():
        twice = [*answered(stream), *answered(stream + 10, epoch=2)]
        subjects = [{**each, "metadata": {"subject": int(each["id"][1:]) % 3}} for each in twice]
        logs[arm] = as_eval(tmp_path / arm, subjects)
    assert call(logs, tmp_path / "mine.json", "--cluster-by", "arc=subject") == 0
    content = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))
    rows = content["measurements"][0]["unit_values"]
    assert {row["cluster"] for row in rows} == {"0", "1", "2"}
    assert all(row["cluster"] == str(int(row["unit"].split()[0][1:]) % 3) for row in rows)
