"""Tables of a whole run in the sizes of the paper, made up, and the judge on them in a process of its own.

`python -m tests.bench.judge_world FOLDER DRAWS` judges every claim of the study, or only draws where DRAWS is not 0, and prints
one line of JSON.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.quantities import estimate_scopes
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.statistics.measured import Measured, Sides, measured
from harness.store.tables import writing
from harness.words.estimate import Estimate, Formula, PhraseValue, Scope, UnitValue
from harness.words.study import Study
from tests.bench.memory import peak_mb

Values = NDArray[np.float64]

STUDY = "sin2025"
QUESTIONS = {"arc": 1_115, "hellaswag": 6_019, "mmlu": 11_025}
SIMILARITY_TEXTS = 512
RIGHT, FLIPPED = 0.3, 0.03
"""Shares of questions: answered right before training, and answered otherwise after it."""
SEEDS = (1, 2, 3, 4, 5)
PHRASES = 2
"""Phrases of each latent: the fewest that the paper's study takes. Drawing phrases as well grows with their number."""
TEXTS_PER_PHRASE = 0.9
"""Some texts serve two latents, so that both have to be resampled."""
KEPT = {
    "gain": 1.85,
    "retention": 0.91,
    "retention-by-adapter": 0.91,
    "gain-ablated": 1.85,
    "retention-ablated": 0.91,
    "gain-difference": 0.2,
    "retention-difference": 0.05,
}
"""Activation after training, relative to before; of a difference, by how much more of it one adapter leaves than another."""
OF_ONE_SEED = ("-ablated", "-difference")
"""Tell quantities of adapters that are trained otherwise: one of each, under the first seed."""
VALUE = {
    Formula.GAP: lambda o, r: 100 * (1 - o.sum() / r.sum()),
    Formula.CHANGE: lambda o, r: 100 * (o.sum() / r.sum() - 1),
    Formula.RATIO: lambda o, r: 100 * o.sum() / r.sum(),
    Formula.RATIO_DIFFERENCE: lambda o, r: 100 * o.sum() / r.sum(),
    Formula.DIFFERENCE: lambda o, r: (o - r).mean(),
    Formula.PEARSON: lambda o, r: np.corrcoef(o, r)[0, 1],
}


@dataclass(frozen=True, kw_only=True)
class Judging:
    """What one process took."""

    claims: int
    states: dict[str, int]
    read_s: float
    """CPU seconds until the tables stand in memory."""
    cpu_s: float
    """CPU seconds of everything after that."""
    peak_mb: float


@dataclass(frozen=True, eq=False)
class _Layer:
    """The latents of one layer, phrase by phrase."""

    latents: int
    strength: Values
    texts: NDArray[np.int64]

    def mean(self, values: Values) -> Values:
        return values.reshape(self.latents, -1).mean(axis=1)


def write_tables(folder: Path, latents: int) -> None:
    """Write estimates, units and phrases as a finished run would."""
    rng, study = np.random.default_rng(7), load_study(STUDY)
    with (
        writing(folder, Estimate) as estimates,
        writing(folder, UnitValue) as units,
        writing(folder, PhraseValue) as phrases,
    ):
        for made in _made(study, latents, rng):
            estimates.write([made.estimate])
            units.write(made.units)
            phrases.write(made.phrases)


def _made(study: Study, latents: int, rng: np.random.Generator) -> Iterator[Measured]:
    layers: dict[int | None, _Layer] = {}
    for scope in estimate_scopes(study).values():
        kind = scope.unit_kind
        if kind == "latent":
            if scope.layer not in layers:
                layers[scope.layer] = _layer(latents, rng)
            yield _over_latents(scope, layers[scope.layer], rng)
        elif kind == "document":
            yield _over_questions(scope, rng)
        elif kind == "language":
            gaps = rng.normal(15, 5, len(study.targets))
            names = [language.code for language in study.targets]
            yield _put(scope, kind, names, [40 - gaps / 2 + rng.normal(0, 1, len(gaps))], gaps)
        elif kind == "seed":
            figures = list(rng.normal(91, 1, (len(SEEDS), 1)))
            yield _put(scope, kind, ["adapters"], figures, np.zeros(1), seeds=SEEDS)
        else:
            texts = [str(place) for place in range(SIMILARITY_TEXTS)]
            yield _put(scope, kind, texts, [rng.normal(0.8, 0.1, len(texts))], np.zeros(len(texts)))


def _layer(latents: int, rng: np.random.Generator) -> _Layer:
    count = latents * PHRASES
    strength = np.repeat(rng.lognormal(0, 0.5, latents), PHRASES) * rng.lognormal(0, 0.3, count)
    return _Layer(latents, strength, rng.integers(0, int(TEXTS_PER_PHRASE * count), count))


def _over_latents(scope: Scope, layer: _Layer, rng: np.random.Generator) -> Measured:
    strength, count = layer.strength, len(layer.strength)
    names = [str(7 * place) for place in range(layer.latents)]
    if scope.quantity != "gap":
        seeds = SEEDS[:1] if scope.quantity.endswith(OF_ONE_SEED) else SEEDS
        after = [layer.mean(strength * KEPT[scope.quantity] * rng.lognormal(0, 0.1, count)) for _ in seeds]
        return _put(scope, "latent", names, after, layer.mean(strength), seeds=seeds)
    low = strength * 0.75 * rng.lognormal(0, 0.2, count)
    other = strength * (1.0 if scope.reading == "high" else 1.6) * rng.lognormal(0, 0.1, count)
    gap = _put(scope, "latent", names, [layer.mean(low)], layer.mean(other))
    if scope.language is not None:
        return gap
    rows = zip(
        np.repeat(names, PHRASES).tolist(), layer.texts.tolist(), low.tolist(), other.tolist(), strict=True
    )
    phrases = tuple(
        PhraseValue(estimate_id=scope.estimate_id, unit=unit, text_id=text, observed=low_, reference=other_)
        for unit, text, low_, other_ in rows
    )
    return Measured(estimate=gap.estimate, units=gap.units, phrases=phrases)


def _over_questions(scope: Scope, rng: np.random.Generator) -> Measured:
    # Retained accuracy rests on the questions of every benchmark.
    count = QUESTIONS[scope.benchmark] if scope.benchmark else sum(QUESTIONS.values())
    names, right = [f"d{place}" for place in range(count)], 100.0 * (rng.random(count) < RIGHT)
    if scope.quantity == "accuracy":
        return _put(scope, "document", names, [right], np.zeros(count))
    after = [np.where(rng.random(count) < FLIPPED, 100 - right, right) for _ in SEEDS]
    return _put(scope, "document", names, after, right, seeds=SEEDS)


def _put(
    scope: Scope,
    kind: str,
    names: list[str],
    observed: list[Values],
    reference: Values,
    *,
    seeds: Sequence[int | None] = (None,),
) -> Measured:
    formula = scope.formulas[0]
    value = float(np.mean([VALUE[formula](side, reference) for side in observed]))
    sides = [
        Sides(units=names, observed=side, reference=reference, seed=seed)
        for seed, side in zip(seeds, observed, strict=True)
    ]
    return measured(scope, value, formula, kind, sides)


def judged(folder: Path, num_draws: int) -> Judging:
    """Judge the whole inventory, or make that many draws of everything that it asks for."""
    claims = load_claims(STUDY)
    samples = measurements_of(load_study(STUDY), read_stored(folder), claims)
    read_s = time.process_time()
    states: Counter[str] = Counter()
    if num_draws:
        first = claims[0].primary.estimates[0]
        samples.redrawn(1, num_draws)[first, claims[0].inference]
    else:
        states.update(verdict.state.value for verdict in judge(claims, samples, Circumstances()))
    return Judging(
        claims=len(claims),
        states=dict(states),
        read_s=read_s,
        cpu_s=time.process_time() - read_s,
        peak_mb=peak_mb(),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(judged(Path(sys.argv[1]), int(sys.argv[2])))) + "\n")
