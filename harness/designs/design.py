"""What kind of study something is: a design draws the plan of every study of its kind, and names what they measure.

A study names the module of its design, which holds it as `DESIGN`.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from harness.designs.estimand import Estimand, PhraseValues, Quantity
from harness.designs.presentation import PLAIN, Presentation
from harness.words.errors import UsageError
from harness.words.estimate import Estimate
from harness.words.mode import Loaded
from harness.words.plan import Plan, Work
from harness.words.study import Profile, Study, retrained

if TYPE_CHECKING:
    from harness.statistics.measured import Measured


class Lacking(StrEnum):
    """What no run of a world can have; the judge has a reason of the same name."""

    DATASET = "dataset-unavailable"
    WEIGHTS = "weights-not-released"


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """What no run can have, whatever it spends, and so what rests on it is not run."""

    lacking: Lacking
    says: str
    """Which thing, and who could change that, in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What the judge looks at beside one estimate: other estimates, by their ids."""

    before: str = ""
    """Of a change, the share of right answers that it starts from."""
    guessing: float = 0.0
    """What guessing reaches there, in the same unit."""
    shared_out: Mapping[str, bool] = field(default_factory=dict)
    """Of a gap between groups, the gap of every language over the same units, and whether it belongs to the group observed."""
    control: Mapping[str, str] = field(default_factory=dict)
    """Of a correlation, by unit: a third quantity, which may stand behind both sides."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a plan reads at most, from the sizes of its profile alone."""

    assumed: tuple[str, ...] = ()
    """What is assumed of the texts, since nobody has read them; a sentence each."""
    work: Mapping[str, Work] = field(default_factory=dict)
    """By stage; those that are not there pass no network."""
    layers_stand_for_more: bool = False
    """Whether the layers of this work stand for other work as well, which takes as long and which no run counts."""
    stored_bytes: Mapping[str, int] = field(default_factory=dict)
    """By stage: what one item leaves in the store, about."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """One kind of study."""

    plan: Callable[[Study, Profile, str], Plan]
    """The stages of one study in one world, on a device; the same arguments give the same plan."""
    estimands: Callable[[Study], Mapping[str, Estimand]]
    """Every estimate that a claim of a study may be about, by id."""
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    """Every quantity that is measured, by name, whether a claim may be about it or not."""
    code: tuple[str, ...]
    """Modules that make estimates of stored tables; with all they import, they are part of what a study registers."""
    estimates: str = "estimates"
    """Stage whose one item, "all", holds the tables that the judge and the report read."""
    specified_estimates: str | None = None
    """Stage whose items hold what specifications that take another extraction or training give, one item each."""
    grades_several: bool = False
    """Whether claims about several estimates are judged under every specification as well, all of them under the same one."""
    replay: str | None = None
    """Stage whose one item, "all", says which layers were found again, and so what a run is evidence for."""
    loaded: Callable[[Plan, Mapping[tuple[str, str], Path]], tuple[Loaded, ...]] = lambda _plan, _folders: ()
    """Models that a run reads beside the one that is replayed, from the folders of its artifacts by stage and item."""
    answers: str | None = None
    """Stage whose items are the answers of the untouched model, one per language."""
    answers_tuned: str | None = None
    """Stage whose items are the same through each adapter, by its name and the language."""
    self_checks: str | None = None
    """Stage whose one item, "all", holds known numbers measured again."""
    gate: Mapping[str, float] = field(default_factory=dict)
    """Sizes of the replay gate that the design fixes; part of what a study registers."""
    measured_values: "Callable[[Study, PhraseValues, str, Mapping[int, PhraseValues]], tuple[Measured, ...]] | None" = None
    """What values of single phrases amount to that somebody else measured: before, and after the training of one adapter."""
    beside: Callable[[Study, Estimate], Beside] = lambda _study, _estimate: Beside()
    """What a verdict on one stored estimate must be read beside."""
    remarks: Callable[[Study, Mapping[str, Estimate]], Mapping[str, str]] = lambda _study, _estimates: {}
    """What is to be said beside some estimates, by id, in view of what else was measured."""
    unavailable: Callable[[Study, Profile], Mapping[str, Unavailable]] = lambda _study, _profile: {}
    """Estimates that a world cannot give, by id, such as those of a model that nobody has published; known before a run."""
    accelerator_bytes: Callable[[Study, Profile], int] | None = None
    """Memory that the largest stage needs; None where it is that of a model with its adapters and encoders."""
    costs: Callable[[Plan], Costs] = lambda _plan: Costs()
    """What every stage of a plan reads at most."""
    presentation: Presentation = PLAIN
    """How a report shows what was measured."""


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
    return design_of(study).plan(as_trained(study, profile), profile, device)


def as_trained(study: Study, profile: Profile) -> Study:
    """The study as one world runs it: adapters are trained as the world says, where the study's choice would move nothing."""
    return study if profile.alignment is None else retrained(study, profile.alignment)


def unavailable_of(study: Study, profile: Profile) -> Mapping[str, Unavailable]:
    """Estimates that a world cannot give, as the design of the study tells."""
    return design_of(study).unavailable(study, profile)


def costs_of(plan: Plan) -> Costs:
    """What every stage of a plan reads at most, as its design tells."""
    return design_of(plan.study).costs(plan)
