"""Log-likelihoods of continuations: whatever questions share is read once, and logits are made only where an option stands.

The prompts of one benchmark often begin alike, with the same examples: that stem passes the model once, and its keys and
values are kept. A prompt is one row of a batch behind it, with all its options one after the other, each at the positions that
it would have if it alone stood there; a mask lets it see the stem, its prompt and itself. So a row gives what as many
single texts would have given, and no token is read twice.

With 256,000 tokens in the vocabulary, logits of every position of 32 long prompts would be tens of gigabytes; those of the
options of one prompt are some megabytes, and are made in float32.
"""

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from harness.models.batches import length_buckets
from harness.models.loading import LanguageModel, key_value_cache

BATCH_POSITIONS = 8_192
"""Padded positions per forward pass: bounds memory where prompts are long; one longer prompt goes alone.

Fixed, since in bfloat16 the padding decides close answers: 1 of 60 items of the miniature turns without a bound.
"""

KEPT_FOR_ONE_READ = 4
"""Positions whose keys and values are kept cost as much memory as one that is read; a stem is kept once for each row."""

STEM, PADDING = 0, -1
"""Branches of a row: its prompt, as the stem before it, is 0, its options count from 1, and padding is none."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Token ids of a prompt and of what may follow it.

    Raises:
        ValueError: If either is empty, since nothing would then be predicted, or from nothing.
    """

    name: str
    """What an error calls it: the option and the item."""
    context: tuple[int, ...]
    continuation: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.context or not self.continuation:
            raise ValueError(
                f"{self.name} was encoded as {len(self.context)} and {len(self.continuation)} tokens; expected at "
                "least one of each, since the likelihood of nothing is no score: mend the item or the tokenizer"
            )

    @property
    def num_read(self) -> int:
        """Tokens that its likelihood rests on: all but the last one, whose logits nobody needs."""
        return len(self.context) + len(self.continuation) - 1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model thinks of one continuation."""

    log_likelihood: float
    """Natural logarithm, summed over the continuation's tokens."""
    is_greedy: bool
    """True when every token is the likeliest one."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A prompt and all that may follow it, as one forward pass reads them behind the stem."""

    prompt: tuple[int, ...]
    """What the stem does not hold of it: one token at least, from which every option is predicted."""
    options: tuple[Request, ...]
    """One request for every distinct continuation."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The prompt, then every option but for its last token."""
        return self.prompt + tuple(token for option in self.options for token in option.continuation[:-1])

    @property
    def branches(self) -> list[int]:
        """By position: `STEM` for the prompt, then the number of the option."""
        prompt = [STEM] * len(self.prompt)
        return prompt + [
            n for n, option in enumerate(self.options, start=1) for _ in option.continuation[:-1]
        ]

    @property
    def places(self) -> list[int]:
        """By position: how many tokens of the row lie before it on its own branch."""
        options = (range(len(option.continuation) - 1) for option in self.options)
        return [*range(len(self.prompt)), *(len(self.prompt) + n for option in options for n in option)]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Some requests as they are read: what all their prompts begin with, and what remains of each."""

    requests: tuple[Request, ...]
    """In the order given."""
    stem: tuple[int, ...]
    rows: tuple[Row, ...]
    """Longest first, then by what they hold: batches do not depend on the order of requests."""

    @property
    def tokens(self) -> int:
        """Tokens that pass the model."""
        return len(self.stem) + sum(len(row.ids) for row in self.rows)

    def batches(self, batch_items: int) -> Iterator[Sequence[Row]]:
        """Rows of about one length together, longest first, so that memory runs out at once or never."""
        widths = [len(row.ids) for row in self.rows]
        kept = [math.ceil((len(self.stem) + width) / KEPT_FOR_ONE_READ) for width in widths]
        for bucket in length_buckets(list(map(max, widths, kept)), BATCH_POSITIONS):
            for start in range(0, len(bucket), batch_items):
                yield [self.rows[place] for place in bucket[start : start + batch_items]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """What turns hidden states into log-probabilities, in float32 whatever precision the model runs in.

    Logits rounded to bfloat16 tie: the best two options in 27 of 100 MMLU questions, on the miniature model.
    """

    weight: Float[Tensor, "token d_model"]
    soft_cap: float | None
    """Bound on the size of a logit; None leaves them as they are."""

    def log_probs(self, hidden: Float[Tensor, "position d_model"]) -> Float[Tensor, "position token"]:
        """Natural logarithms of the probability of every next token."""
        logits = functional.linear(hidden.to(torch.float32), self.weight)
        if self.soft_cap is not None:
            logits = self.soft_cap * torch.tanh(logits / self.soft_cap)
        return logits.log_softmax(dim=-1)


def reading_of(requests: Sequence[Request]) -> Reading:
    """How requests are read: prompts that are the same once, and what all of them begin with once.

    The last token of a prompt is never of the stem, since options are predicted from it.
    """
    by_prompt: dict[tuple[int, ...], dict[tuple[int, ...], Request]] = {}
    for request in requests:
        by_prompt.setdefault(request.context, {}).setdefault(request.continuation, request)
    first, last = min(by_prompt), max(by_prompt)
    shared = next(
        (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    stem = first[: min(shared, *(len(prompt) - 1 for prompt in by_prompt))]
    rows = [
        Row(prompt=prompt[len(stem) :], options=tuple(options[ids] for ids in sorted(options)))
        for prompt, options in by_prompt.items()
    ]
    rows.sort(key=lambda row: (-len(row.ids), row.ids, row.branches))
    return Reading(requests=tuple(requests), stem=stem, rows=tuple(rows))


@torch.no_grad()
def continuation_answers(
    language_model: LanguageModel,
    model: Any,  # noqa: ANN401
    reading: Reading,
    *,
    batch_items: int,
) -> list[Answer]:
    """The answer to every request of a reading, in the order given.

    The layers run in the precision of the model. From the last hidden state on, everything is float32: head, soft-cap,
    logarithm and sum. The head serves one row at a time, so that no more logits live than those of its options.

    Args:
        language_model: The base model, for its padding, the bound of its logits and its device.
        model: What answers, the base model with or without an adapter around it.
        reading: What to score.
        batch_items: Prompts per forward pass at most; long ones are fewer, see `BATCH_POSITIONS`.

    Raises:
        RuntimeError: If a log-likelihood is not finite.
    """
    decoder = model.get_decoder()
    head = Head(
        weight=model.get_output_embeddings().weight.to(torch.float32), soft_cap=language_model.facts.soft_cap
    )
    device, stem = language_model.device, key_value_cache()
    if reading.stem:
        decoder(input_ids=torch.tensor([reading.stem], device=device), past_key_values=stem, use_cache=True)
    answers: dict[tuple[tuple[int, ...], tuple[int, ...]], Answer] = {}
    for rows in reading.batches(batch_items):
        kept = deepcopy(stem)
        kept.batch_repeat_interleave(len(rows))
        ids, branches, places = (
            _padded([getattr(row, what) for row in rows], filler, device)
            for what, filler in (("ids", language_model.pad_id), ("branches", PADDING), ("places", 0))
        )
        hidden = decoder(
            input_ids=ids,
            position_ids=places + len(reading.stem),
            attention_mask=attention_masks(model, branches, places, len(reading.stem)),
            past_key_values=kept,
            use_cache=True,
        ).last_hidden_state
        for row, row_hidden in zip(rows, hidden, strict=True):
            # From the last token of the prompt on: it predicts the first token of every option.
            log_probs = head.log_probs(row_hidden[len(row.prompt) - 1 : len(row.ids)])
            end = 1
            for option in row.options:
                start, end = end, end + len(option.continuation) - 1
                answer = _answer(torch.cat([log_probs[:1], log_probs[start:end]]), option)
                answers[option.context, option.continuation] = answer
    return [answers[request.context, request.continuation] for request in reading.requests]


def attention_masks(
    model: Any,  # noqa: ANN401
    branches: Int[Tensor, "row position"],
    places: Int[Tensor, "row position"],
    stem: int,
) -> Float[Tensor, "row 1 position key"] | dict[str, Float[Tensor, "row 1 position key"]]:
    """What every position sees, as a number to add to attention scores: 0, or the least there is.

    By kind of layer where the layers of a model are of several; of the others all have a sliding window, or none has.

    A position sees the stem, what lies before it on its own branch, and of the prompt what lies before it. In a layer with a
    sliding window it sees no further back than that.

    Args:
        model: Says the window and the precision.
        branches: Branch of every position of the rows; `PADDING` is seen by padding alone.
        places: Where it stands behind the stem.
        stem: Tokens of the stem.
    """
    own = branches.unsqueeze(-1) == branches.unsqueeze(-2)
    own |= (branches == STEM).unsqueeze(-2)
    before = torch.arange(-stem, 0, device=places.device).expand(len(places), -1)
    distance = places.unsqueeze(-1) - torch.cat([before, places], dim=-1).unsqueeze(-2)
    seen = functional.pad(own, (stem, 0), value=True) & (distance >= 0)
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    near = seen if window is None else seen & (distance < window)
    if getattr(config, "layer_types", None) is None:
        return _added(near, model.dtype)
    return {"full_attention": _added(seen, model.dtype), "sliding_attention": _added(near, model.dtype)}


def _added(seen: Bool[Tensor, "row position key"], dtype: torch.dtype) -> Float[Tensor, "row 1 position key"]:
    mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return mask.masked_fill_(~seen, torch.finfo(dtype).min).unsqueeze(1)


def _padded(rows: Sequence[Sequence[int]], filler: int, device: str) -> Int[Tensor, "row position"]:
    """Rows padded on the right to one length."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *(filler,) * (width - len(row))] for row in rows], device=device)


def _answer(log_probs: Float[Tensor, "position token"], request: Request) -> Answer:
    ids = torch.tensor(request.continuation, device=log_probs.device)
    log_likelihood = float(log_probs.gather(1, ids.unsqueeze(1)).sum())
    # The largest of several NaN is the first: a wrong answer without a word.
    if not math.isfinite(log_likelihood):
        raise RuntimeError(
            f"{request.name} has the log-likelihood {log_likelihood}; expected a finite number: weights or adapter are "
            "spoilt, or the precision is too narrow for the model"
        )
    return Answer(log_likelihood=log_likelihood, is_greedy=bool((log_probs.argmax(dim=1) == ids).all()))
