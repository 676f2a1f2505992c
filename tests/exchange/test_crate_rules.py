"""A crate keeps what RO-Crate 1.1 and the Process Run Crate profile demand; every rule is shown to see what breaks it.

The rules are those that the profile's own validator (roc-validator, `profiles/process-run-crate` and `profiles/ro-crate`) names
as MUST, by its names, and two beyond them. The validator itself takes libraries that the shared environment cannot have (rich below 14): `nox -s crate`
gives it an environment of its own, and then it is asked as well, about the same crates and the same faults.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import rocrate

from harness import cli

VALIDATOR = os.environ.get("HARNESS_CRATE_VALIDATOR")
"""Python that has roc-validator; set by `nox -s crate`."""

VOCABULARY = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"
METADATA = "ro-crate-metadata.json"
ACTIONS = {"CreateAction", "ActivateAction", "UpdateAction"}
TOOLS = {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
ISO_8601 = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?")

Entity = dict[str, Any]


class Crate:
    """The metadata of a crate, and the files beside it."""

    def __init__(self, content: dict[str, Any], folder: Path) -> None:
        self.content, self.folder = content, folder

    @property
    def graph(self) -> list[Entity]:
        return list(self.content.get("@graph", []))

    @property
    def by_id(self) -> Mapping[str, Entity]:
        return {each["@id"]: each for each in self.graph if "@id" in each}

    @property
    def root(self) -> Entity:
        return self.by_id.get("./", {})

    def named(self, entity: Entity, key: str) -> list[Entity]:
        """The entities that a property of another leads to; one that is not there is empty."""
        return [self.by_id.get(each["@id"], {}) for each in many(entity.get(key)) if isinstance(each, dict)]


def many(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def types(entity: Entity) -> set[str]:
    return set(many(entity.get("@type")))


def descriptor_format(crate: Crate) -> Iterator[str]:
    """FileDescriptorJsonLdFormat: a context, and a flat graph of entities with ids of their own and types."""
    if not crate.content.get("@context"):
        yield "no context"
    ids = [each.get("@id") for each in crate.graph]
    if None in ids or len(set(ids)) < len(ids):
        yield "ids are missing or double"
    for entity in crate.graph:
        if not types(entity):
            yield f"{entity.get('@id')} has no type"
        nested = [
            each
            for value in entity.values()
            for each in many(value)
            if isinstance(each, dict) and set(each) != {"@id"}
        ]
        if nested:
            yield f"{entity.get('@id')} holds {nested[0]} in place of a reference"


def descriptor(crate: Crate) -> Iterator[str]:
    """ROCrateMetadataFileDescriptorProperties: a CreativeWork about the root, conforming to a version of RO-Crate."""
    entity = crate.by_id.get(METADATA, {})
    if "CreativeWork" not in types(entity) or entity.get("about") != {"@id": "./"}:
        yield "no descriptor of the root"
    if not any(
        each["@id"].startswith("https://w3id.org/ro/crate/") for each in many(entity.get("conformsTo"))
    ):
        yield "the descriptor names no version"


def root_data_entity(crate: Crate) -> Iterator[str]:
    """RootDataEntityRequiredProperties: a Dataset with name, description, licence, and a day in ISO 8601."""
    if "Dataset" not in types(crate.root):
        yield "no root"
    yield from (
        f"the root has no {key}" for key in ("name", "description", "license") if not crate.root.get(key)
    )
    if not ISO_8601.fullmatch(str(crate.root.get("datePublished"))):
        yield "the root was published on no day"


def data_entities(crate: Crate) -> Iterator[str]:
    """DataEntityRequiredProperties: every part is described as a File or a Dataset, and is there; every file is a part."""
    parts = many(crate.root.get("hasPart"))
    for part in parts:
        entity = crate.by_id.get(part["@id"], {})
        if not {"File", "Dataset"} & types(entity) or not (crate.folder / part["@id"]).exists():
            yield f"{part['@id']} is not described, or not there"
    named = {part["@id"] for part in parts}
    yield from (path.name for path in crate.folder.iterdir() if path.name not in {METADATA, *named})


def web_references(crate: Crate) -> Iterator[str]:
    """ContextualEntity: whatever an entity leads to within the crate is described in it."""
    for entity in crate.graph:
        for value in entity.values():
            for each in many(value):
                if (
                    isinstance(each, dict)
                    and not each["@id"].startswith("http")
                    and each["@id"] not in crate.by_id
                ):
                    yield f"{entity['@id']} leads to {each['@id']}, which is not described"


def conforms(crate: Crate) -> Iterator[str]:
    """ProcRCRootDataEntityMetadata: the root names a described version of the profile."""
    profiles = [
        each for each in crate.named(crate.root, "conformsTo")
        if str(each.get("@id", "")).startswith("https://w3id.org/ro/wfrun/process/") and "CreativeWork" in types(each)
    ]  # fmt: skip
    if not profiles:
        yield "the root conforms to no version of the profile"


def instruments(crate: Crate) -> Iterator[str]:
    """ProcRCActionRequired: every action has an instrument, which is software."""
    for entity in crate.graph:
        if types(entity) & ACTIONS:
            found = crate.named(entity, "instrument")
            if not found or not all(types(each) & TOOLS for each in found):
                yield f"{entity['@id']} was done by no software"


def recommended(crate: Crate) -> Iterator[str]:
    """ProcRCActionRecommended, as far as a run knows it: mentioned, named, described, timed, with a known status and results."""
    mentioned = {each["@id"] for each in many(crate.root.get("mentions"))}
    for entity in crate.graph:
        if not types(entity) & ACTIONS:
            continue
        timed = all(ISO_8601.fullmatch(str(entity.get(key))) for key in ("startTime", "endTime"))
        status = str(entity.get("actionStatus")).removeprefix("http://schema.org/")
        is_known = status == "FailedActionStatus" or (
            status == "CompletedActionStatus" and bool(entity.get("result"))
        )
        if not (entity["@id"] in mentioned and entity.get("name") and entity.get("description")):
            yield f"{entity['@id']} is not mentioned, named or described"
        if not timed or not is_known:
            yield f"{entity['@id']} has no times, status or results"


RULES: Mapping[str, Callable[[Crate], Iterator[str]]] = {
    (rule.__doc__ or "").partition(":")[0].partition(",")[0]: rule
    for rule in (
        descriptor_format, descriptor, root_data_entity, data_entities, web_references, conforms, instruments, recommended,
    )
}  # fmt: skip


@pytest.fixture(scope="module", params=["run", "audit"])
def crate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Crate:
    """Of a run, and of an audit, which has no action."""
    home, source = tmp_path_factory.mktemp("crate"), EXAMPLE
    if request.param == "audit":
        source, numbers = home / "audit", EXAMPLE.parents[1] / "docs" / "audit-example.json"
        cli.exit_code_of(["audit", str(numbers), "--out", str(source), "--fail-on", "never"])
    words = ["export", str(source), "--format", "ro-crate", "--out", str(home / "made"), "--store", str(home)]
    assert cli.exit_code_of(words) == 0
    content = json.loads((home / "made" / METADATA).read_text(encoding="utf-8"))
    return Crate(content, home / "made")


@pytest.mark.parametrize("rule", RULES)
def test_a_crate_keeps_every_rule(crate: Crate, rule: str) -> None:
    assert list(RULES[rule](crate)) == []


def entity(graph: list[Entity], kind: str) -> Entity:
    return next(each for each in graph if kind in types(each))


def _without_context(content: dict[str, Any]) -> None:
    del content["@context"]


def _of(kind: str, key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        entity(content["@graph"], kind)[key] = value

    return change


FAULTS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "FileDescriptorJsonLdFormat": _without_context,
    "ROCrateMetadataFileDescriptorProperties": _of("CreativeWork", "about", {"@id": "./report.json"}),
    "RootDataEntityRequiredProperties": _of("Dataset", "datePublished", "yesterday"),
    "DataEntityRequiredProperties": _of("Dataset", "hasPart", [{"@id": "gone.csv"}]),
    "ContextualEntity": _of("SoftwareApplication", "author", {"@id": "#nobody"}),
    "ProcRCRootDataEntityMetadata": _of("Dataset", "conformsTo", {"@id": "https://w3id.org/ro/crate/1.1"}),
    "ProcRCActionRequired": _of("CreateAction", "instrument", {"@id": "./"}),
    "ProcRCActionRecommended": _of("CreateAction", "endTime", "late"),
}


@pytest.mark.parametrize("crate", ["run"], indirect=True)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_sees_what_breaks_it(crate: Crate, rule: str) -> None:
    content = deepcopy(crate.content)
    FAULTS[rule](content)
    assert list(RULES[rule](Crate(content, crate.folder))) != []


STRICTER = {"ProcRCActionRecommended", "ContextualEntity"}
"""Rules that go beyond the validator's required checks: what is recommended, and entities that nothing describes."""


def validated(*crates: Path) -> dict[str, Any]:
    """What the profile's validator says of crates, by folder: how many required checks it made, and which failed."""
    if VALIDATOR is None:
        pytest.skip("needs roc-validator in an environment of its own: nox -s crate")
    program = Path(__file__).with_name("crate_validator.py")
    words = [VALIDATOR, str(program), str(VOCABULARY), *map(str, crates)]
    return dict(json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout))


def test_the_profile_s_validator_passes_a_crate(crate: Crate) -> None:
    (found,) = validated(crate.folder).values()
    assert found["failed"] == []
    assert found["checks"] >= 40, "of RO-Crate 1.1 and of the profile"


@pytest.mark.parametrize("crate", ["run"], indirect=True)
def test_the_profile_s_validator_sees_every_fault_that_the_rules_see(crate: Crate, tmp_path: Path) -> None:
    for rule in FAULTS.keys() - STRICTER:
        shutil.copytree(crate.folder, tmp_path / rule)
        content = deepcopy(crate.content)
        FAULTS[rule](content)
        (tmp_path / rule / METADATA).write_text(json.dumps(content), encoding="utf-8")
    found = validated(*sorted(tmp_path.iterdir()))
    assert len(found) == len(FAULTS) - len(STRICTER)
    assert [folder for folder, said in found.items() if not said["failed"]] == []
