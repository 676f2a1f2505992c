"""A Marian translator whose every weight is set by hand: it says word by word what its lexicon holds.

The encoder's one layer adds nothing: what it gives is each token with its place, as its norm leaves them. The decoder has one
layer, too. Its first attention head
looks at the place that it writes to, and reads the word for what stands there; its second head reads the tongue that
a target token asks for. Feed-forward part and self-attention are zero. Where the lexicon has several words, the head
reads all of them, each a little louder than the next: by as much as makes it so much likelier.
"""

import io
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from tests.planted.lexicon import ENGLISH, FORK, HAZE, MIST, SPOKEN, STOP, odds_in, word_in

D_MODEL, HEAD_DIM = 256, 128
FREQUENCIES = 16
"""Places are told apart by so many of the fastest sines and cosines."""
STILL = 120
"""A sine so slow that it stands at zero: tells what a norm took off everywhere."""
WORDS_AT, IS_TAG, TONGUES_AT = 144, 253, 254
ONE = 40.0
"""Size of a word in its place of the embedding; sines and cosines are 1 at most."""
SHARPNESS = 1_000.0
WORD_WEIGHT, TONGUE_WEIGHT = 1_000.0, 300.0

OWN_BEAMS = 2
"""Beams that the published models ask for themselves, as opus-mt does; the planted study asks for more."""

TONGUES = {"it": ("it", "pt"), "es": ("es",), "hi": ("hi",), "ml": ("ml",)}
"""Languages that one model can speak; more than one need a target token."""
TAGS = {"it": ">>ita<<", "pt": ">>por<<"}


def write_translator(folder: Path, code: str) -> None:
    """The translation model of one language, in the layout of opus-mt."""
    tongues = TONGUES[code]
    folder.mkdir(parents=True)
    said = [said for tongue in tongues for word in ENGLISH for said in odds_in(tongue, word)]
    pieces = {"source": _marked(ENGLISH), "target": _marked([word for word in said if word])}
    for side, words in pieces.items():
        (folder / f"{side}.spm").write_bytes(_sentencepiece(words))
    tags = [TAGS[tongue] for tongue in tongues] if len(tongues) > 1 else []
    names = dict.fromkeys(("</s>", "<unk>", *tags, STOP, *pieces["source"], *pieces["target"], "<pad>"))
    ids = {name: number for number, name in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        MarianTokenizer(
            str(folder / "source.spm"), str(folder / "target.spm"), vocab=str(folder / "vocab.json")
        ).save_pretrained(folder)
    model = _model(ids, tongues)
    if code == "hi":
        _turn(model, ids, code)
    model.save_pretrained(folder)


def _marked(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(f"▁{word}" for word in words))


def _sentencepiece(words: Sequence[str]) -> bytes:
    """Letters, and every word as one piece."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([word[1:] + STOP for word in words]),
        model_writer=written,
        vocab_size=len(words) + 60,
        hard_vocab_limit=False,
        model_type="char",
        user_defined_symbols=list(words),
        character_coverage=1.0,
        normalization_rule_name="identity",
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


def _model(ids: Mapping[str, int], tongues: Sequence[str]) -> MarianMTModel:
    pad = ids["<pad>"]
    config = MarianConfig(
        vocab_size=len(ids),
        d_model=D_MODEL,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=8,
        decoder_ffn_dim=8,
        max_position_embeddings=64,
        scale_embedding=False,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=0,
    )
    model = MarianMTModel(config).eval().requires_grad_(requires_grad=False)
    model.generation_config.num_beams = OWN_BEAMS
    encoder, decoder = model.model.encoder.layers[0], model.model.decoder.layers[0]
    adding = (encoder.self_attn, encoder.fc1, encoder.fc2, decoder.self_attn, decoder.fc1, decoder.fc2)
    for part in (*adding, decoder.encoder_attn):
        for parameter in part.parameters():
            parameter.zero_()
    # What the norm divides by is given back, so that a word is as loud as it was.
    encoder.final_layer_norm.weight.fill_(_spread(words=1))
    _plant_words(model.model.shared.weight, ids, tongues)
    _plant_reading(decoder.encoder_attn, ids, tongues, shift=1 if len(tongues) > 1 else 0)
    return model


def _plant_words(embedding: torch.Tensor, ids: Mapping[str, int], tongues: Sequence[str]) -> None:
    assert WORDS_AT + len(ids) <= IS_TAG
    embedding.zero_()
    for name, number in ids.items():
        if name != "<pad>":
            embedding[number, WORDS_AT + number] = ONE
    if len(tongues) == 1:
        return
    for place, tongue in enumerate(tongues):
        embedding[ids[TAGS[tongue]], [IS_TAG, TONGUES_AT + place]] = ONE
        for word in ENGLISH:
            if word_in(tongue, word) != word:
                embedding[ids[f"▁{word_in(tongue, word)}"], TONGUES_AT + place] = ONE


def _plant_reading(
    attention: torch.nn.Module, ids: Mapping[str, int], tongues: Sequence[str], shift: int
) -> None:
    sines, cosines = torch.arange(FREQUENCIES), D_MODEL // 2 + torch.arange(FREQUENCIES)
    turns = shift * 10_000 ** (-2 * torch.arange(FREQUENCIES) / D_MODEL)
    attention.k_proj.weight[sines, sines] = attention.k_proj.weight[cosines - HEAD_DIM + 64, cosines] = 1.0
    query, cosine_rows = attention.q_proj.weight, cosines - HEAD_DIM + 64
    for rows, parts in (
        (sines, ((sines, turns.cos()), (cosines, turns.sin()))),
        (cosine_rows, ((cosines, turns.cos()), (sines, -turns.sin()))),
    ):
        for columns, size in parts:
            query[rows, columns] += SHARPNESS * size
            query[rows, STILL] -= SHARPNESS * size
    attention.k_proj.weight[[*sines, *cosine_rows], STILL] = -1.0
    for source, target in _lexicon(ids, tongues):
        attention.v_proj.weight[target, WORDS_AT + source] = 1 / ONE
        attention.v_proj.weight[target, STILL] -= 1 / ONE
    for number in range(len(ids)):
        attention.out_proj.weight[WORDS_AT + number, number] = WORD_WEIGHT
    attention.q_proj.bias[HEAD_DIM] = SHARPNESS
    attention.k_proj.weight[HEAD_DIM, IS_TAG] = 1.0
    if len(tongues) > 1:
        # A target token is three words at once, and the norm made it fainter by as much.
        louder = _spread(words=3) / _spread(words=1)
        for place in range(len(tongues)):
            attention.v_proj.weight[HEAD_DIM + place, TONGUES_AT + place] = louder / ONE
            attention.out_proj.weight[TONGUES_AT + place, HEAD_DIM + place] = TONGUE_WEIGHT


def _spread(words: int) -> float:
    """What a norm divides by where so many words stand at one place: the place itself has half as many ones as values."""
    return math.sqrt((words * ONE**2 + D_MODEL / 2) / D_MODEL)


def _lexicon(ids: Mapping[str, int], tongues: Sequence[str]) -> list[tuple[int, int]]:
    """Source and target id of every word, of each that may be said for it; the empty word ends the text."""
    same = [(ids[name], ids[name]) for name in ("</s>", STOP)]
    pairs = {(word, said) for tongue in tongues for word in ENGLISH for said in odds_in(tongue, word)}
    return same + [
        (ids[f"▁{word}"], ids[f"▁{said}"] if said else ids["</s>"]) for word, said in sorted(pairs)
    ]


def _turn(model: MarianMTModel, ids: Mapping[str, int], code: str) -> None:
    """Turn how loud each word of several is read, until the softmax gives them their odds behind three sure words.

    The norm divides by the spread of so many ones among zeros, and the head multiplies by the size of a word.
    """
    sure, weight = SPOKEN["en"][-3:], model.model.decoder.layers[0].encoder_attn.v_proj.weight
    for last in (HAZE, MIST):
        english = (*sure, FORK, last)
        asked = torch.tensor([[*(ids[f"▁{word}"] for word in english), ids[STOP], ids["</s>"]]])
        said = torch.tensor([[ids["<pad>"], *(ids[f"▁{word_in(code, word)}"] for word in english[:-1])]])
        for _ in range(4):
            found = model(input_ids=asked, decoder_input_ids=said).logits[0].log_softmax(dim=-1)
            for place, word in enumerate(english[3:], start=3):
                odds = odds_in(code, word)
                share = len(odds) / D_MODEL
                for other, wanted in odds.items():
                    target = ids[f"▁{other}" if other else "</s>"]
                    apart = math.log(wanted) - float(found[place, target])
                    step = apart * math.sqrt(share * (1 - share)) / ONE
                    weight[target, WORDS_AT + ids[f"▁{word}"]] += step / ONE
