"""One planted world and one sound run of it, made once."""

import pytest

from harness.supply.tables import read_table
from harness.words.record import Text
from tests.planted.checks import Subject
from tests.planted.expected import Expected
from tests.planted.run import PlantedRun
from tests.planted.world import build_planted_world


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """The run of the planted study without a fault, and what a pencil says about it."""
    root = tmp_path_factory.mktemp("planted")
    world = build_planted_world(root / "world")
    run = PlantedRun(world=world, root=root / "run")
    for item in run.plan.items():
        run.artifact(f"{item.stage}/{item.name}")
    texts = read_table(run.artifact("phrases/all"), Text)
    held_out = frozenset(text.text for text in texts if text.held_out)
    return Subject(run=run, expected=Expected(world=world, held_out=held_out))
