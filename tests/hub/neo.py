"""MAP-Neo in miniature: random models under the true ids, a folder for each checkpoint, and a tokenizer as SentencePiece trained it."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sentencepiece
import torch
from safetensors.torch import save
from transformers import AutoConfig, AutoModelForCausalLM

from claims.neo import pins
from claims.neo.study import STUDY
from harness.words.emergence import EmergenceSizes
from harness.words.study import Profile
from tests.hub.server import Content, Hub, Repository

CORPUS = Path(__file__).parents[2] / "fixtures" / "emergence" / "corpus"
WIDTH, PIECES = 32, 1_500
"""Far narrower than the true models, and as deep."""
CONTROLS = ("<|CLS|>", "<|SEP|>", "<|EOD|>", "<|MASK|>", "<|PAD|>")
"""Behind the pieces; no text has them."""
TOGETHER = 12
"""Phrases of the committed corpus that are one document here, so that it has a window of the true length."""


def small(profile: Profile) -> Profile:
    """A profile at sizes that these models and texts have; what is fetched, and by which stages it passes, is as ever."""
    sizes = profile.sizes
    assert isinstance(sizes, EmergenceSizes)
    primary = STUDY.primary
    return replace(
        profile,
        sizes=replace(
            sizes, spliced_windows=4, integration_windows=12, check_windows=4, batch_tokens=2_048, dtype="float32",
            windows=replace(primary.windows, per_language=120),
            recipe=replace(
                primary.recipe, latents=64, k=8, tokens=6_000, batch_tokens=500, buffer_tokens=2_000, learning_rate=3e-3, warmup_steps=2,
                dtype="float32",
            ),
            classes=replace(primary.classes, min_examples=2),
        ),
    )  # fmt: skip


def neo_hub(*phases: str) -> Hub:
    """The hub with the checkpoints of some phases, or of all."""
    hub = Hub()
    for size, shapes in pins.SHAPES.items():
        files: dict[str, Content] = {
            "README.md": b"card",
            "checkpoint/iter_0002000/mp_rank_00/model_optim_rng.pt": b"0" * 64,
        }
        for seed, phase in enumerate(phases or pins.CHECKPOINTS):
            folder = pins.checkpoint(size, phase).folder
            files |= {f"{folder}/{name}": held for name, held in _checkpoint(shapes.num_layers, seed).items()}
        hub.repositories["models", pins.checkpoint(size, "final").address] = Repository(files=files)
    hub.repositories["models", pins.TOKENIZER.address] = Repository(
        files={"README.md": b"card", "model-00001-of-00003.safetensors": b"0" * 64, **_tokenizer()}
    )
    texts: dict[str, Content] = {}
    for code, like in (("en", "en"), ("zh", "ja")):
        parts = pins.WIKIPEDIA_FILES[code]
        for place, name in enumerate(parts):
            texts[name] = _parquet(documents(like)[place :: len(parts)])
    address = pins.WIKIPEDIA["en"].address
    hub.repositories["datasets", address] = Repository(files={"README.md": b"card", **texts})
    return hub


def documents(code: str) -> list[str]:
    """Documents of one language of the committed miniature; Japanese stands for Chinese, whose letters it shares in part."""
    lines = (CORPUS / f"{code}.jsonl").read_text(encoding="utf-8").splitlines()
    phrases = [json.loads(line)["text"] for line in lines]
    return [" ".join(phrases[place : place + TOGETHER]) for place in range(0, len(phrases), TOGETHER)]


def _checkpoint(num_layers: int, seed: int) -> dict[str, bytes]:
    config = AutoConfig.for_model(
        "llama", vocab_size=PIECES + len(CONTROLS), hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=num_layers,
        num_attention_heads=pins.HEADS, num_key_value_heads=1, tie_word_embeddings=False, max_position_embeddings=4_096,
        bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    weights = {name: weight.contiguous() for name, weight in model.state_dict().items()}
    said = json.loads(config.to_json_string()) | {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16"}
    return {
        "config.json": json.dumps(said).encode(),
        "generation_config.json": b"{}",
        "model.safetensors": save(weights, metadata={"format": "pt"}),
    }


def _tokenizer() -> dict[str, Content]:
    """BPE with byte fallback; its configuration names a class of its own, whose file must not be run."""
    special = ("<unk>", "<s>", "</s>")
    numbered = {**dict(enumerate(special)), **dict(enumerate(CONTROLS, start=PIECES))}
    config = {
        "add_bos_token": False,
        "add_eos_token": False,
        "added_tokens_decoder": {
            str(number): {
                "content": token, "lstrip": False, "normalized": token in special, "rstrip": False, "single_word": False, "special": True,
            }
            for number, token in numbered.items()
        },
        "additional_special_tokens": list(CONTROLS),
        "auto_map": {"AutoTokenizer": ["tokenization_neo.NEOTokenizer", None]},
        "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>",
        "model_max_length": 4_096, "padding_side": "right", "split_special_tokens": False, "tokenizer_class": "NEOTokenizer", "use_fast": False,
    }  # fmt: skip
    return {
        "tokenizer.model": trained_pieces([*documents("en"), *documents("ja")]),
        "tokenizer_config.json": json.dumps(config).encode(),
        "tokenization_neo.py": b"raise SystemExit('code of a repository was run')\n",
    }


def trained_pieces(texts: Sequence[str]) -> bytes:
    """A vocabulary as SentencePiece writes it, for some texts."""
    sink = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_pieces_of(texts), model_writer=sink, model_type="bpe", vocab_size=PIECES, byte_fallback=True, split_digits=True,
        remove_extra_whitespaces=False, normalization_rule_name="identity", unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2,
    )  # fmt: skip
    return sink.getvalue()


def _pieces_of(texts: Sequence[str]) -> Iterator[str]:
    """Texts no longer than the trainer takes."""
    for text in texts:
        yield from (text[start : start + 1_000] for start in range(0, len(text), 1_000))


def _parquet(texts: Sequence[str]) -> bytes:
    sink = io.BytesIO()
    rows = [
        {"id": str(place), "url": "", "title": str(place), "text": text} for place, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()
