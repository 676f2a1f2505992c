"""A run stands in MLflow and Weights & Biases as its report tells it, in real stores that are read back."""

import builtins
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.exchange.trackers import PROJECT, tracked
from harness.report.writer import load_report
from harness.store.run_folder import PAGE_FILE

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"


def call(*more: str) -> int:
    return cli.exit_code_of(["export", str(EXAMPLE), *more])


def test_what_trackers_are_told_is_what_the_report_holds() -> None:
    report, told = load_report(EXAMPLE), tracked(EXAMPLE)
    finite = [each for each in report.measurements if each.value is not None]
    assert sum(name.endswith("/value") for name in told.numbers) == len(finite) > 100
    gap = next(each for each in finite if each.id == "gap/layer=6/high/primary")
    assert told.numbers["gap/layer.6/high/primary/value"] == gap.value
    assert gap.precision is not None
    ends = tuple(told.numbers[f"gap/layer.6/high/primary/{end}"] for end in ("ci90_low", "ci90_high"))
    assert ends == gap.precision.ci90
    assert len(told.verdicts) == len((*report.claims, *report.checking_claims))
    assert told.parameters["run/run"] == report.run.id


def test_mlflow_gives_back_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = f"file:{tmp_path / 'store'}"
    assert call("--mlflow", uri) == 0
    client, told = MlflowClient(uri), tracked(EXAMPLE)
    experiment = client.get_experiment_by_name(PROJECT)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == told.parameters
    assert run.data.metrics == told.numbers
    assert {name: run.data.tags[name] for name in told.verdicts} == told.verdicts
    assert run.info.status == "FINISHED"
    page = client.download_artifacts(run.info.run_id, PAGE_FILE, str(tmp_path))
    assert Path(page).read_bytes() == (EXAMPLE / PAGE_FILE).read_bytes()
    assert run.info.run_id in capsys.readouterr().out

    assert call("--mlflow", uri) == 4
    assert "already; a run is logged once" in capsys.readouterr().err
    assert len(client.search_runs([experiment.experiment_id])) == 1


def records(path: Path) -> Iterator[Any]:
    """What an offline run holds: blocks of 32 KiB with checked pieces of records, behind a head of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, pieces = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        room = 32_768 - place % 32_768
        if room < 7:
            place += room
            continue
        _, size, kind = struct.unpack("<IHB", content[place : place + 7])
        if not kind:
            return
        pieces += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in {1, 4}:
            yield Record.FromString(pieces)
            pieces = b""


def test_an_offline_folder_of_wandb_holds_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    assert call("--wandb-offline", str(tmp_path / "offline")) == 0
    assert "WANDB_DATA_DIR" not in os.environ
    told = tracked(EXAMPLE)
    (log,) = (tmp_path / "offline").rglob(f"run-{told.run}.wandb")
    assert f"wandb sync {log.parent}" in capsys.readouterr().out
    config, summary, manifests = {}, {}, []
    for record in records(log):
        found = record.WhichOneof("record_type")
        if found == "run":
            config |= {each.key: json.loads(each.value_json) for each in record.run.config.update}
        if found == "summary":
            keys = ("/".join(each.nested_key) or each.key for each in record.summary.update)
            values = (json.loads(each.value_json) for each in record.summary.update)
            summary |= dict(zip(keys, values, strict=True))
        if found in {"artifact", "request"}:
            manifests.append(str(record))
    assert {name: config[name] for name in told.parameters} == told.parameters
    assert {name: summary[name] for name in told.numbers} == told.numbers
    assert {name: summary[name] for name in told.verdicts} == told.verdicts
    assert any(PAGE_FILE in each for each in manifests)
    page = (EXAMPLE / PAGE_FILE).read_bytes()
    kept = [path for path in (tmp_path / "offline").rglob("*") if path.is_file()]
    assert any(path.read_bytes() == page for path in kept), "the page itself lies in the folder"


@pytest.mark.parametrize(("option", "extra"), [("--mlflow", "mlflow"), ("--wandb-offline", "wandb")])
def test_without_the_extra_one_error_names_it(
    option: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = builtins.__import__

    def without(name: str, *more: Any, **rest: Any) -> Any:
        if name.partition(".")[0] == extra:
            raise ImportError(f"No module named {extra!r}", name=extra)
        return own(name, *more, **rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert call(option, str(tmp_path / "there")) == 4
    assert f"pip install 'replication-harness[{extra}]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say --format with --out, --mlflow or --wandb-offline"),
        (("--format", "csv"), "--format and --out go together"),
        (("--out", "x"), "--format and --out go together"),
        (("--mlflow", "sqlite:///no-such-folder/x.db"), "a database takes packages that the extra has not"),
        (("--mlflow", "no-such-kind://x"), "MLflow cannot log to no-such-kind://x"),
    ],
)
def test_what_is_asked_wrongly_is_one_error(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*words) == 4
    assert says in capsys.readouterr().err
