"""Hand-made claims and verdicts: one of every state, kind and flag, with numbers that a judge could have given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from claims.sin2025.study import STUDY
from harness.judge.multiverse import multiverse_of
from harness.words.claim import (
    Claim,
    GainAgainstGap,
    Granularity,
    InferenceTarget,
    Kind,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    Sentence,
    Source,
    SourceTier,
    Target,
    Tier,
    TwoPrintings,
    Unit,
    WordsAgainstNumbers,
)
from harness.words.judgement import (
    Amendment,
    Choice,
    Judged,
    Judgement,
    Ledger,
    LedgerLine,
    Lock,
    LockStatus,
    Multiverse,
    Precision,
    Prospect,
    SeedValue,
    SpecificationVerdict,
)
from harness.words.specification import Axis, Openness, combined, specification_name
from harness.words.verdict import CaseVerdict, Closeness, Finding, Flag, Member, Numbers, State, Verdict, Why
from tests.report import worlds

SENTENCE = Sentence(
    source="abstract",
    tier=SourceTier.ABSTRACT,
    where="abstract, sentence 3",
    quote="activation patterns reveal systematic disparities, with medium to low resource languages receiving up to "
    "26.27 percent lower activations in early layers",
)
OF_SUMMARY = replace(SENTENCE, source="structured summary", tier=SourceTier.SUMMARY, where="results", quote="", sense="what tuning changed")  # fmt: skip


def value_claim(  # one call per row of the table that a reader sees
    claim_id: str,
    says: str,
    printed: str,
    estimate: str,
    *,
    margin: float,
    unit: Unit = Unit.PERCENT,
    **more: object,
) -> Claim:
    sentence = more.pop("sentence", SENTENCE)
    assert isinstance(sentence, Sentence)
    target = Target(printed=Printed(printed), source=sentence.source, tier=sentence.tier, reading="high")
    reading = Reading(
        name="high",
        says="against the mean of the high-resource languages",
        supported_by=("abstract",),
        estimates=(estimate,),
    )
    settled: dict[str, object] = {
        "id": claim_id,
        "says": says,
        "inventory": ("C01",),
        "sentence": sentence,
        "kind": Kind.VALUE,
        "rule": Rule.WITHIN_MARGIN,
        "tier": Tier.PRIMARY,
        "unit": unit,
        "readings": (reading,),
        "targets": (target,),
        "margin": margin,
        "margin_because": "disjoint from the band of the next claim",
        "null": 0.0,
        "minima": Minima(units=100),
        "pilot": Pilot(unit_sd=30.0, because="a guess from published spreads"),
    }
    return Claim(**(settled | more))  # type: ignore[arg-type]


def numbers(estimate: float, half: float, **more: object) -> Numbers:
    settled: dict[str, object] = {
        "estimate": estimate,
        "se": half / 1.653,
        "df": 199.0,
        "ci90": (estimate - half, estimate + half),
        "ci95": (estimate - 1.19 * half, estimate + 1.19 * half),
        "pi95": (estimate - 1.69 * half, estimate + 1.69 * half),
        "one_run_sd": half / 1.653,
        "num_units": 1000,
        "num_seeds": 0,
        "method": "envelope of linearised t and percentile bootstrap over latents, 10,000 draws",
        "p_equiv": 0.0136,
        "p_dev": 1.0,
        "p_dev_holm": 1.0,
    }
    return Numbers(**(settled | more))  # type: ignore[arg-type]


def judged_value(
    claim: Claim, estimate: float, half: float, state: State, why: Why, *flags: Flag, **more: object
) -> Verdict:
    target, margin = claim.targets[0], claim.margin or 0.0
    reach = margin + target.rounding
    case = CaseVerdict(
        reading=claim.primary.name,
        printed=target.printed.text,
        stands_for=target.stands_for,
        source=target.source,
        source_tier=target.tier,
        state=state,
        why=why,
        flags=flags,
        band=(target.value - reach, target.value + reach),
        numbers=numbers(estimate, half, **more),
        closeness=Closeness(
            difference=estimate - target.value,
            margins=abs(estimate - target.value) / margin,
            ratio=estimate / target.value,
        ),
        notes=("one unrepeated run of this size would land within 1.67 of it",),
        says=f"The 90 % interval reaches from {estimate - half:.2f} to {estimate + half:.2f}.",
    )
    return Verdict(claim_id=claim.id, state=state, why=why, flags=flags, says=case.says, cases=(case,))


def unmeasured(claim: Claim, state: State, why: Why, says: str) -> Verdict:
    return Verdict(claim_id=claim.id, state=state, why=why, says=says)


def found(claim: Claim, finding: Finding, why: Why, says: str) -> Verdict:
    """What arithmetic says of printed numbers, and who reports them."""
    case = CaseVerdict(
        reading="as printed", printed="as printed", source=" and ".join(claim.reported_by), source_tier=claim.sentence.tier,
        state=finding, why=why, says=says,
    )  # fmt: skip
    return Verdict(claim_id=claim.id, state=finding, why=why, says=says, cases=(case,))


GAP_6 = value_claim(
    "gap.l6.value", "The gap at layer 6 is 26.27 %", "26.27", "gap/layer=6/high/primary", margin=2.5
)
GAP_6 = replace(GAP_6, part_by_summary="layer 6")
GAP_25 = value_claim("gap.l25.value", "The gap at layer 25 is 19.89 %", "19.89", "gap/layer=25/high/primary", margin=2.0)  # fmt: skip
GAIN_ML = value_claim("gain.ml.value", "Malayalam rises by 87.69 %", "87.69", "gain/layer=20/lang=ml/primary/primary", margin=6.0, minima=Minima(units=100, seeds=3))  # fmt: skip
GAIN_HI = value_claim("gain.hi.value", "Hindi rises by 86.32 %", "86.32", "gain/layer=20/lang=hi/primary/primary", margin=6.0)  # fmt: skip
GAIN_HI = replace(
    GAIN_HI,
    readings=(
        replace(GAIN_HI.primary, name="change", says="relative to before"),
        Reading(
            name="share-of-gap-closed",
            says="share of the distance to English",
            supported_by=("another summary",),
            estimates=("gain/layer=20/lang=hi/primary/share-of-gap-closed",),
        ),
    ),
    discrepancies=(
        replace(GAIN_HI.targets[0], printed=Printed("86.3"), source="a listing", tier=SourceTier.SUMMARY),
    ),
)
RETENTION = value_claim("retention.en.value", "English keeps about 91 %", "~91", "retention/layer=20/lang=en/activation/primary", margin=2.0, null=100.0)  # fmt: skip
HELLASWAG = value_claim(
    "bench.ml.hellaswag.value",
    "HellaSwag in Malayalam rises by 1.62 points",
    "+1.62",
    "delta/lang=ml/bench=hellaswag/primary/primary",
    margin=0.5,
    unit=Unit.POINTS,
    inference=InferenceTarget.FIXED_ITEMS,
    beside="Malayalam HellaSwag stands at chance in the authors' own baseline.",
    sentence=OF_SUMMARY,
)
ARC = value_claim("bench.ml.arc.value", "ARC in Malayalam rises by 0.16 points", "+0.16", "delta/lang=ml/bench=arc/primary/primary", margin=0.5, unit=Unit.POINTS, tier=Tier.SECONDARY, sentence=OF_SUMMARY)  # fmt: skip
ARGMAX = replace(
    GAP_6,
    part_by_summary="",
    id="gap.argmax",
    says="The gap is largest at layer 6",
    kind=Kind.ARGMAX,
    rule=Rule.LARGEST_AT,
    tier=Tier.SECONDARY,
    targets=(),
    margin=None,
    margin_because="",
    named=("gap/layer=6/high/primary",),
)
DEEP = replace(ARGMAX, id="gap.deep.direction", says="The gap is above zero in every deep layer", kind=Kind.DIRECTION, rule=Rule.EVERY_SIGN, sign=1, named=())  # fmt: skip
CORRELATION = replace(
    ARGMAX,
    id="corr.gap_acc.arc",
    says="Languages with a larger gap answer less well",
    kind=Kind.CORRELATION,
    rule=Rule.CORRELATION_SIGN,
    unit=Unit.CORRELATION,
    sign=-1,
    named=(),
    readings=(replace(GAP_6.primary, estimates=("correlation/bench=arc/primary/primary",)),),
)
KEY = replace(ARGMAX, id="alignment.key", says="Activation alignment is a key factor", kind=Kind.QUALITATIVE, rule=Rule.NONE, readings=(), named=())  # fmt: skip
EMBED = replace(DEEP, id="embed.similarity", says="Embeddings stay alike even so", tier=Tier.EXPLORATORY)
ITEMS = replace(
    KEY,
    sentence=OF_SUMMARY,
    id="arith.ml.arc",
    says="A difference of 0.16 points can occur on so many questions",
    kind=Kind.ARITHMETIC,
    rule=Rule.GRANULARITY,
    arithmetic=Granularity(
        printed=Printed("+0.16"),
        item_counts=((1170, "full"), (1169, "full"), (1172, "full"), (1115, "aligned")),
    ),
)
WORDS = replace(
    ITEMS,
    id="arith.consistent",
    says="Benchmarks improve consistently",
    rule=Rule.WORDS_AGAINST_NUMBERS,
    arithmetic=WordsAgainstNumbers(
        word="consistent improvement",
        source="one summary",
        numbers=(("MMLU, ml", Printed("-0.22")),),
        least=0.0,
    ),
)
TWICE = replace(
    ITEMS,
    id="arith.arc.twice",
    says="Two pages print one change of ARC",
    rule=Rule.TWO_PRINTINGS,
    arithmetic=TwoPrintings(printed=(("one summary", Printed("+0.16")), ("another", Printed("5.47")))),
)
CEILING = replace(
    ITEMS,
    id="arith.gain",
    says="The gain fits the gap",
    rule=Rule.GAIN_AGAINST_GAP,
    arithmetic=GainAgainstGap(gain=Printed("87.69"), gaps=(Printed("26.27"),)),
)

CLAIMS = (GAP_6, GAP_25, GAIN_ML, GAIN_HI, RETENTION, HELLASWAG, ARC, ARGMAX, DEEP, CORRELATION, KEY, EMBED)
ON_PAPER = (ITEMS, WORDS, TWICE, CEILING)


def contested() -> Verdict:
    """Two readings that come to opposite verdicts."""
    closed = judged_value(GAIN_HI, 86.0, 2.5, State.PASS, Why.INSIDE).cases[0]
    other = replace(
        judged_value(GAIN_HI, 61.0, 3.0, State.DEVIATION, Why.SMALLER).cases[0],
        reading="share-of-gap-closed",
        says="As the share of the gap closed it is shown to be smaller.",
    )
    return Verdict(
        claim_id=GAIN_HI.id,
        state=State.CONTESTED,
        why=Why.READINGS_DIFFER,
        says="It agrees when read as a change, and not when read as a share of the gap.",
        cases=(closed, other),
    )


def over_layers(claim: Claim, state: State, why: Why, says: str) -> Verdict:
    """A verdict about several members."""
    members = tuple(
        Member(
            estimate_id=f"gap/layer={layer}/high/primary",
            estimate=20.0 + layer / 10,
            se=0.8,
            lower=18.1,
            upper=None,
        )
        for layer in range(17, 26)
    )
    case = CaseVerdict(
        reading="high", printed="", source="", source_tier="", state=state, why=why, members=members,
        numbers=numbers(
            5.9 if claim.named else 21.0, 1.3, p_equiv=None, pi95=None, p_dev=0.41, p_dev_holm=0.41,
            place="layer 6" if claim.named else "",
        ),
        says=says,
        notes=("layer 6 is the largest in 41 % of the draws",),
    )  # fmt: skip
    return Verdict(claim_id=claim.id, state=state, why=why, says=says, cases=(case,))


def correlated() -> Verdict:
    case = CaseVerdict(
        reading="primary", printed="", source="", source_tier="", state=State.INCONCLUSIVE, why=Why.LEANING_PASS,
        numbers=Numbers(estimate=-0.5, ci90=(-0.84, 0.122), num_units=9, method="Fisher z over languages"),
        says="With nine languages the interval reaches beyond zero.",
        notes=("leave one language out: -0.62 to -0.31", "permutation p 0.17"),
    )  # fmt: skip
    return Verdict(claim_id=CORRELATION.id, state=case.state, why=case.why, says=case.says, cases=(case,))


def full_verdicts() -> tuple[Verdict, ...]:
    """What the judge might say of a full run."""
    return (
        judged_value(GAP_6, 25.1, 0.99, State.PASS, Why.INSIDE),
        judged_value(GAP_25, 21.2, 1.4, State.INCONCLUSIVE, Why.LEANING_PASS),
        judged_value(GAIN_ML, 85.0, 1.78, State.PASS, Why.INSIDE, Flag.DETECTABLE_DIFFERENCE, num_seeds=5, df=6.09),
        contested(),
        unmeasured(RETENTION, State.NOT_RUN, Why.GATED_WEIGHTS, "The weights are behind a licence gate."),
        judged_value(HELLASWAG, 0.4, 0.26, State.DEVIATION, Why.SMALLER, Flag.AT_CHANCE, num_units=None, num_seeds=5, p_equiv=0.998, p_dev=0.002, p_dev_holm=0.014),
        judged_value(ARC, 0.1, 0.3, State.PASS, Why.INSIDE, Flag.NON_DISCRIMINATING, num_seeds=5),
        over_layers(ARGMAX, State.INCONCLUSIVE, Why.LEANING_PASS, "No layer stands out."),
        over_layers(DEEP, State.PASS, Why.SHOWN, "Every deep layer is shown to lie above zero."),
        correlated(),
        unmeasured(KEY, State.NOT_TESTABLE, Why.NO_QUANTITY, "No quantity is named."),
        over_layers(EMBED, State.INCONCLUSIVE, Why.EXPLORATORY, "Shown, not judged."),
        found(ITEMS, Finding.CANNOT_OCCUR, Why.INFEASIBLE, "One item is 0.0855 points, two are 0.171."),
        found(WORDS, Finding.CANNOT_OCCUR, Why.INFEASIBLE, "One of the printed changes is negative."),
        found(TWICE, Finding.CANNOT_TELL, Why.COUNT_UNKNOWN, "The base of one is not printed."),
        found(CEILING, Finding.NOTE, Why.BESIDE, "It may start lower than its group."),
    )  # fmt: skip


def not_run_verdicts(claims: Sequence[Claim], why: Why = Why.FIXTURE_MODE) -> tuple[Verdict, ...]:
    """What the judge says of the paper where nothing real was measured."""
    return tuple(
        unmeasured(KEY, State.NOT_TESTABLE, Why.NO_QUANTITY, "No quantity is named.")
        if claim.kind is Kind.QUALITATIVE
        else unmeasured(claim, State.NOT_RUN, why, "Nothing real was measured in this run.")
        for claim in claims
    )


LOCK = Lock(
    sha256=worlds.DIGEST,
    status=LockStatus.AMENDED,
    commit="c0ffee" * 6 + "c0ff",
    date="2026-10-02",
    amendments=(
        Amendment(
            number=1,
            date="2026-10-20",
            because="the authors published their number of shots",
            diff='-  "shots": 10\n+  "shots": 25',
            after_results=True,
        ),
    ),
)
LEDGER = Ledger(
    ordinal=2,
    runs_under_lock=2,
    lines=(
        LedgerLine(
            ordinal=1, run_id="ab12" * 16, date="2026-10-03", outcome="crashed in activations", exit_code=3
        ),
        LedgerLine(
            ordinal=2, run_id="4d1c" * 16, date="2026-10-05", outcome="2 PASS, 1 DEVIATION", exit_code=1
        ),
    ),
)
CITED = (
    Source(
        name="abstract", tier=SourceTier.ABSTRACT, kind="the paper's own abstract", address="https://papers.example/1?v=1&w=2",
        read="2026-11-19", sha256="ca" * 32,
    ),
    Source(name="structured summary", tier=SourceTier.SUMMARY, kind="a summary by a machine", address="", read="2026-11-20"),
)  # fmt: skip
CHOICES = (
    Choice(name="formula of the gap", alternatives=("ratio of means", "mean of ratios"), openness=Openness.NOT_EQUIVALENT, says="two readings"),
    Choice(name="token pooling", alternatives=("mean", "maximum", "last token"), openness=Openness.UNSURE),
    Choice(name="attention kernel", alternatives=("eager", "sdpa"), openness=Openness.EQUIVALENT),
)  # fmt: skip
PROSPECTS = (
    Prospect(claim_id="gap.l6.value", units_needed=1234, units_planned=2000, decidable=True, is_foreseen=True, says="enough latents"),
    Prospect(claim_id="gap.argmax", units_needed=None, units_planned=2000, decidable=True, is_foreseen=False, says="no spread is assumed beforehand"),
    Prospect(claim_id="bench.ml.arc.value", units_needed=17128, units_planned=1169, decidable=False, is_foreseen=True, says="too few questions exist"),
)  # fmt: skip


def precisions() -> Mapping[str, Precision]:
    """How sure the estimates of the made-up world are: intervals of gaps, and seeds of whatever was trained."""
    found = {}
    for place, row in enumerate(worlds.estimates()):
        half = 1.2 + 0.4 * abs(worlds.wave(place))
        near = (row.value - half, row.value + half)
        if row.quantity == "gap":
            found[row.estimate_id] = Precision(se=half / 1.65, df=59.0, ci90=near, ci95=near)
        elif row.quantity in {"gain", "delta", "retention", "retention-by-adapter"} and row.num_seeds:
            found[row.estimate_id] = Precision(ci90=near, seeds=_seeds(row.quantity, row.value, place))
    return found


def _seeds(quantity: str, value: float, place: int) -> tuple[SeedValue, ...]:
    before = {"gain": 0.42, "delta": 27.0}.get(quantity, 1.0)
    seeds = []
    for seed in range(3):
        own = value + 1.4 * worlds.wave(place, seed)
        after = {"gain": before * (1 + own / 100), "delta": before + own}.get(quantity, before * own / 100)
        seeds.append(SeedValue(seed=seed, value=own, before=before, after=after))
    return tuple(seeds)


AXES = STUDY.axes[:5]
"""Pooling, speakers, strength, translations and group: 216 specifications of one quantity."""


def multiverse(claim_id: str, axes: Sequence[Axis], printed: float) -> Multiverse:
    """A claim under every combination: pooling moves it, the group flips it, and the panel has no last token."""
    verdicts = []
    for place, differences in enumerate(combined(axes)):
        name = specification_name(axes, differences)
        is_hole = differences.get("pooling") == "last" and "speaker" in differences
        estimate = (
            printed + 3 * ("pooling" in differences) - 40 * ("group" in differences) + worlds.wave(place, 1)
        )
        verdicts.append(
            SpecificationVerdict(
                specification=name,
                state=State.NOT_RUN if is_hole else State.DEVIATION if "group" in differences else State.PASS,
                why=Why.UPSTREAM_NOT_RUN if is_hole else Why.INSIDE,
                estimate=None if is_hole else estimate,
                ci90=None if is_hole else (estimate - 2, estimate + 2),
                hole="no last token is stored" if is_hole else "",
            )
        )
    return multiverse_of(claim_id, axes, verdicts, printed)


def multiverses() -> tuple[Multiverse, ...]:
    """Of the first value claims: one that is drawn as a ribbon, one whose specifications are drawn one by one, one too small."""
    return (
        multiverse("gap.l6.value", AXES, 26.27),
        multiverse("gap.l25.value", (AXES[0], *AXES[2:5]), 19.89),
        multiverse("gain.ml.value", AXES[2:3], 87.69),
    )


def full_judgement(**changes: object) -> Judgement:
    """Verdicts of a full run."""
    settled: dict[str, object] = {
        "paper": Judged(
            study="sin2025",
            claims=(*CLAIMS, *ON_PAPER),
            verdicts=full_verdicts(),
            multiverses=multiverses(),
        ),
        "lock": LOCK,
        "ledger": LEDGER,
        "choices": CHOICES,
        "prospects": PROSPECTS,
        "precisions": precisions(),
        "cited": CITED,
    }
    return Judgement(**(settled | changes))  # type: ignore[arg-type]


def self_check_study(*, differing: int = 0) -> Judged:
    """A miniature study of which the first few claims come out otherwise than expected."""
    verdicts = full_verdicts()[: len(CLAIMS)]
    claims = tuple(
        replace(
            claim,
            expected=State.ERROR if place < differing else verdict.state,
            sentence=replace(claim.sentence, source="the independent run", quote="", sense="what it printed"),
        )
        for place, (claim, verdict) in enumerate(zip(CLAIMS, verdicts, strict=True))
    )
    return Judged(study="miniature", claims=claims, verdicts=verdicts)


def fixture_judgement(*, differing: int = 0, **changes: object) -> Judgement:
    """Verdicts of a fixture run: none on the paper, all on the study that checks the judge."""
    claims = (*CLAIMS, *ON_PAPER)
    settled: dict[str, object] = {
        "paper": Judged(study="sin2025", claims=claims, verdicts=not_run_verdicts(claims)),
        "self_check": self_check_study(differing=differing),
        "ledger": Ledger(),
        "lock": replace(LOCK, status=LockStatus.INTACT, amendments=()),
    }
    return full_judgement(**(settled | changes))
