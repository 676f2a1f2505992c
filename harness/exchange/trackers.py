"""A run in an experiment tracker: its parameters, estimates with intervals, verdicts, and the page, through MLflow or Weights & Biases."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.exchange.frames import JudgedNumber, MeasuredEstimate, Setting, rows_of
from harness.report.writer import load_report
from harness.store.files import disk_errors, require_folder
from harness.store.run_folder import PAGE_FILE
from harness.words.errors import UsageError

Told = TypeVar("Told", str, float)

PROJECT = "replications"
"""Experiment of MLflow, and project of Weights & Biases, that runs stand in."""

RUN_TAG = "replication-run"
"""Tag by which a run is known again."""

AT_ONCE = 100
"""Parameters or tags that MLflow takes in one call; of numbers it takes ten times as many."""


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """What a tracker is told of a run, by names that every tracker takes."""

    run: str
    parameters: Mapping[str, str]
    """What was asked for, and what the run met."""
    numbers: Mapping[str, float]
    """Every estimate, with the ends of its interval that decides."""
    verdicts: Mapping[str, str]
    """State and reason of every claim."""
    page: Path


def tracked(run: Path) -> Tracked:
    """What a stored run has for a tracker.

    Raises:
        UsageError: If it has no report.
    """
    report = load_report(run)
    rows = rows_of(report)
    settings: list[Setting] = list(rows[Setting])
    estimates: list[MeasuredEstimate] = list(rows[MeasuredEstimate])
    judged: list[JudgedNumber] = list(rows[JudgedNumber])
    return Tracked(
        run=report.run.id,
        parameters={_name(f"{each.part}/{each.name}"): each.value for each in settings},
        numbers={
            _name(f"{each.estimate_id}/{what}"): number
            for each in estimates
            for what, number in (
                ("value", each.value_in_unit),
                ("ci90_low", each.ci90_low_in_unit),
                ("ci90_high", each.ci90_high_in_unit),
            )
            if number is not None
        },
        verdicts={
            _name(f"verdict/{each.study}/{each.claim_id}"): f"{each.claim_verdict} ({each.claim_reason})"
            for each in judged
        },
        page=run / PAGE_FILE,
    )


def _name(text: str) -> str:
    """A name that every tracker takes: other signs than letters, digits and `_-./ ` become dots."""
    return "".join(sign if sign.isalnum() or sign in "_-./ " else "." for sign in text)


def to_mlflow(told: Tracked, uri: str) -> str:
    """Log a run to a tracking server or store of MLflow.

    Returns:
        Id of the run there.

    Raises:
        UsageError: If MLflow is not installed, the address cannot be used, or the run stands there already.
    """
    try:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise _not_installed("--mlflow", "mlflow", error) from error
    try:
        client = MlflowClient(uri)
        known = client.get_experiment_by_name(PROJECT)
        experiment = known.experiment_id if known else client.create_experiment(PROJECT)
        if client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{told.run}' and status = 'FINISHED'"):
            raise UsageError(f"{uri} has the run {told.run} already; a run is logged once")
        made = client.create_run(experiment, run_name=told.run, tags={RUN_TAG: told.run}).info
        for parameters in _parts(told.parameters, AT_ONCE):
            client.log_batch(made.run_id, params=[Param(*each) for each in parameters])
        for verdicts in _parts(told.verdicts, AT_ONCE):
            client.log_batch(made.run_id, tags=[RunTag(*each) for each in verdicts])
        for numbers in _parts(told.numbers, 10 * AT_ONCE):
            client.log_batch(
                made.run_id,
                metrics=[Metric(name, value, made.start_time, 0) for name, value in numbers],
            )
        client.log_artifact(made.run_id, str(told.page))
        client.set_terminated(made.run_id)
    except ImportError as error:
        raise UsageError(
            f"MLflow cannot log to {uri}: a database takes packages that the extra has not ({error.name or error}); name a tracking server, "
            "or a folder as file:STORE with MLFLOW_ALLOW_FILE_STORE=true"
        ) from error
    except MlflowException as error:
        raise UsageError(f"MLflow cannot log to {uri}: {error}") from error
    return str(made.run_id)


def _parts(told: Mapping[str, Told], size: int) -> Iterator[list[tuple[str, Told]]]:
    pairs = list(told.items())
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def to_wandb(told: Tracked, folder: Path) -> Path:
    """Log a run to a folder that Weights & Biases can take up later; nothing is sent anywhere.

    Returns:
        Folder of the run, for `wandb sync`.

    Raises:
        UsageError: If it is not installed, or the folder cannot be one.
    """
    try:
        import wandb
    except ImportError as error:
        raise _not_installed("--wandb-offline", "wandb", error) from error
    require_folder(folder)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # Nothing of this machine but what the report says of it: no watching of the processor, no copy of code.
    quiet = wandb.Settings(
        mode="offline", silent=True, console="off", disable_git=True, disable_code=True,
        x_disable_stats=True, x_disable_meta=True, x_disable_machine_info=True,
    )  # fmt: skip
    with _staged_in(folder):
        run = wandb.init(
            project=PROJECT,
            name=told.run,
            id=told.run,
            dir=str(folder),
            config=dict(told.parameters),
            settings=quiet,
        )
        run.summary.update({**told.numbers, **told.verdicts})
        page = wandb.Artifact(f"report-{told.run}", type="report")
        page.add_file(str(told.page))
        run.log_artifact(page)
        run.finish()
    return Path(run.dir).parent


@contextmanager
def _staged_in(folder: Path) -> Iterator[None]:
    """Has wandb keep what it will send below the folder itself, and not in a home that the folder may leave."""
    names = ("WANDB_DATA_DIR", "WANDB_CACHE_DIR")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(folder.absolute())))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _not_installed(option: str, extra: str, error: ImportError) -> UsageError:
    return UsageError(
        f"{option} needs the package {error.name or extra}, which is not here; pip install 'replication-harness[{extra}]'"
    )
