"""Networks at true shapes with weights drawn at random: a Gemma 2, JumpReLU dictionaries, a Marian."""

import io
import json
import random
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.sources.synthetic_texts import WORD_MARK, pieces, sentence

SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>")
"""Places 0 to 3 of Gemma's vocabulary."""

SPECIAL_NAMES = ("pad_token", "eos_token", "bos_token", "unk_token")

FAINT = 0.01
"""Scale of a dictionary's encoder: every latent fires about 1 on every token, so that no ratio lacks a denominator.

What it costs to compute is the same."""

TRAINING_SENTENCES = 400
MARIAN_PIECES = 200
TRANSLATION_TOKENS = 64
"""Positions of a made translator: a random one never ends by itself, a trained one ends about here."""


def make_model(folder: Path, figures: Mapping[str, int]) -> None:
    """A Gemma 2 in bfloat16 with its tokenizer, whose BOS stands in the post-processor."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(
        vocab_size=figures["vocabulary"],
        hidden_size=figures["width"],
        num_hidden_layers=figures["layers"],
        num_attention_heads=figures["heads"],
        num_key_value_heads=figures["kv_heads"],
        head_dim=figures["head_width"],
        query_pre_attn_scalar=figures["head_width"],
        intermediate_size=figures["mlp"],
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        Gemma2ForCausalLM(config).save_pretrained(folder)
    finally:
        torch.set_default_dtype(before)
    _write_tokenizer(folder, figures["vocabulary"])


def make_dictionaries(folder: Path, figures: Mapping[str, int]) -> None:
    """One `params.npz` per layer, float32, at `layer_N/params.npz`; decoder rows of unit length."""
    width, latents = figures["width"], figures["latents"]
    for layer in range(figures["layers"]):
        directions = np.random.default_rng(layer).standard_normal((latents, width), dtype=np.float32)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        path = folder / f"layer_{layer}" / "params.npz"
        path.parent.mkdir(parents=True)
        np.savez(
            path,
            W_enc=np.ascontiguousarray(FAINT * directions.T),
            W_dec=directions,
            b_enc=np.ones(latents, dtype=np.float32),
            b_dec=np.zeros(width, dtype=np.float32),
            threshold=np.zeros(latents, dtype=np.float32),
        )


def make_translator(folder: Path, figures: Mapping[str, int]) -> None:
    """A Marian with two small sentencepiece models; its embedding has the true size, most of it never used."""
    from transformers import MarianConfig, MarianMTModel

    vocabulary = _write_marian_tokenizer(folder, figures["vocabulary"])
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(vocabulary),
        d_model=figures["width"],
        encoder_layers=figures["layers"],
        decoder_layers=figures["layers"],
        encoder_attention_heads=figures["heads"],
        decoder_attention_heads=figures["heads"],
        encoder_ffn_dim=figures["mlp"],
        decoder_ffn_dim=figures["mlp"],
        max_position_embeddings=TRANSLATION_TOKENS,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=0,
        bad_words_ids=[[pad]],
    )
    torch.manual_seed(0)
    MarianMTModel(config).save_pretrained(folder)


def _write_tokenizer(folder: Path, vocabulary: int) -> None:
    """A tokenizer of whole words, filled up with those that made translators spell."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    known = [*SPECIALS, *pieces()]
    names = [*known, *(f"{WORD_MARK}w{number}" for number in range(vocabulary - len(known)))][:vocabulary]
    tokenizer = Tokenizer(
        models.WordLevel({name: place for place, name in enumerate(names)}, unk_token=SPECIALS[3])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Metaspace(prepend_scheme="first")]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(SPECIAL_NAMES, SPECIALS, strict=True))
    ).save_pretrained(folder)


def _write_marian_tokenizer(folder: Path, size: int) -> dict[str, int]:
    """Two sentencepiece models, and a vocabulary filled up with words that no text has."""
    import sentencepiece
    from transformers import MarianTokenizer

    rng = random.Random("translator")  # noqa: S311  a made-up world
    sink = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([sentence(rng) for _ in range(TRAINING_SENTENCES)]),
        model_writer=sink,
        vocab_size=MARIAN_PIECES,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=sink.getvalue())
    spelled = [model.id_to_piece(place) for place in range(model.get_piece_size())]
    filling = [f"{WORD_MARK}w{number}" for number in range(size - len(spelled) - 1)]
    names = dict.fromkeys(("</s>", "<unk>", *spelled, *filling, "<pad>"))
    vocabulary = {name: place for place, name in enumerate(name for name in names if name != "<s>")}
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes(sink.getvalue())
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    files: dict[str, Any] = {f"{side}_spm": str(folder / f"{side}.spm") for side in ("source", "target")}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        MarianTokenizer(**files, vocab=str(folder / "vocab.json")).save_pretrained(folder)
    return vocabulary
