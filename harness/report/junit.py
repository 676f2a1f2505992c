"""The self-checks and claims as `junit.xml`, which every CI system reads; valid against the form's strict schema.

That schema knows properties of suites alone, so what belongs to one case stands in its name and its message.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from harness.report.claimwords import ARITHMETIC, interval_words, margins_words, measured_words, printed_words
from harness.report.document import JudgedClaim, KnownNumber, Report, StoppedAdapter
from harness.report.markup import printable
from harness.report.numbers import NOT_FINITE
from harness.report.verdictwords import FLAGS, UNITS, WHYS
from harness.words.runfacts import NotRun

TIMESTAMP = "1970-01-01T00:00:00"
"""Required by the form; fixed, since a report holds no clock."""
HOSTNAME = "localhost"
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(report: Report) -> str:
    """The XML text: suites of self-checks, of stages that could not be finished, and of claims, one per tier."""
    suites = {"self-checks": [_check_case(check) for check in report.self_checks]}
    if study := report.self_check_study:
        suites["self-check-claims"] = [_expected_case(claim) for claim in study.claims]
    if report.not_run:
        suites["stages"] = [_not_run_case(entry) for entry in report.not_run]
    if report.stopped:
        suites["adapters"] = [_stopped_case(entry) for entry in report.stopped]
    for claim in report.claims:
        name = ARITHMETIC if claim.kind == ARITHMETIC else claim.tier
        suites.setdefault(name, []).append(_claim_case(claim))
    root = ET.Element("testsuites")
    for number, (name, cases) in enumerate(suites.items()):
        root.append(_suite(report, number, name, cases))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, number: int, name: str, cases: Sequence[ET.Element]) -> ET.Element:
    totals = {key: str(sum(case.find(child) is not None for case in cases)) for key, child in COUNTED.items()}
    suite = ET.Element(
        "testsuite",
        {
            "package": "replication",
            "id": str(number),
            "name": name,
            "tests": str(len(cases)),
            **totals,
            "time": "0.0",
        },
        timestamp=TIMESTAMP,
        hostname=HOSTNAME,
    )
    holder = ET.SubElement(suite, "properties")
    for key, value in _standing(report).items():
        ET.SubElement(holder, "property", name=key, value=printable(value) or "none")
    suite.extend(cases)
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")
    return suite


def _standing(report: Report) -> dict[str, str]:
    """What every suite says of the run."""
    return {
        "mode": report.mode,
        "run": report.run.id,
        "lock": report.lock.sha256,
        "lock-status": report.lock.status,
        "exit-code": str(report.summary.exit_code),
    }


def _check_case(check: KnownNumber) -> ET.Element:
    case = _case("self-checks", check.id)
    measured = NOT_FINITE if check.measured is None else str(check.measured)
    if check.differs:
        message = (
            f"measured {measured}, but {check.expected} is known; "
            f"allowed difference {check.tolerance} ({check.because})"
        )
        ET.SubElement(case, "failure", type="self-check.differs", message=printable(message))
    return case


def _expected_case(claim: JudgedClaim) -> ET.Element:
    case = _case("self-check-claims", claim.id)
    if claim.differs:
        message = f"{claim.verdict}, but {claim.expected} was expected. {_words(claim)}"
        ET.SubElement(case, "failure", type="self-check.differs", message=printable(message))
    return case


def _not_run_case(entry: NotRun) -> ET.Element:
    case = _case("stages", entry.stage)
    ET.SubElement(case, "skipped", message=printable(f"{entry.reason}: {entry.message}"))
    return case


def _stopped_case(entry: StoppedAdapter) -> ET.Element:
    """An error, as the exit code says; a control, on which no claim rests, is skipped."""
    case = _case("adapters", entry.adapter)
    message = printable(f"stopped at step {entry.step}: a {entry.what} is {entry.value}")
    if entry.is_control:
        ET.SubElement(case, "skipped", message=f"control: {message}")
    else:
        ET.SubElement(case, "error", type="adapter-failed", message=message)
    return case


def _claim_case(claim: JudgedClaim) -> ET.Element:
    """DEVIATION fails, ERROR errs, and whatever is neither shown nor refuted is skipped with its word first."""
    verdict, message = claim.verdict, printable(_words(claim))
    case = _case(f"claims.{claim.kind}", claim.id)
    if verdict == "DEVIATION":
        ET.SubElement(case, "failure", type=f"deviation.{claim.reason}", message=message)
    elif verdict == "ERROR":
        ET.SubElement(case, "error", type=claim.reason, message=message)
    elif verdict != "PASS":
        ET.SubElement(case, "skipped", message=f"{verdict}: {message}")
    return case


def _words(claim: JudgedClaim) -> str:
    """Everything that a reader of a CI page gets to know of a claim."""
    unit = claim.unit
    band = claim.cases[0].band if claim.cases else None
    parts = (
        f"{claim.text}: {WHYS[claim.reason]}",
        f"printed {printed_words(claim)}" if claim.targets else "",
        f"measured {measured_words(claim, unit)}{UNITS[unit]}" if claim.measured else "",
        f"band {interval_words(band, unit)}" if band else "",
        f"{margins_words(claim)} margins" if claim.closeness else "",
        *(FLAGS[flag] for flag in claim.flags),
        claim.says,
    )
    return "; ".join(part for part in parts if part)


def _case(class_name: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=class_name, name=printable(name), time="0.0")
