"""The design of disparity studies, as plans, judge and report know it."""

from harness.designs.design import Design
from harness.designs.disparity.plan import REPLAYED_ROWS, plan
from harness.designs.disparity.quantities import estimands

DESIGN = Design(
    plan=plan,
    estimands=estimands,
    code=("harness.designs.disparity.estimates",),
    gate={"rows_of_a_layer": REPLAYED_ROWS},
)
