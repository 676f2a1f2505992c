"""The self-checks check: agreement at the edge, and nothing missing on either side passes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.sources.studies import load_study
from harness.stages.self_checks import Figure, Kind, checks, pencil_figures, recorded_numbers
from harness.words.study import Language

KNOWN_NUMBERS = Path(__file__).resolve().parents[2] / "fixtures" / "known_numbers"


def figure(value: float, kind: Kind) -> Iterator[Figure]:
    return iter((Figure(check_id="a.number", says="a number", value=value, kind=kind),))


@pytest.mark.parametrize(
    ("kind", "recorded", "found", "differs"),
    [
        pytest.param(Kind.EXACT, 5.0, 5.0, False, id="an exact figure agrees"),
        pytest.param(Kind.EXACT, 5.0, 6.0, True, id="an exact figure has no room"),
        pytest.param(Kind.COUNT, 18.0, 17.0, False, id="a count may lose one item"),
        pytest.param(Kind.COUNT, 18.0, 16.0, True, id="but not two"),
        pytest.param(Kind.MEAN, 2.0, 2.00019, False, id="a mean within 1e-4 of itself"),
        pytest.param(Kind.MEAN, 2.0, 2.00021, True, id="a mean beyond it"),
        pytest.param(Kind.MEAN, 2.0, float("nan"), True, id="what is no number differs"),
    ],
)
def test_a_figure_is_held_against_its_record(
    kind: Kind, recorded: float, found: float, *, differs: bool
) -> None:
    (check,) = checks(figure(found, kind), {"a.number": recorded})
    assert check.differs is differs
    assert check.because


def test_a_figure_without_a_record_differs() -> None:
    (check,) = checks(figure(1.0, Kind.EXACT), {})
    assert check.differs


def test_a_record_without_a_figure_differs() -> None:
    rows = list(checks(figure(1.0, Kind.EXACT), {"a.number": 1.0, "lost": 2.0}))
    assert [(row.check_id, row.differs) for row in rows] == [("a.number", False), ("lost", True)]


@pytest.mark.parametrize("language", load_study("sin2025").tuned, ids=lambda language: language.code)
@pytest.mark.parametrize("questions", ["arc", "hellaswag"])
def test_answers_of_a_model_without_its_adapter_would_differ(language: Language, questions: str) -> None:
    known = recorded_numbers(KNOWN_NUMBERS)
    untouched = figure(known[f"benchmarks.{questions}"], Kind.COUNT)
    (check,) = checks(untouched, {"a.number": known[f"benchmarks-tuned.{language.code}.{questions}"]})
    assert check.differs


@pytest.mark.parametrize("language", load_study("sin2025").tuned, ids=lambda language: language.code)
def test_activations_of_a_model_without_its_adapter_would_differ(language: Language) -> None:
    known = recorded_numbers(KNOWN_NUMBERS)
    for layer in (0, 13, 25):
        untouched = figure(known[f"activations.{language.code}.layer-{layer}"], Kind.MEAN)
        tuned = known[f"activations-tuned.{language.code}.layer-{layer}"]
        (check,) = checks(untouched, {"a.number": tuned})
        assert check.differs


def test_no_two_tuned_languages_have_the_same_numbers() -> None:
    # One language read for another would go unseen where both give the same.
    known = recorded_numbers(KNOWN_NUMBERS)
    codes = [language.code for language in load_study("sin2025").tuned]
    for name in ("activations.{}.layer-13", "activations-tuned.{}.layer-13", "adapters.{}.first-loss"):
        assert len({known[name.format(code)] for code in codes}) == len(codes) == 3


def test_the_pencil_agrees() -> None:
    # Low 1 and 2, high 2 and 3: 100 * (1 - 3/5) = 40, and 100 * (1 - (1/2 + 2/3) / 2) = 41.67.
    found = {each.check_id: each.value for each in pencil_figures()}
    assert found["estimates.ratio-of-means"] == pytest.approx(40.0)
    assert found["estimates.mean-of-ratios"] == pytest.approx(41 + 2 / 3)


@pytest.mark.parametrize("content", [[1, 2], {"a": "one"}], ids=["a list", "a word for a number"])
def test_records_are_numbers_by_name(tmp_path: Path, content: object) -> None:
    (tmp_path / "numbers.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="must map check ids to numbers"):
        recorded_numbers(tmp_path)
