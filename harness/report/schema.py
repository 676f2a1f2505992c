"""The schema of `report.json`: what a report may say, and what no report can say."""

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from harness.report.document import Report

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

SCHEMA_FILE = "report.schema.json"


def schema_text() -> str:
    """The schema as shipped."""
    return resources.files("harness.report").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


def validated(document: object, name: str) -> Report:
    """The document, typed, once the schema holds.

    Args:
        document: Parsed JSON.
        name: What to call it in messages.

    Raises:
        ValueError: If the schema does not hold; the message names the first places where it breaks.
    """
    faults = sorted(_validator().iter_errors(document), key=lambda fault: fault.json_path)
    if faults:
        places = "; ".join(f"at {fault.json_path}: {fault.message[:200]}" for fault in faults[:3])
        raise ValueError(
            f"{name} is not a report that {SCHEMA_FILE} allows ({len(faults)} faults): {places}; "
            f"write it again with the harness instead of by hand"
        )
    return cast("Report", document)


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    schema: dict[str, Any] = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)
