"""The residual stream as hooks hand it over, against `hidden_states` and counted layer calls."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import averaging_matrix, counted_positions, visit_residuals
from harness.statistics.metrics import pooled
from harness.words.study import Pooling
from tests.worlds import World

TEXTS = ("The old harbour is near the river.", "The cold window.", "The bright island looks like the letter.")


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(scope="module")
def batch(language_model: LanguageModel) -> tuple[Tensor, Tensor]:
    encoded = language_model.tokenizer(list(TEXTS), return_tensors="pt", padding=True)
    return encoded["input_ids"], encoded["attention_mask"]


@pytest.fixture(scope="module")
def hidden_states(language_model: LanguageModel, batch: tuple[Tensor, Tensor]) -> Sequence[Tensor]:
    """The library's own account: embeddings first, and the last entry after the final norm."""
    with torch.no_grad():
        output = language_model.model(input_ids=batch[0], attention_mask=batch[1], output_hidden_states=True)
    return tuple(output.hidden_states)


def streams(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], layers: Sequence[int]
) -> dict[int, Tensor]:
    found: dict[int, Tensor] = {}
    with torch.no_grad():
        visit_residuals(language_model.decoder, *batch, layers, found.__setitem__)
    return found


@contextmanager
def counted_calls(language_model: LanguageModel) -> Iterator[Counter[int]]:
    """How often each layer runs while the block is open."""
    calls: Counter[int] = Counter()
    blocks = language_model.decoder.layers
    assert isinstance(blocks, nn.ModuleList)
    handles = [
        block.register_forward_pre_hook(lambda _module, _inputs, layer=layer: calls.update([layer]))
        for layer, block in enumerate(blocks)
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def num_hooks(language_model: LanguageModel) -> int:
    """The library leaves hooks of its own once hidden states were asked for, so only changes say something."""
    return sum(len(module._forward_hooks) for module in language_model.decoder.modules())


def test_layers_below_the_last_equal_the_hidden_states_one_place_later(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], hidden_states: Sequence[Tensor]
) -> None:
    found = streams(language_model, batch, range(4))
    assert list(found) == [0, 1, 2, 3]
    assert len(hidden_states) == 5
    for layer in range(3):
        torch.testing.assert_close(found[layer], hidden_states[layer + 1], rtol=0, atol=0)


WINDOW = 4


def test_a_token_beyond_the_window_reaches_full_layers_alone(world: World, tmp_path: Path) -> None:
    """Gemma-2's layers 0, 2, ... see the last few tokens only. The third of twelve tokens is changed, BOS counted as one."""
    folder = tmp_path / "model"
    shutil.copytree(Path(world.model.address), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sliding_window": WINDOW}))
    narrow = load_language_model(replace(world.model, address=str(folder)), world.numerics)
    ids = torch.tensor([[*narrow.front_ids, *range(300, 311)]])
    moved = ids.clone()
    moved[0, 2] += 100
    mask = torch.ones_like(ids)
    one, other = (streams(narrow, (each, mask), range(4)) for each in (ids, moved))
    reached = {
        layer: (one[layer] != other[layer]).any(dim=-1)[0].nonzero().flatten().tolist() for layer in one
    }
    # Layer 0 passes it on to the tokens within its window, layer 1 to every later one.
    assert reached == {0: [2, 3, 4, 5], 1: list(range(2, 12)), 2: list(range(2, 12)), 3: list(range(2, 12))}


def test_the_last_layer_is_read_before_the_final_norm(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], hidden_states: Sequence[Tensor]
) -> None:
    last = streams(language_model, batch, [3])[3]
    assert (last - hidden_states[4]).abs().max() > 0.1
    final_norm = language_model.decoder.norm
    assert isinstance(final_norm, nn.Module)
    torch.testing.assert_close(final_norm(last), hidden_states[4], rtol=0, atol=0)


def test_no_layer_is_off_by_one(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], hidden_states: Sequence[Tensor]
) -> None:
    for layer, stream in streams(language_model, batch, range(3)).items():
        assert not torch.allclose(stream, hidden_states[layer])


def test_every_text_of_the_batch_arrives(language_model: LanguageModel, batch: tuple[Tensor, Tensor]) -> None:
    stream = streams(language_model, batch, [1])[1]
    assert stream.shape == (*batch[0].shape, 32)
    for place in range(len(TEXTS)):
        alone = streams(language_model, (batch[0][place : place + 1], batch[1][place : place + 1]), [1])[1]
        # Batched matrix products sum in another order; float32 over four layers leaves about 1e-6.
        torch.testing.assert_close(
            stream[place][batch[1][place] == 1], alone[0][batch[1][place] == 1], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("layers", [[0], [1], [2, 0], [3]], ids=lambda layers: f"layers {layers}")
def test_layers_below_the_deepest_wanted_never_run(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], layers: list[int]
) -> None:
    with counted_calls(language_model) as calls:
        found = streams(language_model, batch, layers)
    assert calls == dict.fromkeys(range(max(layers) + 1), 1)
    assert list(found) == sorted(layers)


def test_gradients_flow_back_through_what_is_handed_over(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor]
) -> None:
    block = language_model.decoder.get_submodule("layers.0.mlp.up_proj")
    weight = block.weight
    assert isinstance(weight, nn.Parameter)
    seen: list[Tensor] = []
    weight.requires_grad_(requires_grad=True)
    try:
        visit_residuals(language_model.decoder, *batch, [2], lambda _layer, stream: seen.append(stream))
        torch.autograd.backward(seen[0].square().sum())
        assert weight.grad is not None
        assert weight.grad.abs().max() > 0
    finally:
        weight.requires_grad_(requires_grad=False)
        weight.grad = None


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], r"no layer asked for; expected layers between 0 and 3"),
        ([4], r"layers \[4\] asked for; expected layers between 0 and 3"),
        ([-1, 2, 7], r"layers \[-1, 7\] asked for"),
    ],
    ids=["none", "one past the last", "counted from the end"],
)
def test_wrong_layers_are_refused(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor], layers: list[int], message: str
) -> None:
    before = num_hooks(language_model)
    with pytest.raises(ValueError, match=message):
        streams(language_model, batch, layers)
    assert num_hooks(language_model) == before


def test_hooks_are_gone_after_a_pass(language_model: LanguageModel, batch: tuple[Tensor, Tensor]) -> None:
    before = num_hooks(language_model)
    streams(language_model, batch, [0, 2])
    assert num_hooks(language_model) == before


def test_hooks_are_gone_after_a_visitor_fails(
    language_model: LanguageModel, batch: tuple[Tensor, Tensor]
) -> None:
    def fail(layer: int, _stream: Tensor) -> None:
        raise RuntimeError(f"layer {layer} is on fire")

    before = num_hooks(language_model)
    with pytest.raises(RuntimeError, match="layer 1 is on fire"):
        visit_residuals(language_model.decoder, *batch, [1, 2], fail)
    assert num_hooks(language_model) == before


def test_a_library_that_answers_in_tuples_is_read_alike() -> None:
    class Block(nn.Module):
        def forward(self, stream: Tensor) -> tuple[Tensor, str]:
            return stream + 1, "attention"

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([Block(), Block()])

        def forward(self, input_ids: Tensor, **_: object) -> Tensor:
            stream = input_ids
            for block in self.layers:
                stream = block(stream)[0]
            return stream

    found: dict[int, Tensor] = {}
    ids = torch.tensor([[1, 2], [3, 4]])
    visit_residuals(Decoder(), ids, ids, [0, 1], found.__setitem__)
    assert found[0].tolist() == [[2, 3], [4, 5]]
    assert found[1].tolist() == [[3, 4], [5, 6]]


PAD, BOS = 0, 2


@pytest.mark.parametrize(
    ("mask", "num_front", "counted"),
    [
        pytest.param([1, 1, 1, 1], 1, [0, 1, 1, 1], id="one token in front"),
        pytest.param([0, 0, 1, 1], 1, [0, 0, 0, 1], id="padding on the left"),
        pytest.param([1, 1, 0, 0], 1, [0, 1, 0, 0], id="padding on the right"),
        pytest.param([0, 1, 1, 1], 2, [0, 0, 0, 1], id="two tokens in front"),
        pytest.param([0, 1, 1, 1], 0, [0, 1, 1, 1], id="nothing in front"),
    ],
)
def test_neither_padding_nor_what_stands_in_front_counts(
    mask: list[int], num_front: int, counted: list[int]
) -> None:
    assert counted_positions(torch.tensor([mask]), num_front).int().tolist() == [counted]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_huge_bos_and_huge_padding_leave_the_means_alone(side: str) -> None:
    # Texts 1, 3 and 5: means 2 and 5. BOS and padding hold a thousand.
    tokens = {"left": [[BOS, 11, 13], [PAD, BOS, 15]], "right": [[BOS, 11, 13], [BOS, 15, PAD]]}[side]
    ids = torch.tensor(tokens)
    values = torch.where(ids > 10, ids - 10.0, torch.full(ids.shape, 1000.0))
    counted = counted_positions((ids != PAD).long(), 1)
    assert (averaging_matrix(counted) @ values[counted]).tolist() == [2.0, 5.0]


def test_the_averaging_matrix_by_pencil() -> None:
    # Text 0 has one counted token, text 1 has two: rows 1 0 0 and 0 1/2 1/2.
    counted = torch.tensor([[False, True, False], [True, False, True]])
    assert averaging_matrix(counted).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]


def test_a_text_without_a_token_is_refused_by_name() -> None:
    counted = torch.tensor([[True, True], [False, False], [False, True]])
    with pytest.raises(ValueError, match=r"texts \[1\] of the batch have no token besides padding and what"):
        averaging_matrix(counted)


def test_matrix_and_ragged_mean_agree() -> None:
    counted = torch.tensor([[True, True, True], [True, True, False], [False, False, True]])
    values = np.asarray([1.0, 0.0, 5.0, 0.0, 0.0, 3.0], dtype=np.float32)
    by_matrix = averaging_matrix(counted) @ torch.from_numpy(values)
    by_offsets = pooled(values, np.asarray([0, 3, 5, 6]), Pooling.MEAN)
    np.testing.assert_allclose(by_matrix.numpy(), by_offsets, rtol=1e-6)


def test_the_matrix_lies_with_its_tokens_whatever_the_defaults() -> None:
    counted = torch.tensor([[False, True, False], [True, False, True]])
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            found = averaging_matrix(counted)
    finally:
        torch.set_default_dtype(usual)
    assert (found.device.type, found.dtype) == ("cpu", torch.float32)
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
