"""What a language model loses where its stream is replaced after one layer: by what a dictionary rebuilds, or by nothing.

Copies of the same texts pass at once, one left as it is and one for every layer that is asked about, so that a single pass gives all losses.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from harness.models.batches import length_buckets, padded_left
from harness.models.likelihood import Head
from harness.models.loading import LanguageModel
from harness.models.residuals import counted_positions

Rebuild = Callable[[int, Float[Tensor, "token d_model"]], Float[Tensor, "token d_model"]]
"""What stands for the stream of some tokens after a layer."""

Change = Callable[[Float[Tensor, "token d_model"]], Float[Tensor, "token d_model"]]
"""What stands for the stream of some tokens."""

Replace = Callable[[int, Float[Tensor, "row position d_model"]], None]
"""Writes over the stream after a layer."""


@dataclass(frozen=True, kw_only=True)
class TextLosses:
    """Negative log-likelihood of one text, in nats, summed over the tokens that are predicted from one that is rebuilt.

    The first token is none of them: what stands in front of it is left as it is, so that no dictionary could lose anything by it.
    """

    tokens: int
    clean: float
    spliced: tuple[float, ...]
    """By layer that is asked about: with every counted token's stream as it is rebuilt; what stands in front is left as it is."""
    zeroed: tuple[float, ...]
    """By layer that is asked about: with a stream of zeros at every position."""


@torch.no_grad()
def text_losses(
    language_model: LanguageModel,
    ids: Sequence[Sequence[int]],
    layers: Sequence[int],
    rebuild: Rebuild,
    batch_tokens: int,
) -> list[TextLosses]:
    """The losses of some texts with one layer's stream replaced, for each of some layers.

    Args:
        language_model: Reads them.
        ids: Token ids of each text, behind what stands in front.
        layers: Each is replaced in a copy of its own.
        rebuild: Stands for the stream at the counted tokens, in float32.
        batch_tokens: Padded positions per forward pass, copies among them; one text at least passes.
    """
    copy_of = {layer: place for place, layer in enumerate(layers)}
    head = Head(
        weight=language_model.model.get_output_embeddings().weight.to(torch.float32),
        soft_cap=language_model.facts.soft_cap,
    )
    without = _log_probs_of_nothing(language_model, head, layers)
    found: dict[int, TextLosses] = {}
    for bucket in length_buckets([len(row) for row in ids], max(1, batch_tokens // (len(layers) + 1))):
        input_ids, mask = padded_left(
            [ids[index] for index in bucket], language_model.pad_id, language_model.device
        )
        counted, count = counted_positions(mask, len(language_model.front_ids)), len(bucket)

        def replace(layer: int, stream: Tensor, counted: Tensor = counted, count: int = count) -> None:
            own = stream[count * (copy_of[layer] + 1) : count * (copy_of[layer] + 2)]
            own[counted] = rebuild(layer, own[counted].to(torch.float32)).to(own.dtype)

        with _replacing(language_model, layers, replace):
            hidden = language_model.decoder(
                input_ids=input_ids.repeat(len(layers) + 1, 1),
                attention_mask=mask.repeat(len(layers) + 1, 1),
                use_cache=False,
            ).last_hidden_state
        for place, index in enumerate(bucket):
            # A token is predicted one position before it.
            predicted = counted[place, 1:] & counted[place, :-1]
            tokens = input_ids[place, 1:][predicted]
            clean, *spliced = (
                -float(_chosen(head.log_probs(copy[:-1][predicted]), tokens)) for copy in hidden[place::count]
            )
            found[index] = TextLosses(
                tokens=len(tokens),
                clean=clean,
                spliced=tuple(spliced),
                zeroed=tuple((-without[:, tokens]).sum(dim=1, dtype=torch.float64).tolist()),
            )
    return [found[index] for index in range(len(ids))]


def window_losses(
    language_model: LanguageModel,
    ids: Int[Tensor, "window position"],
    layer: int,
    change: Change | None = None,
) -> Float[Tensor, "window"]:
    """Nats per token of windows of one length, with the stream after one layer as it is or changed; float64.

    Over every token but the first of a window: it is predicted from what stands in front, whose stream is left as it is, so that no change
    could move its loss. Each change is a pass of its own, of the same shape: a change that changes nothing gives the same loss to the last digit.

    Args:
        language_model: Reads them.
        ids: Token ids, each window behind what stands in front, whose stream is left as it is.
        layer: Layer after which the stream is changed, counted from 0.
        change: Gives what stands for the stream of the windows' tokens, all in reading order; float32.
    """
    front = len(language_model.front_ids)

    def replace(_layer: int, stream: Tensor) -> None:
        own = stream[:, front:].to(torch.float32)
        if change is not None:
            stream[:, front:] = change(own.flatten(0, 1)).reshape(own.shape).to(stream.dtype)

    with _replacing(language_model, (layer,), replace):
        return token_losses(language_model, ids)[:, front:].mean(dim=1)


@torch.no_grad()
def token_losses(
    language_model: LanguageModel, ids: Int[Tensor, "window position"]
) -> Float[Tensor, "window predicted"]:
    """Negative log-likelihood of every token but the first, in nats; float64. Logits of one window live at once."""
    hidden = language_model.decoder(input_ids=ids, use_cache=False).last_hidden_state
    head = Head(
        weight=language_model.model.get_output_embeddings().weight.to(torch.float32),
        soft_cap=language_model.facts.soft_cap,
    )
    rows = [
        -head.log_probs(row[:-1]).gather(1, tokens[1:, None]).squeeze(1).to(torch.float64)
        for row, tokens in zip(hidden, ids, strict=True)
    ]
    return torch.stack(rows)


def _log_probs_of_nothing(
    language_model: LanguageModel, head: Head, layers: Sequence[int]
) -> Float[Tensor, "layer token"]:
    """What is predicted from a stream of zeros after each of some layers: the same at every position, whatever was read."""
    start = language_model.front_ids or (language_model.pad_id,)
    input_ids = torch.tensor([start], device=language_model.device).repeat(len(layers), 1)

    def replace(layer: int, stream: Tensor) -> None:
        stream[layers.index(layer)] = 0.0

    with _replacing(language_model, layers, replace):
        hidden = language_model.decoder(input_ids=input_ids, use_cache=False).last_hidden_state
    return head.log_probs(hidden[:, -1])


def _chosen(log_probs: Float[Tensor, "token vocabulary"], tokens: Int[Tensor, "token"]) -> Tensor:
    return log_probs.gather(1, tokens.unsqueeze(1)).sum(dtype=torch.float64)


@contextmanager
def _replacing(language_model: LanguageModel, layers: Sequence[int], replace: Replace) -> Iterator[None]:
    """Hand a copy of the stream after some layers to whoever writes over it."""
    blocks = language_model.decoder.layers
    assert isinstance(blocks, nn.ModuleList)

    def hook_for(layer: int) -> Callable[[nn.Module, tuple[object, ...], object], object]:
        def hook(_module: nn.Module, _inputs: tuple[object, ...], output: object) -> object:
            # Older libraries return a tuple.
            stream, *rest = output if isinstance(output, tuple) else (output,)
            assert isinstance(stream, Tensor)
            stream = stream.clone()
            replace(layer, stream)
            return (stream, *rest) if isinstance(output, tuple) else stream

        return hook

    handles = [blocks[layer].register_forward_hook(hook_for(layer)) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
