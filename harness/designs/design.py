"""What kind of study something is: a design draws the plan of every study of its kind, and names what they measure.

A study names the module of its design, which holds it as `DESIGN`. Nothing outside that module, what it imports and its
stages knows a stage or a quantity of it.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from harness.words.errors import UsageError
from harness.words.plan import Plan
from harness.words.study import Profile, Study


@dataclass(frozen=True, kw_only=True)
class Design:
    """One kind of study."""

    plan: Callable[[Study, Profile, str], Plan]
    """The stages of one study in one world, on a device; the same arguments give the same plan."""


def design_of(study: Study) -> Design:
    """The design of a study.

    Raises:
        UsageError: If the module that it names holds none.
    """
    try:
        design = getattr(importlib.import_module(study.design), "DESIGN", None)
    except ImportError as error:
        raise UsageError(
            f"the design {study.design} of study {study.name} cannot be imported: {error}"
        ) from error
    if not isinstance(design, Design):
        raise UsageError(
            f"{study.design} must hold DESIGN, a harness.designs.design.Design; found {design!r}"
        )
    return design


def plan(study: Study, profile: Profile, device: str) -> Plan:
    """The stages of one study in one world, as its design draws them."""
    return design_of(study).plan(study, profile, device)
