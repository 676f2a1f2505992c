"""A Gemma-2 and its adapters whose every weight is set by hand, so that the residual stream is known by pencil.

The stream of a token after layer l is its own vector, plus the known vectors of layers 0 to l, plus what attention
writes: one number that tells what stood before the token, and, under an adapter, one that the adapter adds.

How each part is made of the real model class:

* Every token holds `CONSTANT` at place 0. The feed-forward part reads only that, so its output has one direction,
  and the norm behind it makes it one vector, whatever the token.
* Queries and keys are zero: a token attends alike to all that it sees, which is `WINDOW` tokens in every other layer.
  Values read the constant and the place `CONTEXT_IN`; the norm behind attention lets pass only their ratio, which is
  written to `CONTEXT_OUT`.
* An adapter lets the values read the constant once more, for `ADAPTED`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import Gemma2Config, Gemma2ForCausalLM, PreTrainedTokenizerFast

from tests.planted.lexicon import CODES, LETTERS, MARK, PIECE, THUNDER, all_pieces

Values = NDArray[np.float64]

NUM_LAYERS, D_MODEL, HEAD_DIM = 4, 64, 16
SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>")
PAD, EOS, BOS, UNK = range(4)

CONSTANT_PLACE, ADAPTED, CONTEXT_OUT, CONTEXT_IN = range(4)
MARKERS = {code: 4 + n for n, code in enumerate(CODES)}
CONTENT = slice(12, 32)
WRITTEN = slice(12, 48)
"""Where layers add their vectors."""
EDGE = slice(48, 52)
"""Where nothing is ever added: values there are exact, down to the last bit."""
ASKS = 52
"""Where the token that ends a question differs from all others, and letters from each other."""

CONSTANT = 32.0
VALUE_GAIN, CONTEXT_GAIN, ADAPTED_GAIN = 64.0, 8.0, 4.0
WINDOW = 32
"""Tokens that every other layer sees, from the first one on: fewer than the longest phrase and most prompts have."""
HEAD_WEIGHTS = (60.0, 16.0)
"""Weights of the final norm at `ADAPTED` and `CONTEXT_OUT`: let an adapter, and what stood before, decide answers."""
SOFT_CAP = 30.0
LETTER_LINES = ((-48, 620, 0), (-16, 237, 2), (16, -191, -2), (48, -665, 4))
"""Of each letter, in 1/64: what it holds at `CONTEXT_OUT`, at `ASKS` and at `ADAPTED`. So what stands before a question
decides which letter is the likeliest answer, and an adapter may turn it."""

Strengths = Sequence[float]
"""By layer: how strongly an adapter reads the constant; 0 where it is not."""


@dataclass(frozen=True)
class Facts:
    """The planted numbers of tokens and layers."""

    ids: Mapping[str, int]
    vectors: Values
    """[token, d_model]: the stream before layer 0."""
    layers: Values
    """[layer, d_model]: what the feed-forward part of each layer adds."""
    final_norm: Values

    def ids_of(self, pieces: Sequence[str]) -> list[int]:
        """Token ids; what the vocabulary lacks is `<unk>`."""
        return [self.ids.get(piece, UNK) for piece in pieces]


def facts() -> Facts:
    """Draw every planted number: multiples of 1/64, which float32 holds exactly."""
    rng = np.random.default_rng(3)
    pieces = all_pieces()
    ids = {piece: n for n, piece in enumerate((*SPECIALS, *sorted(pieces)))}
    vectors = np.zeros((len(ids), D_MODEL))
    vectors[:, CONSTANT_PLACE] = CONSTANT
    vectors[:, CONTEXT_IN] = rng.integers(0, 256, len(ids)) / 64
    vectors[:, CONTENT] = rng.integers(0, 128, (len(ids), 20)) / 64
    vectors[:, EDGE] = rng.integers(0, 5, (len(ids), 4)) / 2
    vectors[:, ADAPTED] = rng.integers(-64, 65, len(ids)) / 64
    vectors[:, CONTEXT_OUT] = rng.integers(-64, 65, len(ids)) / 64
    # Questions end with a token that no vocabulary holds; adapters turn the sign of what stands there.
    vectors[UNK, [ADAPTED, CONTEXT_OUT, ASKS]] = [-0.5, 0, 4]
    for letter, line in zip(LETTERS, LETTER_LINES, strict=True):
        token = vectors[ids[f"{MARK}{letter}"]]
        token[[*range(CONTENT.start, CONTENT.stop), *range(EDGE.start, EDGE.stop)]] = 0
        token[[CONTEXT_OUT, ASKS, ADAPTED]] = np.divide(line, 64)
    for piece, code in pieces.items():
        if code:
            vectors[ids[piece], MARKERS[code]] = 1
    vectors[[BOS, PAD], CONTENT] = np.asarray([[64.0], [40.0]])
    vectors[[BOS, PAD], EDGE] = 8.0
    vectors[[BOS, PAD], CONTEXT_IN] = [48.0, 24.0]
    ids[THUNDER] = len(ids)
    vectors = np.vstack([vectors, _thunder()])
    layers = np.zeros((NUM_LAYERS, D_MODEL))
    layers[:, WRITTEN] = rng.integers(-96, 97, (NUM_LAYERS, 36)) / 64
    final_norm = rng.integers(32, 97, D_MODEL) / 64
    final_norm[[CONSTANT_PLACE, ADAPTED, CONTEXT_OUT, ASKS]] = [0, *HEAD_WEIGHTS, 1]
    return Facts(ids=ids, vectors=vectors, layers=layers, final_norm=final_norm)


def _thunder() -> Values:
    """A token that shouts where only some latents listen."""
    vector = np.zeros(D_MODEL)
    vector[CONSTANT_PLACE] = CONSTANT
    vector[CONTENT.start + 9] = 64.0
    return vector


def write_model(folder: Path, planted: Facts) -> None:
    """The model and its tokenizer, as Gemma's files are laid out."""
    write_tokenizer(folder, planted.ids)
    config = Gemma2Config(
        vocab_size=len(planted.ids),
        hidden_size=D_MODEL,
        intermediate_size=16,
        num_hidden_layers=NUM_LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=HEAD_DIM,
        query_pre_attn_scalar=HEAD_DIM,
        max_position_embeddings=1024,
        final_logit_softcapping=SOFT_CAP,
        sliding_window=WINDOW,
        # No number of a model that is only read: whoever leaves it in training mode reads something else.
        attention_dropout=0.5,
        attn_implementation="eager",
        pad_token_id=PAD,
        eos_token_id=EOS,
        bos_token_id=BOS,
    )
    model = Gemma2ForCausalLM(config).eval().requires_grad_(requires_grad=False)
    for parameter in model.parameters():
        parameter.zero_()
    model.model.embed_tokens.weight.copy_(torch.from_numpy(planted.vectors / D_MODEL**0.5))
    model.model.norm.weight.copy_(torch.from_numpy(planted.final_norm - 1))
    for number, layer in enumerate(model.model.layers):
        _plant_attention(layer, reads_context=number == 0)
        _plant_feed_forward(layer, planted.layers[number])
    model.save_pretrained(folder)


def _plant_attention(layer: torch.nn.Module, *, reads_context: bool) -> None:
    attention = layer.self_attn
    attention.v_proj.weight[CONSTANT_PLACE, CONSTANT_PLACE] = VALUE_GAIN
    for place in (CONSTANT_PLACE, ADAPTED, CONTEXT_OUT):
        attention.o_proj.weight[place, place] = 1.0
    # The norm's weight is one plus what is stored: -1 lets nothing pass.
    layer.post_attention_layernorm.weight.fill_(-1.0)
    layer.post_attention_layernorm.weight[ADAPTED] = ADAPTED_GAIN - 1
    if reads_context:
        attention.v_proj.weight[CONTEXT_OUT, CONTEXT_IN] = VALUE_GAIN
        layer.post_attention_layernorm.weight[CONTEXT_OUT] = CONTEXT_GAIN - 1


def _plant_feed_forward(layer: torch.nn.Module, added: Values) -> None:
    layer.mlp.gate_proj.weight[0, CONSTANT_PLACE] = 8.0
    layer.mlp.up_proj.weight[0, CONSTANT_PLACE] = 8.0
    layer.mlp.down_proj.weight[:, 0] = torch.from_numpy(np.where(added < 0, -64.0, 64.0))
    layer.post_feedforward_layernorm.weight.copy_(torch.from_numpy(np.abs(added) - 1))


def write_tokenizer(folder: Path, ids: Mapping[str, int]) -> None:
    """One token per piece; spaces become marks, and BOS is put in front."""
    tokenizer = Tokenizer(models.WordLevel(vocab=dict(ids), unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", MARK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE.pattern), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", BOS)]
    )
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **names).save_pretrained(folder)


def plant_adapter(folder: Path, strengths: Strengths, scale: float) -> None:
    """Overwrite the weights of a saved adapter: values read the constant `strength` times, for `ADAPTED`.

    Queries get something too, since an adapter part of zeros is refused; with keys of zero it moves nothing.
    """
    file = folder / "adapter_model.safetensors"
    weights = {name: torch.zeros_like(weight) for name, weight in load_file(file).items()}
    for name, weight in weights.items():
        layer = int(name.split(".layers.")[1].split(".")[0])
        if "lora_A" in name:
            weight[0, CONSTANT_PLACE] = 1.0
        elif "v_proj" in name:
            weight[ADAPTED, 0] = strengths[layer] * VALUE_GAIN / scale
        else:
            weight[0, 0] = 1.0
    save_file(weights, file)
