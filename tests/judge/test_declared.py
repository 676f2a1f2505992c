"""The claim inventory: every check accepts what is right, and names what is wrong by claim, with what is allowed."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from harness.judge.quantities import estimate_units
from harness.judge.validate import claim_faults, claim_named, inventory_faults, load_claims
from harness.sources import studies
from harness.words.claim import (
    Claim,
    GainAgainstGap,
    Granularity,
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
from harness.words.errors import UsageError
from harness.words.judgement import Protocol
from tests.small_plan import small_study

KNOWN = {f"gap/layer={layer}/high/primary": "percent" for layer in range(3)} | {"other": "points"}
GAPS = tuple(KNOWN)[:3]
ABSTRACT = Sentence(
    source="abstract", tier=SourceTier.ABSTRACT, where="sentence 3", quote="a gap of 26.27 percent"
)


def reading(*estimates: str, name: str = "high") -> Reading:
    return Reading(
        name=name, says="against high", supported_by=("abstract",), estimates=estimates or GAPS[:1]
    )


def target(printed: str = "26.27", tier: SourceTier = SourceTier.ABSTRACT, name: str = "high") -> Target:
    return Target(printed=Printed(printed), source="abstract", tier=tier, reading=name)


SOURCES = (
    Source(
        name="abstract",
        tier=SourceTier.ABSTRACT,
        kind="the abstract",
        address="https://papers.example/1",
        read="2026-11-19",
        sha256="ab" * 32,
    ),
)
VALUE = Claim(
    id="gap.first.value",
    says="The gap is 26.27 percent",
    inventory=("C01",),
    sentence=ABSTRACT,
    kind=Kind.VALUE,
    rule=Rule.WITHIN_MARGIN,
    tier=Tier.PRIMARY,
    unit=Unit.PERCENT,
    readings=(reading(),),
    targets=(target(),),
    margin=2.5,
    margin_because="a tenth",
)
DIRECTION = replace(
    VALUE, kind=Kind.DIRECTION, rule=Rule.SIGN, targets=(), margin=None, margin_because="", sign=1
)
EVERY = replace(DIRECTION, rule=Rule.EVERY_SIGN, readings=(reading(*GAPS),))
LARGEST = replace(EVERY, kind=Kind.ARGMAX, rule=Rule.LARGEST_AT, sign=0, named=(GAPS[1],))
REGION = replace(LARGEST, kind=Kind.REGION, rule=Rule.LARGEST_WITHIN, named=GAPS[:2])
MAXIMUM = replace(VALUE, kind=Kind.BOUND, rule=Rule.MAXIMUM_AT_MOST, readings=(reading(*GAPS),))
FLOOR = replace(DIRECTION, kind=Kind.FLOOR, rule=Rule.AT_LEAST, sign=0, targets=(target("90"),))
FACTOR = replace(DIRECTION, kind=Kind.QUALITATIVE, rule=Rule.NONE, sign=0, readings=(), unit=Unit.NONE)
COUNTS = replace(
    FACTOR,
    kind=Kind.ARITHMETIC,
    rule=Rule.GRANULARITY,
    unit=Unit.POINTS,
    arithmetic=Granularity(printed=Printed("+0.16"), item_counts=((1115, "subset"),), base_counts=(256, 343)),
)
WORDS = replace(
    COUNTS,
    rule=Rule.WORDS_AGAINST_NUMBERS,
    arithmetic=WordsAgainstNumbers(
        word="consistent", source="C", numbers=(("cell", Printed("-0.22")),), least=0
    ),
)
PRINTINGS = replace(
    COUNTS,
    rule=Rule.TWO_PRINTINGS,
    arithmetic=TwoPrintings(printed=(("A", Printed("5.47")), ("B", Printed("0.16")))),
)
GAIN = replace(
    COUNTS,
    rule=Rule.GAIN_AGAINST_GAP,
    arithmetic=GainAgainstGap(gain=Printed("87.69"), gaps=(Printed("26.27"),)),
)
SOUND = (VALUE, DIRECTION, EVERY, LARGEST, REGION, MAXIMUM, FLOOR, FACTOR, COUNTS, WORDS, PRINTINGS, GAIN)


def faults(claim: Claim) -> list[str]:
    return list(claim_faults(claim, KNOWN))


@pytest.mark.parametrize("claim", SOUND, ids=lambda claim: claim.rule)
def test_a_sound_claim_of_each_rule_has_no_fault(claim: Claim) -> None:
    assert faults(claim) == []


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(replace(VALUE, readings=tuple(reading(name=n) for n in "abc"),
                             targets=tuple(target(name=n) for n in "abc")), id="three readings"),
        pytest.param(replace(VALUE, sentence=replace(ABSTRACT, quote=" ".join(["word"] * 25))), id="25 quoted words"),
        pytest.param(replace(VALUE, sentence=replace(ABSTRACT, quote="", sense="so it is")), id="sense alone"),
        pytest.param(replace(VALUE, discrepancies=(target("5", SourceTier.SUMMARY),)), id="a weaker discrepancy"),
        pytest.param(replace(VALUE, targets=(replace(target(), half_width=0.0),)), id="no rounding"),
        pytest.param(replace(VALUE, targets=(target(), target("5"))), id="two targets of one tier"),
        pytest.param(replace(VALUE, minima=Minima(units=100, seeds=3), paper_units=1), id="minima"),
        pytest.param(replace(VALUE, pilot=Pilot(unit_sd=30, because="assumed")), id="a pilot spread"),
        pytest.param(replace(VALUE, expected="PASS"), id="an expected state"),
        pytest.param(replace(DIRECTION, sign=-1), id="the other sign"),
        pytest.param(replace(DIRECTION, kind=Kind.CORRELATION, rule=Rule.CORRELATION_SIGN), id="a correlation"),
        pytest.param(replace(REGION, named=GAPS[:1]), id="one named member"),
        pytest.param(replace(COUNTS, arithmetic=Granularity(printed=Printed("1"), item_counts=())), id="unknown counts"),
        pytest.param(replace(COUNTS, arithmetic=Granularity(printed=Printed("1"), item_counts=((343, "s"),),
                                                            base_counts=(1, 343))), id="all were right"),
        pytest.param(replace(WORDS, arithmetic=replace(WORDS.arithmetic, least=None, most=5.0)), id="a word with most"),
    ],
)  # fmt: skip
def test_the_edge_of_what_is_allowed(claim: Claim) -> None:
    assert faults(claim) == []


BY_SUMMARY = replace(ABSTRACT, tier=SourceTier.SUMMARY, quote="", sense="so it is")
REJECTED = [
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, is_change=False)),
        "is one accuracy, and has right answers before; only a change has", id="a base of no change",
    ),
    pytest.param(replace(VALUE, id="Gap first"), "its id must be small letters", id="an id with a capital"),
    pytest.param(replace(VALUE, id="-gap"), "its id must be small letters", id="an id that starts with a dash"),
    pytest.param(replace(VALUE, says=" "), "says nothing", id="no sentence"),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, source="")),
        "has source '' and place 'sentence 3'; both must be said", id="no source",
    ),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, where=" ")), "source 'abstract' and place ' '", id="no place",
    ),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, quote="")), "neither quote nor sense", id="neither quote nor sense",
    ),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, quote=" ".join(["word"] * 26))),
        "quotes 26 words; at most 25", id="a long quotation",
    ),
    pytest.param(
        replace(VALUE, sentence=BY_SUMMARY), "is primary, and known from a summary alone (abstract); make it secondary",
        id="primary by a summary alone",
    ),
    pytest.param(
        replace(DIRECTION, tier=Tier.SECONDARY, sentence=BY_SUMMARY, part_by_summary="the layer"),
        "marks 'the layer' as reported by a summary, which is all of it", id="a part of all of it",
    ),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, tier=SourceTier.SUMMARY)), "quotes a summary", id="a quoted summary",
    ),
    pytest.param(
        replace(VALUE, unit="pp"),
        "unknown unit 'pp'; allowed: percent, points, r, cosine, fraction,", id="an unknown unit",
    ),
    pytest.param(replace(VALUE, rule="close"), "unknown rule 'close'; allowed: within-margin,", id="an unknown rule"),
    pytest.param(replace(VALUE, kind="number"), "unknown kind 'number'; allowed: value, bound,", id="an unknown kind"),
    pytest.param(replace(VALUE, tier="first"), "unknown tier 'first'; allowed: primary,", id="an unknown tier"),
    pytest.param(
        replace(VALUE, inference="all"), "unknown inference target 'all'; allowed: population,", id="an unknown inference",
    ),
    pytest.param(
        replace(VALUE, sentence=replace(ABSTRACT, tier="T5")), "unknown source tier 'T5'", id="an unknown source tier",
    ),
    pytest.param(
        replace(VALUE, targets=(replace(target(), tier="T9"),)), "unknown source tier 'T9'", id="a target's unknown tier",
    ),
    pytest.param(
        replace(VALUE, rule=Rule.SIGN),
        "rule sign does not decide a claim of kind value; allowed: within-margin", id="a rule of another kind",
    ),
    pytest.param(replace(VALUE, expected="GOOD"), "unknown expected state 'GOOD'", id="an unknown expected state"),
    pytest.param(replace(VALUE, readings=(), targets=()), "has 0 readings; 1 to 3", id="no reading"),
    pytest.param(
        replace(VALUE, readings=tuple(reading(name=n) for n in "abcd"), targets=tuple(target(name=n) for n in "abcd")),
        "has 4 readings; 1 to 3", id="four readings",
    ),
    pytest.param(replace(VALUE, readings=(reading(), reading())), "each needs a name of its own", id="one name twice"),
    pytest.param(
        replace(VALUE, readings=(replace(reading(), supported_by=()),)),
        "reading 'high' has no source", id="a reading that nobody supports",
    ),
    pytest.param(
        replace(VALUE, readings=(replace(reading(), supported_by=(" ",)),)),
        "reading 'high' has no source", id="a reading supported by nothing",
    ),
    pytest.param(
        replace(VALUE, readings=(reading(*GAPS[:2]),)), "names 2 estimates; rule within-margin needs exactly 1",
        id="two estimates of one value",
    ),
    pytest.param(
        replace(EVERY, readings=(reading(),)), "names 1 estimates; rule every-sign needs at least 2", id="one of many",
    ),
    pytest.param(
        replace(EVERY, readings=(reading(GAPS[0], GAPS[0]),)), "names an estimate twice", id="one estimate twice",
    ),
    pytest.param(
        replace(VALUE, readings=(reading("gap/layer=9/high/primary"),)),
        "names estimate 'gap/layer=9/high/primary', which the study does not have; allowed: one of its 4, such as",
        id="a layer that is not there",
    ),
    pytest.param(
        replace(VALUE, readings=(reading("other"),)),
        "its unit is percent, but estimate 'other' is in points", id="another unit",
    ),
    pytest.param(replace(FACTOR, readings=(reading(),)), "has 1 readings; rule none measures nothing", id="a reading of nothing"),
    pytest.param(
        replace(VALUE, targets=()), "has no target under reading 'high'; rule within-margin needs", id="no target",
    ),
    pytest.param(replace(FLOOR, targets=()), "has no target under reading 'high'; rule at-least", id="no limit"),
    pytest.param(
        replace(VALUE, readings=(reading(), reading(name="english"))),
        "has no target under reading 'english'", id="a reading without a target",
    ),
    pytest.param(
        replace(VALUE, targets=(target(), target(name="low"))), "is for reading 'low'; allowed: high", id="an unknown reading",
    ),
    pytest.param(
        replace(FACTOR, targets=(target(),)), "is for reading 'high'; allowed: none", id="a target of nothing",
    ),
    pytest.param(
        replace(VALUE, targets=(replace(target(), source=""),)), "target '26.27' has no source", id="a target without source",
    ),
    pytest.param(
        replace(VALUE, targets=(target("a lot"),)), "'a lot' is no printed number; expected one such as", id="no number",
    ),
    pytest.param(
        replace(VALUE, discrepancies=(target("x", SourceTier.SUMMARY),)), "'x' is no printed number", id="no other number",
    ),
    pytest.param(
        replace(VALUE, targets=(target(), target(tier=SourceTier.SUMMARY))),
        "its targets are of tiers T2, T4; allowed: one, the best", id="mixed tiers",
    ),
    pytest.param(
        replace(VALUE, discrepancies=(target("5"),)), "discrepancy '5' is of tier T2; allowed: tiers below T2",
        id="a discrepancy of the same tier",
    ),
    pytest.param(
        replace(VALUE, targets=(replace(target(), half_width=-0.1),)), "has half-width -0.1", id="a negative half-width",
    ),
    pytest.param(
        replace(VALUE, targets=(replace(target(), half_width=float("inf")),)), "has half-width inf", id="no half-width",
    ),
    pytest.param(
        replace(VALUE, targets=(replace(target(), stands_for="stable"),)),
        "target '26.27' stands for 'stable', which is no word of its sentence", id="a word that nobody says",
    ),
    pytest.param(replace(VALUE, margin=None), "has margin None; rule within-margin needs a positive", id="no margin"),
    pytest.param(replace(VALUE, margin=0.0), "has margin 0.0; rule within-margin needs", id="a margin of zero"),
    pytest.param(replace(VALUE, margin=float("nan")), "has margin nan", id="a margin that is no number"),
    pytest.param(replace(VALUE, margin=float("inf")), "has margin inf", id="a margin without end"),
    pytest.param(replace(MAXIMUM, margin=None), "has margin None; rule maximum-at-most", id="a maximum without margin"),
    pytest.param(replace(VALUE, margin_because=" "), "has margin 2.5 without a reason", id="no reason"),
    pytest.param(replace(FLOOR, margin=1.0), "has margin 1.0; rule at-least takes none", id="a margin on a floor"),
    pytest.param(replace(DIRECTION, sign=0), "has sign 0; rule sign needs +1 or -1", id="no sign"),
    pytest.param(replace(DIRECTION, sign=2), "has sign 2; rule sign needs", id="two of a sign"),
    pytest.param(replace(EVERY, sign=0), "has sign 0; rule every-sign needs", id="no sign for many"),
    pytest.param(replace(VALUE, sign=1), "has sign 1; rule within-margin takes none", id="a sign on a value"),
    pytest.param(replace(LARGEST, named=()), "names 0 members of reading 'high'; rule largest-at allows exactly 1", id="none named"),
    pytest.param(replace(LARGEST, named=GAPS[:2]), "names 2 members of reading 'high'", id="two largest"),
    pytest.param(replace(REGION, named=()), "rule largest-within allows 1 to 2", id="an empty region"),
    pytest.param(replace(REGION, named=GAPS), "names 3 members of reading 'high'; rule largest-within", id="all named"),
    pytest.param(
        replace(LARGEST, readings=(*LARGEST.readings, reading("other", GAPS[0], name="else"))),
        "names 0 members of reading 'else'", id="none named under the other reading",
    ),
    pytest.param(replace(LARGEST, named=(GAPS[1], "other")), "names other, which no reading lists", id="a stranger"),
    pytest.param(replace(VALUE, named=GAPS[:1]), "names 1 members; rule within-margin singles none out", id="one named"),
    pytest.param(replace(VALUE, minima=Minima(units=-1)), "has minima -1 units and 0 seeds", id="negative units"),
    pytest.param(replace(VALUE, minima=Minima(seeds=-1)), "has minima 0 units and -1 seeds", id="negative seeds"),
    pytest.param(replace(VALUE, paper_units=0), "rests on 0 units", id="a paper without units"),
    pytest.param(replace(VALUE, pilot=Pilot(unit_sd=1, because="")), "pilot spread without a reason", id="no pilot reason"),
    pytest.param(
        replace(VALUE, pilot=Pilot(unit_sd=-1, because="x")), "has pilot spreads -1 and 0.0", id="a negative spread",
    ),
    pytest.param(
        replace(VALUE, pilot=Pilot(unit_sd=1, seed_sd=float("inf"), because="x")), "pilot spreads 1 and inf", id="no spread",
    ),
    pytest.param(replace(COUNTS, arithmetic=None), "carries nothing; rule granularity needs Granularity", id="no counts"),
    pytest.param(
        replace(COUNTS, arithmetic=GAIN.arithmetic),
        "carries GainAgainstGap; rule granularity needs Granularity", id="another arithmetic",
    ),
    pytest.param(replace(VALUE, arithmetic=GAIN.arithmetic), "carries GainAgainstGap; rule within-margin", id="arithmetic in vain"),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, printed=Printed("some"))),
        "'some' is no printed number", id="a count of no number",
    ),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, item_counts=((0, "subset"),), base_counts=None)),
        "has 0 items of test set 'subset'", id="an empty test set",
    ),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, item_counts=((9, " "),), base_counts=None)),
        "has 9 items of test set ' '", id="a nameless test set",
    ),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, base_counts=(300, 256))),
        "has 300 to 256 right answers before; allowed: rising, from 1 to 1115", id="a falling base",
    ),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, base_counts=(0, 256))), "has 0 to 256", id="a base of none",
    ),
    pytest.param(
        replace(COUNTS, arithmetic=replace(COUNTS.arithmetic, base_counts=(256, 1116))), "has 256 to 1116", id="too large a base",
    ),
    pytest.param(
        replace(WORDS, arithmetic=replace(WORDS.arithmetic, numbers=(("cell", Printed("-")),))), "'-' is no", id="a word, no number",
    ),
    pytest.param(
        replace(WORDS, arithmetic=replace(WORDS.arithmetic, numbers=())), "against 0 numbers", id="a word against nothing",
    ),
    pytest.param(replace(WORDS, arithmetic=replace(WORDS.arithmetic, word=" ")), "the word ' '", id="no word"),
    pytest.param(
        replace(WORDS, arithmetic=replace(WORDS.arithmetic, least=None)), "does not say what 'consistent' demands", id="no demand",
    ),
    pytest.param(
        replace(PRINTINGS, arithmetic=TwoPrintings(printed=(("", Printed("1")), ("B", Printed("2"))))),
        "does not say who prints '1'", id="nobody prints it",
    ),
    pytest.param(
        replace(PRINTINGS, arithmetic=TwoPrintings(printed=(("A", Printed("1")), ("B", Printed("two"))))),
        "'two' is no printed number", id="printed in words",
    ),
    pytest.param(
        replace(GAIN, arithmetic=GainAgainstGap(gain=Printed("87.69"), gaps=())), "names no gap", id="no gap",
    ),
    pytest.param(
        replace(GAIN, arithmetic=GainAgainstGap(gain=Printed("87.69"), gaps=(Printed("?"),))), "'?' is no", id="no gap's number",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "says"), REJECTED)
def test_a_fault_of_a_claim_is_said(claim: Claim, says: str) -> None:
    found = faults(claim)
    assert any(says in fault for fault in found), found


def test_every_fault_carries_the_claims_id() -> None:
    wrong = replace(VALUE, margin_because="", readings=(replace(reading(), supported_by=()),))
    found = list(inventory_faults((DIRECTION, replace(wrong, says="Another")), KNOWN, SOURCES))
    assert found[0].startswith("gap.first.value: its id stands 2 times")
    assert all(fault.startswith("gap.first.value: ") for fault in found)
    assert len(found) == 3


def test_two_claims_do_not_say_the_same() -> None:
    other = replace(VALUE, id="gap.other.value")
    found = list(inventory_faults((VALUE, other), KNOWN, SOURCES))
    assert len(found) == 2
    assert "is what another claim says too" in found[0]
    assert list(inventory_faults((VALUE, replace(other, says="Something else")), KNOWN, SOURCES)) == []


OTHER = replace(SOURCES[0], name="notes", tier=SourceTier.SUMMARY, address="", sha256="")


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ((), "names source 'abstract', which the SOURCES of the study's sources.py lack; they have none"),
        ((OTHER,), "which the SOURCES of the study's sources.py lack; they have notes"),
        ((replace(SOURCES[0], tier=SourceTier.SUMMARY),), "takes source 'abstract' for T2; it is T4"),
        ((SOURCES[0], SOURCES[0]), "source 'abstract' stands 2 times; each text stands once"),
        ((replace(SOURCES[0], kind=" "),), "source 'abstract' is called ' '; say its name, and what kind of text it is"),
        ((replace(SOURCES[0], address="a page"),), "source 'abstract' has address 'a page'; allowed: a web address, or none"),
        ((replace(SOURCES[0], address="https://nowhere"),), "has address 'https://nowhere'"),
        ((replace(SOURCES[0], read="lately"),), "source 'abstract' was read on 'lately'; say the day, such as '2026-11-19'"),
        ((replace(SOURCES[0], read="2026-13-01"),), "was read on '2026-13-01'"),
        ((replace(SOURCES[0], sha256="abc"),), "source 'abstract' has digest 'abc'; allowed: 64 hexadecimal digits, or none"),
    ],
)  # fmt: skip
def test_a_source_that_nobody_can_look_up_is_a_fault(sources: tuple[Source, ...], says: str) -> None:
    found = list(inventory_faults((VALUE,), KNOWN, sources))
    assert any(says in fault for fault in found), found


def test_every_source_that_a_claim_names_is_asked_for() -> None:
    """Of its sentence, targets, discrepancies, readings, and two printings of one number."""
    weaker = replace(target("5", SourceTier.SUMMARY), source="listing")
    claim = replace(VALUE, discrepancies=(weaker,), readings=(replace(reading(), supported_by=("feed",)),))
    assert claim.source_names == ("abstract", "listing", "feed")
    assert PRINTINGS.source_names == ("abstract", "A", "B")


Declare = Callable[[object], None]
NOTHING_OPEN = Protocol(choices=(), adapter_seeds=(1,), exclusions=())


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Puts a table of claims into a study that is importable as `claims.small`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "study.py").touch()
    monkeypatch.setattr(studies, "CLAIMS", tmp_path)
    package, study = ModuleType("claims.small"), ModuleType("claims.small.study")
    package.__path__ = [str(tmp_path / "small")]
    study.STUDY, study.PROTOCOL, study.__spec__ = small_study(), NOTHING_OPEN, object()
    for module in (package, study):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    def declared(claims: object) -> None:
        for name, holds in (("claims", {"CLAIMS": claims}), ("sources", {"SOURCES": SOURCES})):
            table = ModuleType(f"claims.small.{name}")
            vars(table).update(holds, __spec__=object())
            monkeypatch.setitem(sys.modules, table.__name__, table)

    return declared


def test_a_study_without_claims_declares_none(declare: Declare) -> None:
    assert load_claims("small") == ()


def test_claims_are_checked_when_they_are_loaded(declare: Declare) -> None:
    declare((replace(VALUE, id="first"), replace(VALUE, id="first", margin_because="")))
    with pytest.raises(
        UsageError, match=r"claims/small/claims\.py cannot be used:\n  first: its id stands 2 times"
    ) as told:
        load_claims("small")
    assert "\n  first: has margin 2.5 without a reason" in str(told.value)


def test_sound_claims_are_given_in_their_order(declare: Declare) -> None:
    claims = (replace(VALUE, id="b"), replace(FACTOR, id="a", says="It is a factor"))
    declare(claims)
    assert load_claims("small") == claims
    assert claim_named(claims, "a") is claims[1]


@pytest.mark.parametrize("found", [None, [VALUE], ("gap",)], ids=["nothing", "a list", "strings"])
def test_a_table_of_something_else_is_refused(declare: Declare, found: object) -> None:
    declare(found)
    with pytest.raises(
        UsageError, match=r"claims/small/claims\.py must hold CLAIMS, a tuple of harness\.words\.claim\.Claim"
    ):
        load_claims("small")


def test_a_table_that_cannot_be_built_is_malformed(declare: Declare, tmp_path: Path) -> None:
    (tmp_path / "small" / "claims.py").write_text(
        "from harness.words.claim import Sentence\nCLAIMS = (Sentence(where='x'),)\n"
    )
    with pytest.raises(UsageError, match=r"claims\.py cannot be read: TypeError: .*'source'"):
        load_claims("small")
    sys.modules.pop("claims.small.claims", None)


def test_an_unknown_claim_is_told_with_near_ones() -> None:
    near = r"unknown claim 'gap\.first\.valu'; did you mean gap\.first\.value\? 'harness claims'"
    with pytest.raises(UsageError, match=near):
        claim_named((VALUE,), "gap.first.valu")
    with pytest.raises(UsageError, match="unknown claim 'x'; 'harness claims' lists the 1 that are allowed"):
        claim_named((VALUE,), "x")


def test_estimates_follow_from_the_study() -> None:
    known = estimate_units(small_study())
    assert known["gap/layer=1/high/primary"] == "percent"
    assert "gap/layer=2/high/primary" not in known
    assert not [name for name in known if "bench=" in name or name.startswith("correlation")]
