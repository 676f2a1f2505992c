"""Planted estimates before the judge, by the way of a run and by the way of an audit: what it must say is known by pencil."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from harness.judge.audit_input import audit_input
from harness.judge.declaration import read_declaration
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import Measurements
from harness.judge.unit_values import stored_in_memory
from harness.run import verdicts
from harness.statistics.measured import Sides, measured
from harness.words.claim import (
    Claim,
    InferenceTarget,
    Kind,
    Minima,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Target,
    Tier,
    Unit,
)
from harness.words.estimate import Formula, Scope, UnitValue
from harness.words.records import LayerReplay
from harness.words.study import Profile
from harness.words.verdict import Verdict, Why
from tests.planted.network import NUM_LAYERS
from tests.planted.world import STUDY

CHANGE = "delta/lang=hi/bench=arc/primary/primary"
"""Differs between seeds as well as between questions."""

BLANK = Claim(
    id="",
    says="A planted claim",
    inventory=(),
    sentence=Sentence(source="pencil", tier=SourceTier.PAPER, where="planted", sense="What a pencil says."),
    kind=Kind.DIRECTION,
    rule=Rule.EVERY_SIGN,
    tier=Tier.SECONDARY,
    unit=Unit.PERCENT,
    sign=1,
)


def _about(*estimates: str) -> tuple[Reading, ...]:
    return (Reading(name="primary", says="as planted", supported_by=("pencil",), estimates=estimates),)


CLAIMS = (
    replace(
        BLANK,
        id="every gap",
        readings=_about(*(f"gap/layer={layer}/high/primary" for layer in range(NUM_LAYERS))),
    ),
    replace(
        BLANK,
        id="gains of unlike seeds",
        readings=_about(
            "gain/layer=2/lang=ml/primary/primary", "gain-control/layer=2/lang=ml/primary/primary"
        ),
        minima=Minima(seeds=3),
    ),
    replace(
        BLANK,
        id="mean score",
        kind=Kind.CORRELATION,
        rule=Rule.CORRELATION_SIGN,
        unit=Unit.CORRELATION,
        readings=_about("correlation/primary/primary"),
    ),
)
"""What is asked of the planted estimates."""

WHY = {"gains of unlike seeds": Why.TOO_FEW_SEEDS, "mean score": Why.SUBSET}
"""What the judge must say where every layer was found again: a control has one seed, and the profile an item limit."""
WHY_BROKEN = {"every gap": Why.REPLAY_FAILED}
"""What it must say where the last layer was not."""

DECLARED = replace(
    BLANK,
    id="change on these items",
    kind=Kind.VALUE,
    rule=Rule.WITHIN_MARGIN,
    unit=Unit.POINTS,
    readings=_about(CHANGE),
    targets=(Target(printed=Printed("0.00"), source="pencil", tier=SourceTier.PAPER, reading="primary"),),
    margin=5.0,
    null=0.0,
    inference=InferenceTarget.FIXED_ITEMS,
)


def judged(estimates: Path, profile: Profile, broken: int | None = None) -> Mapping[str, Verdict]:
    """The verdicts on a run of which one layer was not found again, if any."""
    inputs = verdicts.Inputs(
        study=STUDY,
        profile=profile,
        run_id="planted",
        mode="planted",
        estimates=estimates,
        replays=[_replay(layer, passes=layer != broken) for layer in range(NUM_LAYERS)],
    )
    with patch.object(verdicts, "claims_of", lambda study: CLAIMS):
        found = judge(CLAIMS, inputs.measurements, verdicts.paper_circumstances(inputs))
    return {verdict.claim_id: verdict for verdict in found}


def judged_as_declared(rows: Sequence[UnitValue], folder: Path) -> Verdict:
    """The verdict on a change that somebody declares unit by unit."""
    file = folder / "declared.json"
    values = [
        {"unit": row.unit, "seed": row.seed, "observed": row.observed, "reference": row.reference}
        for row in rows
    ]
    measured = {
        "claim": DECLARED.id,
        "unit": DECLARED.unit,
        "formula": Formula.DIFFERENCE,
        "unit_values": values,
    }
    content = {
        "schema_version": "1.0",
        "study": STUDY.name,
        "declared_by": "pencil",
        "measurements": [measured],
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    declared = audit_input(read_declaration(file), STUDY, (DECLARED,))
    (verdict,) = judge((DECLARED,), declared.measurements, Circumstances())
    return verdict


def interval_of_no_difference() -> tuple[float, float]:
    """The 90 % interval of two gains whose twenty latents differ by as much either way, so that they are equal."""
    apart, before = np.tile([1.0, -1.0], 10), np.ones(20)
    scope = Scope(quantity="gain-difference", unit="points", layer=2, language="ml")
    sides = Sides(units=[str(latent) for latent in range(20)], observed=apart, reference=before)
    part = measured(scope, 0.0, Formula.RATIO_DIFFERENCE, "latent", (sides,))
    tables = stored_in_memory([part.estimate], part.units)
    found = Measurements(study=STUDY, tables=tables, num_draws=999)
    return found[scope.estimate_id, InferenceTarget.POPULATION].interval(0.90)


def error_over_seeds(rows: Sequence[UnitValue]) -> float:
    """Standard error of a mean difference on the very same units: seeds are all that varies."""
    seeds = sorted({row.seed for row in rows if row.seed is not None})
    by_seed = [np.mean([row.observed - row.reference for row in rows if row.seed == seed]) for seed in seeds]
    return float(np.std(by_seed, ddof=1) / len(seeds) ** 0.5)


def _replay(layer: int, *, passes: bool) -> LayerReplay:
    return LayerReplay(
        layer=layer,
        d_model=STUDY.shapes.d_model,
        d_sae=STUDY.shapes.d_sae,
        rows=50,
        rows_passing=50 if passes else 0,
        rows_passing_without_bos=0,
        rows_same_peak=50,
        median_correlation=1.0 if passes else 0.0,
        median_scale=1.0,
        median_scale_without_bos=1.0,
        passes=passes,
    )
