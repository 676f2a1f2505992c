"""Every specification of the paper's gaps, gains and retention in the sizes of the paper, made up, and the grid judged on them.

`python -m tests.bench.grid_world FOLDER` judges the primary specification and then the grid, in one process, and prints one line of
JSON.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.multiverse import multiverses
from harness.judge.specifications import read_specifications
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.store.tables import read_table, writing
from harness.words.estimate import MEDIAN_OF_GAPS, Estimate, Formula, SpecifiedEstimate, SpecifiedSides
from harness.words.judgement import Judged
from harness.words.specification import AxisKind, combined, of_kind, specification_name
from harness.words.study import Study
from tests.bench.judge_world import SEEDS, STUDY, write_tables
from tests.bench.memory import peak_mb

Values = NDArray[np.float64]
FORMULAS = {"mean-of-ratios": Formula.MEAN_OF_GAPS, "median-of-ratios": MEDIAN_OF_GAPS}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What the grid took beyond the primary specification."""

    specifications: int
    """That were judged, over all claims."""
    claims: int
    primary_s: float
    """CPU seconds of the primary specification alone."""
    grid_s: float
    """CPU seconds of reading and judging everything else."""
    primary_mb: float
    grid_mb: float
    """Peak memory beyond the primary specification's."""


def write_world(folder: Path, latents: int) -> None:
    """The tables of a run, and what it would have computed beside the primary specification."""
    write_tables(folder, latents)
    study, rng = load_study(STUDY), np.random.default_rng(11)
    with writing(folder, SpecifiedEstimate) as estimates, writing(folder, SpecifiedSides) as sides:
        for primary in read_table(folder, Estimate):
            is_asked = {
                "gap": primary.language is None and primary.reading == "high",
                "gain": primary.specification == "primary",
                "retention": primary.unit_kind == "latent",
            }
            if not is_asked.get(primary.quantity):
                continue
            rows, kept = _specified(study, primary, latents, rng)
            estimates.write(rows)
            sides.write(kept)


def _specified(
    study: Study, primary: Estimate, latents: int, rng: np.random.Generator
) -> tuple[list[SpecifiedEstimate], list[SpecifiedSides]]:
    is_gap = primary.quantity == "gap"
    names = ("pooling", "strength", "translations", *(("group", "aggregation") if is_gap else ()))
    axes = [axis for axis in of_kind(study.axes, AxisKind.ANALYSIS) if axis.name in names]
    reference = rng.lognormal(0, 0.5, latents)
    rows, kept = [], list[SpecifiedSides]()
    for differences in combined(axes):
        made_of = {axis: level for axis, level in differences.items() if axis != "aggregation"}
        name, made = (specification_name(axes, each) for each in (differences, made_of))
        if not differences:
            continue
        if not kept or kept[-1].sides != made:
            share = 0.75 if is_gap else 1.85 if primary.quantity == "gain" else 0.91
            observed = {
                seed: (reference * share * rng.lognormal(0, 0.2, latents)).astype(np.float32)
                for seed in ((None,) if is_gap else SEEDS)
            }
            kept += [
                SpecifiedSides(
                    primary_id=primary.estimate_id,
                    sides=made,
                    seed=seed,
                    observed=tuple(values.tolist()),
                    reference=tuple(reference.astype(np.float32).tolist()),
                    widening=1.1,
                )
                for seed, values in observed.items()
            ]
        formula = FORMULAS.get(differences.get("aggregation", ""), primary.formula)
        rows.append(
            SpecifiedEstimate(
                estimate_id=primary.estimate_id.replace("/primary", f"/{name}"),
                primary_id=primary.estimate_id,
                specification=name,
                sides=made,
                formula=formula,
                unit_kind="latent",
                value=_value(formula, list(observed.values()), reference.astype(np.float32)),
                because="",
            )
        )
    return rows, kept


def _value(formula: str, observed: list[NDArray[np.float32]], reference: NDArray[np.float32]) -> float:
    sides = [(each.astype(np.float64), reference.astype(np.float64)) for each in observed]
    if formula == MEDIAN_OF_GAPS:
        return float(np.median(100 * (1 - sides[0][0] / sides[0][1])))
    if formula == Formula.MEAN_OF_GAPS:
        return float(np.mean(100 * (1 - sides[0][0] / sides[0][1])))
    ratios = [100 * low.sum() / high.sum() for low, high in sides]
    found = {Formula.GAP: [100 - each for each in ratios], Formula.CHANGE: [each - 100 for each in ratios]}
    return float(np.mean(found.get(Formula(formula), ratios)))


def judged(folder: Path) -> Grid:
    """The primary specification, then all others."""
    study, claims = load_study(STUDY), load_claims(STUDY)
    measurements = measurements_of(study, read_stored(folder), claims)
    verdicts = judge(claims, measurements, Circumstances())
    primary_s, primary_mb = time.process_time(), peak_mb()
    specifications = read_specifications((folder,))
    paper = Judged(study=STUDY, claims=claims, verdicts=verdicts)
    found = list(multiverses(paper, study, measurements, specifications, Circumstances()))
    return Grid(
        specifications=sum(len(each.specifications) for each in found),
        claims=len(found),
        primary_s=primary_s,
        grid_s=time.process_time() - primary_s,
        primary_mb=primary_mb,
        grid_mb=peak_mb() - primary_mb,
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(judged(Path(sys.argv[1])))) + "\n")
