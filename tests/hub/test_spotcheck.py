"""The phrase export held against the service that tells single latents, by the command line and over a real line."""

import json
from pathlib import Path

import pytest

from claims.sin2025 import pins
from harness.sources.neuronpedia import StoredRow
from harness.sources.spotcheck import ServiceLatent, compared
from tests.hub.commands import harness
from tests.hub.server import Fault, Hub, content_of

LAYER = 12
SOURCE = pins.PHRASE_SOURCE_IDS[LAYER]
PAGE = f"/api/feature/gemma-2-2b/{SOURCE}"


def spotcheck(hub: Hub, root: Path, *words: str) -> tuple[int, str, str]:
    done = harness(hub, root, "spotcheck", "--profile", "paper", *words)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spot")


def test_the_same_rows_on_both_sides_agree(hub: Hub, root: Path) -> None:
    hub.faults.append(Fault(path=PAGE, kind="status", status=429, headers={"Retry-After": "1"}))
    code, said, _ = spotcheck(hub, root, "--layer", str(LAYER), "--latents", "3", "--json")
    found = json.loads(said)
    assert (code, [each["agrees"] for each in found]) == (0, [True] * 3)
    assert all(each["equal_rows"] == each["told_rows"] > 0 for each in found)
    assert hub.faults.pop().times == 0


def test_by_default_the_first_the_middle_and_the_last_layer_are_looked_at(hub: Hub, root: Path) -> None:
    code, said, _ = spotcheck(hub, root, "--latents", "1", "--json")
    assert (code, [each["layer"] for each in json.loads(said)]) == (0, [0, 12, 25])


def test_other_values_are_told(hub: Hub, root: Path) -> None:
    """A service that was run without BOS, say: the same rows, a third weaker."""
    before = dict(hub.pages)
    for path, content in before.items():
        told = json.loads(content_of(content))
        told["activations"] = [
            row | {"values": [0.67 * value for value in row["values"]]} for row in told["activations"]
        ]
        hub.pages[path] = json.dumps(told).encode()
    code, said, _ = spotcheck(hub, root, "--layer", str(LAYER))
    hub.pages = before
    assert code == 1
    assert said.startswith("DIFFERS layer 12 latent")
    assert "0 with equal values" in said


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(
            ("--layer", "26"), 4, "there is no layer 26; the layers are 0 to 25", id="no such layer"
        ),
        pytest.param(("--profile", "fixture"), 4, "the fixture world names no service", id="no service"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_error(
    hub: Hub, root: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    found, _, errors = spotcheck(hub, root, *words)
    assert (found, "Traceback" in errors) == (code, False)
    assert says in errors


def test_an_unknown_latent_is_one_clear_error(hub: Hub, root: Path) -> None:
    before, hub.pages = hub.pages, {}
    code, _, errors = spotcheck(hub, root, "--layer", "0")
    hub.pages = before
    assert (code, "Traceback" in errors) == (5, False)
    assert "answers 404 to /api/feature/gemma-2-2b/0-" in errors
    assert "correct its address in pins.py of the study, below claims/" in errors
    assert "from there" not in errors, "nothing of a service is kept"


def test_a_page_that_tells_no_latent_is_one_clear_error(hub: Hub, root: Path) -> None:
    before = dict(hub.pages)
    hub.pages = dict.fromkeys(before, b'{"error": "busy"}')
    code, _, errors = spotcheck(hub, root, "--layer", str(LAYER))
    hub.pages = before
    assert (code, "tells no latent with its rows" in errors) == (5, True)


def row(tokens: str, *values: float) -> StoredRow:
    return StoredRow(latent=3, tokens=tuple(tokens), values=values)


@pytest.mark.parametrize(
    ("stored", "agrees"),
    [
        pytest.param([row("ab", 1.0, 2.0), row("cd", 0.0, 4.0)], True, id="the same"),
        pytest.param([row("ab", 1.001, 2.0), row("cd", 0.0, 4.0)], True, id="rounded the other way"),
        pytest.param([row("ab", 1.002, 2.0), row("cd", 0.0, 4.0)], False, id="another value"),
        pytest.param([row("ab", 1.0, 2.0)], False, id="half of the rows"),
        pytest.param([row("ab", 1.0, 2.0), row("cd", 0.0, 4.0), row("ef", 9.0, 9.0)], True, id="a row more"),
    ],
)
def test_nearly_all_rows_must_be_there_and_none_may_differ(stored: list[StoredRow], *, agrees: bool) -> None:
    told = ServiceLatent(maximum=4.0, rows=(row("ab", 1.0, 2.0), row("cd", 0.0, 4.0)))
    assert compared(0, 3, stored, told).agrees is agrees
