"""The design of emergence studies, as plans, judge and report know it."""

from harness.designs.design import ABOUT_ONE, Design
from harness.designs.emergence.availability import unavailable
from harness.designs.emergence.costs import accelerator_bytes, costs
from harness.designs.emergence.evidence import loaded
from harness.designs.emergence.panels import PRESENTATION
from harness.designs.emergence.plan import plan
from harness.designs.emergence.quantities import QUANTITIES, estimands
from harness.words.claim import Rule

DESIGN = Design(
    plan=plan,
    estimands=estimands,
    quantities=QUANTITIES,
    code=("harness.designs.emergence.estimates",),
    # What is claimed of every size and language is claimed under one specification at a time.
    graded=(*ABOUT_ONE, Rule.EVERY_SIGN, Rule.LARGEST_AT, Rule.LARGEST_WITHIN),
    replay="feature-replay",
    loaded=loaded,
    self_checks="self-checks",
    unavailable=unavailable,
    accelerator_bytes=accelerator_bytes,
    costs=costs,
    presentation=PRESENTATION,
)
