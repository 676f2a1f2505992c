"""What the cases of one claim amount to: streams that must agree, readings that may differ, what is only explored."""

from dataclasses import replace

from harness.judge.question import range_text, shown
from harness.statistics.resampling import MANY_DRAWS
from harness.words.claim import Claim, Tier, shown_as
from harness.words.verdict import CaseVerdict, Flag, State, Verdict, Why


def agreed(case: CaseVerdict, other: CaseVerdict) -> CaseVerdict:
    """The case where another stream tells the same; else that it cannot be told."""
    if case.state is other.state:
        return case
    says = f"Two streams of {MANY_DRAWS} draws reach different verdicts. {case.says}"
    return replace(case, state=State.INCONCLUSIVE, why=Why.UNSTABLE, flags=(), says=says)


def explored(case: CaseVerdict) -> CaseVerdict:
    """The measurement without any verdict on it."""
    if case.state is State.ERROR:
        return case
    says = "This is explored and not judged."
    if case.numbers:
        says += f" Measured {shown(case.numbers.estimate)}, 90 % interval {range_text(case.numbers.ci90)}."
    return replace(case, state=State.INCONCLUSIVE, why=Why.EXPLORATORY, flags=(), says=says)


def of_cases(claim: Claim, cases: tuple[CaseVerdict, ...]) -> Verdict:
    """Equal cases give their verdict; PASS against DEVIATION is contested; anything else is unresolved."""
    states = {case.state for case in cases}
    deciding, flags = cases[0], cases[0].flags
    if State.ERROR in states:
        deciding = next(case for case in cases if case.state is State.ERROR)
        flags = deciding.flags
    elif {State.PASS, State.DEVIATION} <= states:
        one_reading = len({case.reading for case in cases}) == 1
        what = "Which printed number is the paper's" if one_reading else "What the sentence means"
        says = "; ".join(
            f"{case.reading} ({shown_as(case.printed or 'no target', case.stands_for)}): {case.state}"
            for case in cases
        )
        return Verdict(claim_id=claim.id, state=State.CONTESTED, why=Why.READINGS_DIFFER,
                       says=f"{what} decides: {says}.", cases=cases)  # fmt: skip
    elif len(states) > 1:
        deciding = next(case for case in cases if case.state is State.INCONCLUSIVE)
        flags = (*deciding.flags, Flag.READING_DEPENDENT)
    elif len(cases) > 1 and claim.tier is not Tier.EXPLORATORY:
        flags = (*flags, Flag.TARGET_DISPUTED)
    return Verdict(claim_id=claim.id, state=deciding.state, why=deciding.why, flags=flags,
                   says=deciding.says, cases=cases)  # fmt: skip
