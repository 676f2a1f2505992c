"""How it was judged: rules, margins with reasons, minima, families and pre-flight; and what departed from the plan."""

from collections import Counter
from collections.abc import Sequence

from harness.report.claimwords import measured_claims, printed_words
from harness.report.document import JudgedClaim, Report
from harness.report.elements import Content, code, folded, paragraph, plain_table, section
from harness.report.markup import Markup, tag
from harness.report.numbers import exact, short
from harness.report.verdictwords import FAIL_ONS, INFERENCES, LOCKS_IN_FULL, STATES, TIERS, UNITS
from harness.words.claim import RULES_IN_WORDS
from harness.words.judgement import Prospect, prospects_say

NO_JUDGE = "Nothing was judged in this run."


def method(report: Report) -> Markup:
    """The states, the rules in words, every margin with its reason, and what was asked for."""
    if not report.claims:
        return section("method", "How it was judged", paragraph(NO_JUDGE, class_="absent"))
    claims = measured_claims(report)
    return section(
        "method",
        "How it was judged",
        _states(report),
        tag("h3", "Rules in words"),
        _rules(claims),
        tag("h3", "Margins, with their reasons"),
        _margins(claims),
        tag("h3", "What was asked for"),
        _families(report, claims),
        tag("h3", "Pre-flight: could it be decided at all?"),
        _prospects(report),
    )


def _states(report: Report) -> Markup:
    alpha = report.claims[0].rule.alpha
    lead = (
        f"Seven states, never collapsed. PASS and DEVIATION both have to be earned, each against an error rate of "
        f"{exact(100 * alpha)} %; \u201cno significant difference\u201d is never a pass. This run fails on "
        f"{FAIL_ONS[report.summary.fail_on]}."
    )
    rows = [(f"{words.glyph} {words.word}", words.means) for words in STATES.values()]
    table = plain_table("What each state means.", ("State", "Meaning"), rows, num_labels=2)
    return tag("div", paragraph(lead), folded("The seven states", table))


def _rules(claims: Sequence[JudgedClaim]) -> Markup:
    used = Counter(claim.rule.name for claim in claims)
    rows = [
        (name.replace("-", " "), RULES_IN_WORDS[name], str(number)) for name, number in sorted(used.items())
    ]
    return plain_table(
        "Each rule that decides a claim here.", ("Rule", "In words", "Claims"), rows, num_labels=2
    )


def _margins(claims: Sequence[JudgedClaim]) -> Markup:
    rows = [
        (
            tag("a", code(claim.id), href=f"#claim-{claim.id}"),
            claim.rule.margin_because,
            printed_words(claim),
            f"{exact(claim.rule.margin)}{UNITS[claim.unit]}",
        )
        for claim in claims
        if claim.rule.margin is not None
    ]
    if not rows:
        return paragraph("No claim here is judged with a margin.", class_="absent")
    headers = ("Claim", "Reason", "Printed", "Margin")
    return plain_table("Margins, fixed before measuring.", headers, rows, num_labels=2)


def _families(report: Report, claims: Sequence[JudgedClaim]) -> Markup:
    sizes = Counter(str(claim.tier) for claim in claims)
    effects = {
        "primary": "gates the exit code; one family for Holm, in which a claim not measured counts with p = 1",
        "secondary": "judged in a Holm family of its own; gates nothing",
        "exploratory": "measured and shown; no verdict",
    }
    rows = [(TIERS[tier], effects[tier], str(sizes[tier])) for tier in effects if sizes[tier]]
    families = plain_table("Families.", ("Tier", "What it weighs", "Claims"), rows, num_labels=2)
    asked = [
        (code(claim.id), INFERENCES[rule.inference], str(rule.min_units), str(rule.min_seeds))
        for claim in claims
        if (rule := claim.rule).min_units or rule.min_seeds
    ]
    headers = ("Claim", "Its error bar answers for", "Units", "Seeds")
    caption = "Minima; below them a claim is INCONCLUSIVE, whatever its number."
    minima = (
        [folded("Minima of every claim", plain_table(caption, headers, asked, num_labels=2))] if asked else []
    )
    left_out = [claim.id for claim in report.claims if not claim.selected]
    note = [paragraph(f"Not asked for in this run: {', '.join(left_out)}.")] if left_out else []
    return tag("div", families, *note, *minima)


def _prospects(report: Report) -> Markup:
    if not report.prospects:
        return paragraph("No pre-flight is recorded with this report.", class_="absent")
    rows: list[tuple[Content, ...]] = [
        (
            code(row.claim_id),
            _prospect(row),
            row.says,
            "\u2013" if row.units_needed is None else f"{row.units_needed:,}",
            f"{row.units_planned:,}",
        )
        for row in report.prospects
    ]
    headers = ("Claim", "Prospect", "Why", "Units needed", "Units planned")
    caption = "Computed before measuring, for a power of 80 % where nothing differs."
    able = sum(row.decidable and row.is_foreseen for row in report.prospects)
    unknown = sum(not row.is_foreseen for row in report.prospects)
    said = prospects_say(able, unknown, len(rows))
    return folded(said, plain_table(caption, headers, rows, num_labels=3))


def _prospect(row: Prospect) -> str:
    if not row.is_foreseen:
        return "? not known: no spread is assumed"
    return "\u2713 can be decided" if row.decidable else "\u2717 too small by design"


def history(report: Report) -> Markup:
    """Departures from the protocol, amendments of the lock, and every run made under it."""
    run, lock = report.run, report.lock
    place = f"This is run {run.ordinal} of {run.runs_under_lock} under this lock."
    committed = " ".join(part for part in (short(lock.commit), lock.date) if part)
    lead = paragraph(
        "Lock ",
        code(short(lock.sha256)),
        f", {LOCKS_IN_FULL[lock.status]}{f' (committed {committed})' if committed else ''}. {place}",
    )
    return section(
        "history",
        "Deviations, amendments, ledger",
        lead,
        paragraph("No departure from the protocol is recorded.", class_="absent"),
        _amendments(report),
        _ledger(report),
    )


def _amendments(report: Report) -> Markup:
    amendments = report.lock.amendments
    if not amendments:
        return paragraph("No amendment of the lock is recorded.", class_="absent")
    parts = [
        tag(
            "details",
            tag(
                "summary",
                f"Amendment {row.number}, {row.date}: {row.because}",
                *([tag("strong", " \u2014 made after seeing results")] if row.after_results else []),
            ),
            tag("pre", code(row.diff), tabindex="0"),
        )
        for row in amendments
    ]
    return tag("div", *parts)


def _ledger(report: Report) -> Markup:
    if not report.ledger:
        return paragraph("The ledger holds full runs only; it has none to show here.", class_="absent")
    rows = [
        (
            str(row.ordinal),
            row.date,
            code(short(row.run_id)),
            row.outcome,
            "\u2013" if row.exit_code is None else str(row.exit_code),
        )
        for row in report.ledger
    ]
    headers = ("Run", "Date", "Id", "Outcome", "Exit code")
    return plain_table("Every run under this lock, crashed ones too.", headers, rows, num_labels=4)
