"""What follows from fetched results: how cells stand to the committed ones, lines that can be committed, shots, and pairs."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from claims.sin2025.published import BASELINES
from harness.authors import FetchedSet, Standing, compared, comparison_lines
from harness.judge.arithmetic import printed_changes
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.words.judgement import PublishedBaseline, PublishedRun, PublishedScore, PublishedSet

STUDY = load_study("sin2025")
PRINTED = printed_changes(STUDY, load_claims("sin2025"))
INDONESIAN = BASELINES[0]
SET = PublishedSet(address="somebody/results", benchmark="hellaswag", language="id")


def score(value: float, items: int | None = 6019, metric: str = "acc", right: int | None = None) -> PublishedScore:  # fmt: skip
    return PublishedScore(metric=metric, value=value, stderr=None, items_by_stderr=items, right_answers=right)


RUN = PublishedRun(
    address="somebody/results", revision="abcdef0123456789", file="google/gemma-2-2b/results_2024-12-03T18-18-36.7.json",
    task="hellaswag_id", benchmark="hellaswag", language="id", questions="richmondsin/m_hellaswag", tuned=None,
    model="gemma", shots=10, items=None, limit=None, batch_size=None, scores=(score(INDONESIAN.accuracy),),
)  # fmt: skip


def lines(*runs: PublishedRun, committed: Sequence[PublishedBaseline] = BASELINES) -> list[str]:
    return list(comparison_lines(compared(STUDY, committed, PRINTED, (FetchedSet(asked=SET, runs=runs),))))


def standings(*runs: PublishedRun) -> list[Standing]:
    found = compared(STUDY, (INDONESIAN,), PRINTED, (FetchedSet(asked=SET, runs=runs),))
    return [each.standing for each in found.baselines]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(RUN, [Standing.AGREES], id="the committed number"),
        pytest.param(replace(RUN, scores=(score(0.4150192),)), [Standing.AGREES], id="the same with fewer digits"),
        pytest.param(replace(RUN, scores=(score(0.41503),)), [Standing.DIFFERS], id="another number"),
        pytest.param(replace(RUN, items=6018), [Standing.DIFFERS], id="of another number of questions"),
        pytest.param(replace(RUN, language="es"), [Standing.NEW, Standing.NOT_FETCHED], id="a cell that is not committed"),
        pytest.param(replace(RUN, questions="alexandrainst/m_hellaswag"), [Standing.NEW, Standing.NOT_FETCHED],
                     id="the same cell on the full set"),
        pytest.param(replace(RUN, tuned="4k-0"), [Standing.NOT_FETCHED], id="a tuned model is no baseline"),
        pytest.param(replace(RUN, limit="100"), [Standing.NOT_FETCHED], id="a run cut short is none"),
        pytest.param(replace(RUN, scores=(score(0.4, None),)), [Standing.NOT_FETCHED], id="without a count of questions"),
        pytest.param(replace(RUN, scores=(score(0.4, metric="brier"),)), [Standing.NOT_FETCHED], id="another metric"),
    ],
)  # fmt: skip
def test_how_a_fetched_cell_stands_to_the_committed_ones(run: PublishedRun, expected: list[Standing]) -> None:
    assert standings(run) == expected


def test_a_line_to_commit_is_the_entry_itself() -> None:
    told = lines(replace(RUN, language="es"), committed=())
    (line,) = [each for each in told if "PublishedBaseline(" in each]
    (entry,) = eval(f"[{line}]", {"PublishedBaseline": PublishedBaseline})
    assert entry == replace(
        INDONESIAN, language="es", address="somebody/results", commit="abcdef0", run="2024-12-03T18-18-36.7"
    )
    assert any(each.startswith("1 baselines are not committed.") for each in told)


def test_a_number_that_moved_is_told_with_both_places() -> None:
    (line,) = [each for each in lines(replace(RUN, scores=(score(0.42),))) if "DIFFERS" in each]
    assert "0.4200 of 6,019 at somebody/results @ abcdef0, but 0.4150 of 6,019 is committed" in line


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        pytest.param([RUN], "shots of hellaswag: 10, as registered", id="as registered"),
        pytest.param([replace(RUN, shots=None)], "no untouched run says; 10 stay registered", id="not said"),
        pytest.param([replace(RUN, shots=0)], "0, but 10 are registered. To take theirs: shots=0", id="another number"),
        pytest.param([RUN, replace(RUN, language="hi", shots=5)], "runs differ (10 in id, 5 in hi)", id="several numbers"),
    ],
)  # fmt: skip
def test_what_the_runs_say_of_shots(runs: list[PublishedRun], says: str) -> None:
    assert any(says in line for line in lines(*runs) if line.startswith("shots of hellaswag"))


def arc(right: int, items: int, tuned: str | None = None, address: str = "a/b") -> PublishedRun:
    held = score(right / items, items, right=right)
    return replace(RUN, benchmark="arc", language="ml", tuned=tuned, address=address, scores=(held,))


def uncounted(value: float, tuned: str | None = None) -> PublishedRun:
    return replace(arc(1, 1, tuned), scores=(score(value, None),))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        pytest.param(arc(280, 1115), arc(341, 1115, "4k-0"), ": +61 items, +5.47 points, +21.79 %", id="in all units"),
        pytest.param(arc(0, 1115), arc(341, 1115, "4k-0"), ": +341 items, +30.58 points: can be none", id="from nothing"),
        pytest.param(replace(arc(280, 1115), items=1000), replace(arc(280, 1115, "4k-0"), items=1000),
                     ": on as many questions, +0.00 points", id="no whole number of right answers"),
        pytest.param(uncounted(0.25), arc(341, 1115, "4k-0"), "pair arc ml acc: 25.00 % untouched [a/b]", id="no number"),
        pytest.param(uncounted(0.25), arc(341, 1115, "4k-0"), ": on questions that nobody counted", id="not counted"),
        pytest.param(uncounted(0.25), uncounted(0.25, "4k-0"), ": on questions that nobody counted", id="neither counted"),
        pytest.param(replace(arc(280, 1115), language="xx"), replace(arc(341, 1115, "4k-0"), language="xx"),
                     "pair arc xx acc: ", id="nothing is printed for the language"),
    ],
)  # fmt: skip
def test_no_pair_is_left_out_and_each_says_how_far_it_can_be_compared(
    before: PublishedRun, after: PublishedRun, says: str
) -> None:
    (line,) = [each for each in lines(before, after) if each.startswith("pair ")]
    assert says in line


def test_every_pair_says_which_printed_numbers_it_can_be() -> None:
    told = lines(
        arc(280, 1115), arc(285, 1142, address="c/d"), arc(341, 1115, "4k-0"), arc(280, 1115, "4k-2")
    )
    pairs = [line for line in told if line.startswith("pair ")]
    assert pairs == [
        (
            "pair arc ml acc: 280 of 1,115 untouched [a/b], 341 of 1,115 4k-0 [a/b]: +61 items, +5.47 points, +21.79 % of the score before: "
            "can be +5.47 as points (rounded once)"
        ),
        (
            "pair arc ml acc: 280 of 1,115 untouched [a/b], 280 of 1,115 4k-2 [a/b]: +0 items, +0.00 points, +0.00 % of the score before: "
            "can be none of the printed numbers"
        ),
        (
            "pair arc ml acc: 285 of 1,142 untouched [c/d], 341 of 1,115 4k-0 [a/b]: on other questions, not comparable item by item, +5.63 points, +22.55 % of the score before: "
            "can be none of the printed numbers"
        ),
        (
            "pair arc ml acc: 285 of 1,142 untouched [c/d], 280 of 1,115 4k-2 [a/b]: on other questions, not comparable item by item, +0.16 points, +0.62 % of the score before: "
            "can be +0.16 as points (rounded once)"
        ),
    ]
    ends = {
        line.partition(" for ")[0]: line.rpartition(": ")[2] for line in told if line.startswith("printed ")
    }
    assert ends == {
        "printed +0.16": "1 of 4 pairs can be it, 0 of them on as many questions",
        "printed +5.47": "1 of 4 pairs can be it, 1 of them on as many questions",
        "printed +1.62": "no pair of runs was found",
        "printed -0.22": "no pair of runs was found",
    }
