"""How often the judge is wrong when the truth lies at an edge: from units drawn by a law, through stored rows, to a verdict.

Every world below sits exactly where a rule may go wrong, so each PASS and each DEVIATION that the world forbids is an
error. `python -m tests.judge.error_rates 2000` prints the table of docs/how-a-verdict-is-reached.md.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from harness.judge import judge, measurements, resampled, rules
from harness.judge.quantities import estimate_scopes
from harness.judge.unit_values import Stored, read_stored, stored_in_memory
from harness.sources.studies import load_study
from harness.statistics.correlation import PermutationP
from harness.statistics.measured import Measured, Sides, measured
from harness.statistics.resampling import cluster_sums
from harness.words.claim import Claim, InferenceTarget, Rule
from harness.words.estimate import Formula, Scope
from harness.words.study import Group
from harness.words.verdict import State, Verdict, Why
from tests.judge.asked import claim, reading

Values = NDArray[np.float64]
Law = Callable[[np.random.Generator, int, float], tuple[Values, Values]]
"""Generator, number of latents and ratio of the means to observed and reference."""

INDEPENDENT_RUN = Path(__file__).resolve().parents[2] / "fixtures" / "independent_run"
EMPIRICAL = {
    "layer 6": "gap/layer=6/high/primary",
    "layer 6, ml": "gap/layer=6/lang=ml/high/primary",
    "layer 25": "gap/layer=25/high/primary",
}
EDGE = 25.0
"""The gap at which a band ends, a sign turns or members tie, in percent."""
FAR = 40.0
"""Percent under the edge where a member says nothing."""

DRAWS, MANY = 1_999, 3_999
SHARING = 20
"""Repetitions that share their draws, to save time."""


def lognormal(generator: np.random.Generator, sigma: float, count: int) -> Values:
    """Positive values with a mean of one."""
    drawn: Values = np.exp(sigma * generator.standard_normal(count) - sigma**2 / 2)
    return drawn


def spread_law(sigma: float, ratio_sigma: float, active: float = 1.0) -> Law:
    """References of one spread, ratios of another, of which a share is active."""

    def draw(generator: np.random.Generator, count: int, ratio: float) -> tuple[Values, Values]:
        reference = lognormal(generator, sigma, count)
        is_active = generator.random(count) < active
        return ratio * reference * is_active / active * lognormal(generator, ratio_sigma, count), reference

    return draw


@cache
def independent_run() -> Stored:
    return read_stored(INDEPENDENT_RUN)


def empirical_law(estimate_id: str) -> Law:
    """Latents of the miniature's independent run, drawn again, their ratio set to the one asked for."""

    def draw(generator: np.random.Generator, count: int, ratio: float) -> tuple[Values, Values]:
        rows = independent_run().unit_rows(estimate_id)
        assert rows is not None
        observed, reference = rows.mean_observed, rows.mean_reference
        places = generator.integers(len(observed), size=count)
        return observed[places] * ratio * reference.sum() / observed.sum(), reference[places]

    return draw


LAWS: Mapping[str, Law] = {
    "moderate": spread_law(0.5, 0.37),
    "sparse": spread_law(1.0, 0.7, active=0.4),
    "heavy": spread_law(1.2, 1.0),
    **{name: empirical_law(each) for name, each in EMPIRICAL.items()},
}

SEEDS: Mapping[str, Callable[[np.random.Generator, int], Values]] = {
    "normal": lambda generator, count: generator.standard_normal(count),
    "t(3)": lambda generator, count: generator.standard_t(3, count) / np.sqrt(3),
    "lognormal": lambda generator, count: (lognormal(generator, 1.0, count) - 1) / np.sqrt(np.e - 1),
}
"""Effects of training seeds, with mean 0 and variance 1."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A claim whose truth lies at an edge, what is measured of it in one repetition, and which states are wrong."""

    claims: Callable[[int], Claim]
    parts: Callable[[np.random.Generator, int], Sequence[Measured]]
    wrong: tuple[State, ...] = (State.PASS, State.DEVIATION)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Shares of repetitions."""

    passed: float
    deviated: float
    withheld: float
    """Verdicts that were not given since an assumption is broken."""
    wrong: float
    """The larger share of a state that is wrong here."""


def rates(world: World, repetitions: int, seed: int = 1) -> Rates:
    """How often each verdict comes out."""
    found, remembered = Counter[State | Why](), RememberedDraws()
    with (
        patch.object(resampled, "cluster_sums", remembered),
        patch.multiple(judge, NUM_DRAWS=DRAWS, MANY_DRAWS=MANY),
        # What a study measures is the same in every repetition, and takes most of the time to write down.
        patch.object(measurements, "estimate_scopes", cache(estimate_scopes)),
        # It is shown beside a correlation, decides nothing, and takes most of the time.
        patch.object(rules, "permutation_p", lambda *_: PermutationP(1.0, 1.0, exact=True)),
    ):
        for repetition in range(repetitions):
            if repetition % SHARING == 0:
                remembered.counts.clear()
            verdict = judged(world, np.random.default_rng([seed, repetition]), repetition)
            found.update((verdict.state, verdict.why))
    shares = {state: count / repetitions for state, count in found.items()}
    return Rates(
        passed=shares.get(State.PASS, 0.0),
        deviated=shares.get(State.DEVIATION, 0.0),
        withheld=shares.get(Why.ASSUMPTION_BROKEN, 0.0),
        wrong=max(shares.get(state, 0.0) for state in world.wrong),
    )


def judged(world: World, generator: np.random.Generator, repetition: int) -> Verdict:
    parts, asked = world.parts(generator, repetition), world.claims(repetition)
    rows = [row for part in parts for row in part.units]
    stored = stored_in_memory([part.estimate for part in parts], rows)
    samples = measurements.measurements_of(load_study("sin2025"), stored, [asked]).redrawn(1, DRAWS)
    verdict = judge.judge([asked], samples, judge.Circumstances())[0]
    # An error is no verdict, and would count as never wrong.
    assert verdict.state is not State.ERROR, verdict.says
    return verdict


class RememberedDraws:
    """`cluster_sums`, whose draws of one stream over so many units are made once."""

    def __init__(self) -> None:
        self.counts: dict[tuple[int, int, int], Values] = {}

    def __call__(
        self, columns: Values, generator: np.random.Generator, num_draws: int, *, at_once: bool = False
    ) -> Values:
        del at_once  # one product here either way
        state: int = generator.bit_generator.state["state"]["state"]
        key = (state, len(columns), num_draws)
        if key not in self.counts:
            self.counts[key] = cluster_sums(np.eye(len(columns)), generator, num_draws)
        sums: Values = self.counts[key] @ columns
        return sums


def gap_scope(repetition: int, place: int = 0, count: int = 1) -> Scope:
    """A gap at a layer whose draws only a few repetitions share."""
    layer = repetition // SHARING * count + place
    return Scope(quantity="gap", unit="percent", layer=layer, reading="high")


def gap_of(law: Law, generator: np.random.Generator, count: int, gap: float, scope: Scope) -> Measured:
    observed, reference = law(generator, count, 1 - gap / 100)
    sides = Sides(units=named(count), observed=observed, reference=reference)
    return measured(scope, 100 * (1 - observed.sum() / reference.sum()), Formula.GAP, "latent", (sides,))


def value_at_edge(law: Law, count: int, margin: float = 200.0) -> World:
    """A gap whose truth is the upper edge of its band; a wrong PASS there is a wrong DEVIATION at the lower one."""
    printed = EDGE - margin - 0.005
    return World(
        claims=lambda repetition: claim(
            Rule.WITHIN_MARGIN,
            f"{printed:.2f}",
            readings=(reading(gap_scope(repetition).estimate_id),),
            margin=margin,
        ),
        parts=lambda generator, repetition: [gap_of(law, generator, count, EDGE, gap_scope(repetition))],
    )


def gain_at_edge(law: Law, seeds: str, count: int = 100, num_seeds: int = 5) -> World:
    """A gain of adapters trained with several seeds, whose truth is the upper edge of its band."""
    truth, margin, seed_sd = 50.0, 400.0, 4.0

    def scope(repetition: int) -> Scope:
        return Scope(quantity="gain", unit="percent", layer=repetition // SHARING, language="ml")

    def parts(generator: np.random.Generator, repetition: int) -> list[Measured]:
        observed, reference = law(generator, count, 1 + truth / 100)
        effects = seed_sd / 100 * SEEDS[seeds](generator, num_seeds)
        sides = [
            Sides(units=named(count), observed=observed + effect * reference, reference=reference, seed=seed)
            for seed, effect in enumerate(effects.tolist())
        ]
        value = 100 * (np.mean([side.observed.sum() for side in sides]) / reference.sum() - 1)
        return [measured(scope(repetition), value, Formula.CHANGE, "latent", sides)]

    def asked(repetition: int) -> Claim:
        printed = f"{truth - margin - 0.005:.2f}"
        return claim(
            Rule.WITHIN_MARGIN, printed, readings=(reading(scope(repetition).estimate_id),), margin=margin
        )

    return World(claims=asked, parts=parts)


def seeds_at_edge(seeds: str, num_seeds: int) -> World:
    """A change on fixed questions, of which training alone varies, whose truth is the upper edge of its band."""
    scope, margin = Scope(quantity="delta", unit="points", language="ml", benchmark="arc"), 20.0

    def parts(generator: np.random.Generator, _repetition: int) -> list[Measured]:
        values = SEEDS[seeds](generator, num_seeds)
        sides = [
            Sides(units=("all",), observed=np.array([value]), reference=np.zeros(1), seed=seed)
            for seed, value in enumerate(values.tolist())
        ]
        return [measured(scope, float(values.mean()), Formula.DIFFERENCE, "seed", sides)]

    asked = claim(
        Rule.WITHIN_MARGIN,
        f"{-margin - 0.005:.2f}",
        readings=(reading(scope.estimate_id),),
        margin=margin,
        inference=InferenceTarget.FIXED_ITEMS,
    )
    return World(claims=lambda _: asked, parts=parts)


def maximum(law: Law, rule: Rule, gaps: Sequence[float], count: int = 100) -> World:
    """Members of one claim at true gaps, of which the largest ends a band at 25."""
    margin = 2.0
    printed = EDGE - margin - 0.005 if rule is Rule.MAXIMUM_AT_MOST else EDGE + margin + 0.005

    def asked(repetition: int) -> Claim:
        return claim(rule, f"{printed:.3f}", readings=(reading(*ids(repetition, len(gaps))),), margin=margin)

    return World(claims=asked, parts=at_gaps(law, gaps, count))


def place(
    law: Law, gaps: Sequence[float], named_members: int, wrong: tuple[State, ...], count: int = 100
) -> World:
    """Members at true gaps, the first of which are claimed to hold the largest."""

    def asked(repetition: int) -> Claim:
        each = ids(repetition, len(gaps))
        return claim(Rule.LARGEST_WITHIN, readings=(reading(*each),), named=each[:named_members])

    return World(claims=asked, parts=at_gaps(law, gaps, count), wrong=wrong)


def at_gaps(
    law: Law, gaps: Sequence[float], count: int
) -> Callable[[np.random.Generator, int], Sequence[Measured]]:
    return lambda generator, repetition: [
        gap_of(law, generator, count, gap, gap_scope(repetition, place, len(gaps)))
        for place, gap in enumerate(gaps)
    ]


def ids(repetition: int, members: int) -> tuple[str, ...]:
    return tuple(gap_scope(repetition, place, members).estimate_id for place in range(members))


def consistent(seed_sd: float, num_seeds: int = 5, questions: int = 30) -> World:
    """Changes in accuracy of no size in nine cells, whose training seeds do the same in every language."""
    scopes = [
        Scope(quantity="delta", unit="points", language=language, benchmark=benchmark)
        for language in ("ml", "hi", "mr")
        for benchmark in ("arc", "hellaswag", "mmlu")
    ]

    def parts(generator: np.random.Generator, _repetition: int) -> Iterator[Measured]:
        effects = seed_sd * generator.standard_normal(num_seeds)
        for scope in scopes:
            changes = 4 * generator.standard_normal(questions)
            sides = [
                Sides(
                    units=named(questions),
                    observed=changes + effect,
                    reference=np.zeros(questions),
                    seed=seed,
                )
                for seed, effect in enumerate(effects.tolist())
            ]
            value = float(changes.mean() + effects.mean())
            yield measured(scope, value, Formula.DIFFERENCE, "document", sides)

    asked = claim(Rule.POOLED_SIGN, readings=(reading(*(scope.estimate_id for scope in scopes)),), sign=1)
    return World(claims=lambda _: asked, parts=lambda *given: list(parts(*given)))


def in_groups(group_sd: float) -> World:
    """Languages whose two groups move both sides of a correlation, by chance and apart from each other."""
    targets = load_study("sin2025").targets
    is_low = np.array([int(language.group is Group.LOW) for language in targets])
    scope = Scope(quantity="correlation", unit="r", benchmark="arc")

    def side(generator: np.random.Generator) -> Values:
        found: Values = group_sd * generator.standard_normal(2)[is_low] + generator.standard_normal(
            len(targets)
        )
        return found

    def parts(generator: np.random.Generator, _repetition: int) -> list[Measured]:
        sides = Sides(
            units=[language.code for language in targets], observed=side(generator), reference=side(generator)
        )
        value = float(np.corrcoef(sides.observed, sides.reference)[0, 1])
        return [measured(scope, value, Formula.PEARSON, "language", (sides,))]

    asked = claim(Rule.CORRELATION_SIGN, readings=(reading(scope.estimate_id),), sign=-1)
    return World(claims=lambda _: asked, parts=parts)


def of_equal_gains(law: Law, count: int = 100, apart: float = 0.37) -> World:
    """The difference of two gains of one language, which are equal in truth: its sign is nothing that a run can show."""

    def scope(repetition: int) -> Scope:
        return Scope(quantity="gain-difference", unit="points", layer=repetition // SHARING, language="ml")

    def parts(generator: np.random.Generator, repetition: int) -> list[Measured]:
        after, before = law(generator, count, 1.5)
        observed = after * (lognormal(generator, apart, count) - 1)
        sides = Sides(units=named(count), observed=observed, reference=before, seed=1)
        value = 100 * observed.sum() / before.sum()
        return [measured(scope(repetition), value, Formula.RATIO_DIFFERENCE, "latent", (sides,))]

    def asked(repetition: int) -> Claim:
        return claim(Rule.SIGN, readings=(reading(scope(repetition).estimate_id),), sign=1)

    return World(claims=asked, parts=parts)


def few_flips(share: float, count: int = 1_115) -> World:
    """Outcomes of which few change, either way as often."""
    scope, right = Scope(quantity="delta", unit="points", language="ml", benchmark="arc"), 0.3

    def parts(generator: np.random.Generator, _repetition: int) -> list[Measured]:
        before = generator.random(count) < right
        changes = generator.random(count) < share * np.where(before, 0.5 / right, 0.5 / (1 - right))
        after = before ^ changes
        sides = Sides(units=named(count), observed=100.0 * after, reference=100.0 * before, seed=1)
        value = 100 * float(after.mean() - before.mean())
        return [measured(scope, value, Formula.DIFFERENCE, "document", (sides,))]

    asked = claim(Rule.SIGN, readings=(reading(scope.estimate_id),), sign=1)
    return World(claims=lambda _: asked, parts=parts)


def named(count: int) -> list[str]:
    return [f"u{place}" for place in range(count)]


EQUAL, ONE = [EDGE] * 26, [EDGE] + [EDGE - FAR] * 25
TIED = [EDGE] * 10 + [EDGE - FAR] * 16
"""Nine named members and one other at the top."""
BELOW = [EDGE - 2] * 9 + [EDGE] + [EDGE - FAR] * 16

WORLDS: Mapping[str, World] = {
    **{
        f"value of a gap, {count} latents, {law}": value_at_edge(LAWS[law], count)
        for count in (100, 300)
        for law in LAWS
    },
    **{f"value of a gain, {law}, {seeds} seeds": gain_at_edge(LAWS[law], seeds)
       for law in ("moderate", "layer 25") for seeds in ("normal", "t(3)")},
    **{f"value on fixed items, {num_seeds} {seeds} seeds": seeds_at_edge(seeds, num_seeds)
       for seeds in SEEDS for num_seeds in (3, 5, 8)},
    **{f"{name}, {law}": world
       for law in ("moderate", "layer 25", "sparse")
       for name, world in {
           "no more than, all 26 at the edge": maximum(LAWS[law], Rule.MAXIMUM_AT_MOST, EQUAL),
           "no more than, one at the edge": maximum(LAWS[law], Rule.MAXIMUM_AT_MOST, ONE),
           "reaches, all 26 at the edge": maximum(LAWS[law], Rule.MAXIMUM_AT_LEAST, EQUAL),
           "reaches, one at the edge": maximum(LAWS[law], Rule.MAXIMUM_AT_LEAST, ONE),
           "largest at one, all 26 equal": place(LAWS[law], EQUAL, 1, (State.PASS, State.DEVIATION)),
           "largest among nine, tied with one other": place(LAWS[law], TIED, 9, (State.PASS, State.DEVIATION)),
           "largest among nine, all 2 points below one other": place(LAWS[law], BELOW, 9, (State.PASS,)),
       }.items()},
    "consistent, seeds shared by languages": consistent(1.5),
    **{f"sign of a difference of equal gains, {law}": of_equal_gains(LAWS[law]) for law in ("moderate", "sparse")},
    **{f"correlation, groups of spread {spread:g}": in_groups(spread) for spread in (0, 1, 3)},
    **{f"sign of paired outcomes, {flips} of 1,115 flipped": few_flips(flips / 1_115) for flips in (3, 12)},
}  # fmt: skip
"""Every rule at its edges, by the row of the table."""

NO_METHOD_HOLDS = ("heavy", "lognormal")
"""Laws under which an assumption is named beside the verdict, and no rate is promised."""


def main(repetitions: int, wanted: str = "") -> None:
    """Print the table, row by row."""
    sys.stdout.write(
        "| where the truth lies | wrong PASS | wrong DEVIATION | withheld |\n| :-- | --: | --: | --: |\n"
    )
    for name, world in WORLDS.items():
        if wanted in name:
            found = rates(world, repetitions)
            deviated = f"{found.deviated:.3f}" if State.DEVIATION in world.wrong else "right"
            sys.stdout.write(f"| {name} | {found.passed:.3f} | {deviated} | {found.withheld:.3f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
