"""The design of disparity studies, as plans, judge and report know it."""

from harness.designs.design import Design
from harness.designs.disparity.plan import plan

DESIGN = Design(plan=plan)
