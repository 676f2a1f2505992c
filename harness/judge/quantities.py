"""Every estimate that a run of a study can hold, by id, as its design names them, and what is said of those that rest on something.

What a broken layer or a differing cell breaks is looked up here, and read off no name.
"""

from collections.abc import Mapping
from functools import lru_cache

from harness.designs.design import design_of
from harness.designs.estimand import Cell, Estimand
from harness.words.study import Study


def estimate_units(study: Study) -> Mapping[str, str]:
    """Unit of every estimate that a claim of the study may be about, by id."""
    return {name: estimand.unit for name, estimand in estimate_scopes(study).items()}


# A run asks some thirty times, each time for hundreds of estimates.
@lru_cache(maxsize=8)
def estimate_scopes(study: Study) -> Mapping[str, Estimand]:
    """What every estimate is about that a claim of the study may name, by id."""
    return design_of(study).estimands(study)


def said_of_estimates(study: Study, said: Mapping[int | Cell, str]) -> Mapping[str, str]:
    """What is said of the first of the layers and cells that an estimate is made from, by its id; most have nothing said.

    Args:
        study: Whose estimates.
        said: A sentence about a layer or a cell.
    """
    found = {}
    for estimate_id, estimand in estimate_scopes(study).items():
        rests_on: tuple[int | Cell, ...] = (*estimand.layers, *estimand.cells)
        if sentences := [said[each] for each in rests_on if each in said]:
            found[estimate_id] = sentences[0]
    return found


def of_questions(study: Study) -> frozenset[str]:
    """The estimates that are made from answers to benchmark questions."""
    return frozenset(name for name, estimand in estimate_scopes(study).items() if estimand.cells)
