"""Measurements made elsewhere, each found its claim, reading and estimate: what the judge is given of them, or one clear error."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from harness.designs.estimand import Estimand
from harness.judge.declaration import BySeed, Declaration, Entry, Raw, Row, Summary, addressed, listed
from harness.judge.measurements import Measurement, Measurements, Quantity, measurements_of
from harness.judge.quantities import estimate_scopes
from harness.judge.resampled import RATIOS, SHARES, num_units, recomputed
from harness.judge.unit_values import UnitRows, stored_in_memory
from harness.statistics.stats import Spread
from harness.words.claim import Claim, InferenceTarget, Kind, Reading
from harness.words.errors import UsageError, choice_error
from harness.words.estimate import Estimate, Formula, PhraseValue, UnitValue
from harness.words.study import Study

LEAST_CORRELATED = 4
"""Fewer units have no interval on Fisher's scale."""

PHRASED = "latent"
"""The units that phrases stand behind."""

SEED = "seed"
"""The units of a quantity that has no others."""

CLUSTERED = (*RATIOS, Formula.MEAN_OF_GAPS, Formula.DIFFERENCE)
"""Formulas whose units may vary together: correlations leave every unit out once, and a share's units are groups already."""

MEANS_WITHIN = 1e-4
"""Relative difference that rounding may leave between a latent and the mean of its phrases."""

UNSAID_SHARING = (
    "Nobody declared which phrases stand behind these latents, so they count as independent. Latents that share phrases vary "
    "together: in simulations of 80 of them, error rates of 5 % were 7 to 34 %."
)
"""What is said beside a claim on latents that came without their phrases."""


@dataclass(frozen=True, kw_only=True)
class AuditInput:
    """What a file declares under a study: the rows that tables would hold, and the measurements made of them."""

    estimates: tuple[Estimate, ...]
    units: tuple[UnitValue, ...]
    claims: tuple[Claim, ...]
    """The study's, each under the one reading that was measured on purpose, where the file says so."""
    measurements: Measurements
    remarks: Mapping[str, str]
    """By estimate: what is said beside every claim on it."""
    sole_readings: Mapping[str, str]
    """By claim: that one of its readings alone was measured, on purpose."""


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """One entry with what it is about."""

    entry: Entry
    claim: Claim
    reading: Reading
    scope: Estimand

    @property
    def quantity(self) -> Quantity:
        """A declared error answers one question: on items like these, or on these very items."""
        return self.scope.estimate_id, self.claim.inference

    @property
    def varies_by_seed_alone(self) -> bool:
        """True where the claim is about these very units, or its quantity has none: only training varies."""
        return self.claim.inference is InferenceTarget.FIXED_ITEMS or self.scope.unit_kind == SEED

    @property
    def address(self) -> tuple[str, str, str]:
        return self.claim.id, self.reading.name, self.scope.estimate_id

    def fault(self, what: str, cure: str = "") -> UsageError:
        """What is wrong with it, where it stands, and how to mend it."""
        return UsageError(f"{what} {self}" + (f"; {cure}" if cure else ""))

    def __str__(self) -> str:
        return f"(claim {self.claim.id}, at {self.entry.place})"


def audit_input(declaration: Declaration, study: Study, claims: tuple[Claim, ...]) -> AuditInput:
    """The measurements that a declaration gives the judge.

    Raises:
        UsageError: If an entry names a claim, reading or estimate that is not there, stands in another unit than its claim,
            was declared before with other numbers, is what no truth can be, or holds unit values that give no estimate or are
            of no language of the study, or phrases that give other units; or if one reading is said to be the sole one beside others.
    """
    scopes = estimate_scopes(study)
    placed = _all_placed(declaration.entries, claims, scopes)
    _refuse_twice(placed)
    alone = _sole_readings(placed)
    languages = tuple(language.code for language in study.targets)
    with_units = {
        one.scope.estimate_id: (one, one.entry.measured)
        for one in placed
        if isinstance(one.entry.measured, Raw)
    }
    units = {name: _units(*found) for name, found in with_units.items()}
    stored = {name: _raw_estimate(*found, units[name]) for name, found in with_units.items()}
    for one, raw in with_units.values():
        _refuse_other_languages(one, raw, languages)
    summaries = {
        one.quantity: _summarised(one, one.entry.measured)
        for one in placed
        if isinstance(one.entry.measured, Summary)
    }
    estimates = stored | {
        name: summary.estimate for (name, _), summary in summaries.items() if summary.estimate
    }
    phrases = {name: _phrases(*found, units[name]) for name, found in with_units.items()}
    rows = tuple(row for each in units.values() for row in each)
    texts = tuple(row for each in phrases.values() for row in each)
    clusters = {name: _clusters(*found) for name, found in with_units.items()}
    tables = stored_in_memory(tuple(stored.values()), rows, texts, clusters)
    return AuditInput(
        estimates=tuple(estimates[each] for each in scopes if each in estimates),
        units=rows,
        claims=tuple(claim.read_as(alone[claim.id]) if claim.id in alone else claim for claim in claims),
        measurements=measurements_of(study, tables, claims, summaries),
        remarks={
            name: UNSAID_SHARING
            for name, estimate in stored.items()
            if estimate.unit_kind == PHRASED and not phrases[name] and not clusters[name]
        },
        sole_readings={
            claim.id: _said_of_sole(claim, alone[claim.id])
            for claim in claims
            if claim.id in alone and len(claim.readings) > 1
        },
    )


def _all_placed(
    entries: Sequence[Entry], claims: tuple[Claim, ...], scopes: Mapping[str, Estimand]
) -> list[_Placed]:
    """Every entry with what it is about; where some cannot be placed, all of those are named."""
    placed, faults = [], []
    for entry in entries:
        try:
            placed.append(_placed(entry, claims, scopes))
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError(listed(faults, len(entries)))
    return placed


def _sole_readings(placed: Sequence[_Placed]) -> Mapping[str, Reading]:
    """By claim: the one reading that somebody measured on purpose, beside which no other is declared."""
    alone = {each.claim.id: each for each in placed if each.entry.sole_reading}
    for each in placed:
        sole = alone.get(each.claim.id)
        if sole and sole.reading != each.reading:
            raise each.fault(
                f"reading {each.reading.name!r} is declared, and {sole.entry.place} says that {sole.reading.name!r} is the sole one",
                "leave sole_reading out, or the other reading",
            )
    return {name: each.reading for name, each in alone.items()}


def _said_of_sole(claim: Claim, reading: Reading) -> str:
    others = ", ".join(each.name for each in claim.readings if each.name != reading.name)
    return (
        f"Judged under the reading {reading.name!r} alone, as its declarer asked on purpose. The sentence can also be read as: {others}; "
        "under the registered readings together the verdict may be another."
    )


def _placed(entry: Entry, claims: tuple[Claim, ...], scopes: Mapping[str, Estimand]) -> _Placed:
    address = addressed(
        claims,
        claim=entry.claim,
        reading=entry.reading or "",
        estimate_id=entry.estimate_id or "",
        place=entry.place,
    )
    claim, reading = address.claim, address.reading
    if entry.unit != claim.unit_of(reading):
        raise UsageError(
            f"{entry.place}: claim {claim.id} is in {claim.unit_of(reading)} under reading {reading.name}, found unit {entry.unit!r}; "
            "convert estimate and error, then say so"
        )
    if claim.kind is Kind.CORRELATION and isinstance(entry.measured, Summary):
        raise UsageError(
            f"{entry.place}: claim {claim.id} is judged by leaving every language out once, so declare unit_values with formula "
            f"{Formula.PEARSON.value!r} instead of estimate and se"
        )
    placed = _Placed(entry=entry, claim=claim, reading=reading, scope=scopes[address.estimate_id])
    if isinstance(entry.measured, BySeed):
        return replace(placed, entry=replace(entry, measured=_of_seeds(placed, entry.measured)))
    if isinstance(entry.measured, Summary) and placed.varies_by_seed_alone:
        _refuse_more_freedom_than_seeds(placed, entry.measured)
    return placed


def _of_seeds(placed: _Placed, by_seed: BySeed) -> Summary:
    """The summary of one value a seed, where seeds are all that varies."""
    if not placed.varies_by_seed_alone:
        raise placed.fault(
            f"seed_values say nothing of other {placed.scope.unit_kind}s, and the claim is about {placed.scope.unit_kind}s like these",
            "give unit_values, or estimate and se",
        )
    seeds = [row.seed for row in by_seed.seed_values]
    if twice := {seed for seed in seeds if seeds.count(seed) > 1}:
        raise placed.fault(f"seed {min(twice)} stands twice", "each seed stands once")
    return by_seed.summary


def _refuse_more_freedom_than_seeds(placed: _Placed, summary: Summary) -> None:
    """An error that only training gives is known from as many values as there are seeds, however many units there are."""
    most = summary.seeds - 1
    if most > 0 and (summary.df is None or summary.df > most):
        found = (
            "an error that counts as known" if summary.df is None else f"{summary.df:g} degrees of freedom"
        )
        raise placed.fault(
            f"only training seeds vary under this claim, so {summary.seeds} seeds leave at most {most} degrees of freedom; found {found}",
            "give seed_values, or df",
        )


def _refuse_twice(found: Sequence[_Placed]) -> None:
    seen: dict[tuple[str, str, str], Entry] = {}
    first: dict[str, _Placed] = {}
    for each in found:
        entry, name = each.entry, each.scope.estimate_id
        if each.address in seen:
            raise UsageError(
                f"{entry.place}: claim {each.claim.id} has {name} in {seen[each.address].place} already; declare it once"
            )
        seen[each.address] = entry
        earlier = first.setdefault(name, each)
        if _contradict(earlier, each):
            raise UsageError(
                f"{entry.place}: {name} is declared with other numbers in {earlier.entry.place} (claim {earlier.claim.id}); one "
                "quantity has one value, and one error for each question that is asked of it"
            )


def _contradict(one: _Placed, other: _Placed) -> bool:
    left, right = one.entry.measured, other.entry.measured
    if isinstance(left, Summary) and isinstance(right, Summary) and one.quantity != other.quantity:
        return left.estimate != right.estimate
    return left != right


def _summarised(found: _Placed, summary: Summary) -> Measurement:
    return Measurement(
        estimate_id=found.scope.estimate_id,
        value=summary.estimate,
        spread=Spread(summary.se, summary.df),
        num_units=summary.units,
        unit_kind=SEED if found.scope.unit_kind == SEED else "",
        num_seeds=summary.seeds,
        method="as declared",
        one_run_sd=summary.one_run_sd,
        estimate=_estimate(found, Formula.NO_UNITS, summary.estimate, summary.units, summary.seeds),
    )


def _estimate(found: _Placed, formula: Formula, value: float, units: int, seeds: int) -> Estimate:
    """What a table would hold; refused where no truth can be that value."""
    scope = found.scope
    if scope.within and not scope.within[0] <= value <= scope.within[1]:
        low, high = scope.within
        raise UsageError(
            f"{found.entry.place}: claim {found.claim.id} declares {value:g} for {scope.estimate_id}, which lies between {low:g} and "
            f"{high:g}; mend the number or its unit"
        )
    return Estimate(
        estimate_id=scope.estimate_id,
        quantity=scope.quantity,
        reading=scope.reading,
        specification=scope.specification,
        formula=formula.value,
        unit=scope.unit,
        value=value,
        layer=scope.layer,
        language=scope.language,
        benchmark=scope.benchmark,
        unit_kind=scope.unit_kind,
        num_units=units,
        num_seeds=seeds,
    )


def _units(found: _Placed, raw: Raw) -> tuple[UnitValue, ...]:
    """The rows in the order of a stored table: seed by seed, units alike in each."""
    if raw.formula not in found.scope.formulas:
        allowed = tuple(each.value for each in found.scope.formulas)
        raise choice_error("formula", raw.formula.value, allowed, str(found))
    by_seed: dict[int | None, dict[str, Row]] = defaultdict(dict)
    for row in raw.unit_values:
        if row.unit in by_seed[row.seed]:
            raise found.fault(
                f"unit {row.unit!r} stands twice under seed {row.seed}", "each unit stands once"
            )
        by_seed[row.seed][row.unit] = row
    if None in by_seed and len(by_seed) > 1:
        raise found.fault("some unit values have a seed and some have none", "give all of them one, or none")
    names = next(iter(by_seed.values()))
    if odd := set().union(*(rows.keys() ^ names.keys() for rows in by_seed.values())):
        raise found.fault(f"unit {min(odd)!r} is missing under some seed", "every seed needs the same units")
    return tuple(
        UnitValue(
            estimate_id=found.scope.estimate_id,
            unit=name,
            seed=seed,
            observed=by_seed[seed][name].observed,
            reference=by_seed[seed][name].reference,
        )
        for seed in sorted(by_seed, key=lambda each: -1 if each is None else each)
        for name in names
    )


def _clusters(found: _Placed, raw: Raw) -> Mapping[str, str]:
    """The cluster of every unit; none where each varies by itself, as it does in a cluster of its own."""
    clusters = {row.unit: row.cluster for row in raw.unit_values if row.cluster is not None}
    if not clusters:
        return {}
    for row in raw.unit_values:
        if row.cluster is None:
            raise found.fault(
                f"unit {row.unit!r} has no cluster", "give the cluster of every unit, or of none"
            )
        if row.cluster != clusters[row.unit]:
            raise found.fault(
                f"unit {row.unit!r} is in the clusters {row.cluster!r} and {clusters[row.unit]!r}",
                "a unit is in the same one under every seed",
            )
    if raw.formula not in CLUSTERED:
        raise found.fault(f"{raw.formula.value!r} knows no clusters", "leave cluster out")
    if raw.phrase_values:
        raise found.fault("units have clusters and phrases", "say with one of them what varies together")
    return clusters if len(set(clusters.values())) < len(clusters) else {}


def _phrases(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> tuple[PhraseValue, ...]:
    """The rows in the order of a stored table: latent by latent as their units stand, phrases by length and letters."""
    if not raw.phrase_values:
        return ()
    _refuse_phrases(found, raw, units)
    latents = {name: place for place, name in enumerate(dict.fromkeys(row.unit for row in units))}
    # By length first, so that numbers stand in their order.
    named = sorted({row.phrase for row in raw.phrase_values}, key=lambda phrase: (len(phrase), phrase))
    text_ids = {phrase: place for place, phrase in enumerate(named)}
    return tuple(
        PhraseValue(
            estimate_id=found.scope.estimate_id,
            unit=row.unit,
            text_id=text_ids[row.phrase],
            observed=row.observed,
            reference=row.reference,
        )
        for row in sorted(raw.phrase_values, key=lambda row: (latents[row.unit], text_ids[row.phrase]))
    )


def _refuse_phrases(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> None:
    """Phrases stand behind latents, behind all of them, each once, and have their latent's value as their mean."""
    if (kind := found.scope.unit_kind) != PHRASED:
        raise found.fault(
            f"phrase_values go with latents, and the units here are {kind}s", "leave phrase_values out"
        )
    sides: dict[str, list[tuple[float, float]]] = {row.unit: [] for row in units}
    seen: set[tuple[str, str]] = set()
    for row in raw.phrase_values:
        if row.unit not in sides:
            raise found.fault(f"phrase {row.phrase!r} is of unit {row.unit!r}, which unit_values lack")
        if (row.unit, row.phrase) in seen:
            raise found.fault(
                f"phrase {row.phrase!r} stands twice under unit {row.unit!r}", "each stands once"
            )
        if raw.formula in RATIOS and row.reference < 0:
            raise found.fault(
                f"phrase {row.phrase!r} of unit {row.unit!r} has a reference below 0",
                f"{raw.formula.value!r} needs 0 or more",
            )
        seen.add((row.unit, row.phrase))
        sides[row.unit].append((row.observed, row.reference))
    of_units: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for unit in units:
        of_units[unit.unit].append((unit.observed, unit.reference))
    for name, values in of_units.items():
        if not sides[name]:
            raise found.fault(f"unit {name!r} has no phrase", "give the phrases of every unit, or of none")
        means, wanted = np.mean(sides[name], axis=0), np.mean(values, axis=0)
        if not np.allclose(means, wanted, rtol=MEANS_WITHIN, atol=1e-9):
            raise found.fault(
                f"the phrases of unit {name!r} have means {means[0]:g} and {means[1]:g}, but its values, averaged over seeds, are "
                f"{wanted[0]:g} and {wanted[1]:g}",
                "phrases weigh alike, and are averaged over seeds",
            )


def _refuse_other_languages(found: _Placed, raw: Raw, codes: tuple[str, ...]) -> None:
    """What varies from language to language has the study's target languages for units, each by its code."""
    if found.scope.unit_kind != "language":
        return
    for row in raw.unit_values:
        if row.unit not in codes:
            cure = f"{found}; every unit is one of the study's target languages, and stands once"
            raise choice_error("language", row.unit, codes, cure)


def _refuse_uncounted(formula: Formula, units: Sequence[UnitValue], found: _Placed) -> None:
    """Shares are of whole numbers of units, and a difference of them needs groups on both sides."""
    for row in units:
        whole = abs(row.reference)
        if not (
            whole >= 1 and 0 <= row.observed <= whole and row.observed.is_integer() and whole.is_integer()
        ):
            raise found.fault(
                f"group {row.unit!r} counts {row.observed:g} of {row.reference:g}",
                f"{formula.value!r} needs whole numbers, none larger than the group's",
            )
    sides = {row.reference > 0 for row in units}
    if len(sides) != (1 if formula is Formula.SHARE else 2) or True not in sides:
        raise found.fault(
            f"{'some' if False in sides else 'no'} references are below 0",
            f"{formula.value!r} subtracts {'nothing' if formula is Formula.SHARE else 'the groups whose reference is below 0'}",
        )


def _raw_estimate(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> Estimate:
    _refuse_unfit(raw.formula, units, found)
    seeds = [list(rows) for _, rows in groupby(units, key=lambda row: row.seed)]
    rows = UnitRows(
        names=tuple(row.unit for row in seeds[0]),
        seeds=tuple(part[0].seed for part in seeds if part[0].seed is not None),
        observed=np.array([[row.observed for row in part] for part in seeds]),
        reference=np.array([[row.reference for row in part] for part in seeds]),
    )
    blank = _estimate(found, raw.formula, 0.0, len(rows.names), len(rows.seeds))
    with np.errstate(all="ignore"):
        value = recomputed(blank, rows)
    if not np.isfinite(value):
        raise found.fault(
            f"the unit values give no finite estimate by {raw.formula.value!r}",
            "look for sides that do not vary or overflow",
        )
    return _estimate(found, raw.formula, value, num_units(blank, rows), len(rows.seeds))


def _refuse_unfit(formula: Formula, units: Sequence[UnitValue], found: _Placed) -> None:
    """Ratios need something to divide by, under every seed; correlations need units."""
    if formula is Formula.PEARSON and len(units) < LEAST_CORRELATED:
        raise found.fault(f"a correlation needs at least {LEAST_CORRELATED} units, found {len(units)}")
    if formula is Formula.MEAN_OF_GAPS and any(row.reference <= 0 for row in units):
        raise found.fault(f"{formula.value!r} divides by every reference, and one of them is not above 0")
    if formula in SHARES:
        _refuse_uncounted(formula, units, found)
    if formula not in RATIOS:
        return
    sums: dict[int | None, float] = defaultdict(float)
    for row in units:
        if row.reference < 0:
            raise found.fault(
                f"unit {row.unit!r} has a reference below 0", f"{formula.value!r} needs 0 or more"
            )
        sums[row.seed] += row.reference
    if min(sums.values()) <= 0:
        raise found.fault(f"the references sum to 0, and {formula.value!r} has nothing else to divide by")
