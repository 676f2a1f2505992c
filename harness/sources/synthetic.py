"""Outside things drawn at random on this machine, at true shapes: what a rehearsal loads in place of the real ones.

A pin's address is its recipe, "model?layers=26&width=2304": the same recipe gives the same bytes, and its digest is
the revision. Nothing here resembles language or a trained network; only shapes, sizes and file layouts are true.
"""

import gzip
import io
import json
import random
import re
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from harness.store.files import disk_errors, locked, own_folder, sync
from harness.words.canonical import digest_of
from harness.words.errors import UsageError, choice_error
from harness.words.study import Pin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECIPE = 1
"""Version of everything that this module makes; another one makes all of it anew."""


class Figures(dict[str, int]):
    """Numbers of a recipe by name; of layers how many there are."""

    layers: tuple[int, ...] = ()
    """Which layers are made: as many as a number says, or those that are listed, each with a comma behind it, as in "layers=7,15,"."""

    @classmethod
    def read(cls, query: str) -> "Figures":
        """Those of a recipe.

        Raises:
            ValueError: If one is no whole number, nor a list of layers.
        """
        figures = cls()
        for name, value in parse_qsl(query, strict_parsing=True):
            if name == "layers":
                *listed, last = value.split(",")
                if listed and last:
                    raise ValueError(f"no comma stands behind layer {last}")
                figures.layers = tuple(map(int, listed)) or tuple(range(int(last)))
            figures[name] = len(figures.layers) if name == "layers" else int(value)
        return figures


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

WORD_MARK = "\u2581"

WORDS = tuple(
    re.findall(
        r"\w+",
        "the of and to in is that for was on with by be this from at which have has had but they their his her we you our "
        "were been will would can could should about into when who what there than more if then so as all my these "
        "harbour town river bridge window garden letter market winter summer morning evening music doctor teacher "
        "island mountain forest paper silver copper engine wagon station village kitchen table yellow green quiet early",
    )
)
"""Words of every made text: enough of them are function words of English, so that a text passes for prose."""

SENTENCE_WORDS = 14
ROWS_PER_LATENT = 3
PEAK = 10.0


def synthetic_revision(pin: Pin) -> str:
    """What stands for the content of a made thing: its recipe."""
    return digest_of([RECIPE, pin.address])


def synthetic_folder(pin: Pin) -> Path:
    """Folder that holds the made thing; made now where it is not there yet, whole or not at all.

    Raises:
        UsageError: If the address is no recipe.
        StoreError: If the disk refuses.
    """
    kind, figures = recipe_of(pin)
    folder = own_folder(f"made/{kind}-{synthetic_revision(pin)[:16]}")
    if folder.is_dir():
        return folder
    with locked(folder.with_suffix(".lock")), disk_errors(folder):
        if not folder.is_dir():
            draft = folder.with_name(f".{folder.name}")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            MAKERS[kind][0](draft, figures)
            for path in draft.rglob("*"):
                sync(path)
            draft.rename(folder)
    return folder


def recipe_of(pin: Pin) -> tuple[str, Figures]:
    """Kind and figures of a recipe.

    Raises:
        UsageError: If the address is none.
    """
    kind, _, query = pin.address.partition("?")
    if kind not in MAKERS:
        raise choice_error("kind of made thing", kind, tuple(MAKERS), f"({pin.name})")
    try:
        figures = Figures.read(query)
    except ValueError as error:
        raise UsageError(
            f"{pin.name}: {pin.address!r} is no recipe ({error}); expected a kind and whole numbers, such as "
            "'model?layers=26&width=2304'"
        ) from error
    if wrong := MAKERS[kind][1] ^ figures.keys():
        raise UsageError(
            f"{pin.name}: {', '.join(sorted(wrong))} should not differ; a {kind} takes {sorted(MAKERS[kind][1])}"
        )
    return kind, figures


def make_model(folder: Path, figures: Figures, architecture: str = "gemma2") -> None:
    """A base model in bfloat16 with its tokenizer, whose BOS stands in the post-processor."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    named = {
        "vocabulary": "vocab_size",
        "width": "hidden_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "kv_heads": "num_key_value_heads",
        "head_width": "head_dim",
        "mlp": "intermediate_size",
        "tied": "tie_word_embeddings",
    }
    shapes = {named[name]: figure for name, figure in figures.items()}
    if "gemma" in architecture:
        shapes["query_pre_attn_scalar"] = figures["head_width"]
    config = AutoConfig.for_model(
        architecture, **shapes | {"tie_word_embeddings": figures.get("tied", 1) == 1}
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    finally:
        torch.set_default_dtype(before)
    _write_tokenizer(folder, figures["vocabulary"])


def make_dictionaries(folder: Path, figures: Figures) -> None:
    """One `params.npz` per layer, float32, at `layer_N/params.npz`; decoder rows of unit length."""
    import numpy as np

    for layer in figures.layers:
        path = folder / f"layer_{layer}" / "params.npz"
        path.parent.mkdir(parents=True)
        arrays: dict[str, Any] = {**_sae_arrays(layer, figures)}
        np.savez(path, **arrays, threshold=np.zeros(figures["latents"], dtype=np.float32))


def make_top_k_dictionaries(folder: Path, figures: Figures) -> None:
    """The same without thresholds, one `layerN.sae.pt` per layer, as Qwen-Scope stores them: weights with outputs first."""
    import torch

    for layer in figures.layers:
        arrays = {name: torch.from_numpy(array) for name, array in _sae_arrays(layer, figures).items()}
        weights = {name: arrays[name].T.contiguous() for name in ("W_enc", "W_dec")}
        torch.save({**arrays, **weights}, folder / f"layer{layer}.sae.pt")


def _sae_arrays(layer: int, figures: Figures) -> "dict[str, NDArray[np.float32]]":
    import numpy as np

    width, latents = figures["width"], figures["latents"]
    directions = np.random.default_rng(layer).standard_normal((latents, width), dtype=np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return {
        "W_enc": np.ascontiguousarray(FAINT * directions.T),
        "W_dec": directions,
        "b_enc": np.ones(latents, dtype=np.float32),
        "b_dec": np.zeros(width, dtype=np.float32),
    }


def make_translator(folder: Path, figures: Figures) -> None:
    """A Marian with two small sentencepiece models; its embedding has the true size, most of it never used."""
    import torch
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


def pieces() -> tuple[str, ...]:
    """Vocabulary pieces that made texts are spelled with."""
    return (*(f"{WORD_MARK}{word}" for word in WORDS), ".")


def sentence(rng: random.Random) -> str:
    """Words in a row, with a stop."""
    return " ".join(rng.choice(WORDS) for _ in range(SENTENCE_WORDS)) + "."


def make_export(folder: Path, figures: Figures) -> None:
    """An export with a source named for each layer, "0", "1", ...: `latents` of each have rows of `tokens` pieces.

    Their values are drawn: no model gives them, and the replay gate says so.
    """
    for layer in figures.layers:
        rng = random.Random(f"export/{layer}")  # noqa: S311  a made-up world
        rows = [row for latent in range(figures["latents"]) for row in _rows(rng, latent, figures["tokens"])]
        _write_lines(folder / str(layer) / "activations" / "batch-0.jsonl.gz", rows)


def make_corpus(folder: Path, figures: Figures) -> None:
    """`documents` texts of `sentences` each, in `texts.jsonl`."""
    rng = random.Random("corpus")  # noqa: S311  a made-up world
    rows = (
        {"text": " ".join(sentence(rng) for _ in range(figures["sentences"]))}
        for _ in range(figures["documents"])
    )
    _write_lines(folder / "texts.jsonl", rows)


def make_items(folder: Path, figures: Figures) -> None:
    """`items` questions per split, in the fields of all three Okapi families at once, for every language the same."""
    for split in ("train", "val", "test"):
        rng = random.Random(f"items/{split}")  # noqa: S311  a made-up world
        rows = [_item(rng, f"{split}/{index}") for index in range(figures["items"])]
        _write_lines(folder / "any" / f"{split}.jsonl", rows)


def _rows(rng: random.Random, latent: int, tokens: int) -> Iterable[dict[str, object]]:
    for _ in range(ROWS_PER_LATENT):
        spelled = [piece for _ in range(tokens) for piece in _sentence_pieces(rng)][:tokens]
        values = [round(rng.random(), 3) for _ in spelled]
        # Never on a stop, so that the sentence around the peak is one of words.
        at = rng.choice([place for place, piece in enumerate(spelled) if piece != "."])
        values[at] = round(PEAK - rng.random(), 3)
        yield {
            "index": str(latent),
            "tokens": spelled,
            "values": values,
            "maxValue": values[at],
            "maxValueTokenIndex": at,
        }


def _sentence_pieces(rng: random.Random) -> list[str]:
    return [*(f"{WORD_MARK}{rng.choice(WORDS)}" for _ in range(SENTENCE_WORDS)), "."]


def _item(rng: random.Random, name: str) -> dict[str, object]:
    options = [sentence(rng) for _ in range(4)]
    return {
        "id": name,
        "instruction": sentence(rng),
        **{f"option_{letter}": option for letter, option in zip("abcd", options, strict=True)},
        "option_e": None,
        "answer": rng.choice("ABCD"),
        "activity_label": rng.choice(WORDS),
        "ctx_a": sentence(rng),
        "ctx_b": rng.choice(WORDS),
        "ctx": sentence(rng),
        "endings": options,
        "label": str(rng.randrange(4)),
    }


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


MODEL_FIGURES = frozenset({"vocabulary", "width", "layers", "heads", "kv_heads", "head_width", "mlp"})

MAKERS: Mapping[str, tuple[Callable[[Path, Figures], None], frozenset[str]]] = {
    "model": (make_model, MODEL_FIGURES),
    **{
        architecture: (partial(make_model, architecture=architecture), MODEL_FIGURES | {"tied"})
        for architecture in ("gemma2", "gemma3_text", "llama", "mistral", "qwen3")
    },
    "dictionaries": (make_dictionaries, frozenset({"width", "latents", "layers"})),
    "top-k-dictionaries": (make_top_k_dictionaries, frozenset({"width", "latents", "layers"})),
    "translator": (make_translator, frozenset({"vocabulary", "width", "layers", "heads", "mlp"})),
    "export": (make_export, frozenset({"layers", "latents", "tokens"})),
    "corpus": (make_corpus, frozenset({"documents", "sentences"})),
    "items": (make_items, frozenset({"items"})),
}
"""What makes each kind, and the figures that it is made from."""
