"""Likelihoods of options behind what they share, against the same options one at a time, stock lm-eval, and the model's own logits."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.models import likelihood
from harness.models.adapters import attached
from harness.models.likelihood import Head, Request, Row, continuation_answers, reading_of
from harness.models.loading import LanguageModel, load_language_model
from tests.world_networks import write_strong_adapter
from tests.worlds import World


@pytest.fixture(name="language_model")
def _language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(name="strong_adapter")
def _strong_adapter(language_model: LanguageModel, tmp_path: Path) -> Path:
    return write_strong_adapter(language_model.model, tmp_path / "adapter")


def test_likelihoods_equal_those_of_the_stock_wrapper(language_model: LanguageModel) -> None:
    from lm_eval.models.huggingface import HFLM

    stream = torch.Generator().manual_seed(0)
    draws = [torch.randint(4, 600, (length,), generator=stream).tolist() for length in (3, 40, 9, 9, 1, 17)]
    letters = [((2, *draws[1]), (letter,)) for letter in range(300, 304)]
    pairs = [((2, *draw[:-2]), tuple(draw[-2:])) for draw in draws if len(draw) > 2] + letters
    stock = HFLM(pretrained=language_model.model, tokenizer=language_model.tokenizer, batch_size=4)
    expected = stock._loglikelihood_tokens([(("", ""), list(ids), list(more)) for ids, more in pairs], True)
    asked = [request(ids, more) for ids, more in pairs]
    ours = continuation_answers(language_model, language_model.model, reading_of(asked), batch_items=3)
    assert [answer.log_likelihood for answer in ours] == pytest.approx(
        [score for score, _ in expected], rel=1e-5
    )
    assert [answer.is_greedy for answer in ours] == [greedy for _, greedy in expected]


def request(context: tuple[int, ...], continuation: tuple[int, ...]) -> Request:
    return Request(name=f"option {continuation} of an item", context=context, continuation=continuation)


def letter_requests(questions: int) -> list[Request]:
    """Four one-token options after each of several random prompts."""
    stream = torch.Generator().manual_seed(0)
    prompts = torch.randint(4, 600, (questions, 12), generator=stream).tolist()
    return [request((2, *prompt), (letter,)) for prompt in prompts for letter in range(300, 304)]


def likelihoods(
    language_model: LanguageModel, requests: Sequence[Request], model: Any = None, batch_items: int = 8
) -> list[float]:
    model = model or language_model.model
    answers = continuation_answers(language_model, model, reading_of(requests), batch_items=batch_items)
    return [answer.log_likelihood for answer in answers]


def alone(model: Any, requests: Sequence[Request]) -> list[float]:
    """Likelihoods from the logits that the model itself gives, one request at a time, in the precision of the model."""
    found = []
    for asked in requests:
        ids = torch.tensor([asked.context + asked.continuation])
        with torch.no_grad():
            log_probs = model(input_ids=ids[:, :-1]).logits[0].float().log_softmax(-1)
        wanted = ids[0, len(asked.context) :].unsqueeze(1)
        found.append(float(log_probs[len(asked.context) - 1 :].gather(1, wanted).sum()))
    return found


def questions(shared: int, *, seed: int = 0) -> list[Request]:
    """Five prompts that begin with BOS and so many more tokens, each before four options of one to six tokens."""
    stream = torch.Generator().manual_seed(seed)

    def drawn(tokens: int) -> tuple[int, ...]:
        return tuple(torch.randint(4, 600, (tokens,), generator=stream).tolist())

    examples = (2, *drawn(shared))
    prompts = [examples + drawn(3 + 4 * question) for question in range(5)]
    return [
        request(prompt, drawn(1 + (n + option) % 6))
        for n, prompt in enumerate(prompts)
        for option in range(4)
    ]


def tied_questions(values: Sequence[float]) -> int:
    """How many questions of four options hold two equal likelihoods."""
    return sum(len(set(values[start : start + 4])) < 4 for start in range(0, len(values), 4))


@pytest.mark.parametrize("tuned", [False, True], ids=["untouched", "through an adapter"])
def test_likelihoods_equal_those_of_the_model_s_own_logits(
    language_model: LanguageModel, strong_adapter: Path, *, tuned: bool
) -> None:
    asked = letter_requests(5)
    with (
        attached(language_model.model, strong_adapter)
        if tuned
        else nullcontext(language_model.model) as model
    ):
        expected = alone(model, asked)
        assert likelihoods(language_model, asked, model) == pytest.approx(expected, rel=1e-6)


def test_options_do_not_tie_by_rounding(world: World, language_model: LanguageModel) -> None:
    coarse = load_language_model(world.model, replace(world.numerics, dtype="bfloat16"))
    asked = letter_requests(60)
    assert tied_questions(likelihoods(language_model, asked)) == 0
    assert tied_questions(alone(coarse.model, asked)) > 0
    assert tied_questions(likelihoods(coarse, asked)) == 0


def test_logits_are_capped_before_they_are_compared() -> None:
    head = Head(weight=torch.tensor([[1.0], [-1.0]]), soft_cap=2.0)
    log_probs = head.log_probs(torch.tensor([[1000.0]]))[0].tolist()
    assert log_probs == pytest.approx([-math.log1p(math.exp(-4)), -4 - math.log1p(math.exp(-4))], rel=1e-5)


def test_greedy_continuations_are_known_as_such(language_model: LanguageModel) -> None:
    ids = [2, 100, 200, 300]
    for _ in range(2):
        with torch.no_grad():
            ids.append(int(language_model.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    requests = [request((2, 100, 200, 300), tuple(more)) for more in (ids[4:], (5, 6))]
    answers = continuation_answers(language_model, language_model.model, reading_of(requests), batch_items=2)
    assert [answer.is_greedy for answer in answers] == [True, False]


@pytest.mark.parametrize(
    ("context", "continuation", "found"),
    [
        pytest.param((2, 5), (), "2 and 0 tokens", id="no continuation"),
        pytest.param((), (5,), "0 and 1 tokens", id="no context"),
    ],
)
def test_empty_requests_are_refused(
    context: tuple[int, ...], continuation: tuple[int, ...], found: str
) -> None:
    with pytest.raises(ValueError, match=rf"option .* of an item was encoded as {found}"):
        request(context, continuation)


def mixed_requests() -> list[Request]:
    """Prompts of 3 to 60 tokens before options of one to three."""
    stream = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, 60, (30,), generator=stream).tolist()
    draws = [torch.randint(4, 600, (length + 3,), generator=stream).tolist() for length in lengths]
    return [request((2, *draw[3:]), tuple(draw[: 1 + place % 3])) for place, draw in enumerate(draws)]


@pytest.fixture(name="shapes")
def _shapes(language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Fills with rows and padded length of every forward pass."""
    shapes: list[tuple[int, int]] = []
    forward = language_model.decoder.forward

    def noted(**arguments: Any) -> Any:
        shapes.append(tuple(arguments["input_ids"].shape))
        return forward(**arguments)

    monkeypatch.setattr(language_model.decoder, "forward", noted)
    return shapes


@pytest.mark.parametrize(
    ("positions", "items"),
    [
        pytest.param(1, 8, id="every row alone"),
        pytest.param(130, 8, id="two long rows, or many short ones"),
        pytest.param(10**6, 8, id="bounded by rows"),
        pytest.param(10**6, 100, id="all rows at once"),
    ],
)
def test_results_do_not_depend_on_batches(
    language_model: LanguageModel,
    shapes: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
    positions: int,
    items: int,
) -> None:
    asked = mixed_requests()
    usual = likelihoods(language_model, asked)
    shapes.clear()
    monkeypatch.setattr(likelihood, "BATCH_POSITIONS", positions)
    assert likelihoods(language_model, asked, batch_items=items) == pytest.approx(usual, rel=1e-5)
    (stem, *shapes) = shapes
    assert stem == (1, 1)
    assert sum(rows for rows, _ in shapes) == len(asked)
    assert all(rows <= items and (rows == 1 or rows * longest <= positions) for rows, longest in shapes)


def test_results_do_not_depend_on_the_order_of_requests(
    language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "BATCH_POSITIONS", 130)
    asked = mixed_requests() + letter_requests(3)
    assert likelihoods(language_model, asked[::-1])[::-1] == likelihoods(language_model, asked)


@pytest.mark.parametrize("window", [1_024, 7], ids=["window beyond all", "window shorter than a prompt"])
@pytest.mark.parametrize("shared", [0, 30], ids=["prompts alone", "shared examples"])
def test_options_behind_what_they_share_are_as_likely_as_alone(
    language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch, shared: int, window: int
) -> None:
    monkeypatch.setattr(language_model.model.config, "sliding_window", window)
    asked = questions(shared)
    assert likelihoods(language_model, asked) == pytest.approx(alone(language_model.model, asked), rel=1e-5)


def test_a_short_window_would_be_missed(
    language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = questions(30)
    usual = alone(language_model.model, asked)
    monkeypatch.setattr(language_model.model.config, "sliding_window", 7)
    assert alone(language_model.model, asked) != pytest.approx(usual, rel=1e-3)


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        pytest.param("branches", lambda row: [0] * len(row.ids), id="options that see each other"),
        pytest.param("places", lambda row: [*range(len(row.ids))], id="options that stand behind each other"),
        pytest.param(
            "places", lambda row: [1 + place for place in range(len(row.ids))], id="a token is skipped"
        ),
    ],
)
def test_rows_that_are_read_otherwise_would_be_seen(
    language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch, what: str, wrong: Any
) -> None:
    asked = questions(30)
    right = alone(language_model.model, asked)
    monkeypatch.setattr(Row, what, property(wrong))
    assert likelihoods(language_model, asked) != pytest.approx(right, rel=1e-3)


def test_an_option_is_moved_by_no_other_option(language_model: LanguageModel) -> None:
    asked = questions(10)
    some = [one for place, one in enumerate(asked) if place % 4 in {0, 3}]
    all_of_them = dict(zip(asked, likelihoods(language_model, asked), strict=True))
    expected = [all_of_them[one] for one in some]
    assert likelihoods(language_model, some) == pytest.approx(expected, rel=1e-6)


def test_everything_shared_is_read_once(language_model: LanguageModel, shapes: list[tuple[int, int]]) -> None:
    """Six tokens that all prompts begin with; then prompts of 2 and 1 more, with options of 1, 3 and 2 tokens, less the last."""
    begin = (2, 9, 9, 9, 9, 9)
    asked = [
        request((*begin, 10, 11), (12,)), request((*begin, 10, 11), (13, 14, 15)),
        request((*begin, 20), (21, 22)), request((*begin, 10, 11), (12,)),
    ]  # fmt: skip
    reading = reading_of(asked)
    assert reading.stem == begin
    assert [row.ids for row in reading.rows] == [(10, 11, 13, 14), (20, 21)]
    assert reading.tokens == 6 + 4 + 2
    assert likelihoods(language_model, asked) == pytest.approx(alone(language_model.model, asked), rel=1e-5)
    assert shapes[:2] == [(1, 6), (2, 4)]


def test_letters_of_a_question_cost_no_token_of_their_own(
    language_model: LanguageModel, shapes: list[tuple[int, int]]
) -> None:
    """A question that stands alone: its last token is what letters are predicted from, and is not of what is shared."""
    likelihoods(language_model, letter_requests(1))
    assert shapes == [(1, 12), (1, 1)]


@pytest.mark.parametrize("last", [True, False], ids=["another", "the same once more"])
def test_a_prompt_that_another_begins_with_keeps_its_last_token(
    language_model: LanguageModel, *, last: bool
) -> None:
    asked = [request((2, 5, 6), (7,)), request((2, 5, 6, 8) if last else (2, 5, 6), (9, 10))]
    assert reading_of(asked).stem == (2, 5)
    assert likelihoods(language_model, asked) == pytest.approx(alone(language_model.model, asked), rel=1e-5)


def test_prompts_that_share_nothing_are_read_too(language_model: LanguageModel) -> None:
    asked = [request((2,), (7, 8)), request((2, 5, 6), (9, 10))]
    assert reading_of(asked).stem == ()
    assert likelihoods(language_model, asked) == pytest.approx(alone(language_model.model, asked), rel=1e-5)


def test_kept_examples_bound_a_batch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of five rows keeps 401 tokens that all begin with, and its own: a quarter of them counts as read."""
    reading = reading_of(questions(400))
    (longest, *_) = [len(row.ids) for row in reading.rows]
    monkeypatch.setattr(likelihood, "BATCH_POSITIONS", 2 * math.ceil((401 + longest) / 4))
    assert [len(rows) for rows in reading.batches(batch_items=8)] == [2, 2, 1]
