"""The sections of the page around the measurements: answer, claims, self-checks, provenance, limits, citation."""

import re

from harness.report.document import Check, Report
from harness.report.elements import code, folded, paragraph, plain_table, section
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import count, exact, short, size
from harness.report.wording import EXIT_CODES, REASONS, claims_words, mode_words

UPSTREAM = "upstream-not-run"
ARXIV_NUMBER = re.compile(r"\b\d{4}\.\d{4,5}\b")


def paper_link(paper_id: str) -> Markup:
    """The paper's id, linked where it is one of arXiv."""
    number = ARXIV_NUMBER.search(paper_id)
    if number is None:
        return tag("span", paper_id)
    return tag("a", paper_id, href=f"https://arxiv.org/abs/{number.group()}", rel="noreferrer")


def answer(report: Report) -> Markup:
    """What was run, what came of it, and what may be concluded."""
    words, trusted = mode_words(report), not differing(report) and not report["not_run"]
    conclusions = tag(
        "dl",
        tag(
            "div",
            tag("dt", "You may conclude"),
            tag("dd", may_conclude(report)),
            class_="may" if trusted else "may-not",
        ),
        tag("div", tag("dt", "You may not conclude"), tag("dd", words.may_not), class_="may-not"),
        class_="conclusions",
    )
    sentence = f"{words.what_ran} {outcome(report)}"
    return section(
        "in-short",
        "In short",
        paragraph(sentence, class_="sentence"),
        _tiles(report),
        conclusions,
        class_="answer",
    )


def outcome(report: Report) -> str:
    """One sentence on what came of the run."""
    if report["not_run"]:
        return (
            f"{count(len(report['not_run']), 'stage')} could not be finished: {', '.join(_reasons(report))}."
        )
    checks = report["self_checks"]
    measured = f"{mode_words(report).outcome} {count(len(report['measurements']), 'number')}"
    if not checks:
        return f"{measured}; no self-check was made."
    agreeing = len(checks) - len(differing(report))
    return f"{measured}; {agreeing:,} of {count(len(checks), 'self-check')} {'agrees' if agreeing == 1 else 'agree'}."


def differing(report: Report) -> list[Check]:
    """The self-checks that came out different from what is known."""
    return [check for check in report["self_checks"] if check["differs"]]


def may_conclude(report: Report) -> str:
    """What a reader may take from the run, given how its self-checks came out."""
    if differing(report):
        return (
            f"that something moved: {count(len(differing(report)), 'known number')} came out different. "
            f"Until that is explained, trust no number of this code on this machine."
        )
    if report["not_run"]:
        return mode_words(report).may
    if not report["self_checks"] and report["mode"] in {"fixture", "rehearsal"}:
        return "that the harness runs here, and no more: no self-check was made."
    return mode_words(report).may


def _reasons(report: Report) -> list[str]:
    """What stood in the way, in words; stages that only waited for another are no reason."""
    own = [entry["reason"] for entry in report["not_run"] if entry["reason"] != UPSTREAM]
    return [REASONS[reason] for reason in dict.fromkeys(own or [UPSTREAM])]


def unfinished(report: Report) -> list[tuple[str, str, str]]:
    """Stages, reason and word of what could not be finished, once for each word; what only waited comes last."""
    ordered = sorted(report["not_run"], key=lambda entry: entry["reason"] == UPSTREAM)
    stages: dict[tuple[str, str], list[str]] = {}
    for entry in ordered:
        stages.setdefault((REASONS[entry["reason"]], entry["message"]), []).append(entry["stage"])
    return [(", ".join(names), *word) for word, names in stages.items()]


def not_run(report: Report) -> Markup:
    """The stages that could not be finished, and why."""
    lead = paragraph(
        "What is finished is kept: once the cause is gone, the same command goes on from there.",
        class_="lead",
    )
    table = plain_table(
        "Stages that could not be finished.",
        ("Stage", "Reason", "What it said"),
        unfinished(report),
        num_labels=3,
    )
    return section("not-run", "Not run", lead, table)


def _tiles(report: Report) -> Markup:
    checks, differ = len(report["self_checks"]), len(differing(report))
    code_number = report["summary"]["exit_code"]
    tiles = (
        _tile(f"{len(report['measurements']):,}", "measurements", ""),
        _tile(f"{checks - differ:,} of {checks:,}", "self-checks agree", "good" if checks > differ else ""),
        _tile(f"{differ:,}", "self-checks differ", "bad" if differ else ""),
        _tile(f"{len(report['claims']):,}", "claims judged", ""),
        _tile(str(code_number), f"exit code: {EXIT_CODES[code_number]}", ""),
    )
    return tag("ul", *tiles, class_="tiles")


def _tile(number: str, words: str, kind: str) -> Markup:
    marks = {"good": "\u2713 ", "bad": "\u2717 "}
    return tag(
        "li", tag("b", marks.get(kind, "") + number), tag("span", words), class_=f"tile {kind}".strip()
    )


def claims(report: Report) -> Markup:
    """The verdicts, or plainly that there are none."""
    if not report["claims"]:
        return section("claims", "Claims", paragraph(claims_words(report), class_="absent"))
    rows = [
        (code(claim["id"]), claim["text"], claim["tier"], claim["verdict"], claim["reason"])
        for claim in report["claims"]
    ]
    headers = ("Claim", "What the paper says", "Tier", "Verdict", "Reason")
    return section(
        "claims", "Claims", plain_table("Claims and verdicts.", headers, rows, num_labels=len(headers))
    )


def self_checks(report: Report) -> Markup:
    """Known numbers of the instrument; never a word about the paper."""
    lead = paragraph(
        "Numbers that are known beforehand, computed again by this run. They check the instrument, and say "
        "nothing about the paper.",
        class_="lead",
    )
    if not report["self_checks"]:
        none = paragraph("No self-check was made in this run.", class_="absent")
        return section("self-checks", "Self-checks", lead, none, class_="instrument")
    headers = ("State", "What is known", "Why this tolerance", "Expected", "Measured", "Tolerance")
    ordered = sorted(report["self_checks"], key=lambda check: not check["differs"])
    rows = [_check_row(check) for check in ordered]
    table = plain_table("Self-checks, those that differ first.", headers, rows, num_labels=3)
    return section("self-checks", "Self-checks", lead, table, class_="instrument")


def _check_row(check: Check) -> tuple[Markup | str, ...]:
    state = ("differs", "\u2717 differs") if check["differs"] else ("agrees", "\u2713 agrees")
    known = joined(tag("span", check["says"]), code(check["id"]), between=" ")
    numbers = (exact(check["expected"]), exact(check["measured"]), exact(check["tolerance"]))
    return (tag("span", state[1], class_=f"state {state[0]}"), known, check["because"], *numbers)


def provenance(report: Report) -> Markup:
    """What the numbers rest on, by digest, revision and licence."""
    return section(
        "provenance",
        "Provenance",
        _identity(report),
        tag("h3", "Sources"),
        _sources(report),
        tag("h3", "Environment"),
        _environment(report),
        tag("h3", "Stored artifacts"),
        _artifacts(report),
    )


def _identity(report: Report) -> Markup:
    run, lock = report["run"], report["lock"]
    status = (
        "absent: nothing was registered before this run" if lock["status"] == "absent" else lock["status"]
    )
    facts: dict[str, Markup | str] = {
        "Mode": f"{report['mode']}: nothing was loaded that shows more"
        if report["not_run"]
        else report["mode"],
        "Study": code(run["study"]),
        "Profile": code(run["profile"]),
        "Run": code(run["id"]),
        "Specification": code(lock["sha256"]),
        "Lock": status,
    }
    pairs = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items())
    return tag("dl", *pairs, class_="facts")


def _sources(report: Report) -> Markup:
    if not report["run"]["sources"]:
        return paragraph("No outside source is recorded.", class_="absent")
    rows = [
        (row["name"], code(row["address"]), code(row["revision"]), row["licence"])
        for row in report["run"]["sources"]
    ]
    return plain_table(
        f"Outside things {'asked for' if report['not_run'] else 'used'}, with licence.",
        ("Name", "Address", "Revision", "Licence"),
        rows,
        num_labels=4,
    )


def _environment(report: Report) -> Markup:
    rows = [(name, code(value)) for name, value in sorted(report["run"]["environment"].items())]
    if not rows:
        return paragraph("No environment is recorded.", class_="absent")
    return plain_table("Versions and settings.", ("Name", "Value"), rows, num_labels=2)


def _artifacts(report: Report) -> Markup:
    artifacts = report["run"]["artifacts"]
    if not artifacts:
        return paragraph("No stored artifact is recorded.", class_="absent")
    rows = [
        (row["stage"], row["item"], code(row["digest"]), code(row["key"]), size(row["size_bytes"]))
        for row in artifacts
    ]
    headers = ("Stage", "Item", "Digest of its content", "Digest of what made it", "Size")
    table = plain_table("Artifacts that the numbers rest on.", headers, rows, num_labels=4)
    total = size(sum(row["size_bytes"] for row in artifacts))
    return folded(f"{count(len(artifacts), 'artifact')}, {total}", table)


def limits(report: Report) -> Markup:
    """What the numbers cannot bear."""
    mode = mode_words(report)
    stored = sum(row["num_unit_values"] for row in report["measurements"])
    items = (
        f"You may not conclude {mode.may_not}",
        (
            f"Numbers are printed without intervals. {count(stored, 'unit-level value')} behind them are stored, "
            f"so that intervals can be computed without running a model again."
        ),
        "Where a source leaves a choice open, one specification was fixed; another may give other numbers.",
        "Accuracy is that of the questions asked; no question or phrase of a licensed corpus is printed here.",
    )
    return section("limits", "Limits", tag("ul", *(tag("li", text) for text in items)))


def citation(report: Report) -> Markup:
    """How to point at the paper and at this run."""
    paper, run = report["paper"], report["run"]
    reference = tag(
        "blockquote",
        f"Replication report on \u201c{paper['title']}\u201d ({paper['id']}). {mode_words(report).ribbon}. "
        f"Study {run['study']}, profile {run['profile']}, run ",
        code(short(run["id"])),
        ", specification ",
        code(short(report["lock"]["sha256"])),
        ".",
    )
    lead = paragraph(
        "Cite the paper itself, the harness as its ", code("CITATION.cff"), " says, and this run as:"
    )
    return section("citation", "How to cite", lead, reference)
