"""Summed log-probability of continuations, with logits made only where a continuation stands.

With 256,000 tokens in the vocabulary, logits of every position of 32 long prompts would be tens of gigabytes;
those of the continuations are a few. Requests that put the same ids in, such as the four letters of one
question, share one row.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from harness.tools.batches import padded_left


@dataclass(frozen=True, kw_only=True)
class Request:
    """Token ids of a prompt and of what may follow it."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]

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

    Likelihoods are summed in float32, whatever precision the model runs in: in bfloat16 options tie by rounding.

    Args:
        model: A causal language model that takes `logits_to_keep`, with or without an adapter.
        requests: At least one context token and one continuation token each.
        pad_id: Fills short rows on the left, behind the mask.
        device: Where the model is.
        batch_items: Rows per forward pass.
    """
    askers: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        askers[request.fed].append(index)
    answers: dict[int, Answer] = {}
    for rows in _batches(list(askers), batch_items):
        kept = max(len(requests[index].continuation) for row in rows for index in askers[row])
        input_ids, mask = padded_left(rows, pad_id, device)
        logits = model(input_ids=input_ids, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
        for row, row_logits in zip(rows, logits, strict=True):
            log_probs = row_logits.to(torch.float32).log_softmax(dim=-1)
            answers.update((index, _answer(log_probs, requests[index].continuation)) for index in askers[row])
    return [answers[index] for index in range(len(requests))]


def _answer(log_probs: Float[Tensor, "position token"], continuation: tuple[int, ...]) -> Answer:
    last = log_probs[-len(continuation) :]
    ids = torch.tensor(continuation, device=log_probs.device)
    return Answer(
        log_likelihood=float(last.gather(1, ids.unsqueeze(1)).sum()),
        is_greedy=bool((last.argmax(dim=1) == ids).all()),
    )


def _batches(rows: list[tuple[int, ...]], batch_items: int) -> Iterator[list[tuple[int, ...]]]:
    """Rows of about one length together, longest first, so that memory runs out at once or never."""
    rows.sort(key=lambda row: (-len(row), row))
    for start in range(0, len(rows), batch_items):
        yield rows[start : start + batch_items]
