"""A run of the planted study in one process: real stages, real tables; only the weights of the adapters are planted."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.designs.design import plan
from harness.stages.stage import perform
from harness.store.tables import read_table, write_table
from harness.words.plan import Item, Plan
from harness.words.records import AlignmentStep, TrainingLoss
from tests.planted.network import plant_adapter
from tests.planted.world import ADAPTERS, ALIGNMENT, CONTROLS, LOGGED, LOGGED_OF_CONTROLS, STUDY, PlantedWorld

TRAINED = "trained/"
"""Before the name of an adapter's folder: what the stage itself wrote, before other weights were planted."""

FIELDS = (
    "gap",
    "shuffled_gap",
    "retention",
    "english_mean",
    "target_mean",
    "english_nats_per_token",
    "target_nats_per_token",
)


@dataclass
class PlantedRun:
    """Artifacts by place, such as "activations/ml"; made when asked for, each once."""

    world: PlantedWorld
    root: Path
    made: dict[str, Path] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """What the run makes."""
        return plan(STUDY, self.world.profile, "cpu")

    def artifact(self, place: str) -> Path:
        """The folder of one artifact, made now if it is missing."""
        if place not in self.made:
            item = next(item for item in self.plan.items() if f"{item.stage}/{item.name}" == place)
            self.made[place] = self._made(item)
        return self.made[place]

    def trained(self, name: str) -> Path:
        """What the adapters stage wrote, with the weights that it trained."""
        planted = self.artifact(f"adapters/{name}")
        return planted.parents[len(Path(name).parts)] / TRAINED / name

    def without(self, redone: tuple[str, ...], root: Path, *, follows: bool = True) -> "PlantedRun":
        """The same run with some stages, or some of their items such as "adapters/ml", to be made again.

        What needs them is made again with them, but for adapters and what is read through them: those are made again only
        if they are named, since their weights are planted, so that no training moves any of it.
        """
        anew: set[str] = set()
        for item in self.plan.items():
            place = f"{item.stage}/{item.name}"
            needs = {f"{need.stage}/{need.name}" for role, need in item.needs if role != "adapter"}
            stems = follows and item.stage != "adapters" and anew & needs
            if stems or any(f"{place}/".startswith(f"{name}/") for name in redone):
                anew.add(place)
        kept = {place: path for place, path in self.made.items() if place not in anew}
        return PlantedRun(world=self.world, root=root, made=kept)

    def _made(self, item: Item) -> Path:
        inputs: Mapping[str, Path] = {
            role: self.artifact(f"{need.stage}/{need.name}") for role, need in item.needs
        }
        out = self.root / item.stage / item.name
        # What a fault broke off is made once more, and breaks off again.
        shutil.rmtree(out, ignore_errors=True)
        if item.stage != "adapters":
            out.mkdir(parents=True)
            perform(item, inputs, out)
            return out
        trained = self.root / TRAINED / item.name
        shutil.rmtree(trained, ignore_errors=True)
        trained.mkdir(parents=True)
        perform(item, inputs, trained)
        return _planted(item.name, trained, out)


def _planted(name: str, trained: Path, out: Path) -> Path:
    """A copy of a trained adapter with the planted weights, and with the planted log of its training."""
    language, kind, seed = re.split("[/-]", name)
    key = (language, int(seed))
    strengths, logged = (
        (CONTROLS[key], LOGGED_OF_CONTROLS[key]) if kind == "control" else (ADAPTERS[key], LOGGED[key])
    )
    out.mkdir(parents=True)
    for file in trained.glob("adapter_*"):
        (out / file.name).write_bytes(file.read_bytes())
    plant_adapter(out, strengths, scale=ALIGNMENT.lora_alpha / ALIGNMENT.rank)
    steps = [
        AlignmentStep(step=step, **dict(zip(FIELDS, values, strict=True)))
        for step, values in enumerate(logged)
    ]
    write_table(out, AlignmentStep, steps)
    write_table(out, TrainingLoss, read_table(trained, TrainingLoss))
    return out
