"""The forms of SAEs: the same arrays in each give the same activations, TopK by numpy and sae-lens, and what is refused."""

import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.models.params import arrays_of, num_latents
from harness.models.sae import Encoder, latent_activations, layer_encoder, load_encoder, load_sae
from harness.words.errors import MissingSourceError
from harness.words.plan import Networks
from harness.words.study import GEMMA_SCOPE, Home, Pin, SAEForm, SAEInput, SAEKind
from tests.sae_forms import FORMS, MEAN_LENGTH, SCALED, one_threshold, write_form
from tests.world_networks import D_MODEL, D_SAE
from tests.worlds import World, dictionary_file

TOP_4 = SAEForm(kind=SAEKind.QWEN_SCOPE, k=4)
ALL_FORMS = [*FORMS.values(), SCALED, TOP_4, SAEForm(kind=SAEKind.SAE_LENS, k=4)]


def pin_of(folder: Path) -> Pin:
    return Pin(name="suite", home=Home.FOLDER, address=str(folder), licence="none")


@pytest.fixture(scope="module")
def arrays(world: World) -> dict[str, Tensor]:
    """A dictionary of the tiny world, with one threshold for all of its latents."""
    return one_threshold(arrays_of(world.dictionaries, dictionary_file(1)))


@pytest.fixture(scope="module")
def residual() -> Tensor:
    return 3 * torch.randn(5, 7, D_MODEL, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Tensor]) -> Encoder:
    """The dictionary in the form of Gemma Scope."""
    folder = tmp_path_factory.mktemp("plain")
    return load_encoder(pin_of(folder), write_form(folder, 1, arrays, GEMMA_SCOPE))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_one_sae_in_every_form_gives_the_same_activations(
    tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor, plain: Encoder, form: SAEForm
) -> None:
    file = write_form(tmp_path, 1, arrays, form)
    expected = latent_activations(residual, plain)
    found = latent_activations(residual, load_encoder(pin_of(tmp_path), file, form))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert 0.01 < (expected > 0).float().mean() < 0.5
    # A latent that another form lets through at its threshold would differ by the whole of it.
    assert torch.equal(found > 0, expected > 0)


@pytest.mark.parametrize(
    "form", ALL_FORMS, ids=lambda form: f"{form.kind.value}, k {form.k}, {form.reads.value}"
)
def test_sae_lens_encodes_and_rebuilds_the_same(
    tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor, form: SAEForm
) -> None:
    file, pin = write_form(tmp_path, 1, arrays, form), pin_of(tmp_path)
    sae = load_sae(pin, file, "cpu", form)
    found = latent_activations(residual, load_encoder(pin, file, form))
    torch.testing.assert_close(found, sae.encode(residual), rtol=1e-4, atol=1e-4)
    unit = D_MODEL**0.5 / MEAN_LENGTH if form.reads is SAEInput.SCALED else 1.0
    expected = found / unit @ arrays["W_dec"] + arrays["b_dec"]
    torch.testing.assert_close(sae.decode(found), expected, rtol=1e-4, atol=1e-4)


def test_a_scaled_streams_unit_is_its_scale(
    tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor, plain: Encoder
) -> None:
    file = write_form(tmp_path, 1, arrays, SCALED)
    found = latent_activations(residual, load_encoder(pin_of(tmp_path), file, SCALED))
    expected = latent_activations(residual, plain) * D_MODEL**0.5 / MEAN_LENGTH
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_llama_scope_by_pencil(tmp_path: Path) -> None:
    """d_model 4 and a mean length of 8: the stream is scaled by a quarter. The decoder row is 2 long.

    With x the sum 3 of the stream, the pre-activation is 2 * (3 / 4 + 0.5) = 2.5 of the scaled stream, and 10 of the raw one:
    the threshold of 3 lets it through, held against 10; against 2.5 or without the row's length (5) it would not or less.
    """
    held = {
        "encoder.weight": torch.tensor([[1.0, 1, 1, 0]]),
        "encoder.bias": torch.tensor([0.5]),
        "decoder.weight": torch.tensor([[2.0], [0], [0], [0]]),
        "decoder.bias": torch.tensor([1.0, 0, 0, 0]),
    }
    (tmp_path / "checkpoints").mkdir()
    save_file(held, tmp_path / "checkpoints" / "final.safetensors")
    said = {
        "act_fn": "jumprelu",
        "norm_activation": "dataset-wise",
        "apply_decoder_bias_to_pre_encoder": False,
        "sparsity_include_decoder_norm": True,
        "jump_relu_threshold": 3.0,
        "dataset_average_activation_norm": {"in": 8.0},
    }
    (tmp_path / "hyperparams.json").write_text(json.dumps(said))
    pin, file = pin_of(tmp_path), "checkpoints/final.safetensors"
    stream = torch.tensor([1.0, 1.0, 1.0, 7.0])
    for form, expected in ((FORMS["llama-scope"], 10.0), (SCALED, 2.5)):
        assert latent_activations(stream, load_encoder(pin, file, form)).tolist() == [expected]
        sae = load_sae(pin, file, "cpu", form)
        # The row is a direction of length 1 in the raw stream's unit, and the bias 1 of the scaled stream is 4 of the raw one.
        assert sae.decode(torch.tensor([expected])).tolist() == [14.0, 0, 0, 0]


@pytest.mark.parametrize("k", [1, 4, D_SAE])
def test_top_k_against_numpy(tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor, k: int) -> None:
    form = replace(TOP_4, k=k)
    encoder = load_encoder(pin_of(tmp_path), write_form(tmp_path, 1, arrays, form), form)
    found = latent_activations(residual, encoder).numpy()
    pre_acts = (residual @ arrays["W_enc"] + arrays["b_enc"]).numpy()
    bar = np.partition(pre_acts, D_SAE - k, axis=-1)[..., D_SAE - k, None]
    expected = np.where(pre_acts >= bar, np.maximum(pre_acts, 0), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert ((found > 0).sum(axis=-1) <= k).all()


def test_all_latents_of_a_top_k_are_those_above_zero(
    tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor
) -> None:
    form = replace(TOP_4, k=D_SAE)
    top = load_encoder(pin_of(tmp_path), write_form(tmp_path, 1, arrays, form), form)
    plain = Encoder(W_enc=top.W_enc, b_enc=top.b_enc, threshold=torch.zeros(D_SAE))
    assert torch.equal(latent_activations(residual, top), latent_activations(residual, plain))


@pytest.fixture
def top(tmp_path: Path, arrays: dict[str, Tensor]) -> Encoder:
    return load_encoder(pin_of(tmp_path), write_form(tmp_path, 1, arrays, TOP_4), TOP_4)


def test_chosen_latents_of_a_top_k_compete_with_all_others(top: Encoder, residual: Tensor) -> None:
    latents = torch.tensor([9, 2, 63, 2])
    whole = latent_activations(residual, top)
    found = latent_activations(residual, top.choosing(latents))
    assert torch.equal(found, whole[..., latents])
    assert top.choosing(latents).num_latents == 4
    again = top.choosing(latents).choosing(torch.tensor([1, 0]))
    assert torch.equal(latent_activations(residual, again), whole[..., [2, 9]])


def test_the_columns_of_a_top_k_are_refused(top: Encoder) -> None:
    with pytest.raises(
        ValueError, match=r"columns of 2 latents .* whose 4 strongest latents fire; .* choose"
    ):
        top.columns(torch.tensor([1, 2]))


def test_gradients_of_a_top_k_reach_the_chosen_that_fire(top: Encoder) -> None:
    stream = torch.ones(1, D_MODEL, requires_grad=True)
    acts = latent_activations(stream, top)[0]
    strongest, silent = int(acts.argmax()), int((acts == 0).nonzero()[0])
    chosen = latent_activations(stream, top.choosing(torch.tensor([strongest, silent])))
    (gradient,) = torch.autograd.grad(chosen.sum(), stream)
    torch.testing.assert_close(gradient[0], top.W_enc[:, strongest])


def test_a_stream_of_any_length_is_read_at_one(
    tmp_path: Path, arrays: dict[str, Tensor], residual: Tensor
) -> None:
    form = SAEForm(kind=SAEKind.SAE_LENS, reads=SAEInput.LENGTH)
    file, pin = write_form(tmp_path, 1, arrays, form), pin_of(tmp_path)
    encoder = load_encoder(pin, file, form)
    found = latent_activations(residual, encoder)
    torch.testing.assert_close(latent_activations(7 * residual, encoder), found, rtol=1e-4, atol=1e-4)
    sae = load_sae(pin, file, "cpu", form)
    torch.testing.assert_close(found, sae.encode(residual), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "form", ALL_FORMS, ids=lambda form: f"{form.kind.value}, k {form.k}, {form.reads.value}"
)
def test_the_number_of_latents_needs_no_form(
    tmp_path: Path, arrays: dict[str, Tensor], form: SAEForm
) -> None:
    assert num_latents(pin_of(tmp_path), write_form(tmp_path, 1, arrays, form)) == D_SAE


@pytest.mark.parametrize(
    "form", ALL_FORMS, ids=lambda form: f"{form.kind.value}, k {form.k}, {form.reads.value}"
)
def test_transposed_weights_are_refused(tmp_path: Path, arrays: dict[str, Tensor], form: SAEForm) -> None:
    turned = {name: arrays[name].T if name.startswith("W_") else arrays[name] for name in arrays}
    with pytest.raises((ValueError, RuntimeError), match=r"shape|size"):
        load_encoder(pin_of(tmp_path), write_form(tmp_path, 1, turned, form), form)


@pytest.mark.parametrize(
    "form", ALL_FORMS, ids=lambda form: f"{form.kind.value}, k {form.k}, {form.reads.value}"
)
def test_an_sae_of_another_kind_is_refused(tmp_path: Path, arrays: dict[str, Tensor], form: SAEForm) -> None:
    """Whatever stands at the place of a file: its arrays are called otherwise, or it is no such file at all."""
    file = write_form(tmp_path, 1, arrays, form)
    others = [each for each in ALL_FORMS if each.kind is not form.kind]
    (tmp_path / "other").mkdir()
    for other in others:
        content = tmp_path / "other" / write_form(tmp_path / "other", 1, arrays, other)
        (tmp_path / file).write_bytes(content.read_bytes())
        with pytest.raises(ValueError, match=rf"suite: {file} (holds|cannot be read)"):
            load_encoder(pin_of(tmp_path), file, form)


class Harmful:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: path.write_bytes(pickle.dumps(Harmful())), id="a pickle that runs code"),
        pytest.param(lambda path: torch.save({"W_enc": Harmful()}, path), id="one among tensors"),
        pytest.param(lambda path: torch.save([torch.ones(2)], path), id="tensors without names"),
        pytest.param(lambda path: torch.save({"W_enc": [1.0, 2.0]}, path), id="a list for a tensor"),
        pytest.param(lambda path: torch.save({1: torch.ones(2)}, path), id="a number for a name"),
        pytest.param(lambda path: path.write_bytes(b"no pickle"), id="no pickle at all"),
        pytest.param(lambda path: path.write_bytes(b""), id="nothing"),
    ],
)
def test_a_pickle_of_more_than_tensors_by_name_is_refused(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "layer0.sae.pt")
    with pytest.raises(ValueError, match=r"suite: layer0\.sae\.pt (holds|cannot be read)"):
        load_encoder(pin_of(tmp_path), "layer0.sae.pt", TOP_4)


NOTES = {"llama-scope": "Tiny-L1R-8x/hyperparams.json", "sae-lens": "blocks.1.hook_resid_post/cfg.json"}
"""Where the note of layer 1 lies."""


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        pytest.param("llama-scope", {"sparsity_include_decoder_norm": False}, "sparsity_include_decoder_norm is False", id="no decoder norm in the gate"),
        pytest.param("llama-scope", {"norm_activation": "token-wise"}, "norm_activation is 'token-wise'", id="another norm"),
        pytest.param("llama-scope", {"dataset_average_activation_norm": {}}, "'in'", id="no mean length"),
        pytest.param("sae-lens", {"architecture": "gated"}, "architecture 'gated'", id="another architecture"),
        pytest.param("sae-lens", {"architecture": "topk", "k": 4}, "architecture 'topk'", id="top k with thresholds"),
        pytest.param("sae-lens", {"normalize_activations": "layer_norm"}, "normalize_activations 'layer_norm'", id="a norm that cannot be folded"),
    ],
)  # fmt: skip
def test_what_a_note_says_otherwise_is_refused(
    tmp_path: Path, arrays: dict[str, Tensor], kind: str, changes: dict[str, Any], says: str
) -> None:
    file = write_form(tmp_path, 1, arrays, FORMS[kind])
    path = tmp_path / NOTES[kind]
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=rf"{path.name} beside .* does not say how .*{says}"):
        load_encoder(pin_of(tmp_path), file, FORMS[kind])
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"is no JSON object|does not say"):
        load_encoder(pin_of(tmp_path), file, FORMS[kind])
    path.unlink()
    with pytest.raises(MissingSourceError, match=rf"cannot be read without {path.name}; .* files of the pin"):
        load_encoder(pin_of(tmp_path), file, FORMS[kind])


def test_another_k_than_the_files_own_is_refused(tmp_path: Path, arrays: dict[str, Tensor]) -> None:
    form = SAEForm(kind=SAEKind.SAE_LENS, k=4)
    file = write_form(tmp_path, 1, arrays, form)
    with pytest.raises(ValueError, match="k 4, where the form says k 3"):
        load_encoder(pin_of(tmp_path), file, replace(form, k=3))


def trained_at(hook: str, world: World, folder: Path, arrays: dict[str, Tensor]) -> Networks:
    """The tiny world with SAEs of which that of layer 1 says that it was trained there."""
    form = FORMS["sae-lens"]
    files = tuple(write_form(folder, layer, arrays, form) for layer in range(world.num_layers))
    path = (folder / files[1]).parent / "cfg.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "metadata": {"hook_name": hook}}))
    return replace(
        world.networks(), dictionaries=pin_of(folder), dictionary_files=files, dictionary_form=form
    )


@pytest.mark.parametrize("hook", ["blocks.1.hook_resid_post", "blocks.2.hook_resid_pre"])
def test_the_stream_before_a_layer_is_the_one_after_the_layer_below(
    world: World, tmp_path: Path, arrays: dict[str, Tensor], hook: str
) -> None:
    assert layer_encoder(trained_at(hook, world, tmp_path, arrays), 1).num_latents == D_SAE


@pytest.mark.parametrize(
    "hook", ["blocks.1.hook_resid_pre", "blocks.2.hook_resid_post", "blocks.1.hook_mlp_out"]
)
def test_an_sae_of_another_stream_is_refused(
    world: World, tmp_path: Path, arrays: dict[str, Tensor], hook: str
) -> None:
    with pytest.raises(ValueError, match=rf"named for layer 1, was trained at '{hook}'"):
        layer_encoder(trained_at(hook, world, tmp_path, arrays), 1)


@pytest.mark.parametrize("cut", [0, 8, 200], ids=["nothing left", "a few bytes", "cut in the middle"])
@pytest.mark.parametrize(
    "form", ALL_FORMS[1:], ids=lambda form: f"{form.kind.value}, k {form.k}, {form.reads.value}"
)
def test_a_file_cut_short_is_told(tmp_path: Path, arrays: dict[str, Tensor], form: SAEForm, cut: int) -> None:
    file = write_form(tmp_path, 1, arrays, form)
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:cut])
    with pytest.raises(ValueError, match=rf"suite: {file} (cannot be read as arrays|holds)"):
        load_encoder(pin_of(tmp_path), file, form)


def test_half_precision_is_read_as_it_stands(tmp_path: Path, arrays: dict[str, Tensor]) -> None:
    file = write_form(tmp_path, 1, arrays, FORMS["gemma-scope-2"])
    halved = {name: array.to(torch.bfloat16) for name, array in load_file(tmp_path / file).items()}
    save_file(halved, tmp_path / file)
    encoder = load_encoder(pin_of(tmp_path), file, FORMS["gemma-scope-2"])
    assert torch.equal(encoder.W_enc, arrays["W_enc"].to(torch.bfloat16).to(torch.float32))


def test_codes_for_numbers_are_refused(tmp_path: Path, arrays: dict[str, Tensor]) -> None:
    file = write_form(tmp_path, 1, arrays, FORMS["gemma-scope-2"])
    save_file(
        {name.lower(): torch.ones_like(each, dtype=torch.int8) for name, each in arrays.items()},
        tmp_path / file,
    )
    with pytest.raises(ValueError, match=r"holds torch\.int8 values; expected real numbers"):
        load_encoder(pin_of(tmp_path), file, FORMS["gemma-scope-2"])


def test_a_header_of_a_wrong_length_is_told(tmp_path: Path) -> None:
    (tmp_path / "params.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(ValueError, match="cannot be read as arrays"):
        load_encoder(pin_of(tmp_path), "params.safetensors", FORMS["gemma-scope-2"])
