"""A TopK dictionary as its authors release it, and a demonstration of its features as they write theirs: by the library, window by window."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

Arrays = Mapping[str, Tensor]

LAYOUTS = ("march", "september")
"""By the month of the code that saves them so."""


def drawn_dictionary(streams: Tensor, latents: int, seed: int = 0) -> dict[str, Tensor]:
    """Arrays of a dictionary of streams of length 1, in our own form: latents in random directions, each firing at some tokens."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(latents, streams.shape[1], generator=generator)
    rows /= rows.norm(dim=1, keepdim=True)
    x = streams / streams.norm(dim=1, keepdim=True)
    b_dec = x.mean(dim=0)
    b_enc = -((x - b_dec) @ rows.T).quantile(0.8, dim=0)
    return {"W_enc": rows.T.contiguous(), "b_enc": b_enc, "W_dec": rows, "b_dec": b_dec}


def write_dictionary(path: Path, arrays: Arrays, layout: str) -> Path:
    """One file of weights, safetensors or a pickle of tensors by its name."""
    decoder = {"march": ("W_dec", arrays["W_dec"]), "september": ("decoder.weight", arrays["W_dec"].T)}[
        layout
    ]
    held = {
        "encoder.weight": arrays["W_enc"].T,
        "encoder.bias": arrays["b_enc"],
        decoder[0]: decoder[1],
        "b_dec": arrays["b_dec"],
    }
    held = {name: tensor.contiguous() for name, tensor in held.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".pth":
        torch.save(held, path)
    else:
        save_file(held, path, {"format": "pt"})
    return path


def demonstrated(
    streams: Sequence[Tensor],
    pieces: Sequence[Sequence[str]],
    arrays: Arrays,
    features: Sequence[int],
    examples: int,
) -> dict[int, dict[str, Any]]:
    """The files of some features: the windows in which each is strong, its values in tenths of the largest of them.

    Args:
        streams: Of every window, [token, d_model], after the layer that the dictionary reads.
        pieces: Of every window, as its vocabulary spells them.
        arrays: The dictionary, in our own form.
        features: Which latents are shown.
        examples: Windows of a feature, at most.
    """  # fmt: skip
    found = {}
    units = [stream / stream.norm(dim=1, keepdim=True) for stream in streams]
    values = [(x - arrays["b_dec"]) @ arrays["W_enc"] + arrays["b_enc"] for x in units]
    for feature in features:
        own = [row[:, feature].tolist() for row in values]
        bar = 0.7 * max(map(max, own))
        kept = [window for window, row in enumerate(own) if max(row) > bar][:examples]
        largest = max(max(own[window]) for window in kept)
        told = [
            [
                [piece.replace("\u2581", " "), max(0, math.ceil(value * 10 / largest))]
                for piece, value in zip(pieces[window], own[window], strict=True)
            ]
            for window in kept
        ]
        found[feature] = {
            "token_act": told,
            "language": _counted(told),
            "granularity": 1 + feature % 4,
        }
    return found


def _counted(examples: Sequence[Sequence[Sequence[Any]]]) -> dict[str, int]:
    """Languages by the strongest token of each window, as the authors' rule has it; digits go with what stands before."""
    counts = {"en": 0, "ja": 0}
    for example in examples:
        place = max(range(len(example)), key=lambda each: example[each][1])
        while re.fullmatch("[0-9]+", example[place][0].strip()):
            place -= 1
        counts["en" if re.fullmatch(r"[a-zA-Z\s\"'(),.-]+", example[place][0].strip()) else "ja"] += 1
    return counts


def write_demonstration(root: Path, step: int, features: Mapping[int, Any]) -> None:
    """One file a feature, below the folder of its step."""
    below = root / "docs" / "data" / str(step)
    below.mkdir(parents=True)
    for number, told in features.items():
        (below / f"{number}.json").write_text(json.dumps(told, ensure_ascii=False, indent=4), "utf-8")
