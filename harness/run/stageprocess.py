"""One stage in one process: makes what is missing, finds what stands, publishes the index."""

import gc
import logging
import os
import platform
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.models.work import METER
from harness.run.artifacts import Recipes, record_of
from harness.run.cluster import JOB_VARIABLE, queued_seconds
from harness.stages.stage import computes_with_torch, perform
from harness.store.files import failure_message, require_folder
from harness.store.provenance import accelerator_name, require_accelerator, set_determinism, set_threads
from harness.store.run_folder import EventLog, RanOn, RunFolder, StageFailure
from harness.store.store import Artifact, Store
from harness.words.errors import MemoryShortError, MissingArtifactError, NotJudgedError, failure_code
from harness.words.plan import Item, Part, Plan, Stage
from harness.words.runfacts import ArtifactRecord

log = logging.getLogger(__name__)


@dataclass
class StageProcess:
    """A stage at work."""

    plan: Plan
    stage: Stage
    store: Store
    recipes: Recipes
    run: RunFolder
    events: EventLog
    part: Part | None = None
    """The part of the stage that this process makes; None makes all of it."""
    device: str = "cpu"
    """Where its networks run: asked for where something is to be made, and not where all of it is found."""
    item: str = field(default="", init=False)
    """What it is working on, for the error."""

    def make(self) -> tuple[ArtifactRecord, ...]:
        """Every item of the stage, made or found."""
        set_threads(self.plan.profile.sizes.threads)
        self.events.note("started", ran_on=self._place())
        items = self.part.items(self.stage) if self.part else self.stage.items
        records = tuple(record_of(self._produced(item)) for item in items)
        self.events.note("ended")
        return records

    def _place(self) -> RanOn:
        wants_accelerator = self.stage.uses_model and self.device != "cpu"
        return RanOn(
            host=platform.node(),
            accelerator=accelerator_name() if wants_accelerator else None,
            job=os.environ.get(JOB_VARIABLE),
            queued_seconds=queued_seconds(),
        )

    def _produced(self, item: Item) -> Artifact:
        self.item, made, before = item.name, [], METER.so_far()
        inputs = {role: self._input(need) for role, need in item.needs}

        def make(out: Path) -> None:
            made.append(item.name)
            log.info("making %s %s", item.stage, item.name)
            if self.stage.uses_model:
                require_accelerator(self.device)
                if computes_with_torch(self.stage):
                    set_determinism(self.plan.profile.sizes.threads)
            folders = {role: artifact.folder for role, artifact in inputs.items()}
            # Libraries and models are a million objects that stay: not walked through again for every few thousand rows.
            gc.freeze()
            with _naming_short_memory(item):
                perform(item, folders, out)

        artifact = self.store.produce(self.recipes.recipe(item, inputs), make)
        self.events.note("made" if made else "found", item.name, METER.so_far() - before)
        return artifact

    def _input(self, need: Item) -> Artifact:
        key = self.recipes.key(need)
        if os.environ.get(JOB_VARIABLE) and key in {
            record.key for record in self.run.read_index(need.stage) or ()
        }:
            # It is published, on another host perhaps.
            self.store.wait_for(need.stage, key)
        try:
            return self.store.get(need.stage, key)
        except MissingArtifactError as error:
            raise MissingArtifactError(
                f"{self.stage.name} {self.item} needs {need.stage} {need.name}, which is not in {self.store.root}; "
                f"run 'harness stage {need.stage}' first, or 'harness reproduce' for all of it"
            ) from error


def run_stage(
    plan: Plan, name: str, store: Store, run: RunFolder, part: Part | None = None, *, device: str = "cpu"
) -> None:
    """Make one stage of a plan and publish its index in the run's folder; of a part of it, nothing is published.

    Raises:
        HarnessError: If it cannot be made; the run's folder then says why.
    """
    recipes = Recipes(plan=plan)
    process = StageProcess(
        plan=plan,
        stage=plan.stage(name),
        store=store,
        recipes=recipes,
        run=run,
        events=run.event_log(name, part),
        part=part,
        device=device,
    )
    for folder in (run.root, store.root):
        require_folder(folder)
    with leaving_word(run, name, part, item=lambda: process.item):
        store.note_run(run.root)
        records = process.make()
        if part is None:
            run.write_index(name, records)


@contextmanager
def _naming_short_memory(item: Item) -> Iterator[None]:
    """Batches that decide numbers are never made smaller on the quiet: where one does not fit, it is said what would help."""
    try:
        yield
    except RuntimeError as error:
        from harness.models.batches import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        raise MemoryShortError(
            f"{item.stage} {item.name} does not fit into memory ({str(error).splitlines()[0]}); the size of its batches is "
            "part of the registered study. Use a device with more memory, or free what other programs hold of it, and run "
            "the same command again: what is finished is kept"
        ) from error


@contextmanager
def leaving_word(
    run: RunFolder, stage: str, part: Part | None = None, item: Callable[[], str] = lambda: ""
) -> Iterator[None]:
    """Writes down why a stage failed, for whoever started it, and lets the failure pass; what failed before is forgotten.

    Args:
        run: Where.
        stage: Which.
        part: Which part of it.
        item: Says what it was working on.
    """
    run.failure(stage, part).unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        run.write_failure(
            StageFailure(
                stage=stage,
                item=item(),
                kind=type(error).__name__,
                message=failure_message(error),
                exit_code=failure_code(error),
                reason=error.reason if isinstance(error, NotJudgedError) else None,
                traceback=traceback.format_exc(),
            ),
            part,
        )
        raise
