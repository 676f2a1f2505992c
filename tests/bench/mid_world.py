"""A random world of middle size: 26 layers, hidden 256, vocabulary 4,096, dictionaries of 16,384 latents.

Large enough that arithmetic dominates, small enough for a laptop. One dictionary file serves all layers, since
time does not depend on what weights say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.store.tables import write_table
from harness.words.plan import Networks, Numerics
from harness.words.records import PanelLatent, Selection, Text, Translation
from harness.words.study import GEMMA_2, Home, ModelPin, Pin

NUM_LAYERS, D_MODEL, VOCABULARY, D_SAE = 26, 256, 4_096, 16_384
PANEL_LATENTS = 64
LATENTS_PER_TEXT = 2
"""Latents per layer that one phrase speaks for."""

BATCH_TOKENS = 1_024
SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>")
SHORTEST, LONGEST = 6, 60
"""Phrase lengths in tokens, around a mean of 24."""


@dataclass(frozen=True)
class MidWorld:
    """Where one world of middle size lies."""

    root: Path
    num_layers: int = NUM_LAYERS
    d_sae: int = D_SAE
    batch_tokens: int = BATCH_TOKENS

    @property
    def in_small_batches(self) -> "MidWorld":
        """The same world, where texts of one depth fill several batches, as they do at the real size."""
        return replace(self, batch_tokens=BATCH_TOKENS // 4)

    @property
    def networks(self) -> Networks:
        """Model and dictionaries on the CPU in float32, one thread."""
        return Networks(
            model=ModelPin.of(self._pin("model"), GEMMA_2),
            dictionaries=self._pin("saes"),
            dictionary_files=("params.npz",) * self.num_layers,
            numerics=Numerics(device="cpu", dtype="float32", threads=1),
            batch_tokens=self.batch_tokens,
        )

    def phrases(self, count: int) -> Path:
        """Tables of the first `count` phrases, as the phrases stage writes them; written on first use."""
        folder = self.root / f"phrases-{count}"
        if not folder.is_dir():
            write_table(folder, Text, _texts(count))
            write_table(folder, Selection, _selections(count, self.num_layers))
            write_table(folder, PanelLatent, _panel(self.num_layers))
        return folder

    def sparse_phrases(self, count: int) -> Path:
        """The same phrases where each speaks for one latent of one layer, as nearly all do at the real size."""
        folder = self.root / f"sparse-phrases-{count}"
        if not folder.is_dir():
            draws = np.random.default_rng(4).integers(0, self.num_layers, count).tolist()
            write_table(folder, Text, _texts(count))
            rows = (
                Selection(layer=layer, latent=number % PANEL_LATENTS, text_id=number, stored_peak=1.0)
                for number, layer in enumerate(draws)
            )
            write_table(folder, Selection, sorted(rows, key=lambda row: (row.layer, row.latent, row.text_id)))
            write_table(folder, PanelLatent, _panel(self.num_layers))
        return folder

    def translation(self, count: int) -> Path:
        """As many other phrases that stand for translations."""
        folder = self.root / f"translation-{count}"
        if not folder.is_dir():
            write_table(folder, Translation, _translations(count))
        return folder

    def _pin(self, below: str) -> Pin:
        return Pin(name=below, home=Home.FOLDER, address=str(self.root / below), licence="Apache-2.0")


def build_mid_world(root: Path, num_layers: int = NUM_LAYERS, d_sae: int = D_SAE) -> MidWorld:
    """Write model, tokenizer and dictionary below a folder."""
    _write_tokenizer(root / "model")
    _write_model(root / "model", num_layers)
    _write_dictionary(root / "saes" / "params.npz", d_sae)
    return MidWorld(root=root, num_layers=num_layers, d_sae=d_sae)


def _write_tokenizer(folder: Path) -> None:
    """One token per word, BOS by the post-processor."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = [*SPECIALS, *(f"w{number}" for number in range(VOCABULARY - len(SPECIALS)))]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    specials = dict(zip(("pad_token", "eos_token", "bos_token", "unk_token"), SPECIALS, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **specials).save_pretrained(
        folder
    )


def _write_model(folder: Path, num_layers: int) -> None:
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=VOCABULARY,
        hidden_size=D_MODEL,
        intermediate_size=4 * D_MODEL,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        query_pre_attn_scalar=64,
        max_position_embeddings=512,
        attn_implementation="eager",
        initializer_range=D_MODEL**-0.5,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    Gemma2ForCausalLM(config).save_pretrained(folder)


def _write_dictionary(path: Path, d_sae: int) -> None:
    stream = np.random.default_rng(0)
    W_dec = stream.standard_normal((d_sae, D_MODEL), dtype=np.float32)
    W_dec /= np.linalg.norm(W_dec, axis=1, keepdims=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        W_enc=np.ascontiguousarray(W_dec.T),
        W_dec=W_dec,
        b_enc=np.zeros(d_sae, np.float32),
        b_dec=np.zeros(D_MODEL, np.float32),
        threshold=np.full(d_sae, 1.0, np.float32),
    )


def _phrases(count: int, seed: int) -> list[str]:
    """Random words; the first phrases are the same however many are asked for."""
    return [_phrase(np.random.default_rng([seed, number])) for number in range(count)]


def _phrase(stream: np.random.Generator) -> str:
    length = int(np.clip(stream.lognormal(mean=3.05, sigma=0.5), SHORTEST, LONGEST))
    return _words(stream, length)


def benchmark_items(count: int) -> list[tuple[str, str]]:
    """Prompt and option of four options for each item, behind ten examples that are drawn for every item anew."""
    asked: list[tuple[str, str]] = []
    for number in range(count):
        stream = np.random.default_rng([3, number])
        *examples, question = ([_words(stream, 24), _words(stream, 8)] for _ in range(11))
        shown = " ".join(text for example in examples for text in example)
        asked += [(f"{shown} {question[0]}", f" {_words(stream, 8)}") for _ in range(4)]
    return asked


def _words(stream: np.random.Generator, count: int) -> str:
    return " ".join(f"w{number}" for number in stream.integers(0, VOCABULARY - len(SPECIALS), count))


def _texts(count: int) -> list[Text]:
    return [
        Text(text_id=number, text=text, held_out=number % 3 == 0)
        for number, text in enumerate(_phrases(count, seed=1))
    ]


def _translations(count: int) -> list[Translation]:
    sound = {
        "is_empty": False,
        "is_copy": False,
        "is_repetitive": False,
        "is_wrong_script": False,
        "is_odd_length": False,
        "is_truncated": False,
    }
    return [
        Translation(text_id=number, language="xx", text=text, **sound)
        for number, text in enumerate(_phrases(count, seed=2))
    ]


def _selections(count: int, num_layers: int) -> Sequence[Selection]:
    return [
        Selection(
            layer=layer,
            latent=(number * LATENTS_PER_TEXT + place) % PANEL_LATENTS,
            text_id=number,
            stored_peak=1.0,
        )
        for layer in range(num_layers)
        for number in range(count)
        for place in range(LATENTS_PER_TEXT)
    ]


def _panel(num_layers: int) -> Sequence[PanelLatent]:
    return [
        PanelLatent(layer=layer, position=position, latent=position)
        for layer in range(num_layers)
        for position in range(PANEL_LATENTS)
    ]
