"""The residual stream, read at a hook point while a decoder runs, and which of its positions count."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Visit = Callable[[int, Float[Tensor, "batch position d_model"]], None]
"""Receives a layer and the residual stream after it."""


class _LastLayerRead(Exception):  # noqa: N818  a signal, not an error
    """Ends a forward pass once nothing further will be read."""


def visit_residuals(
    decoder: nn.Module,
    input_ids: Int[Tensor, "batch position"],
    attention_mask: Int[Tensor, "batch position"],
    layers: Collection[int],
    visit: Visit,
) -> None:
    """Run a decoder and hand over the residual stream after each wanted layer, in order.

    The stream is read by forward hooks: the last entry of `hidden_states` is taken after the final norm and is
    wrong for the dictionary of the last layer. The pass ends at the deepest wanted layer and never reaches the
    language-model head. Gradients flow through what is handed over.

    Args:
        decoder: A decoder with `.layers`, such as `Gemma2ForCausalLM.model`.
        input_ids: Token ids, with whatever the model wants in front.
        attention_mask: 1 where a token stands, 0 where padding does.
        layers: Layers to read, counted from 0.
        visit: Called once per wanted layer.

    Raises:
        ValueError: If no layer is wanted, or one is out of range.
    """
    blocks = decoder.layers
    assert isinstance(blocks, nn.ModuleList)
    _check(layers, len(blocks))
    with _reading(list(blocks), layers, visit):
        try:
            decoder(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)
        except _LastLayerRead:
            return


@contextmanager
def _reading(blocks: Sequence[nn.Module], layers: Collection[int], visit: Visit) -> Iterator[None]:
    deepest = max(layers)

    def hook_for(layer: int) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(_module: nn.Module, _inputs: tuple[object, ...], output: object) -> None:
            # Older libraries return a tuple; taking output[0] of a tensor would keep one batch element only.
            stream = output[0] if isinstance(output, tuple) else output
            assert isinstance(stream, Tensor)
            visit(layer, stream)
            if layer == deepest:
                raise _LastLayerRead

        return hook

    handles = [blocks[layer].register_forward_hook(hook_for(layer)) for layer in sorted(layers)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _check(layers: Collection[int], num_layers: int) -> None:
    wrong = sorted(layer for layer in layers if not 0 <= layer < num_layers)
    if wrong or not layers:
        found = f"layers {wrong}" if wrong else "no layer"
        raise ValueError(f"{found} asked for; expected layers between 0 and {num_layers - 1}")


def counted_positions(
    attention_mask: Int[Tensor, "batch position"], num_front: int
) -> Bool[Tensor, "batch position"]:
    """True where a position counts: a token of the text, neither padding nor one of those that stand in front.

    Told by place and not by id: what stands in front of one model's texts also fills and ends them.
    """
    return (attention_mask == 1) & (attention_mask.cumsum(dim=1) > num_front)


def averaging_matrix(counted: Bool[Tensor, "batch position"]) -> Float[Tensor, "batch counted"]:
    """Matrix that turns values of the counted tokens, in reading order, into the mean of each text.

    Raises:
        ValueError: If a text has no position that counts, since a mean over nothing has no value.
    """
    lengths = counted.sum(dim=1)
    if bool((lengths == 0).any()):
        empty = torch.nonzero(lengths == 0).flatten().tolist()
        raise ValueError(
            f"texts {empty} of the batch have no token besides padding and what stands in front; drop them first"
        )
    owner = torch.repeat_interleave(lengths)
    belongs = owner.unsqueeze(0) == torch.arange(len(lengths), device=counted.device).unsqueeze(1)
    return belongs.to(torch.float32) / lengths.unsqueeze(1)
