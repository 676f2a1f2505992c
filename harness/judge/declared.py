"""What a study declares before anything is measured: its claims, checked when they are read."""

import difflib

from harness.judge.claimfaults import inventory_faults
from harness.judge.quantities import estimate_units
from harness.sources.studies import load_claims_of, load_study
from harness.words.claim import Claim
from harness.words.errors import UsageError
from harness.words.study import Study


def load_claims(study: str) -> tuple[Claim, ...]:
    """Every claim of a study, in its order; none where it declares none.

    Raises:
        UsageError: If there is no such study, or something is wrong with its claims; names all of it by claim.
    """
    return claims_of(load_study(study))


def claims_of(study: Study) -> tuple[Claim, ...]:
    """Every claim of a study that is loaded already.

    Raises:
        UsageError: If something is wrong with its claims.
    """
    claims = load_claims_of(study.name)
    if faults := list(inventory_faults(claims, estimate_units(study))):
        raise UsageError(f"claims/{study.name}/claims.py cannot be used:\n  " + "\n  ".join(faults))
    return claims


def claim_named(claims: tuple[Claim, ...], name: str) -> Claim:
    """The claim with that id.

    Raises:
        UsageError: If there is none.
    """
    for claim in claims:
        if claim.id == name:
            return claim
    ids = [claim.id for claim in claims]
    close = difflib.get_close_matches(name, ids, n=3)
    near = f"did you mean {', '.join(close)}? " if close else ""
    raise UsageError(f"unknown claim {name!r}; {near}'harness claims' lists the {len(ids)} that are allowed")
