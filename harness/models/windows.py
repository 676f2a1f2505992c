"""Windows of one length through a language model, and the stream that it has after some layers over their tokens."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.models.loading import LanguageModel
from harness.models.residuals import visit_residuals
from harness.words.dictionaries import CorpusWindow

VisitWindows = Callable[[int, Float[Tensor, "window position d_model"], Sequence[CorpusWindow]], None]
"""Receives a layer, the stream after it over the tokens of some windows, float32, and the windows."""


def batched(
    windows: Iterable[CorpusWindow], batch_tokens: int, num_front: int
) -> Iterator[list[CorpusWindow]]:
    """Windows in their order, as many at a time as fit `batch_tokens` positions, and at least one."""
    waiting = iter(windows)
    while first := next(waiting, None):
        size = max(1, batch_tokens // (num_front + len(first.token_ids)))
        yield [first, *islice(waiting, size - 1)]


def ids_of(language_model: LanguageModel, windows: Sequence[CorpusWindow]) -> Int[Tensor, "window position"]:
    """Token ids of some windows, each behind what stands in front, on the device."""
    rows = [[*language_model.front_ids, *window.token_ids] for window in windows]
    return torch.tensor(rows, device=language_model.device)


@torch.no_grad()
def visit_windows(
    language_model: LanguageModel,
    windows: Iterable[CorpusWindow],
    layers: Collection[int],
    batch_tokens: int,
    visit: VisitWindows,
) -> None:
    """Run a model over windows of one length as far as the deepest layer, and hand over the stream over their tokens.

    What stands in front passes the model and is not handed over. Nothing is held longer than one batch.
    """
    front = len(language_model.front_ids)
    for batch in batched(windows, batch_tokens, front):
        ids = ids_of(language_model, batch)

        def hand_over(layer: int, stream: Tensor, batch: Sequence[CorpusWindow] = batch) -> None:
            visit(layer, stream[:, front:].to(torch.float32), batch)

        visit_residuals(language_model.decoder, ids, torch.ones_like(ids), layers, hand_over)
