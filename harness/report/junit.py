"""The self-checks and claims as `junit.xml`, which every CI system reads."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from harness.report.claimform import JudgedClaim as Claim
from harness.report.document import Check, Report, Unfinished
from harness.report.markup import printable
from harness.report.numbers import NOT_FINITE

TIMESTAMP = "1970-01-01T00:00:00"
"""Required by the form; fixed, since a report holds no clock."""
HOSTNAME = "localhost"


def render_junit(report: Report) -> str:
    """The XML text: one suite of self-checks, one of stages that could not be finished, one per tier of claims."""
    root = ET.Element("testsuites", name="replication")
    _suite(root, "self-checks", [_check_case(check) for check in report["self_checks"]])
    if report["not_run"]:
        _suite(root, "stages", [_not_run_case(entry) for entry in report["not_run"]])
    by_tier = sorted(report["claims"], key=lambda claim: claim["tier"])
    for tier, claims in groupby(by_tier, key=lambda claim: claim["tier"]):
        _suite(root, tier, [_claim_case(claim) for claim in claims])
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, name: str, cases: Sequence[ET.Element]) -> None:
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    totals = {key: str(sum(case.find(child) is not None for case in cases)) for key, child in counted.items()}
    attributes = {"name": name, "tests": str(len(cases)), **totals, "time": "0.0"}
    suite = ET.SubElement(root, "testsuite", attributes, timestamp=TIMESTAMP, hostname=HOSTNAME)
    suite.extend(cases)


def _check_case(check: Check) -> ET.Element:
    properties = {
        "says": check["says"],
        "expected": str(check["expected"]),
        "measured": NOT_FINITE if check["measured"] is None else str(check["measured"]),
        "tolerance": str(check["tolerance"]),
        "because": check["because"],
    }
    case = _case("self-checks", check["id"], properties)
    if check["differs"]:
        message = (
            f"measured {properties['measured']}, but {properties['expected']} is known; "
            f"allowed difference {properties['tolerance']} ({check['because']})"
        )
        ET.SubElement(case, "failure", type="self-check.differs", message=printable(message))
    return case


def _not_run_case(entry: Unfinished) -> ET.Element:
    case = _case("stages", entry["stage"], {"reason": entry["reason"]})
    ET.SubElement(case, "skipped", message=printable(f"{entry['reason']}: {entry['message']}"))
    return case


def _claim_case(claim: Claim) -> ET.Element:
    verdict, reason = claim["verdict"], printable(claim["reason"])
    case = _case("claims", claim["id"], {"verdict": verdict, "reason": reason})
    if verdict == "DEVIATION":
        ET.SubElement(case, "failure", type="deviation", message=reason)
    elif verdict == "ERROR":
        ET.SubElement(case, "error", type="error", message=reason)
    elif verdict != "PASS":
        ET.SubElement(case, "skipped", message=f"{verdict}: {reason}")
    return case


def _case(class_name: str, name: str, properties: dict[str, str]) -> ET.Element:
    case = ET.Element("testcase", classname=class_name, name=printable(name), time="0.0")
    holder = ET.SubElement(case, "properties")
    for key, value in properties.items():
        ET.SubElement(holder, "property", name=key, value=printable(value))
    return case
