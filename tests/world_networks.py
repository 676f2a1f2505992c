"""Networks of the tiny world: random but well-scaled model, dictionaries fitted to it, random translators."""

import io
import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    PreTrainedTokenizerFast,
)

from harness.models.adapters import save_adapter, trained_adapter
from harness.words.study import AlignedLatents, AlignmentChoice

PAD, EOS, BOS, UNK = range(4)
SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>"]
D_MODEL, D_SAE, VOCABULARY = 32, 64, 600
BOS_ONLY_LATENT, BOS_PEAKED_LATENT, DEAD_LATENT = 5, 6, 8
"""Latents with a story: fires on <bos> alone; peaks on <bos> but fires elsewhere too; never fires."""


def write_tokenizer(folder: Path, texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """BPE with byte fallback in the shape of Gemma's file: U+2581 for spaces, BOS by the post-processor."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[^▁]+"), "isolated")
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - 256, special_tokens=SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer = _with_byte_pieces(tokenizer)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", BOS)]
    )
    specials = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, padding_side="left", model_max_length=1024, **specials
    )
    wrapped.save_pretrained(folder)
    return wrapped


def _with_byte_pieces(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer with the 256 byte pieces in the model's own vocabulary, where decoding finds them."""
    content = json.loads(tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    return Tokenizer.from_str(json.dumps(content))


def write_model(folder: Path, num_layers: int, vocab_size: int, seed: int) -> Gemma2ForCausalLM:
    """A random Gemma-2: embedding std 1/sqrt(hidden), linears 1/sqrt(fan_in), quiet post-norms."""
    config = Gemma2Config(
        vocab_size=vocab_size,
        hidden_size=D_MODEL,
        intermediate_size=2 * D_MODEL,
        num_hidden_layers=num_layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        max_position_embeddings=1024,
        attn_implementation="eager",
        pad_token_id=PAD,
        eos_token_id=EOS,
        bos_token_id=BOS,
    )
    model = Gemma2ForCausalLM(config).eval().requires_grad_(requires_grad=False)
    initialise(model, seed)
    model.save_pretrained(folder)
    return model


def write_strong_adapter(model: Gemma2ForCausalLM, folder: Path) -> Path:
    """An adapter whose random weights are large enough to change most answers."""
    choice = AlignmentChoice(
        latents=AlignedLatents.OWN,
        alpha=1,
        detach_english=False,
        layers=(0, 1, 2),
        rank=4,
        lora_alpha=8,
        target_modules=("q_proj", "v_proj"),
        learning_rate=1e-3,
        batch_size=2,
        epochs=1,
        pairs=2,
        weight_decay=0.01,
    )
    with trained_adapter(model, choice, seed=0) as tuned:
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(0, 1, generator=torch.Generator().manual_seed(1))
        save_adapter(tuned, folder, "# A card\n", base="a/model", revision="1f2e")
    return folder


def initialise(model: nn.Module, seed: int) -> None:
    """Draw every matrix with the scale of its fan-in; what closes a block starts at a quarter: its norm, or where it has none its matrix."""
    generator = torch.Generator().manual_seed(seed)
    parameters = dict(model.named_parameters())
    has_closing_norms = any("post_feedforward_layernorm" in name for name in parameters)
    for name, parameter in parameters.items():
        if parameter.dim() == 2:
            parameter.data.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
        if has_closing_norms and "post_" in name:
            parameter.data.fill_(-0.75)
        elif not has_closing_norms and name.endswith(("o_proj.weight", "down_proj.weight")):
            parameter.data *= 0.25


def residual_streams(model: Gemma2ForCausalLM, ids: torch.Tensor) -> list[torch.Tensor]:
    """Output of every decoder layer, [row, position, d_model], read by plain forward hooks."""
    streams: list[torch.Tensor] = []
    handles = [
        layer.register_forward_hook(
            lambda _module, _args, output: streams.append(output[0] if isinstance(output, tuple) else output)
        )
        for layer in model.model.layers
    ]
    with torch.no_grad():
        model.model(input_ids=ids)
    for handle in handles:
        handle.remove()
    return streams


def write_dictionary(
    path: Path, stream: torch.Tensor, ids: torch.Tensor, seed: int
) -> dict[str, torch.Tensor]:
    """A dictionary on one layer whose thresholds let each latent fire on 12 to 25 % of text tokens."""
    generator = torch.Generator().manual_seed(seed)
    is_text = ids != BOS
    is_inner_bos = ~is_text
    is_inner_bos[:, 0] = False
    W_dec = torch.randn(D_SAE, D_MODEL, generator=generator)
    bos_direction = stream[is_inner_bos].mean(0) - stream[is_text].mean(0)
    W_dec[BOS_ONLY_LATENT] = bos_direction
    W_dec[BOS_PEAKED_LATENT] = (
        bos_direction / bos_direction.norm() + 0.3 * W_dec[BOS_PEAKED_LATENT] / D_MODEL**0.5
    )
    W_dec /= W_dec.norm(dim=1, keepdim=True)
    b_enc = -(stream[is_text] @ W_dec.T).median(0).values
    pre_acts = stream[is_text] @ W_dec.T + b_enc
    quantiles = torch.linspace(0.75, 0.88, D_SAE)
    threshold = torch.stack([pre_acts[:, n].quantile(float(quantiles[n])) for n in range(D_SAE)])
    threshold[BOS_ONLY_LATENT] = pre_acts[:, BOS_ONLY_LATENT].max()
    threshold[DEAD_LATENT] = 1e4
    b_dec = 0.1 * torch.randn(D_MODEL, generator=generator)
    arrays = {"W_enc": W_dec.T, "W_dec": W_dec, "b_enc": b_enc, "b_dec": b_dec, "threshold": threshold}
    path.parent.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Any] = {name: np.ascontiguousarray(array.numpy()) for name, array in arrays.items()}
    np.savez(path, **contents)
    return arrays


def write_translator(folder: Path, source: Sequence[str], target: Sequence[str], token: str | None) -> None:
    """A random Marian with its tokenizer; `token` is the target token that its vocabulary must know."""
    folder.mkdir(parents=True)
    pieces: list[str] = []
    for side, texts in (("source", source), ("target", target)):
        content = _sentencepiece(texts)
        (folder / f"{side}.spm").write_bytes(content)
        model = sentencepiece.SentencePieceProcessor(model_proto=content)
        pieces += [model.id_to_piece(n) for n in range(model.get_piece_size())]
    names = dict.fromkeys(("</s>", "<unk>", *([token] if token else []), *pieces, "<pad>"))
    vocabulary = {name: number for number, name in enumerate(name for name in names if name != "<s>")}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    files: dict[str, Any] = {"source_spm": folder / "source.spm", "target_spm": folder / "target.spm"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        tokenizer = MarianTokenizer(
            **{name: str(path) for name, path in files.items()}, vocab=str(folder / "vocab.json")
        )
    tokenizer.save_pretrained(folder)
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(vocabulary),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=128,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=0,
    )
    translator = MarianMTModel(config).eval()
    initialise(translator, seed=len(vocabulary))
    with torch.no_grad():
        translator.get_input_embeddings().weight[pad] = 0  # as in every model that Marian made
    translator.save_pretrained(folder)


def _sentencepiece(texts: Sequence[str]) -> bytes:
    """A small sentencepiece model that leaves characters as they are."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=written,
        vocab_size=150,
        hard_vocab_limit=False,
        model_type="bpe",
        normalization_rule_name="identity",
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()
