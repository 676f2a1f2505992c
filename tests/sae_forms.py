"""One SAE written in every form in which suites store theirs, so that each can be held against the same five arrays."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.words.study import GEMMA_SCOPE, SAEForm, SAEInput, SAEKind

Arrays = Mapping[str, Tensor]

MEAN_LENGTH = 10.8125
"""What the suite with scaled streams says of its layer; with 32 dimensions, streams are scaled by about 0.52."""

FORMS: Mapping[str, SAEForm] = {
    "gemma-scope": GEMMA_SCOPE,
    "gemma-scope-2": SAEForm(kind=SAEKind.GEMMA_SCOPE_2),
    "llama-scope": SAEForm(kind=SAEKind.LLAMA_SCOPE),
    "sae-lens": SAEForm(kind=SAEKind.SAE_LENS),
}
"""The forms in which a JumpReLU SAE can be told as it is."""

SCALED = SAEForm(kind=SAEKind.LLAMA_SCOPE, reads=SAEInput.SCALED)


def one_threshold(arrays: Arrays) -> dict[str, Tensor]:
    """An SAE whose latents share the median of its thresholds, as a suite has it that stores one for all."""
    return {**arrays, "threshold": torch.full_like(arrays["threshold"], float(arrays["threshold"].median()))}


def write_form(root: Path, layer: int, arrays: Arrays, form: SAEForm) -> str:
    """Writes one layer's SAE below a folder; gives its file's name, as the suite has it."""
    return WRITERS[form.kind](root, layer, arrays, form)


def write_gemma_scope(root: Path, layer: int, arrays: Arrays, _form: SAEForm) -> str:
    path = _ready(root, f"layer_{layer}/width_64/average_l0_8/params.npz")
    held: dict[str, Any] = {name: array.numpy() for name, array in arrays.items()}
    np.savez(path, **held)
    return str(path.relative_to(root))


def write_gemma_scope_2(root: Path, layer: int, arrays: Arrays, _form: SAEForm) -> str:
    path = _ready(root, f"resid_post_all/layer_{layer}_width_64_l0_big/params.safetensors")
    save_file({name.lower(): array.contiguous() for name, array in arrays.items()}, path)
    return str(path.relative_to(root))


def write_llama_scope(root: Path, layer: int, arrays: Arrays, _form: SAEForm) -> str:
    """Decoder rows of many lengths, which the encoder is divided by, and biases of a scaled stream."""
    path = _ready(root, f"Tiny-L{layer}R-8x/checkpoints/final.safetensors")
    d_model, d_sae = arrays["W_enc"].shape
    lengths = torch.linspace(0.25, 4.0, d_sae)
    scale = math.sqrt(d_model) / MEAN_LENGTH
    held = {
        "encoder.weight": (arrays["W_enc"] / lengths).T,
        "encoder.bias": arrays["b_enc"] / lengths * scale,
        "decoder.weight": (arrays["W_dec"] * lengths.unsqueeze(1)).T,
        "decoder.bias": arrays["b_dec"] * scale,
    }
    save_file({name: array.contiguous() for name, array in held.items()}, path)
    said = {
        "hook_point_in": f"blocks.{layer}.hook_resid_post",
        "d_model": d_model,
        "d_sae": d_sae,
        "act_fn": "jumprelu",
        "jump_relu_threshold": float(arrays["threshold"][0]),
        "norm_activation": "dataset-wise",
        "dataset_average_activation_norm": {"in": MEAN_LENGTH, "out": MEAN_LENGTH},
        "apply_decoder_bias_to_pre_encoder": False,
        "sparsity_include_decoder_norm": True,
        "top_k": 50,
    }
    (path.parent.parent / "hyperparams.json").write_text(json.dumps(said))
    return str(path.relative_to(root))


def write_qwen_scope(root: Path, layer: int, arrays: Arrays, _form: SAEForm) -> str:
    path = _ready(root, f"layer{layer}.sae.pt")
    weights = {name: arrays[name].T.contiguous() for name in ("W_enc", "W_dec")}
    torch.save({**weights, "b_enc": arrays["b_enc"], "b_dec": arrays["b_dec"]}, path)
    return path.name


def write_sae_lens(root: Path, layer: int, arrays: Arrays, form: SAEForm) -> str:
    """Biases as they are where the decoder's is taken off the stream first; without thresholds where all are zero."""
    hook = f"blocks.{layer + 1}.hook_resid_pre" if form.is_before else f"blocks.{layer}.hook_resid_post"
    path = _ready(root, f"{hook}/sae_weights.safetensors")
    held = {**arrays, "b_enc": arrays["b_enc"] + arrays["b_dec"] @ arrays["W_enc"]}
    is_standard = form.k is None and not arrays["threshold"].any()
    if form.k is not None or is_standard:
        del held["threshold"]
    save_file({name: array.contiguous() for name, array in held.items()}, path)
    said = {
        "architecture": "topk" if form.k is not None else "standard" if is_standard else "jumprelu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "constant_norm_rescale" if form.reads is SAEInput.LENGTH else "none",
        "metadata": {"hook_name": hook},
    }
    (path.parent / "cfg.json").write_text(json.dumps(said if form.k is None else {**said, "k": form.k}))
    return str(path.relative_to(root))


def _ready(root: Path, file: str) -> Path:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


WRITERS: Mapping[SAEKind, Callable[[Path, int, Arrays, SAEForm], str]] = {
    SAEKind.GEMMA_SCOPE: write_gemma_scope,
    SAEKind.GEMMA_SCOPE_2: write_gemma_scope_2,
    SAEKind.LLAMA_SCOPE: write_llama_scope,
    SAEKind.QWEN_SCOPE: write_qwen_scope,
    SAEKind.SAE_LENS: write_sae_lens,
}
