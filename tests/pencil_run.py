"""A finished run by pencil: its folder, its store, and tables of a few rows whose counts everybody can add up."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.run.stageprocess import record_of
from harness.store.run_folder import RunFolder
from harness.store.store import Recipe, Store
from harness.store.tables import write_table
from harness.words.canonical import canonical_json
from harness.words.records import AlignmentStep, Text, TextLength, TrainingLoss
from harness.words.runfacts import ArtifactRecord

MACHINE = {"host": "h", "accelerator": "Card, 80 GiB", "processor": "P", "cores": 4}


@dataclass
class PencilRun:
    """A run of the rehearsal that is written down stage by stage."""

    root: Path
    indexes: dict[str, list[ArtifactRecord]] = field(default_factory=lambda: defaultdict(list))

    @property
    def folder(self) -> RunFolder:
        return RunFolder(root=self.root / "run")

    @property
    def store(self) -> Store:
        return Store(self.root / "store")

    def keep(self, stage: str, item: str, *rows: Any, how: str = "made") -> None:
        """An item with the tables that its rows belong to; rows of one kind stand together."""

        def make(out: Path) -> None:
            for kind, each in groupby(rows, type):
                write_table(out, kind, list(each))
            (out / "done.txt").write_text("an artifact holds a file")

        recipe = Recipe(stage=stage, item=item, parameters=canonical_json([stage, item]))
        self.indexes[stage].append(record_of(self.store.produce(recipe, make)))
        self.folder.write_index(stage, tuple(self.indexes[stage]))
        self.folder.event_log(stage).note(how, item)

    def end(self, seconds: dict[str, float], **changes: Any) -> Path:
        """What a run leaves when it ends; gives its folder."""
        content = {
            "study": "sin2025",
            "profile": "rehearsal",
            "attempts": [{"machine": MACHINE}],
            "stages": [{"stage": stage, "wall_seconds": took} for stage, took in seconds.items()],
        }
        mode = changes.pop("mode", "rehearsal")
        self.root.joinpath("run").mkdir(exist_ok=True)
        self.folder.execution.write_text(json.dumps(content | changes))
        (self.folder.root / "report.json").write_text(json.dumps({"mode": mode}))
        return self.folder.root


def lengths(*tokens: int) -> list[TextLength]:
    """Tokens of text 0, 1, ... besides BOS."""
    return [TextLength(text_id=place, tokens=count) for place, count in enumerate(tokens)]


def texts(*held_out: bool) -> list[Text]:
    """Text 0, 1, ..., some of which no adapter may see."""
    return [Text(text_id=place, text="a", held_out=held) for place, held in enumerate(held_out)]


def losses(*pairs: int) -> list[TrainingLoss]:
    """Step 1, 2, ..., with the pairs of each."""
    return [
        TrainingLoss(step=step, loss=1.0, pairs=count, micro_batch=count)
        for step, count in enumerate(pairs, start=1)
    ]


def moments(steps: Sequence[int]) -> list[AlignmentStep]:
    """Moments at which held-out pairs were measured."""
    return [
        AlignmentStep(
            step=step,
            gap=0.0,
            shuffled_gap=0.0,
            retention=0.0,
            english_mean=0.0,
            target_mean=0.0,
            english_nats_per_token=0.0,
            target_nats_per_token=0.0,
        )
        for step in steps
    ]
