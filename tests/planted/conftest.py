"""One planted world and one sound run of it, made once."""

import pytest

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
    return Subject(run=run, expected=Expected(world=world))
