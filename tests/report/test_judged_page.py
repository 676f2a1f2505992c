"""The page of verdicts: what stands first, what never enters the headline, and what a hostile claim cannot do."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.document import Report
from harness.report.tables import claims_table
from harness.report.wording import BASELINES, FLAGS, WHYS, printed
from harness.report.writer import closing_lines, judged_claim, load_report, render_report, write_report
from harness.words.claim import Printed, Reading, Sentence
from harness.words.judgement import BaselineOutcome, Choice, Judged, Judgement
from harness.words.runfacts import Declared
from harness.words.specification import Openness
from harness.words.verdict import Finding, Flag, State, Verdict, Why
from tests.report import judged, worlds
from tests.report.test_page import HOSTILE, Reader

SEEDED = {"gain", "delta", "retention-by-adapter"}

ORDER = (
    "in-short", "claims", "cards", "activation-gap", "after-alignment", "benchmarks", "left-open", "arithmetic",
    "method", "history", "provenance", "self-checks", "limits", "citation",
)  # fmt: skip


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("which", ["full_page", "judged_page"])
def test_sections_stand_in_order(which: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(which)
    places = [page.index(f'<section id="{anchor}"') for anchor in ORDER]
    assert places == sorted(places)


def test_every_verdict_is_glyph_word_and_colour(full_page: str) -> None:
    for state, glyph in (
        ("pass", "\u2713"),
        ("deviation", "\u2717"),
        ("contested", "\u21c4"),
        ("not-run", "\u25cb"),
    ):
        word = state.upper().replace("-", " ")
        assert f'<b class="verdict {state}">{glyph} {word}</b>' in full_page


def test_every_reason_and_flag_that_a_judge_may_give_has_its_words() -> None:
    assert set(WHYS) == set(Why)
    assert set(FLAGS) == set(Flag)
    assert set(BASELINES) == set(BaselineOutcome)


def test_the_first_screen_counts_primary_claims_and_names_the_farthest(full_page: str) -> None:
    head = text_of(full_page[full_page.index('id="in-short"') : full_page.index('id="claims"')])
    assert (
        "Of 6 primary claims, 2 agree within their margins, 1 deviates, 2 stay open and 1 was not run."
        in head
    )
    assert "PASS, 1 non-discriminating" in head
    assert "Exit code 1: a claim deviates." in head
    assert "bench.ml.hellaswag.value : printed +1.62 points, measured +0.40" in head
    assert len(head.split()) < 220


def test_the_headline_never_counts_the_papers_own_arithmetic(stored_full: Report, full_page: str) -> None:
    counts = stored_full.summary.counts
    assert counts == {
        "PASS": 4, "DEVIATION": 1, "INCONCLUSIVE": 4, "CONTESTED": 1, "NOT_RUN": 1, "NOT_TESTABLE": 1, "ERROR": 0
    }  # fmt: skip
    main_table = full_page[full_page.index('id="claims"') : full_page.index('id="cards"')]
    own = full_page[full_page.index('id="arithmetic"') : full_page.index('id="method"')]
    assert "arith." not in main_table
    assert own.count("arith.") >= 4
    assert "DEVIATION" not in own
    assert "impossible" not in own
    told = text_of(own)
    assert "cannot occur as reported nothing gives it; as reported by structured summary" in told
    assert "note held against nobody; as reported by structured summary" in told


def test_neighbouring_item_counts_are_one_range(stored_full: Report) -> None:
    claim = next(claim for claim in stored_full.claims if claim.id == "arith.ml.arc")
    assert claim.arithmetic == (
        ("difference", "+0.16"),
        ("items", "1,169 to 1,170 or 1,172 (full)"),
        ("items", "1,115 (aligned)"),
    )


def test_the_main_table_follows_the_forest_plot(full_page: str) -> None:
    assert full_page.index("figure-forest-title") < full_page.index(
        "Every claim that was run, with its verdict: the main table."
    )
    row = text_of(full_page[full_page.index('href="#claim-gap.l6.value"') :])[:260]
    assert "26.27 % its abstract 25.10 [24.11, 26.09] % \u22121.17 0.47" in row


def test_a_claim_about_a_place_prints_it_and_the_lead_in_points(full_page: str) -> None:
    row = text_of(full_page[full_page.index('href="#claim-gap.argmax"') :])[:200]
    assert "\u2013 layer 6; lead +5.90 [+4.60, +7.20] points" in row


def test_what_was_not_run_is_folded_behind_what_was(full_page: str, full_folder: Path) -> None:
    not_run = "retention.en.value"
    table = full_page[full_page.index("the main table.") : full_page.index('<section id="cards"')]
    shown, folded = table.split("<details><summary>1 claim not run</summary>")
    assert f"#claim-{not_run}" in folded
    assert f"#claim-{not_run}" not in shown
    cards = full_page[full_page.index('<section id="cards"') : full_page.index('id="activation-gap"')]
    assert cards.index("1 card of claims that were not run") < cards.index(f'id="claim-{not_run}"')
    summary = (full_folder / "summary.md").read_text(encoding="utf-8")
    assert "<details><summary>1 claim not run</summary>" in summary
    assert not_run in summary[summary.index("1 claim not run") :]


def test_a_number_that_stands_for_a_word_is_nowhere_shown_as_printed(tmp_path: Path) -> None:
    target = replace(judged.GAP_6.targets[0], printed=Printed("5"), stands_for="modest")
    asked = replace(judged.GAP_6, targets=(target,))
    verdict = judged.judged_value(asked, 4.0, 0.5, State.PASS, Why.INSIDE)
    form = judged_claim(asked, verdict, 0.05)
    assert (form.targets[0].printed, form.targets[0].stands_for) == ("5", "modest")
    assert (form.cases[0].printed, form.cases[0].stands_for) == ("5", "modest")
    ours = '"modest", taken as 5\u202f% (ours)'
    assert printed(form) == printed(replace(form, cases=())) == ours
    assert ours in claims_table([form], "Claims").rows[0]
    page = (written(tmp_path, alone(asked, verdict), mode="full") / "report.html").read_text(encoding="utf-8")
    assert '"modest", taken as 5 % (ours) the word: its abstract 4.00' in text_of(page)


def test_what_cannot_be_foreseen_is_no_yes(full_page: str) -> None:
    words = text_of(full_page)
    assert (
        "1 of the 3 claims that a measurement decides could be decided at this size; of 1 it cannot be foreseen"
        in words
    )
    assert "gap.argmax ? not known beforehand" in words


def test_a_card_says_all_that_decided(full_page: str) -> None:
    card = full_page[full_page.index('id="claim-bench.ml.hellaswag.value"') :]
    words = text_of(card[: card.index("</details>")])
    for part in (
        "In our words: what tuning changed",
        "Why this verdict. The 90 % interval",
        "stands at chance in the authors' own baseline",
        "disjoint from the band of the next claim",
        "these very items; only training varies",
        "0.0140",
        "'harness explain C01' tells what else is claimed of it",
        "harness reproduce --study sin2025 --profile fixture --claim bench.ml.hellaswag.value",
        "cd" * 32,
    ):
        assert part in words, part


def test_an_audit_names_its_own_command_and_whose_numbers_they_are(tmp_path: Path) -> None:
    page = (written(tmp_path, judged.full_judgement(), mode="audit") / "report.html").read_text(
        encoding="utf-8"
    )
    assert "harness audit declared.json" in page
    assert "harness reproduce" not in page
    assert "execution.json" not in page
    assert "that the numbers were measured as declared" in page
    assert page.count(">NUMBERS DECLARED BY OTHERS</text>") == page.count("<svg class=")


def test_a_fixture_run_shows_the_judge_at_work_and_no_verdict_on_the_paper(
    stored_judged: Report, judged_page: str
) -> None:
    assert {claim.state for claim in stored_judged.claims} == {"NOT_RUN", "NOT_TESTABLE"}
    assert "No claim of the paper is judged by such a run" in judged_page
    about_paper = judged_page[: judged_page.index('id="self-checks"')]
    assert 'class="verdict pass"' not in about_paper.replace(the_seven_states(about_paper), "")
    own = judged_page[judged_page.index('id="judge"') :]
    assert 'class="verdict deviation"' in own
    assert "\u2713 as expected" in own
    assert judged_page.count(">FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER</text>") == 8
    assert "what the self-check study prints, where that is meant to agree" in judged_page


def the_seven_states(page: str) -> str:
    start = page.index("What each state means.")
    return page[start : page.index("</table>", start)]


def test_a_verdict_on_the_papers_arithmetic_is_withheld_where_the_page_says_nothing_of_it(
    tmp_path: Path,
) -> None:
    claims = (*judged.CLAIMS, *judged.ON_PAPER)
    verdicts = (*judged.not_run_verdicts(judged.CLAIMS), *judged.full_verdicts()[len(judged.CLAIMS) :])
    asked = judged.fixture_judgement(paper=Judged(study="sin2025", claims=claims, verdicts=verdicts))
    assert Finding.CANNOT_OCCUR in {verdict.state for verdict in verdicts}
    out = written(tmp_path, asked)
    told = [claim for claim in load_report(out).claims if claim.kind == "arithmetic"]
    assert {claim.state for claim in told} == {"NOT_RUN"}
    assert "harness explain" in told[0].says
    page = (out / "report.html").read_text(encoding="utf-8")
    own = page[page.index('id="arithmetic"') : page.index('id="method"')]
    assert "Of 4 questions about printed numbers, none needs a run" in text_of(own)
    assert "Printed numbers, and whether they can occur as reported." not in own


def test_a_study_that_checks_the_judge_may_be_the_runs_own(tmp_path: Path) -> None:
    """As in the run that its targets are taken from; what is expected of its claims elsewhere is not asked of them there."""
    claims = judged.self_check_study().claims
    assert all(claim.expected for claim in claims)
    own = Judged(study="miniature", claims=claims, verdicts=judged.not_run_verdicts(claims))
    out = written(tmp_path, judged.fixture_judgement(paper=own, self_check=None))
    told = load_report(out).claims
    assert len(told) == len(claims)
    assert {(claim.expected, claim.differs) for claim in told} == {(None, None)}


def test_a_verdict_on_a_measured_claim_is_refused_there(tmp_path: Path) -> None:
    asked = judged.fixture_judgement(paper=judged.full_judgement().paper)
    with pytest.raises(ValueError, match="verdict"):
        written(tmp_path, asked)


@pytest.mark.parametrize("why", [Why.EXPLORATORY, Why.SUBSET])
def test_no_case_has_a_word_where_the_claim_has_none(tmp_path: Path, why: Why) -> None:
    passing = judged.judged_value(judged.GAP_6, 25.1, 0.9, State.PASS, Why.INSIDE)
    verdict = replace(passing, state=State.INCONCLUSIVE, why=why)
    out = written(tmp_path, alone(judged.GAP_6, verdict), mode="full")
    (case,) = load_report(out).claims[0].cases
    assert (case.state, case.why) == ("INCONCLUSIVE", why)
    assert case.numbers is not None


def test_a_self_check_that_differs_is_said_first(tmp_path: Path) -> None:
    out = written(tmp_path, judged.fixture_judgement(differing=2))
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "something moved: 2 self-checks came out different" in page
    assert page.count("\u2717 expected ERROR") == 2
    assert load_report(out).summary.exit_code == 1


def test_without_precisions_figures_of_seeds_say_so(tmp_path: Path) -> None:
    page = (written(tmp_path, judged.full_judgement(precisions={}), mode="full") / "report.html").read_text()
    assert page.count("figure not drawn, since this report holds no numbers of single seeds") == 4
    assert "intervals are not in this report" in page


def test_rendering_again_gives_the_same_bytes(tmp_path: Path, full_folder: Path) -> None:
    (tmp_path / "report.json").write_bytes((full_folder / "report.json").read_bytes())
    assert render_report(tmp_path).summary.exit_code == 1
    for name in ("report.html", "summary.md", "junit.xml"):
        assert (tmp_path / name).read_bytes() == (full_folder / name).read_bytes(), name


def test_the_last_lines_of_a_judged_run(full_folder: Path) -> None:
    lines = list(closing_lines(load_report(full_folder), full_folder))
    assert lines[2].startswith("  outcome  Of 6 primary claims, 2 agree")
    assert lines[-1] == "  exit 1   a claim deviates"


def test_the_summary_begins_with_counts_and_the_main_table(full_folder: Path) -> None:
    summary = (full_folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("### FULL RUN\n")
    assert (
        "**4 PASS (1 non-discriminating, 2 reported by a summary) \u00b7 1 DEVIATION (1 reported by a summary) \u00b7 4 INCONCLUSIVE"
        in summary
    )
    assert "run 2 of 2 under lock `9f3a9f3a9f3a`, amended" in summary
    assert summary.index("<summary>Verdicts</summary>") < summary.index("<summary>Why each verdict</summary>")
    assert (
        "| \u2713 | The gap at layer 6 is 26.27 % (gap.l6.value); layer 6: reported by a summary | PASS: inside the band | mixed | 26.27"
        in summary
    )


def test_every_card_leads_to_the_rule_in_words(full_page: str, judged_page: str) -> None:
    for page in (full_page, judged_page):
        asked = set(re.findall(r'href="#(rule-[a-z-]+)"', page))
        assert "rule-granularity" in asked
        assert asked <= set(re.findall(r'id="(rule-[a-z-]+)"', page))


def test_what_a_summary_alone_reports_is_counted_apart(stored_full: Report, full_page: str) -> None:
    """A part of gap.l6.value, and all of both benchmark values; what is printed of numbers alone is in no count."""
    assert {state: number for state, number in stored_full.summary.reported_by_summary.items() if number} == {
        "PASS": 2, "DEVIATION": 1
    }  # fmt: skip
    head = text_of(full_page[full_page.index('id="in-short"') : full_page.index('id="claims"')])
    assert "4 PASS, 1 non-discriminating, 2 reported by a summary" in head
    assert (
        "Reported by a summary alone: gap.l6.value (layer 6), bench.ml.hellaswag.value (all of it)." in head
    )
    assert "margins apart (reported by a summary)." in head
    assert (
        "(11 that a measurement decides, 1 that name nothing measurable, 4 about printed numbers alone)"
        in head
    )


def test_what_a_summary_alone_reports_is_marked_in_table_and_card(full_page: str) -> None:
    table = text_of(full_page[full_page.index('id="claims"') : full_page.index('id="cards"')])
    assert "gap.l6.value layer 6: reported by a summary" in table
    assert "bench.ml.hellaswag.value reported by a summary" in table
    assert "gap.l25.value reported" not in table
    card = full_page[full_page.index('id="claim-gap.l6.value"') :]
    words = text_of(card[: card.index("</details>")])
    assert "Reported by a summary layer 6; no sentence about the paper rests on it" in words


def test_every_printed_number_leads_to_where_it_was_read(full_folder: Path, full_page: str) -> None:
    cited = full_page[full_page.index('id="cited"') : full_page.index("Outside things")]
    told = text_of(cited)
    whole = f"abstract the paper's own abstract; https://papers.example/1?v=1&w=2 ; read on 2026-11-19, SHA-256 {'ca' * 32}"
    assert whole in told
    assert (
        "a summary by a machine; no public address is known; read on 2026-11-20, no digest of its text was kept"
        in told
    )
    assert 'href="https://papers.example/1?v=1&amp;w=2"' in cited
    card = full_page[full_page.index('id="claim-gap.l25.value"') :]
    assert '<a href="#cited">abstract</a>' in card[: card.index("</details>")]
    assert (
        "| structured summary | a summary by a machine | none is known | 2026"
        in (full_folder / "summary.md").read_text()
    )


@pytest.mark.parametrize(
    ("on", "says"), [("2026-11-19", "on 2026-11-19"), ("", "on no stated day")], ids=["a day", "no day"]
)
def test_who_declared_the_numbers_and_when_stands_in_the_head_and_in_the_citation(
    tmp_path: Path, on: str, says: str
) -> None:
    declared = Declared(by="A <laboratory> & co", on=on, sha256="ab" * 32)
    out = written(tmp_path, judged.full_judgement(), mode="audit", declared=declared)
    page = (out / "report.html").read_text(encoding="utf-8")
    whose = f"declared by A <laboratory> & co {says}"
    head, citation = (
        page[page.index("<header>") : page.index("</header>")],
        page[page.index('id="citation"') :],
    )
    assert whose in text_of(head)
    assert f"NUMBERS DECLARED BY OTHERS: {whose}. Study" in text_of(citation)
    assert "<laboratory>" not in page
    head = (out / "summary.md").read_text(encoding="utf-8").splitlines()[2]
    assert head.endswith(f"declared by A &lt;laboratory&gt; &amp; co {says}".replace("-", "-"))
    assert load_report(out).declared == declared


def written(folder: Path, judgement: Judgement, **changes: object) -> Path:
    few = [
        row
        for row in worlds.estimates()
        if row.quantity in SEEDED or (row.layer in {6, 25} and row.language is None)
    ]
    tables = worlds.store(folder, few, worlds.checks(number=1))
    write_report(worlds.facts(**changes), *tables, folder / "out", judgement)
    return folder / "out"


def alone(claim: object, verdict: Verdict) -> Judgement:
    return judged.full_judgement(paper=Judged(study="one", claims=(claim,), verdicts=(verdict,)))  # type: ignore[arg-type]


def test_a_hostile_claim_stays_text(tmp_path: Path) -> None:
    reading = Reading(
        name=HOSTILE, says=HOSTILE, supported_by=(HOSTILE,), estimates=("gap/layer=6/high/primary",)
    )
    sentence = Sentence(source=HOSTILE, tier=judged.SENTENCE.tier, where=HOSTILE, quote=HOSTILE)
    claim = replace(
        judged.GAP_6,
        says=HOSTILE,
        beside=HOSTILE,
        margin_because=HOSTILE,
        sentence=sentence,
        readings=(reading, replace(reading, name="other")),
        targets=(replace(judged.GAP_6.targets[0], source=HOSTILE),),
        discrepancies=(replace(judged.GAP_6.targets[0], source=HOSTILE),),
        inventory=(HOSTILE,),
    )
    passing = judged.judged_value(claim, 25.1, 0.9, State.PASS, Why.INSIDE, method=HOSTILE)
    case = replace(passing.cases[0], notes=(HOSTILE, "x" * 5000), says=HOSTILE)
    study = Judged(
        study=HOSTILE, claims=(claim,), verdicts=(replace(passing, says=HOSTILE, cases=(case, case)),)
    )
    judgement = judged.full_judgement(
        paper=study,
        choices=(Choice(name=HOSTILE, alternatives=(HOSTILE,), openness=Openness.UNSURE, says=HOSTILE),),
        lock=replace(judged.LOCK, commit=HOSTILE, amendments=(replace(judged.LOCK.amendments[0], diff=HOSTILE, because=HOSTILE),)),
    )  # fmt: skip
    out = written(tmp_path, judgement, mode="full")
    reader = Reader((out / "report.html").read_text(encoding="utf-8"))
    tags = [tag for tag, _ in reader.elements]
    assert (tags.count("script"), tags.count("img")) == (0, 0)
    for name in ("report.html", "summary.md", "junit.xml"):
        assert not re.search("[\x00\x1b\u202e]", (out / name).read_text(encoding="utf-8")), name
    assert "<script" not in (out / "summary.md").read_text(encoding="utf-8")
