"""The language model in miniature as its true repository lays it out: weights in three shards with their index, two tokenizers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import load_file, save
from sentencepiece import sentencepiece_model_pb2
from torch import Tensor

from tests.hub.server import Content

POSITIONS = 8192
"""Positions that the real model reads; the miniature's are rotary, so that its weights know no limit."""

SHARD = 5 / 10.5
"""Largest shard as a share of the whole: five of the real ten and a half gigabytes, hence three shards."""

INDEX = "model.safetensors.index.json"

Piece = sentencepiece_model_pb2.ModelProto.SentencePiece
KINDS = {"<unk>": Piece.UNKNOWN} | dict.fromkeys(("<pad>", "<eos>", "<bos>"), Piece.CONTROL)


def repository_files(folder: Path) -> dict[str, Content]:
    """Every file that is asked for, by its true name.

    Args:
        folder: The committed model, whose weights are one file.
    """
    files: dict[str, Content] = {
        name: (folder / name).read_bytes
        for name in ("generation_config.json", "special_tokens_map.json", "tokenizer.json")
    }
    # The class takes BOS from tokenizer.json, whatever its configuration says of it.
    tokenizer = {"model_max_length": POSITIONS, "tokenizer_class": "GemmaTokenizer", "add_bos_token": True}
    positions = {"max_position_embeddings": POSITIONS, "sliding_window": 4096}
    files["config.json"] = _changed(folder / "config.json", positions)
    files["tokenizer_config.json"] = _changed(folder / "tokenizer_config.json", tokenizer)
    files["tokenizer.model"] = _sentencepiece(_content(folder / "tokenizer.json")["model"])
    return files | shards(load_file(folder / "model.safetensors"))


def shards(weights: Mapping[str, Tensor]) -> dict[str, Content]:
    size = sum(weight.nbytes for weight in weights.values())
    split = split_torch_state_dict_into_shards(dict(weights), max_shard_size=int(SHARD * size))
    index = {"metadata": {"total_size": size}, "weight_map": split.tensor_to_filename}
    shards = {
        name: save({tensor: weights[tensor] for tensor in tensors}, metadata={"format": "pt"})
        for name, tensors in split.filename_to_tensors.items()
    }
    return {**shards, INDEX: json.dumps(index).encode()}


def _sentencepiece(bpe: Mapping[str, Any]) -> bytes:
    """The vocabulary as SentencePiece writes it, the earliest merge with the highest score; it puts no BOS by itself."""
    model = sentencepiece_model_pb2.ModelProto()
    ranks = {"".join(pair): rank for rank, pair in reversed(list(enumerate(bpe["merges"])))}
    for piece in bpe["vocab"]:
        kind = KINDS.get(piece, Piece.BYTE if piece.startswith("<0x") else Piece.NORMAL)
        model.pieces.add(piece=piece, score=-float(ranks.get(piece, len(ranks))), type=kind)
    trainer = model.trainer_spec
    trainer.model_type, trainer.byte_fallback = trainer.BPE, True
    for name in ("unk", "bos", "eos", "pad"):
        setattr(trainer, f"{name}_id", bpe["vocab"][f"<{name}>"])
        setattr(trainer, f"{name}_piece", f"<{name}>")
    model.normalizer_spec.add_dummy_prefix = model.normalizer_spec.remove_extra_whitespaces = False
    written: bytes = model.SerializeToString()
    return written


def _changed(path: Path, changes: Mapping[str, Any]) -> bytes:
    return json.dumps(_content(path) | changes).encode()


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
