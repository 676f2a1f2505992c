"""Summed log-probability of continuations, with logits made in float32 and only where a continuation stands.

With 256,000 tokens in the vocabulary, logits of every position of 32 long prompts would be tens of gigabytes;
those of one continuation are some megabytes. Requests that put the same ids in, such as the four letters of one
question, share one row; prompts that merely begin alike are each read in full.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from harness.models.batches import length_buckets, padded_left

BATCH_POSITIONS = 8_192
"""Padded positions per forward pass: bounds memory where prompts are long; one longer prompt goes alone.

Fixed, since in bfloat16 the padding decides close answers: 1 of 60 items of the miniature turns without a bound.
"""


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
    def fed(self) -> tuple[int, ...]:
        """What the model reads: all but the last token, whose logits nobody needs."""
        return (self.context + self.continuation)[:-1]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model thinks of one continuation."""

    log_likelihood: float
    """Natural logarithm, summed over the continuation's tokens."""
    is_greedy: bool
    """True when every token is the likeliest one."""


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


def head_of(model: Any) -> Head:  # noqa: ANN401
    """The head of a causal language model, with or without an adapter around it."""
    return Head(
        weight=model.get_output_embeddings().weight.to(torch.float32),
        soft_cap=model.config.final_logit_softcapping,
    )


@torch.no_grad()
def continuation_answers(
    model: Any,  # noqa: ANN401
    requests: Sequence[Request],
    *,
    pad_id: int,
    device: str,
    batch_items: int,
) -> list[Answer]:
    """The answer to every request, in the order given.

    The layers run in the precision of the model. From the last hidden state on, everything is float32: head, soft-cap,
    logarithm and sum. The head serves one row at a time, so that no more logits live than those of one continuation.

    Args:
        model: A causal language model of the Gemma-2 kind, with or without an adapter.
        requests: What to score; their order moves no number.
        pad_id: Fills short rows on the left, behind the mask.
        device: Where the model is.
        batch_items: Rows per forward pass at most; long ones are fewer, see `BATCH_POSITIONS`.

    Raises:
        RuntimeError: If a log-likelihood is not finite.
    """
    askers: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        askers[request.fed].append(index)
    decoder, head = model.get_decoder(), head_of(model)
    answers: dict[int, Answer] = {}
    for rows in _batches(list(askers), batch_items):
        input_ids, mask = padded_left(rows, pad_id, device)
        hidden = decoder(input_ids=input_ids, attention_mask=mask, use_cache=False).last_hidden_state
        for row, row_hidden in zip(rows, hidden, strict=True):
            kept = max(len(requests[index].continuation) for index in askers[row])
            log_probs = head.log_probs(row_hidden[-kept:])
            answers.update((index, _answer(log_probs, requests[index])) for index in askers[row])
    return [answers[index] for index in range(len(requests))]


def _answer(log_probs: Float[Tensor, "position token"], request: Request) -> Answer:
    last = log_probs[-len(request.continuation) :]
    ids = torch.tensor(request.continuation, device=log_probs.device)
    log_likelihood = float(last.gather(1, ids.unsqueeze(1)).sum())
    # The largest of several NaN is the first: a wrong answer without a word.
    if not math.isfinite(log_likelihood):
        raise RuntimeError(
            f"{request.name} has the log-likelihood {log_likelihood}; expected a finite number: weights or adapter are "
            "spoilt, or the precision is too narrow for the model"
        )
    return Answer(log_likelihood=log_likelihood, is_greedy=bool((last.argmax(dim=1) == ids).all()))


def _batches(rows: list[tuple[int, ...]], batch_items: int) -> Iterator[list[tuple[int, ...]]]:
    """Rows of about one length together, longest first, so that memory runs out at once or never.

    Rows are sorted by what they hold, so that batches do not depend on the order of requests.
    """
    rows.sort(key=lambda row: (-len(row), row))
    for bucket in length_buckets([len(row) for row in rows], BATCH_POSITIONS):
        for start in range(0, len(bucket), batch_items):
            yield [rows[place] for place in bucket[start : start + batch_items]]
