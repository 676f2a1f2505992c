"""The design of emergence studies, as plans, judge and report know it."""

from harness.designs.design import Design
from harness.designs.emergence.availability import unavailable
from harness.designs.emergence.costs import accelerator_bytes, costs
from harness.designs.emergence.evidence import loaded
from harness.designs.emergence.panels import PRESENTATION
from harness.designs.emergence.plan import plan
from harness.designs.emergence.quantities import QUANTITIES, estimands

DESIGN = Design(
    plan=plan,
    estimands=estimands,
    quantities=QUANTITIES,
    code=("harness.designs.emergence.estimates",),
    replay="feature-replay",
    loaded=loaded,
    self_checks="self-checks",
    unavailable=unavailable,
    accelerator_bytes=accelerator_bytes,
    costs=costs,
    presentation=PRESENTATION,
)
