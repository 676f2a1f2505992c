"""Which printed changes of accuracy two published runs can be: as points or as percent, on the same questions or across two sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.judge.arithmetic import Rounding, change_rounding_of, relative_change_rounding_of
from harness.judge.quantities import estimate_scopes
from harness.words.claim import Claim, Printed, Rule
from harness.words.study import Study

CHANGES = ("delta", "relative-delta")
"""Quantities that are a change of accuracy in a tuned language."""


@dataclass(frozen=True, kw_only=True)
class PrintedChange:
    """One number that a source prints for the change of one benchmark in one language."""

    benchmark: str
    language: str
    printed: Printed
    source: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """One way in which two runs give a printed number."""

    printed: str
    form: str
    """"points" or "percent"."""
    rounding: Rounding


def printed_changes(study: Study, claims: Sequence[Claim]) -> tuple[PrintedChange, ...]:
    """Every printed change of a tuned language's accuracy, once, in the order of the claims."""
    return tuple(dict.fromkeys(_printed(study, claims)))


def matches(known: Sequence[PrintedChange], before: Fraction, after: Fraction) -> Iterator[Match]:
    """Printed numbers that the change between two accuracies can be.

    Args:
        known: What is printed for their benchmark and language.
        before: Accuracy of the untouched model, as a fraction of its questions.
        after: The same of the tuned one.
    """
    for each in known:
        if rounding := change_rounding_of(each.printed, before, after):
            yield Match(printed=each.printed.text, form="points", rounding=rounding)
        if before > 0 and (rounding := relative_change_rounding_of(each.printed, before, after)):
            yield Match(printed=each.printed.text, form="percent", rounding=rounding)


def _printed(study: Study, claims: Sequence[Claim]) -> Iterator[PrintedChange]:
    scopes = estimate_scopes(study)
    for claim in claims:
        if claim.rule is not Rule.WITHIN_MARGIN:
            continue
        for target in claim.targets:
            scope = scopes[claim.reading_of(target).estimates[0]]
            if scope.quantity in CHANGES and scope.benchmark and scope.language:
                yield PrintedChange(
                    benchmark=scope.benchmark,
                    language=scope.language,
                    printed=target.printed,
                    source=target.source,
                )
