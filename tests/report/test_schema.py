"""What a report may say, and what none can say."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from jsonschema import Draft202012Validator

from harness import judge, report
from harness.report import document
from harness.report.document import Report, from_json, schema_text
from harness.words.claim import Kind, SourceTier, Tier, Unit
from harness.words.errors import FailOn
from harness.words.judgement import Grade, LockStatus, Multiverse
from harness.words.specification import Openness
from harness.words.verdict import Finding, Flag, State


@pytest.fixture
def small(full_folder: Path) -> dict[str, Any]:
    """A good report of a full run with few measurements, since every test validates it; its first claim is a PASS."""
    return shortened(full_folder)


@pytest.fixture
def fixture_run(judged_folder: Path) -> dict[str, Any]:
    """The same of a fixture run; its first claim is NOT_RUN."""
    return shortened(judged_folder)


def shortened(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content | {"measurements": content["measurements"][:2]}


def refused(report: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_json(report, "it")


def test_good_reports_are_allowed(small: dict[str, Any], fixture_run: dict[str, Any]) -> None:
    assert from_json(small, "it").claims[0].state == "PASS"
    assert from_json(fixture_run, "it").claims[0].state == "NOT_RUN"


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED"])
@pytest.mark.parametrize("place", [0, 12], ids=["a measured claim", "the paper's arithmetic"])
def test_no_verdict_about_the_paper_without_the_real_model(
    fixture_run: dict[str, Any], small: dict[str, Any], mode: str, verdict: str, place: int
) -> None:
    claim = small["claims"][place] | {"verdict": verdict, "cases": []}
    fixture_run["claims"][place] = claim
    refused(fixture_run | {"mode": mode}, rf"claims\[{place}\]\.verdict")


@pytest.mark.parametrize("mode", ["fixture", "rehearsal"])
def test_no_case_passes_without_the_real_model(
    fixture_run: dict[str, Any], small: dict[str, Any], mode: str
) -> None:
    fixture_run["claims"][0]["cases"] = small["claims"][0]["cases"]
    refused(fixture_run | {"mode": mode}, r"cases\[0\]")


def test_no_count_of_passes_without_the_real_model(fixture_run: dict[str, Any]) -> None:
    fixture_run["summary"]["counts"]["PASS"] = 1
    refused(fixture_run, "PASS")


@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION"])
@pytest.mark.parametrize("measured", [None, {}])
def test_a_verdict_needs_a_measurement(small: dict[str, Any], verdict: str, measured: object) -> None:
    small["claims"][0] |= {"verdict": verdict, "measured": measured}
    refused(small, r"claims\[0\]\.measured")


def test_a_verdict_under_one_reading_needs_a_measurement(small: dict[str, Any]) -> None:
    small["claims"][0]["cases"][0]["measured"] = None
    refused(small, r"cases\[0\]\.measured")


def test_a_verdict_needs_the_measurement_to_be_there(small: dict[str, Any]) -> None:
    del small["claims"][0]["measured"]
    refused(small, "'measured' is a required property")


def test_a_verdict_about_the_page_needs_no_measurement(small: dict[str, Any]) -> None:
    pages = [claim for claim in small["claims"] if claim["kind"] == "arithmetic"]
    assert {claim["verdict"] for claim in pages} == {"cannot-occur", "cannot-tell", "note"}
    assert all(claim["measured"] is None for claim in pages)
    from_json(small, "it")


@pytest.mark.parametrize("verdict", ["PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED"])
@pytest.mark.parametrize("of_case", [False, True], ids=["claim", "case"])
def test_printed_numbers_get_no_verdict(small: dict[str, Any], verdict: str, of_case: bool) -> None:  # noqa: FBT001
    claim = small["claims"][12]
    assert claim["kind"] == "arithmetic"
    (claim["cases"][0] if of_case else claim)["verdict"] = verdict
    refused(small, r"claims\[12\].*verdict")


@pytest.mark.parametrize("finding", list(Finding))
def test_what_is_measured_gets_no_finding(small: dict[str, Any], finding: str) -> None:
    small["claims"][0]["verdict"] = finding
    refused(small, r"claims\[0\]\.verdict")


@pytest.mark.parametrize("verdict", ["NOT_RUN", "NOT_TESTABLE"])
def test_what_was_not_run_has_no_measurement(small: dict[str, Any], verdict: str) -> None:
    small["claims"][0] |= {"verdict": verdict}
    refused(small, "measured")


@pytest.mark.parametrize(
    "changes",
    [{"verdict": "REPRODUCED"}, {"kind": "vibe"}, {"surprise": 1}, {"flags": ["shiny"]}, {"targets": [{}]}],
    ids=str,
)
def test_unknown_words_are_refused(small: dict[str, Any], changes: dict[str, object]) -> None:
    small["claims"][0] |= changes
    refused(small, r"claims\[0\]")


def test_the_miniature_study_may_say_anything_but_must_say_what_was_expected(
    fixture_run: dict[str, Any],
) -> None:
    study = fixture_run["self_check_study"]
    assert {"PASS", "DEVIATION", "CONTESTED"} < {claim["verdict"] for claim in study["claims"]}
    del study["claims"][0]["expected"]
    refused(fixture_run, "self_check_study")


def test_without_a_judge_there_is_no_claim(small: dict[str, Any]) -> None:
    refused(small | {"judged": False}, "claims")


@pytest.mark.parametrize(
    "words", [Kind, Tier, Unit, State, Finding, Flag, LockStatus, FailOn, Grade, Openness, SourceTier]
)
def test_every_word_of_the_judge_stands_in_the_schema(words: type[StrEnum]) -> None:
    assert [str(word) for word in words if f'"{word}"' not in schema_text()] == []


def test_a_self_check_without_a_finite_number_cannot_agree(small: dict[str, Any]) -> None:
    small["self_checks"][0]["measured"] = None
    refused(small, r"self_checks\[0\].differs")


def test_a_message_names_the_file_the_place_and_the_cure(small: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"run/report\.json is not a report .* at \$: .*write it again"):
        from_json({key: value for key, value in small.items() if key != "lock"}, "run/report.json")


def test_a_reason_that_nobody_knows_is_refused_by_name(small: dict[str, Any]) -> None:
    small["claims"][0]["reason"] = "moon-phase"
    with pytest.raises(ValueError, match=r"(?s)run/report\.json .*claims\.0\.reason.*harness that wrote it"):
        from_json(small, "run/report.json")


SCHEMAS = (
    Path(report.__file__).with_name("report.schema.json"),
    Path(judge.__file__).with_name("audit.schema.json"),
)
KEYWORDS = {
    "object": ("properties", "required", "additionalProperties", "propertyNames", "minProperties"),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
"""By type: what is said of its values alone."""
IN_PLACE = ("allOf", "anyOf", "oneOf", "if", "then", "else", "not")
"""Keywords whose schemas are about the same value."""
ANNOTATIONS = ("$schema", "$id", "$ref", "$defs", "$comment", "title", "description", "type", "const", "enum")


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_one_that_strict_validators_take(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert list(strict_faults(schema, "#")) == []


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"minimum": 0}, "minimum without its type"),
        ({"type": "object", "allOf": [{"items": False}]}, "items without its type"),
        ({"type": ["string", "number"]}, "several types"),
        ({"type": "object", "required": ["a"]}, "requires a, which it does not define"),
        ({"type": "array", "prefixItems": [{}, {}], "minItems": 2}, "open tuple"),
        ({"type": "object", "porperties": {}}, "unknown keyword porperties"),
        ({"then": {}}, "then without if"),
        ({"type": "object", "properties": {"a": {"pattern": "x"}}}, "pattern without its type"),
    ],
)
def test_what_strict_validators_refuse_is_found(schema: dict[str, Any], fault: str) -> None:
    assert [found.partition(": ")[2] for found in strict_faults(schema, "#")] == [fault]


def strict_faults(schema: Any, place: str, around: frozenset[str] = frozenset()) -> Iterator[str]:
    """What ajv refuses in its strict mode: keywords without the type they are for, open tuples, unknown keywords.

    Args:
        schema: Any part of a schema.
        place: Where it stands.
        around: Types that the schema around it, of the same value, allows.
    """
    parts = enumerate(schema) if isinstance(schema, list) else ()
    for number, part in parts:
        yield from strict_faults(part, f"{place}/{number}", around)
    if not isinstance(schema, dict):
        return
    said = schema.get("type", ())
    types = frozenset([said] if isinstance(said, str) else said)
    known = types or around
    yield from (f"{place}: {fault}" for fault in faults_of_one(schema, types, known))
    for name in schema:
        if name in {"properties", "$defs"}:
            for key, part in schema[name].items():
                yield from strict_faults(part, f"{place}/{name}/{key}")
        else:
            yield from strict_faults(
                schema[name], f"{place}/{name}", known if name in IN_PLACE else frozenset()
            )


def faults_of_one(schema: dict[str, Any], types: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    if len(types - {"null"}) > 1:
        yield "several types"
    allowed = {"number" if name == "integer" else name for name in known}
    for kind, keywords in KEYWORDS.items():
        if kind not in allowed:
            yield from (f"{name} without its type" for name in schema if name in keywords)
    every = {*ANNOTATIONS, *IN_PLACE, *(name for keywords in KEYWORDS.values() for name in keywords)}
    yield from (f"unknown keyword {name}" for name in schema if name not in every)
    defined = schema.get("properties", {})
    yield from (
        f"requires {name}, which it does not define"
        for name in schema.get("required", ())
        if name not in defined
    )
    if "then" in schema and "if" not in schema:
        yield "then without if"
    size = len(schema.get("prefixItems", ()))
    if size and (schema.get("minItems"), schema.get("items")) != (size, False):
        yield "open tuple"


def test_types_and_schema_say_the_same() -> None:
    """Every object of the schema is one record with the same fields; what may be left out has a default that says so."""
    schema = json.loads(schema_text())
    faults = list(mismatches(Report, schema, schema["$defs"], "$"))
    assert faults == []


def test_the_multiverse_is_the_same_in_types_and_schema() -> None:
    """A claim may do without it, so the walk over the whole report passes it by."""
    known = json.loads(schema_text())["$defs"]
    assert list(mismatches(Multiverse, known["multiverse"], known, "$.claims[].multiverse")) == []


def mismatches(kind: object, schema: dict[str, Any], known: dict[str, Any], place: str) -> Iterator[str]:
    """Where a type and what the schema says of its JSON are not the same, one line each."""
    while "$ref" in schema:
        schema = known[schema["$ref"].removeprefix("#/$defs/")]
    options = (
        [each for each in get_args(kind) if each is not type(None)] if isinstance(kind, UnionType) else [kind]
    )
    if is_optional(kind) != allows_null(schema):
        yield f"{place}: null is allowed on one side only"
    empty = ({"type": "null"}, {"const": ""})
    choices = [each for each in schema.get("oneOf", schema.get("anyOf", ())) if each not in empty]
    if choices:
        for option, choice in zip(options, choices, strict=True):
            yield from mismatches(option, choice, known, place)
    elif is_dataclass(options[0]):
        yield from mismatched_fields(options[0], schema, known, place)  # type: ignore[arg-type]
    elif (
        get_origin(options[0]) is tuple
        and get_args(options[0])
        and "items" in schema
        and isinstance(schema["items"], dict)
    ):
        yield from mismatches(get_args(options[0])[0], schema["items"], known, f"{place}[]")
    elif isinstance(options[0], type) and issubclass(options[0], StrEnum):
        if set(options[0]) != set(schema.get("enum", options[0])):
            yield f"{place}: other words than {sorted(schema['enum'])}"
    elif JSON_TYPES.get(options[0], "") not in schema.get("type", JSON_TYPES.get(options[0], "")):
        yield f"{place}: {options[0]} is no {schema['type']}"


def mismatched_fields(kind: type, schema: dict[str, Any], known: dict[str, Any], place: str) -> Iterator[str]:
    hints = get_type_hints(kind)
    named = {each.metadata.get("alias", each.name): hints[each.name] for each in fields(kind)}
    needed = {name for name in named if name not in document.LEFT_OUT}
    optional_properties = {"version"} if place == "$.paper" else set()
    if schema["properties"].keys() - optional_properties != named.keys() - CHECK_ONLY.get(place, set()):
        yield f"{place}: {sorted(schema['properties'].keys() ^ named.keys())} on one side only"
    if set(schema["required"]) - named.keys() or needed - set(schema["required"]):
        yield f"{place}: {sorted(set(schema['required']) ^ needed)} is required on one side only"
    for name in named.keys() & schema["properties"].keys() - document.LEFT_OUT:
        yield from mismatches(named[name], schema["properties"][name], known, f"{place}.{name}")


CHECK_ONLY = {"$.claims[]": {"expected", "differs"}}
"""Fields that claims of the paper never have."""
JSON_TYPES: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def is_optional(kind: object) -> bool:
    return type(None) in get_args(kind)


def allows_null(schema: dict[str, Any]) -> bool:
    return "null" in schema.get("type", ()) or any(
        each.get("type") == "null" for each in schema.get("oneOf", ())
    )


VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 1.0, -2.5, "", "a", "b", "abc", [], [1], ["a"], [1, "a"], [1, "a", 2], [[1]],
    {}, {"a": 1}, {"a": "a"}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"a": 1}}, {"a": [1], "c": None},
)  # fmt: skip

PARTS: tuple[Any, ...] = (
    True,
    False,
    {},
    {"type": "number"},
    {"type": "integer"},
    {"type": ["string", "null"]},
    {"type": "array", "minItems": 1, "uniqueItems": True},
    {"enum": ["a", "b"]},
    {"enum": ["a", 1, None]},
    {"const": True},
    {"minimum": 1},
    {"minLength": 2, "pattern": "^a"},
    {"properties": {"a": {"type": "number"}, "b": False}},
    {"required": ["a", "b"]},
    {"properties": {"a": True}, "additionalProperties": False},
    {"properties": {"a": True}, "additionalProperties": {"type": "null"}},
    {"patternProperties": {"^b": True}, "additionalProperties": False},
    {"items": {"type": "number"}},
    {"items": False},
    {"prefixItems": [{"type": "number"}, {"type": "string"}], "items": False},
    {"prefixItems": [{"type": "number"}], "items": {"type": "string"}},
    {"allOf": [{"type": "number"}, {"minimum": 1}]},
    {"oneOf": [{"type": "number"}, {"type": "integer"}]},
    {"anyOf": [{"type": "string"}, {"required": ["a"]}]},
    {"not": {"type": "object"}},
    {"if": {"type": "number"}, "then": {"minimum": 1}},
    {"if": {"type": "number"}, "then": {"minimum": 1}, "else": {"type": "string"}},
    {"if": {"type": "number"}, "else": {"type": "string"}},
    {"then": False, "else": False, "$comment": "no if"},
)


@pytest.mark.parametrize("part", PARTS, ids=json.dumps)
def test_what_the_schema_allows_is_what_the_library_says_it_allows(part: Any) -> None:
    """Every word of a schema that is looked at more quickly, and some that are not, around every kind of value."""
    for schema in (part, {"properties": {"a": part}}, {"items": part}, {"oneOf": [part, {"type": "null"}]}):
        library = Draft202012Validator(schema)
        quick = document.allows(library, schema)
        assert [quick(value) for value in VALUES] == [library.is_valid(value) for value in VALUES], schema


def test_a_good_report_is_not_looked_at_twice(small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert document._allowed()(small)
    monkeypatch.setattr(document, "_validator", lambda: pytest.fail("the slower way was asked, too"))
    from_json(small, "it")
