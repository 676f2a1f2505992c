"""The folder of one run: which files it holds, and the records that its processes leave there."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from harness.store.files import disk_errors, write_json
from harness.store.provenance import now, peak_accelerator_bytes, peak_memory_bytes
from harness.words.canonical import plain
from harness.words.errors import DamagedArtifactError, MemoryShortError, Reason, StoreError, UsageError
from harness.words.plan import Part, Work
from harness.words.runfacts import ArtifactRecord

Record = TypeVar("Record")

REPORT_FILE, PAGE_FILE, SUMMARY_FILE, JUNIT_FILE = "report.json", "report.html", "summary.md", "junit.xml"
"""What the report of a run is written to; the first is all that the others are made from."""

EXECUTION_FILE = "execution.json"
"""Clock, host and attempts."""

HOST_ERRORS = {MemoryShortError.__name__, StoreError.__name__}
"""Classes of exceptions that tell of a host and not of a stage."""


@dataclass(frozen=True, kw_only=True)
class StageFailure:
    """The last thing a stage said before it ended."""

    stage: str
    item: str
    kind: str
    """Class of the exception."""
    message: str
    exit_code: int
    reason: str | None
    """Why nothing could be measured; None when something broke."""
    traceback: str

    @property
    def is_damage(self) -> bool:
        """True when the stage stumbled over a damaged artifact, which can be made again."""
        return self.kind == DamagedArtifactError.__name__

    @property
    def is_of_its_host(self) -> bool:
        """True when another host, or a later hour, may do better: memory, disk, network or accelerator were short there."""
        return self.kind in HOST_ERRORS or self.reason in {Reason.NO_ACCELERATOR, Reason.NO_NETWORK}


@dataclass(frozen=True, kw_only=True)
class RanOn:
    """Where one process of a stage ran."""

    host: str
    accelerator: str | None
    """As its driver names it; None where there is none, or the stage wants none."""
    job: str | None
    """Its number in SLURM's queue; None where it is no job of SLURM."""
    queued_seconds: float | None = None
    """From when that job was sent until the process could work; None where nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened to a stage; only the execution record and the progress display read it."""

    stage: str
    what: str
    """"started", "made", "found" or "ended"."""
    item: str
    at: str
    wall_seconds: float
    """Seconds since the stage started."""
    cpu_seconds: float
    """Processor seconds of the stage's process so far."""
    peak_memory_bytes: int = 0
    """The most memory that the stage's process has held so far."""
    peak_accelerator_bytes: int = 0
    """The most accelerator memory that it has set aside so far."""
    work: Work = field(default_factory=Work)
    """What passed through its networks for the item."""
    ran_on: "RanOn | None" = None
    """Where a process that "started" runs."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """Paths and records of one run."""

    root: Path

    @property
    def lock(self) -> Path:
        """Kernel lock of whoever works on the run."""
        return self.root / ".engine" / "run.lock"

    @property
    def engine(self) -> Path:
        """Private folder of the scheduler."""
        return self.root / ".engine"

    @property
    def log(self) -> Path:
        """Everything that the scheduler and the stages print."""
        return self.root / "run.log"

    @property
    def execution(self) -> Path:
        """Clock, host and attempts."""
        return self.root / EXECUTION_FILE

    def index(self, stage: str) -> Path:
        """Names the artifacts of a finished stage."""
        return self.root / "stages" / f"{stage}.json"

    def failure(self, stage: str, part: Part | None = None) -> Path:
        """What a failed stage, or a part of one, said last."""
        return self.root / "errors" / f"{_process(stage, part)}.json"

    def write_index(self, stage: str, records: tuple[ArtifactRecord, ...]) -> None:
        """Publish a stage: all of its artifacts stand."""
        write_json(self.index(stage), plain({"stage": stage, "items": records}))

    def read_index(self, stage: str) -> tuple[ArtifactRecord, ...] | None:
        """Artifacts that a stage published; None if it did not, or the file is not readable."""
        try:
            content = json.loads(self.index(stage).read_text(encoding="utf-8"))
            return tuple(ArtifactRecord(**entry) for entry in content["items"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write_failure(self, failure: StageFailure, part: Part | None = None) -> None:
        """Leave word of why a stage ended."""
        write_json(self.failure(failure.stage, part), plain(failure))

    def read_failures(self) -> Iterator[StageFailure]:
        """What failed stages said, by name of the stage; a word that a power cut tore is none."""
        for path in sorted((self.root / "errors").glob("*.json")):
            if failure := _read(StageFailure, path.read_bytes()):
                yield failure

    def forget_failures(self) -> None:
        """What earlier attempts said is not what this one will say."""
        for path in (self.root / "errors").glob("*.json"):
            path.unlink(missing_ok=True)

    def logs(self, stage: str) -> Mapping[str, tuple[Event, ...]]:
        """What happened to a stage in this folder so far, attempts one after another, by the part that wrote it down.

        Torn lines are passed over.
        """
        folder = self.root / "events"
        paths = [*sorted(folder.glob(f"{stage}.part-*.jsonl")), folder / f"{stage}.jsonl"]
        return {
            path.stem: tuple(
                event for line in path.read_bytes().splitlines() if (event := _read(_event, line))
            )
            for path in paths
            if path.exists()
        }

    def events(self, stage: str) -> tuple[Event, ...]:
        """The same in one row."""
        return tuple(chain.from_iterable(self.logs(stage).values()))

    def event_log(self, stage: str, part: Part | None = None) -> "EventLog":
        """Opens the record of events of a stage, or of a part of one."""
        path = self.root / "events" / f"{_process(stage, part)}.jsonl"
        return EventLog(stage=stage, path=path, start=time.monotonic())


def _process(stage: str, part: Part | None) -> str:
    """What files of one process of a stage are called."""
    return f"{stage}.part-{part.number}-of-{part.of}" if part else stage


def _event(work: Mapping[str, int], ran_on: Mapping[str, Any] | None = None, **rest: Any) -> Event:  # noqa: ANN401  what stands in a line
    return Event(work=Work(**work), ran_on=RanOn(**ran_on) if ran_on else None, **rest)


def _read(kind: Callable[..., Record], text: bytes) -> Record | None:
    """One record of its JSON; None where a power cut tore it."""
    try:
        return kind(**json.loads(text))
    except (ValueError, TypeError):
        return None


def read_record(run: Path, file: str) -> Any:  # noqa: ANN401  whoever asks knows its shape
    """The JSON of a file of a finished run.

    Raises:
        UsageError: If the run has none, or it is no JSON.
    """
    try:
        return json.loads((run / file).read_text(encoding="utf-8"), parse_constant=_no_number)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(
            f"{run} holds no {file}; name the folder of a finished run, one of reports/"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{run / file} is no JSON ({error}); run 'harness reproduce' again to write it anew"
        ) from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def named_keys(reports: Path) -> frozenset[str]:
    """Keys of every artifact that some run below a folder names."""
    runs = {path.parent.parent for path in reports.glob("**/stages/*.json")}
    indexes = (
        RunFolder(root=run).read_index(path.stem) for run in runs for path in run.glob("stages/*.json")
    )
    return frozenset(record.key for records in indexes for record in records or ())


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """Appends what happens to one stage."""

    stage: str
    path: Path
    start: float

    def note(self, what: str, item: str = "", work: Work | None = None, ran_on: RanOn | None = None) -> None:
        """One line, written at once, so that a killed process leaves all that went before."""
        event = Event(
            stage=self.stage,
            what=what,
            item=item,
            at=now(),
            wall_seconds=round(time.monotonic() - self.start, 3),
            cpu_seconds=round(time.process_time(), 3),
            peak_memory_bytes=peak_memory_bytes(),
            peak_accelerator_bytes=peak_accelerator_bytes(),
            work=work or Work(),
            ran_on=ran_on,
        )
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                # A line that a power cut tore would take the first one of the next process with it.
                stream.write(("\n" if what == "started" else "") + json.dumps(asdict(event)) + "\n")
