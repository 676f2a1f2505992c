"""The work of this process's networks, counted in them as it passes: nothing that reads a text has to count it.

A token is a position that the language model passes: what stands in front counts, padding does not, and what a cache holds is passed once.
Sums stay on the device until they are asked for, so that no batch waits for its count.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.words.plan import Work

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor, nn

WITH_GRADIENTS = 2
"""A pass and its way back, in passes: the weights are frozen, so that the way back makes gradients of activations alone."""


@dataclass
class Meter:
    """What has passed so far."""

    texts: int = 0
    tokens: "Int[Tensor, ''] | int" = 0
    token_layers: "Int[Tensor, ''] | int" = 0
    encoded: int = 0
    translated: int = 0
    _entered: "Int[Tensor, ''] | int" = 0
    """Tokens of the pass under way."""
    _layers: int = 0
    """Layers that it has passed."""

    def watch(self, decoder: "nn.Module", pad_id: int) -> None:
        """Count from now on what passes a decoder with `.layers`; `pad_id` fills short texts."""

        def enters(_decoder: "nn.Module", positional: tuple[Any, ...], named: dict[str, Any]) -> None:
            ids = named["input_ids"] if "input_ids" in named else positional[0]
            mask = named.get("attention_mask")
            self._settle()
            # A mask by position tells more than ids: what fills texts up may also stand in front of them.
            if mask is None or isinstance(mask, dict) or mask.ndim != ids.ndim:
                mask = ids != pad_id
            self._entered = mask.sum()
            self.texts += len(ids)
            self.tokens = self.tokens + self._entered

        def leaves(_layer: "nn.Module", _inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401
            stream = output[0] if isinstance(output, tuple) else output
            self._layers += WITH_GRADIENTS if stream.requires_grad else 1

        decoder.register_forward_pre_hook(enters, with_kwargs=True)
        for layer in decoder.layers:  # type: ignore[union-attr]
            layer.register_forward_hook(leaves)

    def encodes(self, stream: "Tensor", latents: int) -> None:
        """Count what an SAE of so many latents makes of a stream, or a stream of it."""
        self.encoded += stream.numel() * latents * (WITH_GRADIENTS if stream.requires_grad else 1)

    def so_far(self) -> Work:
        """Everything counted in this process."""
        self._settle()
        return Work(
            texts=self.texts,
            tokens=int(self.tokens),
            token_layers=int(self.token_layers),
            encoded=self.encoded,
            translated=self.translated,
        )

    def _settle(self) -> None:
        self.token_layers = self.token_layers + self._layers * self._entered
        self._layers = 0


METER = Meter()
"""That of this process, which loads every network once."""
