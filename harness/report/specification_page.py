"""A page about one specification beside the primary one: exploratory, and headed so. It is rendered on request and is part of no report."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.report.document import JudgedClaim, Report
from harness.report.numbers import NONE, estimated
from harness.report.render import page
from harness.report.tables import Table
from harness.report.wording import VERDICTS, mode_words
from harness.store.files import write_whole
from harness.words.errors import UsageError, choice_error
from harness.words.judgement import SpecificationVerdict
from harness.words.specification import PRIMARY

HEADING = "EXPLORATORY \u2014 NOT THE REGISTERED SPECIFICATION"


def write_specification(report: Report, name: str, folder: Path) -> Path:
    """Write the page of one specification of a run into a folder.

    Raises:
        UsageError: If no claim of the run has a specification of that name, or it is the primary one.
        StoreError: If the disk refuses; nothing is left behind.
    """
    both = (*report.claims, *report.checking_claims)
    names = dict.fromkeys(each.specification for claim in both for each in _all(claim))
    if name == PRIMARY:
        raise UsageError("the primary specification decides; its report is report.html. Name another one")
    if name not in names:
        single = tuple(each for each in names if "+" not in each and each != PRIMARY)
        raise choice_error("specification", name, single, "(and their combinations that the run computed)")
    tables = (
        _table("Claims of the paper.", report.claims, name),
        _table("Self-checks.", report.checking_claims, name),
    )
    text = page(
        "specification.html",
        report=report,
        specification=name,
        heading=f"{HEADING}; {mode_words(report).ribbon}",
        differences=list(_differences(both, name)),
        claim_tables=[each for each in tables if each.rows],
    )
    path = folder / f"specification-{name}.html"
    write_whole(path, text)
    return path


def _all(claim: JudgedClaim) -> Sequence[SpecificationVerdict]:
    return claim.multiverse.specifications if claim.multiverse else ()


def _differences(claims: Sequence[JudgedClaim], name: str) -> Iterator[tuple[str, str]]:
    """The questions that it answers otherwise, in words, with its answers."""
    says = {axis.name: axis.says for claim in claims if claim.multiverse for axis in claim.multiverse.axes}
    for part in name.split("+"):
        axis, _, level = part.partition("=")
        yield says[axis], level


def _table(caption: str, claims: Sequence[JudgedClaim], name: str) -> Table:
    return Table(
        caption=f"{caption} Under this specification, and under the primary one, which decides.",
        headers=(
            "Claim",
            f"Under {name}",
            "Primary verdict",
            f"Measured under {name}, 90 %",
            "Primary, 90 %",
        ),
        num_labels=3,
        rows=tuple(_rows(claims, name)),
    )


def _rows(claims: Sequence[JudgedClaim], name: str) -> Iterator[tuple[str, ...]]:
    for claim in claims:
        for each in _all(claim):
            if each.specification == name:
                words, numbers = zip(_cells(claim, each), _cells(claim, _all(claim)[0]), strict=True)
                yield (claim.id, *words, *numbers)


def _cells(claim: JudgedClaim, each: SpecificationVerdict) -> tuple[str, str]:
    word = VERDICTS[each.state].word
    return (
        f"{word}: {each.hole}" if each.hole else word,
        NONE
        if each.estimate is None
        else estimated(each.estimate, each.ci90, claim.unit, signed=False, with_unit=True),
    )
